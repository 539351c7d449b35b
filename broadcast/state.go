package broadcast

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// State is where a broadcast stands.
type State string

// The states of a broadcast; the arrows between them are the moves table.
const (
	Draft     State = "draft"
	InReview  State = "in_review"
	Rejected  State = "rejected"
	Approved  State = "approved"
	Scheduled State = "scheduled"
	Resolving State = "resolving"
	Sending   State = "sending"
	Paused    State = "paused"
	Held      State = "held"
	Sent      State = "sent"
	Cancelled State = "cancelled"
	Failed    State = "failed"
)

// States is every state, in the order of life. The database CHECK repeats it.
func States() []State {
	return []State{Draft, InReview, Rejected, Approved, Scheduled, Resolving, Sending, Paused, Held, Sent, Cancelled, Failed}
}

// Event is what happens to a broadcast.
type Event string

// The events that move a broadcast.
const (
	EventCreate     Event = "create"
	EventEdit       Event = "edit"
	EventSubmit     Event = "submit"
	EventWithdraw   Event = "withdraw"
	EventApprove    Event = "approve"
	EventReject     Event = "reject"
	EventSchedule   Event = "schedule"
	EventUnschedule Event = "unschedule"
	EventSend       Event = "send"
	EventRelease    Event = "release"
	EventResolved   Event = "resolved"
	EventPause      Event = "pause"
	EventResume     Event = "resume"
	EventFinish     Event = "finish"
	EventCancel     Event = "cancel"
	EventFail       Event = "fail"
	EventHold       Event = "hold"      // the first wave is over: wait for a person's go
	EventGo         Event = "go"        // let everybody else have it
	EventRetry      Event = "retry"     // try failed people again
	EventLate       Event = "late"      // people who got the app later were taken in
	EventRecall     Event = "recall"    // take the messages back
	EventCorrected  Event = "corrected" // a correction was sent: its words are the broadcast's now
)

// Rule is one row of the moves table: in From, Event by one of Who leads to To.
type Rule struct {
	From  State
	Event Event
	To    State
	Who   []Role
}

var (
	authors   = []Role{RoleAuthor, RoleAdmin}
	approvers = []Role{RoleApprover}
	senders   = []Role{RoleAuthor, RoleApprover, RoleAdmin}
	drivers   = []Role{RoleAuthor, RoleApprover, RoleAdmin, RoleEngine}
	engine    = []Role{RoleEngine}
)

// moves is the whole life of a broadcast. An edit of anything that was submitted
// leads back to draft, so that no approval outlives what was approved.
var moves = []Rule{
	{Draft, EventEdit, Draft, authors},
	{InReview, EventEdit, Draft, authors},
	{Rejected, EventEdit, Draft, authors},
	{Approved, EventEdit, Draft, authors},
	{Draft, EventSubmit, InReview, authors},
	{Rejected, EventSubmit, InReview, authors},
	{InReview, EventWithdraw, Draft, authors},
	{InReview, EventApprove, Approved, approvers},
	{InReview, EventReject, Rejected, approvers},
	{Approved, EventSchedule, Scheduled, senders},
	{Scheduled, EventUnschedule, Approved, senders},
	{Approved, EventSend, Resolving, senders},
	{Scheduled, EventRelease, Resolving, engine},
	{Resolving, EventResolved, Sending, engine},
	{Resolving, EventFail, Failed, engine},
	{Sending, EventFail, Failed, engine},
	{Sending, EventPause, Paused, drivers},
	{Paused, EventResume, Sending, senders},
	{Sending, EventHold, Held, engine},
	{Sending, EventGo, Sending, engine},
	{Held, EventGo, Sending, senders},
	{Sending, EventFinish, Sent, engine},
	{Sent, EventLate, Sending, engine},
	{Sent, EventRetry, Sending, senders},
	{Sending, EventRetry, Sending, senders},
	{Paused, EventRetry, Paused, senders},
	{Sent, EventRecall, Sent, senders},
	{Cancelled, EventRecall, Cancelled, senders},
	{Failed, EventRecall, Failed, senders},
	{Sent, EventCorrected, Sent, engine},
	{Cancelled, EventCorrected, Cancelled, engine},
	{Failed, EventCorrected, Failed, engine},
	{Failed, EventResume, Resolving, senders},
	{Draft, EventCancel, Cancelled, authors},
	{InReview, EventCancel, Cancelled, senders},
	{Rejected, EventCancel, Cancelled, authors},
	{Approved, EventCancel, Cancelled, senders},
	{Scheduled, EventCancel, Cancelled, senders},
	{Resolving, EventCancel, Cancelled, senders},
	{Sending, EventCancel, Cancelled, senders},
	{Paused, EventCancel, Cancelled, senders},
	{Held, EventCancel, Cancelled, senders},
	{Failed, EventCancel, Cancelled, senders},
}

// Moves is a copy of the moves table, for the drawing, the buttons and the tests.
func Moves() []Rule { return slices.Clone(moves) }

// rule finds the row for an event in a state.
func rule(from State, ev Event) (Rule, bool) {
	i := slices.IndexFunc(moves, func(r Rule) bool { return r.From == from && r.Event == ev })
	if i < 0 {
		return Rule{}, false
	}
	return moves[i], true
}

// Can tells whether the actor may do that to this broadcast now. Pages show a
// button exactly when Can is true; use-cases refuse exactly when it is false.
func (b *Broadcast) Can(a Actor, ev Event) bool { return b.why(a, ev) == nil }

// why is the reason an actor may not do something, or nil.
func (b *Broadcast) why(a Actor, ev Event) *Error {
	r, ok := rule(b.State, ev)
	if !ok || slices.Equal(r.Who, engine) && !a.Has(RoleEngine) { // what only the engine does is nobody's to ask for
		return Errorf(Conflict, "This broadcast is %s, so it cannot be %s. Reload the page to see where it stands.", b.State.Words(), ev.Participle())
	}
	if !a.Has(r.Who...) {
		return Errorf(Forbidden, "Your role does not allow that. Ask somebody with the role %s.", roleWords(r.Who))
	}
	if (ev == EventApprove || ev == EventReject) && b.Edited(a.ID) {
		return Errorf(Forbidden, "You wrote or changed this broadcast, so somebody else has to review it.")
	}
	if err := b.notWelcome(a, ev); err != nil {
		return err
	}
	return b.notNow(ev)
}

// notNow is why an event that the state allows makes no sense for this broadcast.
func (b *Broadcast) notNow(ev Event) *Error {
	recalled := !b.RecalledAt.IsZero()
	switch {
	case ev == EventRecall && b.Kind != KindAnnouncement:
		return Errorf(Conflict, "Only an announcement can be recalled. Open the announcement it belongs to.")
	case ev == EventRecall && recalled:
		return Errorf(Conflict, "It was recalled already. Open the recall to see whom it reached, and retry those it did not.")
	case ev == EventRecall && b.Tally.Sent+b.Tally.Failed == 0:
		return Errorf(Conflict, "Nobody has received it, so there is nothing to recall.")
	case (ev == EventRetry || ev == EventLate || ev == EventResume) && recalled:
		return Errorf(Conflict, "It was recalled, so it is sent to nobody any more.")
	case ev == EventRetry && b.Tally.Failed == 0:
		return Errorf(Conflict, "Nobody failed, so there is nobody to try again.")
	}
	return nil
}

// apply makes the move on a copy and writes its audit line.
func (b *Broadcast) apply(a Actor, ev Event, note string, now time.Time) (*Broadcast, Move, error) {
	if err := b.why(a, ev); err != nil {
		return nil, Move{}, err
	}
	r, _ := rule(b.State, ev)
	next := *b
	next.State, next.UpdatedAt = r.To, now
	if ev == EventSend || ev == EventRelease {
		next.Wave = 1
		if b.Plan.Canary.On() {
			next.Wave = 0
		}
	}
	return &next, Move{BroadcastID: b.ID, Event: ev, From: b.State, To: r.To, By: a.ActorRef, At: now, Note: note, Hash: b.Hash()}, nil
}

// Live tells whether the engine still works on a broadcast in this state.
func (s State) Live() bool { return s == Resolving || s == Sending || s == Paused || s == Held }

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
		EventHold: "held", EventGo: "let go on", EventRetry: "retried", EventLate: "sent to late joiners",
		EventRecall: "recalled", EventCorrected: "corrected",
	}
	return cmp.Or(words[e], string(e))
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
