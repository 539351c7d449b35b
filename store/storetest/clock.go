package storetest

import (
	"sync"
	"testing"
	"time"

	"github.com/fanfare/fanfare/store"
)

// Clock is a store's clock that stands still until it is moved on.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock stands at a full second.
func NewClock() *Clock {
	return &Clock{now: time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC)}
}

// Now is the time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Pass moves the clock on.
func (c *Clock) Pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// EachAt is Each with a clock of the test's own.
func EachAt(t *testing.T, f func(t *testing.T, st *store.Store, clock *Clock)) {
	t.Helper()
	for _, kind := range Kinds() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			clock := NewClock()
			f(t, Open(t, DSN(t, kind), clock.Now), clock)
		})
	}
}
