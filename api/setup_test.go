package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/setup"
	"github.com/fanfare/fanfare/simulator"
)

// paintedGraph refuses everything; the checks meet the real one in their own room.
type paintedGraph struct{}

func (paintedGraph) Look(context.Context, string, url.Values, bool) ([]byte, error) {
	return nil, &broadcast.Fault{Class: broadcast.Permanent, Scope: broadcast.ScopeService, Status: http.StatusForbidden, Detail: "Insufficient privileges"}
}

func (w *world) desk() *setup.Desk {
	here, err := url.Parse(w.painted.URL())
	must(w.t, err)
	token := func(context.Context) (string, error) { return "", errors.New("no credential") }
	return setup.New(setup.Options{
		PublicURL: here, Authority: here, GraphURL: here, MetadataURL: here.JoinPath("v1/.well-known/openidconfiguration"),
		TenantID: simulator.DefaultTenantID, BotID: simulator.DefaultBotID, ManifestID: simulator.DefaultManifestID,
		SignInClientID: simulator.DefaultSignInClientID, SignInSecret: simulator.DefaultSignInSecret, Credential: setup.Credential{Kind: "managed"},
		FallbackURL: "https://smba.trafficmanager.net/teams/", Allow: func(string) error { return nil },
		Lines: func() setup.Lines {
			return setup.Lines{Graph: paintedGraph{}, GraphToken: token, ConnectorToken: token}
		},
		Package: func() (string, error) { return "1.0.0", nil }, HTTP: w.client, Now: time.Now,
	})
}

func TestAProgramReadsTheSetUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.as(broadcast.RoleAdmin).call(http.MethodGet, "/setup", nil)
	if a.StatusCode != http.StatusOK {
		t.Fatalf("status %d: %s", a.StatusCode, a.raw)
	}
	var got setup.Answer
	must(t, json.Unmarshal(a.raw, &got))
	if got.Sound || got.At.IsZero() || len(got.Results) < 20 {
		t.Errorf("answer %s", a.raw)
	}
	for _, r := range got.Results {
		if r.Name == "graph_users" && (r.State != setup.Failed || r.Part != "Microsoft Graph" || r.Cause == "" || r.Remedy == "") {
			t.Errorf("%+v", r)
		}
	}
}
