package river

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// sameAgain is how long River's telling the same thing again is not news. While the
// database is gone, every lane tells so several times a second.
const sameAgain = 30 * time.Second

// quiet lets River's warnings and errors through, each now and then: its info tells
// of every start, its debug of every fetch.
func quiet(log *slog.Logger) *slog.Logger {
	return slog.New(warnings{log.Handler(), &told{at: map[string]time.Time{}}})
}

type warnings struct {
	slog.Handler
	told *told
}

func (w warnings) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelWarn && w.Handler.Enabled(ctx, l)
}

func (w warnings) Handle(ctx context.Context, r slog.Record) error {
	if !w.told.news(r.Message, r.Time) {
		return nil
	}
	return w.Handler.Handle(ctx, r)
}

func (w warnings) WithAttrs(a []slog.Attr) slog.Handler {
	return warnings{w.Handler.WithAttrs(a), w.told}
}

func (w warnings) WithGroup(n string) slog.Handler {
	return warnings{w.Handler.WithGroup(n), w.told}
}

// told is what was told last when.
type told struct {
	mu sync.Mutex
	at map[string]time.Time
}

func (t *told) news(text string, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if last, ok := t.at[text]; ok && now.Sub(last) < sameAgain {
		return false
	}
	if len(t.at) >= 100 { // River's texts are constants; an error might be among them
		clear(t.at)
	}
	t.at[text] = now
	return true
}
