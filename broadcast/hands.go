package broadcast

import (
	"context"
	"fmt"
)

// Hands is what an engine calls: each kind of work and who does it.
type Hands struct {
	Resolver *Resolver
	Sender   *Sender
	Sweeper  *Sweeper
	Install  func(ctx context.Context) error // graphinstall, for a while
	Sync     func(ctx context.Context) error // directory, to the end of a round
}

// Do does one piece of work; it is a Do.
func (h *Hands) Do(ctx context.Context, w Work) error {
	switch w.Kind {
	case KindResolve:
		return h.Resolver.Resolve(ctx, w.BroadcastID)
	case KindSend:
		return h.Sender.Send(ctx, w.BroadcastID, w.Chunk)
	case KindCancel:
		return h.Sweeper.Cancel(ctx, w.BroadcastID)
	case KindInstall:
		return h.Install(ctx)
	case KindSync:
		return h.sync(ctx)
	case KindSweep:
		return h.Sweeper.Sweep(ctx)
	case KindClean:
		return h.Sweeper.Leftovers.Clean(ctx)
	}
	return fmt.Errorf("no hands for work of kind %q", w.Kind)
}

// sync reads the directory, then lets a running rollout take newcomers up.
func (h *Hands) sync(ctx context.Context) error {
	if err := h.Sync(ctx); err != nil {
		return err
	}
	return h.Sweeper.Service.ledger.WantEveryone(ctx)
}
