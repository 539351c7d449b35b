package simulator_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/fanfare/fanfare/simulator"
)

// struck gives people named misfortunes.
func struck(who map[int]string) func(*simulator.Dials) {
	return func(d *simulator.Dials) {
		for n, word := range who {
			d.Person[simulator.EntraID(n)] = word
		}
	}
}

// K row 12.
func TestInstallAnswersAsProtocolF3(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.sim.SetDials(struck(map[int]string{
		1: "guest", 2: "disabled", 3: "unlicensed", 4: "unlicensed", 5: "refused", 6: "preinstalled",
	}))
	for n, want := range map[int]struct {
		status int
		code   string
	}{
		1: {400, "BadRequest"}, 2: {404, "NotFound"}, 3: {404, "NotFound"}, 4: {403, "Forbidden"},
		5: {403, "Forbidden"}, 6: {409, "Conflict"}, 7: {201, ""}, 5000: {404, "NotFound"},
	} {
		if r := s.install(n); r.status != want.status || r.code() != want.code {
			t.Errorf("person %d: %d %s, want %v", n, r.status, r.body, want)
		}
	}
	if r := s.install(7); r.status != 409 {
		t.Errorf("a second time: %d", r.status)
	}
	path := "/users/" + simulator.EntraID(8) + "/teamwork/installedApps"
	for name, c := range map[string]struct {
		bind string
		want int
	}{
		"unknown app": {"https://graph.microsoft.com/v1.0/appCatalogs/teamsApps/deadbeef-0000-4000-8000-000000000000", 404},
		"no bind":     {"", 400},
		"other host":  {s.server.URL() + "/v1.0/appCatalogs/teamsApps/" + simulator.DefaultTeamsAppID, 201},
	} {
		if r := s.graph("POST", path, map[string]any{"teamsApp@odata.bind": c.bind}); r.status != c.want {
			t.Errorf("%s: %d %s", name, r.status, r.body)
		}
	}
	if r := s.graph("POST", path, []byte("{")); r.status != 400 {
		t.Errorf("broken JSON: %d", r.status)
	}
}

func TestAnotherApplicationMayNotInstallOurs(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	r := s.form(s.authority("/oauth2/v2.0/token"), url.Values{
		"grant_type": {"client_credentials"}, "client_id": {simulator.DefaultSignInClientID},
		"client_secret": {simulator.DefaultSignInSecret}, "scope": {graphScope},
	})
	token := r.json(t)["access_token"].(string)
	r = s.request("POST", "/v1.0/users/"+simulator.EntraID(1)+"/teamwork/installedApps", token, bind())
	if r.status != 403 || !strings.Contains(r.body, "is not allowed to manage the Teams App") {
		t.Fatalf("%d %s", r.status, r.body)
	}
}

// K row 21.
func TestInstallationAndChatIDs(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.install(1)
	base := "/users/" + simulator.EntraID(1) + "/teamwork/installedApps"
	query := "?$expand=teamsApp,teamsAppDefinition&$filter=" + url.QueryEscape("teamsApp/externalId eq '"+simulator.DefaultManifestID+"'")
	p := s.page("/v1.0" + base + query)
	if len(p.Value) != 1 || p.Value[0]["teamsApp"].(map[string]any)["externalId"] != simulator.DefaultManifestID || p.Value[0]["teamsAppDefinition"] == nil {
		t.Fatalf("installed apps: %v", p.Value)
	}
	id := p.Value[0]["id"].(string)
	chat := s.graph("GET", base+"/"+url.PathEscape(id)+"/chat", nil).json(t)
	want := "19:" + simulator.EntraID(1) + "_" + simulator.DefaultBotID + "@unq.gbl.spaces"
	if chat["id"] != want {
		t.Fatalf("chat %v, want %s", chat["id"], want)
	}
	if p := s.page("/v1.0" + base + "?$filter=" + url.QueryEscape("teamsApp/id eq 'something else'")); len(p.Value) != 0 {
		t.Errorf("another app's filter found %v", p.Value)
	}
	if r := s.graph("GET", "/users/"+simulator.EntraID(2)+"/teamwork/installedApps/"+url.PathEscape(id)+"/chat", nil); r.status != 404 {
		t.Errorf("somebody else's installation: %d", r.status)
	}
	if r := s.graph("POST", base+"/"+url.PathEscape(id)+"/upgrade", nil); r.status != 204 {
		t.Errorf("upgrade: %d", r.status)
	}
	actions := map[any]bool{}
	for _, h := range s.bot.wait(t, 3, func(h heard) bool { return h.kind() == "installationUpdate" }) {
		actions[h.activity["action"]] = true
	}
	if !actions["remove-upgrade"] || !actions["add-upgrade"] {
		t.Errorf("events of an upgrade: %v", actions)
	}
	if r := s.graph("DELETE", base+"/"+url.PathEscape(id), nil); r.status != 204 {
		t.Errorf("remove: %d", r.status)
	}
	s.bot.wait(t, 1, func(h heard) bool { return h.activity["action"] == "remove" })
	if r := s.graph("DELETE", base+"/"+url.PathEscape(id), nil); r.status != 404 {
		t.Errorf("remove twice: %d", r.status)
	}
}

// still is a clock that stands until it is moved by the dial.
func still(o *simulator.Options) {
	at := time.Now()
	o.Now = func() time.Time { return at }
}

func (s *stage) move(ms int64) { s.sim.SetDials(func(d *simulator.Dials) { d.ClockOffsetMS += ms }) }

// K row 13.
func TestInstallationsAreThrottled(t *testing.T) {
	t.Parallel()
	s := newStage(t, still, func(o *simulator.Options) { o.GraphInstallRate = 30 })
	n := 100
	burst := func() (accepted, withHeader, without int) {
		for range 40 {
			n++
			r := s.install(n)
			switch {
			case r.status != 429:
				accepted++
			case r.code() != "TooManyRequests":
				t.Fatalf("%d %s", r.status, r.body)
			case r.header.Get("Retry-After") != "":
				withHeader++
			default:
				without++
			}
		}
		return accepted, withHeader, without
	}
	accepted, withHeader, without := burst()
	if accepted != 30 || withHeader == 0 {
		t.Fatalf("of 40 at once %d passed, %d refused with Retry-After, %d without", accepted, withHeader, without)
	}
	s.move(999)
	if accepted, _, _ := burst(); accepted != 0 {
		t.Fatalf("%d passed within the same second", accepted)
	}
	total := 30
	for range 28 {
		s.move(1001)
		accepted, _, _ := burst()
		total += accepted
	}
	if total != 747 { // 83 % of 30 in 30 seconds
		t.Fatalf("%d installs passed in 29 seconds, want the sustained 747", total)
	}
	r := s.sim.Report()
	if r.Throttled["graph.install"] == 0 || r.Requests["graph.install"] != int64(30*40) || r.InstallPeakPerSecond < 40 {
		t.Fatalf("report: %+v", r)
	}
}

// K row 20.
func TestBatchIsAnEnvelope(t *testing.T) {
	t.Parallel()
	s := newStage(t, still, func(o *simulator.Options) { o.GraphInstallRate = 2 })
	item := func(id, n int) map[string]any {
		return map[string]any{
			"id": fmt.Sprint(id), "method": "POST", "url": "/users/" + simulator.EntraID(n) + "/teamwork/installedApps",
			"headers": map[string]any{"Content-Type": "application/json"}, "body": bind(),
		}
	}
	dependent := item(9, 9)
	dependent["dependsOn"] = []string{"3"}
	r := s.graph("POST", "/$batch", map[string]any{"requests": []any{
		item(1, 1), item(2, 2), item(3, 3), dependent,
		map[string]any{"id": "4", "method": "GET", "url": "/v1.0/users/" + simulator.EntraID(1) + "?$select=id"},
	}})
	var out struct {
		Responses []struct {
			ID      string
			Status  int
			Headers map[string]string
			Body    json.RawMessage
		}
	}
	if err := json.Unmarshal([]byte(r.body), &out); err != nil || r.status != 200 {
		t.Fatalf("%d %s", r.status, r.body)
	}
	got := map[string]int{}
	for _, a := range out.Responses {
		got[a.ID] = a.Status
		if a.Status == 201 && string(a.Body) != "null" {
			t.Errorf("body of a 201: %s", a.Body)
		}
	}
	if got["1"] != 201 || got["2"] != 201 || got["3"] != 429 || got["9"] != 424 || got["4"] != 200 || out.Responses[0].ID == "1" {
		t.Fatalf("%s", r.body)
	}
	many := make([]any, 21)
	for i := range many {
		many[i] = item(i, i+1)
	}
	if r := s.graph("POST", "/$batch", map[string]any{"requests": many}); r.status != 400 {
		t.Errorf("21 requests: %d", r.status)
	}
	if r := s.graph("POST", "/$batch", map[string]any{"requests": []any{item(1, 1), item(1, 2)}}); r.status != 400 {
		t.Errorf("equal ids: %d", r.status)
	}
}

// An app that is published anew reaches whoever installs it, or is upgraded (K row 35).
func TestAVersionStaysUntilItIsUpgraded(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.install(1)
	s.sim.SetDials(func(d *simulator.Dials) { d.PublishedVersion = "1.1.0" })
	s.install(2)
	base := func(n int) string { return "/users/" + simulator.EntraID(n) + "/teamwork/installedApps" }
	version := func(n int) (id, version string) {
		p := s.page("/v1.0" + base(n) + "?$expand=teamsApp,teamsAppDefinition")
		return p.Value[0]["id"].(string), p.Value[0]["teamsAppDefinition"].(map[string]any)["version"].(string)
	}
	id, was := version(1)
	if _, is := version(2); was != "1.0.0" || is != "1.1.0" {
		t.Fatalf("versions %s and %s", was, is)
	}
	if r := s.graph("POST", base(1)+"/"+url.PathEscape(id)+"/upgrade", nil); r.status != 204 {
		t.Fatalf("upgrade: %d", r.status)
	}
	if _, is := version(1); is != "1.1.0" {
		t.Fatalf("after the upgrade: %s", is)
	}
	s.control("POST", "/people/"+simulator.EntraID(1)+"/vanish", nil)
	if p := s.page("/v1.0" + base(1)); len(p.Value) != 0 {
		t.Errorf("it has not vanished: %v", p.Value)
	}
}
