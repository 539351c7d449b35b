package store_test

import (
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/store"
	"github.com/fanfare/fanfare/store/storetest"
	"github.com/fanfare/fanfare/upkeep"
)

// TestWhatWaitsForAVanishedAppIsAccountedFor: whose app is put back is waited for, who
// is left alone is skipped with the reason, and what a worker has in hand is the
// worker's to tell.
func TestWhatWaitsForAVanishedAppIsAccountedFor(t *testing.T) {
	t.Parallel()
	storetest.EachAt(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		people(t, st, 8)
		installed(t, st, 8)
		bid := resolved(t, st, everybody(1, 8))
		looks := func(v upkeep.Verdict, numbers ...int) {
			t.Helper()
			must(t, st.BeginPass(ctx, upkeep.Start{Cause: upkeep.Asked}))
			c := the(st.TakePeople(ctx, 100, minute))(t)
			r := upkeep.Report{}
			for _, p := range c.People {
				for _, n := range numbers {
					if p.EntraID == id(n) {
						r.Outcomes = append(r.Outcomes, upkeep.Outcome{Person: p, Verdict: v, At: clock.Now()})
					}
				}
			}
			if len(r.Outcomes) != len(numbers) {
				t.Fatalf("%d of %v are to be looked at", len(r.Outcomes), numbers)
			}
			must(t, st.RecordLooks(ctx, *c, r))
			must(t, st.MovePass(ctx, []upkeep.State{upkeep.Running}, upkeep.Stopped, upkeep.Move{}))
		}
		vanished := upkeep.Verdict{Finding: upkeep.Vanished, To: broadcast.InstallationRemoved, Reason: broadcast.ReasonVanished}
		back := upkeep.Verdict{Finding: upkeep.PutBack, To: broadcast.InstallationWanted, NotBefore: clock.Now().Add(time.Hour)}
		looks(vanished, 1, 2)
		looks(back, 3)
		if y := honest(t, st, bid); y != (broadcast.Tally{Total: 8, Ready: 5, Pending: 1, Skipped: 2}) {
			t.Fatalf("%+v", y)
		}
		for _, r := range the(st.Reasons(ctx, bid))(t) {
			if want := map[broadcast.Reason]int{broadcast.ReasonVanished: 2, broadcast.ReasonNotInstalled: 1}[r.Reason]; r.Count != want {
				t.Errorf("%+v", r)
			}
		}
		// It is back: whoever waited for it is sent to.
		must(t, st.BotAdded(ctx, id(3), address(3)))
		if y := honest(t, st, bid); y != (broadcast.Tally{Total: 8, Ready: 6, Skipped: 2}) {
			t.Fatalf("%+v", y)
		}
		c := next(t, st, bid, 0)
		looks(vanished, 5)
		if y := honest(t, st, bid); y != (broadcast.Tally{Total: 8, Ready: 6, Skipped: 2}) {
			t.Fatalf("a worker's hands were emptied: %+v", y)
		}
		var outcomes []broadcast.Outcome
		for _, d := range c.Deliveries {
			outcomes = append(outcomes, sent(d))
		}
		must(t, st.FinishChunk(ctx, c, outcomes))
		honest(t, st, bid)
	})
}
