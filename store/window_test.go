package store_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/store"
	"github.com/fanfare/fanfare/store/storetest"
)

// planned is a sending broadcast to pages of people, changed by f before it begins.
func planned(t *testing.T, st *store.Store, f func(b *broadcast.Broadcast), pages ...[]broadcast.Recipient) broadcast.ID {
	t.Helper()
	b := draft(t, st)
	next := *b
	f(&next)
	next.State = broadcast.Resolving
	the(st.Change(ctx, broadcast.Change{Before: b, After: &next}))(t)
	for _, p := range pages {
		must(t, st.AddDeliveries(ctx, b.ID, p, 1))
	}
	move(t, st, b.ID, broadcast.Sending)
	return b.ID
}

func next(t *testing.T, st *store.Store, bid broadcast.ID, window int) broadcast.Chunk {
	t.Helper()
	return the(st.TakeNext(ctx, bid, minute, window))(t)
}

// TestADeadWorkerLeavesDoubtOnlyWithinItsWindow: what it was not allowed to begin
// cannot have arrived.
func TestADeadWorkerLeavesDoubtOnlyWithinItsWindow(t *testing.T) {
	t.Parallel()
	storetest.EachAt(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		installed(t, st, 8)
		bid := resolved(t, st, everybody(1, 8))
		c := next(t, st, bid, 2)
		if c.OpenTo != c.Deliveries[1].ID {
			t.Fatalf("open to %d of %+v", c.OpenTo, c.Deliveries)
		}
		// Two are recorded, one of them for another try, and the window has moved on.
		later := outcome(c.Deliveries[1], broadcast.DeliveryReady, broadcast.ReasonTrouble)
		later.NotBefore = clock.Now().Add(time.Second)
		c.OpenTo = c.Deliveries[4].ID
		must(t, st.RecordOutcomes(ctx, c, []broadcast.Outcome{sent(c.Deliveries[0]), later}))
		narrower := c
		narrower.OpenTo = c.Deliveries[0].ID
		must(t, st.RecordOutcomes(ctx, narrower, nil)) // what was opened stays open
		must(t, st.BotAdded(ctx, id(9), address(9)))
		clock.Pass(2 * minute)
		heir := next(t, st, bid, 0)
		var doubt []broadcast.EntraID
		for _, d := range heir.Deliveries {
			if d.MaybeSent {
				doubt = append(doubt, d.EntraID)
			}
		}
		if want := []broadcast.EntraID{id(3), id(4), id(5)}; len(heir.Deliveries) != 7 || !slices.Equal(doubt, want) {
			t.Fatalf("in doubt are %v of %d, want %v of 7", doubt, len(heir.Deliveries), want)
		}
		honest(t, st, bid)
	})
}

func TestWhoMustNotGetItTwiceFailsUnconfirmed(t *testing.T) {
	t.Parallel()
	storetest.EachAt(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		installed(t, st, 4)
		bid := planned(t, st, func(b *broadcast.Broadcast) { b.Plan.Repeats = broadcast.RepeatsAvoid }, everybody(1, 4))
		c := next(t, st, bid, 3)
		must(t, st.RecordOutcomes(ctx, c, []broadcast.Outcome{sent(c.Deliveries[0])}))
		clock.Pass(2 * minute)
		heir := next(t, st, bid, 0)
		if len(heir.Deliveries) != 1 || heir.Deliveries[0].EntraID != id(4) || heir.Deliveries[0].MaybeSent {
			t.Fatalf("taken: %+v, want only person 4", heir.Deliveries)
		}
		if y := honest(t, st, bid); y != (broadcast.Tally{Total: 4, Sent: 1, Failed: 2, Ready: 1}) {
			t.Fatalf("%+v", y)
		}
		if d := delivery(t, st, bid, 2); d.Reason != broadcast.ReasonUnconfirmed || !d.MaybeSent {
			t.Fatalf("%+v", d)
		}
	})
}

// TestAWorkerThatComesBackTellsWhatItSent: its lease had run out and somebody took
// its people for unconfirmed, but nobody has taken the chunk over.
func TestAWorkerThatComesBackTellsWhatItSent(t *testing.T) {
	t.Parallel()
	storetest.EachAt(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		installed(t, st, 3)
		bid := planned(t, st, func(b *broadcast.Broadcast) { b.Plan.Repeats = broadcast.RepeatsAvoid }, everybody(1, 3))
		c := next(t, st, bid, 0)
		clock.Pass(2 * minute)
		must(t, st.BotGone(ctx, id(3), broadcast.InstallationRemoved)) // looks at the chunk, and doubts
		if y := honest(t, st, bid); y.Failed != 3 {
			t.Fatalf("%+v", y)
		}
		must(t, st.FinishChunk(ctx, c, []broadcast.Outcome{sent(c.Deliveries[0]), outcome(c.Deliveries[1], broadcast.DeliveryReady, "")}))
		if y := honest(t, st, bid); y.Sent != 1 || y.Failed != 2 {
			t.Fatalf("%+v", y)
		}
	})
}

// TestDoingACorrectionTwiceHarmsNobody: so it leaves no doubt, whatever happens.
func TestDoingACorrectionTwiceHarmsNobody(t *testing.T) {
	t.Parallel()
	storetest.EachAt(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		installed(t, st, 3)
		bid := planned(t, st, func(b *broadcast.Broadcast) {
			b.Kind, b.Target, b.Plan.Repeats = broadcast.KindEdit, "x", broadcast.RepeatsAvoid
		}, everybody(1, 3))
		next(t, st, bid, 0)
		clock.Pass(2 * minute)
		heir := next(t, st, bid, 0)
		if len(heir.Deliveries) != 3 || heir.Deliveries[0].MaybeSent {
			t.Fatalf("%+v", heir.Deliveries)
		}
		again := outcome(heir.Deliveries[0], broadcast.DeliveryReady, broadcast.ReasonTrouble)
		again.MaybeSent = true
		done := sent(heir.Deliveries[1])
		done.MaybeSent, done.ActivityID = true, "act"
		must(t, st.RecordOutcomes(ctx, heir, []broadcast.Outcome{again, done}))
		if y := honest(t, st, bid); y.Sent != 1 || y.MaybeRepeated != 0 {
			t.Fatalf("%+v", y)
		}
	})
}

// TestAnActivityIDOnceKnownStays: a correction that failed is tried again with it.
func TestAnActivityIDOnceKnownStays(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		c := inHand(t, st, 1)
		o := outcome(c.Deliveries[0], broadcast.DeliveryReady, broadcast.ReasonTrouble)
		o.ActivityID = "act"
		must(t, st.RecordOutcomes(ctx, c, []broadcast.Outcome{o}))
		must(t, st.RecordOutcomes(ctx, c, []broadcast.Outcome{outcome(c.Deliveries[0], broadcast.DeliveryFailed, broadcast.ReasonTrouble)}))
		if d := delivery(t, st, c.BroadcastID, 1); d.ActivityID != "act" || d.State != broadcast.DeliveryFailed {
			t.Fatalf("%+v", d)
		}
	})
}

func TestFinishingTellsAllAtOnceAndAgain(t *testing.T) {
	t.Parallel()
	storetest.EachAt(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		c := inHand(t, st, 3)
		later := outcome(c.Deliveries[1], broadcast.DeliveryReady, broadcast.ReasonTrouble)
		later.NotBefore = clock.Now().Add(10 * time.Second)
		out := []broadcast.Outcome{sent(c.Deliveries[0]), later, outcome(c.Deliveries[2], broadcast.DeliveryFailed, broadcast.ReasonGone)}
		for range 2 { // the first answer was lost on its way
			must(t, st.FinishChunk(ctx, c, out))
			if y := honest(t, st, c.BroadcastID); y != (broadcast.Tally{Total: 3, Sent: 1, Ready: 1, Failed: 1}) {
				t.Fatalf("%+v", y)
			}
		}
		if c := next(t, st, c.BroadcastID, 0); c.Number != 0 {
			t.Fatalf("took what is not due: %+v", c)
		}
		clock.Pass(11 * time.Second)
		if heir := next(t, st, c.BroadcastID, 0); len(heir.Deliveries) != 1 || heir.Deliveries[0].MaybeSent {
			t.Fatalf("%+v", heir)
		}
		if err := st.FinishChunk(ctx, c, out); !errors.Is(err, broadcast.ErrFenceLost) {
			t.Fatalf("%v, want the fence lost", err)
		}
	})
}

func TestEveryFailedTryIsKept(t *testing.T) {
	t.Parallel()
	storetest.EachAt(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		c := inHand(t, st, 2)
		for n := 1; n <= 2; n++ {
			o := outcome(c.Deliveries[0], broadcast.DeliveryReady, broadcast.ReasonTrouble)
			o.Attempts, o.Code, o.Status, o.Detail, o.MaybeSent, o.At = n, "ServiceError", 500+n, "“trouble”", n == 2, clock.Now()
			for range 2 { // told twice, it is one try
				must(t, st.RecordOutcomes(ctx, c, []broadcast.Outcome{o}))
			}
			clock.Pass(time.Second)
		}
		must(t, st.FinishChunk(ctx, c, []broadcast.Outcome{sent(c.Deliveries[1])}))
		got := the(st.Attempts(ctx, c.BroadcastID, c.Deliveries[0].ID))(t)
		if len(got) != 2 || got[1].Number != 2 || got[1].Status != 502 || got[1].Code != "ServiceError" || got[1].Detail != "“trouble”" || !got[1].MaybeSent || got[0].MaybeSent {
			t.Fatalf("%+v", got)
		}
		if got := the(st.Attempts(ctx, c.BroadcastID, c.Deliveries[1].ID))(t); len(got) != 0 {
			t.Fatalf("a try that did not fail: %+v", got)
		}
	})
}

// TestNothingIsTakenThatMustNotBeSent: each of these also ends the lease of what is
// in hand.
func TestNothingIsTakenThatMustNotBeSent(t *testing.T) {
	t.Parallel()
	stops := map[string]func(t *testing.T, st *store.Store, clock *storetest.Clock, b *broadcast.Broadcast){
		"paused": func(t *testing.T, st *store.Store, _ *storetest.Clock, b *broadcast.Broadcast) {
			move(t, st, b.ID, broadcast.Paused)
		},
		"cancelled": func(t *testing.T, st *store.Store, _ *storetest.Clock, b *broadcast.Broadcast) {
			move(t, st, b.ID, broadcast.Cancelled)
		},
		"halted": func(t *testing.T, st *store.Store, clock *storetest.Clock, _ *broadcast.Broadcast) {
			must(t, st.SetHalt(ctx, broadcast.Halt{Reason: broadcast.ReasonBotDisabled, At: clock.Now()}))
		},
		"expired": func(_ *testing.T, _ *store.Store, clock *storetest.Clock, _ *broadcast.Broadcast) {
			clock.Pass(30 * time.Second)
		},
		"recalled": func(t *testing.T, st *store.Store, clock *storetest.Clock, b *broadcast.Broadcast) {
			next := *b
			next.RecalledAt = clock.Now()
			the(st.Change(ctx, broadcast.Change{Before: b, After: &next}))(t)
		},
	}
	storetest.EachAt(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		installed(t, st, 4)
		for name, stop := range stops {
			bid := planned(t, st, func(b *broadcast.Broadcast) { b.Plan.ExpiresAt = clock.Now().Add(20 * time.Second) }, everybody(1, 2), everybody(3, 4))
			c := next(t, st, bid, 0)
			if ours := the(st.KeepChunk(ctx, c, minute))(t); !ours || c.Number != 1 {
				t.Fatalf("%s: before: %+v", name, c)
			}
			stop(t, st, clock, the(st.Broadcast(ctx, bid))(t))
			if ours := the(st.KeepChunk(ctx, c, minute))(t); ours {
				t.Errorf("%s: kept", name)
			}
			if c := next(t, st, bid, 0); c.Number != 0 {
				t.Errorf("%s: took %+v", name, c)
			}
			if works := unfinished(t, st, 10); slices.ContainsFunc(works, func(w broadcast.Work) bool { return w.Kind == broadcast.KindSend && w.BroadcastID == bid }) {
				t.Errorf("%s: the sweep asks for %+v", name, works)
			}
			// What was in hand is told all the same.
			must(t, st.FinishChunk(ctx, c, []broadcast.Outcome{sent(c.Deliveries[0])}))
			if y := honest(t, st, bid); y.Sent != 1 {
				t.Errorf("%s: %+v", name, y)
			}
			if name == "halted" {
				must(t, st.LiftHalt(ctx, author, clock.Now()))
			}
		}
	})
}

func TestTheFirstWaveGoesAloneUntilItIsLetGoOn(t *testing.T) {
	t.Parallel()
	storetest.EachAt(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		installed(t, st, 4)
		b := draft(t, st)
		move(t, st, b.ID, broadcast.Resolving)
		must(t, st.AddDeliveries(ctx, b.ID, everybody(1, 2), 1))
		must(t, st.AddDeliveries(ctx, b.ID, everybody(3, 4), 0))
		b = the(st.Broadcast(ctx, b.ID))(t)
		change := func(f func(b *broadcast.Broadcast)) {
			after := *b
			f(&after)
			b = the(st.Change(ctx, broadcast.Change{Before: b, After: &after}))(t)
		}
		change(func(b *broadcast.Broadcast) { b.State, b.ListedAt, b.Wave = broadcast.Sending, clock.Now(), 0 })
		c := next(t, st, b.ID, 0)
		if c.Wave != 0 || c.Number != 2 {
			t.Fatalf("%+v", c)
		}
		if c := next(t, st, b.ID, 0); c.Number != 0 {
			t.Fatalf("the second wave has begun: %+v", c)
		}
		if done := the(st.CanaryDone(ctx))(t); len(done) != 0 {
			t.Fatalf("done while it is in hand: %v", done)
		}
		later := outcome(c.Deliveries[0], broadcast.DeliveryReady, broadcast.ReasonTrouble)
		later.NotBefore = clock.Now().Add(time.Second)
		must(t, st.FinishChunk(ctx, c, []broadcast.Outcome{later, sent(c.Deliveries[1])}))
		if done := the(st.CanaryDone(ctx))(t); len(done) != 0 {
			t.Fatalf("done while somebody is tried again: %v", done)
		}
		clock.Pass(2 * time.Second)
		c = next(t, st, b.ID, 0)
		must(t, st.FinishChunk(ctx, c, []broadcast.Outcome{sent(c.Deliveries[0])}))
		if done := the(st.CanaryDone(ctx))(t); !slices.Equal(done, []broadcast.ID{b.ID}) {
			t.Fatalf("not done: %v", done)
		}
		if ids := the(st.Finishable(ctx))(t); len(ids) != 0 {
			t.Fatalf("finished after the first wave: %v", ids)
		}
		change(func(b *broadcast.Broadcast) { b.Wave = 1 })
		if c = next(t, st, b.ID, 0); c.Wave != 1 || c.Number != 1 {
			t.Fatalf("%+v", c)
		}
		must(t, st.FinishChunk(ctx, c, []broadcast.Outcome{sent(c.Deliveries[0]), sent(c.Deliveries[1])}))
		if ids := the(st.Finishable(ctx))(t); !slices.Equal(ids, []broadcast.ID{b.ID}) {
			t.Fatalf("not finishable: %v", ids)
		}
	})
}

func TestTheSweepHandsOutEveryKindOfWork(t *testing.T) {
	t.Parallel()
	storetest.EachAt(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		installed(t, st, 12)
		var pages [][]broadcast.Recipient
		for n := 1; n <= 10; n++ {
			pages = append(pages, everybody(n, n))
		}
		usual := func(*broadcast.Broadcast) {}
		wide := planned(t, st, func(b *broadcast.Broadcast) { b.Plan.Priority = broadcast.PriorityUrgent }, pages...)
		unlisted := planned(t, st, usual, everybody(11, 11))
		retrying := planned(t, st, func(b *broadcast.Broadcast) { b.RetryAt, b.Plan.Late = clock.Now(), broadcast.LateNever }, everybody(11, 11))
		expired := planned(t, st, func(b *broadcast.Broadcast) { b.Plan.ExpiresAt = clock.Now() }, everybody(11, 11))
		over := planned(t, st, func(b *broadcast.Broadcast) {
			b.Plan.Late, b.Plan.LateUntil = broadcast.LateUntilDate, clock.Now().Add(20*time.Second)
		}, everybody(12, 12))
		must(t, st.FinishChunk(ctx, next(t, st, over, 0), nil))
		move(t, st, over, broadcast.Sent)
		b := the(st.Broadcast(ctx, unlisted))(t)
		open := *b
		open.ListedAt = time.Time{}
		the(st.Change(ctx, broadcast.Change{Before: b, After: &open}))(t)
		for range 2 {
			next(t, st, wide, 0) // whoever has a seat is not told from it
		}

		want := map[string]bool{}
		add := func(kind broadcast.Kind, bid broadcast.ID, seat int, p broadcast.Priority) {
			want[fmt.Sprint(broadcast.Work{Kind: kind, BroadcastID: bid, Seat: seat, Priority: p})] = true
		}
		add(broadcast.KindResolve, unlisted, 0, "")
		add(broadcast.KindRetry, retrying, 0, "")
		add(broadcast.KindExpire, expired, 0, "")
		for seat := 1; seat <= broadcast.Seats; seat++ {
			add(broadcast.KindSend, wide, seat, broadcast.PriorityUrgent)
		}
		add(broadcast.KindSend, unlisted, 1, broadcast.PriorityNormal)
		add(broadcast.KindSend, retrying, 1, broadcast.PriorityNormal)
		check := func() {
			t.Helper()
			got := map[string]bool{}
			for _, w := range the(st.Unfinished(ctx, 100))(t) {
				got[fmt.Sprint(w)] = true
			}
			for w := range want {
				if !got[w] {
					t.Errorf("not found: %s", w)
				}
			}
			for w := range got {
				if !want[w] {
					t.Errorf("found: %s", w)
				}
			}
		}
		late := []broadcast.ID{wide, unlisted, over}
		for _, bid := range late {
			add(broadcast.KindLate, bid, 0, "")
		}
		check()
		clock.Pass(10 * time.Second) // late joiners are not looked for again that soon
		for _, bid := range late {
			delete(want, fmt.Sprint(broadcast.Work{Kind: broadcast.KindLate, BroadcastID: bid}))
		}
		check()
		clock.Pass(11 * time.Second)
		add(broadcast.KindLate, wide, 0, "")
		add(broadcast.KindLate, unlisted, 0, "") // and of the one that is over, the date has passed
		check()
	})
}

// TestWhatBecomesReadyInAHandIsNotForgotten: the worker that gives the chunk back has
// dealt with everybody it knew of.
func TestWhatBecomesReadyInAHandIsNotForgotten(t *testing.T) {
	t.Parallel()
	storetest.EachAt(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		installed(t, st, 2)
		bid := resolved(t, st, everybody(1, 3))
		c := next(t, st, bid, 0)
		clock.Pass(time.Second)
		must(t, st.BotAdded(ctx, id(3), address(3)))
		must(t, st.FinishChunk(ctx, c, []broadcast.Outcome{sent(c.Deliveries[0]), sent(c.Deliveries[1])}))
		if c = next(t, st, bid, 0); len(c.Deliveries) != 1 || c.Deliveries[0].EntraID != id(3) {
			t.Fatalf("taken: %+v, want person 3", c)
		}

		again := inHand(t, st, 3)
		retry := outcome(again.Deliveries[0], broadcast.DeliveryReady, broadcast.ReasonTrouble) // at once
		must(t, st.RecordOutcomes(ctx, again, []broadcast.Outcome{retry}))
		again.Deliveries = again.Deliveries[1:]
		must(t, st.FinishChunk(ctx, again, []broadcast.Outcome{sent(again.Deliveries[0]), sent(again.Deliveries[1])}))
		clock.Pass(time.Second)
		if c = next(t, st, again.BroadcastID, 0); len(c.Deliveries) != 1 || c.Deliveries[0].EntraID != id(1) {
			t.Fatalf("taken: %+v, want person 1", c)
		}
	})
}

// TestWhoIsTriedAgainAtOnceIsNotInDoubt: the ledger knows what became of them, though
// their worker died.
func TestWhoIsTriedAgainAtOnceIsNotInDoubt(t *testing.T) {
	t.Parallel()
	storetest.EachAt(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		c := inHand(t, st, 2)
		must(t, st.RecordOutcomes(ctx, c, []broadcast.Outcome{outcome(c.Deliveries[0], broadcast.DeliveryReady, broadcast.ReasonThrottled)}))
		clock.Pass(2 * minute)
		heir := next(t, st, c.BroadcastID, 0)
		if len(heir.Deliveries) != 2 || heir.Deliveries[0].MaybeSent || !heir.Deliveries[1].MaybeSent {
			t.Fatalf("%+v", heir.Deliveries)
		}
	})
}
