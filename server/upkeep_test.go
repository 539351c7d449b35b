package server_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/fanfare/fanfare/simulator"
	"github.com/fanfare/fanfare/store/storetest"
)

// standing is upkeep as the API shows it, as far as the stories look.
type standing struct {
	Pass *struct {
		State, Cause  string
		Looked, Total int
		Found         []struct {
			Finding string
			People  int
		}
	}
	Published string
	Vanished  int
	Versions  []struct {
		Version string
		People  int
	}
}

func (s standing) found(finding string) (n int) {
	if s.Pass == nil {
		return 0
	}
	for _, f := range s.Pass.Found {
		if f.Finding == finding {
			n += f.People
		}
	}
	return n
}

func (w *world) upkeep() (s standing) {
	w.t.Helper()
	w.must(200, "auditor", "GET", "/upkeep", nil, &s)
	return s
}

// TestAnUpgradeReachesEverybodyAndRemovesNobody: the app is published anew, an admin
// upgrades everybody, and the pair of events that follows at each (protocol D.2, K row
// 35) comes through the real endpoint.
func TestAnUpgradeReachesEverybodyAndRemovesNobody(t *testing.T) {
	t.Parallel()
	for _, kind := range storetest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w := rolled(t, kind, 60, map[string]string{"FANFARE_UPKEEP_SETTLE": "1ms"})
			people := w.installed()
			w.sim.SetDials(func(d *simulator.Dials) { d.PublishedVersion = "1.1.0" })
			w.must(403, "author", "POST", "/upkeep/upgrade", nil, nil)
			w.must(200, "admin", "POST", "/upkeep/upgrade", nil, nil)
			w.must(409, "admin", "POST", "/upkeep/check", nil, nil)
			w.until("everybody was looked at", func() bool { return w.upkeep().Pass.State == "done" })
			if now := w.upkeep(); now.found("upgraded") != people || now.Pass.Looked != now.Pass.Total || now.Published != "1.1.0" {
				t.Fatalf("of %d people: %+v of %+v", people, now, now.Pass)
			}
			w.until("every event is answered", func() bool { return w.sim.Report().EventsPending == 0 })
			if n := w.installed(); n != people {
				t.Errorf("%d people have the app after the upgrade, %d before", n, people)
			}
			b := w.proposed("After the upgrade")
			w.must(200, "approver", "POST", "/broadcasts/"+b.ID+"/send", nil, nil)
			if b = w.state(b.ID, "sent"); b.Tally.Sent != people {
				t.Errorf("%+v", b.Tally)
			}
		})
	}
}

// installed is how many people have the app and can be written to.
func (w *world) installed() int {
	w.t.Helper()
	var r struct{ Addressed int }
	w.must(200, "admin", "GET", "/rollout", nil, &r)
	return r.Addressed
}

// TestWhatAPolicyTookIsPutBackAndWhatAPersonRemovedIsNot: over the whole server, with
// Teams' own events.
func TestWhatAPolicyTookIsPutBackAndWhatAPersonRemovedIsNot(t *testing.T) {
	t.Parallel()
	w := rolled(t, storetest.SQLite, 40, map[string]string{"FANFARE_UPKEEP_SETTLE": "1ms"})
	people := w.installed()
	w.happens(7, "vanish")
	w.happens(8, "remove")
	w.until("the removal is heard", func() bool { return w.installed() == people-1 })
	w.must(200, "admin", "POST", "/upkeep/check", nil, nil)
	w.until("everybody was looked at", func() bool { return w.upkeep().Pass.State == "done" })
	if now := w.upkeep(); now.found("put_back") != 1 || now.found("vanished") != 0 {
		t.Fatalf("%+v", now)
	}
	w.until("the policy's victim has it again", func() bool { return w.installed() == people-1 && w.sim.Report().Installed == people-1 })

	// With repairs switched off an admin decides.
	w.must(200, "admin", "POST", "/upkeep/repair/off", nil, nil)
	w.happens(9, "vanish")
	w.must(200, "admin", "POST", "/upkeep/check", nil, nil)
	w.until("it is noticed", func() bool { return w.upkeep().Vanished == 1 })
	w.must(200, "admin", "POST", "/upkeep/put-back", nil, nil)
	w.until("it is back", func() bool { return w.installed() == people-1 && w.sim.Report().Installed == people-1 })
	if now := w.upkeep(); now.Vanished != 0 {
		t.Errorf("%+v", now)
	}
}

// happens is something that happens to a person.
func (w *world) happens(number int, what string) {
	w.t.Helper()
	r, err := http.NewRequest(http.MethodPost, "/_simulator/people/"+simulator.EntraID(number)+"/"+what, strings.NewReader("{}"))
	if err != nil {
		w.t.Fatal(err)
	}
	rw := httptest.NewRecorder()
	if w.sim.ServeHTTP(rw, r); rw.Code >= 300 {
		w.t.Fatalf("%s: %d %s", what, rw.Code, rw.Body)
	}
}

// TestAPassGoesOnAfterARestart: nobody is looked at twice, and nobody is left out.
func TestAPassGoesOnAfterARestart(t *testing.T) {
	t.Parallel()
	for _, kind := range storetest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w, stop := installed(t, kind, 120, map[string]string{"FANFARE_INSTALL_RATE": "60", "FANFARE_UPKEEP_SHARE": "50"})
			w.dial(func(d *simulator.Dials) { d.GraphLatencyMS = 200 }) // somebody is in hand when it stops
			before := w.sim.Report().Requests["graph.installed"]
			w.must(200, "admin", "POST", "/upkeep/check", nil, nil)
			w.until("some were looked at", func() bool { return w.upkeep().Pass.Looked >= 20 })
			stop()
			back := time.Now()
			w.serve()
			if p := w.upkeep().Pass; p.State != "running" || p.Looked >= p.Total {
				t.Fatalf("it was over too soon to tell: %+v", p)
			}
			w.until("everybody was looked at", func() bool { return w.upkeep().Pass.State == "done" })
			p, asked := w.upkeep().Pass, int(w.sim.Report().Requests["graph.installed"]-before)
			if p.Looked != p.Total || asked != p.Total {
				t.Errorf("%+v with %d requests", p, asked)
			}
			// Without that nothing that vanishes later would be put back by itself.
			db := storetest.SQL(t, w.env["FANFARE_DATABASE"])
			w.until("it is noted that Fanfare is there to hear again", func() bool {
				var to int64
				return db.QueryRow(`SELECT heard_to FROM upkeep`).Scan(&to) == nil && to >= back.UnixMilli()
			})
		})
	}
}
