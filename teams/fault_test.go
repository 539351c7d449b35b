package teams

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const (
	permanent = broadcast.Permanent
	transient = broadcast.Transient
	one       = broadcast.ScopeRecipient
	service   = broadcast.ScopeService
)

// coded is the usual error shape, nested the second one (protocol E.3).
func coded(code string) string {
	return `{"error":{"code":"` + code + `","message":"In Microsoft's words."}}`
}

func nested(code string) string {
	return `{"errorCode":209,"message":"{\r\n  \"subCode\": \"` + code + `\",\r\n  \"details\": \"In Microsoft's words.\",\r\n  \"errorCode\": null\r\n}"}`
}

func TestEveryAnswerOfTheConnectorHasItsMeaning(t *testing.T) {
	t.Parallel()
	const words = "In Microsoft's words."
	for _, c := range []struct {
		source string // where the row is written down
		status int
		body   string
		want   broadcast.Fault
	}{
		{"E.3 400", 400, coded("BadArgument"), broadcast.Fault{Class: permanent, Scope: one, Reason: broadcast.ReasonRejected, Code: "BadArgument"}},
		{"C.1 wrong pairwise ID", 400, `{"error":{"code":"BadArgument","message":"Failed to decrypt pairwise id"}}`, broadcast.Fault{Class: permanent, Scope: one, Reason: broadcast.ReasonBadAddress, Code: "BadArgument", Detail: "Failed to decrypt pairwise id"}},
		{"C.1 wrong conversation ID", 400, `{"error":{"code":"Bad Argument","message":"Failed to decrypt conversation id"}}`, broadcast.Fault{Class: permanent, Scope: one, Reason: broadcast.ReasonBadAddress, Code: "BadArgument", Detail: "Failed to decrypt conversation id"}},
		{"E.3 401", 401, coded("BotNotRegistered"), broadcast.Fault{Class: permanent, Scope: service, Reason: broadcast.ReasonCredentials, Code: "BotNotRegistered"}},
		{"E.3 401 empty", 401, "", broadcast.Fault{Class: permanent, Scope: service, Reason: broadcast.ReasonCredentials, Detail: "Unauthorized"}},
		{"E.3 403 disabled", 403, coded("BotDisabledByAdmin"), broadcast.Fault{Class: permanent, Scope: service, Reason: broadcast.ReasonBotDisabled, Code: "BotDisabledByAdmin"}},
		{"E.3 403 blocked", 403, coded("ConversationBlockedByUser"), broadcast.Fault{Class: permanent, Scope: one, Reason: broadcast.ReasonBlocked, Code: "ConversationBlockedByUser"}},
		{"E.3 second shape", 403, nested("MessageWritesBlocked"), broadcast.Fault{Class: permanent, Scope: one, Reason: broadcast.ReasonBlocked, Code: "MessageWritesBlocked"}},
		{"E.3 first shape, other code", 403, coded("MessageWritesBlocked"), broadcast.Fault{Class: permanent, Scope: one, Reason: broadcast.ReasonBlocked, Code: "MessageWritesBlocked"}},
		{"E.3 403 roster", 403, coded("BotNotInConversationRoster"), broadcast.Fault{Class: permanent, Scope: one, Reason: broadcast.ReasonRemoved, Code: "BotNotInConversationRoster"}},
		{"E.3 403 scope", 403, coded("ForbiddenOperationException"), broadcast.Fault{Class: permanent, Scope: one, Reason: broadcast.ReasonRemoved, Code: "ForbiddenOperationException"}},
		{"E.3 403 host", 403, coded("InvalidBotApiHost"), broadcast.Fault{Class: permanent, Scope: one, Reason: broadcast.ReasonBadAddress, Code: "InvalidBotApiHost"}},
		{"E.3 403 permissions", 403, coded("NotEnoughPermissions"), broadcast.Fault{Class: permanent, Scope: one, Reason: broadcast.ReasonRejected, Code: "NotEnoughPermissions"}},
		{"403 unknown sub-code", 403, nested("SomethingNew"), broadcast.Fault{Class: permanent, Scope: one, Reason: broadcast.ReasonRejected, Code: "SomethingNew"}},
		{"403 second shape without sub-code", 403, `{"errorCode":209,"message":"In Microsoft's words."}`, broadcast.Fault{Class: permanent, Scope: one, Reason: broadcast.ReasonRejected, Code: "209"}},
		{"E.3 404 activity", 404, coded("ActivityNotFoundInConversation"), broadcast.Fault{Class: permanent, Scope: one, Reason: broadcast.ReasonRejected, Code: CodeActivityNotFound}},
		{"E.3 404 activity, spelled otherwise", 404, nested("activity not found in conversation"), broadcast.Fault{Class: permanent, Scope: one, Reason: broadcast.ReasonRejected, Code: CodeActivityNotFound}},
		{"E.3 404 conversation", 404, coded("ConversationNotFound"), broadcast.Fault{Class: permanent, Scope: one, Reason: broadcast.ReasonGone, Code: CodeConversationNotFound, NoAddress: true}},
		{"404 as HTML", 404, "<h1>Not here</h1>", broadcast.Fault{Class: permanent, Scope: one, Reason: broadcast.ReasonGone, NoAddress: true, Detail: "an answer that is not JSON: <h1>Not here</h1>"}},
		{"404 empty", 404, "", broadcast.Fault{Class: permanent, Scope: one, Reason: broadcast.ReasonGone, NoAddress: true, Detail: "Not Found"}},
		{"E.3 412", 412, coded("PreconditionFailed"), broadcast.Fault{Class: transient, Scope: one, Reason: broadcast.ReasonTrouble, Code: "PreconditionFailed"}},
		{"E.3 413", 413, coded("MessageSizeTooBig"), broadcast.Fault{Class: permanent, Scope: broadcast.ScopeBroadcast, Reason: broadcast.ReasonTooLarge, Code: "MessageSizeTooBig"}},
		{"E.3 429", 429, coded("Throttled"), broadcast.Fault{Class: broadcast.Throttled, Scope: service, Reason: broadcast.ReasonThrottled, Code: "Throttled"}},
		{"E.2 429 without body", 429, "", broadcast.Fault{Class: broadcast.Throttled, Scope: service, Reason: broadcast.ReasonThrottled, Detail: "Too Many Requests"}},
		{"E.3 500", 500, coded("ServiceError"), broadcast.Fault{Class: transient, Scope: one, Reason: broadcast.ReasonTrouble, Code: "ServiceError", MaybeSent: true, Careful: true}},
		{"E.3 502 as HTML", 502, "<html>\n<h1>Bad  Gateway</h1>", broadcast.Fault{Class: transient, Scope: one, Reason: broadcast.ReasonTrouble, MaybeSent: true, Detail: "an answer that is not JSON: <html> <h1>Bad Gateway</h1>"}},
		{"E.3 503", 503, "", broadcast.Fault{Class: transient, Scope: one, Reason: broadcast.ReasonTrouble, MaybeSent: true, Detail: "Service Unavailable"}},
		{"E.3 504", 504, "", broadcast.Fault{Class: transient, Scope: one, Reason: broadcast.ReasonTrouble, MaybeSent: true, Detail: "Gateway Timeout"}},
		{"E.3 unknown", 418, coded("Teapot"), broadcast.Fault{Class: permanent, Scope: one, Reason: broadcast.ReasonUnknownError, Code: "Teapot"}},
		{"unknown 5xx", 507, coded("Full"), broadcast.Fault{Class: permanent, Scope: one, Reason: broadcast.ReasonUnknownError, Code: "Full", MaybeSent: true}},
		{"a redirect is not followed", 307, "", broadcast.Fault{Class: permanent, Scope: one, Reason: broadcast.ReasonUnknownError, Detail: "Temporary Redirect"}},
		{"broken JSON", 403, `{"error":`, broadcast.Fault{Class: permanent, Scope: one, Reason: broadcast.ReasonRejected}},
		{"JSON of another shape", 403, `{"error":"nope","errorCode":true,"message":[]}`, broadcast.Fault{Class: permanent, Scope: one, Reason: broadcast.ReasonRejected}},
	} {
		t.Run(c.source, func(t *testing.T) {
			t.Parallel()
			c.want.Status = c.status
			if c.want.Detail == "" && strings.Contains(c.body, words) {
				c.want.Detail = words
			}
			got := answer{status: c.status, header: http.Header{}, body: []byte(c.body), posts: true}.fault(time.Now())
			if diff := cmp.Diff(&c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestEveryRowOfTheFaultTableCanBeReached(t *testing.T) {
	t.Parallel()
	for _, row := range faultRows {
		got := answer{status: row.status, header: http.Header{}, body: []byte(coded(row.code))}.fault(time.Now())
		want := &broadcast.Fault{Class: row.class, Scope: row.scope, Reason: row.reason, NoAddress: row.how == forget, Careful: row.how == careful}
		if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(broadcast.Fault{}, "Status", "Code", "Detail")); diff != "" {
			t.Errorf("row %d %q is hidden by one above it:\n%s", row.status, row.code, diff)
		}
	}
}

func TestOnlyACallThatPostsMayHaveBeenSent(t *testing.T) {
	t.Parallel()
	a := answer{status: 504, header: http.Header{}}
	if a.fault(time.Now()).MaybeSent {
		t.Error("opening a conversation sends nothing, but its fault says so")
	}
}

func TestFaultsNameTheOperationAndStayShort(t *testing.T) {
	t.Parallel()
	body := `{"error":{"code":"X","message":"` + strings.Repeat("é", 5000) + `"}}`
	f := answer{status: 400, header: http.Header{"X-Correlating-Operationid": {"op-1"}}, body: []byte(body)}.fault(time.Now())
	if !strings.HasSuffix(f.Detail, "é… (operation op-1)") || len([]rune(f.Detail)) > 400 {
		t.Errorf("detail %q", f.Detail)
	}
}

func TestRetryAfterIsReadInEveryForm(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, " 7 ": 7 * time.Second, "0.5": 500 * time.Millisecond, "-3": 0, "soon": 0, "NaN": 0,
		"Inf": time.Hour, "999999999999999999999": time.Hour,
		"Fri, 02 Jan 2026 03:04:35 GMT": 30 * time.Second, "Fri, 02 Jan 2026 03:04:00 GMT": 0, "Sat, 03 Jan 2026 03:04:00 GMT": time.Hour,
	} {
		if got := retryAfter(http.Header{"Retry-After": {value}}, now); got != want {
			t.Errorf("%q is %v, want %v", value, got, want)
		}
	}
}

func TestNetworkFaultsHideTheAddress(t *testing.T) {
	t.Parallel()
	inner := &net.OpError{Op: "dial", Err: errors.New("connection refused")}
	f := networkFault(&url.Error{Op: "Post", URL: "https://x.example/v3/conversations/a%3Asecret", Err: inner}, false)
	want := &broadcast.Fault{Class: transient, Scope: one, Reason: broadcast.ReasonTrouble, Code: CodeNetwork, Detail: "dial: connection refused"}
	if diff := cmp.Diff(want, f); diff != "" {
		t.Error(diff)
	}
	if f := networkFault(context.Canceled, true); f.Code != CodeCancelled || !f.MaybeSent {
		t.Errorf("fault %+v", f)
	}
}

func TestATokenThatCannotBeHadStopsOrDelaysEverybody(t *testing.T) {
	t.Parallel()
	f := tokenFault(errors.New(`RESPONSE 401 {"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret"}`))
	if f.Class != permanent || f.Scope != service || f.Reason != broadcast.ReasonCredentials || !strings.Contains(f.Detail, "AADSTS7000215") {
		t.Errorf("a refused secret: %+v", f)
	}
	f = tokenFault(errors.New("dial tcp: no route to host"))
	if f.Class != broadcast.Throttled || f.Scope != service || f.RetryAfter != tokenPause || f.MaybeSent {
		t.Errorf("an Entra that does not answer: %+v", f)
	}
	if f := tokenFault(context.Canceled); f.Class != transient || f.MaybeSent {
		t.Errorf("our own stop: %+v", f)
	}
}
