package web

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/web/frame"
)

// mayUse is who may use each route, written down a second time on purpose: a
// change of rights has to be made twice, by somebody who means it.
var mayUse = map[string]string{
	"GET /sign-in": "public", "GET /auth/start": "public", "GET /auth/callback": "public", "POST /sign-out": "public",
	"GET /favicon.svg": "public", "GET /favicon.ico": "public", "GET /static/:version/*file": "public",
	"GET /": "author approver admin auditor", "GET /broadcasts/:id": "author approver admin auditor",
	"GET /broadcasts/:id/events": "author approver admin auditor", "GET /broadcasts/:id/reach": "author approver admin auditor",
	"GET /broadcasts/:id/recipients": "author approver admin auditor", "GET /broadcasts/:id/recipients/:delivery": "author approver admin auditor",
	"POST /broadcasts/:id/go": "author approver admin", "POST /broadcasts/:id/retry": "author approver admin", "POST /broadcasts/:id/recall": "author approver admin",
	"POST /broadcasts/:id/correct": "author admin", "POST /halt/lift": "admin",
	"GET /broadcasts/new": "author admin", "POST /broadcasts": "author admin", "GET /broadcasts/:id/edit": "author admin",
	"POST /broadcasts/:id/edit": "author admin", "PUT /broadcasts/:id": "author admin", "POST /broadcasts/:id/duplicate": "author admin",
	"POST /preview": "author admin", "POST /audience": "author admin", "GET /groups": "author admin", "GET /audience/find": "author admin",
	"GET /audience/lists": "author approver admin auditor", "GET /audience/lists/:id": "author approver admin auditor", "GET /audience/lists/:id/report.csv": "author approver admin auditor",
	"GET /audience/lists/new": "author admin", "POST /audience/lists": "author admin", "POST /audience/lists/:id/delete": "author admin",
	"POST /audience/saved": "author admin", "POST /audience/saved/:id/rename": "author admin", "POST /audience/saved/:id/delete": "author admin",
	"POST /broadcasts/:id/submit": "author admin", "POST /broadcasts/:id/withdraw": "author admin",
	"POST /broadcasts/:id/approve": "approver", "POST /broadcasts/:id/reject": "approver",
	"POST /broadcasts/:id/schedule": "author approver admin", "POST /broadcasts/:id/unschedule": "author approver admin",
	"POST /broadcasts/:id/send": "author approver admin", "POST /broadcasts/:id/pause": "author approver admin",
	"POST /broadcasts/:id/resume": "author approver admin", "POST /broadcasts/:id/cancel": "author approver admin",
	"GET /rollout": "author approver admin auditor", "GET /rollout/events": "author approver admin auditor",
	"GET /setup": "admin", "POST /setup": "admin", "GET /setup/events": "admin", "GET /setup/fanfare.zip": "admin", "GET /tab": "public",
	"GET /welcome": "admin", "POST /welcome": "admin",
	"GET /scopes": "admin", "GET /scopes/:person": "admin", "POST /scopes/:person": "admin", "POST /scopes/:person/delete": "admin",
	"POST /rollout/start": "admin", "POST /rollout/pause": "admin", "GET /rollout/by/:field": "author approver admin auditor", "GET /rollout/rings": "author approver admin auditor",
	"POST /rollout/rings": "admin", "GET /rollout/rings/new": "admin", "GET /rollout/rings/:id": "admin", "POST /rollout/rings/:id": "admin", "POST /rollout/rings/:id/up": "admin",
	"POST /rollout/rings/:id/down": "admin", "POST /rollout/rings/:id/delete": "admin", "GET /rollout/rings/:id/open": "admin", "POST /rollout/rings/:id/open": "admin",
	"GET /rollout/upkeep": "author approver admin auditor", "GET /rollout/upkeep/events": "author approver admin auditor", "GET /rollout/teams": "author approver admin auditor",
	"POST /rollout/upkeep/check": "admin", "POST /rollout/upkeep/upgrade": "admin", "POST /rollout/upkeep/pause": "admin", "POST /rollout/upkeep/resume": "admin", "POST /rollout/upkeep/stop": "admin",
	"POST /rollout/upkeep/repair-on": "admin", "POST /rollout/upkeep/repair-off": "admin", "POST /rollout/upkeep/put-back": "admin",
	"POST /rollout/teams/:group": "admin", "POST /rollout/teams/:group/forget": "admin",
	"GET /people": "author approver admin auditor", "GET /people/:id": "author approver admin auditor",
	"GET /keys": "author approver admin auditor", "POST /keys": "author approver admin auditor", "POST /keys/:id/revoke": "author approver admin auditor",
}

func TestEveryRouteLetsInExactlyWhoItNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(10, 5)
	visitors := map[string]*visitor{"": w.nobody(), "author": w.as(0), "approver": w.as(1), "admin": w.as(2), "auditor": w.as(3)}
	for _, v := range visitors {
		v.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	}
	seen := map[string]bool{}
	for _, r := range w.door.table() {
		name := r.Method + " " + r.Path
		may, known := mayUse[name]
		if seen[name] = true; !known {
			t.Errorf("%s is not in this test's list of rights", name)
			continue
		}
		if may == "public" || strings.HasSuffix(r.Path, "/rollout/events") || strings.HasSuffix(r.Path, "/upkeep/events") { // an endless stream has its own test
			continue
		}
		path := strings.NewReplacer(":id", "0190a1b2-c3d4-7000-8000-000000000001", ":delivery", "1", ":person", "default").Replace(r.Path)
		for role, v := range visitors {
			a := v.send(r.Method, path, nil, "text/html")
			allowed := slices.Contains(strings.Fields(may), role)
			switch {
			case role == "" && r.Method == get && (a.status != http.StatusSeeOther || !strings.HasPrefix(a.header.Get("Location"), "/sign-in")):
				t.Errorf("%s: nobody got %d, want the way to the sign-in", name, a.status)
			case role == "" && r.Method != get && a.status != http.StatusUnauthorized:
				t.Errorf("%s: nobody got %d, want 401", name, a.status)
			case role != "" && allowed == (a.status == http.StatusForbidden || a.status == http.StatusUnauthorized):
				t.Errorf("%s: %s got %d, allowed is %v", name, role, a.status, allowed)
			}
		}
	}
	for name := range mayUse {
		if !seen[name] {
			t.Errorf("%s is in the list of rights but is no route", name)
		}
	}
}

func TestARouteThatNamesNobodyLetsNobodyIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := gin.New()
	called := false
	forgotten := func(*gin.Context, broadcast.Actor) error { called = true; return nil }
	r.GET("/forgotten", w.door.Headers, func(c *gin.Context) { c.Set("auth.actor", cora) }, w.door.Guard(frame.Who{}, forgotten))
	rec := httptest.NewRecorder()
	r.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/forgotten", nil))
	if called || rec.Code != http.StatusForbidden {
		t.Errorf("called %v, status %d", called, rec.Code)
	}
}

func TestADefectTellsItsNumberAndNothingElse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := gin.New()
	r.GET("/error", w.door.Headers, w.door.Guard(public, func(*gin.Context, broadcast.Actor) error {
		return errors.New("table deliveries is on fire")
	}))
	r.GET("/panic", w.door.Headers, w.door.Guard(public, func(*gin.Context, broadcast.Actor) error {
		var b *broadcast.Broadcast
		_ = b.State
		return nil
	}))
	for _, path := range []string{"/error", "/panic"} {
		for _, accept := range []string{"text/html", "application/json"} {
			req := httptest.NewRequest(http.MethodGet, path, nil)
			req.Header.Set("Accept", accept)
			rec := httptest.NewRecorder()
			r.ServeHTTP(rec, req)
			body, id := rec.Body.String(), rec.Header().Get("X-Request-Id")
			if rec.Code != http.StatusInternalServerError || id == "" || !strings.Contains(body, id) || strings.Contains(body, "fire") || strings.Contains(body, "nil pointer") {
				t.Errorf("%s as %s: %d, id %q:\n%s", path, accept, rec.Code, id, body)
			}
			if !strings.Contains(w.log.String(), id) {
				t.Errorf("%s: the log does not know %s", path, id)
			}
		}
	}
	if !strings.Contains(w.log.String(), "on fire") || !strings.Contains(w.log.String(), "nil pointer") {
		t.Errorf("the causes are not in the log:\n%s", w.log)
	}
}

func TestSomebodyWhoLeftIsNotAnError(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c, _ := gin.CreateTestContext(httptest.NewRecorder())
	c.Request = httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil)
	before := w.log.String()
	w.door.Fail(c, context.Canceled)
	if w.log.String() != before {
		t.Errorf("the log was bothered:\n%s", w.log)
	}
}

func TestEveryAnswerCarriesTheSecurityHeaders(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.author()
	for _, path := range []string{"/", "/sign-in", "/nowhere", "/broadcasts/x", "/favicon.svg", "/keys"} {
		h := ada.get(path).header
		csp := h.Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'none'", "script-src 'self';", "style-src 'self';", "img-src 'self' https: data: http://" + plainHost + " http://", "frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'"} {
			if !strings.Contains(csp, part) {
				t.Errorf("%s: policy %q lacks %q", path, csp, part)
			}
		}
		if strings.Contains(csp, "unsafe") || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") != "same-origin" {
			t.Errorf("%s: headers %v", path, h)
		}
		if path != "/favicon.svg" && h.Get("Cache-Control") != "no-store" {
			t.Errorf("%s may be kept: %q", path, h.Get("Cache-Control"))
		}
	}
}

func TestAForeignSiteCannotPost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.author()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.url+"/broadcasts", strings.NewReader(good().Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", "https://evil.example")
	req.Header.Set("Sec-Fetch-Site", "cross-site")
	res, err := ada.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusForbidden {
		t.Errorf("a foreign post got %d", res.StatusCode)
	}
	ada.get("/").says(http.StatusOK, "No announcements yet")
}

func TestTheSignInLeadsOnlyToOurOwnPages(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"/keys?x=1": "/keys?x=1", "": "/", "https://evil.example/": "/", "//evil.example": "/", `/\evil.example`: "/", "javascript:alert(1)": "/", "/\t/evil": "/",
	} {
		if got := frame.LocalPath(raw); got != want {
			t.Errorf("next %q leads to %q, want %q", raw, got, want)
		}
	}
}

func TestSignedInPeopleNeedNoSignInPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if a := w.author().get("/sign-in?next=/keys"); a.path != "/keys" {
		t.Errorf("led to %s", a.path)
	}
	ada := w.author()
	ada.CheckRedirect = func(r *http.Request, _ []*http.Request) error { return http.ErrUseLastResponse }
	ada.post("/sign-out", nil).says(http.StatusOK, "You are signed out", `http-equiv="refresh"`).lacks("Ada Author")
	ada.get("/keys").says(http.StatusSeeOther)
}
