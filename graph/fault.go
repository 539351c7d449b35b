package graph

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/fanfare/fanfare/broadcast"
)

// Codes of faults that are ours, where Graph gave none.
const (
	CodeNetwork    = "network"    // no answer at all
	CodeTimeout    = "timeout"    // no answer in time
	CodeCancelled  = "cancelled"  // we stopped waiting
	CodeToken      = "token"      // Entra gave no token
	CodeUnreadable = "unreadable" // a success whose content makes no sense
)

// rule is one row of Graph's moods: the first that matches an answer says what
// it means. Zero fields match everything.
type rule struct {
	status int
	code   string // error.code or the innermost one, case folded
	text   string // in error.message, lower case
	class  broadcast.FaultClass
	scope  broadcast.FaultScope
	reason broadcast.Reason
}

// rules are protocol F.3 (installing), F.7 and G.4 (throttling), G.1 (delta). The
// statuses that mean different things for different calls (400, 404, 409, a plain
// 403) have no reason: their callers know.
var rules = []rule{
	{status: 401, class: broadcast.Permanent, scope: broadcast.ScopeService, reason: broadcast.ReasonCredentials},

	{status: 403, text: "not allowed to manage the teams app", class: broadcast.Permanent, scope: broadcast.ScopeService, reason: broadcast.ReasonMismatch},
	{status: 403, text: "missing role permissions", class: broadcast.Permanent, scope: broadcast.ScopeService, reason: broadcast.ReasonNoConsent},
	{status: 403, code: "Authorization_RequestDenied", class: broadcast.Permanent, scope: broadcast.ScopeService, reason: broadcast.ReasonNoConsent},
	{status: 403, text: "not licensed", class: broadcast.Permanent, scope: broadcast.ScopeRecipient, reason: broadcast.ReasonUnlicensed},
	{status: 403, text: "permission policy", class: broadcast.Permanent, scope: broadcast.ScopeRecipient, reason: broadcast.ReasonPolicy},
	{status: 403, code: "AccessDenied", class: broadcast.Permanent, scope: broadcast.ScopeRecipient, reason: broadcast.ReasonPolicy},

	// The plain permission to install in teams does not reach apps that declare permissions
	// of their own (protocol F.1; the words are of field reports).
	{status: 412, text: "resourcespecificpermissions", class: broadcast.Permanent, scope: broadcast.ScopeService, reason: broadcast.ReasonNoConsent},

	{status: 410, class: broadcast.Permanent, scope: broadcast.ScopeService},
	{code: codeNoState, class: broadcast.Permanent, scope: broadcast.ScopeService},
	{code: codeBadState, class: broadcast.Permanent, scope: broadcast.ScopeService},

	{status: 429, class: broadcast.Throttled, scope: broadcast.ScopeService, reason: broadcast.ReasonThrottled},
	{status: 509, class: broadcast.Throttled, scope: broadcast.ScopeService, reason: broadcast.ReasonThrottled},
	{status: 408, class: broadcast.Transient, scope: broadcast.ScopeRecipient, reason: broadcast.ReasonTrouble},
	{status: 423, class: broadcast.Transient, scope: broadcast.ScopeRecipient, reason: broadcast.ReasonTrouble},
	{status: 424, class: broadcast.Transient, scope: broadcast.ScopeRecipient, reason: broadcast.ReasonTrouble},
}

const (
	codeNoState  = "syncStateNotFound"
	codeBadState = "SyncStateInvalid"
)

func (r rule) matches(n note) bool {
	return (r.status == 0 || r.status == n.status) &&
		(r.code == "" || strings.EqualFold(r.code, n.code) || strings.EqualFold(r.code, n.inner)) &&
		(r.text == "" || strings.Contains(strings.ToLower(n.message), r.text))
}

// faultOf classifies a failed call by what was noted of its answer, and only
// where there was none by the SDK's error.
func faultOf(err error, n note) *broadcast.Fault {
	if n.status < 300 {
		return unanswered(err, n)
	}
	f := &broadcast.Fault{Status: n.status, Code: n.code, Detail: shorten(n.message), RetryAfter: n.retryAfter}
	if n.inner != "" && n.inner != n.code {
		f.Code = strings.TrimPrefix(n.code+"/"+n.inner, "/")
	}
	for _, r := range rules {
		if r.matches(n) {
			f.Class, f.Scope, f.Reason = r.class, r.scope, r.reason
			return f
		}
	}
	f.Class, f.Scope = broadcast.Permanent, broadcast.ScopeRecipient
	if n.status >= 500 || n.status < 400 { // a redirect is a proxy's, not Graph's
		f.Class, f.Reason = broadcast.Transient, broadcast.ReasonTrouble
	}
	return f
}

// unanswered classifies a call without an answer, or with one that says success
// and cannot be read.
func unanswered(err error, n note) *broadcast.Fault {
	f := &broadcast.Fault{
		Class: broadcast.Transient, Scope: broadcast.ScopeRecipient, Reason: broadcast.ReasonTrouble,
		Status: n.status, Code: CodeNetwork, Detail: shorten(textOf(err)),
	}
	var noToken *tokenError
	switch {
	case n.status != 0:
		f.Code = CodeUnreadable
	case errors.Is(err, context.Canceled):
		f.Code = CodeCancelled
	case errors.Is(err, context.DeadlineExceeded):
		f.Code = CodeTimeout
	case errors.As(err, &noToken):
		f.Code, f.Scope, f.Detail = CodeToken, broadcast.ScopeService, shorten(entraSays(textOf(noToken.err)))
		if noToken.refused() {
			f.Class, f.Reason = broadcast.Permanent, broadcast.ReasonCredentials
		}
	}
	return f
}

// textOf is err's text. The SDK's own error type panics when Graph sent no error
// object.
func textOf(err error) (text string) {
	defer func() {
		if p := recover(); p != nil {
			text = "an error without words"
		}
	}()
	if err == nil {
		return "no answer"
	}
	return err.Error()
}

// maxDetail is how many runes of Microsoft's words are kept.
const maxDetail = 300

func shorten(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > maxDetail {
		return string(r[:maxDetail-1]) + "…"
	}
	return s
}

// MustResync tells whether err says that a delta link is too old or unknown, so
// that everything has to be read anew (protocol G.1).
func MustResync(err error) bool {
	var f *broadcast.Fault
	if !errors.As(err, &f) || f.Class != broadcast.Permanent {
		return false
	}
	return f.Status == http.StatusGone || hasCode(f, codeNoState) || hasCode(f, codeBadState)
}

// Status is the HTTP status Graph answered with, 0 if err is no fault or there
// was no answer.
func Status(err error) int {
	var f *broadcast.Fault
	if errors.As(err, &f) {
		return f.Status
	}
	return 0
}

func hasCode(f *broadcast.Fault, code string) bool {
	for part := range strings.SplitSeq(f.Code, "/") {
		if strings.EqualFold(part, code) {
			return true
		}
	}
	return false
}
