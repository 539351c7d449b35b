package broadcast

import (
	"context"
	"errors"
	"time"
)

// Kind is a kind of work the engine hands out.
type Kind string

// The kinds of work. Each is a function over the ledger.
const (
	KindResolve Kind = "resolve" // turn a broadcast's audience into deliveries
	KindSend    Kind = "send"    // send a broadcast's chunks, one after another, for a while
	KindCancel  Kind = "cancel"  // mark what a cancelled broadcast left as cancelled
	KindExpire  Kind = "expire"  // mark what a broadcast did not reach in time as expired
	KindRetry   Kind = "retry"   // make failed deliveries ready again
	KindLate    Kind = "late"    // take people in who got the app after the list was frozen
	KindInstall Kind = "install" // install the bot for those who are wanted, for a while
	KindRoster  Kind = "roster"  // read who is in teams, for a while
	KindUpkeep  Kind = "upkeep"  // see whether installations are as the ledger says, for a while
	KindSync    Kind = "sync"    // read the directory's changes
	KindSweep   Kind = "sweep"   // ask the ledger what has nobody, and move on what is due
	KindClean   Kind = "clean"   // forget what is no longer needed
)

// Kinds is every kind, for the engines to register.
func Kinds() []Kind {
	return []Kind{KindResolve, KindSend, KindCancel, KindExpire, KindRetry, KindLate, KindInstall, KindRoster, KindUpkeep, KindSync, KindSweep, KindClean}
}

// Seats is how many hands may send one broadcast at a time in the whole
// installation. More than one replica has for a lane (so that the others go on at
// once when one dies), and few, because they all draw from one budget.
const Seats = 8

// Work is a reference to something to do, never a truth: it may be lost, doubled
// or run twice without harm, because whoever does it reads the ledger first.
type Work struct {
	Kind        Kind
	BroadcastID ID       // for all but install, roster, upkeep, sync, sweep and clean
	Seat        int      // for send: 1 to Seats; for install: 0 or 1
	Priority    Priority // for send: the broadcast's, which chooses the lane
}

// ErrMore is what a Do returns that did its share and leaves more: the engine puts
// the work back behind everything that waits in its lane.
var ErrMore = errors.New("there is more to do")

// ErrNotYet is what a Do returns whose turn has not come: something else has to end
// first. It is no failure; the sweep asks again.
var ErrNotYet = errors.New("not yet")

// Periodic is work that comes round by itself, once per period in the whole
// installation, and once at start.
type Periodic struct {
	Work  Work
	Every time.Duration
}

// Do does one piece of work. It returns when ctx is done at the latest. An error
// (ErrMore and ErrNotYet apart) is logged; the next sweep finds what is left, so an
// engine need not retry.
type Do func(ctx context.Context, w Work) error

// Engine decides who does which piece of work, and when.
type Engine interface {
	// Enqueue asks for work to be done soon. Equal work that already waits is not doubled.
	Enqueue(ctx context.Context, works ...Work) error
	// Run does work until ctx is done, then waits for what is in hand.
	Run(ctx context.Context, do Do) error
}
