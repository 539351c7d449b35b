package welcome

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/audience"
	"github.com/fanfare/fanfare/broadcast/message"
	"github.com/fanfare/fanfare/places"
)

// Ledger is what is remembered of who has come.
type Ledger interface {
	// Welcome puts a page of people whom the app has reached for the first time on the
	// list of the welcome in use, and returns how many it has looked at.
	Welcome(ctx context.Context, limit int) (int, error)
	// Arrivals are the teams the bot was added to, which nobody has looked at.
	Arrivals(ctx context.Context, limit int) ([]places.Arrival, error)
	// Greet notes that an arrival was looked at, and stores what post makes of the
	// welcome in use for it, if one is and it makes anything, with the work that follows:
	// in one transaction, once for each arrival.
	Greet(ctx context.Context, a places.Arrival, post func(w *broadcast.Broadcast) *broadcast.Broadcast) error
}

// Greeter welcomes whoever has come: people by the welcome's own list, a team by a small
// broadcast of its own to the channel General.
type Greeter struct {
	Ledger Ledger
	Now    func() time.Time
}

const (
	// peopleAtOnce is a hundred times of what Graph installs in a second.
	peopleAtOnce = 2_000
	teamsAtOnce  = 50
)

// Work welcomes those who have come since the last time.
func (g Greeter) Work(ctx context.Context) error {
	_, err := g.Ledger.Welcome(ctx, peopleAtOnce)
	teams, reading := g.Ledger.Arrivals(ctx, teamsAtOnce)
	err = errors.Join(err, reading)
	for _, a := range teams {
		err = errors.Join(err, g.Ledger.Greet(ctx, a, func(w *broadcast.Broadcast) *broadcast.Broadcast { return post(w, a, g.Now()) }))
	}
	return err
}

// post is what a welcome posts in a team; nil for nothing. It says what was approved with
// the welcome, with the two names filled in.
func post(w *broadcast.Broadcast, a places.Arrival, now time.Time) *broadcast.Broadcast {
	if w.Message.Post == (message.Post{}) {
		return nil
	}
	general := audience.Part{Kind: audience.Channel, ID: a.Team.ID, Name: a.Team.Words() + " › General"}
	b := &broadcast.Broadcast{
		ID: broadcast.NewID(now), Kind: broadcast.KindPost, Target: w.ID, State: broadcast.Resolving, Revision: 1, Wave: 1,
		Message: w.Message.Posted(a.Team.Words(), cmp.Or(a.By, "Somebody")).Trimmed(), Audience: audience.Of(general),
		Author: w.Author, Editors: w.Editors, SubmittedBy: w.SubmittedBy, ApprovedBy: w.ApprovedBy, CreatedAt: now, UpdatedAt: now, StartedAt: now,
	}
	b.ApprovedHash = b.Hash()
	return b
}
