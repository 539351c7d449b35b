package fanout_test

import (
	"errors"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/simulator"
)

// correcting is a correction of an announcement that was approved and sent off.
func (w *world) correcting(bid broadcast.ID, body string) broadcast.ID {
	w.Helper()
	edit := must(w.service.Correct(w.Context(), admin, bid))
	p := edit.Proposal()
	p.Message.Body = body
	must(w.service.Edit(w.Context(), admin, edit.ID, edit.Revision, p))
	w.put(edit.ID, broadcast.Resolving, func(b *broadcast.Broadcast) { b.ApprovedHash, b.StartedAt = b.Hash(), w.clock.now() })
	return edit.ID
}

// recalling takes an announcement back.
func (w *world) recalling(bid broadcast.ID) broadcast.ID {
	w.Helper()
	must(w.service.Do(w.Context(), admin, broadcast.EventRecall, broadcast.Ask{ID: bid, Note: "It was wrong."}))
	return must(w.service.Passes(w.Context(), admin, bid))[0].ID
}

// mixed is an announcement that 1 to 6 have, 7 may have, and 8 has not.
func (w *world) mixed() broadcast.ID {
	w.Helper()
	w.fail(
		simulator.Fault{Operation: "send", Person: simulator.EntraID(7), Status: 500, StoreFirst: true},
		simulator.Fault{Operation: "send", Person: simulator.EntraID(8), Status: 400, Code: "BadArgument"},
	)
	bid := w.sending("Mixed", recipients(1, 8))
	if got := w.finishes(bid); got.Sent != 6 || got.Failed != 2 {
		w.Fatalf("%+v", got)
	}
	// Then 2 deletes the chat and 3 blocks the bot; at 4 Teams has trouble at first.
	w.tell(2, "delete-chat", nil)
	w.tell(3, "block", nil)
	return bid
}

// honest asserts how a pass over the mixed announcement ended for each.
func (w *world) honest(pass broadcast.ID) {
	w.Helper()
	want := map[broadcast.EntraID]broadcast.Reason{
		id(1): "", id(2): broadcast.ReasonMessageGone, id(3): broadcast.ReasonBlocked, id(4): "", id(5): "", id(6): "", id(7): broadcast.ReasonNoActivityID,
	}
	got := w.deliveries(pass)
	for who, reason := range want {
		state := skipped
		if reason == "" {
			state = sent
		}
		if d := got[who]; d.State != state || d.Reason != reason || d.MaybeSent {
			w.Errorf("%s: %+v, want %s (%q)", who, d, state, reason)
		}
	}
	if len(got) != len(want) {
		w.Errorf("%d people on the list, want %d", len(got), len(want))
	}
	if b := w.in(pass, broadcast.Sent); b.Tally.MaybeRepeated != 0 || b.Expected != len(want) {
		w.Errorf("%d expected, %+v", b.Expected, b.Tally)
	}
}

func TestACorrectionReplacesTheMessageAndIsHonestAboutTheRest(t *testing.T) {
	t.Parallel()
	each(t, 9, func(w *world) {
		bid := w.mixed()
		w.fail(simulator.Fault{Operation: "update", Person: simulator.EntraID(4), Status: 503, Next: 1})
		edit := w.correcting(bid, "The office **opens**.")
		w.no(w.resolver().Resolve(w.Context(), edit))
		w.finishes(edit)
		w.honest(edit)
		if c := w.sim.Copies(string(bid), 10); w.sim.Report().Updates != 4 || c.Got[1] != 6 {
			w.Errorf("%d updated, %+v", w.sim.Report().Updates, c)
		}
		for n := range 6 {
			if c := w.sim.CopiesOf(string(bid), simulator.EntraID(n+1)); (c.Edited == 1) != (n != 1 && n != 2) {
				w.Errorf("person %d: %+v", n+1, c)
			}
		}
		// Whoever is tried again gets the new words.
		w.fail()
		must(w.service.Do(w.Context(), admin, broadcast.EventRetry, broadcast.Ask{ID: bid}))
		w.no(w.sweeper(nil).Retry(w.Context(), bid))
		w.finishes(bid)
		if b := w.read(bid); b.Message.Body != "The office **opens**." || b.ApprovedAsIs() != nil {
			w.Errorf("the announcement says %q", b.Message.Body)
		}
	})
}

func TestARecallTakesTheMessageBackAndIsHonestAboutTheRest(t *testing.T) {
	t.Parallel()
	each(t, 9, func(w *world) {
		bid := w.mixed()
		w.fail(
			simulator.Fault{Operation: "delete", Person: simulator.EntraID(4), Status: 503, Next: 1},
			// 5's message is deleted and nobody hears of it: the next try finds it gone.
			simulator.Fault{Operation: "delete", Person: simulator.EntraID(5), Shape: "reset", StoreFirst: true, Next: 1},
		)
		recall := w.recalling(bid)
		w.no(w.resolver().Resolve(w.Context(), recall))
		w.finishes(recall)
		w.honest(recall)
		if n := w.sim.Report().Deletes; n != 4 {
			w.Errorf("%d deleted", n)
		}
		if _, err := w.service.Do(w.Context(), admin, broadcast.EventRetry, broadcast.Ask{ID: bid}); !broadcast.IsCode(err, broadcast.Conflict) {
			w.Errorf("what was recalled is sent again: %v", err)
		}
	})
}

// A pass stops and goes on like any broadcast.
func TestARecallIsPausedAndResumed(t *testing.T) {
	t.Parallel()
	each(t, 60, func(w *world) {
		bid := w.sending("Recalled", recipients(1, 60))
		w.no(w.send(w.Context(), bid))
		recall := w.recalling(bid)
		w.no(w.resolver().Resolve(w.Context(), recall))
		w.slow(40 * time.Millisecond)
		w.sender.Workers = 2
		wait := w.sendAsync(w.Context(), recall)
		until(w, "some are taken back", func() bool { return w.sim.Report().Deletes > 4 })
		must(w.service.Do(w.Context(), admin, broadcast.EventPause, broadcast.Ask{ID: recall}))
		w.no(wait())
		if got := w.tally(recall); got.Ready == 0 || int64(got.Sent) != w.sim.Report().Deletes {
			w.Errorf("%d deleted, %+v", w.sim.Report().Deletes, got)
		}
		w.slow(0)
		must(w.service.Do(w.Context(), admin, broadcast.EventResume, broadcast.Ask{ID: recall}))
		w.no(w.send(w.Context(), recall))
		if got := w.in(recall, broadcast.Sent).Tally; got.Sent != 60 || w.sim.Report().Deletes != 60 {
			w.Errorf("%+v", got)
		}
	})
}

func TestAPassWaitsForWhatIsInHand(t *testing.T) {
	t.Parallel()
	each(t, 4, func(w *world) {
		bid := w.sending("In hand", recipients(1, 4))
		c := must(w.st.TakeNext(w.Context(), bid, time.Minute, 0))
		must(w.service.Do(w.Context(), admin, broadcast.EventCancel, broadcast.Ask{ID: bid}))
		w.no(w.st.RecordOutcomes(w.Context(), c, []broadcast.Outcome{{DeliveryID: c.Deliveries[0].ID, EntraID: id(1), State: sent, ActivityID: "1", At: w.clock.now()}}))
		recall := w.recalling(bid)
		if err := w.resolver().Resolve(w.Context(), recall); !errors.Is(err, broadcast.ErrNotYet) {
			w.Errorf("the engine is told %v", err)
		}
		w.in(recall, broadcast.Resolving)
		w.no(w.st.FinishChunk(w.Context(), c, nil))
		w.no(w.sweeper(nil).Cancel(w.Context(), bid))
		w.no(w.resolver().Resolve(w.Context(), recall))
		if b := w.in(recall, broadcast.Sending); b.Tally.Total != 1 {
			w.Errorf("%+v", b.Tally)
		}
	})
}

func TestAPassOverNobodyIsOverAtOnce(t *testing.T) {
	t.Parallel()
	each(t, 2, func(w *world) {
		w.fail(simulator.Fault{Operation: "send", Status: 400, Code: "BadArgument"})
		bid := w.sending("Nobody", recipients(1, 2))
		w.no(w.send(w.Context(), bid))
		recall := w.recalling(bid)
		w.no(w.resolver().Resolve(w.Context(), recall))
		if b := w.in(recall, broadcast.Sent); b.Reason == "" || b.Tally.Total != 0 {
			w.Errorf("%q, %+v", b.Reason, b.Tally)
		}
	})
}
