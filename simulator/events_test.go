package simulator_test

import (
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/fanfare/fanfare/simulator"
)

type jwk struct {
	KeyID        string `json:"kid"`
	N, E         string
	Endorsements []string
}

// botKeys reads the keys as a bot does: metadata first (protocol B.1).
func (s *stage) botKeys() map[string]jwk {
	s.t.Helper()
	metadata := s.request("GET", "/v1/.well-known/openidconfiguration", "", nil).json(s.t)
	if metadata["issuer"] != "https://api.botframework.com" {
		s.t.Fatalf("metadata: %v", metadata)
	}
	var set struct{ Keys []jwk }
	if err := json.Unmarshal([]byte(s.request("GET", metadata["jwks_uri"].(string), "", nil).body), &set); err != nil {
		s.t.Fatal(err)
	}
	keys := map[string]jwk{}
	for _, k := range set.Keys {
		keys[k.KeyID] = k
	}
	return keys
}

func (k jwk) public() *rsa.PublicKey {
	n, _ := base64.RawURLEncoding.DecodeString(k.N)
	return &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: 65537}
}

// check makes every check of protocol B.3 and names the first that fails.
func (s *stage) check(h heard) string {
	keys := s.botKeys()
	if h.token == "" {
		return "missing"
	}
	claims, kid := jwt.MapClaims{}, ""
	_, err := jwt.ParseWithClaims(h.token, claims, func(t *jwt.Token) (any, error) {
		kid, _ = t.Header["kid"].(string)
		k, ok := keys[kid]
		if !ok {
			return nil, fmt.Errorf("unknown key %q", kid)
		}
		return k.public(), nil
	}, jwt.WithValidMethods([]string{"RS256"}), jwt.WithLeeway(5*time.Minute), jwt.WithExpirationRequired(),
		jwt.WithIssuer("https://api.botframework.com"), jwt.WithAudience(simulator.DefaultBotID))
	switch {
	case err != nil:
		return err.Error()
	case claims["serviceurl"] != h.activity["serviceUrl"]:
		return "serviceurl"
	case !strings.Contains(strings.Join(keys[kid].Endorsements, " "), "msteams"):
		return "endorsement"
	}
	return ""
}

// K rows 6 and 10.
func TestEventsAreSignedAndShapedAsTeamsDoes(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.install(3)
	for _, kind := range []string{"conversationUpdate", "installationUpdate"} {
		h := s.bot.wait(t, 1, func(h heard) bool { return h.kind() == kind })[0]
		if fault := s.check(h); fault != "" {
			t.Errorf("%s: %s", kind, fault)
		}
		a := h.activity
		data := a["channelData"].(map[string]any)
		conversation := a["conversation"].(map[string]any)
		if data["eventType"] != nil || data["tenant"].(map[string]any)["id"] != simulator.DefaultTenantID || conversation["conversationType"] != "personal" ||
			!strings.HasPrefix(conversation["id"].(string), "a:") || a["channelId"] != "msteams" || !strings.HasPrefix(a["id"].(string), "f:") ||
			a["serviceUrl"] != s.server.URL()+"/emea/"+simulator.DefaultTenantID+"/" || a["recipient"].(map[string]any)["id"] != "28:"+simulator.DefaultBotID {
			t.Errorf("%s: %v", kind, a)
		}
		if kind == "conversationUpdate" && a["membersAdded"].([]any)[0].(map[string]any)["id"] != "28:"+simulator.DefaultBotID {
			t.Errorf("membersAdded: %v", a["membersAdded"])
		}
	}
}

// K row 7.
func TestSpoiledTokensFailTheirOwnCheck(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.chat(1)
	s.quiet()
	for i, fault := range []string{
		"wrong_aud", "wrong_iss", "expired", "future", "serviceurl", "no_endorsement", "alg_none", "hs256", "missing", "graph_token", "",
	} {
		s.sim.SetDials(func(d *simulator.Dials) { d.BotToken = fault })
		said := fmt.Sprintf("line %d", i)
		s.control("POST", "/people/"+simulator.EntraID(1)+"/say", map[string]any{"text": said})
		h := s.bot.wait(t, 1, func(h heard) bool { return h.activity["text"] == said })[0]
		if got := s.check(h); (got == "") != (fault == "") {
			t.Errorf("%q: the checks say %q", fault, got)
		}
	}
}

func TestRotatedBotKeyStillVerifies(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	before := s.botKeys()
	s.sim.SetDials(func(d *simulator.Dials) { d.KeyGeneration = 1 })
	s.install(1)
	h := s.bot.wait(t, 1, func(heard) bool { return true })[0]
	if fault := s.check(h); fault != "" {
		t.Errorf("after the rotation: %s", fault)
	}
	for kid := range s.botKeys() {
		if _, old := before[kid]; old && kid != "bot-unendorsed" {
			t.Errorf("key %s is still published", kid)
		}
	}
}

// K row 8.
func TestAFailingBotHearsTheSameAgain(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.sim.SetDials(func(d *simulator.Dials) { d.EventRetryMS, d.EventDuplicatePerMille = 1, 0 })
	s.bot.answers(func(heard) (int, string) { return 500, "" })
	s.install(1)
	tries := s.bot.wait(t, 3, func(h heard) bool { return h.kind() == "conversationUpdate" })
	first, second, third := tries[0].activity, tries[1].activity, tries[2].activity
	if first["id"] != second["id"] || first["timestamp"] != second["timestamp"] || third["id"] == first["id"] {
		t.Fatalf("IDs %v, %v, %v: the same twice, then a new one", first["id"], second["id"], third["id"])
	}
	s.quiet()
	if r := s.sim.Report(); r.EventsSent != 0 || r.EventsFailed != 6 {
		t.Fatalf("sent %d, failed %d", r.EventsSent, r.EventsFailed)
	}
}

func TestASlowBotIsNotWaitedForLong(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.sim.SetDials(func(d *simulator.Dials) { d.EventTimeoutMS, d.EventRetryMS, d.EventDuplicatePerMille = 20, 1, 0 })
	release := make(chan struct{})
	defer close(release)
	s.bot.answers(func(heard) (int, string) { <-release; return 200, "" })
	s.install(1)
	s.bot.wait(t, 2, func(h heard) bool { return h.kind() == "conversationUpdate" })
}

func TestA4xxIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.sim.SetDials(func(d *simulator.Dials) { d.EventRetryMS, d.EventDuplicatePerMille = 1, 0 })
	s.bot.answers(func(heard) (int, string) { return 403, "" })
	s.install(1)
	s.quiet()
	if n := len(s.bot.all()); n != 2 {
		t.Fatalf("%d deliveries of two events", n)
	}
}

// K row 9.
func TestInstallEventsComeLateTwiceEarlyOrNever(t *testing.T) {
	t.Parallel()
	s := newStage(t, func(o *simulator.Options) { o.EventDelay = 20 * time.Millisecond })
	s.sim.SetDials(func(d *simulator.Dials) { d.EventDuplicatePerMille, d.EventEarlyPerMille = 0, 0 })
	for n := 21; n < 61; n++ {
		s.sim.SetDials(struck(map[int]string{n: "none"}))
		s.install(n)
	}
	s.quiet()
	orders := map[string]int{}
	last := map[string]string{}
	for _, h := range s.bot.all() {
		if before := last[h.from()]; before != "" {
			orders[before]++
		}
		last[h.from()] = h.kind()
	}
	if len(orders) != 2 || len(s.bot.all()) != 80 {
		t.Errorf("%d events, first of the two: %v; want both orders", len(s.bot.all()), orders)
	}

	s.sim.SetDials(func(d *simulator.Dials) { d.EventDuplicatePerMille = 1000 })
	s.install(1)
	s.quiet()
	twice := s.bot.wait(t, 4, func(h heard) bool { return h.from() == simulator.EntraID(1) })
	if len(twice) != 4 {
		t.Errorf("%d events with every one duplicated", len(twice))
	}

	s.sim.SetDials(func(d *simulator.Dials) { d.EventEarlyPerMille, d.EventDelayMS = 1000, 0 })
	s.install(2)
	if len(s.bot.wait(t, 1, func(h heard) bool { return h.from() == simulator.EntraID(2) })) == 0 {
		t.Error("an early event was not there when the 201 came")
	}

	s.sim.SetDials(struck(map[int]string{3: "silent"}))
	s.install(3)
	s.sim.SetDials(func(d *simulator.Dials) { d.EventNever = true })
	s.install(4)
	s.quiet()
	for _, h := range s.bot.all() {
		if h.from() == simulator.EntraID(3) || h.from() == simulator.EntraID(4) {
			t.Errorf("an event of person %s", h.from())
		}
	}
	if r := s.create(3); r.status != 201 {
		t.Errorf("installed without an event: %d", r.status)
	}
}

// K row 11.
func TestAnInstallWaveComesInParallel(t *testing.T) {
	t.Parallel()
	s := newStage(t, func(o *simulator.Options) { o.EventDelay = 0 })
	arrived, release := make(chan struct{}, 100), make(chan struct{})
	s.bot.answers(func(heard) (int, string) { arrived <- struct{}{}; <-release; return 200, "" })
	for n := 1; n <= 10; n++ {
		s.install(n)
	}
	deadline := time.After(patience)
	for range 8 {
		select {
		case <-arrived:
		case <-deadline:
			t.Fatal("events wait for one another")
		}
	}
	close(release)
}

// K row 32 as a dial.
func TestTheServiceURLMayChange(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.sim.SetDials(func(d *simulator.Dials) { d.ServiceRegion, d.CreateServiceRegion = "amer", "in" })
	s.install(1)
	h := s.bot.wait(t, 1, func(heard) bool { return true })[0]
	if h.activity["serviceUrl"] != s.server.URL()+"/amer/"+simulator.DefaultTenantID+"/" || s.check(h) != "" {
		t.Errorf("event: %v, checks %q", h.activity["serviceUrl"], s.check(h))
	}
	if got := s.create(1).json(t)["serviceUrl"]; got != s.server.URL()+"/in/"+simulator.DefaultTenantID+"/" {
		t.Errorf("create: %v", got)
	}
}
