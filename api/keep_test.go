package api_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/fanfare/fanfare/broadcast"
)

// TestUpkeepIsSteeredByItsMoves: each move is possible in its states and no other, and
// a mistake changes nothing.
func TestUpkeepIsSteeredByItsMoves(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin := w.as(broadcast.RoleAdmin)
	for _, step := range []struct {
		path   string
		status int
		state  string
	}{
		{"/upkeep/pause", 409, ""},
		{"/upkeep/check", 200, "running"},
		{"/upkeep/upgrade", 409, "running"},
		{"/upkeep/resume", 409, "running"},
		{"/upkeep/pause", 200, "paused"},
		{"/upkeep/pause", 409, "paused"},
		{"/upkeep/resume", 200, "running"},
		{"/upkeep/stop", 200, "stopped"},
		{"/upkeep/stop", 409, "stopped"},
		{"/upkeep/upgrade", 200, "running"},
	} {
		a := admin.call(http.MethodPost, step.path, nil)
		var now struct {
			Pass *struct {
				State    string
				Upgrades bool
			}
		}
		got := admin.call(http.MethodGet, "/upkeep", nil)
		must(t, json.Unmarshal(got.raw, &now))
		if a.StatusCode != step.status || (now.Pass == nil) != (step.state == "") || now.Pass != nil && now.Pass.State != step.state {
			t.Fatalf("%s: status %d, want %d; %s, want %s", step.path, a.StatusCode, step.status, got.raw, step.state)
		}
	}
}

func TestTeamsForTheAppAreListedAndTakenOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin := w.as(broadcast.RoleAdmin)
	if a := admin.call(http.MethodPut, "/installed-teams/60000000-0000-4000-8000-0000000000ff", nil); a.StatusCode != 404 {
		t.Errorf("a group that is no team: %d %s", a.StatusCode, a.raw)
	}
	if a := admin.call(http.MethodGet, "/installed-teams/find?q="+newsroom, nil); a.StatusCode != 200 {
		t.Errorf("%d %s", a.StatusCode, a.raw)
	}
	a := admin.call(http.MethodPut, "/installed-teams/"+newsroom, nil)
	var list struct {
		Teams []struct {
			Name, State string
			GroupID     string `json:"group_id"`
		}
	}
	must(t, json.Unmarshal(a.raw, &list))
	if a.StatusCode != 200 || len(list.Teams) != 1 || list.Teams[0].Name != "Newsroom" || list.Teams[0].State != "wanted" || list.Teams[0].GroupID != newsroom {
		t.Errorf("%d %s", a.StatusCode, a.raw)
	}
	for _, want := range []int{204, 404} {
		if a := admin.call(http.MethodDelete, "/installed-teams/"+newsroom, nil); a.StatusCode != want {
			t.Errorf("%d %s, want %d", a.StatusCode, a.raw, want)
		}
	}
}
