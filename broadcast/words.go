package broadcast

import "strings"

// Words is the state as people read it.
func (s State) Words() string {
	switch s {
	case Draft:
		return "a draft"
	case InReview:
		return "in review"
	case Rejected:
		return "sent back"
	}
	return string(s)
}

// Participle is the event as people read it in "it cannot be …".
func (e Event) Participle() string {
	words := map[Event]string{
		EventEdit: "edited", EventSubmit: "submitted", EventWithdraw: "withdrawn", EventApprove: "approved",
		EventReject: "sent back", EventSchedule: "scheduled", EventUnschedule: "taken off the schedule",
		EventSend: "sent", EventPause: "paused", EventResume: "resumed", EventCancel: "cancelled",
		EventRelease: "released", EventResolved: "resolved", EventFinish: "finished", EventFail: "failed",
	}
	if w, ok := words[e]; ok {
		return w
	}
	return string(e)
}

func roleWords(roles []Role) string {
	names := make([]string, 0, len(roles))
	for _, r := range roles {
		if r != RoleEngine {
			names = append(names, strings.ToUpper(string(r[:1]))+string(r[1:]))
		}
	}
	if len(names) == 0 {
		return "engine"
	}
	return strings.Join(names, " or ")
}
