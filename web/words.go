package web

import (
	"encoding/json"
	"fmt"
	"html/template"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fanfare/fanfare/broadcast"
)

// words are the functions templates speak with.
func words(st *static) template.FuncMap {
	return template.FuncMap{
		"static": st.path, "num": num, "people": people, "iso": iso, "utc": utc, "badge": badge,
		"done": done, "delivery": deliveryWords, "install": installWords,
		"list": list, "add": func(a, b int) int { return a + b }, "card": cardJSON, "kb": kilobytes, "role": role,
		"fieldID": fieldID, "groupNote": groupNote, "act": actOf, "ask": askOf,
		"blank": func() broadcast.Button { return broadcast.Button{} },
		"buttonRow": func(i int, b broadcast.Button, badTitle, badURL string) buttonRow {
			return buttonRow{i, b, badTitle, badURL}
		},
	}
}

// num writes a count with thin groups: 12,345.
func num(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// people is a count with its noun.
func people(n int) string {
	if n == 1 {
		return "1 person"
	}
	return num(n) + " people"
}

// iso is a time for time.js, which shows it in the reader's own zone.
func iso(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// utc is the same time for people without script.
func utc(t time.Time) string { return t.UTC().Format("2 Jan 2006, 15:04 UTC") }

// badge is a broadcast's state in a word or two.
func badge(s broadcast.State) string {
	names := map[broadcast.State]string{
		broadcast.Draft: "Draft", broadcast.InReview: "In review", broadcast.Rejected: "Sent back", broadcast.Approved: "Approved",
		broadcast.Scheduled: "Scheduled", broadcast.Resolving: "Preparing", broadcast.Sending: "Sending", broadcast.Paused: "Paused",
		broadcast.Sent: "Sent", broadcast.Cancelled: "Cancelled", broadcast.Failed: "Failed",
	}
	if n, ok := names[s]; ok {
		return n
	}
	return string(s)
}

// done is an event of the history as people read it: "Ada Author approved it".
func done(ev broadcast.Event) string {
	names := map[broadcast.Event]string{
		broadcast.EventCreate: "began it", broadcast.EventEdit: "changed it", broadcast.EventSubmit: "submitted it for review",
		broadcast.EventWithdraw: "took it back", broadcast.EventApprove: "approved it", broadcast.EventReject: "sent it back",
		broadcast.EventSchedule: "scheduled it", broadcast.EventUnschedule: "took it off the schedule", broadcast.EventSend: "pressed Send",
		broadcast.EventRelease: "started it on schedule", broadcast.EventResolved: "worked out who gets it", broadcast.EventPause: "paused it",
		broadcast.EventResume: "resumed it", broadcast.EventFinish: "finished it", broadcast.EventCancel: "cancelled it", broadcast.EventFail: "stopped it",
	}
	if n, ok := names[ev]; ok {
		return n
	}
	return string(ev)
}

// deliveryWords is a recipient's state as a column heading or a cell.
func deliveryWords(s broadcast.DeliveryState) string {
	names := map[broadcast.DeliveryState]string{
		broadcast.DeliveryPending: "Waiting for the app", broadcast.DeliveryReady: "Next in line", broadcast.DeliverySent: "Sent",
		broadcast.DeliveryFailed: "Failed", broadcast.DeliverySkipped: "Skipped", broadcast.DeliveryCancelled: "Cancelled", broadcast.DeliveryExpired: "Expired",
	}
	if n, ok := names[s]; ok {
		return n
	}
	return string(s)
}

func installWords(s broadcast.InstallationState) string {
	names := map[broadcast.InstallationState]string{
		broadcast.InstallationWanted: "To be installed", broadcast.InstallationInstalled: "Installed", broadcast.InstallationRefused: "Refused",
		broadcast.InstallationRemoved: "Removed by the person", broadcast.InstallationBlocked: "Blocked by the person",
	}
	if n, ok := names[s]; ok {
		return n
	}
	return string(s)
}

func role(r broadcast.Role) string { return strings.ToUpper(string(r[:1])) + string(r[1:]) }

// list joins names as a sentence does.
func list(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

func kilobytes(n int) string { return fmt.Sprintf("%.1f kB", float64(n)/1000) }

// percent is part of whole, 0 to 100, with one decimal: the width of a bar.
func percent(part, whole int) string {
	if whole <= 0 {
		return "0"
	}
	return strconv.FormatFloat(100*float64(part)/float64(whole), 'f', 1, 64)
}

// cardJSON lets a composed card stand in a script element of type
// application/json: html/template escapes it as data there.
func cardJSON(raw []byte) json.RawMessage {
	if len(raw) == 0 {
		return json.RawMessage("null")
	}
	return raw
}

// share is how many people one reason concerns.
type share struct {
	Reason broadcast.Reason
	Count  int
}

// shares sorts reasons by how many people they concern.
func shares(m map[broadcast.Reason]int) []share {
	out := make([]share, 0, len(m))
	for r, n := range m {
		if n > 0 {
			out = append(out, share{r, n})
		}
	}
	slices.SortFunc(out, func(a, b share) int {
		if a.Count != b.Count {
			return b.Count - a.Count
		}
		return strings.Compare(string(a.Reason), string(b.Reason))
	})
	return out
}

// about is a duration as people say it.
func about(d time.Duration) string {
	switch {
	case d < time.Minute:
		return "less than a minute"
	case d < 90*time.Second:
		return "about a minute"
	case d < time.Hour:
		return fmt.Sprintf("about %d minutes", int((d+30*time.Second)/time.Minute))
	case d < 48*time.Hour:
		h, m := int(d/time.Hour), int(d%time.Hour/time.Minute)
		if h >= 5 || m == 0 {
			return fmt.Sprintf("about %d hours", int((d+30*time.Minute)/time.Hour))
		}
		return fmt.Sprintf("about %d h %d min", h, m)
	}
	return fmt.Sprintf("about %d days", int((d+12*time.Hour)/(24*time.Hour)))
}

// between is a stretch of time nobody knows exactly.
func between(low, high time.Duration) string {
	from, to := about(low), about(high)
	if from == to {
		return from
	}
	return from + " to " + to
}
