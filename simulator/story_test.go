package simulator_test

import (
	"strings"
	"testing"

	"github.com/fanfare/fanfare/simulator"
)

// TestFromTokenToReport walks the whole way once: tokens by an unmodified
// azidentity, delta, catalogue, install, event, create, send, report.
func TestFromTokenToReport(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	if r := s.graph("GET", "/appCatalogs/teamsApps?$filter=externalId%20eq%20'"+simulator.DefaultManifestID+"'", nil); !strings.Contains(r.body, simulator.DefaultTeamsAppID) {
		t.Fatalf("catalogue: %d %s", r.status, r.body)
	}
	if r := s.graph("GET", "/users/delta?$select=id,displayName", nil); r.status != 200 || !strings.Contains(r.body, "@odata.nextLink") {
		t.Fatalf("delta: %d %.300s", r.status, r.body)
	}
	r := s.install(1)
	if r.status != 201 || r.body != "" || r.header.Get("Content-Length") != "0" {
		t.Fatalf("install: %d %q, Content-Length %q; want a really empty 201", r.status, r.body, r.header.Get("Content-Length"))
	}
	added := s.bot.wait(t, 1, func(h heard) bool { return h.kind() == "conversationUpdate" })[0]
	if added.from() != simulator.EntraID(1) {
		t.Fatalf("event is from %s", added.from())
	}
	conversation := s.create(1).json(t)["id"].(string)
	if got := added.activity["conversation"].(map[string]any)["id"]; got != conversation {
		t.Fatalf("the event names conversation %v, create names %s", got, conversation)
	}
	sent := s.send(conversation, card("Hello"))
	if sent.status != 201 || sent.json(t)["id"] == "" {
		t.Fatalf("send: %d %s", sent.status, sent.body)
	}
	report := s.sim.Report()
	if report.Installed < 1 || report.Messages != 1 || report.Reached != 1 || report.Repeats != 0 {
		t.Fatalf("report: %+v", report)
	}
}
