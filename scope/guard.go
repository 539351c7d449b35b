package scope

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/fanfare/fanfare/broadcast"
)

const (
	// lookAge is how old the members of groups may be while people choose, submit and
	// press Send, the same as for a head-count. The resolver reads them anew.
	lookAge = 10 * time.Minute
	// sampleSize is how many of those outside are named.
	sampleSize = 3
)

// Allows implements broadcast.Guard.
func (s *Service) Allows(ctx context.Context, a broadcast.Actor, ev broadcast.Event, b *broadcast.Broadcast) error {
	reaching := ev == broadcast.EventSubmit || ev == broadcast.EventSchedule || ev == broadcast.EventSend || ev == broadcast.EventRelease || ev == broadcast.EventLate
	if !reaching || b.Kind.Changes() || b.Welcomes() || b.Kind == broadcast.KindPost { // these reach who has the announcement, or whoever comes
		return nil
	}
	if a.Has(broadcast.RoleAdmin) {
		return s.c.Vouchers.Vouch(ctx, b.ID, b.Hash(), a.ActorRef, s.c.Now())
	}
	ask := question{meant: b.Audience, age: lookAge}
	if ev == broadcast.EventRelease {
		ask.owner, ask.age = string(b.ID), 0 // the very people it is about to be listed for
	}
	if ev == broadcast.EventLate {
		ask.meant = b.Audience.People()    // no channel comes late
		ask.owner = string(b.ID) + "/late" // in whose name the sweeper has just read them
	}
	f, err := s.lookAt(ctx, b, ask)
	if err != nil || f.Within() {
		return err
	}
	return &broadcast.Error{Code: broadcast.Invalid, Field: "audience", Message: f.Words(f.Person.ID == a.ID)}
}

// lookAt compares a broadcast with the scopes that count for it, and finds the first
// that is too narrow.
func (s *Service) lookAt(ctx context.Context, b *broadcast.Broadcast, ask question) (Finding, error) {
	vouched, err := s.c.Vouchers.Vouched(ctx, b.ID, b.Hash())
	if err != nil || vouched {
		return Finding{}, err
	}
	for _, who := range bounded(b) {
		if f, err := s.look(ctx, who, ask); err != nil || !f.Within() {
			return f, err
		}
	}
	return Finding{}, nil
}

// LookAt tells how a stored broadcast stands to the scopes that count for it.
func (s *Service) LookAt(ctx context.Context, b *broadcast.Broadcast) (Finding, error) {
	if b.Kind.Changes() || b.Welcomes() || len(b.Audience.Mistakes()) > 0 {
		return Finding{}, nil
	}
	return s.lookAt(ctx, b, question{meant: b.Audience, age: lookAge})
}

// bounded are those whose scopes count.
func bounded(b *broadcast.Broadcast) []broadcast.ActorRef {
	if b.SubmittedBy.ID == "" || b.SubmittedBy.ID == b.Author.ID {
		return []broadcast.ActorRef{b.Author}
	}
	return []broadcast.ActorRef{b.SubmittedBy, b.Author}
}

// question is who is meant, in whose sets, and how old those of a scope may be.
type question struct {
	meant broadcast.Audience
	owner string
	age   time.Duration
}

// look compares an audience with somebody's scope, by people and by channels.
func (s *Service) look(ctx context.Context, who broadcast.ActorRef, q question) (Finding, error) {
	found, err := s.c.Ledger.Scope(ctx, broadcast.EntraID(strings.ToLower(string(who.ID))))
	if err != nil {
		return Finding{}, s.unread(ctx, who, err)
	}
	f := Finding{Person: who}
	if found == nil {
		return f, nil
	}
	if f.Bound = found.Audience; f.Bound.IsEveryone() {
		return f, nil
	}
	if err := s.c.Directory.Gather(ctx, "", f.Bound.People(), q.age); err != nil {
		return Finding{}, s.unread(ctx, who, err)
	}
	if q.owner == "" { // the resolver has read them
		if err := s.c.Directory.Gather(ctx, "", q.meant.People(), q.age); err != nil {
			return Finding{}, err
		}
	}
	if f.Outside, err = s.c.Census.Outside(ctx, q.owner, q.meant, f.Bound, sampleSize); err != nil {
		return Finding{}, s.unread(ctx, who, err)
	}
	f.Channels, err = s.channelsOutside(ctx, q.meant, f.Bound)
	return f, err
}

// unread is what people are told of a scope that cannot be read: nothing may go on,
// and an admin can see why. Passing trouble stays what it is: it is tried again.
func (s *Service) unread(ctx context.Context, who broadcast.ActorRef, err error) error {
	why := "It has to be set anew."
	if e := broadcast.AsError(err); e != nil {
		why = e.Message
	} else if !errors.Is(err, ErrUnreadable) {
		return err
	}
	s.c.Log.ErrorContext(ctx, "a scope cannot be read, so nobody is reached", "person", who.ID, "error", err)
	return &broadcast.Error{
		Code: broadcast.Conflict, Field: "audience",
		Message: "Whom " + who.Name + " may reach cannot be read, so this goes no further. " + why + " Ask an admin to look at the page Scopes.",
	}
}

// Look tells somebody how an audience they are choosing stands to their own scope.
func (s *Service) Look(ctx context.Context, a broadcast.Actor, to broadcast.Audience) (Finding, error) {
	if !a.Has(broadcast.RoleAuthor) || a.Has(broadcast.RoleAdmin) || len(to.Mistakes()) > 0 {
		return Finding{}, nil
	}
	return s.look(ctx, a.ActorRef, question{meant: to, age: lookAge})
}
