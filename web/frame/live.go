package frame

import (
	"context"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/web/sse"
)

// Stream answers with events until there is nothing more to tell.
func (f *Frame) Stream(c *gin.Context, read func(context.Context) (sse.News, error)) error {
	begun, err := sse.Stream(c.Writer, c.Request, f.o.Stopping, read)
	if begun && err != nil {
		f.o.Log.WarnContext(c.Request.Context(), "live stream ended", "path", c.FullPath(), "error", err)
		return nil
	}
	return err
}

// Glance keeps for a moment what many pages look at and what costs a look at the
// ledger: the rollout's figures, how Teams slows us down.
type Glance[T any] struct {
	read func(context.Context, broadcast.Actor) (T, error)
	now  func() time.Time
	mu   sync.Mutex
	at   time.Time
	kept T
}

// NewGlance looks with read.
func NewGlance[T any](read func(context.Context, broadcast.Actor) (T, error), now func() time.Time) *Glance[T] {
	return &Glance[T]{read: read, now: now}
}

// Look reads what is at most maxAge old. Whoever comes meanwhile waits for the one
// who reads.
func (g *Glance[T]) Look(ctx context.Context, a broadcast.Actor, maxAge time.Duration) (T, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.at.IsZero() && g.now().Sub(g.at) < maxAge {
		return g.kept, nil
	}
	v, err := g.read(ctx, a)
	if err != nil {
		return v, err
	}
	g.kept, g.at = v, g.now()
	return v, nil
}
