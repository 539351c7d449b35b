package welcome

import (
	"cmp"
	"context"
	"slices"

	"github.com/fanfare/fanfare/broadcast"
)

// Config is what the service is made of.
type Config struct {
	Broadcasts *broadcast.Service
	App        string // the app's name in Teams
	Publisher  string // who rolled it out, as long as nobody has pressed the button
	// RolledOutBy is the name of whoever has; "" for nobody.
	RolledOutBy func(ctx context.Context) (string, error)
}

// Service holds the use-cases.
type Service struct{ c Config }

// NewService makes them.
func NewService(c Config) *Service { return &Service{c} }

// May refuses whoever may not decide about the welcome message: everybody who joins
// reads it, so it is the admin's.
func (s *Service) May(a broadcast.Actor) error {
	if a.Has(broadcast.RoleAdmin) {
		return nil
	}
	return broadcast.Errorf(broadcast.Forbidden, "Your role does not allow that. Ask somebody with the role Admin.")
}

// Overview is how the welcome message stands.
type Overview struct {
	Current *broadcast.Broadcast  // in use, or paused; nil for none
	Next    *broadcast.Broadcast  // in the making, up to being approved; nil for none
	Past    []broadcast.Broadcast // that were in use, newest first
	Starter broadcast.Message     // what the first one would begin with
}

// None tells whether nobody is welcomed and nobody is about to change that.
func (o Overview) None() bool { return o.Current == nil && o.Next == nil }

// pastShown is how many of those that were in use are shown.
const pastShown = 20

// Overview reads it.
func (s *Service) Overview(ctx context.Context, a broadcast.Actor) (Overview, error) {
	var o Overview
	page, err := s.c.Broadcasts.List(ctx, a, broadcast.ListQuery{Shelf: broadcast.ShelfWelcomes, Limit: 200})
	if err != nil {
		return o, err
	}
	var begun []broadcast.Broadcast
	for i := range page.Broadcasts {
		b := &page.Broadcasts[i]
		switch {
		case !b.StartedAt.IsZero():
			begun = append(begun, *b)
		case b.State != broadcast.Cancelled && o.Next == nil:
			o.Next = b
		}
	}
	// The one put into use last, as the ledger has it.
	slices.SortStableFunc(begun, func(x, y broadcast.Broadcast) int {
		return cmp.Or(y.StartedAt.Compare(x.StartedAt), cmp.Compare(y.ID, x.ID))
	})
	if len(begun) > 0 && (begun[0].State.Live() || begun[0].State == broadcast.Failed) {
		o.Current, begun = &begun[0], begun[1:]
	}
	o.Past = begun[:min(len(begun), pastShown)]
	o.Starter, err = s.starter(ctx)
	return o, err
}

// mine is Overview for whoever is about to change something.
func (s *Service) mine(ctx context.Context, a broadcast.Actor) (Overview, error) {
	if err := s.May(a); err != nil {
		return Overview{}, err
	}
	return s.Overview(ctx, a)
}

func (s *Service) starter(ctx context.Context) (broadcast.Message, error) {
	by, err := s.c.RolledOutBy(ctx)
	return Starter(s.c.App, cmp.Or(by, s.c.Publisher)), err
}

// Write goes on with what is in the making, or begins a new version: with the words of
// the one in use, or with the starter.
func (s *Service) Write(ctx context.Context, a broadcast.Actor) (*broadcast.Broadcast, error) {
	o, err := s.mine(ctx, a)
	if err != nil || o.Next != nil {
		return o.Next, err
	}
	words := o.Starter
	if o.Current != nil {
		words = o.Current.Message
	} else if len(o.Past) > 0 {
		words = o.Past[0].Message
	}
	return s.c.Broadcasts.NewWelcome(ctx, a, words)
}

// Put replaces the words of what is in the making, or begins a new version with them.
func (s *Service) Put(ctx context.Context, a broadcast.Actor, m broadcast.Message) (*broadcast.Broadcast, error) {
	o, err := s.mine(ctx, a)
	if err != nil {
		return nil, err
	}
	if o.Next == nil {
		return s.c.Broadcasts.NewWelcome(ctx, a, m)
	}
	p := o.Next.Proposal()
	p.Message = m
	return s.c.Broadcasts.Edit(ctx, a, o.Next.ID, o.Next.Revision, p)
}

// Use puts the approved version into use: from now on whoever gets the app for the first
// time gets it.
func (s *Service) Use(ctx context.Context, a broadcast.Actor) (*broadcast.Broadcast, error) {
	o, err := s.mine(ctx, a)
	if err != nil {
		return nil, err
	}
	if o.Next == nil {
		return nil, broadcast.Errorf(broadcast.Conflict, "There is no welcome message to put into use. Write one, and have it approved.")
	}
	return s.c.Broadcasts.Do(ctx, a, broadcast.EventSend, broadcast.Ask{ID: o.Next.ID})
}

// Stop ends the one in use: who comes from now on gets none.
func (s *Service) Stop(ctx context.Context, a broadcast.Actor) (*broadcast.Broadcast, error) {
	o, err := s.mine(ctx, a)
	if err != nil {
		return nil, err
	}
	if o.Current == nil {
		return nil, broadcast.Errorf(broadcast.Conflict, "No welcome message is in use. Reload the page.")
	}
	return s.c.Broadcasts.Do(ctx, a, broadcast.EventCancel, broadcast.Ask{ID: o.Current.ID})
}
