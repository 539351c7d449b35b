package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/fanfare/fanfare/broadcast"
)

// ErrPanic is wrapped by the error Guard makes of a panic.
var ErrPanic = errors.New("work panicked")

// Guard wraps do: each piece gets its kind's time, a panic becomes an error that
// wraps ErrPanic, and every failure is logged once, with the work. A failure while
// ctx ends is expected and only told at debug level: the next replica goes on.
func (o Options) Guard(do broadcast.Do) broadcast.Do {
	log := o.Logger()
	return func(ctx context.Context, w broadcast.Work) (err error) {
		began := time.Now()
		timed, cancel := context.WithTimeout(ctx, o.TimeoutOf(w.Kind))
		defer cancel()
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("%w: %v", ErrPanic, p)
				log.ErrorContext(ctx, "work panicked", attr(w), slog.Any("panic", p), slog.String("stack", string(debug.Stack())))
				return
			}
			switch {
			case err == nil, errors.Is(err, broadcast.ErrMore):
			case errors.Is(err, broadcast.ErrNotYet):
				err = nil // the sweep asks again
			case ctx.Err() != nil:
				log.DebugContext(ctx, "work was stopped", attr(w), slog.Any("error", err))
			default:
				log.ErrorContext(ctx, "work failed", attr(w), slog.Duration("after", time.Since(began)), slog.Any("error", err))
			}
		}()
		return do(timed, w)
	}
}

// attr names a piece of work in a log line.
func attr(w broadcast.Work) slog.Attr {
	return slog.Group("work", slog.String("kind", string(w.Kind)),
		slog.String("broadcast", string(w.BroadcastID)), slog.Int("seat", w.Seat))
}
