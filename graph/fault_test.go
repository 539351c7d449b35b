package graph_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/graph"
)

func errorBody(code, message string) string {
	return fmt.Sprintf(`{"error":{"code":%q,"message":%q,"innerError":{"date":"2026-01-02T03:04:05","request-id":"r"}}}`, code, message)
}

// TestEveryMoodOfGraphHasItsFault is the table of protocol F.3, F.7, G.1 and G.4
// as it comes over the wire.
func TestEveryMoodOfGraphHasItsFault(t *testing.T) {
	t.Parallel()
	const (
		permanent, transient, throttled = broadcast.Permanent, broadcast.Transient, broadcast.Throttled
		recipient, service              = broadcast.ScopeRecipient, broadcast.ScopeService
	)
	const asJSON, asHTML = "application/json", "text/html"
	for _, tc := range []struct {
		name         string
		status       int
		contentType  string
		body         string
		retryAfter   string
		class        broadcast.FaultClass
		scope        broadcast.FaultScope
		reason       broadcast.Reason
		code, detail string
		wait         time.Duration
	}{
		{name: "token refused", status: 401, contentType: asJSON, body: errorBody("InvalidAuthenticationToken", "Access token has expired."), class: permanent, scope: service, reason: broadcast.ReasonCredentials, code: "InvalidAuthenticationToken", detail: "Access token has expired."},
		{name: "app mismatch", status: 403, contentType: asJSON, body: errorBody("Forbidden", "AAD App Id c0ffee is not allowed to manage the Teams App ca7a."), class: permanent, scope: service, reason: broadcast.ReasonMismatch, code: "Forbidden"},
		{name: "policy", status: 403, contentType: asJSON, body: errorBody("Forbidden", "App is blocked by app permission policy."), class: permanent, scope: recipient, reason: broadcast.ReasonPolicy, code: "Forbidden"},
		{name: "no licence", status: 403, contentType: asJSON, body: errorBody("Forbidden", "User is not licensed for Microsoft Teams."), class: permanent, scope: recipient, reason: broadcast.ReasonUnlicensed, code: "Forbidden"},
		{name: "policy by inner code", status: 403, contentType: asJSON, body: `{"error":{"code":"Forbidden","message":"No.","innerError":{"code":"AccessDenied"}}}`, class: permanent, scope: recipient, reason: broadcast.ReasonPolicy, code: "Forbidden/AccessDenied"},
		{name: "inner inner code, other spelling", status: 403, contentType: asJSON, body: `{"error":{"code":"Forbidden","innererror":{"message":"x","innerError":{"code":"AccessDenied"}}}}`, class: permanent, scope: recipient, reason: broadcast.ReasonPolicy, code: "Forbidden/AccessDenied"},
		{name: "permission missing", status: 403, contentType: asJSON, body: errorBody("Forbidden", "Missing role permissions on the request."), class: permanent, scope: service, reason: broadcast.ReasonNoConsent, code: "Forbidden"},
		{name: "insufficient privileges", status: 403, contentType: asJSON, body: errorBody("Authorization_RequestDenied", "Insufficient privileges to complete the operation."), class: permanent, scope: service, reason: broadcast.ReasonNoConsent, code: "Authorization_RequestDenied"},
		{name: "consent missing", status: 412, contentType: asJSON, body: errorBody("PreconditionFailed", "Failed to execute backend request IsUserAuthorizedToGrantGroupResourceSpecificPermissionsRequest."), class: permanent, scope: service, reason: broadcast.ReasonNoConsent, code: "PreconditionFailed"},
		{name: "another precondition", status: 412, class: permanent, scope: recipient},
		{name: "403 without words", status: 403, class: permanent, scope: recipient},
		{name: "not found", status: 404, contentType: asJSON, body: errorBody("NotFound", "Not found."), class: permanent, scope: recipient, code: "NotFound"},
		{name: "conflict", status: 409, contentType: asJSON, body: errorBody("Conflict", "The app is already installed."), class: permanent, scope: recipient, code: "Conflict"},
		{name: "bad request", status: 400, contentType: asJSON, body: errorBody("BadRequest", "Bad bind."), class: permanent, scope: recipient, code: "BadRequest"},
		{name: "gone", status: 410, contentType: asJSON, body: errorBody("syncStateNotFound", "Resync."), class: permanent, scope: service, code: "syncStateNotFound"},
		{name: "sync state lost", status: 400, contentType: asJSON, body: errorBody("SyncStateInvalid", "Resync."), class: permanent, scope: service, code: "SyncStateInvalid"},
		{name: "throttled", status: 429, contentType: asJSON, body: errorBody("TooManyRequests", "Slow down."), retryAfter: "7", class: throttled, scope: service, reason: broadcast.ReasonThrottled, code: "TooManyRequests", wait: 7 * time.Second},
		{name: "throttled without a word", status: 429, class: throttled, scope: service, reason: broadcast.ReasonThrottled},
		{name: "throttled for nonsense", status: 429, retryAfter: "soon", class: throttled, scope: service, reason: broadcast.ReasonThrottled},
		{name: "throttled for ever", status: 429, retryAfter: "99999999999", class: throttled, scope: service, reason: broadcast.ReasonThrottled, wait: time.Hour},
		{name: "bandwidth", status: 509, class: throttled, scope: service, reason: broadcast.ReasonThrottled},
		{name: "request timeout", status: 408, class: transient, scope: recipient, reason: broadcast.ReasonTrouble},
		{name: "locked", status: 423, class: transient, scope: recipient, reason: broadcast.ReasonTrouble},
		{name: "failed dependency", status: 424, class: transient, scope: recipient, reason: broadcast.ReasonTrouble},
		{name: "server error", status: 500, contentType: asJSON, body: errorBody("InternalServerError", "Oops."), class: transient, scope: recipient, reason: broadcast.ReasonTrouble, code: "InternalServerError"},
		{name: "bad gateway", status: 502, contentType: asJSON, body: errorBody("BadGateway", "Upstream."), class: transient, scope: recipient, reason: broadcast.ReasonTrouble, code: "BadGateway"},
		{name: "HTML from a proxy", status: 503, contentType: asHTML, body: "<html>Service unavailable</html>", retryAfter: "30", class: transient, scope: recipient, reason: broadcast.ReasonTrouble, detail: "text/html", wait: 30 * time.Second},
		{name: "no error object", status: 504, contentType: asJSON, body: `{"message":"x"}`, class: transient, scope: recipient, reason: broadcast.ReasonTrouble, detail: "no error object"},
		{name: "error is no object", status: 500, contentType: asJSON, body: `{"error":"x"}`, class: transient, scope: recipient, reason: broadcast.ReasonTrouble},
		{name: "empty object", status: 500, contentType: asJSON, body: `{}`, class: transient, scope: recipient, reason: broadcast.ReasonTrouble},
		{name: "broken JSON", status: 500, contentType: asJSON, body: `{"error":{`, class: transient, scope: recipient, reason: broadcast.ReasonTrouble},
		{name: "empty body", status: 500, contentType: asJSON, class: transient, scope: recipient, reason: broadcast.ReasonTrouble},
		{name: "nothing at all", status: 502, class: transient, scope: recipient, reason: broadcast.ReasonTrouble},
		{name: "a proxy's redirect", status: 302, class: transient, scope: recipient, reason: broadcast.ReasonTrouble},
		{name: "teapot", status: 418, class: permanent, scope: recipient},
		{name: "HTML success", status: 200, contentType: asHTML, body: "<html>Sign in to the Wi-Fi</html>", class: transient, scope: recipient, reason: broadcast.ReasonTrouble, code: graph.CodeUnreadable},
		{name: "success of another kind", status: 200, contentType: asJSON, body: `{"on":"not a bool"}`, class: transient, scope: recipient, reason: broadcast.ReasonTrouble, code: graph.CodeUnreadable},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c, _, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header()["Content-Type"] = nil // or net/http guesses one
				if tc.contentType != "" {
					w.Header().Set("Content-Type", tc.contentType)
				}
				if tc.retryAfter != "" {
					w.Header().Set("Retry-After", tc.retryAfter)
				}
				w.WriteHeader(tc.status)
				_, _ = w.Write([]byte(tc.body))
			})
			_, err := get(t.Context(), c, graph.Request{Path: "/x"})
			if err == nil {
				t.Fatal("no error")
			}
			f := broadcast.AsFault(err)
			if f.Class != tc.class || f.Scope != tc.scope || f.Reason != tc.reason || f.Status != tc.status || f.Code != tc.code {
				t.Errorf("fault %+v\nwant %s %s %q status %d code %q", f, tc.class, tc.scope, tc.reason, tc.status, tc.code)
			}
			if f.RetryAfter != tc.wait || !strings.Contains(f.Detail, tc.detail) {
				t.Errorf("wait %v detail %q, want %v and %q", f.RetryAfter, f.Detail, tc.wait, tc.detail)
			}
			if strings.Contains(f.Error(), "secret-token") {
				t.Error("the token is in the error")
			}
			if resync := tc.name == "gone" || tc.name == "sync state lost"; graph.MustResync(err) != resync {
				t.Errorf("MustResync = %v", !resync)
			}
		})
	}
}

func TestRetryAfterMayBeADate(t *testing.T) {
	t.Parallel()
	c, _, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", time.Now().Add(90*time.Second).UTC().Format(http.TimeFormat))
		w.WriteHeader(429)
	})
	_, err := get(t.Context(), c, graph.Request{Path: "/x"})
	if wait := broadcast.AsFault(err).RetryAfter; wait < time.Minute || wait > 90*time.Second {
		t.Errorf("wait = %v, want about 90s", wait)
	}
}

func TestMicrosoftsWordsAreShortened(t *testing.T) {
	t.Parallel()
	c, _, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, 400, errorBody("BadRequest", strings.Repeat("é ", 500)))
	})
	_, err := get(t.Context(), c, graph.Request{Path: "/x"})
	if n := len([]rune(broadcast.AsFault(err).Detail)); n != 300 {
		t.Errorf("detail has %d runes", n)
	}
}

func TestABrokenConnectionIsPassingTrouble(t *testing.T) {
	t.Parallel()
	c, _, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1.0/half" {
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte(`{"name":`))
		}
		panic(http.ErrAbortHandler)
	})
	for _, path := range []string{"/none", "/half"} {
		_, err := get(t.Context(), c, graph.Request{Path: path})
		if f := broadcast.AsFault(err); f.Class != broadcast.Transient || f.Scope != broadcast.ScopeRecipient {
			t.Errorf("%s: %+v, want transient", path, f)
		}
	}
}
