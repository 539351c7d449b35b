package local

import (
	"slices"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/engine"
)

// laneLimit bounds what may wait in one lane: the seats of a hundred broadcasts.
// What does not fit is found again by a later sweep.
const laneLimit = 1_000

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

// take moves the first work of the lowest rank that may start into a hand. Work
// equal to one in hand goes on waiting: run beside it, it would find everything
// taken, and what it came to tell would be lost.
func (l *lane) take() (broadcast.Work, bool) {
	if len(l.inHand) >= l.hands {
		return broadcast.Work{}, false
	}
	i := -1
	for n, w := range l.order {
		if !l.inHand[w] && (i < 0 || engine.Rank(w) < engine.Rank(l.order[i])) {
			i = n
		}
	}
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
