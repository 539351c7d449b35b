package api_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/api"
	"github.com/fanfare/fanfare/broadcast"
)

// open lists the routes that answer without a key, and why.
var open = map[string]string{
	"GET /healthz":       "orchestrators",
	"GET /readyz":        "load balancers",
	"HEAD /healthz":      "orchestrators",
	"HEAD /readyz":       "load balancers",
	"POST /api/messages": "Teams, with its own token",
	"GET /api/messages":  "people who try the address",
	"HEAD /api/messages": "people who try the address",
}

func (w *world) routes() gin.RoutesInfo {
	r := gin.New()
	w.door.Routes(r)
	return r.Routes()
}

func concrete(path string) string {
	return strings.NewReplacer(":id", "01900000-0000-7000-8000-000000000000", ":delivery", "1", ":person", "default").Replace(path)
}

func TestEveryRouteTurnsStrangersAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	revoked := w.as(broadcast.RoleAdmin)
	list, err := w.keys.List(t.Context(), person(broadcast.RoleAdmin))
	must(t, err)
	must(t, w.keys.Revoke(t.Context(), person(broadcast.RoleAdmin), list[0].ID))
	for _, r := range w.routes() {
		if _, isOpen := open[r.Method+" "+r.Path]; isOpen {
			continue
		}
		for name, key := range map[string]string{"no key": "", "garbage": "ff_x", "revoked": revoked.key} {
			h := http.Header{"Content-Type": {"application/json"}}
			if key != "" {
				h.Set("Authorization", "Bearer "+key)
			}
			a := w.send(r.Method, concrete(r.Path), h, strings.NewReader("{}"))
			a.refused(http.StatusUnauthorized, "unauthenticated", "API key")
			if !strings.HasPrefix(a.Header.Get("WWW-Authenticate"), "Bearer ") {
				t.Errorf("%s %s with %s: no challenge", r.Method, r.Path, name)
			}
		}
	}
}

// What a role may do is the moves table's and the use-cases' matter; this table
// is the door's promise that they are asked.
func TestEveryRouteAsksForTheRole(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	everyone := []broadcast.Role{broadcast.RoleAuthor, broadcast.RoleApprover, broadcast.RoleAdmin, broadcast.RoleAuditor}
	writers := []broadcast.Role{broadcast.RoleAuthor, broadcast.RoleAdmin}
	senders := []broadcast.Role{broadcast.RoleAuthor, broadcast.RoleApprover, broadcast.RoleAdmin}
	admins, approvers := []broadcast.Role{broadcast.RoleAdmin}, []broadcast.Role{broadcast.RoleApprover}
	promise := map[string][]broadcast.Role{
		"GET /me": everyone, "GET /broadcasts": everyone, "GET /broadcasts/:id": everyone, "GET /broadcasts/:id/recipients": everyone,
		"GET /broadcasts/:id/reasons": everyone, "GET /broadcasts/:id/history": everyone, "GET /broadcasts/:id/card": everyone,
		"GET /broadcasts/:id/passes": everyone, "GET /broadcasts/:id/recipients/:delivery/attempts": everyone, "GET /halt": everyone, "POST /halt/lift": admins,
		"POST /broadcasts/:id/go": senders, "POST /broadcasts/:id/retry": senders, "POST /broadcasts/:id/recall": senders, "POST /broadcasts/:id/correct": writers,
		"GET /people": everyone, "GET /people/:id": everyone,
		"POST /audience/reach": everyone, "GET /rollout": everyone, "GET /rollout/rings": everyone, "GET /rollout/by/:field": everyone, "GET /rollout/samples": everyone, "GET /rollout/history": everyone, "PUT /rollout/rings": admins, "POST /rollout/advance": admins, "GET /rollout/people": everyone,
		"POST /broadcasts": writers, "PUT /broadcasts/:id": writers, "GET /groups": writers, "GET /audience/parts": writers, "GET /teams": writers, "POST /teams/:id/read": writers, "GET /channels": writers,
		"POST /broadcasts/:id/submit": writers, "POST /broadcasts/:id/withdraw": writers,
		"POST /broadcasts/:id/approve": approvers, "POST /broadcasts/:id/reject": approvers,
		"POST /broadcasts/:id/schedule": senders, "POST /broadcasts/:id/unschedule": senders, "POST /broadcasts/:id/send": senders,
		"POST /broadcasts/:id/pause": senders, "POST /broadcasts/:id/resume": senders, "POST /broadcasts/:id/cancel": senders,
		"GET /welcome": everyone, "PUT /welcome": admins, "POST /welcome/use": admins, "POST /welcome/stop": admins,
		"GET /scopes": admins, "GET /scopes/:person": admins, "PUT /scopes/:person": admins, "DELETE /scopes/:person": admins,
		"GET /audience/lists": everyone, "GET /audience/lists/:id": everyone, "POST /audience/lists": writers, "DELETE /audience/lists/:id": writers,
		"GET /audiences": writers, "POST /audiences": writers, "DELETE /audiences/:id": writers,
		"POST /rollout/start": admins, "POST /rollout/pause": admins, "GET /setup": admins,
		"GET /upkeep": everyone, "POST /upkeep/check": admins, "POST /upkeep/upgrade": admins, "POST /upkeep/pause": admins, "POST /upkeep/resume": admins,
		"POST /upkeep/stop": admins, "POST /upkeep/put-back": admins, "POST /upkeep/repair/on": admins, "POST /upkeep/repair/off": admins,
		"GET /installed-teams": everyone, "GET /installed-teams/find": admins, "PUT /installed-teams/:group": admins, "DELETE /installed-teams/:group": admins,
	}
	before := map[string]broadcast.State{
		"submit": broadcast.Draft, "withdraw": broadcast.InReview, "approve": broadcast.InReview, "reject": broadcast.InReview,
		"schedule": broadcast.Approved, "unschedule": broadcast.Scheduled, "send": broadcast.Approved, "pause": broadcast.Sending,
		"resume": broadcast.Paused, "cancel": broadcast.Approved, "go": broadcast.Held, "retry": broadcast.Sent, "recall": broadcast.Sent,
	}
	callers := map[broadcast.Role]caller{}
	for _, role := range everyone {
		callers[role] = w.as(role)
	}
	for _, r := range w.routes() {
		name := r.Method + " " + strings.TrimPrefix(r.Path, "/api/v1")
		if _, isOpen := open[r.Method+" "+r.Path]; isOpen {
			continue
		}
		allowed, promised := promise[name]
		if !promised {
			t.Errorf("%s: nobody said who may use it", name)
		}
		for _, role := range everyone {
			state := before[r.Path[strings.LastIndex(r.Path, "/")+1:]]
			path := strings.NewReplacer(":id", string(w.stored1(state)), ":delivery", "1", ":person", "default").Replace(strings.TrimPrefix(r.Path, "/api/v1"))
			a := callers[role].call(r.Method, path, bodyFor(r.Method, name))
			if may, got := slices.Contains(allowed, role), a.StatusCode != http.StatusForbidden; may != got || a.StatusCode >= 500 {
				t.Errorf("%s as %s: status %d: %s", name, role, a.StatusCode, a.raw)
			}
		}
	}
}

func bodyFor(method, name string) any {
	switch {
	case name == "POST /audience/reach", name == "PUT /scopes/:person":
		return object{"everyone": true}
	case name == "POST /broadcasts":
		return party()
	case strings.HasSuffix(name, "/schedule"):
		return object{"at": "2090-01-01T09:00:00Z"}
	case name == "PUT /rollout/rings":
		return object{"revision": 0, "rings": []any{}}
	case name == "POST /rollout/advance":
		return object{"ring": "nobody's"}
	case method == http.MethodPut:
		draft := party()
		draft["revision"] = 1
		return draft
	}
	return nil
}

// stored1 is a fresh broadcast in a state, put there without its history.
func (w *world) stored1(state broadcast.State) broadcast.ID {
	w.t.Helper()
	now := w.clock.Now()
	by := broadcast.ActorRef{ID: "0b1ec700-0001-4000-8000-0000000000ff", Name: "Somebody Else"}
	b := &broadcast.Broadcast{
		ID: broadcast.NewID(now), State: broadcast.Draft, Revision: 1, Message: broadcast.Message{Title: "Party", Body: "Come!"},
		Audience: broadcast.Everyone(), Author: by, Editors: []broadcast.EntraID{by.ID}, CreatedAt: now, UpdatedAt: now,
	}
	must(w.t, w.store.Create(w.t.Context(), b, broadcast.Move{BroadcastID: b.ID, Event: broadcast.EventCreate, To: broadcast.Draft, By: by, At: now}))
	if state == "" || state == broadcast.Draft {
		return b.ID
	}
	after := *b
	after.State, after.ApprovedHash, after.SubmittedBy = state, b.Hash(), by
	_, err := w.store.Change(w.t.Context(), broadcast.Change{Before: b, After: &after, Move: broadcast.Move{BroadcastID: b.ID, Event: broadcast.EventEdit, From: b.State, To: state, By: by, At: now}})
	must(w.t, err)
	return b.ID
}

func TestEveryAnswerIsDataAndNeverCached(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, path := range []string{"/healthz", "/api/messages", "/api/v1/me", "/api/v1/nothing"} {
		a := w.send(http.MethodGet, path, http.Header{}, nil)
		for header, want := range map[string]string{"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'"} {
			if got := a.Header.Get(header); got != want {
				t.Errorf("%s: %s is %q", path, header, got)
			}
		}
		if a.Header.Get("X-Request-Id") == "" {
			t.Errorf("%s: no request ID", path)
		}
	}
}

func TestWhatIsNotThereIsAProblemToo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	author := w.as(broadcast.RoleAuthor)
	author.get("/nothing").refused(http.StatusNotFound, "not_found", "nothing at this address")
	a := author.call(http.MethodDelete, "/broadcasts", nil)
	a.refused(http.StatusMethodNotAllowed, "method_not_allowed", "Allow")
	if !strings.Contains(a.Header.Get("Allow"), "POST") {
		t.Errorf("Allow: %q", a.Header.Get("Allow"))
	}
	for path, ours := range map[string]bool{"/api/v1/x": true, "/api": true, "/healthz": true, "/readyz": true, "/apix": false, "/": false, "/broadcasts": false} {
		if api.Owns(path) != ours {
			t.Errorf("Owns(%q) is %v", path, !ours)
		}
	}
}

func TestHealthAndReadiness(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	get := func(path string) answer { return w.send(http.MethodGet, path, http.Header{}, nil) }
	if got := get("/healthz").ok(http.StatusOK); got["status"] != "ok" || got["version"] != "test" {
		t.Errorf("healthz: %v", got)
	}
	get("/readyz").ok(http.StatusOK)
	w.ready = errors.New("dial tcp 10.0.0.7: password=hunter2 refused")
	p := get("/readyz").refused(http.StatusServiceUnavailable, "database_unreachable", "cannot reach its database")
	if strings.Contains(p.Detail, "hunter2") || !strings.Contains(w.log.String(), "hunter2") {
		t.Errorf("the cause belongs to the log only: %+v", p)
	}
	w.ready = broadcast.Errorf(broadcast.Conflict, "The database is older than this binary. Run fanfare migrate.")
	get("/readyz").refused(http.StatusServiceUnavailable, "not_ready", "Run fanfare migrate")
	w.ready = &broadcast.Error{Code: api.DiskFull, Message: "The disk is full. Free some space: nothing is lost, and it goes on by itself."}
	get("/readyz").refused(http.StatusServiceUnavailable, "disk_full", "Free some space")
	health := get("/healthz").ok(http.StatusOK) // alive all the same
	if problems := fmt.Sprint(health["problems"]); health["status"] != "degraded" || !strings.Contains(problems, "disk_full") || !strings.Contains(problems, "Free some space") {
		t.Errorf("healthz: %v", health)
	}
}

func TestAHaltIsSaidByHealthAndLiftedByAnAdmin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin := w.as(broadcast.RoleAdmin)
	if got := admin.get("/halt").ok(http.StatusOK); got["halt"] != nil || got["brake"].(object)["paused_until"] != nil {
		t.Errorf("nothing is wrong: %v", got)
	}
	admin.post("/halt/lift", nil).refused(http.StatusConflict, "conflict", "Nothing is stopped any more")
	must(t, w.store.SetHalt(t.Context(), broadcast.Halt{Reason: broadcast.ReasonBotDisabled, Code: "BotDisabledByAdmin", Detail: "Disabled.", At: w.clock.Now()}))
	for _, path := range []string{"/healthz", "/readyz"} {
		got := w.send(http.MethodGet, path, http.Header{}, nil).ok(http.StatusOK)
		if problems := fmt.Sprint(got["problems"]); got["status"] != "degraded" || !strings.Contains(problems, "halted") || !strings.Contains(problems, "Bot disabled by an administrator") {
			t.Errorf("%s: %v", path, got)
		}
	}
	halt := w.as(broadcast.RoleAuthor).get("/halt").ok(http.StatusOK)["halt"].(object)
	if halt["reason"] != "bot_disabled" || halt["code"] != "BotDisabledByAdmin" || halt["remedy"] == "" || halt["at"] == nil {
		t.Errorf("halt: %v", halt)
	}
	w.as(broadcast.RoleAuthor).post("/halt/lift", nil).refused(http.StatusForbidden, "forbidden", "Admin")
	if got := admin.post("/halt/lift", nil).ok(http.StatusOK); got["halt"] != nil {
		t.Errorf("lifted: %v", got)
	}
}

// A defect in a handler is an answer with a request ID, whose cause stands in
// the log under that ID.
func TestADefectIsToldWithoutItsCause(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	author := w.as(broadcast.RoleAuthor)
	must(t, w.store.Close())
	a := w.send(http.MethodGet, "/api/v1/me", http.Header{"Authorization": {"Bearer " + author.key}}, bytes.NewReader(nil))
	p := a.refused(http.StatusInternalServerError, "internal", "tell your IT admin the request_id")
	if strings.Contains(string(a.raw), "database") || !strings.Contains(w.log.String(), p.RequestID) {
		t.Errorf("told: %s\nlogged: %s", a.raw, w.log.String())
	}
}
