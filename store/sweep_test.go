package store_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/store"
	"github.com/fanfare/fanfare/store/storetest"
)

func TestTheSweepFindsWhatHasNobody(t *testing.T) {
	t.Parallel()
	storetest.EachAt(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		installed(t, st, 3)
		resolving := draft(t, st).ID
		move(t, st, resolving, broadcast.Resolving)
		sending := resolved(t, st, everybody(1, 1), everybody(2, 2), everybody(3, 3))
		paused := resolved(t, st, everybody(1, 3))
		move(t, st, paused, broadcast.Paused)
		cancelled := resolved(t, st, everybody(1, 3))
		move(t, st, cancelled, broadcast.Cancelled)
		draft(t, st)

		the(st.TakeNext(ctx, sending, minute, 0))(t)
		want := []broadcast.Work{
			{Kind: broadcast.KindResolve, BroadcastID: resolving},
			{Kind: broadcast.KindCancel, BroadcastID: cancelled},
			{Kind: broadcast.KindSend, BroadcastID: sending, Seat: 1, Priority: broadcast.PriorityNormal},
			{Kind: broadcast.KindSend, BroadcastID: sending, Seat: 2, Priority: broadcast.PriorityNormal},
		}
		if got := unfinished(t, st, 10); !reflect.DeepEqual(got, want) {
			t.Fatalf("unfinished: %v, want %v", got, want)
		}
		if got := unfinished(t, st, 2); len(got) != 2 {
			t.Fatalf("more than asked: %v", got)
		}
		clock.Pass(2 * minute) // the worker of chunk 2 died
		if got := unfinished(t, st, 10); len(got) != 5 {
			t.Fatalf("the dead worker's chunk has nobody, but %v", got)
		}
	})
}

func TestAShortBroadcastDoesNotWaitBehindALongOne(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		installed(t, st, 5)
		long := resolved(t, st, everybody(1, 1), everybody(2, 2), everybody(3, 3), everybody(4, 4))
		short := resolved(t, st, everybody(5, 5))
		unfinished(t, st, 10) // their late joiners have had their turn
		works := unfinished(t, st, 3)
		want := []broadcast.Work{
			{Kind: broadcast.KindSend, BroadcastID: long, Seat: 1, Priority: broadcast.PriorityNormal},
			{Kind: broadcast.KindSend, BroadcastID: short, Seat: 1, Priority: broadcast.PriorityNormal},
			{Kind: broadcast.KindSend, BroadcastID: long, Seat: 2, Priority: broadcast.PriorityNormal},
		}
		if !reflect.DeepEqual(works, want) {
			t.Fatalf("%v, want %v", works, want)
		}
	})
}

func TestWhatIsDueAndWhatIsFinished(t *testing.T) {
	t.Parallel()
	storetest.EachAt(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		c := inHand(t, st, 1)
		waiting := resolved(t, st, everybody(2, 2))
		must(t, st.RecordOutcomes(ctx, c, []broadcast.Outcome{sent(c.Deliveries[0])}))
		if got := the(st.Finishable(ctx))(t); !reflect.DeepEqual(got, []broadcast.ID{c.BroadcastID}) {
			t.Fatalf("finishable: %v, and %s waits", got, waiting)
		}
		soon := draft(t, st)
		next := *soon
		next.State, next.DueAt = broadcast.Scheduled, clock.Now().Add(minute)
		the(st.Change(ctx, broadcast.Change{Before: soon, After: &next}))(t)
		if got := the(st.Due(ctx))(t); len(got) != 0 {
			t.Fatalf("due too early: %v", got)
		}
		clock.Pass(minute)
		if got := the(st.Due(ctx))(t); !reflect.DeepEqual(got, []broadcast.ID{soon.ID}) {
			t.Fatalf("due: %v", got)
		}
	})
}

func TestCancellingGoesInStepsAndLeavesHandsAlone(t *testing.T) {
	t.Parallel()
	storetest.EachAt(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		installed(t, st, 5)
		bid := resolved(t, st, everybody(1, 6), everybody(7, 8))
		c := the(st.TakeNext(ctx, bid, minute, 0))(t)
		if n := the(st.CancelLeft(ctx, bid, 10))(t); n != 0 {
			t.Fatalf("cancelled %d of a broadcast that is sending", n)
		}
		move(t, st, bid, broadcast.Cancelled)
		if n := the(st.CancelLeft(ctx, bid, 10))(t); n != 2 {
			t.Fatalf("cancelled %d, want the 2 of the free chunk", n)
		}
		must(t, st.RecordOutcomes(ctx, c, []broadcast.Outcome{sent(c.Deliveries[0])}))
		must(t, st.FinishChunk(ctx, c, nil))
		for _, want := range []int{3, 2, 0} {
			if n := the(st.CancelLeft(ctx, bid, 3))(t); n != want {
				t.Fatalf("cancelled %d, want %d", n, want)
			}
			honest(t, st, bid)
		}
		if y := honest(t, st, bid); y != (broadcast.Tally{Total: 8, Sent: 1, Cancelled: 7}) {
			t.Fatalf("%+v", y)
		}
		if works := unfinished(t, st, 10); len(works) != 2 || works[0].Kind != broadcast.KindInstall || works[1].Kind != broadcast.KindInstall {
			t.Fatalf("still unfinished: %v", works)
		}
	})
}

func TestCleaningForgetsOnlyWhatHasServed(t *testing.T) {
	t.Parallel()
	storetest.EachAt(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		in := broadcast.Inbound{ConversationID: "c", ActivityID: "1", Body: []byte("x"), ReceivedAt: clock.Now()}
		the(st.SaveActivity(ctx, in))(t)
		got := the(st.TakeActivities(ctx, 5, minute))(t)
		must(t, st.FinishActivities(ctx, []int64{got[0].ID}))
		other := in
		other.ActivityID = "2"
		the(st.SaveActivity(ctx, other))(t)
		must(t, st.Sessions().CommitCtx(ctx, "token", []byte("s"), clock.Now().Add(time.Hour)))

		clock.Pass(47 * time.Hour)
		must(t, st.Clean(ctx))
		if fresh := the(st.SaveActivity(ctx, in))(t); fresh {
			t.Fatal("a redelivery after 47 hours was taken for new")
		}
		clock.Pass(2 * time.Hour)
		must(t, st.Clean(ctx))
		if fresh := the(st.SaveActivity(ctx, in))(t); !fresh {
			t.Fatal("a handled activity was kept for more than two days")
		}
		if fresh := the(st.SaveActivity(ctx, other))(t); fresh {
			t.Fatal("an activity that still waits was forgotten")
		}
		if all := the(st.Sessions().AllCtx(ctx))(t); len(all) != 0 {
			t.Fatalf("sessions left: %v", all)
		}
	})
}

// TestWhatADeadWorkerMayHaveSentIsNotCalledUnsent: cancelling does not know more
// than the worker that died.
func TestWhatADeadWorkerMayHaveSentIsNotCalledUnsent(t *testing.T) {
	t.Parallel()
	storetest.EachAt(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		installed(t, st, 4)
		bid := resolved(t, st, everybody(1, 2), everybody(3, 4))
		the(st.TakeNext(ctx, bid, minute, 0))(t)
		move(t, st, bid, broadcast.Cancelled)
		clock.Pass(2 * minute) // the worker of chunk 1 died
		if n := the(st.CancelLeft(ctx, bid, 10))(t); n != 4 {
			t.Fatalf("cancelled %d, want 4", n)
		}
		for n, doubt := range map[int]bool{1: true, 2: true, 3: false, 4: false} {
			if d := delivery(t, st, bid, n); d.State != broadcast.DeliveryCancelled || d.MaybeSent != doubt {
				t.Errorf("person %d is %s, maybe sent %v, want cancelled and %v", n, d.State, d.MaybeSent, doubt)
			}
		}
		honest(t, st, bid)
	})
}
