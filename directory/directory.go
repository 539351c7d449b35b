package directory

import (
	"context"
	"log/slog"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/person"
	"github.com/fanfare/fanfare/graph"
)

// People is what the ledger remembers of the directory.
type People interface {
	// SavePeople stores patches and, if given, the cursor, in one transaction. Absent
	// fields are left as they are.
	SavePeople(ctx context.Context, patches []person.Patch, at *person.Cursor) error
	// Cursor is where reading stands; the zero Cursor before the first read.
	Cursor(ctx context.Context) (person.Cursor, error)
	// EndRound ends a full read: people not seen in at.Round are deleted, and at is
	// stored, in one transaction.
	EndRound(ctx context.Context, at person.Cursor) error
	// KnownPeople is those of ids that are stored, in any order.
	KnownPeople(ctx context.Context, ids []broadcast.EntraID) ([]broadcast.Recipient, error)
}

// Managers is what the ledger remembers of who reports to whom.
type Managers interface {
	// ManagerCursor is where reading stands; the zero one before the first read.
	ManagerCursor(ctx context.Context) (person.ManagerCursor, error)
	// SaveManagers stores a page together with the cursor that has passed it, in one
	// transaction. Who is not on a page keeps the manager they had.
	SaveManagers(ctx context.Context, page []person.Report, at person.ManagerCursor) error
	// SyncEnded stores why a sync failed, in a sentence; "" for it did not.
	SyncEnded(ctx context.Context, problem string) error
}

// Ledger is what a Directory remembers things in.
type Ledger interface {
	People
	Managers
}

// TeamsPlans are the service plans that let a person use Teams: commercial, GCC
// High, DoD (protocol G.2). Others, such as Teams Essentials, are configured.
func TeamsPlans() []string {
	return []string{
		"57ff2da0-773e-42df-b2af-ffb7a2317929",
		"9953b155-8aef-4c56-92f3-72b0487fce41",
		"fd500458-c24c-478e-856c-a6067a8376cd",
	}
}

// Options is what a Directory is made of.
type Options struct {
	Graph  *graph.Client
	People Ledger
	Plans  []string // service plan IDs that count as a Teams licence; nil for TeamsPlans
	// ManagersEvery is how old what is known of managers may become. Default 6 h: a
	// read costs a request for each 999 people.
	ManagersEvery time.Duration
	// Backoff is the first pause after passing trouble that names none; it doubles.
	// Default 1 s.
	Backoff time.Duration
	Now     func() time.Time
	Log     *slog.Logger
}

// Directory reads people and groups from Graph.
type Directory struct {
	graph   *graph.Client
	people  Ledger
	plans   map[string]bool
	every   time.Duration // managers
	backoff time.Duration
	now     func() time.Time
	log     *slog.Logger
}

// New makes a Directory. It makes no call.
func New(o Options) *Directory {
	d := &Directory{graph: o.Graph, people: o.People, plans: map[string]bool{}, every: o.ManagersEvery, backoff: o.Backoff, now: o.Now, log: o.Log}
	if o.Plans == nil {
		o.Plans = TeamsPlans()
	}
	for _, p := range o.Plans {
		d.plans[folded(p)] = true
	}
	if d.every <= 0 {
		d.every = 6 * time.Hour
	}
	if d.backoff <= 0 {
		d.backoff = time.Second
	}
	if d.now == nil {
		d.now = time.Now
	}
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	return d
}

// How long passing trouble is borne within one read before it is returned. The
// cursor keeps what was read, so giving up costs little.
const (
	maxTries = 5
	maxPause = 2 * time.Minute
)

// page reads one page of people, with patience.
func (d *Directory) page(ctx context.Context, r graph.Request) (page *graph.Page[*graphPerson], err error) {
	err = d.patiently(ctx, func() error {
		page, err = graph.GetPage[*graphPerson](ctx, d.graph, r, newPerson)
		return err
	})
	return page, err
}

// patiently makes one request, again if need be: throttling and passing trouble are
// waited out as Graph asks, up to a limit.
func (d *Directory) patiently(ctx context.Context, request func() error) error {
	pause := d.backoff
	for try := 1; ; try++ {
		err := request()
		if err == nil {
			return nil
		}
		f := broadcast.AsFault(err)
		if f.Class == broadcast.Permanent || try == maxTries || ctx.Err() != nil {
			return err
		}
		wait := max(pause, f.RetryAfter)
		if wait > maxPause {
			return err
		}
		d.log.WarnContext(ctx, "Graph asks for patience", "fault", f, "wait", wait, "try", try)
		if err := sleep(ctx, wait); err != nil {
			return err
		}
		pause *= 2
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
