package server_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/fanfare/fanfare/simulator"
)

// answers are what the Connector may say to a send (protocol K rows 25 to 28 and
// 31, E.3's shapes). After each of them the person is reached all the same.
func answers() []simulator.Fault {
	return []simulator.Fault{
		{Name: "401", Status: 401},
		{Name: "404, chat deleted", Status: 404, Code: "ConversationNotFound"},
		{Name: "404, no words", Status: 404, Shape: "empty"},
		{Name: "412", Status: 412, Code: "PreconditionFailed"},
		{Name: "429 with a time", Status: 429, RetryAfter: 1},
		{Name: "429 without", Status: 429, Shape: "subcode"},
		{Name: "500", Status: 500, Code: "ServiceError"},
		{Name: "502 in HTML", Status: 502, Shape: "html"},
		{Name: "503 without a body", Status: 503, Shape: "empty"},
		{Name: "504", Status: 504},
		{Name: "reset", Shape: "reset"},
		{Name: "closed", Shape: "close"},
		{Name: "cut", Shape: "cut", StoreFirst: true},
		{Name: "503 after storing", Status: 503, StoreFirst: true},
		{Name: "reset after storing", Shape: "reset", StoreFirst: true},
		{Name: "late", DelayMS: 1500},
	}
}

// forSome gives each fault some people of its own, beginning with number from, of
// whom each meets it once.
func forSome(faults []simulator.Fault, people, from int) []simulator.Fault {
	var all []simulator.Fault
	for round := range people {
		for i, f := range faults {
			// Apart from each other: many in a row would be an outage.
			f.Operation, f.FirstEach, f.Person = "send", 1, simulator.EntraID(from+3*(round*len(faults)+i))
			all = append(all, f)
		}
	}
	return all
}

func TestNoAnswerOfTheConnectorLosesAnybody(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kind string) {
		w := rolled(t, kind, 400, nil)
		w.dial(func(d *simulator.Dials) { d.GuestPerMille, d.DisabledPerMille, d.UnlicensedPerMille = 0, 0, 0 })
		for n := 21; n < 41; n += 3 { // and some lost their chats for good
			w.act(n+1, "delete-chat", nil)
		}
		faults := forSome(answers(), 7, 21)
		w.fails(faults...)
		b := w.accounted(w.sends("Through it all").ID)
		w.whole(b)
		w.struck(answers(), 3)
		if r := w.sim.Report().ByBroadcast[b.ID]; r.Unheard == 0 || r.Repeated == 0 {
			t.Errorf("%d answers were lost and %d people got it twice: this story tells nothing of doubt", r.Unheard, r.Repeated)
		}
	})
}

// Protocol K row 28 with the other policy: nobody gets it twice, and who may have
// missed it is named.
func TestAvoidingRepeatsNamesWhoMayHaveMissedIt(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kind string) {
		w := rolled(t, kind, 150, nil)
		faults := forSome([]simulator.Fault{
			{Name: "stored", Status: 503, StoreFirst: true},
			{Name: "stored, reset", Shape: "reset", StoreFirst: true},
			{Name: "not stored", Status: 502, Shape: "html"},
			{Name: "412", Status: 412},
		}, 8, 30)
		w.fails(faults...)
		b := w.accounted(w.sends("Never twice", plan(map[string]any{"repeats": "avoid"})).ID)
		w.struck(faults, 4)
		r := w.sim.Report().ByBroadcast[b.ID]
		if r.Repeats != 0 || b.Tally.MaybeRepeated != 0 || b.Tally.Failed == 0 {
			t.Errorf("%d repeats, tally %+v", r.Repeats, b.Tally)
		}
		if named := w.reasonsOf(b.ID)["failed unconfirmed"]; named != b.Tally.Failed {
			t.Errorf("%d of %d failed are named as unconfirmed: %v", named, b.Tally.Failed, w.reasonsOf(b.ID))
		}
		if r.Reached < int64(b.Tally.Sent+8) {
			t.Errorf("really reached %d: a message of which nobody heard was not counted as in doubt: %+v", r.Reached, b.Tally)
		}
	})
}

// Protocol K row 4: tokens that live for seconds, a token endpoint in trouble.
func TestTokensThatEndAndATroubledTokenEndpointLoseNobody(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kind string) {
		w := newWorld(t, kind, func(o *simulator.Options) { o.People = 200 })
		w.env["FANFARE_CONNECTOR_RATE"] = "30"
		// From the beginning: a token of an hour would outlive the story.
		w.dial(func(d *simulator.Dials) { d.SilentPerMille, d.EventDuplicatePerMille, d.TokenLifetimeSeconds = 0, 0, 2 })
		w.serve()
		w.rolledOut()
		trouble := []simulator.Fault{
			{Operation: "entra.token", Status: 500, PerMille: 300},
			{Operation: "entra.token", Status: 429, RetryAfter: 1, PerMille: 200},
			{Operation: "entra.token", DelayMS: 300},
		}
		w.fails(trouble...)
		w.whole(w.accounted(w.sends("Short lives").ID))
		w.struck(trouble[2:], 2)
	})
}

// Protocol K row 4: the secret is rotated in the middle, or an admin disables the
// bot. Everything stops, nobody is burned; when an admin has mended it and lets it,
// everything goes on where it stopped.
func TestAHaltStopsEverythingUntilAnAdminLiftsIt(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kind string) {
		w := rolled(t, kind, 300, map[string]string{"FANFARE_CONNECTOR_RATE": "60"})
		mine := w.sends("Paused by hand")
		mine = w.moves(w.state(mine.ID, "sending").ID, "pause", nil)
		b, other := w.sends("Halted"), w.sends("Halted too")
		for _, fault := range []struct {
			name string
			turn func(d *simulator.Dials, on bool)
		}{
			{"rotated secret", func(d *simulator.Dials, on bool) {
				if d.ClientSecretRotated = on; on {
					d.KeyGeneration++ // the token in hand is worth nothing any more
				}
			}},
			{"disabled bot", func(d *simulator.Dials, on bool) { d.BotDisabledByAdmin = on }},
		} {
			at := w.sim.Report().ByBroadcast[b.ID].Reached
			w.reached(b.ID, at+30)
			w.dial(func(d *simulator.Dials) { fault.turn(d, true) })
			for _, id := range []string{b.ID, other.ID} {
				if h := w.state(id, "paused"); h.Tally.Failed != 0 || h.Reason == "" {
					t.Errorf("%s: %d failed, reason %q", fault.name, h.Tally.Failed, h.Reason)
				}
			}
			if got := w.call("author", "POST", "/broadcasts/"+b.ID+"/resume", nil); got.status != 409 {
				t.Errorf("%s: one was resumed while nothing may be sent: %d %s", fault.name, got.status, got.body)
			}
			w.dial(func(d *simulator.Dials) { fault.turn(d, false) })
			w.must(403, "author", "POST", "/halt/lift", nil, nil)
			w.must(200, "admin", "POST", "/halt/lift", nil, nil)
		}
		w.whole(w.accounted(b.ID))
		w.whole(w.accounted(other.ID))
		if now := w.read(mine.ID); now.State != "paused" {
			t.Errorf("what a person had paused is %s after the halt", now.State)
		}
	})
}

// Protocol K row 17: the delta link has expired. Everybody is read anew, and who
// left in between is not written to.
func TestAnExpiredDeltaLinkIsReadAnew(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kind string) {
		w := rolled(t, kind, 120, map[string]string{"FANFARE_SYNC_EVERY": "1s"})
		for round, status := range []int{0, 400} {
			gone := 40 + round
			w.act(gone, "directory", map[string]any{"deleted": "deleted"})
			w.dial(func(d *simulator.Dials) { d.DeltaGeneration++; d.DeltaExpiredStatus = status })
			w.until("the directory knows who left", func() bool {
				var reach struct{ Total int }
				w.must(200, "author", "POST", "/audience/reach", map[string]any{"everyone": true}, &reach)
				return reach.Total == 119-round
			})
			b := w.accounted(w.sends(fmt.Sprintf("Read anew %d", round)).ID)
			w.whole(b)
			if got := w.sim.CopiesOf(b.ID, simulator.EntraID(gone)); got.Got != 0 || b.Tally.Total != 119-round {
				t.Errorf("%d got it; somebody who left got %d", b.Tally.Total, got.Got)
			}
		}
	})
}

// Protocol K row 18: Graph throttles, is away, and answers 502, which its SDK does
// not retry. Everybody gets the bot, and then the message.
func TestGraphInTroubleInstallsEverybodyInTheEnd(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kind string) {
		w := newWorld(t, kind, nil)
		trouble := []simulator.Fault{
			{Operation: "graph.install", Status: 429, RetryAfter: 1, Next: 5},
			{Operation: "graph.install", Status: 503, Shape: "html", Next: 5},
			{Operation: "graph.install", Status: 502, Next: 5},
			{Operation: "graph.install", Status: 504, Next: 3},
		}
		w.dial(func(d *simulator.Dials) { d.SilentPerMille, d.EventDuplicatePerMille = 0, 0 })
		w.fails(trouble...)
		w.serve()
		w.whole(w.accounted(w.sends("First install").ID))
		w.struck(trouble, 3)
	})
}

// Protocol K row 32: service URLs change between events, and create answers with
// another one.
func TestServiceURLsMayMove(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kind string) {
		w := newWorld(t, kind, nil)
		w.dial(func(d *simulator.Dials) { d.ServiceRegion, d.CreateServiceRegion = "amer,emea", "in" })
		w.serve()
		w.rolledOut()
		w.dial(func(d *simulator.Dials) { d.ServiceRegion = "apac" })
		for n := 30; n < 50; n++ {
			w.act(n, "delete-chat", nil)
		}
		for n := 50; n < 70; n++ {
			if w.asks("/_simulator/people/" + simulator.EntraID(n))["installed"] == true {
				w.act(n, "say", map[string]any{"text": "why"})
			}
		}
		w.until("what they said has come", func() bool { return w.sim.Report().EventsPending == 0 })
		w.whole(w.accounted(w.sends("We have moved").ID))
	})
}

// Protocol K rows 25 and 33: people remove and block the bot. They get nothing
// more, even where Teams would still take it.
func TestWhoLeavesIsLeftAlone(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kind string) {
		w := rolled(t, kind, 200, map[string]string{"FANFARE_CONNECTOR_RATE": "40"})
		known := 0
		for round, notifying := range []bool{false, true} {
			w.dial(func(d *simulator.Dials) { d.NotificationOnly = notifying })
			b := w.sends(fmt.Sprintf("Without you, notification only %v", notifying))
			w.reached(b.ID, 10)
			w.moves(b.ID, "pause", nil)
			w.silent(b.ID) // what is in hand is on its way: it cannot be called back
			had := map[int]int32{}
			for n := 180 - 10*round; n < 190-10*round; n++ {
				if w.asks("/_simulator/people/" + simulator.EntraID(n))["installed"] == true {
					had[n] = w.sim.CopiesOf(b.ID, simulator.EntraID(n)).Got
				}
				w.act(n, "remove", nil)
				w.act(n-30, "block", nil)
			}
			known += len(had)
			w.until("the removals are known", func() bool {
				var r struct{ Removed int }
				w.must(200, "admin", "GET", "/rollout", nil, &r)
				return r.Removed == known
			})
			w.moves(b.ID, "resume", nil)
			b = w.accounted(b.ID)
			reasons := w.reasonsOf(b.ID)
			if b.Tally.Failed != 0 || reasons["skipped blocked"] < 5 || reasons["skipped removed"] < 5 {
				t.Errorf("tally %+v, reasons %v", b.Tally, reasons)
			}
			for n := range had {
				if got := w.sim.CopiesOf(b.ID, simulator.EntraID(n)).Got; got != had[n] {
					t.Errorf("person %d removed the bot and got it all the same", n)
				}
			}
		}
	})
}

// Protocol K row 27, everywhere and for a while: an outage fails nobody.
func TestAnOutageOfTeamsFailsNobody(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kind string) {
		w := rolled(t, kind, 400, map[string]string{"FANFARE_CONNECTOR_RATE": "60"})
		b := w.sends("In the storm")
		for i, shape := range []string{"error", "reset"} {
			at := w.sim.Report().ByBroadcast[b.ID].Reached
			w.reached(b.ID, at+40)
			f, err := w.sim.Outage(simulator.Fault{Shape: shape}, 7*time.Second)
			if err != nil {
				t.Fatal(err)
			}
			w.until("the outage is felt", func() bool { return w.sim.Report().Struck[f.Label()] >= 20 })
			if i == 0 {
				w.until("the outage is over", func() bool { return w.sim.Report().ByBroadcast[b.ID].Reached > at+100 })
			}
		}
		b = w.accounted(b.ID)
		w.whole(b)
	})
}
