package store_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/store"
	"github.com/fanfare/fanfare/store/storetest"
)

func TestAChunkHasOneWorker(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		installed(t, st, 3)
		bid := resolved(t, st, everybody(1, 3))
		var won, none atomic.Int32
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				c, err := st.TakeNext(ctx, bid, minute, 0)
				switch {
				case err == nil && len(c.Deliveries) == 3 && c.Fence == 1:
					won.Add(1)
				case err == nil && c.Number == 0:
					none.Add(1)
				default:
					t.Errorf("%+v %v", c, err)
				}
			})
		}
		wg.Wait()
		if won.Load() != 1 || none.Load() != 7 {
			t.Fatalf("%d took it, %d got nothing", won.Load(), none.Load())
		}
	})
}

func TestAReplacedWorkerStoresNothing(t *testing.T) {
	t.Parallel()
	storetest.EachAt(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		installed(t, st, 2)
		bid := resolved(t, st, everybody(1, 2))
		old := the(st.TakeNext(ctx, bid, minute, 0))(t)
		clock.Pass(minute + time.Second)
		heir := the(st.TakeNext(ctx, bid, minute, 0))(t)
		if heir.Fence != old.Fence+1 || len(heir.Deliveries) != 2 {
			t.Fatalf("the heir took %+v", heir)
		}
		if err := st.RecordOutcomes(ctx, old, []broadcast.Outcome{sent(old.Deliveries[0])}); !errors.Is(err, broadcast.ErrFenceLost) {
			t.Fatalf("%v, want the fence lost", err)
		}
		if ours := the(st.KeepChunk(ctx, old, minute))(t); ours {
			t.Fatal("the old worker was told to go on")
		}
		if err := st.FinishChunk(ctx, old, nil); !errors.Is(err, broadcast.ErrFenceLost) {
			t.Fatalf("%v, want the fence lost", err)
		}
		if c := the(st.TakeNext(ctx, bid, minute, 0))(t); c.Number != 0 {
			t.Fatalf("the old worker gave away what is the heir's: %+v", c)
		}
		if y := honest(t, st, bid); y.Ready != 2 {
			t.Fatalf("%+v", y)
		}
		// A chunk nobody took has no fence to record under.
		if err := st.RecordOutcomes(ctx, broadcast.Chunk{BroadcastID: bid, Number: 9}, []broadcast.Outcome{sent(old.Deliveries[0])}); !errors.Is(err, broadcast.ErrFenceLost) {
			t.Fatalf("%v, want the fence lost", err)
		}
	})
}

// TestWhatADeadWorkerMayHaveSentIsCounted: there is no idempotency key, so a
// person who was in hand may get it twice; that number is shown.
func TestWhatADeadWorkerMayHaveSentIsCounted(t *testing.T) {
	t.Parallel()
	storetest.EachAt(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		installed(t, st, 3)
		bid := resolved(t, st, everybody(1, 3))
		dead := the(st.TakeNext(ctx, bid, minute, 0))(t)
		must(t, st.RecordOutcomes(ctx, dead, []broadcast.Outcome{sent(dead.Deliveries[0])}))
		clock.Pass(2 * minute)
		heir := the(st.TakeNext(ctx, bid, minute, 0))(t)
		if len(heir.Deliveries) != 2 || !heir.Deliveries[0].MaybeSent {
			t.Fatalf("%+v", heir.Deliveries)
		}
		must(t, st.RecordOutcomes(ctx, heir, []broadcast.Outcome{sent(heir.Deliveries[0]), sent(heir.Deliveries[1])}))
		must(t, st.FinishChunk(ctx, heir, nil))
		if y := honest(t, st, bid); y.Sent != 3 || y.MaybeRepeated != 2 {
			t.Fatalf("%+v, want 3 sent of which 2 maybe twice", y)
		}
	})
}

func TestAWorkerThatStopsCleanlyLeavesNoDoubt(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		installed(t, st, 2)
		bid := resolved(t, st, everybody(1, 2))
		c := the(st.TakeNext(ctx, bid, minute, 0))(t)
		must(t, st.FinishChunk(ctx, c, nil))
		c = the(st.TakeNext(ctx, bid, minute, 0))(t)
		if c.Fence != 2 || c.Deliveries[0].MaybeSent {
			t.Fatalf("%+v", c)
		}
	})
}

func TestOnlyWhatIsDueIsTaken(t *testing.T) {
	t.Parallel()
	storetest.EachAt(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		installed(t, st, 2)
		bid := resolved(t, st, everybody(1, 2))
		c := the(st.TakeNext(ctx, bid, minute, 0))(t)
		later := broadcast.Outcome{DeliveryID: c.Deliveries[0].ID, EntraID: id(1), State: broadcast.DeliveryReady, Attempts: 1, NotBefore: clock.Now().Add(10 * time.Second), At: clock.Now()}
		must(t, st.RecordOutcomes(ctx, c, []broadcast.Outcome{later, sent(c.Deliveries[1])}))
		must(t, st.FinishChunk(ctx, c, nil))
		if works := unfinished(t, st, 10); len(works) != 0 {
			t.Fatalf("nothing is due, but %v", works)
		}
		c = the(st.TakeNext(ctx, bid, minute, 0))(t)
		if len(c.Deliveries) != 0 {
			t.Fatalf("took what is not due: %+v", c)
		}
		must(t, st.FinishChunk(ctx, c, nil))
		clock.Pass(10 * time.Second)
		if works := unfinished(t, st, 10); len(works) != 1 || works[0] != (broadcast.Work{Kind: broadcast.KindSend, BroadcastID: bid, Seat: 1, Priority: broadcast.PriorityNormal}) {
			t.Fatalf("due, but %v", works)
		}
		c = the(st.TakeNext(ctx, bid, minute, 0))(t)
		if len(c.Deliveries) != 1 || c.Deliveries[0].Attempts != 1 || c.Deliveries[0].MaybeSent {
			t.Fatalf("%+v", c)
		}
	})
}

func TestAPausedBroadcastGivesNoChunksAndKeepsNone(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		installed(t, st, 2)
		bid := resolved(t, st, everybody(1, 2))
		c := the(st.TakeNext(ctx, bid, minute, 0))(t)
		if ours := the(st.KeepChunk(ctx, c, minute))(t); !ours {
			t.Fatal("the worker was told to stop for no reason")
		}
		move(t, st, bid, broadcast.Paused)
		if ours := the(st.KeepChunk(ctx, c, minute))(t); ours {
			t.Fatal("the worker was not told of the pause")
		}
		must(t, st.RecordOutcomes(ctx, c, []broadcast.Outcome{sent(c.Deliveries[0])})) // what was in hand still counts
		must(t, st.FinishChunk(ctx, c, nil))
		if ours := the(st.KeepChunk(ctx, c, minute))(t); ours {
			t.Fatal("a chunk that was given back was kept")
		}
		for _, bid := range []broadcast.ID{bid, "none"} {
			if c := the(st.TakeNext(ctx, bid, minute, 0))(t); c.Number != 0 || len(c.Deliveries) != 0 {
				t.Fatalf("took %+v of a paused broadcast", c)
			}
		}
		move(t, st, bid, broadcast.Sending)
		if c := the(st.TakeNext(ctx, bid, minute, 0))(t); len(c.Deliveries) != 1 {
			t.Fatalf("after the pause: %+v", c)
		}
		honest(t, st, bid)
	})
}
