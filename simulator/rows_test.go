package simulator_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/fanfare/fanfare/simulator"
)

// K row 4.
func TestTheTokenEndpointHasBadDays(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	ask := func() error {
		_, err := s.credential(simulator.DefaultClientSecret).GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{botScope}})
		return err
	}
	for name, c := range map[string]struct {
		fault simulator.Fault
		says  string
	}{
		"429":   {simulator.Fault{Status: 429, RetryAfter: 3}, "429"},
		"500":   {simulator.Fault{Status: 500}, "500"},
		"html":  {simulator.Fault{Status: 503, Shape: "html"}, "503"},
		"reset": {simulator.Fault{Shape: "reset"}, "reset"},
	} {
		c.fault.Operation = "entra.token"
		s.fail(c.fault)
		if err := ask(); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	s.fail(simulator.Fault{Operation: "entra.token", DelayMS: 60})
	began := time.Now()
	if err := ask(); err != nil || time.Since(began) < 60*time.Millisecond {
		t.Errorf("slow: %v after %v", err, time.Since(began))
	}
	s.fail()
	s.sim.SetDials(func(d *simulator.Dials) { d.ClientSecretRotated = true })
	if err := ask(); err == nil || !strings.Contains(err.Error(), "invalid_client") {
		t.Errorf("rotated: %v", err)
	}
}

// K rows 4 and 31: a token is good for its life and its purpose only, at the
// Connector as well as at Graph.
func TestTheConnectorChecksTokens(t *testing.T) {
	t.Parallel()
	s, clock := timed(t)
	chat := s.chat(1)
	fresh := func() string {
		s.mu.Lock()
		delete(s.tokens, botScope)
		s.mu.Unlock()
		return s.token(botScope)
	}
	send := func() reply { return s.send(chat, card("x")) }
	s.sim.SetDials(func(d *simulator.Dials) { d.TokenLifetimeSeconds = 5 })
	fresh()
	if r := send(); r.status != 201 {
		t.Fatalf("fresh: %d", r.status)
	}
	clock.move(5 * time.Second)
	if r := send(); r.status != 401 || r.code() != "Unauthorized" || r.header.Get("WWW-Authenticate") == "" {
		t.Errorf("after its life: %d %s", r.status, r.body)
	}
	fresh()
	if r := send(); r.status != 201 {
		t.Errorf("a new one: %d", r.status)
	}
	for word, code := range map[string]string{
		"expired": "Unauthorized", "wrong_aud": "Unauthorized", "wrong_app": "BotNotRegistered", "bad_signature": "Unauthorized",
	} {
		s.sim.SetDials(func(d *simulator.Dials) { d.AccessToken = word })
		fresh()
		if r := send(); r.status != 401 || r.code() != code {
			t.Errorf("%s: %d %s", word, r.status, r.body)
		}
	}
}

// K row 17: only the tokens of before are worth nothing.
func TestDeltaTokensOfAnOlderGenerationAreGone(t *testing.T) {
	t.Parallel()
	s, clock := timed(t)
	_, _, link := s.round("/v1.0/users/delta?$select=id")
	again := func() reply { return s.request("GET", link, s.token(graphScope), nil) }
	if r := again(); r.status != 200 {
		t.Fatalf("a good token: %d", r.status)
	}
	s.sim.SetDials(func(d *simulator.Dials) { d.DeltaGeneration++ })
	r := again()
	if r.status != 410 || r.code() != "syncStateNotFound" {
		t.Fatalf("%d %s", r.status, r.body)
	}
	items, _, fresh := s.round(r.header.Get("Location"))
	if len(ids(items)) != 1000 {
		t.Fatalf("the full round told %d people while the dial stays", len(ids(items)))
	}
	s.sim.SetDials(func(d *simulator.Dials) { d.DeltaExpiredStatus = 400 })
	if r := again(); r.status != 400 || r.code() != "SyncStateInvalid" || r.header.Get("Location") != "" {
		t.Errorf("the other way to say it: %d %s", r.status, r.body)
	}
	link = fresh
	s.sim.SetDials(func(d *simulator.Dials) { d.DeltaExpiredStatus, d.TokenLifetimeSeconds = 0, 1_000_000 })
	s.mu.Lock()
	delete(s.tokens, graphScope)
	s.mu.Unlock()
	clock.move(6 * 24 * time.Hour)
	if r := again(); r.status != 200 {
		t.Errorf("after six days: %d", r.status)
	}
	clock.move(2 * 24 * time.Hour)
	if r := again(); r.status != 410 {
		t.Errorf("after eight days: %d", r.status)
	}
}

// K row 18.
func TestTheDirectoryCountsResourceUnits(t *testing.T) {
	t.Parallel()
	s, clock := timed(t)
	s.sim.SetDials(func(d *simulator.Dials) { d.GraphResourceUnits, d.RetryAfterMissingPerMille = 20, 0 })
	group := s.group("Directors") // 2 units
	for path, units := range map[string]string{
		"/users/" + simulator.EntraID(1): "1",
		"/users?$top=5&$select=id":       "1",
		"/users?$top=100":                "2",
		"/groups/" + group + "/transitiveMembers/microsoft.graph.user?$top=100&$select=id": "4",
		"/groups/" + group + "/members/microsoft.graph.user?$top=100":                      "3",
	} {
		if r := s.graph("GET", path, nil, eventual); r.status != 200 || r.header.Get("x-ms-resource-unit") != units {
			t.Errorf("%s: %d, %s units, want %s", path, r.status, r.header.Get("x-ms-resource-unit"), units)
		}
	}
	if r := s.graph("GET", "/users?$top=100", nil); r.header.Get("x-ms-throttle-limit-percentage") != "" {
		t.Errorf("15 of 20: %v", r.header)
	}
	if r := s.graph("GET", "/users?$top=100", nil); r.status != 200 || r.header.Get("x-ms-throttle-limit-percentage") != "0.8" { // 17 of 20
		t.Errorf("17 of 20: %v", r.header)
	}
	clock.move(4 * time.Second)
	var r reply
	for r.status != 429 {
		if r = s.graph("GET", "/users?$top=100", nil); r.status != 200 && r.status != 429 {
			t.Fatalf("%d %s", r.status, r.body)
		}
	}
	if r.header.Get("Retry-After") != "6" || !strings.HasPrefix(r.header.Get("x-ms-throttle-scope"), "Tenant_Application/ReadWrite/") ||
		r.header.Get("x-ms-throttle-information") != "ResourceUnitLimitExceeded" || r.header.Get("x-ms-throttle-limit-percentage") == "" || r.code() != "TooManyRequests" {
		t.Errorf("%v %s", r.header, r.body)
	}
	if r := s.install(1); r.status != 201 {
		t.Errorf("Teams' endpoints count requests, not units: %d", r.status)
	}
	clock.move(6 * time.Second)
	if r := s.graph("GET", "/users?$top=100", nil); r.status != 200 {
		t.Errorf("after the wait it named: %d", r.status)
	}
	s.fail(simulator.Fault{Operation: "graph.users", Status: 429, RetryAfter: 2})
	if r := s.graph("GET", "/users", nil); r.header.Get("x-ms-throttle-scope") == "" || r.header.Get("Retry-After") != "2" {
		t.Errorf("an injected one: %v", r.header)
	}
}

// K row 24.
func TestRefusedRequestsMayCount(t *testing.T) {
	t.Parallel()
	for counts, want := range map[bool]int{false: 20, true: 5} {
		s, clock := timed(t, func(o *simulator.Options) { o.ConnectorRate = 5 })
		s.sim.SetDials(func(d *simulator.Dials) { d.ThreadLimits, d.ConnectorCountsRefused = false, counts })
		s.install(1)
		passed := 0
		for range 40 { // ten requests a second for four seconds
			if s.create(1).status == 201 {
				passed++
			}
			clock.move(100 * time.Millisecond)
		}
		if passed != want {
			t.Errorf("refused requests count %v: %d passed, want %d", counts, passed, want)
		}
	}
}

// K row 24: reading has the double limit, and channels have one as chats do.
func TestReadingAndChannelsHaveTheirLimits(t *testing.T) {
	t.Parallel()
	s, _ := timed(t)
	chat := url.PathEscape(s.chat(1))
	const general = "19:exampleteam0001@thread.tacv2"
	for name, c := range map[string]struct {
		ask  func() reply
		want int
	}{
		"members":  {func() reply { return s.connector("GET", "/conversations/"+chat+"/members", nil) }, 14},
		"channels": {func() reply { return s.connector("GET", "/teams/"+url.PathEscape(general)+"/conversations", nil) }, 14},
		"post":     {func() reply { return s.send(general, card("x")) }, 7},
		"create":   {func() reply { return s.create(1) }, 6}, // one was made before
	} {
		passed, r := 0, reply{}
		for range 20 {
			if r = c.ask(); r.status/100 == 2 {
				passed++
			}
		}
		if passed != c.want || r.status != 429 || r.code() != "Throttled" {
			t.Errorf("%s: %d passed, then %d %s", name, passed, r.status, r.body)
		}
	}
}

// K row 26.
func TestADeletedChatIsFoundOnlyByCreatingIt(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.sim.SetDials(func(d *simulator.Dials) {
		d.Person[simulator.EntraID(1)] = "chat_deleted"
		d.ChatDeletedPerMille = 300
	})
	for _, chat := range []string{s.chat(1), "19:" + simulator.EntraID(1) + "_" + simulator.DefaultBotID + "@unq.gbl.spaces"} {
		if r := s.send(chat, named("x", "b")); r.status != 404 || r.code() != "ConversationNotFound" {
			t.Fatalf("the old address: %d %s", r.status, r.body)
		}
	}
	fresh := s.create(1).json(t)["id"].(string)
	id := s.send(fresh, named("x", "b")).json(t)["id"]
	if id == nil || s.sim.CopiesOf("b", simulator.EntraID(1)).Held != 1 {
		t.Fatal("the new address does not work")
	}
	unlucky := 0
	for n := 100; n < 200; n++ {
		if s.install(n).status != 201 {
			continue
		}
		if chat := s.create(n).json(t)["id"].(string); s.send(chat, card("x")).status == 404 {
			unlucky++
			if r := s.send(s.create(n).json(t)["id"].(string), card("x")); r.status != 201 {
				t.Errorf("person %d once more: %d", n, r.status)
			}
		}
	}
	if unlucky < 15 || unlucky > 50 {
		t.Errorf("%d of 100 deleted the chat, want about 30", unlucky)
	}
	s.act(1, "delete-chat", nil)
	if r := s.connector("PUT", "/conversations/"+url.PathEscape(fresh)+"/activities/"+id.(string), card("y")); r.status != 404 || r.code() != "ConversationNotFound" {
		t.Errorf("an edit after the act: %d %s", r.status, r.body)
	}
	if b := s.sim.Report().ByBroadcast["b"]; b.Reached != 1 || b.Holding != 0 {
		t.Errorf("%+v", b)
	}
}

// K row 32: events name one address after the other.
func TestServiceURLsAlternate(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.sim.SetDials(func(d *simulator.Dials) { d.ServiceRegion = "emea, amer" })
	for range 4 {
		s.act(1, "install", nil)
		s.act(1, "remove", nil)
	}
	seen := map[any]int{}
	for _, h := range s.bot.wait(t, 12, func(heard) bool { return true }) {
		if why := s.check(h); why != "" {
			t.Errorf("an event fails its own check: %s", why)
		}
		seen[h.activity["serviceUrl"]]++
	}
	if len(seen) != 2 {
		t.Errorf("service URLs: %v", seen)
	}
}

// TestEventsGoToAnyReplica and pass over one that does not listen.
func TestEventsGoToAnyReplica(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	var mu sync.Mutex
	count := map[string]int{}
	replica := func(name string) string {
		server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			count[name]++
		}))
		t.Cleanup(server.Close)
		return server.URL + "/api/messages"
	}
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	body := map[string]any{"endpoints": []string{replica("one"), gone.URL, replica("two")}}
	if r := s.control("POST", "/bot", body); r.status != 200 || !strings.Contains(s.control("GET", "/bot", nil).body, gone.URL) {
		t.Fatalf("%d %s", r.status, r.body)
	}
	for n := range 12 {
		s.act(n+1, "install", nil)
	}
	s.quiet()
	if r := s.sim.Report(); count["one"]+count["two"] != 24 || count["one"] < 6 || count["two"] < 6 || r.EventsFailed != 0 {
		t.Errorf("%v, failed %d", count, r.EventsFailed)
	}
	if r := s.control("POST", "/bot", []byte(`{"endpoints":["nowhere"]}`)); r.status != 400 {
		t.Errorf("no address: %d", r.status)
	}
}
