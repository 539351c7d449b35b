// Package words is how the pages speak: counts, times, states, reasons and plans in
// the words people read, each in one place so that no two pages word a thing
// differently. It knows the nouns of broadcast and nothing of templates or HTTP.
package words

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fanfare/fanfare/broadcast"
)

// Num writes a count with thin groups: 12,345.
func Num(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// People is a count with its noun.
func People(n int) string {
	if n == 1 {
		return "1 person"
	}
	return Num(n) + " people"
}

// ISO is a time for time.js, which shows it in the reader's own zone.
func ISO(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// UTC is the same time for people without script.
func UTC(t time.Time) string { return t.UTC().Format("2 Jan 2006, 15:04 UTC") }

// Badge is a broadcast's state in a word or two.
func Badge(k broadcast.BroadcastKind, s broadcast.State) string {
	if s == broadcast.Sent && k.Changes() {
		return "Done"
	}
	if w, ok := standing[s]; ok && k == broadcast.KindWelcome {
		return w
	}
	return named(map[broadcast.State]string{
		broadcast.Draft: "Draft", broadcast.InReview: "In review", broadcast.Rejected: "Sent back", broadcast.Approved: "Approved",
		broadcast.Scheduled: "Scheduled", broadcast.Resolving: "Preparing", broadcast.Sending: "Sending", broadcast.Paused: "Paused", broadcast.Held: "Held",
		broadcast.Sent: "Sent", broadcast.Cancelled: "Cancelled", broadcast.Failed: "Failed",
	}, s)
}

// standing are the states of a welcome message where it has its own words for them.
var standing = map[broadcast.State]string{broadcast.Sending: "In use", broadcast.Sent: "Replaced", broadcast.Cancelled: "Stopped"}

// named is a value's words, or the value itself.
func named[T ~string](words map[T]string, v T) string {
	if w, ok := words[v]; ok {
		return w
	}
	return string(v)
}

// Kind is a broadcast's kind where it is none of the usual: "Correction".
func Kind(k broadcast.BroadcastKind) string {
	switch k {
	case broadcast.KindEdit:
		return "Correction"
	case broadcast.KindRecall:
		return "Recall"
	case broadcast.KindWelcome:
		return "Welcome message"
	case broadcast.KindPost:
		return "Welcome in a team"
	}
	return ""
}

// Done is an event of the history as people read it: "Ada Author approved it".
func Done(ev broadcast.Event) string {
	return named(map[broadcast.Event]string{
		broadcast.EventCreate: "began it", broadcast.EventEdit: "changed it", broadcast.EventSubmit: "submitted it for review",
		broadcast.EventWithdraw: "took it back", broadcast.EventApprove: "approved it", broadcast.EventReject: "sent it back",
		broadcast.EventSchedule: "scheduled it", broadcast.EventUnschedule: "took it off the schedule", broadcast.EventSend: "pressed Send",
		broadcast.EventRelease: "started it on schedule", broadcast.EventResolved: "worked out who gets it", broadcast.EventPause: "paused it",
		broadcast.EventResume: "resumed it", broadcast.EventFinish: "finished it", broadcast.EventCancel: "cancelled it", broadcast.EventFail: "stopped it",
		broadcast.EventHold: "held it after the first wave", broadcast.EventGo: "let it go on to everybody", broadcast.EventRetry: "had those who failed tried again",
		broadcast.EventLate: "took in people who got the app later", broadcast.EventRecall: "recalled it", broadcast.EventCorrected: "put corrected words in its place",
	}, ev)
}

// Delivery is a recipient's state as a column heading or a cell.
func Delivery(k broadcast.BroadcastKind, s broadcast.DeliveryState) string {
	switch {
	case s == broadcast.DeliverySent && k == broadcast.KindEdit:
		return "Corrected"
	case s == broadcast.DeliverySent && k == broadcast.KindRecall:
		return "Taken back"
	}
	return named(map[broadcast.DeliveryState]string{
		broadcast.DeliveryPending: "Waiting for the app", broadcast.DeliveryReady: "Next in line", broadcast.DeliverySent: "Sent",
		broadcast.DeliveryFailed: "Failed", broadcast.DeliverySkipped: "Skipped", broadcast.DeliveryCancelled: "Cancelled", broadcast.DeliveryExpired: "Expired",
	}, s)
}

// Install is how the app stands with a person.
func Install(s broadcast.InstallationState) string {
	return named(map[broadcast.InstallationState]string{
		broadcast.InstallationWanted: "To be installed", broadcast.InstallationInstalled: "Installed", broadcast.InstallationRefused: "Refused",
		broadcast.InstallationRemoved: "Removed by the person", broadcast.InstallationBlocked: "Blocked by the person",
	}, s)
}

// Role is a role as a title.
func Role(r broadcast.Role) string { return strings.ToUpper(string(r[:1])) + string(r[1:]) }

// List joins names as a sentence does.
func List(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

// Kilobytes is a size in thousands of bytes.
func Kilobytes(n int) string { return fmt.Sprintf("%.1f kB", float64(n)/1000) }

// Percent is part of whole, 0 to 100, with one decimal: the width of a bar.
func Percent(part, whole int) string {
	if whole <= 0 {
		return "0"
	}
	return strconv.FormatFloat(100*float64(part)/float64(whole), 'f', 1, 64)
}

// Share is how many people one reason concerns.
type Share struct {
	Reason broadcast.Reason
	Count  int
}

// Shares sorts reasons by how many people they concern.
func Shares(m map[broadcast.Reason]int) []Share {
	out := make([]Share, 0, len(m))
	for r, n := range m {
		if n > 0 {
			out = append(out, Share{r, n})
		}
	}
	slices.SortFunc(out, func(a, b Share) int {
		if a.Count != b.Count {
			return b.Count - a.Count
		}
		return strings.Compare(string(a.Reason), string(b.Reason))
	})
	return out
}
