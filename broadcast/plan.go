package broadcast

import (
	"fmt"
	"slices"
	"time"

	"github.com/fanfare/fanfare/broadcast/audience"
)

// Priority says which broadcasts go first when several want the same allowance.
type Priority string

// Urgent overtakes, bulk steps aside; nobody is ever starved (Weight).
const (
	PriorityUrgent Priority = "urgent"
	PriorityNormal Priority = "normal"
	PriorityBulk   Priority = "bulk"
)

// Priorities is every priority, the most pressing first. The database CHECK repeats it.
func Priorities() []Priority { return []Priority{PriorityUrgent, PriorityNormal, PriorityBulk} }

// Weight is how many requests a broadcast of this priority gets for each one a
// bulk broadcast gets, while both have people waiting.
func (p Priority) Weight() int {
	switch p {
	case PriorityUrgent:
		return 16
	case PriorityBulk:
		return 1
	}
	return 4
}

// Late says what happens to people who get the app only after the list was frozen.
type Late string

// Until finished: whoever gets the app while others are still being sent to, gets
// the message too. Until a date: also after that. Never: only who has the app now.
const (
	LateUntilFinished Late = "until_finished"
	LateUntilDate     Late = "until_date"
	LateNever         Late = "never"
)

// Lates is every choice, the usual one first.
func Lates() []Late { return []Late{LateUntilFinished, LateUntilDate, LateNever} }

// Repeats says what to do with a send of which nobody knows whether it arrived
// (protocol C.3: there is no idempotency key).
type Repeats string

// Risk tries again: nobody misses it, a few may get it twice. Avoid leaves it: nobody
// gets it twice, a few may miss it and are listed as unconfirmed.
const (
	RepeatsRisk  Repeats = "risk"
	RepeatsAvoid Repeats = "avoid"
)

// RepeatPolicies is every choice, the usual one first.
func RepeatPolicies() []Repeats { return []Repeats{RepeatsRisk, RepeatsAvoid} }

// Canary is a small first wave: the first People who can be reached, or the people
// of the audience who are in Group. After it the broadcast is held for a person's
// go; with Auto it goes on by itself unless more than MaxFailedPercent of those
// tried failed.
type Canary struct {
	People           int
	Group            Group
	Auto             bool
	MaxFailedPercent int
}

// On tells whether there is a first wave at all.
func (c Canary) On() bool { return c.People > 0 || c.Group.ID != "" }

// Ring is the group of the first wave, as an audience has it.
func (c Canary) Ring() audience.Part {
	return audience.Part{Kind: audience.Group, ID: c.Group.ID, Name: c.Group.Name}
}

// Plan is how a broadcast is sent. It is part of what is approved. The zero value
// is the usual way: normal priority, no expiry, no canary, late joiners until it is
// finished, repeats risked.
type Plan struct {
	Priority  Priority  // "" is normal
	ExpiresAt time.Time // whoever is not reached by then becomes expired; zero for never
	Canary    Canary
	Late      Late      // "" is until finished
	LateUntil time.Time // for LateUntilDate
	Repeats   Repeats   // "" is risk
}

// tidy is the plan as it is stored: times to the second, in UTC, and what was chosen
// as it is anyway left out, so that its hash is the same before and after.
func (p Plan) tidy() Plan {
	u := Plan{}.Usual()
	if p.Priority == u.Priority {
		p.Priority = ""
	}
	if p.Late == u.Late {
		p.Late = ""
	}
	if p.Repeats == u.Repeats {
		p.Repeats = ""
	}
	p.ExpiresAt, p.LateUntil = p.ExpiresAt.UTC().Truncate(time.Second), p.LateUntil.UTC().Truncate(time.Second)
	return p
}

// Usual fills in what was left empty.
func (p Plan) Usual() Plan {
	if p.Priority == "" {
		p.Priority = PriorityNormal
	}
	if p.Late == "" {
		p.Late = LateUntilFinished
	}
	if p.Repeats == "" {
		p.Repeats = RepeatsRisk
	}
	return p
}

// maxCanary is how many people a first wave may have.
const maxCanary = 10_000

// Problems lists what keeps the plan from being used. Times are compared with now
// only where a past one could never work.
func (p Plan) Problems(now time.Time) Problems {
	var out Problems
	add := func(field, format string, args ...any) {
		out = append(out, &Error{Code: Invalid, Field: field, Message: fmt.Sprintf(format, args...)})
	}
	u := p.Usual()
	if !slices.Contains(Priorities(), u.Priority) {
		add("plan.priority", "There is no priority %q. Choose urgent, normal or bulk.", p.Priority)
	}
	if !slices.Contains(Lates(), u.Late) {
		add("plan.late", "Choose until_finished, until_date or never for people who get the app later.")
	}
	if !slices.Contains(RepeatPolicies(), u.Repeats) {
		add("plan.repeats", "Choose risk or avoid for messages Teams does not confirm.")
	}
	if !p.ExpiresAt.IsZero() && !p.ExpiresAt.After(now) {
		add("plan.expires_at", "The time after which it is not delivered any more has passed. Choose a later one.")
	}
	if u.Late == LateUntilDate && !p.LateUntil.After(now) {
		add("plan.late_until", "Choose a date in the future until which late joiners get this.")
	}
	if u.Late != LateUntilDate && !p.LateUntil.IsZero() {
		add("plan.late_until", "A date for late joiners only goes with “until a date”.")
	}
	return append(out, p.Canary.problems()...)
}

func (c Canary) problems() Problems {
	bad := func(field, format string, args ...any) Problems {
		return Problems{{Invalid, field, fmt.Sprintf(format, args...)}}
	}
	switch {
	case c.People < 0 || c.People > maxCanary:
		return bad("plan.canary.people", "A first wave has 1 to %d people.", maxCanary)
	case c.People > 0 && c.Group.ID != "":
		return bad("plan.canary.group", "Choose either a number of people or a group for the first wave, not both.")
	case c.Group.ID != "" && !audience.IsGUID(c.Group.ID):
		return bad("plan.canary.group", "%q is not the ID of a group. Choose the group from the list.", c.Group.ID)
	case c.MaxFailedPercent < 0 || c.MaxFailedPercent > 100:
		return bad("plan.canary.max_failed_percent", "The share of failures is a percentage from 0 to 100.")
	case !c.On() && (c.Auto || c.MaxFailedPercent != 0):
		return bad("plan.canary.people", "Say how many people the first wave has, or choose a group.")
	}
	return nil
}
