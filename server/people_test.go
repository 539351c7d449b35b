package server_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/fanfare/fanfare/simulator"
)

// life is a person as the API tells of them.
type life struct {
	Name, Department string
	UserType         string `json:"user_type"`
	B2B              bool
	DeletedAt        *string `json:"deleted_at"`
	Manager          *struct{ ID, Name string }
	Outlook          struct{ State, Reason, Sentence string }
	Bot              struct {
		State     string
		Addressed bool
	}
	History    []struct{ Event, Reason string }
	Broadcasts []struct {
		Title, State, Reason string
		Remedy               string
	}
}

func (w *world) lifeOf(n int) (l life) {
	w.t.Helper()
	w.must(200, "auditor", "GET", "/people/"+simulator.EntraID(n), nil, &l)
	return l
}

// TestWhyDidAdaNotGetItAnswersInOnePage: each of some lives, over real HTTP with the
// simulated Microsoft, on both databases.
func TestWhyDidAdaNotGetItAnswersInOnePage(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kind string) {
		w := newWorld(t, kind, func(o *simulator.Options) { o.People = 40 })
		w.env["FANFARE_SYNC_EVERY"] = "1s"
		w.sim.SetDials(func(d *simulator.Dials) {
			d.Person = map[string]string{}
			for n := range 40 {
				d.Person[simulator.EntraID(n+1)] = "none"
			}
			for n, is := range map[int]string{11: "guest", 12: "disabled", 13: "unlicensed", 14: "refused", 15: "guest"} {
				d.Person[simulator.EntraID(n)] = is
			}
		})
		w.serve()
		w.rolledOut()
		w.act(16, "remove", nil)
		w.act(17, "block", nil)
		w.act(15, "directory", map[string]any{"userType": "Member"})
		w.act(18, "directory", map[string]any{"deleted": "changed"})
		w.act(19, "directory", map[string]any{"department": "Lighthouse"})
		w.until("the directory knows", func() bool {
			return w.lifeOf(18).DeletedAt != nil && w.lifeOf(19).Department == "Lighthouse" && w.lifeOf(15).B2B && w.lifeOf(16).Bot.State == "removed"
		})
		w.until("managers are read", func() bool { return w.lifeOf(20).Manager != nil })
		b := w.approved("Lifts closed")
		w.must(200, "author", "POST", "/broadcasts/"+b.ID+"/send", nil, &b)
		w.state(b.ID, "sent")

		for n, want := range map[int]struct{ state, reason, says string }{
			10: {"sent", "", "Would get it."},
			11: {"skipped", "guest", "guest account"},
			12: {"skipped", "disabled", "account disabled. What to do: enable"},
			13: {"skipped", "unlicensed", "no Teams licence. What to do: assign"},
			14: {"skipped", "policy", "app blocked by policy. What to do: allow"},
			15: {"skipped", "guest", "their home is another organisation's tenant"},
			16: {"skipped", "removed", "removed the app. What to do: only the person can add it again"},
			17: {"skipped", "blocked", "blocked the bot"},
		} {
			l := w.lifeOf(n)
			if len(l.Broadcasts) != 1 || l.Broadcasts[0].State != want.state || l.Broadcasts[0].Reason != want.reason || l.Broadcasts[0].Title != "Lifts closed" {
				t.Errorf("person %d: %+v, want %s for %q", n, l.Broadcasts, want.state, want.reason)
			}
			if !strings.Contains(l.Outlook.Sentence, want.says) || want.reason != "" && l.Broadcasts[0].Remedy == "" {
				t.Errorf("person %d: %q, want it to say %q", n, l.Outlook.Sentence, want.says)
			}
		}
		w.livesOn(kind)
	})
}

// livesOn: somebody who was deleted comes back, and who removed the app adds it.
func (w *world) livesOn(kind string) {
	w.t.Helper()
	gone := w.lifeOf(18)
	if gone.Outlook.Reason != "deleted" || len(gone.Broadcasts) != 0 || gone.Bot.State != "installed" {
		w.t.Errorf("%s: who was deleted before: %+v", kind, gone)
	}
	w.act(18, "directory", map[string]any{"deleted": ""})
	w.until("who was restored is back", func() bool { return w.lifeOf(18).Outlook.State == "ready" })
	w.act(16, "install", nil)
	w.until("who added the app again can be reached", func() bool { return w.lifeOf(16).Outlook.State == "ready" })
	var events []string
	for _, m := range w.lifeOf(16).History {
		events = append(events, m.Event)
	}
	slices.Reverse(events)
	if got := strings.Join(events, " "); !strings.HasPrefix(got, "wanted installed addressed") || !strings.HasSuffix(got, "removed installed addressed") {
		w.t.Errorf("%s: the history of person 16 is %s", kind, got)
	}
	if m := w.lifeOf(20).Manager; m.ID != simulator.EntraID(3) || m.Name == "" {
		w.t.Errorf("%s: person 20 reports to %+v", kind, m)
	}
}

// TestAFailingSyncIsSaidUntilItSucceeds: an administrator takes the permission away
// and gives it back.
func TestAFailingSyncIsSaidUntilItSucceeds(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kind string) {
		w := newWorld(t, kind, func(o *simulator.Options) { o.People = 20 })
		w.env["FANFARE_SYNC_EVERY"] = "1s"
		w.serve()
		problem := func() string {
			var r struct{ Directory struct{ Problem string } }
			w.must(200, "admin", "GET", "/rollout", nil, &r)
			return r.Directory.Problem
		}
		warning := func() string {
			var r struct{ Warning string }
			w.must(200, "author", "POST", "/audience/reach", map[string]any{"everyone": true}, &r)
			return r.Warning
		}
		w.sim.SetDials(func(d *simulator.Dials) {
			d.Fail = []simulator.Fault{{Operation: "graph.delta", Status: 403, Code: "Authorization_RequestDenied"}}
		})
		w.until("it is said", func() bool { return strings.Contains(problem(), "User.Read.All") })
		if got := warning(); !strings.Contains(got, "what is counted is a moment old") || !strings.Contains(got, "Ask an administrator") {
			t.Errorf("%q", got)
		}
		w.sim.SetDials(func(d *simulator.Dials) { d.Fail = nil })
		w.until("it is forgotten", func() bool { return problem() == "" && warning() == "" })
	})
}
