package enginetest

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/engine"
)

func everyKindIsDone(t *testing.T, h Harness) {
	e := h.New(t, engine.Options{})
	d := newDiary()
	before := []broadcast.Work{chunk(1), chunk(2), only(broadcast.KindSync)}
	enqueue(t, e, before...)
	enqueue(t, e) // nothing is nothing
	start(t, e, d.do)
	after := []broadcast.Work{chunk(3)}
	for _, k := range broadcast.Kinds() {
		after = append(after, broadcast.Work{Kind: k, BroadcastID: "b8"})
	}
	enqueue(t, e, after...)
	d.waitFor(t, append(before, after...)...)
}

func equalWaitingIsNotDoubled(t *testing.T, h Harness) {
	e := h.New(t, oneHand())
	enqueue(t, e, chunk(1), chunk(1), chunk(2))
	enqueue(t, e, chunk(1))
	enqueue(t, e, chunk(2), chunk(3)) // one hand: 3 is the last
	d := newDiary()
	start(t, e, d.do)
	d.waitFor(t, chunk(3))
	for _, w := range []broadcast.Work{chunk(1), chunk(2)} {
		if n := d.count(w); n != 1 {
			t.Errorf("chunk %d was done %d times, not once", w.Seat, n)
		}
	}
}

func wakeUpWhileRunning(t *testing.T, h Harness) {
	e := h.New(t, engine.Options{})
	began, goOn := make(chan struct{}, 100), make(chan struct{})
	start(t, e, func(context.Context, broadcast.Work) error {
		began <- struct{}{}
		<-goOn
		return nil
	})
	enqueue(t, e, chunk(1))
	receive(t, began, "the first run")
	enqueue(t, e, chunk(1)) // an engine may drop this one …
	close(goOn)
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for deadline := time.After(patience); ; {
		select {
		case <-began:
			return
		case <-again.C:
			enqueue(t, e, chunk(1)) // … but not those after the run, which the sweep makes
		case <-deadline:
			t.Fatal("there was no second run")
		}
	}
}

func handsAreBounded(t *testing.T, h Harness) {
	e := h.New(t, engine.Options{Hands: map[broadcast.Kind]int{broadcast.KindSend: 2}})
	var inHand, most atomic.Int32
	d, together := newDiary(), make(chan struct{})
	start(t, e, func(ctx context.Context, w broadcast.Work) error {
		n := inHand.Add(1)
		defer inHand.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		// The two of a pair meet here: so both hands are used.
		select {
		case together <- struct{}{}:
		case <-together:
		case <-ctx.Done():
		}
		return d.do(ctx, w)
	})
	works := []broadcast.Work{chunk(1), chunk(2), chunk(3), chunk(4), chunk(5), chunk(6)}
	enqueue(t, e, works...)
	d.waitFor(t, works...)
	if most.Load() != 2 {
		t.Errorf("%d chunks were in hand at a time, not 2", most.Load())
	}
}

func kindsDoNotWait(t *testing.T, h Harness) {
	e := h.New(t, oneHand())
	d, goOn := newDiary(), make(chan struct{})
	begun := make(chan struct{}, 10)
	defer close(goOn)
	start(t, e, func(ctx context.Context, w broadcast.Work) error {
		if w.Kind == broadcast.KindInstall || w.Kind == broadcast.KindClean {
			begun <- struct{}{}
			<-goOn
		}
		return d.do(ctx, w)
	})
	enqueue(t, e, only(broadcast.KindInstall), only(broadcast.KindClean))
	receive(t, begun, "the install to begin")
	receive(t, begun, "the clean to begin")
	enqueue(t, e, chunk(1), only(broadcast.KindSweep), broadcast.Work{Kind: broadcast.KindCancel, BroadcastID: "b7"})
	d.waitFor(t, chunk(1), only(broadcast.KindSweep), broadcast.Work{Kind: broadcast.KindCancel, BroadcastID: "b7"})
}

func oncePerPeriod(t *testing.T, h Harness) {
	const rounds = 4
	o := engine.Options{Periodic: []broadcast.Periodic{{Work: only(broadcast.KindSweep), Every: time.Second}}}
	d := newDiary()
	for range h.Replicas {
		start(t, h.New(t, o), d.do)
	}
	receive(t, d.done, "the round at the start")
	first := time.Now()
	for range rounds - 1 {
		receive(t, d.done, "the next round")
	}
	// Late is allowed on a busy machine; more often is not.
	if took := time.Since(first); took < (rounds-1)*time.Second-700*time.Millisecond {
		t.Errorf("%d rounds of a second took only %s", rounds, took)
	}
}

func stopFinishes(t *testing.T, h Harness) {
	o := oneHand()
	o.Timeout = map[broadcast.Kind]time.Duration{broadcast.KindSend: time.Hour} // only the stop ends it
	e := h.New(t, o)
	began, told, goOn := make(chan struct{}), make(chan struct{}), make(chan struct{})
	var finished atomic.Bool
	stop := start(t, e, func(ctx context.Context, w broadcast.Work) error {
		if w != chunk(1) {
			t.Errorf("chunk %d was begun after the stop", w.Seat)
		}
		close(began)
		<-ctx.Done()
		close(told)
		<-goOn
		finished.Store(true)
		return nil
	})
	enqueue(t, e, chunk(1), chunk(2))
	receive(t, began, "the work to begin")
	stopped := make(chan struct{})
	go func() { defer close(stopped); stop() }()
	receive(t, told, "the work to be told of the stop")
	select {
	case <-stopped:
		t.Error("Run returned with work in hand")
	case <-time.After(200 * time.Millisecond): // it had every chance to
	}
	close(goOn)
	receive(t, stopped, "Run to return")
	if !finished.Load() {
		t.Error("Run returned before the work in hand was finished")
	}
}

func failuresHarmNobody(t *testing.T, h Harness) {
	e := h.New(t, oneHand())
	d := newDiary()
	start(t, e, func(ctx context.Context, w broadcast.Work) error {
		_ = d.do(ctx, w)
		switch w.Seat {
		case 1:
			var none []int
			none[w.Seat]++ // a bug, as they come
		case 2:
			return errors.New("chunk 2 does not go")
		}
		return nil
	})
	enqueue(t, e, chunk(1), chunk(2), chunk(3))
	d.waitFor(t, chunk(1), chunk(2), chunk(3))
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for deadline := time.After(patience); d.count(chunk(1)) < 2 || d.count(chunk(2)) < 2; {
		select {
		case <-again.C:
			enqueue(t, e, chunk(1), chunk(2)) // as the sweep would
		case <-deadline:
			t.Fatal("what failed could not be tried again")
		}
	}
}

func timeIsUp(t *testing.T, h Harness) {
	o := oneHand()
	o.Timeout = map[broadcast.Kind]time.Duration{broadcast.KindSend: 100 * time.Millisecond}
	e := h.New(t, o)
	d, causes := newDiary(), make(chan error, 1)
	start(t, e, func(ctx context.Context, w broadcast.Work) error {
		if w == chunk(1) {
			<-ctx.Done()
			causes <- ctx.Err()
			return ctx.Err()
		}
		return d.do(ctx, w)
	})
	enqueue(t, e, chunk(1), chunk(2))
	if err := receive(t, causes, "the time to be up"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the work was told %v", err)
	}
	d.waitFor(t, chunk(2))
}

func unknownRefused(t *testing.T, h Harness) {
	e := h.New(t, engine.Options{})
	if err := e.Enqueue(t.Context(), chunk(1), only("dance")); err == nil {
		t.Error("work nobody does was taken in")
	}
}

func oneHand() engine.Options {
	o := engine.Options{Hands: map[broadcast.Kind]int{}}
	for _, k := range broadcast.Kinds() {
		o.Hands[k] = 1
	}
	return o
}
