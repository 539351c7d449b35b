package store_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/store"
	"github.com/fanfare/fanfare/store/storetest"
)

func TestTheBotAddedWakesWhatWaits(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		sending := resolved(t, st, everybody(1, 2), everybody(3, 4))
		paused := resolved(t, st, everybody(1, 4))
		move(t, st, paused, broadcast.Paused)
		cancelled := resolved(t, st, everybody(1, 4))
		move(t, st, cancelled, broadcast.Cancelled)
		var handed []broadcast.Work
		st.HandOutAfterCommit(collect(&handed))

		must(t, st.BotAdded(ctx, id(3), address(3)))
		for bid, want := range map[broadcast.ID]broadcast.DeliveryState{sending: broadcast.DeliveryReady, paused: broadcast.DeliveryReady, cancelled: broadcast.DeliveryPending} {
			if d := delivery(t, st, bid, 3); d.State != want {
				t.Errorf("%+v, want %s", d, want)
			}
			honest(t, st, bid)
		}
		work := broadcast.Work{Kind: broadcast.KindSend, BroadcastID: sending, Seat: 1, Priority: broadcast.PriorityNormal}
		if !reflect.DeepEqual(handed, []broadcast.Work{work}) {
			t.Errorf("handed out %v, want %v", handed, work)
		}
		// Lost by the engine, it is found by the sweep.
		found := unfinished(t, st, 10)
		if !reflect.DeepEqual(found[len(found)-1], work) {
			t.Errorf("unfinished: %v, want %v among them", found, work)
		}
		must(t, st.BotAdded(ctx, id(3), address(3))) // the event comes twice
		honest(t, st, sending)
	})
}

func TestTheBotGoneSkipsWhatWaits(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		installed(t, st, 1)
		ready, taken := resolved(t, st, everybody(1, 1)), resolved(t, st, everybody(1, 1))
		pending := resolved(t, st, everybody(2, 2))
		the(st.TakeNext(ctx, taken, minute, 0))(t)
		must(t, st.BotGone(ctx, id(1), broadcast.InstallationRemoved))
		must(t, st.BotGone(ctx, id(2), broadcast.InstallationBlocked))
		if d := delivery(t, st, ready, 1); d.State != broadcast.DeliverySkipped || d.Reason != broadcast.ReasonRemoved {
			t.Errorf("%+v", d)
		}
		if d := delivery(t, st, taken, 1); d.State != broadcast.DeliveryReady {
			t.Errorf("taken out of a worker's hands: %+v", d)
		}
		if d := delivery(t, st, pending, 2); d.State != broadcast.DeliverySkipped || d.Reason != broadcast.ReasonBlocked {
			t.Errorf("%+v", d)
		}
		for _, bid := range []broadcast.ID{ready, taken, pending} {
			honest(t, st, bid)
		}
		if _, err := st.Address(ctx, id(1)); !broadcast.IsCode(err, broadcast.NotFound) {
			t.Errorf("%v", err)
		}
		if take := the(st.TakeInstallations(ctx, 10, minute))(t); len(take) != 0 {
			t.Errorf("installed against their will: %+v", take)
		}
		// Their own doing brings them back.
		must(t, st.BotAdded(ctx, id(1), address(1)))
		if got := the(st.Address(ctx, id(1)))(t); got != address(1) {
			t.Errorf("%+v", got)
		}
	})
}

func TestSeenRefreshesOnlyWhomWeKnow(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		installed(t, st, 1)
		must(t, st.BotGone(ctx, id(2), broadcast.InstallationRemoved))
		moved := broadcast.ConversationReference{ServiceURL: "https://smba.example/moved/", ConversationID: "a:1"}
		for n := 1; n <= 3; n++ {
			must(t, st.Seen(ctx, id(n), moved))
			must(t, st.Seen(ctx, id(n), broadcast.ConversationReference{})) // says nothing
		}
		want := moved
		want.ChannelAccountID = "29:1"
		if got := the(st.Address(ctx, id(1)))(t); got != want {
			t.Errorf("address %+v, want %+v", got, want)
		}
		for n := 2; n <= 3; n++ {
			if _, err := st.Address(ctx, id(n)); !broadcast.IsCode(err, broadcast.NotFound) {
				t.Errorf("person %d: %v, want not found", n, err)
			}
		}
	})
}

func TestLastSentIsTheNewest(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		if _, err := st.LastSent(ctx, id(1)); !broadcast.IsCode(err, broadcast.NotFound) {
			t.Fatalf("%v, want not found", err)
		}
		first := inHand(t, st, 2)
		must(t, st.RecordOutcomes(ctx, first, []broadcast.Outcome{sent(first.Deliveries[0]), sent(first.Deliveries[1])}))
		second := the(st.TakeNext(ctx, resolved(t, st, everybody(1, 2)), minute, 0))(t)
		must(t, st.RecordOutcomes(ctx, second, []broadcast.Outcome{sent(second.Deliveries[0])}))
		if got := the(st.LastSent(ctx, id(1)))(t); got != second.BroadcastID {
			t.Errorf("last sent to 1: %s", got)
		}
		if got := the(st.LastSent(ctx, id(2)))(t); got != first.BroadcastID {
			t.Errorf("last sent to 2: %s", got)
		}
	})
}

// TestWhoLeftWhileARetryWaitedIsSkipped: the event finds the delivery in a
// worker's chunk and leaves it; nobody may be written to again for that.
func TestWhoLeftWhileARetryWaitedIsSkipped(t *testing.T) {
	t.Parallel()
	storetest.EachAt(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		c := inHand(t, st, 3)
		var later []broadcast.Outcome
		for _, d := range c.Deliveries {
			later = append(later, broadcast.Outcome{DeliveryID: d.ID, EntraID: d.EntraID, State: broadcast.DeliveryReady, Attempts: 1, NotBefore: clock.Now().Add(time.Second), At: clock.Now()})
		}
		must(t, st.RecordOutcomes(ctx, c, later))
		must(t, st.BotGone(ctx, id(1), broadcast.InstallationRemoved))
		must(t, st.BotGone(ctx, id(2), broadcast.InstallationBlocked))
		must(t, st.FinishChunk(ctx, c, nil))
		clock.Pass(2 * time.Second)

		again := the(st.TakeNext(ctx, c.BroadcastID, minute, 0))(t)
		if len(again.Deliveries) != 1 || again.Deliveries[0].EntraID != id(3) {
			t.Fatalf("taken: %+v, want only person 3", again.Deliveries)
		}
		for n, want := range map[int]broadcast.Reason{1: broadcast.ReasonRemoved, 2: broadcast.ReasonBlocked} {
			if d := delivery(t, st, c.BroadcastID, n); d.State != broadcast.DeliverySkipped || d.Reason != want {
				t.Errorf("person %d is %s for %q, want skipped for %q", n, d.State, d.Reason, want)
			}
		}
		honest(t, st, c.BroadcastID)
	})
}
