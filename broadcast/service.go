package broadcast

import (
	"context"
	"log/slog"
	"time"
)

// Broadcasts is what the ledger remembers of broadcasts.
type Broadcasts interface {
	// Create stores a new broadcast (revision 1) and its first Move.
	Create(ctx context.Context, b *Broadcast, m Move) error
	// Broadcast reads one with its tally; *Error NotFound if there is none.
	Broadcast(ctx context.Context, id ID) (*Broadcast, error)
	// Change stores a move by compare-and-set; see Change.
	Change(ctx context.Context, c Change) (*Broadcast, error)
	// List reads a page, newest first.
	List(ctx context.Context, q ListQuery) (ListPage, error)
	// History reads the audit trail of one broadcast, oldest first.
	History(ctx context.Context, id ID) ([]Move, error)
}

// Change is one move: stored only if the broadcast still has Before's state and
// revision, else *Error Conflict and nothing is stored. The audit line is written
// and Works are handed to the engine in the same transaction. The stored revision
// is Before's plus one.
type Change struct {
	Before *Broadcast
	After  *Broadcast
	Move   Move
	Works  []Work
	// Child is a broadcast that begins with this move (a recall), stored with its own
	// first Move in the same transaction; nil for none.
	Child     *Broadcast
	ChildMove Move
}

// ListQuery asks for a page of broadcasts. Text matches anywhere in the title,
// case folded.
type ListQuery struct {
	States []State // nil for all
	Target ID      // only corrections and recalls of this one; "" for all
	Shelf  Shelf
	Text   string
	After  ID // ID of the last row seen
	Limit  int
}

// ListPage is one page; Next is the After of the following one, "" at the end.
type ListPage struct {
	Broadcasts []Broadcast
	Next       ID
}

// Deliveries is what the ledger remembers of who gets what, for reading.
type Deliveries interface {
	// Recipients reads one page.
	Recipients(ctx context.Context, q RecipientQuery) (RecipientPage, error)
	// Reasons counts a broadcast's deliveries by state and reason, only those with a reason.
	Reasons(ctx context.Context, id ID) ([]ReasonCount, error)
	// Standing reads only what changes: cheap enough for every second.
	Standing(ctx context.Context, id ID) (Standing, error)
	// Attempts reads the failed tries at one delivery, oldest first.
	Attempts(ctx context.Context, id ID, delivery int64) ([]Attempt, error)
	// Canary counts the first wave: how it stands by itself. Zero without one.
	Canary(ctx context.Context, id ID) (Tally, error)
}

// Reaches says how far an audience would come, without storing anything.
type Reaches interface {
	// Reach counts an audience whose parts were gathered for no particular owner.
	Reach(ctx context.Context, a Audience) (Reach, error)
	// DirectoryAt is when the directory was last read to its end; zero for never.
	DirectoryAt(ctx context.Context) (time.Time, error)
}

// Watch is what the ledger shows of the work.
type Watch interface {
	Deliveries
	Halts
}

// Ledger is everything the use-cases need of the store.
type Ledger interface {
	Broadcasts
	Watch
	Reaches
	People
}

// Guard refuses moves to people whom a broadcast's author may not reach (package scope).
type Guard interface {
	Allows(ctx context.Context, a Actor, ev Event, b *Broadcast) error
}

// Config is what the service is made of.
type Config struct {
	Guard     Guard // nil bounds nobody
	Ledger    Ledger
	Directory Directory
	Messenger Messenger
	Links     Links // which addresses a message may carry
	Now       func() time.Time
	Log       *slog.Logger
}

// Service holds the use-cases: everything people and machines can ask of
// Fanfare. Both doors take it; every rule is applied here, not in a door.
type Service struct {
	guard     Guard
	ledger    Ledger
	directory Directory
	messenger Messenger
	links     Links
	now       func() time.Time
	log       *slog.Logger
}

// NewService makes the use-cases.
func NewService(c Config) *Service {
	return &Service{guard: c.Guard, ledger: c.Ledger, directory: c.Directory, messenger: c.Messenger, links: c.Links, now: c.Now, log: c.Log}
}
