package teams

import (
	"context"
	"errors"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/fanfare/fanfare/broadcast"
)

// Codes of faults that no answer of Microsoft's caused.
const (
	CodeTimeout   = "timeout"
	CodeNetwork   = "network"
	CodeCancelled = "cancelled"
	CodeHost      = "service_url_not_allowed"
	CodeID        = "unusable_id"
	CodeAnswer    = "unreadable_answer"
	CodeToken     = "token_unavailable"
	CodeSecret    = "token_refused"
)

// tokenPause is how long everybody waits when Entra does not answer.
const tokenPause = 15 * time.Second

// networkFault is a call that got no answer. wrote tells whether the request went
// out: only then the message may have arrived.
func networkFault(err error, wrote bool) *broadcast.Fault {
	f := &broadcast.Fault{
		Class: broadcast.Transient, Scope: broadcast.ScopeRecipient, Reason: broadcast.ReasonTrouble,
		Code: CodeNetwork, MaybeSent: wrote,
	}
	var timeout net.Error
	switch {
	case errors.Is(err, context.Canceled):
		f.Code = CodeCancelled
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		f.Code = CodeTimeout
	}
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err // without the address, which holds a person's conversation ID
	}
	f.Detail = shorten(err.Error(), 300)
	return f
}

// refusals are the OAuth codes (RFC 6749, section 5.2) with which Entra refuses a
// credential for good. azidentity keeps the answer in its error's text only.
var refusals = []string{"invalid_client", "unauthorized_client", "invalid_grant", "invalid_scope", "invalid_request"}

// tokenFault is a call that was never made, for want of a token. What Entra refuses
// concerns everybody until an admin mends it; when Entra only fails to answer,
// everybody waits, and nobody's attempts are used up.
func tokenFault(err error) *broadcast.Fault {
	if errors.Is(err, context.Canceled) {
		return networkFault(err, false)
	}
	text := err.Error()
	if slices.ContainsFunc(refusals, func(code string) bool { return strings.Contains(text, code) }) {
		return &broadcast.Fault{
			Class: broadcast.Permanent, Scope: broadcast.ScopeService, Reason: broadcast.ReasonCredentials,
			Code: CodeSecret, Detail: "Entra refused the bot's credential: " + entraNumber(text),
		}
	}
	return &broadcast.Fault{
		Class: broadcast.Throttled, Scope: broadcast.ScopeService, Reason: broadcast.ReasonTrouble,
		Code: CodeToken, Detail: shorten(text, 300), RetryAfter: tokenPause,
	}
}

// entraNumber is Entra's own number of the mistake, which is what admins look up.
func entraNumber(text string) string {
	_, rest, found := strings.Cut(text, "AADSTS")
	if !found {
		return "look at the app's sign-ins in Entra"
	}
	return "AADSTS" + rest[:len(rest)-len(strings.TrimLeft(rest, "0123456789"))]
}

// unusable is a call that is not made, because its address is not one we may or can use.
func unusable(code, detail string) *broadcast.Fault {
	return &broadcast.Fault{
		Class: broadcast.Permanent, Scope: broadcast.ScopeRecipient, Reason: broadcast.ReasonBadAddress,
		Code: code, Detail: shorten(detail, 300),
	}
}
