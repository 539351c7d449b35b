package store_test

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/store"
	"github.com/fanfare/fanfare/store/storetest"
)

// inHand is a sending broadcast to people 1 to n, with the one chunk taken.
func inHand(t *testing.T, st *store.Store, n int) broadcast.Chunk {
	t.Helper()
	installed(t, st, n)
	return the(st.TakeNext(ctx, resolved(t, st, everybody(1, n)), minute, 0))(t)
}

func outcome(d broadcast.Delivery, state broadcast.DeliveryState, reason broadcast.Reason) broadcast.Outcome {
	return broadcast.Outcome{DeliveryID: d.ID, EntraID: d.EntraID, State: state, Reason: reason, Attempts: d.Attempts + 1, At: time.Now()}
}

func TestOutcomesAreKeptWhole(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		c := inHand(t, st, 3)
		odd := "“quoted” <b>\x00 \xff \\u0000 😀\n" + strings.Repeat("ä", 600)
		o := outcome(c.Deliveries[0], broadcast.DeliveryFailed, broadcast.ReasonRejected)
		o.Code, o.Detail, o.Attempts, o.At = "BadArgument", odd, 4, at(3)
		retry := outcome(c.Deliveries[1], broadcast.DeliveryReady, broadcast.ReasonTrouble)
		later := time.Now().Add(minute).Truncate(time.Millisecond)
		retry.NotBefore, retry.MaybeSent = later, true
		must(t, st.RecordOutcomes(ctx, c, []broadcast.Outcome{o, retry, sent(c.Deliveries[2])}))

		d := delivery(t, st, c.BroadcastID, 1)
		if d.State != broadcast.DeliveryFailed || d.Reason != broadcast.ReasonRejected || d.Code != "BadArgument" || d.Attempts != 4 || !d.UpdatedAt.Equal(at(3)) {
			t.Errorf("%+v", d)
		}
		if n := utf8.RuneCountInString(d.Detail); n != 500 || !strings.HasPrefix(d.Detail, "“quoted” <b> \uFFFD \\u0000 😀\n") || !strings.HasSuffix(d.Detail, "ä…") {
			t.Errorf("the detail is cut to %d characters: %q", n, d.Detail)
		}
		d = delivery(t, st, c.BroadcastID, 2)
		if d.State != broadcast.DeliveryReady || !d.NotBefore.Equal(later) || !d.MaybeSent {
			t.Errorf("%+v", d)
		}
		if d = delivery(t, st, c.BroadcastID, 3); d.ActivityID == "" || d.Address != address(3) {
			t.Errorf("%+v", d)
		}
		honest(t, st, c.BroadcastID)
	})
}

func TestADeliveryThatMayHaveArrivedIsCountedWhenItIsSent(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		c := inHand(t, st, 1)
		o := outcome(c.Deliveries[0], broadcast.DeliveryReady, broadcast.ReasonTrouble)
		o.MaybeSent = true
		must(t, st.RecordOutcomes(ctx, c, []broadcast.Outcome{o}))
		o = sent(c.Deliveries[0])
		o.MaybeSent = false // the ledger has not forgotten
		must(t, st.RecordOutcomes(ctx, c, []broadcast.Outcome{o}))
		if y := honest(t, st, c.BroadcastID); y.Sent != 1 || y.MaybeRepeated != 1 {
			t.Fatalf("%+v", y)
		}
	})
}

func TestAnEndIsRecordedOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		c := inHand(t, st, 2)
		first := sent(c.Deliveries[0])
		must(t, st.RecordOutcomes(ctx, c, []broadcast.Outcome{first, outcome(c.Deliveries[0], broadcast.DeliveryFailed, "")}))
		must(t, st.RecordOutcomes(ctx, c, []broadcast.Outcome{outcome(c.Deliveries[0], broadcast.DeliveryFailed, "")}))
		if y := honest(t, st, c.BroadcastID); y.Sent != 1 || y.Failed != 0 || y.Ready != 1 {
			t.Fatalf("%+v", y)
		}
	})
}

// TestWhatWasSentCountsThoughItWasCancelled: the message is there, whatever the
// ledger had decided meanwhile. Nothing else is taken from a worker that late.
func TestWhatWasSentCountsThoughItWasCancelled(t *testing.T) {
	t.Parallel()
	storetest.EachAt(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		c := inHand(t, st, 3)
		move(t, st, c.BroadcastID, broadcast.Cancelled)
		if n := the(st.CancelLeft(ctx, c.BroadcastID, 100))(t); n != 0 {
			t.Fatalf("cancelled %d in a worker's hands", n)
		}
		clock.Pass(2 * minute) // the worker is slow, and nobody has taken over
		if n := the(st.CancelLeft(ctx, c.BroadcastID, 100))(t); n != 3 {
			t.Fatalf("cancelled %d, want 3", n)
		}
		again := outcome(c.Deliveries[1], broadcast.DeliveryReady, broadcast.ReasonTrouble)
		must(t, st.RecordOutcomes(ctx, c, []broadcast.Outcome{sent(c.Deliveries[0]), again}))
		if y := honest(t, st, c.BroadcastID); y.Sent != 1 || y.Cancelled != 2 {
			t.Fatalf("%+v", y)
		}

		late := inHand(t, st, 2)
		clock.Pass(2 * minute)
		must(t, st.BotGone(ctx, id(1), broadcast.InstallationRemoved))
		must(t, st.BotGone(ctx, id(2), broadcast.InstallationRemoved))
		must(t, st.RecordOutcomes(ctx, late, []broadcast.Outcome{sent(late.Deliveries[0]), outcome(late.Deliveries[1], broadcast.DeliveryFailed, "")}))
		if y := honest(t, st, late.BroadcastID); y.Sent != 1 || y.Skipped != 1 {
			t.Fatalf("%+v", y)
		}
	})
}

func TestAnAddressLearnedOnTheWayIsKept(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		c := inHand(t, st, 3)
		learned := sent(c.Deliveries[0])
		learned.NewAddress = &broadcast.ConversationReference{ServiceURL: "https://smba.example/amer/", ConversationID: "a:new"}
		forgot := outcome(c.Deliveries[1], broadcast.DeliveryFailed, broadcast.ReasonGone)
		forgot.Forget = true
		must(t, st.RecordOutcomes(ctx, c, []broadcast.Outcome{learned, forgot}))
		want := broadcast.ConversationReference{ServiceURL: "https://smba.example/amer/", ConversationID: "a:new", ChannelAccountID: "29:1"}
		if got := the(st.Address(ctx, id(1)))(t); got != want {
			t.Errorf("address %+v, want %+v", got, want)
		}
		if _, err := st.Address(ctx, id(2)); !broadcast.IsCode(err, broadcast.NotFound) {
			t.Errorf("the dead address is still there: %v", err)
		}
		// Its chat is to be read through Graph, like that of anybody installed without.
		take := the(st.TakeInstallations(ctx, 10, minute))(t)
		if len(take) != 1 || take[0].EntraID != id(2) || !take[0].NeedsChat {
			t.Errorf("%+v", take)
		}
	})
}

// TestAnAddressLearnedOnTheWayIsForEveryBroadcast: who was put down as waiting for an
// address waits no longer once another broadcast has found it. (Seen in a soak: one of
// 20,000 waited for ever, and so did the broadcast.)
func TestAnAddressLearnedOnTheWayIsForEveryBroadcast(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		c := inHand(t, st, 2)
		forgotten := resolved(t, st, everybody(1, 1))
		other := the(st.TakeNext(ctx, forgotten, minute, 0))(t)
		forgot := outcome(other.Deliveries[0], broadcast.DeliveryFailed, broadcast.ReasonGone)
		forgot.Forget = true
		must(t, st.FinishChunk(ctx, other, []broadcast.Outcome{forgot}))
		waits := resolved(t, st, everybody(1, 2))
		if d := delivery(t, st, waits, 1); d.State != broadcast.DeliveryPending {
			t.Fatalf("%+v", d)
		}
		learned := sent(c.Deliveries[0])
		learned.NewAddress, learned.At = &broadcast.ConversationReference{ServiceURL: "https://smba.example/amer/", ConversationID: "a:new"}, time.Now().Add(minute)
		must(t, st.RecordOutcomes(ctx, c, []broadcast.Outcome{learned}))
		next := the(st.TakeNext(ctx, waits, minute, 0))(t)
		if len(next.Deliveries) != 2 || next.Deliveries[0].Address.ConversationID != "a:new" {
			t.Errorf("%+v", next)
		}
		honest(t, st, waits)
	})
}

func TestAnEventWinsOverAnOlderAnswer(t *testing.T) {
	t.Parallel()
	storetest.EachAt(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		c := inHand(t, st, 2)
		answered := clock.Now()
		clock.Pass(time.Second)
		fresh := broadcast.ConversationReference{ServiceURL: "https://smba.example/x/", ConversationID: "a:fresh", ChannelAccountID: "29:f"}
		must(t, st.BotAdded(ctx, id(1), fresh)) // unblocked just after the answer
		must(t, st.BotAdded(ctx, id(2), fresh))
		blocked := outcome(c.Deliveries[0], broadcast.DeliverySkipped, broadcast.ReasonBlocked)
		blocked.Installation, blocked.At = broadcast.InstallationBlocked, answered
		forgot := outcome(c.Deliveries[1], broadcast.DeliveryFailed, broadcast.ReasonGone)
		forgot.Forget, forgot.At = true, clock.Now().Add(time.Second) // later, but it means the old address
		must(t, st.RecordOutcomes(ctx, c, []broadcast.Outcome{blocked, forgot}))
		for n := 1; n <= 2; n++ {
			if got := the(st.Address(ctx, id(n)))(t); got != fresh {
				t.Errorf("person %d: address %+v, want the fresh one", n, got)
			}
		}
	})
}

// TestAPersonWhoBlockedTheBotIsSkippedEverywhere: what waits for them in other
// broadcasts is skipped too, but nothing a worker may have in hand.
func TestAPersonWhoBlockedTheBotIsSkippedEverywhere(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		c := inHand(t, st, 2)
		waits := resolved(t, st, everybody(1, 2))
		taken := resolved(t, st, everybody(1, 2))
		the(st.TakeNext(ctx, taken, minute, 0))(t)

		o := outcome(c.Deliveries[0], broadcast.DeliverySkipped, broadcast.ReasonBlocked)
		o.Installation = broadcast.InstallationBlocked
		must(t, st.RecordOutcomes(ctx, c, []broadcast.Outcome{o, sent(c.Deliveries[1])}))
		for bid, want := range map[broadcast.ID]broadcast.DeliveryState{c.BroadcastID: broadcast.DeliverySkipped, waits: broadcast.DeliverySkipped, taken: broadcast.DeliveryReady} {
			if d := delivery(t, st, bid, 1); d.State != want {
				t.Errorf("%+v, want %s", d, want)
			}
			honest(t, st, bid)
		}
		if d := delivery(t, st, waits, 1); d.Reason != broadcast.ReasonBlocked {
			t.Errorf("%+v", d)
		}
		row := the(st.Installations(ctx, broadcast.InstallQuery{State: broadcast.InstallationBlocked, Limit: 5}))(t).Rows
		if len(row) != 1 || row[0].EntraID != id(1) {
			t.Errorf("%+v", row)
		}
	})
}
