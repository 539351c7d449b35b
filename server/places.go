package server

import (
	"context"
	"errors"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/budget"
	"github.com/fanfare/fanfare/places"
	"github.com/fanfare/fanfare/teams"
	"github.com/fanfare/fanfare/teams/roster"
)

const (
	// rosterSpan is how long one piece of roster work goes on: with a slow call after
	// it still below the engine's limit.
	rosterSpan = 10 * time.Second
	// chatWithin is how long opening a chat may wait for the Connector; Graph knows the
	// chat as well.
	chatWithin = 10 * time.Second
)

// placesRoom is the use-cases of places, and who reads their rosters. Broadcasts go
// before both on the allowance they share.
func (s *Server) placesRoom(client *teams.Client) (*places.Service, *places.Reader) {
	turn := behind{s.budgets.connector.For(budget.Flow{Key: "rosters", Priority: broadcast.PriorityBulk}), s.budgets.connector}
	service := places.New(places.Config{Ledger: s.store, Lists: s.store, Messenger: voice{s.budgets.speaker(client), turn}})
	return service, &places.Reader{
		Wire: roster.Wire{Client: client, TenantID: s.config.TenantID}, Readings: s.store, Turn: turn, Now: s.store.Now, Log: s.log,
	}
}

// behind is a share of the Connector's allowance for what nobody waits for.
type behind struct {
	budget.Share
	of *budget.Budget
}

// Pause makes every replica wait after a 429.
func (b behind) Pause(ctx context.Context, d time.Duration) error { return b.of.Pause(ctx, d) }

// voice answers people at once, and opens chats when nothing more pressing waits.
type voice struct {
	speaker
	turn behind
}

// Open gets or creates a conversation when its turn has come.
func (v voice) Open(ctx context.Context, id broadcast.EntraID, known broadcast.ConversationReference) (broadcast.ConversationReference, error) {
	ctx, cancel := context.WithTimeout(ctx, chatWithin)
	defer cancel()
	if err := v.turn.Wait(ctx); err != nil {
		return broadcast.ConversationReference{}, err
	}
	at, err := v.speaker.Open(ctx, id, known)
	if err != nil {
		if f := broadcast.AsFault(err); f.Class == broadcast.Throttled {
			err = errors.Join(err, v.turn.Pause(context.WithoutCancel(ctx), f.RetryAfter))
		}
	}
	return at, err
}
