package fanout

import (
	"context"
	"errors"
	"log/slog"

	"github.com/fanfare/fanfare/broadcast"
)

// Leftovers is what the sweep asks of the ledger.
type Leftovers interface {
	// Unfinished finds work that nobody seems to have in hand: broadcasts resolving,
	// chunks of sending broadcasts with something due and no lease, cancelled
	// broadcasts with deliveries left, installations wanted and due. At most limit.
	Unfinished(ctx context.Context, limit int) ([]broadcast.Work, error)
	// Finishable finds sending broadcasts with nothing left.
	Finishable(ctx context.Context) ([]broadcast.ID, error)
	// Due finds scheduled broadcasts whose time has come.
	Due(ctx context.Context) ([]broadcast.ID, error)
	// CancelLeft marks up to limit waiting deliveries of a cancelled broadcast cancelled,
	// leaving out chunks in a worker's hands; it returns how many it marked.
	CancelLeft(ctx context.Context, id broadcast.ID, limit int) (int, error)
	// Clean forgets handled inbound activities and whatever else has served its time.
	Clean(ctx context.Context) error
}

const (
	// sweepLimit is how many pieces of work one sweep hands out: enough for all
	// replicas' hands, and few, because a broadcast that starts later waits behind them.
	sweepLimit  = 32
	cancelLimit = 5_000 // deliveries marked per step, so that no transaction is long
)

// Sweeper moves on what is due and finds work that nobody has in hand. It runs
// every second and is what makes lost, doubled or forgotten work harmless.
type Sweeper struct {
	Service   *broadcast.Service
	Leftovers Leftovers
	Engine    broadcast.Engine
	Log       *slog.Logger
}

// Sweep does one round. One broadcast's trouble does not keep the others waiting.
func (s *Sweeper) Sweep(ctx context.Context) error {
	finish := s.moveAll(ctx, s.Leftovers.Finishable, broadcast.EventFinish)
	release := s.moveAll(ctx, s.Leftovers.Due, broadcast.EventRelease)
	works, err := s.Leftovers.Unfinished(ctx, sweepLimit)
	if err == nil && len(works) > 0 {
		err = s.Engine.Enqueue(ctx, works...)
	}
	return errors.Join(finish, release, err)
}

func (s *Sweeper) moveAll(ctx context.Context, find func(context.Context) ([]broadcast.ID, error), ev broadcast.Event) error {
	ids, err := find(ctx)
	for _, id := range ids {
		err = errors.Join(err, s.Service.Advance(ctx, id, ev, ""))
	}
	return err
}

// Cancel marks what a cancelled broadcast left waiting. Chunks in a worker's
// hands are left to it; the sweep brings the rest back here.
func (s *Sweeper) Cancel(ctx context.Context, id broadcast.ID) error {
	for ctx.Err() == nil {
		n, err := s.Leftovers.CancelLeft(ctx, id, cancelLimit)
		if err != nil || n == 0 {
			return err
		}
	}
	return ctx.Err()
}
