package pace

import (
	"time"

	"github.com/fanfare/fanfare/broadcast"
)

// SlotAsk is what a replica asks of the tenant's allowance of one family of calls.
type SlotAsk struct {
	Family   string
	Rate     float64 // requests per second when nothing is amiss
	Want     int
	Lead     time.Duration      // how long the answer may be on its way: no slot is sooner
	Priority broadcast.Priority // of the most pressing who waits there
	Crowd    bool               // and so many of them wait that others should stand back
}

// Slots are N moments, Gap apart, at each of which one request may begin. Times are
// the database's clock in microseconds. With N 0 nothing was granted, and asking
// again is of use after Wait.
type Slots struct {
	Now, First, Gap int64
	N               int
	Wait            time.Duration
	Strain          Strain
}

// PauseAsk is what makes everybody wait.
type PauseAsk struct {
	For    time.Duration // as long as a 429 asked; 0 if it named no time
	Again  bool          // hardly anything passed since the last pause
	Outage bool          // not asked for by anybody: nothing is answered as it should be
}

// Strain is how a family's allowance is held back by 429s and outages.
type Strain struct {
	Paused   time.Duration // how long nobody may make any request; 0 for no pause
	Outage   bool          // the pause is for an outage's sake
	Slow     float64       // the part of the rate that is held back now, below 1
	SlowLeft time.Duration // how long until the rate is whole again
	SlowFor  time.Duration // for how long it has not been whole
}

// BudgetState is what people are shown of a family's allowance.
type BudgetState struct {
	Family    string
	Rate      float64 // requests per second as configured; 0 for no limit
	Effective float64 // what 429s leave of it now; 0 while paused, and without a limit
	// Zero if it is not so.
	PausedUntil, SlowedSince time.Time
}
