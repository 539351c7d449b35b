package auth_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/fanfare/fanfare/auth"
)

func TestAnIdleSessionEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser(t)
	b.signInAs(ada)
	w.clock.advance(7*time.Hour + 59*time.Minute)
	if _, in := b.who(); !in {
		t.Fatal("the session ended early")
	}
	w.clock.advance(8*time.Hour + time.Minute)
	if _, in := b.who(); in {
		t.Error("an idle session goes on")
	}
}

func TestABusySessionEndsAfterADay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser(t)
	b.signInAs(ada)
	for range 5 {
		w.clock.advance(4*time.Hour + 45*time.Minute)
		if _, in := b.who(); !in {
			t.Fatal("the session ended early")
		}
	}
	w.clock.advance(time.Hour)
	if _, in := b.who(); in {
		t.Error("a session lives longer than a day")
	}
}

func TestReadingPagesDoesNotWriteSessions(t *testing.T) {
	t.Parallel()
	var counting *countingSessions
	w := newWorld(t, func(o *auth.WebOptions, _ *httptest.Server) {
		counting = &countingSessions{sessions: o.Sessions.(sessions)}
		o.Sessions = counting
	})
	stranger := w.browser(t)
	stranger.get("/page")
	stranger.untilCallback(ada)
	if n := counting.count(); n != 0 {
		t.Errorf("strangers cost %d writes", n)
	}
	b := w.browser(t)
	b.signInAs(ada)
	for range 10 {
		b.get("/page")
	}
	if n := counting.count(); n != 1 {
		t.Errorf("signing in and ten pages cost %d writes, want 1", n)
	}
	w.clock.advance(6 * time.Minute)
	b.get("/page")
	if n := counting.count(); n != 2 {
		t.Errorf("a later page must note that the session is in use: %d writes", n)
	}
}

func TestSigningOutEndsTheSessionEverywhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser(t)
	b.signInAs(ada)
	stolen := b.sessionCookie()
	a := b.do(http.MethodPost, "/sign-out")
	a.says(t, http.StatusOK, "You are signed out")
	a.says(t, http.StatusOK, "/oauth2/v2.0/logout?post_logout_redirect_uri="+url.QueryEscape(w.url+"/sign-in"))
	if _, in := b.who(); in {
		t.Error("still signed in")
	}
	thief := w.browser(t)
	thief.plant(stolen)
	if _, in := thief.who(); in {
		t.Error("the old cookie still opens the door")
	}
}

func TestSigningInRenewsTheToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser(t)
	b.signInAs(ada)
	first := b.sessionCookie()
	b.signInAs("ben.approver@contoso.example")
	if b.sessionCookie().Value == first.Value {
		t.Error("the token stayed the same")
	}
	old := w.browser(t)
	old.plant(first)
	if _, in := old.who(); in {
		t.Error("the token from before still opens the door")
	}
	planted := w.browser(t)
	planted.plant(&http.Cookie{Name: "fanfare", Value: "planted-by-somebody", Path: "/"})
	planted.signInAs(ada)
	if planted.sessionCookie().Value == "planted-by-somebody" {
		t.Error("a planted token became a session")
	}
}

func TestADatabaseInTroubleIsSaidSo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser(t)
	b.signInAs(ada)
	if err := w.store.Close(); err != nil {
		t.Fatal(err)
	}
	b.get("/page").says(t, http.StatusServiceUnavailable, "cannot reach its database")
	if strings.Contains(b.get("/page").text, "sql") {
		t.Error("the cause is shown to people")
	}
}

func (b *browser) sessionCookie() *http.Cookie {
	b.t.Helper()
	at, err := url.Parse(b.w.url)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, c := range b.Jar.Cookies(at) {
		if c.Name == "fanfare" {
			return c
		}
	}
	b.t.Fatal("no session cookie")
	return nil
}

func (b *browser) plant(c *http.Cookie) {
	b.t.Helper()
	at, err := url.Parse(b.w.url)
	if err != nil {
		b.t.Fatal(err)
	}
	b.Jar.SetCookies(at, []*http.Cookie{{Name: c.Name, Value: c.Value, Path: "/"}})
}
