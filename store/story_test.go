package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/store"
	"github.com/fanfare/fanfare/store/storetest"
)

// TestAStoryFromDirectoryToSent walks the whole way once, so that a break in the
// middle shows here before the finer tests are looked at.
func TestAStoryFromDirectoryToSent(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		var handed []broadcast.Work
		people(t, st, 5)
		must(t, st.BotAdded(ctx, id(1), address(1)))
		must(t, st.BotAdded(ctx, id(2), address(2)))
		must(t, st.BotGone(ctx, id(3), broadcast.InstallationBlocked))

		bid := resolved(t, st, append(everybody(1, 4), broadcast.Recipient{EntraID: id(5), Excluded: broadcast.ReasonGuest}))
		if got, want := honest(t, st, bid), (broadcast.Tally{Total: 5, Ready: 2, Pending: 1, Skipped: 2}); got != want {
			t.Fatalf("resolved: %+v, want %+v", got, want)
		}

		c := the(st.TakeNext(ctx, bid, time.Minute, 0))(t)
		if len(c.Deliveries) != 2 || c.Fence != 1 || c.Deliveries[0].Address != address(1) {
			t.Fatalf("took %+v", c)
		}
		must(t, st.RecordOutcomes(ctx, c, []broadcast.Outcome{sent(c.Deliveries[0]), sent(c.Deliveries[1])}))
		must(t, st.FinishChunk(ctx, c, nil))

		st.HandOutAfterCommit(func(_ context.Context, works []broadcast.Work) { handed = append(handed, works...) })
		must(t, st.BotAdded(ctx, id(4), address(4)))
		if want := (broadcast.Work{Kind: broadcast.KindSend, BroadcastID: bid, Seat: 1, Priority: broadcast.PriorityNormal}); len(handed) != 1 || handed[0] != want {
			t.Fatalf("handed out %+v, want %+v", handed, want)
		}
		c = the(st.TakeNext(ctx, bid, time.Minute, 0))(t)
		if len(c.Deliveries) != 1 || c.Deliveries[0].EntraID != id(4) {
			t.Fatalf("took %+v", c)
		}
		must(t, st.RecordOutcomes(ctx, c, []broadcast.Outcome{sent(c.Deliveries[0])}))
		must(t, st.FinishChunk(ctx, c, nil))
		if ids := the(st.Finishable(ctx))(t); len(ids) != 1 || ids[0] != bid {
			t.Fatalf("finishable: %v", ids)
		}
		if got, want := honest(t, st, bid), (broadcast.Tally{Total: 5, Sent: 3, Skipped: 2}); got != want {
			t.Fatalf("sent: %+v, want %+v", got, want)
		}
		if last := the(st.LastSent(ctx, id(4)))(t); last != bid {
			t.Fatalf("last sent: %v", last)
		}
	})
}
