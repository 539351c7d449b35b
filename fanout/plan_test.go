package fanout_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/simulator"
)

// listed resolves a broadcast with a plan to n people.
func (w *world) listed(plan broadcast.Plan, title string, n int) broadcast.ID {
	w.Helper()
	w.people.members = recipients(1, n)
	bid := w.resolving(title, func(b *broadcast.Broadcast) {
		b.Plan = plan
		if plan.Canary.On() {
			b.Wave = 0
		}
	})
	w.no(w.resolver().Resolve(w.Context(), bid))
	w.in(bid, broadcast.Sending)
	return bid
}

// sweep does one round of the sweep and returns what it asked for.
func (w *world) sweep() *desk {
	w.Helper()
	d := &desk{}
	w.no(w.sweeper(d).Sweep(w.Context()))
	return d
}

func TestAFirstWaveIsHeldForAHumansGo(t *testing.T) {
	t.Parallel()
	each(t, 30, func(w *world) {
		w.fail(simulator.Fault{Operation: "send", Person: simulator.EntraID(2), Status: 400, Code: "BadArgument"})
		bid := w.listed(broadcast.Plan{Canary: broadcast.Canary{People: 5}}, "Canary", 30)
		w.no(w.send(w.Context(), bid))
		if got := w.tally(bid); got.Sent != 4 || got.Failed != 1 || got.Ready != 25 {
			w.Fatalf("the first wave: %+v", got)
		}
		w.sweep()
		if b := w.in(bid, broadcast.Held); b.Reason != "First wave: 4 of 5 sent, 1 failed." {
			w.Errorf("held because %q", b.Reason)
		}
		if d := w.sweep(); d.asked(broadcast.Work{Kind: broadcast.KindSend, BroadcastID: bid, Seat: 1, Priority: broadcast.PriorityNormal}) {
			w.Error("hands are asked to send it")
		}
		w.no(w.send(w.Context(), bid))
		w.onceEach(4)
		must(w.service.Do(w.Context(), admin, broadcast.EventGo, broadcast.Ask{ID: bid}))
		w.no(w.send(w.Context(), bid))
		if got := w.in(bid, broadcast.Sent).Tally; got.Sent != 29 || got.Failed != 1 {
			w.Errorf("%+v", got)
		}
		w.onceEach(29)
	})
}

func TestAGoodFirstWaveGoesOnByItself(t *testing.T) {
	t.Parallel()
	each(t, 30, func(w *world) {
		w.fail(simulator.Fault{Operation: "send", Person: simulator.EntraID(2), Status: 400, Code: "BadArgument"})
		bid := w.listed(broadcast.Plan{Canary: broadcast.Canary{People: 10, Auto: true, MaxFailedPercent: 10}}, "Canary", 30)
		w.no(w.send(w.Context(), bid))
		w.onceEach(9)
		w.sweep()
		w.no(w.send(w.Context(), bid))
		if got := w.in(bid, broadcast.Sent).Tally; got.Sent != 29 {
			w.Errorf("%+v", got)
		}
		w.onceEach(29)
	})
}

func TestABadFirstWaveDoesNotGoOnByItself(t *testing.T) {
	t.Parallel()
	each(t, 30, func(w *world) {
		w.fail(simulator.Fault{Operation: "send", Person: simulator.EntraID(2), Status: 400, Code: "BadArgument"})
		bid := w.listed(broadcast.Plan{Canary: broadcast.Canary{People: 10, Auto: true, MaxFailedPercent: 9}}, "Canary", 30)
		w.no(w.send(w.Context(), bid))
		w.sweep()
		w.no(w.send(w.Context(), bid))
		if b := w.in(bid, broadcast.Held); b.Reason != "First wave: 9 of 10 sent, 1 failed." {
			w.Errorf("held because %q", b.Reason)
		}
		w.onceEach(9)
	})
}

// A first wave is made of people who can get it, however many cannot.
func TestAFirstWaveIsOfPeopleWhoCanBeReached(t *testing.T) {
	t.Parallel()
	each(t, 15, func(w *world) {
		w.people.members = append(recipients(1000, 1400), recipients(1, 15)...) // the first 401 wait for the app
		bid := w.resolving("Canary", func(b *broadcast.Broadcast) { b.Plan.Canary.People, b.Wave = 10, 0 })
		w.no(w.resolver().Resolve(w.Context(), bid))
		if first := must(w.st.Canary(w.Context(), bid)); first != (broadcast.Tally{Total: 10, Ready: 10}) {
			w.Errorf("the first wave is %+v", first)
		}
		if got := w.tally(bid); got.Total != 416 || got.Ready != 15 {
			w.Errorf("%+v", got)
		}
	})
}

func TestARingOfTheAudienceComesFirst(t *testing.T) {
	t.Parallel()
	each(t, 12, func(w *world) {
		ring := broadcast.Group{ID: "5eed0000-aaaa-4bbb-8ccc-00000000c0de", Name: "Ring"}
		w.people.groups = map[string][]broadcast.Recipient{ring.ID: recipients(9, 14)} // 13 and 14 are not meant
		bid := w.listed(broadcast.Plan{Canary: broadcast.Canary{Group: ring}}, "Ring", 12)
		w.no(w.send(w.Context(), bid))
		for who, d := range w.deliveries(bid) {
			if first := who >= id(9); first != (d.State == sent) {
				w.Errorf("%s is %s", who, d.State)
			}
		}
		w.onceEach(4)
		w.sweep()
		w.in(bid, broadcast.Held)
	})
}

func TestFailedPeopleAreRetriedAllOrByReason(t *testing.T) {
	t.Parallel()
	each(t, 12, func(w *world) {
		var faults []simulator.Fault
		for n := 1; n <= 5; n++ {
			f := simulator.Fault{Operation: "send", Person: simulator.EntraID(n), Status: 400, Code: "BadArgument"}
			if n > 2 {
				f.Status, f.Code = 403, "InvalidBotApiHost"
			}
			faults = append(faults, f)
		}
		w.fail(faults...)
		bid := w.sending("Retry", recipients(1, 6), recipients(7, 12))
		w.no(w.send(w.Context(), bid))
		if got := w.in(bid, broadcast.Sent).Tally; got.Failed != 5 {
			w.Fatalf("%+v", got)
		}
		w.fail()
		for _, try := range []struct {
			reason broadcast.Reason
			failed int
		}{{broadcast.ReasonBadAddress, 2}, {"", 0}} {
			w.clock.forward(time.Second)
			must(w.service.Do(w.Context(), admin, broadcast.EventRetry, broadcast.Ask{ID: bid, Reason: try.reason}))
			if d := w.sweep(); !d.asked(broadcast.Work{Kind: broadcast.KindRetry, BroadcastID: bid}) {
				w.Error("nobody is asked to retry")
			}
			w.in(bid, broadcast.Sending)
			w.no(w.hands(nil).Do(w.Context(), broadcast.Work{Kind: broadcast.KindRetry, BroadcastID: bid}))
			w.no(w.send(w.Context(), bid))
			if b := w.in(bid, broadcast.Sent); b.Tally.Failed != try.failed || !b.RetryAt.IsZero() {
				w.Errorf("retried %q: %+v", try.reason, b.Tally)
			}
			w.tally(bid)
		}
		w.onceEach(12)
	})
}

func TestNobodyGetsItAfterItsExpiry(t *testing.T) {
	t.Parallel()
	each(t, 60, func(w *world) {
		w.slow(50 * time.Millisecond)
		w.sender.Workers = 2
		bid := w.planned(broadcast.Plan{ExpiresAt: w.clock.now().Add(time.Hour)}, "Expires", recipients(1, 30), recipients(31, 60))
		var expired time.Time
		w.wire.after = func(n int) {
			if n == 10 {
				expired = time.Now()
				w.clock.forward(2 * time.Hour)
			}
		}
		w.no(w.send(w.Context(), bid))
		sends := w.wire.sends()
		if late := sends[len(sends)-1].Sub(expired); late > 2*time.Second || len(sends) == 60 {
			w.Errorf("%d sent, the last %v after the expiry", len(sends), late)
		}
		if d := w.sweep(); !d.asked(broadcast.Work{Kind: broadcast.KindExpire, BroadcastID: bid}) {
			w.Error("nobody is asked to expire it")
		}
		w.no(w.hands(nil).Do(w.Context(), broadcast.Work{Kind: broadcast.KindExpire, BroadcastID: bid}))
		w.sweep()
		if got := w.in(bid, broadcast.Sent).Tally; got.Sent != len(sends) || got.Expired != 60-len(sends) || got.MaybeRepeated != 0 {
			w.Errorf("%d sent, %+v", len(sends), got)
		}
		w.tally(bid)
		w.onceEach(len(sends))
	})
}

// joins lets a person get the app, as an event tells.
func (w *world) joins(n int) {
	w.Helper()
	w.tell(n, "install", nil)
	w.no(w.st.BotAdded(w.Context(), id(n), must(w.client.Open(context.Background(), id(n), broadcast.ConversationReference{}))))
}

// refuse makes the installation of everybody who is wanted impossible.
func (w *world) refuse() {
	w.Helper()
	var out []broadcast.InstallOutcome
	for _, i := range must(w.st.TakeInstallations(w.Context(), 100, time.Minute)) {
		out = append(out, broadcast.InstallOutcome{EntraID: i.EntraID, Fence: i.Fence, State: broadcast.InstallationRefused, Reason: broadcast.ReasonPolicy, At: w.clock.now()})
	}
	w.no(w.st.RecordInstallations(w.Context(), out))
}

func TestLateJoinersGetItUntilItIsFinished(t *testing.T) {
	t.Parallel()
	each(t, 4, func(w *world) {
		w.fail(simulator.Fault{Operation: "send", Person: simulator.EntraID(1), Status: 412})
		bid := w.listed(broadcast.Plan{}, "Until finished", 6) // 5 and 6 are not to have the app
		w.refuse()
		w.no(w.send(w.Context(), bid))
		if got := w.in(bid, broadcast.Sending).Tally; got.Sent != 3 || got.Skipped != 2 {
			w.Fatalf("%+v", got)
		}
		w.clock.forward(time.Minute)
		w.joins(5)
		if d := w.sweep(); !d.asked(broadcast.Work{Kind: broadcast.KindLate, BroadcastID: bid}) {
			w.Error("nobody looks for late joiners")
		}
		w.no(w.hands(nil).Do(w.Context(), broadcast.Work{Kind: broadcast.KindLate, BroadcastID: bid}))
		w.fail()
		w.clock.forward(time.Hour)
		w.no(w.send(w.Context(), bid))
		w.in(bid, broadcast.Sent)
		w.joins(6)
		w.no(w.sweeper(nil).Late(w.Context(), bid))
		if got := w.in(bid, broadcast.Sent).Tally; got.Sent != 5 || got.Skipped != 1 {
			w.Errorf("%+v", got)
		}
		w.tally(bid)
		w.onceEach(5)
	})
}

// Nobody looked since the app came: the last look, before the end, finds them.
func TestWhoGetsTheAppAtTheLastMomentGetsTheMessage(t *testing.T) {
	t.Parallel()
	each(t, 4, func(w *world) {
		w.fail(simulator.Fault{Operation: "send", Person: simulator.EntraID(1), Status: 412})
		bid := w.listed(broadcast.Plan{}, "The last moment", 5)
		w.refuse()
		w.no(w.send(w.Context(), bid))
		w.in(bid, broadcast.Sending)
		w.joins(5)
		w.fail()
		if got := w.finishes(bid); got.Sent != 5 || got.Skipped != 0 {
			w.Errorf("%+v", got)
		}
		w.onceEach(5)
	})
}

func TestLateJoinersGetItUntilADate(t *testing.T) {
	t.Parallel()
	each(t, 4, func(w *world) {
		until := w.clock.now().Add(5 * time.Hour)
		bid := w.listed(broadcast.Plan{Late: broadcast.LateUntilDate, LateUntil: until}, "Until a date", 5)
		w.refuse()
		w.no(w.send(w.Context(), bid))
		w.in(bid, broadcast.Sent)
		sweeper := w.sweeper(&desk{})
		for _, late := range []struct {
			who, sent int
			why       string
		}{
			{5, 5, "who was on the list and could not have the app"},
			{6, 6, "who came into the group since"},
		} {
			w.clock.forward(time.Hour)
			w.people.members = recipients(1, late.who)
			w.joins(late.who)
			w.no(sweeper.Late(w.Context(), bid))
			w.in(bid, broadcast.Sending)
			w.no(w.send(w.Context(), bid))
			if got := w.in(bid, broadcast.Sent).Tally; got.Sent != late.sent {
				w.Errorf("%s: %+v", late.why, got)
			}
		}
		if b := w.read(bid); b.LateCount != 1 || b.Expected != 5 {
			w.Errorf("%d came late to a list of %d", b.LateCount, b.Expected)
		}
		w.clock.forward(4 * time.Hour)
		w.people.members = recipients(1, 7)
		w.joins(7)
		w.no(sweeper.Late(w.Context(), bid))
		w.in(bid, broadcast.Sent)
		w.onceEach(6)
	})
}

// Who is to be left out might be among those who came.
func TestLateJoinersWaitUntilTheAudienceCanBeRead(t *testing.T) {
	t.Parallel()
	each(t, 2, func(w *world) {
		bid := w.listed(broadcast.Plan{Late: broadcast.LateUntilDate, LateUntil: w.clock.now().Add(5 * time.Hour)}, "Unreadable", 2)
		w.no(w.send(w.Context(), bid))
		w.people.members = recipients(1, 4)
		w.joins(3)
		w.joins(4)
		w.people.step = func(i int) error {
			if i == 3 {
				return broadcast.Errorf(broadcast.NotFound, "The group Sales is gone.")
			}
			return nil
		}
		sweeper := w.sweeper(nil)
		for _, want := range []int{2, 4} {
			w.clock.forward(time.Hour)
			w.no(sweeper.Late(w.Context(), bid))
			w.no(w.send(w.Context(), bid))
			if b := w.in(bid, broadcast.Sent); b.Tally.Sent != want || strings.Contains(b.Reason, "Sales") {
				w.Errorf("%q, %+v, want %d", b.Reason, b.Tally, want)
			}
			w.people.step = nil
		}
	})
}
