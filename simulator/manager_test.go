package simulator_test

import (
	"encoding/json"
	"testing"

	"github.com/fanfare/fanfare/simulator"
)

// Protocol G.1: a delta query cannot tell managers, so they are asked for by
// $expand of the list of users.
func TestManagersComeWithTheListOfUsers(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	seen, bosses := map[string]string{}, map[string]int{}
	for target := "/v1.0/users?$select=id&$expand=manager($select=id)&$top=999"; target != ""; {
		p := s.page(target)
		for _, item := range p.Value {
			manager, _ := item["manager"].(map[string]any)
			boss, _ := manager["id"].(string)
			if boss == "" && len(item) != 1 {
				t.Fatalf("%v: nobody's manager is left out, not null", item)
			}
			seen[item["id"].(string)] = boss
			bosses[boss]++
		}
		target = p.Next
	}
	if len(seen) != 1000 || seen[simulator.EntraID(1)] != "" || seen[simulator.EntraID(2)] != simulator.EntraID(1) || seen[simulator.EntraID(100)] != simulator.EntraID(13) {
		t.Errorf("%d people; 1 reports to %q, 2 to %q, 100 to %q", len(seen), seen[simulator.EntraID(1)], seen[simulator.EntraID(2)], seen[simulator.EntraID(100)])
	}
	delete(bosses, "")
	if len(bosses) < 100 {
		t.Errorf("%d managers", len(bosses))
	}
}

func TestAManagerIsReadChangedAndLost(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	of := func(n int) string {
		r := s.request("GET", "/v1.0/users/"+simulator.EntraID(n)+"/manager?$select=id", s.token(graphScope), nil)
		if r.status == 404 {
			return ""
		}
		var boss struct{ ID string }
		if err := json.Unmarshal([]byte(r.body), &boss); err != nil || r.status != 200 {
			t.Fatalf("%d %s", r.status, r.body)
		}
		return boss.ID
	}
	edit := func(n int, change map[string]any) {
		t.Helper()
		if r := s.control("POST", "/people/"+simulator.EntraID(n)+"/directory", change); r.status >= 300 {
			t.Fatalf("%d %s", r.status, r.body)
		}
	}
	if got := of(100); got != simulator.EntraID(13) {
		t.Errorf("100 reports to %q", got)
	}
	edit(100, map[string]any{"manager": simulator.EntraID(7)})
	if got := of(100); got != simulator.EntraID(7) {
		t.Errorf("after the change 100 reports to %q", got)
	}
	edit(7, map[string]any{"deleted": "changed"})
	if got := of(100); got != "" {
		t.Errorf("100 still reports to %q, who was deleted", got)
	}
	edit(101, map[string]any{"manager": ""})
	if got := of(101); got != "" || of(1) != "" {
		t.Errorf("101 reports to %q", got)
	}
}

func TestWhatCannotBeExpandedIsRefused(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	for _, target := range []string{
		"/v1.0/users?$expand=directReports", "/v1.0/users?$expand=manager($select=shoeSize)", "/v1.0/users?$expand=manager($levels=max)",
		"/v1.0/users/delta?$expand=manager", "/v1.0/users/delta?$select=id,manager",
	} {
		if r := s.request("GET", target, s.token(graphScope), nil); r.status != 400 {
			t.Errorf("%s: %d %s", target, r.status, r.body)
		}
	}
	if p := s.page("/v1.0/users?$top=1&$expand=manager"); len(p.Value) != 1 {
		t.Errorf("%v", p)
	}
}
