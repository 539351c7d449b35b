package enginetest

import (
	"context"
	"sync"
	"testing"

	"github.com/fanfare/fanfare/broadcast"
)

// order is a Do that writes down who came after whom.
type order struct {
	mu   sync.Mutex
	runs []broadcast.Work
}

func (o *order) note(w broadcast.Work) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.runs = append(o.runs, w)
	return len(o.runs)
}

// before tells whether a was first done before b was first done.
func (o *order) before(a, b broadcast.Work) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, w := range o.runs {
		if w == a || w == b {
			return w == a
		}
	}
	return false
}

func seat(id broadcast.ID, n int, p broadcast.Priority) broadcast.Work {
	return broadcast.Work{Kind: broadcast.KindSend, BroadcastID: id, Seat: n, Priority: p}
}

func moreGoesBehind(t *testing.T, h Harness) {
	e := h.New(t, oneHand())
	long, short := seat("b1", 1, broadcast.PriorityNormal), seat("b2", 1, broadcast.PriorityNormal)
	enqueue(t, e, long)
	enqueue(t, e, short)
	var o order
	longs, done := 0, make(chan struct{})
	start(t, e, func(_ context.Context, w broadcast.Work) error {
		o.note(w)
		if w == short {
			return nil
		}
		switch longs++; longs { // one hand: nobody else counts
		case 1, 2:
			return broadcast.ErrMore
		case 3:
			close(done)
		}
		return nil
	})
	receive(t, done, "the third run")
	if o.runs[1] != short {
		t.Errorf("the order was %v: the short one had to wait for all of the long one", o.runs)
	}
}

func urgentDoesNotWait(t *testing.T, h Harness) {
	e := h.New(t, oneHand())
	begun, goOn, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
	defer close(goOn)
	urgent := seat("b9", 1, broadcast.PriorityUrgent)
	start(t, e, func(_ context.Context, w broadcast.Work) error {
		if w == urgent {
			close(done)
			return nil
		}
		close(begun)
		<-goOn
		return nil
	})
	enqueue(t, e, seat("b1", 1, broadcast.PriorityBulk))
	receive(t, begun, "the bulk broadcast to be in hand")
	enqueue(t, e, urgent)
	receive(t, done, "the urgent one, while the bulk one is still in hand")
}

func firstSeatsFirst(t *testing.T, h Harness) {
	e := h.New(t, oneHand())
	last, first := seat("b1", broadcast.Seats, ""), seat("b2", 1, "")
	enqueue(t, e, last)
	enqueue(t, e, first)
	d, o := newDiary(), order{}
	start(t, e, func(ctx context.Context, w broadcast.Work) error {
		o.note(w)
		return d.do(ctx, w)
	})
	d.waitFor(t, first, last)
	if !o.before(first, last) {
		t.Error("the eighth seat of one broadcast came before the first of another")
	}
}
