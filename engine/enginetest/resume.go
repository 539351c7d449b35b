package enginetest

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/engine"
)

// ledger is the truth the engines' work refers to: which chunks are left.
type ledger struct {
	mu   sync.Mutex
	left map[broadcast.Work]bool
}

func (l *ledger) unfinished() []broadcast.Work {
	l.mu.Lock()
	defer l.mu.Unlock()
	var works []broadcast.Work
	for w := range l.left {
		works = append(works, w)
	}
	return works
}

func (l *ledger) finish(w broadcast.Work) (left int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.left, w)
	return len(l.left)
}

// foundAgain stops a replica in the middle of twenty chunks; nothing tells the next
// one of them but the sweep at its start.
func foundAgain(t *testing.T, h Harness) {
	l := &ledger{left: map[broadcast.Work]bool{}}
	for n := range 20 {
		l.left[chunk(n)] = true
	}
	half, all := make(chan struct{}), make(chan struct{})
	replica := func() func() {
		o := oneHand()
		o.Periodic = []broadcast.Periodic{{Work: only(broadcast.KindSweep), Every: time.Second}}
		e := h.New(t, o)
		return start(t, e, func(ctx context.Context, w broadcast.Work) error {
			if w.Kind == broadcast.KindSweep {
				return e.Enqueue(ctx, l.unfinished()...)
			}
			switch l.finish(w) {
			case 10:
				close(half)
				<-ctx.Done() // the stop comes while this one is in hand
			case 0:
				close(all)
			}
			return nil
		})
	}
	stop := replica()
	receive(t, half, "half of the chunks")
	stop()
	if n := len(l.unfinished()); n != 10 {
		t.Fatalf("%d chunks are left after the stop, not 10", n)
	}
	replica()
	receive(t, all, "the other half")
}

// takenUp: nobody sweeps here, so that only the engine can know.
func takenUp(t *testing.T, h Harness) {
	if h.Doom == nil {
		return // in one process nobody is left to take it up: see foundAgain
	}
	h.Doom(t, chunk(1))
	killed := time.Now()
	d := newDiary()
	start(t, h.New(t, engine.Options{}), d.do)
	select {
	case <-d.done:
		t.Logf("taken up %s after the kill", time.Since(killed).Round(time.Second/10))
	case <-time.After(time.Minute):
		t.Fatal("a minute after the kill the work is still nobody's")
	}
}
