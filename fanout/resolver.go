package fanout

import (
	"context"
	"log/slog"
	"time"

	"github.com/fanfare/fanfare/broadcast"
)

// Roll is the list of a broadcast's recipients, for whoever writes it. What was begun
// may be begun anew: whoever is on the list already stays as they are.
type Roll interface {
	// CountAudience is how many people the audience is, as of when Send was pressed.
	CountAudience(ctx context.Context, id broadcast.ID) (int, error)
	// ListCanary lists the first wave: the first people who can be reached, or those of
	// the audience who are in the ring; nobody if there is a first wave.
	ListCanary(ctx context.Context, id broadcast.ID, c broadcast.Canary) error
	// ListAudience lists the page after a person and returns where it ends; "" when
	// nobody is left. Each starts where the ledger says: skipped (directory's reason, or
	// blocked, removed, refused), ready (address known) or pending; for pending people
	// without an installation one is wanted.
	ListAudience(ctx context.Context, id broadcast.ID, after broadcast.EntraID) (next broadcast.EntraID, err error)
	// ListPass lists who has the message that a correction or a recall is about, out of
	// the page of target's deliveries after one; 0 when nobody is left. ErrNotYet
	// while it is not known of all of them what became of them.
	ListPass(ctx context.Context, id, target broadcast.ID, after int64) (next int64, err error)
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
	Guard     broadcast.Guard // nil bounds nobody
	Now       func() time.Time
	Log       *slog.Logger
}

// Resolve does the whole of one broadcast. It may be stopped at any point and
// begun again: people already on the list are not doubled. An audience that
// cannot be read in full fails the broadcast (closed); passing trouble is
// returned, and the sweep comes back. A broadcast that was cancelled meanwhile, or
// resolved by somebody else, is none of ours any more.
func (r *Resolver) Resolve(ctx context.Context, id broadcast.ID) error {
	b, err := r.Ledger.Broadcast(ctx, id)
	if err != nil || !unlisted(b) {
		return err
	}
	if err = r.resolve(ctx, b); err == nil {
		return nil
	}
	now, gone := r.Ledger.Broadcast(context.WithoutCancel(ctx), id)
	switch {
	case gone != nil:
		return err
	case !unlisted(now):
		r.Log.InfoContext(ctx, "resolving given up: the broadcast has moved on", "broadcast", id, "state", now.State, "cause", err)
		return nil
	case broadcast.AsError(err) != nil && ctx.Err() == nil && now.State == broadcast.Resolving:
		return r.fail(ctx, id, broadcast.AsMessage(err))
	}
	return err
}

// unlisted tells whether a broadcast's list is still to be written, or, of one that
// failed while it was sent and was resumed, to be sent from again.
func unlisted(b *broadcast.Broadcast) bool {
	return b.State == broadcast.Resolving || b.State.Live() && b.ListedAt.IsZero()
}

func (r *Resolver) resolve(ctx context.Context, b *broadcast.Broadcast) error {
	if !b.ListedAt.IsZero() { // nobody is taken in who came since
		return r.Service.Advance(ctx, b.ID, broadcast.EventResolved, "")
	}
	if err := b.ApprovedAsIs(); err != nil {
		return err
	}
	switch {
	case b.Kind.Changes():
		return r.pass(ctx, b)
	case b.Welcomes(): // its list begins empty and grows with whoever comes
		return r.Service.Advance(ctx, b.ID, broadcast.EventResolved, "")
	}
	return r.list(ctx, b)
}

// fail forgets the half list (nothing was sent from it) and tells why.
func (r *Resolver) fail(ctx context.Context, id broadcast.ID, why string) error {
	r.Log.WarnContext(ctx, "audience not resolved", "broadcast", id, "why", why)
	if err := r.Roll.DropDeliveries(ctx, id); err != nil {
		return err
	}
	return r.Service.Advance(ctx, id, broadcast.EventFail, why)
}

var errEmpty = broadcast.Errorf(broadcast.Invalid, "The audience is empty: nobody would get this.")

// complete is the end of a list that was written before anything was sent.
func (r *Resolver) complete(ctx context.Context, id broadcast.ID) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if now, err := r.Ledger.Standing(ctx, id); err != nil {
		return err
	} else if now.Tally.Total == 0 {
		return errEmpty
	}
	return r.Service.Advance(ctx, id, broadcast.EventResolved, "")
}

// pass lists whom a correction or a recall is for: those who have the message, or
// may have it. That was a frozen list before.
func (r *Resolver) pass(ctx context.Context, b *broadcast.Broadcast) error {
	if b.Kind == broadcast.KindEdit {
		if err := r.Service.Corrected(ctx, b); err != nil {
			return err
		}
	}
	for after, more := int64(0), true; more; more = after != 0 {
		next, err := r.Roll.ListPass(ctx, b.ID, b.Target, after)
		if err != nil {
			return err
		}
		after = next
	}
	if err := r.complete(ctx, b.ID); err != errEmpty {
		return err
	}
	if err := r.Service.Advance(ctx, b.ID, broadcast.EventResolved, ""); err != nil {
		return err
	}
	return r.Service.Advance(ctx, b.ID, broadcast.EventFinish, "Nobody has the message, so there was nothing to do.")
}
