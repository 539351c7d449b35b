// Package sse streams what changes to a page that is looked at: server-sent events,
// only when there is news, at most one a second. A stream belongs to its request: no
// goroutine outlives it.
package sse

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

const (
	tick      = time.Second      // a stream never says more than this often
	heartbeat = 15 * time.Second // keeps proxies from cutting a quiet stream
	// life ends a stream from our side; the browser comes back by itself, and
	// the session is looked at again.
	life = 10 * time.Minute
)

// News is what a stream has to say now, as JSON. The last one ends it.
type News struct {
	Data any
	Last bool
}

// Stream sends events until the person leaves, the server stops, or nothing more
// will change. An error of the first reading is returned before the first byte, to be
// told like any other; of a later one, with begun true: the browser tries again.
func Stream(w http.ResponseWriter, r *http.Request, stopping <-chan struct{}, read func(context.Context) (News, error)) (begun bool, err error) {
	ctx := r.Context()
	now, err := read(ctx)
	if err != nil {
		return false, err
	}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // a proxy that gathers bytes would make progress jump
	rc := http.NewResponseController(w)
	w.WriteHeader(http.StatusOK)
	s := &speaker{w: w, flush: rc.Flush, hurry: rc.SetWriteDeadline}
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	end := time.NewTimer(life)
	defer end.Stop()
	for {
		if err := s.say(now); err != nil || now.Last {
			return true, nil // they left, or there is nothing more to tell
		}
		select {
		case <-ctx.Done():
			return true, nil
		case <-stopping:
			return true, nil
		case <-end.C:
			return true, nil
		case <-ticker.C:
		}
		if now, err = read(ctx); err != nil {
			if ctx.Err() != nil {
				return true, nil
			}
			return true, err
		}
	}
}

// speaker writes events, but only what is new.
type speaker struct {
	w     http.ResponseWriter
	flush func() error
	hurry func(time.Time) error // the limit of the next words
	told  []byte
	quiet int // ticks without a word
}

func (s *speaker) say(n News) error {
	raw, err := json.Marshal(n.Data)
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
		if n.Last {
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
