package server

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/budget"
	"github.com/fanfare/fanfare/graph"
	"github.com/fanfare/fanfare/graphinstall"
	"github.com/fanfare/fanfare/join"
	"github.com/fanfare/fanfare/upkeep"
)

const (
	// upkeepEvery is how often it is asked whether a pass is due; a running one is found
	// by the sweep.
	upkeepEvery = 10 * time.Minute
	// upkeepSpan is how long one piece of upkeep goes on: with a slow call after it still
	// below the engine's limit.
	upkeepSpan = 12 * time.Second
	// upkeepChunk is how long looking at the people taken at a time should last.
	upkeepChunk = 4 * time.Second
	mostInChunk = 100
)

// upkeepRoom is the use-cases of upkeep, and who works its passes off.
func (s *Server) upkeepRoom(client *graph.Client) (*upkeep.Service, *upkeep.Keeper) {
	c := s.config
	rate := s.budgets.install.Rate() * c.UpkeepShare / 100
	chunk := mostInChunk
	if rate > 0 {
		chunk = min(chunk, int(rate*upkeepChunk.Seconds()))
	}
	return upkeep.New(upkeep.Config{Ledger: s.store, Records: s.store}), &upkeep.Keeper{
		Wire: graphinstall.Seer{Graph: client, ManifestID: c.ManifestID, Consent: c.consent()}, Ledger: s.store, Passes: s.store,
		Turn:  newPortion(s.budgets.install, budget.Flow{Key: "upkeep", Priority: broadcast.PriorityBulk}, rate),
		Chunk: chunk, Settle: c.UpkeepSettle, Every: c.UpkeepEvery, Now: s.store.Now, Log: s.log,
	}
}

// joinSpan is how long installing in teams may keep people waiting.
const joinSpan = 5 * time.Second

// joinRoom is the use-cases of the app for teams, and who installs it there. What an
// admin has just asked for goes before the mass of people.
func (s *Server) joinRoom(client *graph.Client, finder join.Finder) (*join.Service, *join.Worker) {
	c, b := s.config, s.budgets.install
	return join.New(join.Config{Ledger: s.store, Finder: finder}), &join.Worker{
		Wire:  graphinstall.Teams{Graph: client, Catalog: graphinstall.NewCatalog(client, c.ManifestID, s.store.Now), Consent: c.consent()},
		Queue: s.store, Turn: newPortion(b, budget.Flow{Key: "teams", Priority: broadcast.PriorityUrgent}, 0), Now: s.store.Now, Log: s.log,
	}
}

// installOn installs the app in the teams that are due, then for people.
func (w *world) installOn(ctx context.Context) error {
	return errors.Join(w.joiner.Work(ctx, joinSpan), w.install.Work(ctx, installFor()))
}

// portion is a part of an allowance that is never exceeded, however much of it is free.
// One replica draws on it at a time.
type portion struct {
	budget.Share
	of    *budget.Budget
	apart time.Duration // 0 for no bound

	mu   sync.Mutex
	next time.Time
}

func newPortion(of *budget.Budget, f budget.Flow, rate float64) *portion {
	p := &portion{Share: of.For(f), of: of}
	if rate > 0 {
		p.apart = time.Duration(float64(time.Second) / rate)
	}
	return p
}

// Wait waits for the portion's turn, then for the allowance's. Nothing is saved up.
func (p *portion) Wait(ctx context.Context) error {
	if p.apart > 0 {
		timer := time.NewTimer(time.Until(p.reserve()))
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return p.Share.Wait(ctx)
}

func (p *portion) reserve() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now := time.Now(); p.next.Before(now) {
		p.next = now
	}
	at := p.next
	p.next = at.Add(p.apart)
	return at
}

// Pause makes every replica wait after a 429.
func (p *portion) Pause(ctx context.Context, d time.Duration) error { return p.of.Pause(ctx, d) }

// listenAndCount is what a sweep does beside sweeping: it notes that Fanfare is there to
// hear from Teams, and counts on.
func (s *Server) listenAndCount(ctx context.Context, most time.Duration) error {
	if err := s.store.Listening(ctx); err != nil {
		return err
	}
	return s.store.CountReceived(ctx, most)
}
