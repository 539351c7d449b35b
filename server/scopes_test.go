package server_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/fanfare/fanfare/simulator"
	"github.com/fanfare/fanfare/store/storetest"
)

// object is a JSON object.
type object = map[string]any

// Parts of audiences in the painted organisation.
var (
	everyoneHere = object{"everyone": true}
	engineering  = object{"include": []object{{"kind": "attribute", "field": "department", "values": []string{"Engineering"}}}}
	salesPeople  = object{"include": []object{{"kind": "attribute", "field": "department", "values": []string{"Sales"}}}}
)

// salesGroup is the dynamic group of the same people.
func (w *world) salesGroup() object {
	w.t.Helper()
	var found struct {
		Groups []struct{ ID, Name string }
	}
	w.must(200, "author", "GET", "/groups?q=Sales", nil, &found)
	for _, g := range found.Groups {
		if g.Name == "Sales" {
			return object{"include": []object{{"kind": "group", "id": g.ID}}}
		}
	}
	w.t.Fatalf("no group of sales people: %+v", found)
	return nil
}

// drafted is a draft of the author's.
func (w *world) drafted(to object) (b bulletin) {
	w.t.Helper()
	w.must(201, "author", "POST", "/broadcasts", object{"title": "News", "body": "There is news.", "audience": to}, &b)
	return b
}

// refuses expects a move to be refused as out of bounds.
func (w *world) refuses(part, id, move string, body any, want string) {
	w.t.Helper()
	got := w.call(part, "POST", "/broadcasts/"+id+"/"+move, body)
	if got.status != 422 || !strings.Contains(string(got.body), want) || !strings.Contains(string(got.body), `"field":"audience"`) {
		w.t.Errorf("%s as %s: %d %s, want a refusal that says %q", move, part, got.status, got.body, want)
	}
}

func TestAnAuthorReachesOnlyWhomAnAdminLetsThem(t *testing.T) {
	t.Parallel()
	for _, kind := range storetest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, kind, nil)
			w.serve()
			ada := simulator.StandardPeople()[0].EntraID
			inSales := w.salesGroup()
			w.must(200, "admin", "PUT", "/scopes/default", inSales, nil)
			// By people: a department of the same people as the group is within, everyone is not.
			b := w.drafted(salesPeople)
			w.must(200, "author", "POST", "/broadcasts/"+b.ID+"/submit", nil, nil)
			all := w.drafted(everyoneHere)
			w.refuses("author", all.ID, "submit", nil, "are outside what you may reach (Sales): for example ")
			var reach struct {
				Total   int
				Outside *struct {
					Count int
					Text  string
				}
			}
			w.must(200, "author", "POST", "/audience/reach", everyoneHere, &reach)
			if reach.Outside == nil || reach.Outside.Count < 1 || reach.Outside.Count >= reach.Total || !strings.Contains(reach.Outside.Text, fmt.Sprintf("%d of the %d people you chose are outside", reach.Outside.Count, reach.Total)) {
				t.Errorf("while choosing: %+v", reach.Outside)
			}
			w.must(200, "admin", "POST", "/audience/reach", everyoneHere, &reach)
			if reach.Outside != nil {
				t.Errorf("the admin is told %+v", reach.Outside)
			}
			// The author's own scope takes the default's place.
			w.must(200, "admin", "PUT", "/scopes/"+ada, everyoneHere, nil)
			w.must(200, "author", "POST", "/broadcasts/"+all.ID+"/submit", nil, &all)
			w.must(200, "approver", "POST", "/broadcasts/"+all.ID+"/approve", nil, nil)
			// It became narrower after the approval.
			w.must(200, "admin", "PUT", "/scopes/"+ada, engineering, nil)
			for _, part := range []string{"author", "approver"} {
				w.refuses(part, all.ID, "send", nil, "may reach (Department Engineering)")
				w.refuses(part, all.ID, "schedule", object{"at": "2090-01-01T09:00:00Z"}, "may reach (Department Engineering)")
			}
			w.must(204, "admin", "DELETE", "/scopes/"+ada, nil, nil)
			w.must(204, "admin", "DELETE", "/scopes/default", nil, nil)
			w.must(200, "approver", "POST", "/broadcasts/"+all.ID+"/send", nil, nil)
			w.state(all.ID, "sent")
			// An admin is not bounded, and stands for what they submit.
			w.must(200, "admin", "PUT", "/scopes/default", inSales, nil)
			b = w.drafted(everyoneHere)
			w.must(200, "admin", "POST", "/broadcasts/"+b.ID+"/submit", nil, nil)
			w.must(200, "approver", "POST", "/broadcasts/"+b.ID+"/approve", nil, nil)
			w.must(200, "approver", "POST", "/broadcasts/"+b.ID+"/send", nil, nil)
			w.state(b.ID, "sent")
			w.auditOfScopes(5)
		})
	}
}

// auditOfScopes expects so many lines, all the admin's.
func (w *world) auditOfScopes(lines int) {
	w.t.Helper()
	var got struct {
		Changes []struct {
			Person, By struct{ ID, Name string }
			From, To   json.RawMessage
			At         string
		}
	}
	w.must(200, "admin", "GET", "/scopes", nil, &got)
	for _, c := range got.Changes {
		if c.By.Name != simulator.StandardPeople()[2].Name || c.At == "" || c.Person.Name == "" || string(c.From) == "null" && string(c.To) == "null" {
			w.t.Errorf("a line of the audit: %+v", c)
		}
	}
	if len(got.Changes) < lines {
		w.t.Errorf("%d lines, want %d", len(got.Changes), lines)
	}
}

// What is due is not sent to people its author may not reach any more: it fails with
// the reason, before anybody gets it.
func TestAScheduledBroadcastOutOfBoundsReachesNobody(t *testing.T) {
	t.Parallel()
	for _, kind := range storetest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, kind, nil)
			w.serve()
			b := w.approved("Tomorrow")
			w.must(200, "author", "POST", "/broadcasts/"+b.ID+"/schedule", object{"at": "2090-01-01T09:00:00Z"}, nil)
			w.must(200, "admin", "PUT", "/scopes/default", salesPeople, nil)
			db := storetest.SQL(t, w.env["FANFARE_DATABASE"])
			if _, err := db.Exec(`UPDATE broadcasts SET due_at = 1`); err != nil {
				t.Fatal(err)
			}
			got := w.state(b.ID, "failed", "sent")
			if got.State != "failed" || !strings.Contains(got.Reason, "outside what Ada Author may reach (Department Sales)") || got.Tally.Sent > 0 {
				t.Errorf("%+v", got)
			}
			// Fail closed: a scope that makes no sense stops every move, with a sentence.
			if _, err := db.Exec(`UPDATE scopes SET audience = '{}'`); err != nil {
				t.Fatal(err)
			}
			all := w.drafted(salesPeople)
			if got := w.call("author", "POST", "/broadcasts/"+all.ID+"/submit", nil); got.status != 409 || !strings.Contains(string(got.body), "cannot be read, so this goes no further") {
				t.Errorf("%d %s", got.status, got.body)
			}
			var shown struct{ Readable bool }
			w.must(200, "admin", "GET", "/scopes/default", nil, &shown)
			if shown.Readable {
				t.Error("the admin is not told that it cannot be read")
			}
		})
	}
}

func TestScopesAreAskedForInTheRightWords(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite", nil)
	w.serve()
	ada := simulator.StandardPeople()[0].EntraID
	for path, c := range map[string]struct {
		body   any
		status int
	}{
		"/scopes/nobody": {everyoneHere, 404},
		"/scopes/%00":    {everyoneHere, 404},
		"/scopes/00000000-0000-4000-8000-000000000000": {everyoneHere, 404},
		"/scopes/" + ada:                  {object{}, 422},
		"/scopes/" + strings.ToUpper(ada): {object{"include": []object{{"kind": "planet"}}}, 422},
		"/scopes/default":                 {object{"include": []object{{"kind": "group", "id": "10000000-0000-4000-8000-00000000dead"}}}, 422},
		"/scopes/default?x=1":             {`{"everyone": true, "salary": 3}`, 422},
	} {
		got := w.call("admin", "PUT", path, c.body)
		if got.status != c.status && !(c.status == 422 && got.status == 400) {
			t.Errorf("PUT %s %v: %d %s, want %d", path, c.body, got.status, got.body, c.status)
		}
	}
	if got := w.call("admin", "DELETE", "/scopes/"+ada, nil); got.status != 404 {
		t.Errorf("deleting what is not there: %d %s", got.status, got.body)
	}
	var none struct{ Audience json.RawMessage }
	w.must(200, "admin", "GET", "/scopes/"+ada, nil, &none)
	if string(none.Audience) != "null" {
		t.Errorf("no scope is %s", none.Audience)
	}
}

func TestAHeadCountSaysWhatPeopleGotLately(t *testing.T) {
	t.Parallel()
	for _, kind := range storetest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, kind, nil)
			w.env["FANFARE_FATIGUE_NUMBER"], w.env["FANFARE_FATIGUE_PERCENT"] = "2", "50"
			stop := w.serve()
			type strain struct {
				Ready, Waiting int
				Fatigue        struct {
					Week []struct {
						From   int
						To     *int
						People int
					} `json:"last_7_days"`
					Over    int
					Warning *string
					Text    []string
				}
			}
			look := func(to object) (s strain) {
				w.must(200, "author", "POST", "/audience/reach", to, &s)
				return s
			}
			if s := look(everyoneHere); len(s.Fatigue.Week) != 0 || s.Fatigue.Warning != nil {
				t.Errorf("before anything: %+v", s.Fatigue)
			}
			var sent int
			for range 2 {
				b := w.approved("News")
				w.must(200, "approver", "POST", "/broadcasts/"+b.ID+"/send", nil, nil)
				sent = w.state(b.ID, "sent").Tally.Sent
			}
			stop()
			stop = w.serve() // counting goes on after a restart
			defer stop()
			w.until("both are counted for everybody", func() bool {
				s := look(everyoneHere)
				return len(s.Fatigue.Week) == 1 && s.Fatigue.Week[0].From == 2 && s.Fatigue.Week[0].People == sent
			})
			s := look(everyoneHere)
			if s.Fatigue.Over != sent || s.Fatigue.Warning == nil || !strings.Contains(*s.Fatigue.Warning, "more than 2 announcements within 7 days") || !strings.Contains(s.Fatigue.Text[0], fmt.Sprintf("In the last 7 days %d of them got 2.", sent)) {
				t.Errorf("%+v", s.Fatigue)
			}
			if s := look(salesPeople); s.Fatigue.Over != s.Ready {
				t.Errorf("of some: %+v", s)
			}
			urgent := w.drafted(salesPeople) // warned about, never stopped
			w.must(200, "author", "POST", "/broadcasts/"+urgent.ID+"/submit", nil, nil)
		})
	}
}
