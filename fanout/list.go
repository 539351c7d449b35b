package fanout

import (
	"context"
	"math"

	"github.com/fanfare/fanfare/broadcast"
)

// asRead is the age at which what a broadcast gathered is too old: never. Its sets are
// read once; whoever resolves it again goes by the same.
const asRead = math.MaxInt64

// list gathers the audience and lists it page by page. Nobody is listed before every
// part was read to its end. The head-count is fixed at the beginning, so that sending
// starts with the first page while the others follow.
func (r *Resolver) list(ctx context.Context, b *broadcast.Broadcast) error {
	if err := r.Directory.Gather(ctx, string(b.ID), gathered(b), asRead); err != nil {
		return err
	}
	expected := b.Expected
	if b.State == broadcast.Resolving {
		if err := r.bounded(ctx, b); err != nil {
			return err
		}
		var err error
		if expected, err = r.Roll.CountAudience(ctx, b.ID); err != nil {
			return err
		}
		if expected == 0 {
			return errEmpty
		}
		if b.Plan.Canary.On() && b.Wave == 0 {
			if err := r.Roll.ListCanary(ctx, b.ID, b.Plan.Canary); err != nil {
				return err
			}
		}
	}
	after := broadcast.EntraID("")
	for more := true; more; more = after != "" {
		var err error
		if after, err = r.Roll.ListAudience(ctx, b.ID, after); err != nil {
			return err
		}
		if b, err = r.open(ctx, b, expected); err != nil {
			return err
		}
	}
	return r.listed(ctx, b.ID)
}

// bounded asks whether the author may still reach whom it is about to be listed for:
// since Send or the schedule that may have become fewer. Once somebody may have got
// it, the others do.
func (r *Resolver) bounded(ctx context.Context, b *broadcast.Broadcast) error {
	if r.Guard == nil {
		return nil
	}
	return r.Guard.Allows(ctx, broadcast.EngineActor, broadcast.EventRelease, b)
}

// gathered is everything that must be read before a broadcast can be listed: its
// audience and the ring of its first wave.
func gathered(b *broadcast.Broadcast) broadcast.Audience {
	a := b.Audience
	if ring := b.Plan.Canary.Ring(); ring.ID != "" {
		a.Include = append(a.Include[:len(a.Include):len(a.Include)], ring)
	}
	return a
}

// open lets a broadcast be sent, once somebody is on its list, and returns it as it
// stands now.
func (r *Resolver) open(ctx context.Context, b *broadcast.Broadcast, expected int) (*broadcast.Broadcast, error) {
	for b.State == broadcast.Resolving {
		if _, err := r.Service.OpenList(ctx, b, expected); err != nil {
			return nil, err
		}
		var err error
		if b, err = r.Ledger.Broadcast(ctx, b.ID); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// listed notes that the list is complete, whatever people do to the broadcast
// meanwhile.
func (r *Resolver) listed(ctx context.Context, id broadcast.ID) error {
	for {
		b, err := r.Ledger.Broadcast(ctx, id)
		if err != nil || !unlisted(b) {
			return err
		}
		if b.Tally.Total != b.Expected { // a ring can hold people the directory's copy has not yet
			r.Log.WarnContext(ctx, "the list is not as long as expected", "broadcast", id, "expected", b.Expected, "listed", b.Tally.Total)
		}
		err = r.Service.Note(ctx, b, func(next *broadcast.Broadcast) { next.ListedAt, next.Expected = r.Now(), b.Tally.Total })
		if !broadcast.IsCode(err, broadcast.Conflict) {
			return err
		}
	}
}
