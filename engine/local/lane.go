package local

import (
	"slices"

	"github.com/fanfare/fanfare/broadcast"
)

// laneLimit bounds what may wait in one lane: some 10,000 chunks are several
// million people. What does not fit is found again by a later sweep.
const laneLimit = 10_000

// lane is the work of one kind: what waits, in order, and what is in hand.
// It is guarded by its engine's mutex.
type lane struct {
	hands   int
	order   []broadcast.Work
	waiting map[broadcast.Work]bool
	inHand  map[broadcast.Work]bool
}

func newLane(hands int) *lane {
	return &lane{hands: hands, waiting: map[broadcast.Work]bool{}, inHand: map[broadcast.Work]bool{}}
}

// add lets w wait, once; false if the lane is full.
func (l *lane) add(w broadcast.Work) bool {
	if l.waiting[w] {
		return true
	}
	if len(l.order) >= laneLimit {
		return false
	}
	l.waiting[w] = true
	l.order = append(l.order, w)
	return true
}

// take moves the first work that may start into a hand. Work equal to one in hand
// goes on waiting: run beside it, it would find everything taken, and what it came
// to tell would be lost.
func (l *lane) take() (broadcast.Work, bool) {
	if len(l.inHand) >= l.hands {
		return broadcast.Work{}, false
	}
	i := slices.IndexFunc(l.order, func(w broadcast.Work) bool { return !l.inHand[w] })
	if i < 0 {
		return broadcast.Work{}, false
	}
	w := l.order[i]
	l.order = slices.Delete(l.order, i, i+1)
	delete(l.waiting, w)
	l.inHand[w] = true
	return w, true
}

func (l *lane) done(w broadcast.Work) { delete(l.inHand, w) }
