package server_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/fanfare/fanfare/simulator"
)

func canary(c map[string]any) func(map[string]any) {
	return plan(map[string]any{"canary": c})
}

// happened counts an event in a broadcast's history.
func (w *world) happened(id, event string) (times int) {
	w.t.Helper()
	var page struct{ History []struct{ Event string } }
	w.must(200, "auditor", "GET", "/broadcasts/"+id+"/history", nil, &page)
	for _, m := range page.History {
		if m.Event == event {
			times++
		}
	}
	return times
}

func TestAFirstWaveIsHeldUntilAPersonLetsItGo(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kind string) {
		w := rolled(t, kind, 150, nil)
		some := w.sends("To twenty first", canary(map[string]any{"people": 20}))
		ring := w.sends("To the newsroom first", canary(map[string]any{"group": groupNewsroom}))
		for id, size := range map[string]int{some.ID: 20, ring.ID: 10} {
			b := w.state(id, "held")
			w.silent(id)
			if got := w.sim.Report().ByBroadcast[id]; int(got.Reached) != size || b.Tally.Sent != size {
				t.Errorf("%s: a first wave of %d was really %d, and %d in the tally", b.Title, size, got.Reached, b.Tally.Sent)
			}
		}
		for n := 1; n <= 10; n++ {
			if w.sim.CopiesOf(ring.ID, simulator.EntraID(n)).Got != 1 {
				t.Errorf("person %d of the ring did not get it first", n)
			}
		}
		for _, id := range []string{some.ID, ring.ID} {
			w.moves(id, "go", nil)
			w.whole(w.accounted(id))
		}
	})
}

func TestAFirstWaveGoesOnByItselfOnlyIfItWentWell(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kind string) {
		w := rolled(t, kind, 150, nil)
		auto := canary(map[string]any{"people": 20, "auto": true, "max_failed_percent": 10})
		good := w.sends("Went well", auto)
		w.whole(w.accounted(good.ID))
		if w.happened(good.ID, "go") != 1 || w.happened(good.ID, "hold") != 0 {
			t.Error("it did not go on by itself after its first wave")
		}
		half := simulator.Fault{Operation: "send", Status: 400, Code: "BadArgument", PeoplePerMille: 500}
		w.fails(half)
		bad := w.sends("Went badly", auto)
		b := w.state(bad.ID, "held")
		w.silent(bad.ID)
		if r := w.sim.Report().ByBroadcast[bad.ID]; int(r.Reached) != b.Tally.Sent || b.Tally.Failed < 3 || b.Tally.Sent+b.Tally.Failed != 20 || b.Reason == "" {
			t.Errorf("held as %+v (%q), really reached %d", b.Tally, b.Reason, r.Reached)
		}
		w.struck([]simulator.Fault{half}, 3)
		w.moves(bad.ID, "cancel", map[string]any{"note": "Something is wrong with it"})
		if b = w.accounted(bad.ID); b.State != "cancelled" || b.Tally.Cancelled < 100 {
			t.Errorf("it ended as %s: %+v", b.State, b.Tally)
		}
	})
}

func TestWhoIsNotReachedInTimeIsExpiredAndNamed(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kind string) {
		w := rolled(t, kind, 300, map[string]string{"FANFARE_CONNECTOR_RATE": "25"})
		end := time.Now().Add(7 * time.Second).Truncate(time.Second)
		b := w.sends("Only today", plan(map[string]any{"expires_at": end.Format(time.RFC3339)}))
		b = w.accounted(b.ID)
		r := w.sim.Report().ByBroadcast[b.ID]
		if b.State != "sent" || b.Tally.Sent == 0 || b.Tally.Expired < 50 || b.Tally.Failed+b.Tally.Cancelled != 0 {
			t.Errorf("it ended as %s: %+v", b.State, b.Tally)
		}
		if r.LastStored == nil || r.LastStored.After(end.Add(2*time.Second)) {
			t.Errorf("the last one was sent at %v, its end was %v", r.LastStored, end)
		}
		if got := w.call("author", "POST", "/broadcasts/"+b.ID+"/retry", nil); got.status != 409 {
			t.Errorf("who is expired could be tried again: %d %s", got.status, got.body)
		}
	})
}

func TestOnlyWhoFailedIsTriedAgainAndByReason(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kind string) {
		w := rolled(t, kind, 200, nil)
		faults := []simulator.Fault{
			{Operation: "send", Name: "refused", Status: 400, Code: "BadArgument", PeoplePerMille: 100},
			{Operation: "send", Name: "elsewhere", Status: 403, Code: "InvalidBotApiHost", PeoplePerMille: 250},
		}
		w.fails(faults...)
		b := w.accounted(w.sends("Not for all").ID)
		w.struck(faults, 3)
		was := w.reasonsOf(b.ID)
		refused, elsewhere := was["failed rejected_by_teams"], was["failed bad_address"]
		if refused < 3 || elsewhere < 3 || b.Tally.Failed != refused+elsewhere {
			t.Fatalf("tally %+v, reasons %v", b.Tally, was)
		}
		w.triedBefore(b.ID, "InvalidBotApiHost")
		w.fails()
		b = w.moves(b.ID, "retry", map[string]any{"reason": "bad_address"})
		w.until("those who failed for that reason are reached", func() bool { b = w.read(b.ID); return b.Tally.Failed == refused && b.State == "sent" })
		if now := w.reasonsOf(b.ID); now["failed rejected_by_teams"] != refused || now["failed bad_address"] != 0 {
			t.Errorf("after a retry by reason: %v", now)
		}
		w.moves(b.ID, "retry", nil)
		w.until("all are reached", func() bool { b = w.read(b.ID); return b.Tally.Failed == 0 && b.State == "sent" })
		w.whole(w.accounted(b.ID))
		if r := w.sim.Report().ByBroadcast[b.ID]; r.Repeats != 0 {
			t.Errorf("%d got it twice", r.Repeats)
		}
		if got := w.call("author", "POST", "/broadcasts/"+b.ID+"/retry", nil); got.status != 409 {
			t.Errorf("a retry of nobody: %d %s", got.status, got.body)
		}
	})
}

// triedBefore expects that the tries at somebody who failed are told, with code and time.
func (w *world) triedBefore(id, code string) {
	w.t.Helper()
	var page struct{ Recipients []struct{ ID int64 } }
	w.must(200, "auditor", "GET", "/broadcasts/"+id+"/recipients?state=failed&reason=bad_address&limit=1", nil, &page)
	var tries struct {
		Attempts []struct {
			Status int
			Code   string
			At     *time.Time
		}
	}
	w.must(200, "auditor", "GET", fmt.Sprintf("/broadcasts/%s/recipients/%d/attempts", id, page.Recipients[0].ID), nil, &tries)
	if len(tries.Attempts) == 0 || tries.Attempts[0].Code != code || tries.Attempts[0].Status != 403 || tries.Attempts[0].At == nil {
		w.t.Errorf("the tries are told as %+v", tries.Attempts)
	}
}

func TestWhatWasSentIsCorrectedInPlaceAndTakenBack(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kind string) {
		w := rolled(t, kind, 150, map[string]string{"FANFARE_CONNECTOR_RATE": "60"})
		w.dial(func(d *simulator.Dials) { d.NotificationOnly = false })
		b := w.accounted(w.sends("With a mistake").ID)
		w.act(5, "block", nil)
		w.act(6, "delete-chat", nil)
		w.act(7, "remove", nil)

		var edit bulletin
		w.must(201, "author", "POST", "/broadcasts/"+b.ID+"/correct", nil, &edit)
		w.must(200, "author", "PUT", "/broadcasts/"+edit.ID, map[string]any{"revision": edit.Revision, "title": "Without a mistake", "body": "Better.", "audience": map[string]any{"everyone": true}}, &edit)
		w.reviewed(edit)
		w.moves(edit.ID, "send", nil)
		edit = w.passed(edit.ID, b.Tally.Sent, 3)
		r := w.sim.Report().ByBroadcast[b.ID]
		if int(r.Edited) != edit.Tally.Sent || r.Unedited > 2 || int(r.Shown) < edit.Tally.Sent {
			t.Errorf("%d hold the new words and %d the old ones, the tally says %+v", r.Edited, r.Unedited, edit.Tally)
		}
		if now := w.read(b.ID); now.Title != "Without a mistake" || now.State != "sent" {
			t.Errorf("the announcement is %s and says %q", now.State, now.Title)
		}

		w.must(422, "author", "POST", "/broadcasts/"+b.ID+"/recall", nil, nil)
		w.moves(b.ID, "recall", map[string]any{"note": "It was wrong altogether"})
		recall := w.passOf(b.ID, "recall")
		w.until("some are taken back", func() bool { return w.sim.Report().ByBroadcast[b.ID].Deletes > 20 })
		w.moves(recall.ID, "pause", nil)
		w.moves(recall.ID, "resume", nil)
		recall = w.passed(recall.ID, b.Tally.Sent, 3)
		r = w.sim.Report().ByBroadcast[b.ID]
		if int(r.Deleted) != recall.Tally.Sent || r.Holding > 2 {
			t.Errorf("%d still hold it, of %d it was taken back; the tally says %+v", r.Holding, r.Deleted, recall.Tally)
		}
		if got := w.call("author", "POST", "/broadcasts/"+b.ID+"/retry", nil); got.status != 409 {
			t.Errorf("what was recalled could be sent again: %d %s", got.status, got.body)
		}
	})
}

// passed waits for a correction's or a recall's end: all who got the announcement
// are on its list, and all but a few it could not change, each named with a reason.
func (w *world) passed(id string, people, few int) bulletin {
	w.t.Helper()
	b := w.state(id, "sent", "failed", "cancelled")
	rows := w.groupBy(id)
	for state, n := range b.parts() {
		if rows[state] != n {
			w.t.Errorf("the tally says %d %s, the rows %d", n, state, rows[state])
		}
	}
	if b.State != "sent" || b.Tally.Total != people || b.Tally.Sent < people-few || b.Tally.Sent == people {
		w.t.Errorf("it ended as %s (%s) with %+v, for %d people: %v", b.State, b.Reason, b.Tally, people, w.reasonsOf(id))
	}
	named := 0
	for reason, n := range w.reasonsOf(id) {
		if len(reason) > len("skipped ") {
			named += n
		}
	}
	if named != b.Tally.Skipped+b.Tally.Failed {
		w.t.Errorf("%+v, but the reasons are %v", b.Tally, w.reasonsOf(id))
	}
	return b
}

// passOf finds an announcement's correction or recall.
func (w *world) passOf(id, kind string) bulletin {
	w.t.Helper()
	var page struct {
		Passes []struct {
			bulletin
			Kind string
		}
	}
	w.must(200, "auditor", "GET", "/broadcasts/"+id+"/passes", nil, &page)
	for _, p := range page.Passes {
		if p.Kind == kind {
			return p.bulletin
		}
	}
	w.t.Fatalf("there is no %s of it: %+v", kind, page.Passes)
	return bulletin{}
}

// Who gets the app after the list was frozen: until the broadcast is finished, until
// a date, or never.
func TestLateJoinersGetItAsLongAsTheBroadcastSays(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kind string) {
		const refused = 60
		w := newWorld(t, kind, nil)
		w.env["FANFARE_SYNC_EVERY"] = "1s"
		w.dial(func(d *simulator.Dials) { d.Person = map[string]string{simulator.EntraID(refused): "refused"} })
		w.serve()
		w.rolledOut()
		until := func(d time.Duration) func(map[string]any) {
			return plan(map[string]any{"late": "until_date", "late_until": time.Now().Add(d).UTC().Format(time.RFC3339)})
		}
		short := time.Now().Add(8 * time.Second)
		over := w.accounted(w.sends("For a few seconds", until(8*time.Second)).ID)
		never := w.accounted(w.sends("Never", plan(map[string]any{"late": "never"})).ID)
		later := w.accounted(w.sends("For a while", until(5*time.Minute)).ID)
		current := w.sends("While it lasts", canary(map[string]any{"people": 10}))
		w.state(current.ID, "held")
		without := w.reasonsOf(current.ID)["skipped policy"]
		w.until("the first one takes nobody in any more", func() bool { return time.Now().After(short.Add(time.Second)) })

		w.dial(func(d *simulator.Dials) { d.Person = map[string]string{simulator.EntraID(refused): "none"} })
		w.act(refused, "install", nil)
		has := func(b bulletin, n int) bool { return w.sim.CopiesOf(b.ID, simulator.EntraID(n)).Held == 1 }
		w.until("the newcomer has what was sent before", func() bool { return has(later, refused) })
		w.until("the newcomer is taken into what is held", func() bool { return w.reasonsOf(current.ID)["skipped policy"] == without-1 })
		w.moves(current.ID, "go", nil)
		w.until("the newcomer has what is being sent", func() bool { return has(current, refused) })
		w.accounted(current.ID)

		w.post("/_simulator/hire", map[string]int{"count": 1})
		w.act(121, "install", nil)
		w.until("somebody who was hired since has it", func() bool { return has(later, 121) })
		for _, b := range []bulletin{w.accounted(later.ID), w.read(current.ID), over, never} {
			if b.State != "sent" || b.Tally.Failed != 0 {
				t.Errorf("%s is %s: %+v", b.Title, b.State, b.Tally)
			}
		}
		if has(over, refused) || has(never, refused) || has(over, 121) || has(never, 121) || has(current, 121) {
			t.Error("somebody who came too late got it all the same")
		}
		if now := w.read(later.ID); now.LateCount != 1 || now.Tally.Total != 121 {
			t.Errorf("%d were taken in late, in all %d", now.LateCount, now.Tally.Total)
		}
	})
}

func TestUrgentOvertakesBulkAndBulkIsNeverStarved(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kind string) {
		w := rolled(t, kind, 400, map[string]string{"FANFARE_CONNECTOR_RATE": "70"})
		urgent := w.proposed("Fire", plan(map[string]any{"priority": "urgent"}))
		bulk := w.sends("Canteen", plan(map[string]any{"priority": "bulk"}))
		w.reached(bulk.ID, 30)
		w.moves(urgent.ID, "send", nil)
		w.reached(urgent.ID, 10)
		was := w.sim.Report().ByBroadcast[bulk.ID].Reached
		w.reached(urgent.ID, 360)
		r := w.sim.Report()
		moved, since := r.ByBroadcast[bulk.ID].Reached-was, *r.ByBroadcast[urgent.ID].FirstStored
		// Weights are 16 to 1: while urgent sends 350, bulk sends about 22, and more when
		// a slow disk keeps urgent waiting. Without priorities it would be 350 too.
		if moved < 5 || moved > 230 {
			t.Errorf("while the urgent one reached 350 people, the bulk one reached %d", moved)
		}
		calm := 0
		for _, n := range w.perSecond(bulk.ID, since, time.Now()) {
			if calm++; n > 0 {
				calm = 0
			}
			if calm >= 3 {
				t.Error("bulk stood still for three seconds")
			}
		}
		w.whole(w.accounted(urgent.ID))
		w.whole(w.accounted(bulk.ID))
	})
}

func TestTwoBroadcastsShareFairly(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kind string) {
		w := rolled(t, kind, 400, map[string]string{"FANFARE_CONNECTOR_RATE": "80"})
		next := w.proposed("Second", plan(map[string]any{"priority": "bulk"}))
		one := w.sends("First", plan(map[string]any{"priority": "bulk"}))
		w.reached(one.ID, 40)
		two := w.moves(next.ID, "send", nil)
		w.reached(two.ID, 40)
		before := w.sim.Report().ByBroadcast
		w.reached(two.ID, 240)
		after := w.sim.Report().ByBroadcast
		a, b := after[one.ID].Reached-before[one.ID].Reached, after[two.ID].Reached-before[two.ID].Reached
		if mean := (a + b) / 2; a < mean*3/4 || a > mean*5/4 {
			t.Errorf("in the same time one reached %d and the other %d", a, b)
		}
		w.whole(w.accounted(one.ID))
		w.whole(w.accounted(two.ID))
	})
}
