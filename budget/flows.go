package budget

import (
	"slices"

	"github.com/fanfare/fanfare/broadcast"
)

// waiter is somebody in a queue. Who holds the budget's lock and takes a waiter
// out of its queue tells it something, once.
type waiter struct {
	flow *flow
	told chan error
	slot slot // what it was given
}

// flow is a queue of those who wait for the same.
type flow struct {
	Flow
	waiting []*waiter
	start   float64 // the share of the budget it has had, by weight; see flows
}

// flows share by weight: start-time fair queueing. Each request moves its flow on
// by one over its weight, and the flow that is furthest behind is next. One that
// was away comes back where the others are: nobody saves up. Price: a look at each
// flow per request; there are a few.
type flows struct {
	all     map[Flow]*flow
	now     float64
	waiting int
}

func (q *flows) join(f Flow) *waiter {
	if q.all == nil {
		q.all = map[Flow]*flow{}
	}
	in := q.all[f]
	if in == nil {
		in = &flow{Flow: f}
		q.all[f] = in
	}
	if len(in.waiting) == 0 {
		in.start = max(in.start, q.now)
	}
	w := &waiter{flow: in, told: make(chan error, 1)}
	in.waiting = append(in.waiting, w)
	q.waiting++
	return w
}

// leave takes a waiter out of its queue; false if it was told something before.
func (q *flows) leave(w *waiter) bool {
	i := slices.Index(w.flow.waiting, w)
	if i < 0 {
		return false
	}
	w.flow.waiting = slices.Delete(w.flow.waiting, i, i+1)
	q.waiting--
	return true
}

// next takes out whose turn it is; nil if nobody waits.
func (q *flows) next() *waiter {
	var first *flow
	for key, f := range q.all {
		if len(f.waiting) == 0 {
			if f.start <= q.now {
				delete(q.all, key) // nothing is left to remember of it
			}
			continue
		}
		if first == nil || f.before(first) {
			first = f
		}
	}
	if first == nil {
		return nil
	}
	q.now = first.start
	first.start += 1 / float64(first.Priority.Weight())
	w := first.waiting[0]
	first.waiting = slices.Delete(first.waiting, 0, 1)
	q.waiting--
	return w
}

func (f *flow) before(g *flow) bool {
	if f.start != g.start {
		return f.start < g.start
	}
	if a, b := f.Priority.Weight(), g.Priority.Weight(); a != b {
		return a > b
	}
	return f.Key < g.Key
}

// pressing is the highest priority of those who wait, and how many have it.
func (q *flows) pressing() (most broadcast.Priority, n int) {
	weight := 0
	for _, f := range q.all {
		switch w := f.Priority.Weight(); {
		case len(f.waiting) == 0 || w < weight:
		case w > weight:
			most, weight, n = f.Priority, w, len(f.waiting)
		default:
			n += len(f.waiting)
		}
	}
	return most, n
}

// tell lets everybody who waits know of an error, or that they may pass.
func (q *flows) tell(err error) {
	for _, f := range q.all {
		for _, w := range f.waiting {
			w.told <- err
		}
		f.waiting = nil
	}
	q.waiting = 0
}
