package upkeep

import (
	"context"

	"github.com/fanfare/fanfare/broadcast"
)

// Ledger is what is remembered of upkeep.
type Ledger interface {
	// UpkeepStanding is how it stands.
	UpkeepStanding(ctx context.Context) (Standing, error)
	// BeginPass begins a pass and hands it to the engine; *Error Conflict while one is live.
	BeginPass(ctx context.Context, s Start) error
	// MovePass moves the live pass by compare-and-set, with a line of the audit; *Error
	// Conflict if it is in none of the states.
	MovePass(ctx context.Context, from []State, to State, m Move) error
	// SetRepairs says whether vanished apps are put back by themselves, with a line of
	// the audit.
	SetRepairs(ctx context.Context, on bool, m Move) error
	// PutBackVanished wants the app again for those from whom it vanished, with a line of the
	// audit, and tells how many they are.
	PutBackVanished(ctx context.Context, m Move) (int, error)
}

// Records is what is read of upkeep for people.
type Records interface {
	// Versions counts who has which version, the commonest first, as of the last look.
	Versions(ctx context.Context) ([]VersionCount, error)
	// UpkeepMoves reads the audit, the newest first.
	UpkeepMoves(ctx context.Context, limit int) ([]Move, error)
}

// Config is what the service is made of.
type Config struct {
	Ledger  Ledger
	Records Records
}

// Service holds the use-cases of upkeep.
type Service struct {
	ledger  Ledger
	records Records
}

// New makes the use-cases.
func New(c Config) *Service { return &Service{c.Ledger, c.Records} }

func mayLook(a broadcast.Actor) error {
	if a.Has(broadcast.Roles()...) {
		return nil
	}
	return broadcast.Errorf(broadcast.Forbidden, "Your role does not allow that. Ask an admin.")
}

func mayChange(a broadcast.Actor) error {
	if a.Has(broadcast.RoleAdmin) {
		return nil
	}
	return broadcast.Errorf(broadcast.Forbidden, "Only somebody with the role Admin may do that.")
}

// Standing is how upkeep stands.
func (s *Service) Standing(ctx context.Context, a broadcast.Actor) (Standing, error) {
	if err := mayLook(a); err != nil {
		return Standing{}, err
	}
	return s.ledger.UpkeepStanding(ctx)
}

// Versions counts who has which version of the app.
func (s *Service) Versions(ctx context.Context, a broadcast.Actor) ([]VersionCount, error) {
	if err := mayLook(a); err != nil {
		return nil, err
	}
	return s.records.Versions(ctx)
}

const movesShown = 20

// Moves are the last things people did here.
func (s *Service) Moves(ctx context.Context, a broadcast.Actor) ([]Move, error) {
	if err := mayLook(a); err != nil {
		return nil, err
	}
	return s.records.UpkeepMoves(ctx, movesShown)
}

// Begin looks at everybody now, and upgrades them or only looks.
func (s *Service) Begin(ctx context.Context, a broadcast.Actor, upgrade bool) error {
	if err := mayChange(a); err != nil {
		return err
	}
	now, err := s.ledger.UpkeepStanding(ctx)
	if err != nil {
		return err
	}
	return s.ledger.BeginPass(ctx, Start{Cause: Asked, Upgrades: upgrade, Version: now.Published, By: a.ActorRef})
}

// Pause stops the pass for a while; Resume goes on where it was.
func (s *Service) Pause(ctx context.Context, a broadcast.Actor) error {
	return s.move(ctx, a, MovePause, Paused, Running)
}

// Resume goes on with a paused pass.
func (s *Service) Resume(ctx context.Context, a broadcast.Actor) error {
	return s.move(ctx, a, MoveResume, Running, Paused)
}

// Stop ends the pass for good. What it has mended stays.
func (s *Service) Stop(ctx context.Context, a broadcast.Actor) error {
	return s.move(ctx, a, MoveStop, Stopped, Running, Paused)
}

func (s *Service) move(ctx context.Context, a broadcast.Actor, what string, to State, from ...State) error {
	if err := mayChange(a); err != nil {
		return err
	}
	return s.ledger.MovePass(ctx, from, to, Move{What: what, By: a.ActorRef})
}

// Repair says whether vanished apps are put back by themselves where that is safe.
func (s *Service) Repair(ctx context.Context, a broadcast.Actor, on bool) error {
	if err := mayChange(a); err != nil {
		return err
	}
	what := MoveOff
	if on {
		what = MoveOn
	}
	return s.ledger.SetRepairs(ctx, on, Move{What: what, By: a.ActorRef})
}

// PutBack wants the app again for everybody from whom it vanished, and tells how many
// they are. Whoever is known to have removed it is left alone all the same.
func (s *Service) PutBack(ctx context.Context, a broadcast.Actor) (int, error) {
	if err := mayChange(a); err != nil {
		return 0, err
	}
	return s.ledger.PutBackVanished(ctx, Move{What: MovePutBack, By: a.ActorRef})
}
