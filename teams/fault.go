package teams

import (
	"bytes"
	"cmp"
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/fanfare/fanfare/broadcast"
)

// Codes of Microsoft's by which a caller must tell answers of one kind apart. A
// fault's Code has this spelling however the wire had it.
const (
	CodeActivityNotFound     = "ActivityNotFoundInConversation" // no such message: edit and recall
	CodeConversationNotFound = "ConversationNotFound"           // no such chat, or no such person
)

// faultRow is one line of what the Connector's failures mean.
type faultRow struct {
	status int
	code   string // "" is every other code of that status
	class  broadcast.FaultClass
	scope  broadcast.FaultScope
	reason broadcast.Reason
	how    follow
}

// follow is what a row says beyond class, scope and reason.
type follow int

const (
	plainly follow = iota
	forget         // the conversation is unknown: NoAddress
	careful        // one more try at most
)

// faultRows is all we know of the Connector's moods: house section 8, protocol E.2
// and E.3. The first row whose status and code fit counts; what fits none is
// permanent and the recipient's, because E.3 says: codes not in the table, do not
// retry. Codes are compared without spaces and case ("Bad Argument", E.3), and
// what the table knows is passed on in the table's spelling.
var faultRows = []faultRow{
	{400, "BadArgument", broadcast.Permanent, broadcast.ScopeRecipient, broadcast.ReasonRejected, plainly},
	{400, "", broadcast.Permanent, broadcast.ScopeRecipient, broadcast.ReasonRejected, plainly},
	{401, "BotNotRegistered", broadcast.Permanent, broadcast.ScopeService, broadcast.ReasonCredentials, plainly},
	{401, "", broadcast.Permanent, broadcast.ScopeService, broadcast.ReasonCredentials, plainly},
	{403, "BotDisabledByAdmin", broadcast.Permanent, broadcast.ScopeService, broadcast.ReasonBotDisabled, plainly},
	{403, "ConversationBlockedByUser", broadcast.Permanent, broadcast.ScopeRecipient, broadcast.ReasonBlocked, plainly},
	{403, "MessageWritesBlocked", broadcast.Permanent, broadcast.ScopeRecipient, broadcast.ReasonBlocked, plainly},
	{403, "BotNotInConversationRoster", broadcast.Permanent, broadcast.ScopeRecipient, broadcast.ReasonRemoved, plainly},
	{403, "ForbiddenOperationException", broadcast.Permanent, broadcast.ScopeRecipient, broadcast.ReasonRemoved, plainly},
	{403, "InvalidBotApiHost", broadcast.Permanent, broadcast.ScopeRecipient, broadcast.ReasonBadAddress, plainly},
	{403, "NotEnoughPermissions", broadcast.Permanent, broadcast.ScopeRecipient, broadcast.ReasonRejected, plainly},
	{403, "", broadcast.Permanent, broadcast.ScopeRecipient, broadcast.ReasonRejected, plainly},
	{404, CodeActivityNotFound, broadcast.Permanent, broadcast.ScopeRecipient, broadcast.ReasonRejected, plainly},
	{404, CodeConversationNotFound, broadcast.Permanent, broadcast.ScopeRecipient, broadcast.ReasonGone, forget},
	{404, "", broadcast.Permanent, broadcast.ScopeRecipient, broadcast.ReasonGone, forget},
	{412, "", broadcast.Transient, broadcast.ScopeRecipient, broadcast.ReasonTrouble, plainly},
	{413, "", broadcast.Permanent, broadcast.ScopeBroadcast, broadcast.ReasonTooLarge, plainly},
	{429, "", broadcast.Throttled, broadcast.ScopeService, broadcast.ReasonThrottled, plainly},
	{500, "", broadcast.Transient, broadcast.ScopeRecipient, broadcast.ReasonTrouble, careful},
	{502, "", broadcast.Transient, broadcast.ScopeRecipient, broadcast.ReasonTrouble, plainly},
	{503, "", broadcast.Transient, broadcast.ScopeRecipient, broadcast.ReasonTrouble, plainly},
	{504, "", broadcast.Transient, broadcast.ScopeRecipient, broadcast.ReasonTrouble, plainly},
}

// idComplaints are the words in which the Connector refuses an ID rather than a
// message (protocol C.1): the stored address is useless then.
var idComplaints = []string{"decrypt pairwise id", "decrypt conversation id"}

// answer is a failed call's answer as it came.
type answer struct {
	status int
	header http.Header
	body   []byte
	posts  bool // the call stores a message, so a 5xx may have come after it was stored
}

// fault classifies an answer that is not a success. 5xx of a call that posts may
// have stored the message (protocol C.3, K.28).
func (a answer) fault(now time.Time) *broadcast.Fault {
	code, detail := a.words()
	row := faultRow{a.status, "", broadcast.Permanent, broadcast.ScopeRecipient, broadcast.ReasonUnknownError, plainly}
	for _, r := range faultRows {
		if r.status == a.status && (r.code == "" || sameCode(r.code, code)) {
			row, code = r, cmp.Or(r.code, code)
			break
		}
	}
	f := &broadcast.Fault{
		Class: row.class, Scope: row.scope, Reason: row.reason, NoAddress: row.how == forget, Careful: row.how == careful,
		Status: a.status, Code: code, RetryAfter: retryAfter(a.header, now), MaybeSent: a.posts && a.status >= 500,
	}
	for _, words := range idComplaints {
		if a.status == http.StatusBadRequest && strings.Contains(strings.ToLower(detail), words) {
			f.Reason = broadcast.ReasonBadAddress
		}
	}
	f.Detail = shorten(detail, 300)
	if id := a.header.Get("X-Correlating-OperationId"); id != "" {
		f.Detail = strings.TrimSpace(f.Detail + " (operation " + shorten(id, 80) + ")")
	}
	return f
}

// words reads code and message out of a body: the usual shape, the second shape
// whose message is JSON within a string, HTML, or nothing (protocol E.3).
func (a answer) words() (code, detail string) {
	var shape struct {
		Error struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		} `json:"error"`
		ErrorCode json.Number `json:"errorCode"`
		Message   string      `json:"message"`
	}
	body := bytes.TrimSpace(a.body)
	if len(body) == 0 {
		return "", http.StatusText(a.status)
	}
	if body[0] != '{' {
		return "", "an answer that is not JSON: " + strings.Join(strings.Fields(shorten(string(body), 120)), " ")
	}
	_ = json.Unmarshal(body, &shape) // a shape we do not know is told by the status alone
	if shape.Error.Code != "" || shape.Error.Message != "" {
		return shape.Error.Code, shape.Error.Message
	}
	var nested struct {
		SubCode string `json:"subCode"`
		Details string `json:"details"`
	}
	if json.Unmarshal([]byte(shape.Message), &nested) == nil && nested.SubCode != "" {
		return nested.SubCode, nested.Details
	}
	return string(shape.ErrorCode), shape.Message
}

func sameCode(a, b string) bool {
	return strings.EqualFold(strings.ReplaceAll(a, " ", ""), strings.ReplaceAll(b, " ", ""))
}

// maxRetryAfter bounds what we believe: a pause of a week would be a mistake of
// somebody's, and stop everything.
const maxRetryAfter = time.Hour

// retryAfter reads the header in seconds or as a date; 0 when it is missing.
func retryAfter(h http.Header, now time.Time) time.Duration {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if v == "" {
		return 0
	}
	if secs, err := strconv.ParseFloat(v, 64); err == nil && !math.IsNaN(secs) {
		return time.Duration(min(max(secs, 0), maxRetryAfter.Seconds()) * float64(time.Second))
	}
	if at, err := http.ParseTime(v); err == nil {
		return min(max(at.Sub(now), 0), maxRetryAfter)
	}
	return 0
}
