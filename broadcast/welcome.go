package broadcast

import (
	"context"

	"github.com/fanfare/fanfare/broadcast/message"
)

// Welcomes tells whether it is a welcome message: one that stands once it is in use, and
// goes to everybody who gets the app for the first time from then on, once each. The one
// put into use last is the one in use; an older one goes to those it has taken in.
func (b *Broadcast) Welcomes() bool { return b.Kind == KindWelcome }

// NewWelcome begins a welcome message. Only admins write it; it is reviewed like any
// message.
func (s *Service) NewWelcome(ctx context.Context, a Actor, m Message) (*Broadcast, error) {
	if err := may(a, RoleAdmin); err != nil {
		return nil, err
	}
	return s.begin(ctx, a, &Broadcast{Kind: KindWelcome, Message: m, Audience: Everyone()})
}

// own leaves out of a message what only a welcome message has.
func (b *Broadcast) own(m Message) Message {
	if !b.Welcomes() {
		m.Post = message.Post{}
	}
	return m
}

// notWelcome is why somebody may not do something to a welcome message, or nil.
func (b *Broadcast) notWelcome(a Actor, ev Event) *Error {
	switch {
	case b.Kind == KindPost && ev == EventEdit:
		return Errorf(Conflict, "This was posted with the welcome message. Change that one.")
	case !b.Welcomes():
		return nil
	case ev == EventSchedule || ev == EventUnschedule:
		return Errorf(Conflict, "A welcome message has no date. Put it into use when it is approved; it then goes to whoever gets the app.")
	case ev != EventApprove && ev != EventReject && !a.Has(RoleAdmin, RoleEngine):
		return Errorf(Forbidden, "Everybody who joins reads the welcome message, so only an admin decides about it. Ask somebody with the role Admin.")
	}
	return nil
}

// Told is who is meant, as recipients are told it, with at most so many parts named.
func (b *Broadcast) Told(most int) string {
	if b.Welcomes() {
		return "everybody who gets this app"
	}
	return b.Audience.Told(most)
}

// Shelf is where broadcasts are looked for.
type Shelf string

// The shelves. A welcome message in the making is announced like any other draft, so
// that reviewers find it; once it was in use it has its own page.
const (
	ShelfAll      Shelf = ""
	ShelfList     Shelf = "list"     // all but welcome messages that were ever in use, and their posts
	ShelfWelcomes Shelf = "welcomes" // welcome messages only
)
