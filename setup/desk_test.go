package setup_test

import (
	"crypto/x509"
	"encoding/base64"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/setup"
	"github.com/fanfare/fanfare/simulator"
)

func TestASetUpThatIsRightIsFoundSo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	report := setup.New(w.o).Run(t.Context())
	for _, r := range report.Results {
		want := setup.OK
		switch r.Name {
		case "public_url": // an address of this machine cannot be more
			want = setup.Warning
		case "credential_end": // Graph does not tell without a permission
			want = setup.Unknown
		}
		if r.State != want {
			t.Errorf("%s is %s, want %s: %s %s", r.Name, r.State, want, r.Cause, r.Remedy)
		}
	}
	if !report.Sound() || report.Left() != 0 || len(report.Results) < 20 || report.At.IsZero() {
		t.Errorf("report %+v", report)
	}
}

func TestAWrongSecretIsToldByItsNumber(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.secret = "not-the-secret-of-anybody"
	w.expect("credential", setup.Failed, "AADSTS7000215", "FANFARE_BOT_SECRET")
	w.expect("connector_token", setup.Failed, "AADSTS7000215")
	w.expect("consent", setup.Unknown, "Mend the bot’s credential first")
	w.expect("graph_users", setup.Unknown, "no token to ask with")
	w.expect("sign_in", setup.OK) // another app, another secret
}

func TestAWrongSignInSecretIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.o.SignInSecret = "not-the-secret-of-anybody"
	w.expect("sign_in", setup.Failed, "AADSTS7000215", "FANFARE_SIGN_IN_SECRET")
	w.o.SignInClientID = "deadbeef-0000-4000-8000-000000000000"
	w.expect("sign_in", setup.Failed, "FANFARE_SIGN_IN_CLIENT_ID")
	w.o.TenantID = "deadbeef-0000-4000-8000-000000000001"
	w.expect("sign_in", setup.Failed, "FANFARE_TENANT_ID")
}

func TestAnIssuerThatIsNotTheTenantsIsNotTrustedWithASecret(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var asked atomic.Bool
	thief := w.secure(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.PostFormValue("client_id") == w.o.SignInClientID {
			asked.Store(true)
		}
	}), nil)
	w.says("/"+w.o.TenantID+"/v2.0/.well-known/openid-configuration", 200, `{"issuer":"`+w.entra+"/"+w.o.TenantID+`/v2.0","token_endpoint":"`+thief.URL+`/token"}`)
	w.expect("sign_in", setup.Failed, "another issuer")
	w.answers["/"+w.o.TenantID+"/v2.0/.well-known/openid-configuration"] = nil
	w.answers["/"+w.o.TenantID+"/oauth2/v2.0/token"] = func(rw http.ResponseWriter, r *http.Request) {
		http.Redirect(rw, r, thief.URL, http.StatusTemporaryRedirect)
	}
	w.expect("sign_in", setup.Unknown, "307")
	if asked.Load() {
		t.Error("the secret was carried elsewhere")
	}
}

func TestAMissingPermissionIsTriedOutAndNamed(t *testing.T) {
	t.Parallel()
	for check, tc := range map[string]struct{ operation, permission string }{
		"graph_users":         {"graph.users", "User.Read.All"},
		"graph_groups":        {"graph.groups", "GroupMember.Read.All"},
		"graph_members":       {"graph.members", "GroupMember.Read.All"},
		"graph_catalogue":     {"graph.catalog", "AppCatalog.Read.All"},
		"graph_installations": {"graph.installed", "TeamsAppInstallation.ReadWriteAndConsentSelfForUser.All"},
	} {
		t.Run(check, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.fails(denied(tc.operation))
			w.expect(check, setup.Failed, tc.permission, "Insufficient privileges", "Grant admin consent")
		})
	}
	w := newWorld(t)
	w.fails(denied("graph.channels"))
	w.expect("graph_channels", setup.Warning, "Channel.ReadBasic.All", "only channels of teams the app is in")
	w.fails(denied("graph.catalog"))
	w.expect("catalogue", setup.Unknown, "App catalogue")
}

func TestWhatWasNotConsentedToIsReadFromTheToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	give := func(claims string) {
		w.says("/"+w.o.TenantID+"/oauth2/v2.0/token", 200, unsignedToken("e30."+base64.RawURLEncoding.EncodeToString([]byte(claims))+".x"))
	}
	give(`{"roles":["Directory.Read.All","AppCatalog.Read.All","TeamsAppInstallation.ReadWriteSelfForUser.All"]}`)
	w.expect("consent", setup.Failed, "Not consented to: TeamsAppInstallation.ReadWriteAndConsentSelfForUser.All (installing the app for people).", "Grant admin consent")
	w.o.Consent = nil // an app without permissions of its own is installed with less
	w.expect("consent", setup.OK, "Member.Read.Hidden")
	give(`{}`)
	w.expect("consent", setup.Failed, "User.Read.All", "GroupMember.Read.All", "AppCatalog.Read.All")
	w.says("/"+w.o.TenantID+"/oauth2/v2.0/token", 200, unsignedToken("opaque"))
	w.expect("consent", setup.Unknown, "cannot be read from the token")
}

func TestTheCatalogueIsComparedWithOurPackage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const path = "/v1.0/appCatalogs/teamsApps"
	app := func(method, definitions string) {
		w.says(path, 200, `{"value":[{"id":"x","displayName":"Newsroom","distributionMethod":"`+method+`","appDefinitions":[`+definitions+`]}]}`)
	}
	w.says(path, 200, `{"value":[]}`)
	w.expect("catalogue", setup.Failed, w.o.ManifestID, "Upload the package")
	app("sideloaded", "")
	w.expect("catalogue", setup.Failed, "only side-loaded")
	app("organization", `{"version":"0.9.0","publishingState":"published"}`)
	w.expect("catalogue", setup.Warning, "version 0.9.0; this Fanfare makes version 1.0.0", "Upload the new package")
	app("organization", `{"version":"0.9.0"},{"version":"1.0.0","publishingState":"published"},{"version":"2.0.0","publishingState":"submitted"}`)
	w.expect("catalogue", setup.OK, "in the organisation’s catalogue, in version 1.0.0")
	app("organization", `{"version":"1.10.0"},{"version":"1.9.0"}`)
	w.expect("catalogue", setup.Warning, "1.10.0, which is newer", "FANFARE_APP_VERSION")
	app("store", `{"version":"1.0.0"}`)
	w.expect("catalogue", setup.OK, "in the Teams store")
	app("organization", "")
	w.expect("catalogue", setup.OK, "its version cannot be seen")
}

func TestTheEndOfACredentialIsToldWhereItCanBeKnown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := "/v1.0/applications(appId='" + w.o.BotID + "')"
	lists := func(ends time.Time) {
		w.says(path, 200, `{"passwordCredentials":[{"hint":"old","endDateTime":"2001-01-01T00:00:00Z"},{"hint":"sim","endDateTime":"`+ends.UTC().Format(time.RFC3339)+`"}]}`)
	}
	w.says(path, 403, `{"error":{"code":"Authorization_RequestDenied","message":"Insufficient privileges to complete the operation."}}`)
	w.expect("credential_end", setup.Unknown, "cannot be known", "Application.Read.All")
	lists(time.Now().Add(100 * 24 * time.Hour))
	w.expect("credential_end", setup.OK, "The secret lasts until")
	lists(time.Now().Add(5 * 24 * time.Hour))
	w.expect("credential_end", setup.Warning, "The secret ends on", "Make a new one in time")
	lists(time.Now().Add(-time.Hour))
	w.expect("credential_end", setup.Failed, "The secret ended on")
	w.o.Credential = setup.Credential{Kind: "certificate", Ends: time.Now().Add(24 * time.Hour)}
	w.expect("credential_end", setup.Warning, "The certificate ends on")
	w.o.Credential.Ends = time.Now().Add(365 * 24 * time.Hour)
	w.expect("credential_end", setup.OK, "The certificate lasts until")
	w.o.Credential = setup.Credential{Kind: "managed"}
	w.expect("credential_end", setup.OK, "by itself")
}

func TestAPublicAddressThatDoesNotResolveIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.heard = time.Time{}
	w.o.PublicURL = w.at("https://fanfare.invalid")
	w.expect("public_url", setup.Failed, "fanfare.invalid does not resolve", "FANFARE_PUBLIC_URL")
	w.expect("bot_endpoint", setup.Failed, "Nobody answers")
	w.expect("certificate", setup.Failed, "Nobody speaks TLS")
	w.heard = time.Now().Add(-time.Hour) // only this machine cannot reach it
	w.expect("bot_endpoint", setup.Warning, "Nobody answers", "But Teams reached Fanfare there")
	w.expect("certificate", setup.Warning, "But Teams reached Fanfare there")
}

func TestACertificateIsJudged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	us := http.HandlerFunc(likeUs)
	w.expect("certificate", setup.OK, "valid until")
	w.o.PublicURL = w.at(w.secure(us, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Hour) }).URL)
	w.expect("certificate", setup.Failed, "not valid now", "Renew it")
	w.o.PublicURL = w.at(w.secure(us, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(5 * 24 * time.Hour) }).URL)
	w.expect("certificate", setup.Warning, "ends on")
	w.o.PublicURL = w.at(w.secure(us, func(c *x509.Certificate) { c.IPAddresses = nil }).URL)
	w.expect("certificate", setup.Failed, "another name")
	foreign := httptest.NewTLSServer(us)
	t.Cleanup(foreign.Close)
	w.o.PublicURL = w.at(foreign.URL)
	w.expect("certificate", setup.Failed, "authority this machine does not know", "FANFARE_CA_FILE")
	plain := httptest.NewServer(us)
	t.Cleanup(plain.Close)
	w.o.PublicURL = w.at(plain.URL)
	w.expect("certificate", setup.Warning, "plain http")
	w.expect("bot_endpoint", setup.OK)
}

func TestWhoeverAnswersAtTheBotEndpointMustBeUs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for status, words := range map[int]string{401: "Somebody else answers", 200: "takes a message without a token", 302: "status 302", 404: "status 404"} {
		w.o.PublicURL = w.at(w.secure(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(status) }), nil).URL)
		w.expect("bot_endpoint", setup.Failed, words)
	}
}

func TestWhetherTeamsReachesUsIsSaidHonestly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.expect("reachable", setup.OK, "Teams reached Fanfare last on")
	w.heard = time.Time{}
	w.expect("reachable", setup.Unknown, "Only somebody outside can know", "/api/messages")
}

func TestClocksAreCompared(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.clockOff = -time.Minute
	w.expect("clock_database", setup.Warning, "1m0s behind ours", "NTP")
	w.clockOff = 10 * time.Minute
	w.expect("clock_database", setup.Failed, "10m0s ahead of ours")
	w.clockOff = 0
	w.o.Now = func() time.Time { return time.Now().Add(10 * time.Minute) }
	w.expect("clock_microsoft", setup.Failed, "behind ours", "tokens are refused")
	w.o.Now = func() time.Time { return time.Now().Add(-time.Minute) }
	w.expect("clock_microsoft", setup.Warning, "ahead of ours")
	w.o.Now = time.Now
	w.o.Authority, w.o.GraphURL = w.at("https://127.0.0.1:1"), w.at("https://127.0.0.1:1/v1.0")
	w.expect("clock_microsoft", setup.Unknown, "does not tell the time")
}

func TestADatabaseThatIsNotMigratedIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.st = w.database(false)
	w.expect("database", setup.OK)
	w.expect("migrations", setup.Failed, "The database is empty", "fanfare migrate")
	w.expect("graph_installations", setup.Unknown)
	w.st = w.database(true)
	_ = w.st.Close()
	w.expect("database", setup.Failed, "FANFARE_DATABASE")
	w.o.Database = nil
	w.expect("database", setup.Failed, "There is no database")
	w.expect("clock_database", setup.Unknown)
	w.expect("reachable", setup.Unknown)
}

func TestGraphThatIsDownOrBusyIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fails(simulator.Fault{Operation: "graph.users", Status: 503, Shape: "html"}, simulator.Fault{Operation: "graph.groups", Status: 429, RetryAfter: 7})
	w.expect("graph_users", setup.Failed, "status 503", "some minutes")
	w.expect("graph_groups", setup.Warning, "asks us to wait")
	w.fails()
	w.o.GraphURL = w.at("https://127.0.0.1:1/v1.0")
	w.expect("graph_users", setup.Failed, "Graph does not answer", "127.0.0.1:1")
}

// One that hangs costs its own time only, and the others are told meanwhile.
func TestACheckThatHangsHoldsUpNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.o.Timeout = 2 * time.Second
	hang := make(chan struct{})
	w.answers["/v1.0/users"] = func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-hang:
		case <-r.Context().Done():
		}
	}
	t.Cleanup(func() { close(hang) })
	round := setup.New(w.o).Begin(t.Context())
	for deadline := time.Now().Add(20 * time.Second); round.Look().Left() > 1; {
		if time.Now().After(deadline) {
			t.Fatal("the others do not end")
		}
		<-time.After(10 * time.Millisecond)
	}
	if r := round.Look(); r.Left() == 1 && r.Count(setup.Failed) != 0 {
		t.Errorf("%+v", r)
	}
	for _, r := range round.Wait().Results {
		if r.Name == "graph_users" && (r.State != setup.Failed || !strings.Contains(r.Cause, "no answer within 2s")) {
			t.Errorf("%+v", r)
		}
	}
}

func TestKeysHostsAndPackageAreChecked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.says("/v1/.well-known/keys", 200, `{"keys":[]}`)
	w.expect("connector_keys", setup.Failed, "no keys")
	w.says("/v1/.well-known/openidconfiguration", 500, ``)
	w.expect("connector_keys", setup.Failed, "status 500", "FANFARE_CONNECTOR_METADATA_URL")
	w.o.Unusual = []string{"bot.example.com"}
	w.expect("service_hosts", setup.Warning, "bot.example.com")
	w.o.Allow = func(string) error { return net.ErrClosed }
	w.expect("service_hosts", setup.Failed, "FANFARE_CONNECTOR_URL")
	w.o.Package = func() (string, error) { return "", net.ErrClosed }
	w.expect("package", setup.Warning, "No app package")
}

func TestOnlyAdminsMayLook(t *testing.T) {
	t.Parallel()
	d := setup.New(newWorld(t).o)
	for _, role := range broadcast.Roles() {
		if err := d.May(broadcast.Actor{Roles: []broadcast.Role{role}}); (err == nil) != (role == broadcast.RoleAdmin) {
			t.Errorf("%s: %v", role, err)
		}
	}
}
