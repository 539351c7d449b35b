package budget

import (
	"slices"
	"time"

	"github.com/fanfare/fanfare/pace"
)

// ledgerClock translates times of the database's clock into this replica's, which
// only ever goes on. Each answer of the ledger bounds the difference: its time was
// read after the question was sent and before the answer came. The bounds of many
// answers are narrower than any one's.
type ledgerClock struct {
	zero     time.Time // of this process, with its monotonic reading
	low, top time.Duration
	at       time.Time // when the bounds were last looked at
}

const (
	// clockStep is how coarse a database tells the time (SQLite: milliseconds).
	clockStep = time.Millisecond
	// clockDrift is how far two clocks go apart, per time passed: generously.
	clockDrift = 1.0 / 5000
)

func (c *ledgerClock) learn(sent, got time.Time, ledger int64) {
	if c.zero.IsZero() {
		c.zero = sent
	}
	l := time.Duration(ledger) * time.Microsecond
	low, top := sent.Sub(c.zero)-l-clockStep, got.Sub(c.zero)-l
	if !c.at.IsZero() {
		drift := time.Duration(float64(got.Sub(c.at)) * clockDrift)
		l, t := max(low, c.low-drift), min(top, c.top+drift)
		if l <= t { // otherwise a clock was set: what was known is of no use
			low, top = l, t
		}
	}
	c.low, c.top, c.at = low, top, got
}

func (c *ledgerClock) local(ledger int64) time.Time {
	return c.zero.Add(time.Duration(ledger)*time.Microsecond + (c.low+c.top)/2)
}

// slot is a moment at which one request may begin.
type slot struct {
	at           time.Time
	used, before time.Time // when it and the one before it were used
}

// block is a lease in hand: n slots from at on, of which next is the first that is
// neither used nor gone.
type block struct {
	at         time.Time
	gap        time.Duration
	n, next    int
	first, end int64 // on the database's clock
	lapsed     int
}

func (b *block) slot(i int) time.Time { return b.at.Add(time.Duration(i) * b.gap) }

// hand is what this replica has leased and not used.
type hand struct {
	// One over Microsoft's limit. Requests are due no closer, and timers that differ
	// bring them no closer than half of it.
	least  time.Duration
	alone  bool // nobody else's slots are near
	blocks []block
	back   []slot // given to somebody who left
	// When the last request was made, but for timers that are a little late: those that
	// come after it need not be late as well. due is that of the next.
	last, due time.Time
	// yield is how many slots of the last lease found somebody, and full whether all did.
	yield int
	full  bool
}

// add takes a lease in hand.
func (h *hand) add(s pace.Slots, at time.Time) {
	gap := time.Duration(s.Gap) * time.Microsecond
	h.blocks = append(h.blocks, block{at: at, gap: gap, n: s.N, first: s.First, end: s.First + int64(s.N)*s.Gap})
}

// next is when the next slot may be used; false if there is none. Slots that are
// gone by now are let go.
func (h *hand) next(now time.Time) (due time.Time, ok bool) {
	for len(h.back) > 0 {
		if s := h.back[0]; now.Sub(s.at) <= h.patience(h.least) {
			h.due = later(s.at, h.last.Add(h.least))
			return h.due, true
		}
		h.back = h.back[1:]
	}
	for len(h.blocks) > 0 {
		b := &h.blocks[0]
		for ; b.next < b.n; b.next++ {
			if due, ok := h.usable(b.slot(b.next), b.gap, now); ok {
				h.due = due
				return due, true
			}
			b.lapsed++
		}
		h.close()
	}
	return time.Time{}, false
}

// usable is when a slot may be used; false if it is gone by now.
//
// Late slots come closer to those after them, and Microsoft's second has room for
// that: limit slots take longer than a second, by 64 ms at 47 and a limit of 50.
// A third of that may go; the rest is left to timers and the network. A slot that is later is gone: who slept
// must not catch up in a burst, into other replicas' slots.
//
// A replica that is alone may be later, if it then keeps a distance at which the
// limit is never reached, whatever comes before and after.
func (h *hand) usable(slot time.Time, gap time.Duration, now time.Time) (due time.Time, ok bool) {
	due = later(slot, h.last.Add(h.least))
	late := later(due, now).Sub(slot)
	if late <= h.patience(gap) {
		return due, true
	}
	return later(slot, h.last.Add(h.least+h.least/20)), h.alone && late <= alonePatience
}

// patience is how late a slot may be used. One gap is the least, or somebody who is
// always a little late would get nothing.
func (h *hand) patience(gap time.Duration) time.Duration {
	room := time.Duration(float64(gap)/float64(h.least)*float64(time.Second)) - time.Second
	return max(gap, h.least, min(room/3, maxPatience))
}

const (
	maxPatience   = 100 * time.Millisecond
	alonePatience = time.Second
)

// use takes the slot that next told of.
func (h *hand) use(now time.Time) slot {
	s := slot{at: now, before: h.last}
	h.last = later(h.due, now.Add(-h.least/2))
	s.used = h.last
	if len(h.back) > 0 {
		h.back = h.back[1:]
		return s
	}
	b := &h.blocks[0]
	s.at = b.slot(b.next)
	if b.next++; b.next == b.n {
		h.close()
	}
	return s
}

// unuse takes a slot back from somebody who made no request.
func (h *hand) unuse(s slot) {
	h.back = append(h.back, s)
	if h.last.Equal(s.used) {
		h.last = s.before
	}
}

// close forgets a block that is over.
func (h *hand) close() {
	b := h.blocks[0]
	h.yield, h.full = b.n-b.lapsed, b.lapsed == 0
	h.blocks = h.blocks[1:]
}

// drop lets go of every slot before a time.
func (h *hand) drop(before time.Time) {
	h.back = nil
	for len(h.blocks) > 0 {
		b := &h.blocks[0]
		for b.next < b.n && b.slot(b.next).Before(before) {
			b.next++
		}
		if b.next < b.n {
			return
		}
		h.blocks = h.blocks[1:]
	}
}

// end is when the last slot is over.
func (h *hand) end() (end time.Time, ok bool) {
	if len(h.blocks) == 0 {
		return time.Time{}, false
	}
	b := h.blocks[len(h.blocks)-1]
	return b.slot(b.n), true
}

// unused is how many slots are still of use.
func (h *hand) unused(now time.Time) int {
	h.next(now)
	n := len(h.back)
	for _, b := range h.blocks {
		n += b.n - b.next
	}
	return n
}

// share is part of a hand that can go back: blocks that follow each other without a
// gap and end with the last lease.
type share struct {
	blocks     []block
	first, end int64
}

// takeUnused takes the largest such share out of the hand; false if there is none.
func (h *hand) takeUnused(now time.Time) (s share, ok bool) {
	h.next(now) // what is gone cannot go back
	for i := len(h.blocks) - 1; i >= 0; i-- {
		b := h.blocks[i]
		if s.blocks == nil {
			s.end = b.end
		} else if b.end != s.first {
			break
		}
		s.first = b.end - int64(b.n-b.next)*b.gap.Microseconds()
		s.blocks = h.blocks[i:]
	}
	h.blocks = h.blocks[:len(h.blocks)-len(s.blocks)]
	return s, len(s.blocks) > 0
}

// keep takes a share back that could not be returned.
func (h *hand) keep(s share) {
	h.blocks = slices.Concat(h.blocks, s.blocks)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
