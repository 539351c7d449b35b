package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/store"
	"github.com/fanfare/fanfare/store/storetest"
)

// pass is a recall of a broadcast whose list is still to be written.
func pass(t *testing.T, st *store.Store, target broadcast.ID) broadcast.ID {
	t.Helper()
	return begun(t, st, func(b *broadcast.Broadcast) { b.Kind, b.Target = broadcast.KindRecall, target })
}

func listPass(t *testing.T, st *store.Store, bid, target broadcast.ID) {
	t.Helper()
	for after := int64(0); ; {
		if after = the(st.ListPass(ctx, bid, target, after))(t); after == 0 {
			return
		}
	}
}

func TestAPassIsForThoseWhoHaveTheMessage(t *testing.T) {
	t.Parallel()
	storetest.EachAt(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		installed(t, st, 7)
		target := resolved(t, st, everybody(1, 8))
		c := the(st.TakeNext(ctx, target, minute, 0))(t)
		nameless := sent(c.Deliveries[1])
		nameless.ActivityID = ""
		skipped := outcome(c.Deliveries[4], broadcast.DeliverySkipped, "")
		skipped.Reason = broadcast.ReasonBlocked
		must(t, st.RecordOutcomes(ctx, c, []broadcast.Outcome{
			sent(c.Deliveries[0]), nameless, failed(c.Deliveries[2], broadcast.ReasonAttempts, clock.Now()), // may have arrived
			failed(c.Deliveries[3], broadcast.ReasonRejected, clock.Now()), skipped,
		}))
		move(t, st, target, broadcast.Cancelled)
		bid := pass(t, st, target)
		if _, err := st.ListPass(ctx, bid, target, 0); !errors.Is(err, broadcast.ErrNotYet) {
			t.Fatalf("while a chunk is in hand: %v", err)
		}
		clock.Pass(2 * minute) // its worker died
		if _, err := st.ListPass(ctx, bid, target, 0); !errors.Is(err, broadcast.ErrNotYet) {
			t.Fatalf("while people are to be cancelled: %v", err)
		}
		if n := the(st.CancelLeft(ctx, target, 10))(t); n != 3 {
			t.Fatalf("%d cancelled", n)
		}
		for range 2 { // begun anew, it adds nobody
			listPass(t, st, bid, target)
		}
		want := map[int]broadcast.Delivery{
			1: {State: broadcast.DeliveryReady, ActivityID: delivery(t, st, target, 1).ActivityID},
			2: {State: broadcast.DeliverySkipped, Reason: broadcast.ReasonNoActivityID},
			3: {State: broadcast.DeliverySkipped, Reason: broadcast.ReasonNoActivityID},
			// The dead worker may have sent these before they were cancelled.
			6: {State: broadcast.DeliverySkipped, Reason: broadcast.ReasonNoActivityID},
			7: {State: broadcast.DeliverySkipped, Reason: broadcast.ReasonNoActivityID},
		}
		for n, w := range want {
			if d := delivery(t, st, bid, n); d.State != w.State || d.Reason != w.Reason || d.ActivityID != w.ActivityID || d.MaybeSent {
				t.Errorf("person %d is %+v, want %+v", n, d, w)
			}
		}
		if y := honest(t, st, bid); y != (broadcast.Tally{Total: 5, Ready: 1, Skipped: 4}) {
			t.Fatalf("%+v", y)
		}
		change(t, st, bid, func(b *broadcast.Broadcast) { b.State, b.ListedAt = broadcast.Sending, time.Now() })
		if c := the(st.TakeNext(ctx, bid, minute, 0))(t); len(c.Deliveries) != 1 || c.Deliveries[0].ActivityID == "" {
			t.Fatalf("%+v", c.Deliveries)
		}
		if _, err := st.ListPass(ctx, bid, target, 0); err == nil {
			t.Fatal("a complete list took somebody in")
		}
	})
}
