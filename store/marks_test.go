package store_test

import (
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/store"
	"github.com/fanfare/fanfare/store/storetest"
)

// failed is what became of a delivery that could not be sent.
func failed(d broadcast.Delivery, reason broadcast.Reason, at time.Time) broadcast.Outcome {
	return broadcast.Outcome{DeliveryID: d.ID, EntraID: d.EntraID, State: broadcast.DeliveryFailed, Reason: reason, Code: "Code", Detail: "Detail", Attempts: 6, MaybeSent: reason == broadcast.ReasonAttempts, At: at}
}

// ended is a broadcast to five people with the bot: the first got it, the second
// and the third failed for a reason, the fourth for another, the fifth is in a
// chunk of their own and waits.
func ended(t *testing.T, st *store.Store, clock *storetest.Clock) broadcast.ID {
	t.Helper()
	installed(t, st, 5)
	bid := resolved(t, st, everybody(1, 4), everybody(5, 5))
	c := the(st.TakeNext(ctx, bid, minute, 0))(t)
	now := clock.Now()
	must(t, st.RecordOutcomes(ctx, c, []broadcast.Outcome{
		sent(c.Deliveries[0]), failed(c.Deliveries[1], broadcast.ReasonAttempts, now), failed(c.Deliveries[2], broadcast.ReasonAttempts, now),
		failed(c.Deliveries[3], broadcast.ReasonRejected, now),
	}))
	must(t, st.FinishChunk(ctx, c, nil))
	return bid
}

func TestARetryTakesThoseWhoFailedUntilItWasAskedFor(t *testing.T) {
	t.Parallel()
	storetest.EachAt(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		bid := ended(t, st, clock)
		if n := the(st.RetryFailed(ctx, bid, 10))(t); n != 0 {
			t.Fatalf("%d retried, and nobody asked", n)
		}
		clock.Pass(minute)
		change(t, st, bid, func(b *broadcast.Broadcast) { b.RetryAt = clock.Now() })
		for _, want := range []int{2, 1, 0} {
			if n := the(st.RetryFailed(ctx, bid, 2))(t); n != want {
				t.Fatalf("%d retried, want %d", n, want)
			}
			honest(t, st, bid)
		}
		d := delivery(t, st, bid, 2)
		if d.State != broadcast.DeliveryReady || d.Reason != "" || d.Code != "" || d.Attempts != 0 || !d.MaybeSent {
			t.Fatalf("%+v", d)
		}
		the(st.TakeNext(ctx, bid, minute, 0))(t) // person 5, who waited longer
		c := the(st.TakeNext(ctx, bid, minute, 0))(t)
		if len(c.Deliveries) != 3 {
			t.Fatalf("%d are sent to again, want 3", len(c.Deliveries))
		}
		// Who fails again has failed after it was asked for.
		clock.Pass(time.Second)
		must(t, st.RecordOutcomes(ctx, c, []broadcast.Outcome{failed(c.Deliveries[0], broadcast.ReasonAttempts, clock.Now())}))
		if n := the(st.RetryFailed(ctx, bid, 10))(t); n != 0 {
			t.Fatalf("%d retried twice", n)
		}
		if y := honest(t, st, bid); y != (broadcast.Tally{Total: 5, Sent: 1, Failed: 1, Ready: 3}) {
			t.Fatalf("%+v", y)
		}
	})
}

func TestARetryMayBeForAReason(t *testing.T) {
	t.Parallel()
	storetest.EachAt(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		bid := ended(t, st, clock)
		change(t, st, bid, func(b *broadcast.Broadcast) {
			b.State, b.RetryAt, b.RetryReason = broadcast.Paused, clock.Now(), broadcast.ReasonRejected
		})
		if n := the(st.RetryFailed(ctx, bid, 10))(t); n != 1 {
			t.Fatalf("%d retried, want 1", n)
		}
		if d := delivery(t, st, bid, 4); d.State != broadcast.DeliveryReady {
			t.Fatalf("%+v", d)
		}
		move(t, st, bid, broadcast.Cancelled)
		if n := the(st.RetryFailed(ctx, bid, 10))(t); n != 0 {
			t.Fatalf("%d of a cancelled broadcast retried", n)
		}
		honest(t, st, bid)
	})
}

// TestARetryGoesIntoAChunkInHand: what becomes ready while a worker has the chunk
// is sent after it, and is not in doubt if that worker dies.
func TestARetryGoesIntoAChunkInHand(t *testing.T) {
	t.Parallel()
	storetest.EachAt(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		installed(t, st, 2)
		bid := resolved(t, st, everybody(1, 2))
		c := the(st.TakeNext(ctx, bid, minute, 0))(t)
		must(t, st.RecordOutcomes(ctx, c, []broadcast.Outcome{failed(c.Deliveries[0], broadcast.ReasonRejected, clock.Now())}))
		clock.Pass(time.Second)
		change(t, st, bid, func(b *broadcast.Broadcast) { b.RetryAt = clock.Now() })
		if n := the(st.RetryFailed(ctx, bid, 10))(t); n != 1 {
			t.Fatalf("%d retried, want 1", n)
		}
		clock.Pass(2 * minute) // the worker died
		c = the(st.TakeNext(ctx, bid, minute, 0))(t)
		if len(c.Deliveries) != 2 || c.Deliveries[0].MaybeSent || !c.Deliveries[1].MaybeSent {
			t.Fatalf("%+v", c.Deliveries)
		}
		must(t, st.RecordOutcomes(ctx, c, []broadcast.Outcome{sent(c.Deliveries[0]), sent(c.Deliveries[1])}))
		if y := honest(t, st, bid); y != (broadcast.Tally{Total: 2, Sent: 2, MaybeRepeated: 1}) {
			t.Fatalf("%+v", y)
		}
	})
}

func TestWhatIsNotReachedInTimeExpires(t *testing.T) {
	t.Parallel()
	storetest.EachAt(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		installed(t, st, 4)
		bid := resolved(t, st, everybody(1, 2), everybody(3, 6))
		if n := the(st.ExpireLeft(ctx, bid, 10))(t); n != 0 {
			t.Fatalf("%d expired without an expiry", n)
		}
		change(t, st, bid, func(b *broadcast.Broadcast) { b.Plan.ExpiresAt = clock.Now().Add(10 * time.Second) })
		c := the(st.TakeNext(ctx, bid, minute, 0))(t)
		if n := the(st.ExpireLeft(ctx, bid, 10))(t); n != 0 {
			t.Fatalf("%d expired before their time", n)
		}
		clock.Pass(10 * time.Second)
		for _, want := range []int{3, 1, 0} {
			if n := the(st.ExpireLeft(ctx, bid, 3))(t); n != want {
				t.Fatalf("%d expired, want %d", n, want)
			}
			honest(t, st, bid)
		}
		must(t, st.RecordOutcomes(ctx, c, []broadcast.Outcome{sent(c.Deliveries[0])}))
		must(t, st.FinishChunk(ctx, c, nil))
		if n := the(st.ExpireLeft(ctx, bid, 10))(t); n != 1 {
			t.Fatalf("%d of the chunk that came back expired, want 1", n)
		}
		if y := honest(t, st, bid); y != (broadcast.Tally{Total: 6, Sent: 1, Expired: 5}) {
			t.Fatalf("%+v", y)
		}
	})
}
