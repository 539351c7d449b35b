package tenant

import (
	"sync"
	"sync/atomic"
)

// watchers tells open windows that a chat changed. The fan-out pays one atomic
// load when nobody watches.
type watchers struct {
	open atomic.Int64
	mu   sync.Mutex
	byID map[int]map[chan struct{}]struct{}
}

// Watch returns a channel that receives a value (coalesced) whenever person n's
// chat changes, and a function that ends it.
func (t *Tenant) Watch(n int) (changes <-chan struct{}, stop func()) {
	w := &t.watch
	ch := make(chan struct{}, 1)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.byID == nil {
		w.byID = map[int]map[chan struct{}]struct{}{}
	}
	if w.byID[n] == nil {
		w.byID[n] = map[chan struct{}]struct{}{}
	}
	w.byID[n][ch] = struct{}{}
	w.open.Add(1)
	return ch, func() { w.stop(n, ch) }
}

func (w *watchers) stop(n int, ch chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.byID[n], ch)
	if len(w.byID[n]) == 0 {
		delete(w.byID, n)
	}
	w.open.Add(-1)
}

func (w *watchers) changed(n int) {
	if w.open.Load() == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for ch := range w.byID[n] {
		select {
		case ch <- struct{}{}:
		default: // a change is already waiting to be seen
		}
	}
}
