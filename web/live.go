package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/broadcast"
)

const (
	tick      = time.Second      // a stream never says more than this often
	heartbeat = 15 * time.Second // keeps proxies from cutting a quiet stream
	// streamLife ends a stream from our side; the browser comes back by itself, and
	// the session is looked at again.
	streamLife = 10 * time.Minute
)

// news is what a stream has to say now. The last one ends it.
type news struct {
	data any
	last bool
}

// stream sends server-sent events until the person leaves, the server stops, or
// nothing more will change. It belongs to the request: no goroutine outlives it.
func (d *Door) stream(c *gin.Context, read func(context.Context) (news, error)) error {
	ctx := c.Request.Context()
	first, err := read(ctx)
	if err != nil {
		return err // before the first byte: an ordinary answer
	}
	h := c.Writer.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // a proxy that gathers bytes would make progress jump
	rc := http.NewResponseController(c.Writer)
	c.Status(http.StatusOK)
	s := &sse{w: c.Writer, flush: rc.Flush, hurry: rc.SetWriteDeadline}
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	end := time.NewTimer(streamLife)
	defer end.Stop()
	for now := first; ; {
		if err := s.say(now); err != nil || now.last {
			return nil // they left, or there is nothing more to tell
		}
		select {
		case <-ctx.Done():
			return nil
		case <-d.o.Stopping:
			return nil
		case <-end.C:
			return nil
		case <-ticker.C:
		}
		if now, err = read(ctx); err != nil {
			return d.streamFailed(c, err)
		}
	}
}

// streamFailed ends a stream that can no longer read; the browser tries again.
func (d *Door) streamFailed(c *gin.Context, err error) error {
	if c.Request.Context().Err() == nil {
		d.o.Log.WarnContext(c.Request.Context(), "live stream ended", "path", c.FullPath(), "error", err)
	}
	return nil
}

// sse writes events, but only what is new.
type sse struct {
	w     http.ResponseWriter
	flush func() error
	hurry func(time.Time) error // the limit of the next words
	told  []byte
	quiet int // ticks without a word
}

func (s *sse) say(n news) error {
	raw, err := json.Marshal(n.data)
	if err != nil {
		return err
	}
	// Whoever does not read must not be waited for; the stream as a whole has no end.
	if err := s.hurry(time.Now().Add(heartbeat)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	switch {
	case !bytes.Equal(raw, s.told):
		name := "progress"
		if n.last {
			name = "last"
		}
		_, err = fmt.Fprintf(s.w, "retry: 2000\nevent: %s\ndata: %s\n\n", name, raw)
		s.told, s.quiet = raw, 0
	case s.quiet >= int(heartbeat/tick):
		_, err = fmt.Fprint(s.w, ": still here\n\n")
		s.quiet = 0
	default:
		s.quiet++
		return nil
	}
	return errors.Join(err, s.flush())
}

// glance keeps the rollout's figures for a moment: they cost a count over
// everybody, and many pages look at the same ones.
type glance struct {
	read func(context.Context, broadcast.Actor) (broadcast.Rollout, error)
	now  func() time.Time
	mu   sync.Mutex
	at   time.Time
	kept broadcast.Rollout
}

// look reads figures at most maxAge old. Whoever comes meanwhile waits for the
// one who counts.
func (g *glance) look(ctx context.Context, a broadcast.Actor, maxAge time.Duration) (broadcast.Rollout, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.at.IsZero() && g.now().Sub(g.at) < maxAge {
		return g.kept, nil
	}
	r, err := g.read(ctx, a)
	if err != nil {
		return broadcast.Rollout{}, err
	}
	g.kept, g.at = r, g.now()
	return r, nil
}
