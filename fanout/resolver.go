package fanout

import (
	"context"
	"errors"
	"log/slog"
	"slices"

	"github.com/fanfare/fanfare/broadcast"
)

// Roll is what the resolver writes: the frozen list of a broadcast's recipients.
type Roll interface {
	// AddDeliveries stores recipients as the next chunk, those not yet on the list
	// only (unique per broadcast and person). Each starts where the ledger says: skipped
	// (directory's reason, or blocked, removed, refused), ready (address known) or
	// pending; for pending people without an installation one is wanted.
	AddDeliveries(ctx context.Context, id broadcast.ID, page []broadcast.Recipient) error
	// DropDeliveries forgets a list that was never sent from (state resolving).
	DropDeliveries(ctx context.Context, id broadcast.ID) error
}

// ChunkSize is how many people one chunk holds: at Microsoft's limit some
// seconds of work, so that little is in hand when a replica dies.
const ChunkSize = 200

// Resolver turns a broadcast's audience into its frozen list of deliveries.
type Resolver struct {
	Service   *broadcast.Service
	Ledger    Ledger
	Directory broadcast.Directory
	Roll      Roll
	Log       *slog.Logger
}

// Resolve does the whole of one broadcast. It may be stopped at any point and
// begun again: people already on the list are not doubled. An audience that
// cannot be read in full fails the broadcast (closed); passing trouble is
// returned, and the sweep comes back. A broadcast that was cancelled meanwhile, or
// resolved by somebody else, is none of ours any more.
func (r *Resolver) Resolve(ctx context.Context, id broadcast.ID) error {
	err := r.resolve(ctx, id)
	if err == nil {
		return nil
	}
	if now, gone := r.Ledger.Standing(ctx, id); gone == nil && now.State != broadcast.Resolving {
		r.Log.InfoContext(ctx, "resolving given up: the broadcast has moved on", "broadcast", id, "state", now.State, "cause", err)
		return nil
	}
	return err
}

func (r *Resolver) resolve(ctx context.Context, id broadcast.ID) error {
	b, err := r.Ledger.Broadcast(ctx, id)
	if err != nil || b.State != broadcast.Resolving {
		return err
	}
	if err := b.ApprovedAsIs(); err != nil {
		return r.fail(ctx, id, err.Error())
	}
	if frozen, err := r.frozen(ctx, id); err != nil {
		return err
	} else if frozen {
		return r.Service.Advance(ctx, id, broadcast.EventResolved, "")
	}
	if err := r.addAll(ctx, b); err != nil {
		if known := broadcast.AsError(err); known != nil && ctx.Err() == nil {
			return r.fail(ctx, id, known.Message)
		}
		return err
	}
	if now, err := r.Ledger.Standing(ctx, id); err != nil {
		return err
	} else if now.Tally.Total == 0 {
		return r.fail(ctx, id, "The audience is empty: nobody would get this.")
	}
	return r.Service.Advance(ctx, id, broadcast.EventResolved, "")
}

// frozen tells whether the list was complete once before: a broadcast that failed
// while it was sent and is resumed takes nobody in who came since.
func (r *Resolver) frozen(ctx context.Context, id broadcast.ID) (bool, error) {
	moves, err := r.Ledger.History(ctx, id)
	return slices.ContainsFunc(moves, func(m broadcast.Move) bool { return m.Event == broadcast.EventResolved }), err
}

func (r *Resolver) addAll(ctx context.Context, b *broadcast.Broadcast) error {
	page := make([]broadcast.Recipient, 0, ChunkSize)
	add := func() error {
		if len(page) == 0 {
			return nil
		}
		err := r.Roll.AddDeliveries(ctx, b.ID, page)
		page = page[:0]
		return err
	}
	for person, err := range r.Directory.Members(ctx, b.Audience) {
		if err != nil {
			return err
		}
		if page = append(page, person); len(page) == ChunkSize {
			if err := add(); err != nil {
				return err
			}
		}
	}
	return errors.Join(add(), ctx.Err())
}

// fail forgets the half list (nothing was sent from it) and tells why.
func (r *Resolver) fail(ctx context.Context, id broadcast.ID, why string) error {
	r.Log.WarnContext(ctx, "audience not resolved", "broadcast", id, "why", why)
	if err := r.Roll.DropDeliveries(ctx, id); err != nil {
		return err
	}
	return r.Service.Advance(ctx, id, broadcast.EventFail, why)
}
