package engine_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/engine"
)

func TestEveryFailureIsLoggedOnceWithItsWork(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		stopped bool
		do      broadcast.Do
		wants   []string // in the log; none for silence
	}{
		{"success", false, func(context.Context, broadcast.Work) error { return nil }, nil},
		{"error", false, func(context.Context, broadcast.Work) error { return errors.New("no luck") }, []string{"work failed", "no luck"}},
		{"panic", false, func(_ context.Context, w broadcast.Work) error { _ = []int{}[w.Seat]; return nil }, []string{"work panicked", "index out of range", "engine_test.go"}},
		{"stop", true, func(ctx context.Context, _ broadcast.Work) error { return ctx.Err() }, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			o := engine.Options{Log: slog.New(slog.NewTextHandler(&log, nil))}
			ctx, cancel := context.WithCancel(t.Context())
			if c.stopped {
				cancel()
			}
			defer cancel()
			err := o.Guard(c.do)(ctx, broadcast.Work{Kind: broadcast.KindSend, BroadcastID: "b7", Seat: 12})
			if (err == nil) != (c.name == "success") {
				t.Errorf("returned %v", err)
			}
			if errors.Is(err, engine.ErrPanic) != (c.name == "panic") {
				t.Errorf("returned %v", err)
			}
			if len(c.wants) == 0 && log.Len() > 0 {
				t.Errorf("logged %s", log.String())
			}
			if len(c.wants) > 0 && strings.Count(log.String(), "\n") != 1 {
				t.Errorf("logged not one line but %q", log.String())
			}
			for _, want := range append(c.wants, "work.kind=send", "work.broadcast=b7", "work.seat=12") {
				if len(c.wants) > 0 && !strings.Contains(log.String(), want) {
					t.Errorf("%q is missing in %s", want, log.String())
				}
			}
		})
	}
}

func TestEveryKindHasHandsAndATime(t *testing.T) {
	t.Parallel()
	o := engine.Options{
		Hands:   map[broadcast.Kind]int{broadcast.KindInstall: 7, broadcast.KindSync: -1},
		Timeout: map[broadcast.Kind]time.Duration{broadcast.KindInstall: time.Hour},
	}
	for _, k := range broadcast.Kinds() {
		if o.HandsOf(k) < 1 || o.TimeoutOf(k) < time.Second {
			t.Errorf("%s: %d hands for %s", k, o.HandsOf(k), o.TimeoutOf(k))
		}
	}
	if o.HandsOf(broadcast.KindInstall) != 7 || o.TimeoutOf(broadcast.KindInstall) != time.Hour {
		t.Error("what was set does not count")
	}
}
