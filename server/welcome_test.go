package server_test

import (
	"strings"
	"testing"

	"github.com/fanfare/fanfare/simulator"
)

// welcomed puts a welcome message into use, in English and German.
func (w *world) welcomed(title, german string) bulletin {
	w.t.Helper()
	var b bulletin
	w.must(200, "admin", "PUT", "/welcome", map[string]any{
		"title": title, "body": "This is where our **news** comes.", "variants": map[string]any{"de": map[string]any{"title": german}},
	}, &b)
	w.must(200, "admin", "POST", "/broadcasts/"+b.ID+"/submit", nil, nil)
	w.must(403, "admin", "POST", "/broadcasts/"+b.ID+"/approve", nil, nil)
	w.must(200, "approver", "POST", "/broadcasts/"+b.ID+"/approve", nil, nil)
	w.must(200, "admin", "POST", "/welcome/use", nil, &b)
	return w.state(b.ID, "sending")
}

// greetings are how many of the welcomes each person has who has the app, by their
// numbers.
func (w *world) greetings(welcomes ...bulletin) (copies map[int]int) {
	w.t.Helper()
	copies = map[int]int{}
	for n := 1; n <= w.sim.Report().People; n++ {
		for _, b := range welcomes {
			copies[n] += int(w.sim.CopiesOf(b.ID, simulator.EntraID(n)).Got)
		}
	}
	return copies
}

// notified is what the last message in a person's chat says in its notification.
func (w *world) notified(n int) string {
	w.t.Helper()
	messages := w.asks("/_simulator/people/" + simulator.EntraID(n))["chat"].(map[string]any)["messages"].([]any)
	if len(messages) == 0 {
		return ""
	}
	return messages[len(messages)-1].(map[string]any)["summary"].(string)
}

// TestEverybodyWhoJoinsIsWelcomedOnceInTheirLanguage: through a rollout in which the
// server is stopped, started again, and another version takes over; and not again when
// somebody removes the app and adds it.
func TestEverybodyWhoJoinsIsWelcomedOnceInTheirLanguage(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kind string) {
		w := newWorld(t, kind, func(o *simulator.Options) { o.People = 300 })
		w.env["FANFARE_INSTALL_RATE"] = "40"
		w.sim.SetDials(func(d *simulator.Dials) {
			d.SilentPerMille, d.EventDuplicatePerMille = 0, 0
			d.Person = map[string]string{}
			for _, n := range []int{7, 20, 301} { // no misfortune for these
				d.Person[simulator.EntraID(n)] = "none"
			}
		})
		stop := w.serve()
		w.act(7, "install", nil) // before there was a welcome
		w.until("the event has come", w.knowsOne)
		first := w.welcomed("Welcome!", "Willkommen!")
		w.must(200, "admin", "POST", "/rollout/start", nil, nil)
		w.until("some are welcomed", func() bool { return w.read(first.ID).Tally.Sent >= 60 })
		stop()
		w.serve()
		w.until("more are welcomed", func() bool { return w.read(first.ID).Tally.Sent >= 110 })
		second := w.welcomed("Hello!", "Hallo!")
		w.rolledOut()
		installed := w.sim.Report().Installed
		w.until("the last is welcomed", func() bool {
			a, b := w.read(first.ID), w.read(second.ID)
			return a.State == "sent" && a.Tally.Total+b.Tally.Total == installed-1 && b.Tally.Ready+b.Tally.Pending == 0
		})
		a, b := w.read(first.ID), w.read(second.ID)
		if b.State != "sending" || a.Tally.Sent+b.Tally.Sent != installed-1 || b.Tally.Sent == 0 {
			t.Fatalf("%d have the app; the old one ended as %+v, the new one stands as %+v", installed, a, b)
		}
		for n, copies := range w.greetings(first, second) {
			person := w.asks("/_simulator/people/" + simulator.EntraID(n))
			if want := map[bool]int{true: 1}[person["installed"].(bool) && n != 7]; copies != want {
				t.Errorf("person %d got %d welcomes, want %d", n, copies, want)
			}
			if copies == 0 {
				continue
			}
			var known struct{ Language string }
			w.must(200, "admin", "GET", "/people/"+simulator.EntraID(n), nil, &known)
			german := strings.HasPrefix(known.Language, "de")
			if got := w.notified(n); german != (got == "Willkommen!" || got == "Hallo!") {
				t.Errorf("person %d of %q reads %q", n, known.Language, got)
			}
		}
		// Who removes it and adds it again is not welcomed again; who is new is.
		w.act(20, "remove", nil)
		w.act(20, "install", nil)
		w.post("/_simulator/hire", map[string]any{"count": 1})
		w.act(301, "install", nil)
		w.until("the new one is welcomed", func() bool { return w.greetings(second)[301] == 1 })
		if got := w.greetings(first, second)[20]; got != 1 {
			t.Errorf("who came back got %d welcomes", got)
		}
		w.must(200, "admin", "POST", "/welcome/stop", nil, nil)
		w.state(second.ID, "cancelled")
	})
}

// knowsOne tells whether the ledger knows where one person can be written to.
func (w *world) knowsOne() bool {
	var r struct{ Addressed int }
	w.must(200, "admin", "GET", "/rollout", nil, &r)
	return r.Addressed == 1
}

// TestTheWelcomeMessageFromTheAdminToANewcomer in browsers: written with a German
// variant, approved by somebody else, put into use, and read in Teams by whoever comes.
func TestTheWelcomeMessageFromTheAdminToANewcomer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite", func(o *simulator.Options) { o.People = 40 })
	w.sim.SetDials(func(d *simulator.Dials) {
		d.Person = map[string]string{simulator.EntraID(14): "none", simulator.EntraID(15): "none"}
	})
	w.serve()
	b := w.signIn(cora, "/welcome")
	b.sees("h2", "Nobody is welcomed yet")
	b.sees("[data-card]", "rolled it out to everybody")
	b.shoot("none")
	b.press("Write the welcome message")
	b.sees("h1", "Write the welcome message")
	b.ready()
	b.replaces("#title", "Welcome to our news")
	b.types("#add_variant", "German")
	b.press("Add the language")
	b.types(`[id="variants.de.title"]`, "Willkommen bei unseren Nachrichten")
	b.types(`[id="variants.de.body"]`, "Hier kommt, was **wichtig** ist.")
	b.sees("[data-card]", "Hier kommt, was wichtig ist.")
	b.sees("#save-state", "Saved")
	b.shoot("writing")
	id := b.draftID()
	b.press("Submit for review")
	b.sees(".badge", "In review")

	r := w.signIn(ben, "/")
	r.press("Welcome to our news")
	r.sees("[data-region=guide]", "what people will see, in each language,")
	r.until(`document.querySelectorAll("[data-card] .ac-adaptiveCard").length === 3`) // two languages, and the post in a team
	r.shoot("review")
	r.press("Approve")
	r.confirms("Approve")
	r.sees(".badge", "Approved")

	b.goTo(w.base + "/welcome")
	b.press("Use it")
	b.confirms("Use it")
	b.sees("[role=status]", "In use.")
	b.sees("[data-region=guide], .progress", "Nobody has come yet.")
	w.state(id, "sending")
	w.act(14, "install", nil) // Berlin
	w.act(15, "install", nil) // London
	w.teams(14).sees(".card", "Hier kommt, was wichtig ist.")
	london := w.teams(15)
	london.sees(".card", "rolled it out to everybody")
	london.shoot("newcomer")
	b.sees(".progress", "2 people welcomed.")
	b.goTo(w.base + "/welcome")
	b.sees("section", "2 people welcomed")
	b.shoot("in-use")
}

// posts are the titles of what the bot posted in the newsroom's channel General.
func (w *world) posts() (titles []string) {
	w.t.Helper()
	for _, team := range w.asks("/_simulator/teams")["teams"].([]any) {
		for _, c := range team.(map[string]any)["channels"].([]any) {
			if c := c.(map[string]any); c["id"] == newsroom {
				for _, p := range c["posts"].([]any) {
					titles = append(titles, p.(map[string]any)["summary"].(string))
				}
			}
		}
	}
	return titles
}

// TestATeamIsToldWhoAddedTheBot in its channel General, once each time it is added, in the
// words that were approved with the welcome message.
func TestATeamIsToldWhoAddedTheBot(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kind string) {
		w := newWorld(t, kind, nil)
		w.sim.SetDials(func(d *simulator.Dials) {
			d.EventDuplicatePerMille = 1000
			d.Person = map[string]string{simulator.EntraID(33): "none"}
		}) // each event comes twice
		w.serve()
		var b bulletin
		w.must(200, "admin", "PUT", "/welcome", map[string]any{
			"title": "Welcome!", "body": "News.", "team": map[string]any{"title": "News for {team}", "body": "**{added_by}** added me to {team}."},
		}, &b)
		w.must(200, "admin", "POST", "/broadcasts/"+b.ID+"/submit", nil, nil)
		w.must(200, "approver", "POST", "/broadcasts/"+b.ID+"/approve", nil, nil)
		w.must(200, "admin", "POST", "/welcome/use", nil, &b)
		w.state(b.ID, "sending")
		w.inTeam("install", map[string]any{"by": simulator.EntraID(1)})
		w.until("the team is told", func() bool { return len(w.posts()) == 1 })
		if got := w.posts()[0]; got != "News for Newsroom" {
			t.Errorf("posted %q", got)
		}
		var passes struct {
			Passes []struct{ ID, Kind, State, Body string }
		}
		w.until("the post is on record", func() bool {
			w.must(200, "admin", "GET", "/broadcasts/"+b.ID+"/passes", nil, &passes)
			return len(passes.Passes) == 1 && passes.Passes[0].State == "sent"
		})
		if p := passes.Passes[0]; p.Kind != "post" || p.Body != "**Ada Author** added me to Newsroom." {
			t.Errorf("%+v", p)
		}
		var list struct{ Broadcasts []bulletin }
		w.must(200, "admin", "GET", "/broadcasts", nil, &list)
		if len(list.Broadcasts) != 0 {
			t.Errorf("among the announcements: %+v", list.Broadcasts)
		}
		w.inTeam("remove", nil)
		w.until("the team is left", func() bool { return w.findTeams("news")[0].State == "removed" })
		w.inTeam("install", map[string]any{"by": simulator.EntraID(2)})
		w.until("it is told again", func() bool { return len(w.posts()) == 2 })
		w.inTeam("archive", nil)
		w.inTeam("unarchive", nil)
		w.until("it is open again", func() bool { return w.findTeams("news")[0].State == "here" })
		w.act(33, "install", nil)
		w.until("whoever comes is welcomed all the same", func() bool { return w.read(b.ID).Tally.Sent > 0 })
		if got := w.posts(); len(got) != 2 {
			t.Errorf("posted %q", got)
		}
	})
}
