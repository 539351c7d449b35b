package fanout

import (
	"context"
	"fmt"

	"github.com/fanfare/fanfare/broadcast"
)

// Ledger is what every piece of work reads first.
type Ledger interface {
	Broadcast(ctx context.Context, id broadcast.ID) (*broadcast.Broadcast, error)
	Standing(ctx context.Context, id broadcast.ID) (broadcast.Standing, error)
	// Canary counts the first wave by itself.
	Canary(ctx context.Context, id broadcast.ID) (broadcast.Tally, error)
}

// Hands is what an engine calls: each kind of work and who does it.
type Hands struct {
	Resolver *Resolver
	Sender   *Sender
	Sweeper  *Sweeper
	Install  func(ctx context.Context) error // graphinstall, for a while
	Rosters  func(ctx context.Context) error // places, for a while
	Upkeep   func(ctx context.Context) error // upkeep, for a while
	Sync     func(ctx context.Context) error // directory, to the end of a round
	Refresh  func(ctx context.Context) error // rollout: takes in who has come since
}

// Do does one piece of work; it is a broadcast.Do.
func (h *Hands) Do(ctx context.Context, w broadcast.Work) error {
	switch w.Kind {
	case broadcast.KindResolve:
		return h.Resolver.Resolve(ctx, w.BroadcastID)
	case broadcast.KindSend:
		return h.Sender.Seat(ctx, w.BroadcastID)
	case broadcast.KindCancel:
		return h.Sweeper.Cancel(ctx, w.BroadcastID)
	case broadcast.KindExpire:
		return h.Sweeper.Expire(ctx, w.BroadcastID)
	case broadcast.KindRetry:
		return h.Sweeper.Retry(ctx, w.BroadcastID)
	case broadcast.KindLate:
		return h.Sweeper.Late(ctx, w.BroadcastID)
	case broadcast.KindInstall:
		return h.Install(ctx)
	case broadcast.KindRoster:
		return h.Rosters(ctx)
	case broadcast.KindUpkeep:
		return h.Upkeep(ctx)
	case broadcast.KindSync:
		return h.sync(ctx)
	case broadcast.KindSweep:
		return h.Sweeper.Sweep(ctx)
	case broadcast.KindClean:
		return h.Sweeper.Leftovers.Clean(ctx)
	}
	return fmt.Errorf("no hands for work of kind %q", w.Kind)
}

// sync reads the directory, then lets a running rollout take newcomers up.
func (h *Hands) sync(ctx context.Context) error {
	if err := h.Sync(ctx); err != nil {
		return err
	}
	return h.Refresh(ctx)
}
