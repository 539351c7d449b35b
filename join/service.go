package join

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/fanfare/fanfare/broadcast"
)

// Ledger is what is remembered of the app for teams.
type Ledger interface {
	// WantTeam wants the app in a team, also in one that was refused or has it, and hands
	// it to the engine.
	WantTeam(ctx context.Context, g broadcast.Group, by broadcast.ActorRef) error
	// ForgetTeam takes a team off the list; *Error NotFound for one that is not on it.
	// What is installed stays.
	ForgetTeam(ctx context.Context, groupID string) error
	// JoinedTeams are all teams on the list, by name.
	JoinedTeams(ctx context.Context) ([]Team, error)
}

// Finder finds groups that are teams.
type Finder interface {
	// Teams finds teams by the beginning of a word of their name, or the one of an ID.
	Teams(ctx context.Context, text string, limit int) ([]broadcast.GroupHit, error)
}

// Config is what the service is made of.
type Config struct {
	Ledger Ledger
	Finder Finder
}

// Service holds the use-cases of the app for teams.
type Service struct {
	ledger Ledger
	finder Finder
}

// New makes the use-cases.
func New(c Config) *Service { return &Service{c.Ledger, c.Finder} }

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

// List are all teams somebody wants the app in.
func (s *Service) List(ctx context.Context, a broadcast.Actor) ([]Team, error) {
	if err := mayLook(a); err != nil {
		return nil, err
	}
	return s.ledger.JoinedTeams(ctx)
}

const (
	hits        = 25
	longestText = 120
)

// Find finds teams of the organisation to choose from.
func (s *Service) Find(ctx context.Context, a broadcast.Actor, text string) ([]broadcast.GroupHit, error) {
	if err := mayChange(a); err != nil {
		return nil, err
	}
	text = strings.TrimSpace(text)
	if utf8.RuneCountInString(text) > longestText {
		return nil, &broadcast.Error{Code: broadcast.Invalid, Field: "q", Message: "Look for at most 120 characters."}
	}
	return s.finder.Teams(ctx, text, hits)
}

// Want wants the app in a team, or tries once more where it was refused. The directory
// is asked what the group is called, and that it is a team at all.
func (s *Service) Want(ctx context.Context, a broadcast.Actor, groupID string) error {
	if err := mayChange(a); err != nil {
		return err
	}
	found, err := s.finder.Teams(ctx, groupID, 1)
	if err != nil {
		return err
	}
	if len(found) == 0 || !strings.EqualFold(found[0].ID, groupID) {
		return broadcast.Errorf(broadcast.NotFound, "There is no such team in the directory. It may have been deleted; look for it again.")
	}
	return s.ledger.WantTeam(ctx, found[0].Group, a.ActorRef)
}

// Forget takes a team off the list. The app stays where it is.
func (s *Service) Forget(ctx context.Context, a broadcast.Actor, groupID string) error {
	if err := mayChange(a); err != nil {
		return err
	}
	return s.ledger.ForgetTeam(ctx, groupID)
}
