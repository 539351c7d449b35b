package rollout

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/audience"
)

// RingState is where a ring stands.
type RingState string

// Waiting: nobody in it is wanted for its sake. Open: everybody in it is. Held: more
// failed than it allows. Done: nobody in it was still to get the app for as long as it
// was to be watched; newcomers get it all the same.
const (
	Waiting RingState = "waiting"
	Open    RingState = "open"
	Held    RingState = "held"
	Done    RingState = "done"
)

// RingStates is every state. The database CHECK repeats it.
func RingStates() []RingState { return []RingState{Waiting, Open, Held, Done} }

// Event is what happens to the rollout or to a ring of it.
type Event string

// The events. Start and pause are the whole rollout's, change is of what rings there are.
const (
	EventStart  Event = "start"
	EventPause  Event = "pause"
	EventChange Event = "change"
	EventOpen   Event = "open"
	EventFinish Event = "finish"
	EventHold   Event = "hold"
	EventGo     Event = "go" // an admin lets a held ring go on, with the rollout
)

// Events is every event. The database CHECK repeats it.
func Events() []Event {
	return []Event{EventStart, EventPause, EventChange, EventOpen, EventFinish, EventHold, EventGo}
}

// Rule is one way from a ring's state to another one, and who may take it.
type Rule struct {
	From  RingState
	Event Event
	To    RingState
	Who   []broadcast.Role
}

var rules = []Rule{
	{Waiting, EventOpen, Open, []broadcast.Role{broadcast.RoleAdmin, broadcast.RoleEngine}},
	{Open, EventFinish, Done, []broadcast.Role{broadcast.RoleEngine}},
	{Open, EventHold, Held, []broadcast.Role{broadcast.RoleEngine}},
	{Held, EventGo, Open, []broadcast.Role{broadcast.RoleAdmin}},
}

// Moves is the table of everything that can become of a ring.
func Moves() []Rule { return slices.Clone(rules) }

// ruleOf is the way an event leads from a state, if there is one for somebody.
func ruleOf(from RingState, ev Event, a broadcast.Actor) (Rule, bool) {
	for _, r := range rules {
		if r.From == from && r.Event == ev && a.Has(r.Who...) {
			return r, true
		}
	}
	return Rule{}, false
}

// Last is the ID of the last ring: everyone.
const Last = "everyone"

// Ring is some people who get the app at the same time.
type Ring struct {
	ID       string // Last for the last one
	Name     string
	Audience broadcast.Audience
	ByItself bool // the next one opens by itself when this one is done
	// MaxFailedPercent is how many of those who were tried may fail before everything is
	// paused; 100 for any number.
	MaxFailedPercent int
	Settle           time.Duration // how long it is watched once nobody in it is still to get the app

	State            RingState
	OpenedAt, DoneAt time.Time
	QuietSince       time.Time // when nobody was for the first time; zero for not yet
	Excused          int       // failures with which it was held last
	Filled           bool      // everybody in it is wanted
	Problem          string    // why its people could not be read, the last time; "" if they were
	Counts           Counts
	Counted          bool // Counts says who is in it
}

// IsLast tells whether it is the last ring.
func (r Ring) IsLast() bool { return r.ID == Last }

// Opened tells whether its people are, or were, to get the app.
func (r Ring) Opened() bool { return r.State != Waiting }

// LastRing is the last ring before anything was said of it.
func LastRing() Ring {
	return Ring{ID: Last, Name: "Everyone", Audience: broadcast.Everyone(), MaxFailedPercent: 100, State: Waiting}
}

// Bounds of what rings may be.
const (
	MaxRings   = 20
	maxName    = 60
	MaxSettle  = 30 * 24 * time.Hour
	judgedFrom = 20 // settled people, before the share of failures says anything
)

// mistakes lists what keeps a ring from being stored; at is its place among those given.
func (r Ring) mistakes(at int) (out broadcast.Problems) {
	bad := func(field, format string, args ...any) {
		out = append(out, &broadcast.Error{Code: broadcast.Invalid, Field: fmt.Sprintf("rings.%d.%s", at, field), Message: fmt.Sprintf(format, args...)})
	}
	switch name := []rune(r.Name); {
	case strings.TrimSpace(r.Name) == "":
		bad("name", "Give the ring a name, so that people know which one is meant.")
	case len(name) > maxName:
		bad("name", "The name has %d characters; at most %d fit.", len(name), maxName)
	}
	if r.MaxFailedPercent < 0 || r.MaxFailedPercent > 100 {
		bad("max_failed_percent", "The share that may fail is a whole number from 0 to 100; 100 allows any number.")
	}
	if r.Settle < 0 || r.Settle > MaxSettle {
		bad("settle_minutes", "A ring is watched for at most 30 days (43200 minutes).")
	}
	if r.IsLast() {
		return out
	}
	for _, mistake := range r.Audience.Mistakes() {
		bad("audience", "%s", mistake)
	}
	if len(r.Audience.Channels()) > 0 {
		bad("audience", "A channel is nobody to install the app for. Choose the members of its team instead.")
	}
	if r.Audience.IsEveryone() {
		bad("audience", "Everyone is the last ring, which is always there. Choose some of them here.")
	}
	return out
}

// mistakesOf lists what is wrong with rings together.
func mistakesOf(rings []Ring) (out broadcast.Problems) {
	names := map[string]int{fold(LastRing().Name): -1}
	for i, r := range rings {
		out = append(out, r.mistakes(i)...)
		if r.IsLast() {
			continue
		}
		if _, twice := names[fold(r.Name)]; twice {
			out = append(out, &broadcast.Error{Code: broadcast.Invalid, Field: fmt.Sprintf("rings.%d.name", i), Message: fmt.Sprintf("There are two rings called “%s”. Give each a name of its own.", r.Name)})
		}
		names[fold(r.Name)] = i
	}
	if len(rings) > MaxRings {
		out = append(out, &broadcast.Error{Code: broadcast.Invalid, Field: "rings", Message: fmt.Sprintf("These are %d rings; at most %d can be had.", len(rings), MaxRings)})
	}
	return out
}

func fold(name string) string { return strings.ToLower(strings.TrimSpace(name)) }

// owner is in whose name the people of an opened ring are read.
func (r Ring) owner() string { return Owner(r.ID) }

// Owner is in whose name the people of a ring are read.
func Owner(ring string) string { return "ring/" + ring }

// hasPart tells whether it is made of anything that has to be read.
func (r Ring) hasPart() bool {
	return slices.ContainsFunc(r.Audience.Parts(), func(p audience.Part) bool { return p.Kind != audience.Everyone })
}
