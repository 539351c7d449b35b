package server_test

import (
	"testing"

	"github.com/fanfare/fanfare/simulator"
)

// each tells a story on both databases.
func each(t *testing.T, story func(t *testing.T, kind string)) {
	t.Helper()
	for _, kind := range []string{"sqlite", "postgres"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			story(t, kind)
		})
	}
}

func TestFromAuthorToEveryone(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kind string) {
		w := newWorld(t, kind, func(o *simulator.Options) { o.People = 1000 })
		w.serve()
		b := w.approved("Office closed on Friday")
		w.must(200, "author", "POST", "/broadcasts/"+b.ID+"/send", nil, &b)
		b = w.state(b.ID, "sent", "failed")
		if b.State != "sent" || b.Tally.Total != 1000 || b.Tally.Sent < 900 {
			t.Fatalf("it ended as %+v", b)
		}
		if got := w.groupBy(b.ID); got["sent"] != b.Tally.Sent || got["skipped"] != b.Tally.Skipped || got["failed"] != b.Tally.Failed {
			t.Errorf("the tally %+v is not the count of the rows %v", b.Tally, got)
		}
		r := w.sim.Report()
		if int(r.Reached) != b.Tally.Sent || r.Repeats != 0 {
			t.Errorf("the tally says %d got it, the simulator %d, with %d repeats", b.Tally.Sent, r.Reached, r.Repeats)
		}
	})
}

func TestThrottledIsLateButNobodyIsLost(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kind string) {
		w := newWorld(t, kind, func(o *simulator.Options) { o.People, o.ConnectorRate = 150, 50 })
		w.env["FANFARE_CONNECTOR_RATE"] = "0" // no manners at all: the simulator has to say no
		w.serve()
		b := w.approved("Too fast")
		w.must(200, "author", "POST", "/broadcasts/"+b.ID+"/send", nil, &b)
		b = w.state(b.ID, "sent", "failed")
		r := w.sim.Report()
		if b.State != "sent" || b.Tally.Failed != 0 || int(r.Reached) != b.Tally.Sent || r.Repeats != 0 {
			t.Errorf("tally %+v, really reached %d, repeats %d", b.Tally, r.Reached, r.Repeats)
		}
	})
}

func TestSecondClickOnSendIsAConflict(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kind string) {
		w := newWorld(t, kind, nil)
		w.serve()
		b := w.approved("Once only")
		codes := make(chan int, 8)
		for range cap(codes) {
			go func() { codes <- w.call("author", "POST", "/broadcasts/"+b.ID+"/send", nil).status }()
		}
		got := map[int]int{}
		for range cap(codes) {
			got[<-codes]++
		}
		if got[200] != 1 || got[409] != cap(codes)-1 {
			t.Errorf("answers %v: one click may win, the others must hear why not", got)
		}
		w.state(b.ID, "sent")
		if r := w.sim.Report(); r.Repeats != 0 {
			t.Errorf("%d repeats", r.Repeats)
		}
	})
}

func TestPeopleEndWhereTheyShould(t *testing.T) {
	t.Parallel()
	ends := map[string]string{ // fate → state and reason
		"guest": "skipped guest", "disabled": "skipped disabled", "unlicensed": "skipped unlicensed", "refused": "skipped policy",
		"blocked": "skipped blocked", "removed": "skipped removed", "silent": "sent ", "preinstalled": "sent ", "none": "sent ",
	}
	each(t, func(t *testing.T, kind string) {
		w := newWorld(t, kind, nil)
		person := map[string]string{} // Entra ID → fate
		for fate := range ends {
			person[simulator.EntraID(30+len(person))] = fate
		}
		w.sim.SetDials(func(d *simulator.Dials) { d.Person = person })
		w.serve()
		w.rolledOut()
		b := w.approved("Everybody accounted for")
		w.must(200, "author", "POST", "/broadcasts/"+b.ID+"/send", nil, &b)
		w.state(b.ID, "sent")
		var page struct {
			Recipients []struct {
				EntraID string `json:"entra_id"`
				State   string
				Reason  string
			}
		}
		w.must(200, "admin", "GET", "/broadcasts/"+b.ID+"/recipients?limit=500", nil, &page)
		for _, r := range page.Recipients {
			fate, named := person[r.EntraID]
			if got := r.State + " " + r.Reason; named && got != ends[fate] {
				t.Errorf("a person who is %s ended as %q, want %q", fate, got, ends[fate])
			}
			delete(person, r.EntraID)
		}
		if len(person) > 0 {
			t.Errorf("not on the list at all: %v", person)
		}
	})
}

// rolledOut starts the rollout and waits until it is through: everybody who can
// have the bot has it, or said no.
func (w *world) rolledOut() {
	w.t.Helper()
	w.must(200, "admin", "POST", "/rollout/start", nil, nil)
	w.until("the rollout is through", func() bool {
		var r struct{ Wanted, Untouched, Installed, Addressed int }
		w.must(200, "admin", "GET", "/rollout", nil, &r)
		return r.Wanted == 0 && r.Untouched == 0 && r.Installed > 0 && r.Installed == r.Addressed
	})
}
