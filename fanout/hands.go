package fanout

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/fanfare/fanfare/broadcast"
)

// Ledger is what every piece of work reads first.
type Ledger interface {
	Broadcast(ctx context.Context, id broadcast.ID) (*broadcast.Broadcast, error)
	Standing(ctx context.Context, id broadcast.ID) (broadcast.Standing, error)
	History(ctx context.Context, id broadcast.ID) ([]broadcast.Move, error)
	// WantEveryone makes newly eligible people wanted if the rollout is running.
	WantEveryone(ctx context.Context) error
}

// Hands is what an engine calls: each kind of work and who does it.
type Hands struct {
	Resolver *Resolver
	Sender   *Sender
	Sweeper  *Sweeper
	Install  func(ctx context.Context) error // graphinstall, for a while
	Sync     func(ctx context.Context) error // directory, to the end of a round

	chunks atomic.Int64 // worked by this replica
}

// Do does one piece of work; it is a broadcast.Do.
func (h *Hands) Do(ctx context.Context, w broadcast.Work) error {
	switch w.Kind {
	case broadcast.KindResolve:
		return h.Resolver.Resolve(ctx, w.BroadcastID)
	case broadcast.KindSend:
		return h.send(ctx, w)
	case broadcast.KindCancel:
		return h.Sweeper.Cancel(ctx, w.BroadcastID)
	case broadcast.KindInstall:
		return h.Install(ctx)
	case broadcast.KindSync:
		return h.sync(ctx)
	case broadcast.KindSweep:
		return h.Sweeper.Sweep(ctx)
	case broadcast.KindClean:
		return h.Sweeper.Leftovers.Clean(ctx)
	}
	return fmt.Errorf("no hands for work of kind %q", w.Kind)
}

// send works a chunk. Where chunks go faster than the sweep comes round, the hands
// would stand idle in between: so it is called for every now and then.
func (h *Hands) send(ctx context.Context, w broadcast.Work) error {
	worked, err := h.Sender.send(ctx, w.BroadcastID, w.Seat)
	if err != nil || !worked || ctx.Err() != nil || h.chunks.Add(1)%(sweepLimit/4) != 0 {
		return err
	}
	return h.Sweeper.Engine.Enqueue(ctx, broadcast.Work{Kind: broadcast.KindSweep})
}

// sync reads the directory, then lets a running rollout take newcomers up.
func (h *Hands) sync(ctx context.Context) error {
	if err := h.Sync(ctx); err != nil {
		return err
	}
	return h.Sender.Ledger.WantEveryone(ctx)
}
