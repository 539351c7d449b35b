package broadcast

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fanfare/fanfare/broadcast/audience"
)

// Reach says how many people an audience means, who of them would get a message
// now, and why the others would not.
func (s *Service) Reach(ctx context.Context, a Actor, to Audience) (Reach, error) {
	if err := may(a, Roles()...); err != nil {
		return Reach{}, err
	}
	if p := audienceProblems(to); len(p) > 0 {
		return Reach{}, p
	}
	return s.reach(ctx, to)
}

// lookAge is how old a group's members may be in a head-count: while somebody chooses
// an audience, the same groups are counted again and again. At Send they are read anew.
const lookAge = 10 * time.Minute

func (s *Service) reach(ctx context.Context, to Audience) (Reach, error) {
	if err := s.directory.Gather(ctx, "", to, lookAge); err != nil {
		return Reach{}, err
	}
	reach, err := s.ledger.Reach(ctx, to)
	if err != nil || reach.Total+reach.Channels > 0 {
		return reach, err
	}
	return reach, s.known(ctx)
}

// known tells an empty audience from a directory that was not read yet: that must not
// look like "nobody would get this".
func (s *Service) known(ctx context.Context) error {
	r, err := s.ledger.Rollout(ctx)
	if err == nil && r.DirectoryAt.IsZero() {
		return &Error{Conflict, "audience", "The directory has not been read to its end yet, so nobody can say who everyone is. Try again in a minute; the Rollout page shows when it was read."}
	}
	return err
}

// FindParts finds what an audience can be made of.
func (s *Service) FindParts(ctx context.Context, a Actor, text string) ([]audience.Hit, error) {
	if err := may(a, authors...); err != nil {
		return nil, err
	}
	return s.directory.Find(ctx, strings.TrimSpace(text))
}

// Groups finds groups to choose from.
func (s *Service) Groups(ctx context.Context, a Actor, text string) ([]GroupHit, error) {
	if err := may(a, authors...); err != nil {
		return nil, err
	}
	return s.directory.Groups(ctx, strings.TrimSpace(text), 25)
}

// Recipients reads one page of who gets a broadcast, and what became of it.
func (s *Service) Recipients(ctx context.Context, a Actor, q RecipientQuery) (RecipientPage, error) {
	if err := may(a, Roles()...); err != nil {
		return RecipientPage{}, err
	}
	if q.State != "" && !slices.Contains(DeliveryStates(), q.State) {
		return RecipientPage{}, &Error{Invalid, "state", fmt.Sprintf("There is no state %q.", q.State)}
	}
	if _, err := s.ledger.Broadcast(ctx, q.BroadcastID); err != nil {
		return RecipientPage{}, err
	}
	q.Limit = pageSize(q.Limit, 100)
	return s.ledger.Recipients(ctx, q)
}

// Reasons counts a broadcast's deliveries by state and reason.
func (s *Service) Reasons(ctx context.Context, a Actor, id ID) ([]ReasonCount, error) {
	if err := may(a, Roles()...); err != nil {
		return nil, err
	}
	return s.ledger.Reasons(ctx, id)
}

// Attempts reads the failed tries at one delivery of a broadcast, oldest first.
func (s *Service) Attempts(ctx context.Context, a Actor, id ID, delivery int64) ([]Attempt, error) {
	if err := may(a, Roles()...); err != nil {
		return nil, err
	}
	return s.ledger.Attempts(ctx, id, delivery)
}

// CanaryTally reads how the first wave of a broadcast stands.
func (s *Service) CanaryTally(ctx context.Context, a Actor, id ID) (Tally, error) {
	if err := may(a, Roles()...); err != nil {
		return Tally{}, err
	}
	return s.ledger.Canary(ctx, id)
}

// Standing reads how far a broadcast is: cheap enough to be asked every second.
func (s *Service) Standing(ctx context.Context, a Actor, id ID) (Standing, error) {
	if err := may(a, Roles()...); err != nil {
		return Standing{}, err
	}
	return s.ledger.Standing(ctx, id)
}

// Rollout reads how far the installation has come.
func (s *Service) Rollout(ctx context.Context, a Actor) (Rollout, error) {
	if err := may(a, Roles()...); err != nil {
		return Rollout{}, err
	}
	return s.ledger.Rollout(ctx)
}

// StartRollout lets the bot be installed for everybody who can have it.
func (s *Service) StartRollout(ctx context.Context, a Actor) error {
	return s.setRollout(ctx, a, RolloutRunning)
}

// PauseRollout stops installing; what Graph has accepted stays.
func (s *Service) PauseRollout(ctx context.Context, a Actor) error {
	return s.setRollout(ctx, a, RolloutPaused)
}

func (s *Service) setRollout(ctx context.Context, a Actor, to RolloutState) error {
	if err := may(a, RoleAdmin); err != nil {
		return err
	}
	r, err := s.ledger.Rollout(ctx)
	if err != nil {
		return err
	}
	return s.ledger.SetRollout(ctx, r.State, to, a.ActorRef, s.now())
}

// Installations reads one page of people and how the bot stands at them.
func (s *Service) Installations(ctx context.Context, a Actor, q InstallQuery) (InstallPage, error) {
	if err := may(a, Roles()...); err != nil {
		return InstallPage{}, err
	}
	q.Limit = pageSize(q.Limit, 100)
	return s.ledger.Installations(ctx, q)
}
