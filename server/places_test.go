package server_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/fanfare/fanfare/simulator"
)

// The simulator's second team, of its first ten people.
const (
	newsroom      = "19:exampleteam0002@thread.tacv2"
	newsroomPosts = "19:examplenews0002@thread.tacv2"
)

func (w *world) inTeam(verb string, body map[string]any) {
	w.t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		w.t.Fatal(err)
	}
	res, err := http.Post(w.http.PlainURL()+"/_simulator/teams/"+url.PathEscape(newsroom)+"/"+verb, "application/json", bytes.NewReader(raw))
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	if answer, _ := io.ReadAll(res.Body); res.StatusCode >= 300 {
		w.t.Fatalf("%s: status %d: %s", verb, res.StatusCode, answer)
	}
}

type teamRow struct {
	Name, State string
	Members     *int
	AddedBy     *struct{ Name string } `json:"added_by"`
}

func (w *world) findTeams(text string) []teamRow {
	w.t.Helper()
	var page struct{ Teams []teamRow }
	w.must(200, "author", "GET", "/teams?q="+url.QueryEscape(text), nil, &page)
	return page.Teams
}

// TestATeamIsKnownFromTheMomentTheBotIsAdded: its people, its channels, what becomes of
// it, and an answer for whoever speaks to the bot there.
func TestATeamIsKnownFromTheMomentTheBotIsAdded(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kind string) {
		w := newWorld(t, kind, nil)
		w.sim.SetDials(func(d *simulator.Dials) { d.Person = map[string]string{simulator.EntraID(5): "silent"} })
		w.serve()
		w.inTeam("install", map[string]any{"by": simulator.EntraID(1)})
		w.until("the roster is read", func() bool {
			teams := w.findTeams("news")
			return len(teams) == 1 && teams[0].Members != nil && *teams[0].Members == 10
		})
		if team := w.findTeams("news")[0]; team.State != "here" || team.Name != "Newsroom" || team.AddedBy == nil {
			t.Errorf("%+v", team)
		}
		w.inTeam("rename", map[string]any{"name": "Press Office"})
		w.inTeam("add-channel", map[string]any{"name": "Ideas"})
		w.until("the channel and the new name are known", func() bool {
			var page struct{ Channels []struct{ Label string } }
			w.must(200, "author", "GET", "/channels?q=ide+press", nil, &page)
			return len(page.Channels) == 1 && page.Channels[0].Label == "Press Office › Ideas"
		})
		w.inTeam("say", map[string]any{"by": simulator.EntraID(4), "channel": newsroomPosts, "text": "why?"})
		w.until("the bot answers in the channel", func() bool {
			res, err := http.Get(w.http.PlainURL() + "/_simulator/teams")
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			body, _ := io.ReadAll(res.Body)
			return strings.Contains(string(body), "nobody reads what is written to me here")
		})
		// Whose event never comes gets the chat with what the roster told.
		w.rolledOut()
		if n := w.sim.Report().Requests["create"]; n == 0 { // more, where events were late
			t.Error("no chat was opened through the Connector, not even that of the silent person")
		}
		w.inTeam("remove", nil)
		w.until("the team is left", func() bool { return w.findTeams("press")[0].State == "removed" })
	})
}
