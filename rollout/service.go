package rollout

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/pace"
)

// Ledger is what is remembered of the rollout as a whole.
type Ledger interface {
	// Plan reads what was decided; the rings have no counts.
	Plan(ctx context.Context) (Plan, error)
	// Rollout counts how far it has come.
	Rollout(ctx context.Context) (Rollout, error)
	// SetRollout stores the admin's decision by compare-and-set on the state (*Error
	// Conflict), with an audit line. Going on makes the refused wanted again and opens
	// what was held; without any ring but the last it opens that.
	SetRollout(ctx context.Context, from, to broadcast.RolloutState, by broadcast.ActorRef, at time.Time) error
	// Installations reads one page of people.
	Installations(ctx context.Context, q broadcast.InstallQuery) (broadcast.InstallPage, error)
	// RolloutMoves reads the last lines of the audit, newest first.
	RolloutMoves(ctx context.Context, limit int) ([]Move, error)
}

// RingMove is one move of a ring: stored only if it still is where it was, else *Error
// Conflict, and so with the rollout. A ring that is held pauses it, one that opens lets
// it run.
type RingMove struct {
	Ring Ring                   // as it was read
	From broadcast.RolloutState // as it was read
	Rule Rule
	Note string
	Why  string // of a rollout that pauses
	By   broadcast.ActorRef
	At   time.Time
}

// Rings is what is remembered of rings.
type Rings interface {
	// SetRings puts other rings in the place of those that wait, the last one included, if
	// nothing changed since the revision (*Error Conflict).
	SetRings(ctx context.Context, revision int64, waiting []Ring, by broadcast.ActorRef, at time.Time) error
	// MoveRing stores a move, with its line of the audit.
	MoveRing(ctx context.Context, m RingMove) error
	// QuietRing notes since when everybody in an open ring was tried.
	QuietRing(ctx context.Context, id string, since time.Time) error
	// RefillRing begins to take in who is in an opened ring by now, as it was read for
	// Owner; with a problem it only notes why that cannot be.
	RefillRing(ctx context.Context, id, problem string) error
	// FillRings makes those wanted who are in opened rings, for at most so long, if the
	// rollout runs. It goes on where it was left, whoever left it.
	FillRings(ctx context.Context, most time.Duration) (more bool, err error)
}

// Counting is what the ledger can count. Each is a pass over people.
type Counting interface {
	// CountWaiting counts who is in each of some rings that wait, in their order, and in
	// none that was opened. Their parts were gathered for no particular owner.
	CountWaiting(ctx context.Context, rings []Ring) ([]Counts, error)
	// CountBy counts by department or country, those with most trouble first.
	CountBy(ctx context.Context, field string) ([]Share, error)
	// Ends counts who came to an end in each of some stretches of time up to now, oldest
	// first. Price: a range of an index.
	Ends(ctx context.Context, stretches int, each time.Duration) ([]int, error)
}

// Samples is what is remembered of how far it was when.
type Samples interface {
	// TakeLook tells whether it is this replica's turn to count, which is never twice in
	// a span, nor while nothing changes.
	TakeLook(ctx context.Context, span time.Duration) (bool, error)
	// SaveSample keeps how it stood, unless it stood so before, and when the next look may be.
	SaveSample(ctx context.Context, s Sample, next time.Time) error
	// Samples reads them from a time on, and the last one before it.
	Samples(ctx context.Context, from time.Time) ([]Sample, error)
}

// Config is what the service is made of.
type Config struct {
	Ledger    Ledger
	Rings     Rings
	Counting  Counting
	Samples   Samples
	Directory broadcast.Directory
	Now       func() time.Time
	Log       *slog.Logger
}

// Service holds the use-cases, and what the engine does by itself.
type Service struct {
	c Config

	mu     sync.Mutex
	glance Rollout
	at     time.Time
	cost   time.Duration
	tried  map[string]time.Time // when a ring was last tried to be opened by itself
}

// NewService makes the use-cases.
func NewService(c Config) *Service { return &Service{c: c, tried: map[string]time.Time{}} }

func may(a broadcast.Actor, roles ...broadcast.Role) error {
	if a.Has(roles...) {
		return nil
	}
	return broadcast.Errorf(broadcast.Forbidden, "Your role does not allow that. Ask somebody with the role Admin.")
}

// Rollout counts how far the installation has come.
func (s *Service) Rollout(ctx context.Context, a broadcast.Actor) (Rollout, error) {
	if err := may(a, broadcast.Roles()...); err != nil {
		return Rollout{}, err
	}
	return s.c.Ledger.Rollout(ctx)
}

// lookShare is how many times longer than counting takes counts are gone by: whoever
// looks at live figures, they take no more than that part of the database's time.
const lookShare = 20

// Glance is Rollout for those who look every second: as old as counting is dear.
func (s *Service) Glance(ctx context.Context, a broadcast.Actor) (Rollout, error) {
	if err := may(a, broadcast.Roles()...); err != nil {
		return Rollout{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.c.Now()
	if !s.at.IsZero() && now.Sub(s.at) < lookShare*s.cost {
		plan, err := s.c.Ledger.Plan(ctx)
		if err != nil || plan.Revision == s.glance.Revision && plan.State == s.glance.State {
			return s.glance, err
		}
	}
	r, err := s.c.Ledger.Rollout(ctx)
	if err == nil {
		s.glance, s.at, s.cost = r, now, s.c.Now().Sub(now)
	}
	return r, err
}

// Installations reads one page of people and how the bot stands at them.
func (s *Service) Installations(ctx context.Context, a broadcast.Actor, q broadcast.InstallQuery) (broadcast.InstallPage, error) {
	if err := may(a, broadcast.Roles()...); err != nil {
		return broadcast.InstallPage{}, err
	}
	if q.Limit <= 0 || q.Limit > 500 {
		q.Limit = 100
	}
	return s.c.Ledger.Installations(ctx, q)
}

// Start lets the app be installed: it opens the first ring, or everything goes on that
// was paused, and those whom Graph refused are tried again.
func (s *Service) Start(ctx context.Context, a broadcast.Actor) error {
	if err := may(a, broadcast.RoleAdmin); err != nil {
		return err
	}
	p, err := s.c.Ledger.Plan(ctx)
	if err != nil {
		return err
	}
	if p.InRings() && !p.Rings[0].Opened() {
		return s.open(ctx, a, p, p.Rings[0], "")
	}
	if err := s.c.Ledger.SetRollout(ctx, p.State, broadcast.RolloutRunning, a.ActorRef, s.c.Now()); err != nil {
		return err
	}
	return s.fill(ctx)
}

// Pause stops installing; what Graph has accepted stays.
func (s *Service) Pause(ctx context.Context, a broadcast.Actor) error {
	if err := may(a, broadcast.RoleAdmin); err != nil {
		return err
	}
	p, err := s.c.Ledger.Plan(ctx)
	if err != nil {
		return err
	}
	return s.c.Ledger.SetRollout(ctx, p.State, broadcast.RolloutPaused, a.ActorRef, s.c.Now())
}

// fillSpan is how long somebody who opens a ring waits until its people are wanted; the
// sweep goes on with the rest.
const fillSpan = 10 * time.Second

func (s *Service) fill(ctx context.Context) error {
	_, err := s.c.Rings.FillRings(ctx, fillSpan)
	return err
}

// movesShown is how many lines of the audit are shown.
const movesShown = 50

// Moves reads the last lines of the audit, newest first.
func (s *Service) Moves(ctx context.Context, a broadcast.Actor) ([]Move, error) {
	if err := may(a, broadcast.Roles()...); err != nil {
		return nil, err
	}
	return s.c.Ledger.RolloutMoves(ctx, movesShown)
}

// By counts people by department or country, those with most trouble first.
func (s *Service) By(ctx context.Context, a broadcast.Actor, field string) ([]Share, error) {
	if err := may(a, broadcast.Roles()...); err != nil {
		return nil, err
	}
	if field != "department" && field != "country" {
		return nil, &broadcast.Error{Code: broadcast.Invalid, Field: "by", Message: fmt.Sprintf("People can be counted by department or country, not by %q.", field)}
	}
	return s.c.Counting.CountBy(ctx, field)
}

// Samples reads how many people were in which state, from a time on.
func (s *Service) Samples(ctx context.Context, a broadcast.Actor, from time.Time) ([]Sample, error) {
	if err := may(a, broadcast.Roles()...); err != nil {
		return nil, err
	}
	return s.c.Samples.Samples(ctx, from)
}

// The rate is measured over the last minute, in stretches whose unevenness is its
// uncertainty.
const (
	stretches = 12
	stretch   = 5 * time.Second
)

// Pace is how fast people come to an end, and when those who are wanted now may have.
// It is read from the history, so that it is known after a restart as well.
func (s *Service) Pace(ctx context.Context, r Rollout) (pace.Estimate, error) {
	if r.State != broadcast.RolloutRunning || r.Wanted == 0 {
		return pace.Estimate{}, nil
	}
	ends, err := s.c.Counting.Ends(ctx, stretches, stretch)
	if err != nil {
		return pace.Estimate{}, err
	}
	var p pace.Pace
	at, done := s.c.Now().Add(-stretches*stretch), 0
	p.See(broadcast.Tally{}, at)
	for _, n := range ends {
		at, done = at.Add(stretch), done+n
		p.See(broadcast.Tally{Total: done, Sent: done}, at)
	}
	return p.Estimate(broadcast.Tally{Total: r.Wanted, Ready: r.Wanted}), nil
}
