package broadcast

import (
	"context"
	"time"
)

// Halt is a stop of everything, because Teams refuses the bot as such: nothing is
// sent for anybody until an admin has mended the cause and lifts it.
type Halt struct {
	ID       int64
	Reason   Reason
	Code     string // Microsoft's
	Detail   string
	At       time.Time
	LiftedAt time.Time // zero while it stands
	LiftedBy ActorRef
}

// Brake is how far the Connector slows everybody down right now.
type Brake struct {
	PausedUntil time.Time // nothing is sent before; zero or past for no pause
	Outage      bool      // because Teams does not answer as it should
	Slowed      float64   // share of the allowance that is held back after a 429, 0 to 1
}

// Attempt is one failed try at a delivery; what succeeded is in the delivery itself.
type Attempt struct {
	Number    int
	At        time.Time
	Status    int // HTTP status; 0 for a network error
	Code      string
	Detail    string
	MaybeSent bool
}

// Halts is what the ledger remembers of stops and brakes.
type Halts interface {
	// Halt reads the halt that stands; nil if none does.
	Halt(ctx context.Context) (*Halt, error)
	// SetHalt stores a halt, unless one stands already.
	SetHalt(ctx context.Context, h Halt) error
	// LiftHalt ends the halt that stands; *Error Conflict if none does.
	LiftHalt(ctx context.Context, by ActorRef, at time.Time) error
	// Brake reads how far the Connector slows us down.
	Brake(ctx context.Context) (Brake, error)
}

// Standing is where a broadcast stands, read cheaply enough for every second.
type Standing struct {
	State     State
	Tally     Tally
	Wave      int
	Expected  int
	Listed    bool // the list of recipients is complete
	Retrying  bool // failed people are being made ready again
	LateCount int
}

// Over tells whether nothing is left to send, now that everybody is on the list.
func (s Standing) Over() bool {
	return s.State == Sending && s.Listed && !s.Retrying && s.Tally.Left() == 0
}
