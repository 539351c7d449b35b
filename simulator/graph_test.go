package simulator_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/fanfare/fanfare/simulator"
)

type page struct {
	Count *int             `json:"@odata.count"`
	Next  string           `json:"@odata.nextLink"`
	Delta string           `json:"@odata.deltaLink"`
	Value []map[string]any `json:"value"`
}

func (s *stage) page(target string, change ...func(*http.Request)) page {
	s.t.Helper()
	r := s.request("GET", target, s.token(graphScope), nil, change...)
	var p page
	if err := json.Unmarshal([]byte(r.body), &p); err != nil || r.status != 200 {
		s.t.Fatalf("%s: %d %s", target, r.status, r.body)
	}
	return p
}

// round follows a delta query to its end.
func (s *stage) round(target string) (items []map[string]any, pages []int, link string) {
	s.t.Helper()
	for {
		p := s.page(target)
		items, pages = append(items, p.Value...), append(pages, len(p.Value))
		if p.Delta != "" {
			return items, pages, p.Delta
		}
		if !strings.HasPrefix(p.Next, s.server.URL()+"/v1.0/") {
			s.t.Fatalf("nextLink %q is not on the simulator's own host", p.Next)
		}
		target = p.Next
	}
}

func ids(items []map[string]any) map[string]int {
	seen := map[string]int{}
	for _, item := range items {
		seen[item["id"].(string)]++
	}
	return seen
}

// K rows 15 and 16.
func TestDeltaFirstRoundTellsEverybodyThoughUntidily(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	for _, form := range []string{"delta()?$select=", "delta?%24select=", "microsoft.graph.delta()?select="} {
		items, pages, _ := s.round("/v1.0/users/" + form + "id%2CdisplayName,userType,accountEnabled,assignedPlans")
		seen := ids(items)
		if len(seen) != 1000 || seen[simulator.EntraID(1000)] == 0 {
			t.Errorf("%s: %d people", form, len(seen))
		}
		if len(items)-len(seen) < 7 || !slices.Contains(pages, 0) || items[0]["id"] == simulator.EntraID(1) && items[1]["id"] == simulator.EntraID(2) {
			t.Errorf("%s: %d items for %d people in pages %v: duplicates, an empty page and disorder are part of it", form, len(items), len(seen), pages)
		}
		if len(items[0]) != 5 {
			t.Errorf("%s: item %v has other properties than those selected", form, items[0])
		}
	}
}

func TestDeltaLaterRoundsTellChangesOnly(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	_, _, link := s.round("/v1.0/users/delta?$select=id,displayName,department,accountEnabled")
	if items, _, again := s.round(link); len(items) != 0 || again == "" {
		t.Fatalf("nothing happened, yet %v", items)
	}
	change := func(n int, edit map[string]any) {
		if r := s.control("POST", "/people/"+simulator.EntraID(n)+"/directory", edit); r.status != 204 {
			t.Fatalf("%d %s", r.status, r.body)
		}
	}
	change(30, map[string]any{"department": "Zoo"})
	change(31, map[string]any{"deleted": "changed"})
	change(32, map[string]any{"deleted": "deleted"})
	change(33, map[string]any{"accountEnabled": false})
	s.control("POST", "/hire", map[string]any{"count": 2})
	items, _, link := s.round(link)
	got := map[string]string{}
	for _, item := range items {
		got[item["id"].(string)] = string(must(json.Marshal(item)))
	}
	for n, want := range map[int]string{
		30:   fmt.Sprintf(`{"department":"Zoo","id":%q}`, simulator.EntraID(30)),
		31:   fmt.Sprintf(`{"@removed":{"reason":"changed"},"id":%q}`, simulator.EntraID(31)),
		32:   fmt.Sprintf(`{"@removed":{"reason":"deleted"},"id":%q}`, simulator.EntraID(32)),
		33:   fmt.Sprintf(`{"accountEnabled":false,"id":%q}`, simulator.EntraID(33)),
		1001: "", 1002: "",
	} {
		line, ok := got[simulator.EntraID(n)]
		if !ok || want != "" && line != want {
			t.Errorf("person %d: %q, want %q", n, line, want)
		}
	}
	if len(got) != 6 {
		t.Errorf("%d people changed, want 6", len(got))
	}
	if r := s.graph("GET", "/users/"+simulator.EntraID(31), nil); r.status != 404 {
		t.Errorf("a deleted person: %d", r.status)
	}
	change(31, map[string]any{"deleted": ""})
	if items, _, _ := s.round(link); len(items) == 0 || items[0]["displayName"] == nil {
		t.Errorf("a restored person is told whole: %v", items)
	}
}

func must(b []byte, err error) []byte {
	if err != nil {
		return []byte(err.Error())
	}
	return b
}

// K row 17 as a dial.
func TestDeltaExpiredTokenIsGone(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	_, _, link := s.round("/v1.0/users/delta?$select=id,mail")
	s.sim.SetDials(func(d *simulator.Dials) { d.DeltaExpired = true })
	r := s.request("GET", link, s.token(graphScope), nil)
	if r.status != 410 || r.code() != "syncStateNotFound" || !strings.Contains(r.header.Get("Location"), "$select=id%2Cmail") && !strings.Contains(r.header.Get("Location"), "%24select=id%2Cmail") {
		t.Fatalf("%d %s, Location %q", r.status, r.body, r.header.Get("Location"))
	}
	s.sim.SetDials(func(d *simulator.Dials) { d.DeltaExpired = false })
	if items, _, _ := s.round(r.header.Get("Location")); len(ids(items)) != 1000 {
		t.Fatalf("the Location's full round told %d people", len(ids(items)))
	}
}

func TestKindsOfPeopleShowInTheDirectory(t *testing.T) {
	t.Parallel()
	s := newStage(t, func(o *simulator.Options) { o.People = 5000 })
	items, _, _ := s.round("/v1.0/users/delta?$select=id,userType,accountEnabled,assignedPlans,userPrincipalName")
	guests, disabled, unlicensed := map[any]bool{}, map[any]bool{}, map[any]bool{}
	for _, item := range items {
		if item["userType"] == "Guest" {
			guests[item["id"]] = strings.Contains(item["userPrincipalName"].(string), "#EXT#")
		}
		if item["accountEnabled"] == false {
			disabled[item["id"]] = true
		}
		plans := string(must(json.Marshal(item["assignedPlans"])))
		teams := strings.Contains(plans, `"Enabled","service":"TeamspaceAPI"`)
		if item["userType"] != "Guest" && !teams {
			unlicensed[item["id"]] = true
		}
	}
	for name, c := range map[string]struct{ got, want int }{
		"guests": {len(guests), 60}, "disabled": {len(disabled), 40}, "unlicensed": {len(unlicensed), 50},
	} {
		if c.got < c.want/2 || c.got > c.want*2 {
			t.Errorf("%s: %d of 5000, want about %d", name, c.got, c.want)
		}
	}
	for n := 1; n <= 20; n++ {
		if id := simulator.EntraID(n); guests[id] || disabled[id] || unlicensed[id] {
			t.Errorf("person %d is unlucky; the first twenty are not", n)
		}
	}
	again := newStage(t, func(o *simulator.Options) { o.People = 5000 })
	other := newStage(t, func(o *simulator.Options) { o.People, o.Seed = 5000, 2 })
	first := func(s *stage) string {
		items, _, _ := s.round("/v1.0/users/delta?$select=id,userType")
		return fmt.Sprint(items)
	}
	if first(again) != first(s) || first(again) == first(other) {
		t.Error("the same seed must give the same people, another seed others")
	}
}

// K row 19.
func TestAdvancedQueriesNeedConsistencyLevel(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	group := s.group("Directors")
	for _, path := range []string{
		"/groups?$search=" + url.QueryEscape(`"displayName:sales"`), "/groups?$count=true", "/groups/" + group + "/members/microsoft.graph.user",
		"/groups/" + group + "/transitiveMembers/microsoft.graph.user?$count=true", "/groups/" + group + "/transitiveMembers/$count",
		"/users?$filter=" + url.QueryEscape("assignedPlans/any(a:a/servicePlanId eq 57ff2da0-773e-42df-b2af-ffb7a2317929 and a/capabilityStatus eq 'Enabled')"),
	} {
		if r := s.graph("GET", path, nil); r.status != 400 || r.code() != "Request_UnsupportedQuery" {
			t.Errorf("%s without: %d %s", path, r.status, r.body)
		}
		if r := s.graph("GET", path, nil, eventual); r.status != 200 {
			t.Errorf("%s with: %d %s", path, r.status, r.body)
		}
	}
}

func (s *stage) group(name string) string {
	s.t.Helper()
	p := s.page("/v1.0/groups?$filter=" + url.QueryEscape("displayName eq '"+strings.ReplaceAll(name, "'", "''")+"'"))
	if len(p.Value) == 0 {
		s.t.Fatalf("no group %q", name)
	}
	return p.Value[0]["id"].(string)
}

func TestGroupsAreFoundAsClientsLookForThem(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	names := func(query string) string {
		var out []string
		for _, g := range s.page("/v1.0/groups?"+query, eventual).Value {
			out = append(out, g["displayName"].(string))
		}
		return strings.Join(out, "|")
	}
	for query, want := range map[string]string{
		"$search=" + url.QueryEscape(`"displayName:sal"`):                                            "Sales",
		"$search=" + url.QueryEscape(`"displayName:off berl"`):                                       "Berlin Office",
		"$search=" + url.QueryEscape(`"displayName:sales" OR "displayName:empty"`):                   "Sales|Empty",
		"$filter=" + url.QueryEscape("startswith(displayName,'mark')"):                               "Marketing|Marketing",
		"$filter=" + url.QueryEscape("resourceProvisioningOptions/Any(x:x eq 'Team')"):               "Berlin Office|Newsroom",
		"$filter=" + url.QueryEscape("displayName eq 'Café & Küche, O''Hare'"):                       "Café & Küche, O'Hare",
		"$filter=" + url.QueryEscape("not (startswith(displayName,'A')) and displayName eq 'Sales'"): "Sales",
	} {
		if got := names(query); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	first := s.page("/v1.0/groups?$top=5&$select=id,displayName&$count=true", eventual)
	if len(first.Value) != 5 || first.Next == "" || *first.Count != 13 {
		t.Fatalf("first page: %d of %v, next %q", len(first.Value), first.Count, first.Next)
	}
	if r := s.graph("GET", "/groups?$filter=nonsense", nil); r.status != 400 {
		t.Errorf("a wrong filter: %d", r.status)
	}
	if r := s.graph("GET", "/groups?$select=nonsense", nil); r.status != 400 {
		t.Errorf("a wrong property: %d", r.status)
	}
	if r := s.graph("GET", "/groups/60000000-0000-4000-8000-ffffffffffff", nil); r.status != 404 {
		t.Errorf("an unknown group: %d", r.status)
	}
}

func TestMembersArePagedAndNested(t *testing.T) {
	t.Parallel()
	s := newStage(t, func(o *simulator.Options) { o.People = 3000 })
	all := func(path string) map[string]int {
		var items []map[string]any
		for target := "/v1.0/groups/" + path; target != ""; {
			p := s.page(target, eventual)
			items, target = append(items, p.Value...), p.Next
		}
		return ids(items)
	}
	if got := all(s.group("All Company") + "/transitiveMembers/microsoft.graph.user?$select=id&$top=999"); len(got) != 3000 {
		t.Errorf("everybody: %d", len(got))
	}
	leaders, directors := s.group("Leadership"), s.group("Directors")
	direct, whole, inner := all(leaders+"/members/microsoft.graph.user"), all(leaders+"/transitiveMembers/microsoft.graph.user"), all(directors+"/members/microsoft.graph.user")
	if len(inner) == 0 || len(whole) <= len(direct) || len(whole) > len(direct)+len(inner) {
		t.Errorf("leadership has %d direct, %d transitive members, %d directors", len(direct), len(whole), len(inner))
	}
	for id := range inner {
		if whole[id] != 1 {
			t.Errorf("director %s appears %d times in leadership", id, whole[id])
		}
	}
	mixed := s.page("/v1.0/groups/" + leaders + "/transitiveMembers")
	if mixed.Value[0]["@odata.type"] != "#microsoft.graph.group" {
		t.Errorf("an uncast list begins with %v", mixed.Value[0])
	}
	if got := all(s.group("Empty") + "/members/microsoft.graph.user"); len(got) != 0 {
		t.Errorf("empty group: %v", got)
	}
	if r := s.graph("GET", "/groups/"+s.group("Works Council")+"/transitiveMembers/microsoft.graph.user", nil, eventual); r.status != 403 {
		t.Errorf("hidden membership: %d", r.status)
	}
	if r := s.graph("GET", "/groups/"+leaders+"/members?$top=1000", nil); r.status != 400 {
		t.Errorf("a page of 1000: %d", r.status)
	}
}

// K row 14.
func TestCompressedBodies(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	path := func(n int) string { return "/users/" + simulator.EntraID(n) + "/teamwork/installedApps" }
	plain := must(json.Marshal(bind()))
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write(plain)
	_ = z.Close()
	labelled := func(r *http.Request) { r.Header.Set("Content-Encoding", "gzip") }
	if r := s.graph("POST", path(1), packed.Bytes(), labelled); r.status != 201 {
		t.Errorf("gzip: %d %s", r.status, r.body)
	}
	if r := s.graph("POST", path(2), plain, labelled); r.status != 400 {
		t.Errorf("labelled gzip but plain: %d", r.status)
	}
	s.sim.SetDials(func(d *simulator.Dials) { d.RejectGzip = true })
	if r := s.graph("POST", path(3), packed.Bytes(), labelled); r.status != 415 {
		t.Errorf("gzip refused: %d", r.status)
	}
}

func TestGraphKnowsWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	for path, want := range map[string]int{
		"/users/" + simulator.EntraID(1): 200, "/users/ada.author@contoso.example": 200, "/users/" + simulator.EntraID(5000): 404,
		"/users/ada.author@other.example": 404, "/users?$top=1000": 400, "/users?$skiptoken=x": 400, "/nothing": 400,
		"/users/delta?$select=nonsense": 400, "/users/delta?$top=5": 400, "/users/delta?$deltatoken=old": 410, "/teams/60000000-0000-4000-8000-000000000004/channels": 200,
	} {
		if r := s.graph("GET", path, nil); r.status != want {
			t.Errorf("%s: %d %s, want %d", path, r.status, r.body, want)
		}
	}
	if r := s.graph("PATCH", "/users/"+simulator.EntraID(1), map[string]any{}); r.status != 405 {
		t.Errorf("PATCH: %d", r.status)
	}
}
