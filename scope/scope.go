package scope

import (
	"context"
	"errors"
	"time"

	"github.com/fanfare/fanfare/broadcast"
)

// Default names the scope of all authors without one of their own, where a person
// would be named.
const Default broadcast.EntraID = "default"

// Scope is whom an author may reach.
type Scope struct {
	Person   broadcast.ActorRef // the author; its ID is Default for all others
	Audience broadcast.Audience
	By       broadcast.ActorRef
	At       time.Time
}

// Change is a line of the audit: what somebody made of a scope. From or To without
// parts is none.
type Change struct {
	Person   broadcast.ActorRef
	From, To broadcast.Audience
	By       broadcast.ActorRef
	At       time.Time
}

// Outside is how many of those who are meant are out of bounds, and a few of their
// names.
type Outside struct {
	Total  int // who are meant
	Count  int
	Sample []string
}

// ErrUnreadable is what a Ledger returns of a scope that is stored and makes no sense.
var ErrUnreadable = errors.New("a scope cannot be read")

// Ledger is what is remembered of scopes.
type Ledger interface {
	// Scope reads somebody's own scope, or the default; nil if there is neither.
	Scope(ctx context.Context, person broadcast.EntraID) (*Scope, error)
	// AllScopes reads the default first, then everybody's own by their names; and the
	// authors of broadcasts who have none.
	AllScopes(ctx context.Context) ([]Scope, []broadcast.ActorRef, error)
	// ChangeScope stores what c makes of a scope, with its audit line; To without
	// parts drops it (*Error NotFound if there is none).
	ChangeScope(ctx context.Context, c Change) error
	// ScopeChanges reads the last lines of the audit, newest first.
	ScopeChanges(ctx context.Context, limit int) ([]Change, error)
}

// Vouchers is what is remembered of admins who stand for a broadcast.
type Vouchers interface {
	// Vouch notes that an admin stands for a broadcast with this fingerprint.
	Vouch(ctx context.Context, id broadcast.ID, hash string, by broadcast.ActorRef, at time.Time) error
	// Vouched tells whether one does.
	Vouched(ctx context.Context, id broadcast.ID, hash string) (bool, error)
}

// Census knows who people are.
type Census interface {
	// Outside counts those of an audience, gathered by owner, who are not among the
	// people bound means, whose parts were gathered for no particular owner.
	Outside(ctx context.Context, owner string, meant, bound broadcast.Audience, sample int) (Outside, error)
	// TeamOf is the team a channel is of; "" if nobody knows it.
	TeamOf(ctx context.Context, channel string) (string, error)
	// NameOfPerson is a person's name; *Error NotFound for somebody the directory has not.
	NameOfPerson(ctx context.Context, id broadcast.EntraID) (string, error)
}
