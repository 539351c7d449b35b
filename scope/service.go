package scope

import (
	"context"
	"errors"
	"log/slog"
	"regexp"
	"strings"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/audience"
)

// Config is what the service is made of.
type Config struct {
	Ledger    Ledger
	Vouchers  Vouchers
	Census    Census
	Directory broadcast.Directory
	Now       func() time.Time
	Log       *slog.Logger
}

// Service holds the use-cases; it is the broadcast.Guard.
type Service struct{ c Config }

var _ broadcast.Guard = (*Service)(nil)

// NewService makes the use-cases.
func NewService(c Config) *Service { return &Service{c} }

func mayAdmin(a broadcast.Actor) error {
	if a.Has(broadcast.RoleAdmin) {
		return nil
	}
	return broadcast.Errorf(broadcast.Forbidden, "Your role does not allow that. Ask somebody with the role Admin.")
}

// changesShown is how many lines of the audit are shown.
const changesShown = 100

// Overview is everything there is to know of scopes.
type Overview struct {
	Scopes  []Scope              // the default first
	Others  []broadcast.ActorRef // authors of broadcasts without a scope of their own
	Changes []Change             // newest first
}

// Overview reads them all.
func (s *Service) Overview(ctx context.Context, a broadcast.Actor) (Overview, error) {
	if err := mayAdmin(a); err != nil {
		return Overview{}, err
	}
	var o Overview
	var err error
	if o.Scopes, o.Others, err = s.c.Ledger.AllScopes(ctx); err != nil {
		return o, err
	}
	o.Changes, err = s.c.Ledger.ScopeChanges(ctx, changesShown)
	return o, err
}

var guid = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// known is somebody whose scope can be spoken of: a person of the directory, or all.
func (s *Service) known(ctx context.Context, person broadcast.EntraID) (broadcast.ActorRef, error) {
	id := broadcast.EntraID(strings.ToLower(string(person)))
	switch {
	case id == Default:
		return broadcast.ActorRef{ID: Default, Name: "All other authors"}, nil
	case !guid.MatchString(string(id)):
		return broadcast.ActorRef{}, broadcast.Errorf(broadcast.NotFound, "%q is nobody's ID. Choose the author from the list.", person)
	}
	name, err := s.c.Census.NameOfPerson(ctx, id)
	return broadcast.ActorRef{ID: id, Name: name}, err
}

// Get reads somebody's own scope, or the default by its name; one that is not set has
// no parts. With ErrUnreadable it says whose it is, and no more.
func (s *Service) Get(ctx context.Context, a broadcast.Actor, person broadcast.EntraID) (Scope, error) {
	if err := mayAdmin(a); err != nil {
		return Scope{}, err
	}
	who, gone := s.known(ctx, person)
	if gone != nil && !broadcast.IsCode(gone, broadcast.NotFound) {
		return Scope{}, gone
	}
	id := broadcast.EntraID(strings.ToLower(string(person)))
	switch found, err := s.c.Ledger.Scope(ctx, id); {
	case found != nil && found.Person.ID == id: // who has left the directory may still have one
		return *found, err
	case err != nil && !errors.Is(err, ErrUnreadable):
		return Scope{}, err
	}
	return Scope{Person: who}, gone
}

// Set bounds an author, or all without a scope of their own, from now on.
func (s *Service) Set(ctx context.Context, a broadcast.Actor, person broadcast.EntraID, to broadcast.Audience) (Scope, error) {
	if err := mayAdmin(a); err != nil {
		return Scope{}, err
	}
	who, err := s.known(ctx, person)
	if err != nil {
		return Scope{}, err
	}
	var wrong broadcast.Problems
	for _, mistake := range to.Mistakes() {
		wrong = append(wrong, &broadcast.Error{Code: broadcast.Invalid, Field: "audience", Message: mistake})
	}
	if len(wrong) > 0 {
		return Scope{}, wrong
	}
	named := broadcast.Audience{}
	if named.Include, err = s.named(ctx, to.Include); err != nil {
		return Scope{}, err
	}
	if named.Exclude, err = s.named(ctx, to.Exclude); err != nil {
		return Scope{}, err
	}
	if err := s.c.Directory.Gather(ctx, "", named, lookAge); err != nil { // what cannot be read would stop every broadcast
		return Scope{}, err
	}
	c := Change{Person: who, To: named, By: a.ActorRef, At: s.c.Now()}
	if err := s.c.Ledger.ChangeScope(ctx, c); err != nil {
		return Scope{}, err
	}
	return Scope{Person: who, Audience: named, By: c.By, At: c.At}, nil
}

// named are parts with their names from where they are known.
func (s *Service) named(ctx context.Context, parts []audience.Part) ([]audience.Part, error) {
	var out []audience.Part
	for _, p := range parts {
		name, err := s.c.Directory.NameOf(ctx, p)
		if broadcast.IsCode(err, broadcast.NotFound) {
			return nil, &broadcast.Error{Code: broadcast.Invalid, Field: "audience", Message: broadcast.AsMessage(err)}
		}
		if err != nil {
			return nil, err
		}
		p.Name = name
		out = append(out, p)
	}
	return out, nil
}

// Drop forgets a scope: the default counts for that author again, or nothing bounds
// those who had the default. Somebody who left the directory can be dropped too.
func (s *Service) Drop(ctx context.Context, a broadcast.Actor, person broadcast.EntraID) error {
	if err := mayAdmin(a); err != nil {
		return err
	}
	return s.c.Ledger.ChangeScope(ctx, Change{
		Person: broadcast.ActorRef{ID: broadcast.EntraID(strings.ToLower(string(person)))}, By: a.ActorRef, At: s.c.Now(),
	})
}
