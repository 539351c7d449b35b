package auth_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fanfare/fanfare/auth"
	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/simulator"
)

const ada = "ada.author@contoso.example"

func TestSignInBringsIdentityAndRoles(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	roles := map[string]broadcast.Role{
		"Broadcast.Author": broadcast.RoleAuthor, "Broadcast.Approver": broadcast.RoleApprover,
		"Broadcast.Admin": broadcast.RoleAdmin, "Broadcast.Auditor": broadcast.RoleAuditor,
	}
	for _, p := range simulator.StandardPeople() {
		a := w.browser(t).signInAs(p.UPN)
		if a.StatusCode != http.StatusOK || a.Request.URL.Path != "/page" {
			t.Fatalf("%s ended at %s with %d: %s", p.UPN, a.Request.URL, a.StatusCode, a.text)
		}
		got := a.actor(t)
		want := broadcast.Actor{ActorRef: broadcast.ActorRef{ID: broadcast.EntraID(p.EntraID), Name: p.Name}, Roles: []broadcast.Role{roles[p.Roles[0]]}}
		if got.ActorRef != want.ActorRef || !slices.Equal(got.Roles, want.Roles) {
			t.Errorf("signed in as %+v, want %+v", got, want)
		}
	}
}

func TestNobodyWithoutARoleGetsIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sim.SetDials(func(d *simulator.Dials) { d.SignIn = "no_roles" })
	b := w.browser(t)
	a := b.signInAs(ada)
	a.says(t, http.StatusForbidden, "Ask your IT admin for one of the app roles Broadcast.Author, Broadcast.Approver, Broadcast.Admin, Broadcast.Auditor")
	a.says(t, http.StatusForbidden, "You are signed in as Ada Author ("+ada+")")
	a.says(t, http.StatusForbidden, "prompt=select_account")
	if _, in := b.who(); in {
		t.Error("somebody without a role has a session")
	}
}

// Group overage must not matter: roles come from app roles (protocol H.1).
func TestGroupOverageDoesNotMatter(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sim.SetDials(func(d *simulator.Dials) { d.SignIn = "overage" })
	if a := w.browser(t).signInAs(ada); a.StatusCode != http.StatusOK {
		t.Errorf("status %d: %s", a.StatusCode, a.text)
	}
}

func TestSpoiledTokensAreRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		dial   string
		status int
		says   string
	}{
		"another tenant's": {"wrong_tenant", http.StatusForbidden, "its own organisation only"},
		"another nonce":    {"wrong_nonce", http.StatusBadGateway, "Try again"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.sim.SetDials(func(d *simulator.Dials) { d.SignIn = c.dial })
			b := w.browser(t)
			b.signInAs(ada).says(t, c.status, c.says)
			if _, in := b.who(); in {
				t.Error("a session was begun")
			}
		})
	}
}

func TestExpiredTokenIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser(t)
	callback := b.untilCallback(ada)
	w.sim.SetDials(func(d *simulator.Dials) { d.ClockOffsetMS = -2 * time.Hour.Milliseconds() }) // its tokens live 65 minutes
	b.get(callback).says(t, http.StatusBadRequest, "clock of Fanfare")
}

// untilCallback signs in up to Entra's answer, and returns its address unused.
func (b *browser) untilCallback(upn string) string {
	b.t.Helper()
	b.stopAt(b.w.url + "/auth/callback")
	a := b.signInAs(upn)
	b.CheckRedirect = nil
	to := a.Header.Get("Location")
	if !strings.Contains(to, "code=") {
		b.t.Fatalf("no code in %q (status %d: %s)", to, a.StatusCode, a.text)
	}
	return to
}

func TestAnAnswerCountsOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser(t)
	callback := b.untilCallback(ada)
	if a := b.get(callback); a.StatusCode != http.StatusOK {
		t.Fatalf("status %d: %s", a.StatusCode, a.text)
	}
	b.get(callback).says(t, http.StatusBadRequest, "Sign in again")
	if _, in := b.who(); !in {
		t.Error("the repeated answer ended the good session")
	}
}

// Somebody else's answer, planted in a browser, must not sign that browser in
// as the attacker.
func TestAnAnswerCountsInItsOwnBrowserOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	callback := w.browser(t).untilCallback(ada)
	victim := w.browser(t)
	victim.get(callback).says(t, http.StatusBadRequest, "in another browser")
	if _, in := victim.who(); in {
		t.Error("the victim is signed in as the attacker")
	}
}

func TestAnAnswerNeedsTheExactState(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser(t)
	callback, err := url.Parse(b.untilCallback(ada))
	if err != nil {
		t.Fatal(err)
	}
	q := callback.Query()
	q.Set("state", q.Get("state")[:20]+"AAAAAA")
	callback.RawQuery = q.Encode()
	b.get(callback.String()).says(t, http.StatusBadRequest, "Sign in again")
	if _, in := b.who(); in {
		t.Error("a session was begun")
	}
}

func TestNothingOfTheSignInStaysInTheBrowser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser(t)
	b.signInAs(ada)
	at, err := url.Parse(w.url)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range b.Jar.Cookies(at) {
		if c.Name != "fanfare" {
			t.Errorf("left behind: %s", c.Name)
		}
	}
}

func TestAnAnswerTooLateIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser(t)
	callback := b.untilCallback(ada)
	w.clock.advance(16 * time.Minute)
	b.get(callback).says(t, http.StatusBadRequest, "Sign in again")
}

func TestTwoTabsSignInSideBySide(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser(t)
	first, second := b.untilCallback(ada), b.untilCallback(ada)
	for _, callback := range []string{first, second} {
		if a := b.get(callback); a.StatusCode != http.StatusOK {
			t.Errorf("status %d: %s", a.StatusCode, a.text)
		}
	}
}

func TestEntrasErrorsBecomeSentences(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for code, want := range map[string]struct {
		status int
		says   string
	}{
		"access_denied":           {http.StatusForbidden, "cancelled"},
		"login_required":          {http.StatusUnauthorized, "sign in again"},
		"temporarily_unavailable": {http.StatusServiceUnavailable, "Try again in a minute"},
		"something_new":           {http.StatusBadGateway, "tell your IT admin"},
	} {
		b := w.browser(t)
		callback, err := url.Parse(b.untilCallback(ada))
		if err != nil {
			t.Fatal(err)
		}
		q := url.Values{"state": {callback.Query().Get("state")}, "error": {code}, "error_description": {"AADSTS0: <script>alert(1)</script>"}}
		callback.RawQuery = q.Encode()
		a := b.get(callback.String())
		a.says(t, want.status, want.says)
		if strings.Contains(a.text, "alert(1)") {
			t.Error("Entra's words are shown as they come")
		}
	}
}

func TestARefusedSecretIsTheAdminsMatter(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser(t)
	callback := b.untilCallback(ada)
	w.sim.SetDials(func(d *simulator.Dials) { d.ClientSecretRotated = true })
	b.get(callback).says(t, http.StatusBadGateway, "refused Fanfare&#39;s sign-in secret")
	if log := w.log.String(); !strings.Contains(log, "AADSTS7000215") || strings.Contains(log, simulator.DefaultSignInSecret) {
		t.Errorf("the log must hold Entra's code and not the secret:\n%s", log)
	}
}

func TestFanfareStartsWithoutEntraAndFindsItLater(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sim.SetDials(func(d *simulator.Dials) {
		d.Fail = []simulator.Fault{{Operation: "entra.discovery", Status: 503, Next: 1}}
	})
	b := w.browser(t)
	b.signInAs(ada).says(t, http.StatusServiceUnavailable, "cannot reach Microsoft&#39;s sign-in")
	b.signInAs(ada).says(t, http.StatusServiceUnavailable, "cannot reach Microsoft&#39;s sign-in") // remembered for a moment
	w.clock.advance(3 * time.Second)
	if a := b.signInAs(ada); a.StatusCode != http.StatusOK {
		t.Errorf("status %d: %s", a.StatusCode, a.text)
	}
}

func TestKeysMayRollWithoutNotice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.browser(t).signInAs(ada)
	w.sim.SetDials(func(d *simulator.Dials) { d.KeyGeneration++ })
	if a := w.browser(t).signInAs(ada); a.StatusCode != http.StatusOK {
		t.Errorf("status %d: %s", a.StatusCode, a.text)
	}
}

func TestNextNeverLeavesFanfare(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for next, want := range map[string]string{
		"/broadcasts/7?tab=history":     "/broadcasts/7?tab=history",
		"":                              "/",
		"//evil.example":                "/",
		"////evil.example":              "/",
		"/\\evil.example":               "/",
		"/\t/evil.example":              "/",
		"https://evil.example/":         "/",
		"javascript:alert(1)":           "/",
		"page":                          "/",
		"/auth/start":                   "/",
		"/sign-in?next=/":               "/",
		"/" + strings.Repeat("x", 3000): "/",
	} {
		b := w.browser(t)
		a := b.get("/auth/start?login_hint=" + ada + "&next=" + url.QueryEscape(next))
		if got := a.Request.URL.RequestURI(); got != want || a.Request.URL.Host != strings.TrimPrefix(w.url, "http://") {
			t.Errorf("next %q led to %s, want %s", next, a.Request.URL, want)
		}
	}
}

func TestAnotherNameOfTheHostLeadsToThePublicOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	other := strings.Replace(w.url, "127.0.0.1", "localhost", 1)
	a := w.browser(t).get(other + "/auth/start?next=/page&login_hint=" + ada)
	if a.StatusCode != http.StatusOK || !strings.HasPrefix(a.Request.URL.String(), w.url) {
		t.Errorf("ended at %s with %d: %s", a.Request.URL, a.StatusCode, a.text)
	}
}

func TestWrongOptionsAreToldAllAtOnce(t *testing.T) {
	t.Parallel()
	_, err := auth.NewWeb(auth.WebOptions{Authority: "http://login.example", TenantID: "common", PublicURL: "https://app.example/path"})
	if err == nil {
		t.Fatal("no error")
	}
	for _, piece := range []string{"authority", "tenant", "client ID", "client secret", "path", "required"} {
		if !strings.Contains(err.Error(), piece) {
			t.Errorf("%q is missing in:\n%v", piece, err)
		}
	}
}

func TestCookiesAreTightOverHTTPS(t *testing.T) {
	t.Parallel()
	w := newWorld(t, overHTTPS)
	b := w.browser(t)
	callback := b.untilCallback(ada)
	b.stopAt(w.url + "/page")
	a := b.get(callback)
	var session *http.Cookie
	for _, c := range a.Cookies() {
		if c.Name == "__Host-fanfare" {
			session = c
		}
		if !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || !strings.HasPrefix(c.Name, "__Host-") {
			t.Errorf("loose cookie: %v", c)
		}
	}
	if session == nil {
		t.Fatalf("no session cookie: %v", a.Header)
	}
	if _, in := b.who(); !in {
		t.Error("not signed in over https")
	}
}

func TestAPlainCookieOnLoopbackOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser(t)
	callback := b.untilCallback(ada)
	b.stopAt(w.url + "/page")
	for _, c := range b.get(callback).Cookies() {
		if c.Secure || strings.HasPrefix(c.Name, "__Host-") || !c.HttpOnly {
			t.Errorf("this cookie does not work over plain http: %v", c)
		}
	}
}
