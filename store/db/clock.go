package db

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

const (
	readEvery = 5 * time.Second
	// catchUp is how often the clock is read, and clockStep how far it moves at most
	// each time, while it is more than that away from the database's. Leases are kept
	// every second or so and last half a minute: none runs out because the clock of the
	// database's machine was set, or the machine slept.
	catchUp   = time.Second
	clockStep = 10 * time.Second
	slowRead  = time.Second // an answer that took longer says too little
)

// clock is the database's, as one process knows it: what it was at the last
// reading, and the time since, by the steady clock that nobody can set. So all
// replicas agree on it within milliseconds, whatever their own clocks say.
type clock struct {
	mu   sync.Mutex // of those who set it
	last atomic.Pointer[reading]
}

type reading struct {
	at time.Time // ours, with its steady part
	db time.Time
}

func (c *clock) now() time.Time {
	r := c.last.Load()
	if r == nil {
		return time.Now()
	}
	return r.db.Add(time.Since(r.at))
}

// set takes a reading up and tells whether the clock is right now.
func (c *clock) set(r reading) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	last, right := c.last.Load(), true
	if last != nil {
		known := last.db.Add(r.at.Sub(last.at))
		switch off := r.db.Sub(known); {
		case off > clockStep:
			r.db, right = known.Add(clockStep), false
		case off < -clockStep:
			r.db, right = known.Add(-clockStep), false
		}
	}
	c.last.Store(&r)
	return right
}

// readClock asks the database for the time. The middle of the question is taken
// for the moment of the answer.
func (d *DB) readClock(ctx context.Context) (right bool, err error) {
	var micros int64
	began := time.Now()
	if _, err := d.Read(ctx).Scan(&micros, "SELECT "+d.Clock, nil); err != nil {
		return true, err
	}
	took := time.Since(began)
	if took > slowRead && d.clock.last.Load() != nil {
		return true, nil
	}
	return d.clock.set(reading{at: began.Add(took / 2), db: time.UnixMicro(micros).UTC()}), nil
}

// runClock reads the clock until ctx is done. A database that does not answer
// leaves it running.
func (d *DB) runClock(ctx context.Context) {
	for wait := readEvery; ; {
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		wait = readEvery
		if right, err := d.readClock(ctx); err == nil && !right {
			wait = catchUp
			d.log.WarnContext(ctx, "the database's clock was set; following it step by step", "now", d.clock.now())
		}
	}
}
