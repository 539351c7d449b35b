package local_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/engine"
	"github.com/fanfare/fanfare/engine/enginetest"
	"github.com/fanfare/fanfare/engine/local"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestEngine(t *testing.T) {
	t.Parallel()
	enginetest.Suite(t, func(*testing.T) enginetest.Harness {
		return enginetest.Harness{
			Replicas: 1,
			New:      func(t *testing.T, o engine.Options) broadcast.Engine { return newEngine(t, o) },
		}
	})
}

func newEngine(t *testing.T, o engine.Options) *local.Engine {
	t.Helper()
	e, err := local.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func send(n int) broadcast.Work {
	return broadcast.Work{Kind: broadcast.KindSend, BroadcastID: "b1", Seat: n}
}

// River may drop this wake-up; here it must not be.
func TestAWakeUpForWorkInHandIsKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := newEngine(t, engine.Options{})
		ctx, cancel := context.WithCancel(t.Context())
		runs, atOnce := 0, 0
		go func() {
			if err := e.Run(ctx, func(context.Context, broadcast.Work) error {
				runs++
				if atOnce++; atOnce > 1 {
					t.Error("equal work ran beside itself")
				}
				<-time.After(time.Second)
				atOnce--
				return nil
			}); err != nil {
				t.Error(err)
			}
		}()
		for range 3 {
			if err := e.Enqueue(ctx, send(1)); err != nil {
				t.Fatal(err)
			}
			synctest.Wait() // the first is in hand, the second waits, the third is the second
		}
		<-time.After(10 * time.Second)
		cancel()
		synctest.Wait()
		if runs != 2 {
			t.Errorf("done %d times, not twice", runs)
		}
	})
}

func TestPeriodicWorkKeepsItsPeriodToTheTick(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sweep := broadcast.Work{Kind: broadcast.KindSweep}
		e := newEngine(t, engine.Options{Periodic: []broadcast.Periodic{{Work: sweep, Every: time.Minute}}})
		ctx, cancel := context.WithCancel(t.Context())
		runs := 0
		go func() {
			_ = e.Run(ctx, func(context.Context, broadcast.Work) error { runs++; return nil })
		}()
		<-time.After(10*time.Minute + time.Second)
		cancel()
		synctest.Wait()
		if runs != 11 {
			t.Errorf("came round %d times in ten minutes and at the start, not 11", runs)
		}
	})
}

func TestAFullLaneDropsAndGoesOn(t *testing.T) {
	t.Parallel()
	e := newEngine(t, engine.Options{})
	works := make([]broadcast.Work, 1_050)
	for i := range works {
		works[i] = send(i)
	}
	if err := e.Enqueue(t.Context(), works...); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan int, len(works))
	ran := make(chan error, 1)
	go func() {
		ran <- e.Run(ctx, func(_ context.Context, w broadcast.Work) error { done <- w.Seat; return nil })
	}()
	for range 1_000 {
		<-done
	}
	if err := e.Enqueue(ctx, send(20_000)); err != nil {
		t.Fatal(err)
	}
	if n := <-done; n != 20_000 {
		t.Errorf("chunk %d was kept beyond the bound", n)
	}
	cancel()
	if err := <-ran; err != nil {
		t.Error(err)
	}
}

func TestAPeriodThatCannotWorkIsRefused(t *testing.T) {
	t.Parallel()
	sweep := broadcast.Work{Kind: broadcast.KindSweep}
	for name, p := range map[string]broadcast.Periodic{
		"none":    {Work: sweep},
		"short":   {Work: sweep, Every: time.Millisecond},
		"unknown": {Work: broadcast.Work{Kind: "dance"}, Every: time.Hour},
	} {
		if _, err := local.New(engine.Options{Periodic: []broadcast.Periodic{p}}); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
