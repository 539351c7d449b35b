package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/setup"
	"github.com/fanfare/fanfare/simulator"
	"github.com/fanfare/fanfare/web/admin"
)

// paintedGraph answers the checks. The real one would make every test of the pages
// compile Microsoft's SDK; the checks themselves meet it in their own room.
type paintedGraph struct {
	denied atomic.Bool
	hold   atomic.Pointer[chan struct{}] // if set, nothing is answered until it is closed
}

func (g *paintedGraph) Look(ctx context.Context, path string, _ url.Values, _ bool) ([]byte, error) {
	if hold := g.hold.Load(); hold != nil {
		select {
		case <-*hold:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if g.denied.Load() && strings.HasPrefix(path, "/users") {
		return nil, &broadcast.Fault{Class: broadcast.Permanent, Scope: broadcast.ScopeService, Status: http.StatusForbidden, Detail: "Insufficient privileges " + nasty}
	}
	return []byte(`{"value":[{"id":"1","displayName":"Newsroom","distributionMethod":"organization","appDefinitions":[{"version":"0.9.0"}]}]}`), nil
}

// theApp is a package that can be made.
type theApp struct{}

func (theApp) Version() (string, error) { return "1.0.0", nil }
func (theApp) Make() ([]byte, error)    { return []byte("PK a zip"), nil }

// desk makes the checks of this world: Entra is the simulator's, Graph is painted.
func (w *world) desk(entra *http.Client) *setup.Desk {
	at := func(raw string) *url.URL {
		u, err := url.Parse(raw)
		if err != nil {
			w.t.Fatal(err)
		}
		return u
	}
	here := w.entra.URL()
	token := func(context.Context) (string, error) {
		return "", errors.New("AADSTS7000222: The provided client secret keys are expired.")
	}
	return setup.New(setup.Options{
		PublicURL: at(w.url), Authority: at(here), GraphURL: at(here + "/v1.0"), MetadataURL: at(here + "/v1/.well-known/openidconfiguration"),
		TenantID: simulator.DefaultTenantID, BotID: simulator.DefaultBotID, ManifestID: simulator.DefaultManifestID,
		SignInClientID: simulator.DefaultSignInClientID, SignInSecret: simulator.DefaultSignInSecret, Credential: setup.Credential{Kind: "managed"},
		FallbackURL: "https://smba.trafficmanager.net/teams/", Allow: func(string) error { return nil },
		Lines:   func() setup.Lines { return setup.Lines{Graph: &w.graph, GraphToken: token, ConnectorToken: token} },
		Package: theApp{}.Version, HTTP: entra, Timeout: time.Minute, Now: time.Now,
	})
}

func setupSamples() []sample {
	report := setup.New(setup.Options{HTTP: http.DefaultClient}).Blank()
	blank := admin.SetupPageOf(framed(cora, "Set-up", "setup"), report)
	blank.Version = "1.0.0"
	for i := range report.Results {
		s := setup.States()[i%4]
		report.Results[i].Finding = setup.Finding{State: s, Cause: "It is " + string(s) + ": " + nasty, Remedy: "Mend it."}
	}
	report.At = noon
	done := admin.SetupPageOf(framed(cora, "Set-up", "setup"), report)
	done.Problem = "the public address must begin with https://"
	report.Results[3].Finding = setup.Finding{}
	half := admin.SetupPageOf(framed(cora, "Set-up", "setup"), report)
	return []sample{
		{"setup-blank", "setup", blank},
		{"setup-done", "setup", done},
		{"setup-half", "setup", half},
		{"tab", "tab", tabPage{Page: framed(broadcast.Actor{}, "Announcements", ""), Open: "https://fanfare.example"}},
	}
}

func TestTheSetUpPageWorksWithoutScript(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cora := w.admin()
	cora.get("/").says(http.StatusOK, `href="/setup"`)
	cora.get("/setup").says(http.StatusOK, "Nothing has been checked yet.", "Not checked yet.", "Check now", "data-setup-auto", "Download the package, version 1.0.0")
	cora.post("/setup", nil).says(http.StatusOK, "Checked: ", "Check again", "AADSTS7000222", "The secret has ended.", "version 0.9.0; this Fanfare makes version 1.0.0", "There is no database.").lacks("data-setup-auto", simulator.DefaultSignInSecret)
	w.graph.denied.Store(true)
	cora.post("/setup", nil).says(http.StatusOK, "User.Read.All is missing", "Grant admin consent", "&lt;img src=x").lacks("<img src=x")
	w.author().get("/").lacks(`href="/setup"`)
}

func TestTheAdminDownloadsTheAppPackage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.admin().get("/setup/fanfare.zip").says(http.StatusOK, "PK a zip")
	if a.header.Get("Content-Type") != "application/zip" || a.header.Get("Content-Disposition") != `attachment; filename="fanfare.zip"` {
		t.Errorf("headers %v", a.header)
	}
}

func TestOnlyTeamsMayShowTheTab(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := w.admin().get("/tab").says(http.StatusOK, "Open Fanfare in the browser", w.url).lacks("Cora").header
	if h.Get("X-Frame-Options") != "" || !strings.Contains(h.Get("Content-Security-Policy"), "frame-ancestors https://teams.microsoft.com ") || strings.Contains(h.Get("Content-Security-Policy"), "'none' https") {
		t.Errorf("headers %v", h)
	}
	if h := w.admin().get("/setup").header; h.Get("X-Frame-Options") != "DENY" {
		t.Errorf("another page: %v", h)
	}
}
