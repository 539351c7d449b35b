package meter

import (
	"sync"
	"time"
)

// Window admits at most a number of events in any stretch of time of a given
// length: the strictest reading of "requests per second". Admitting costs O(1):
// an event may pass if the one limit places before it has left the window.
type Window struct {
	mu     sync.Mutex
	length int64
	ring   []int64
	next   int
}

// NewWindow returns a window of that length.
func NewWindow(length time.Duration) *Window { return &Window{length: int64(length)} }

// Take admits an event at now under the limit, or tells how long it would have
// to wait. A limit of 0 or less admits everything. Refused events count only
// with refused: then whoever keeps knocking is never let in (protocol F.7).
func (w *Window) Take(now time.Time, limit int, refused bool) (wait time.Duration, ok bool) {
	if limit <= 0 {
		return 0, true
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.ring) != limit {
		w.resize(limit)
	}
	at := now.UnixNano()
	if oldest := w.ring[w.next]; oldest != 0 && at-oldest < w.length {
		wait = time.Duration(w.length - (at - oldest))
	}
	if wait == 0 || refused {
		w.ring[w.next] = at
		w.next = (w.next + 1) % limit
	}
	return wait, wait == 0
}

// resize keeps the latest events, so that turning the dial gives nobody a
// second helping.
func (w *Window) resize(limit int) {
	ring := make([]int64, limit)
	for i := range min(limit, len(w.ring)) { // from the latest backwards
		ring[limit-1-i] = w.ring[(w.next-1-i+2*len(w.ring))%len(w.ring)]
	}
	w.ring, w.next = ring, 0
}

// Peak remembers the largest number of events in any one second.
type Peak struct {
	mu    sync.Mutex
	times []int64 // queue: the events of the last second
	head  int
	most  int
}

// Add counts an event.
func (p *Peak) Add(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := now.UnixNano()
	for p.head < len(p.times) && at-p.times[p.head] >= int64(time.Second) {
		p.head++
	}
	if p.head > 4096 && p.head*2 > len(p.times) {
		p.times = append(p.times[:0], p.times[p.head:]...)
		p.head = 0
	}
	p.times = append(p.times, at)
	p.most = max(p.most, len(p.times)-p.head)
}

// Most returns the peak so far.
func (p *Peak) Most() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.most
}

// Reset forgets the peak.
func (p *Peak) Reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.times, p.head, p.most = nil, 0, 0
}
