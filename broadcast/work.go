package broadcast

import (
	"context"
	"time"
)

// Kind is a kind of work the engine hands out.
type Kind string

// The kinds of work. Each is a function over the ledger.
const (
	KindResolve Kind = "resolve" // turn a broadcast's audience into deliveries
	KindSend    Kind = "send"    // send one chunk
	KindCancel  Kind = "cancel"  // mark what a cancelled broadcast left as cancelled
	KindInstall Kind = "install" // install the bot for those who are wanted, for a while
	KindSync    Kind = "sync"    // read the directory's changes
	KindSweep   Kind = "sweep"   // ask the ledger what has nobody, and move on what is due
	KindClean   Kind = "clean"   // forget what is no longer needed
)

// Kinds is every kind, for the engines to register.
func Kinds() []Kind {
	return []Kind{KindResolve, KindSend, KindCancel, KindInstall, KindSync, KindSweep, KindClean}
}

// Work is a reference to something to do, never a truth: it may be lost, doubled
// or run twice without harm, because whoever does it reads the ledger first.
type Work struct {
	Kind        Kind
	BroadcastID ID  // for resolve, send, cancel
	Chunk       int // for send
}

// Periodic is work that comes round by itself, once per period in the whole
// installation, and once at start.
type Periodic struct {
	Work  Work
	Every time.Duration
}

// Do does one piece of work. It returns when ctx is done at the latest. An error
// is logged; the next sweep finds what is left, so an engine need not retry.
type Do func(ctx context.Context, w Work) error

// Engine decides who does which piece of work, and when.
type Engine interface {
	// Enqueue asks for work to be done soon. Equal work that already waits is not doubled.
	Enqueue(ctx context.Context, works ...Work) error
	// Run does work until ctx is done, then waits for what is in hand.
	Run(ctx context.Context, do Do) error
}
