package rollout

import (
	"fmt"
	"slices"
	"time"

	"github.com/fanfare/fanfare/broadcast"
)

// Counts is how some people stand. Those the directory says can have the app are in
// exactly one of Installed, Wanted, Refused, Removed, Blocked and Untouched.
type Counts struct {
	Installed int
	Addressed int // of Installed: those whose conversation we know
	Wanted    int
	Refused   int
	Removed   int
	Blocked   int
	Untouched int // nobody wants it for them yet
	// Reasons counts the refused and the retried wanted ones.
	Reasons  map[broadcast.Reason]int
	Excluded map[broadcast.Reason]int // those who cannot have it, by the directory's reason
}

// Eligible is how many can have the app.
func (c Counts) Eligible() int {
	return c.Installed + c.Wanted + c.Refused + c.Removed + c.Blocked + c.Untouched
}

// People is everybody, those who cannot have it too.
func (c Counts) People() int {
	n := c.Eligible()
	for _, some := range c.Excluded {
		n += some
	}
	return n
}

// Settled is how many have come to an end, for good or for bad.
func (c Counts) Settled() int { return c.Installed + c.Refused + c.Removed + c.Blocked }

// Left is how many are still to get the app, or to be asked for.
func (c Counts) Left() int { return c.Wanted + c.Untouched }

// Of is how many are in a state.
func (c Counts) Of(s broadcast.InstallationState) int {
	return map[broadcast.InstallationState]int{
		broadcast.InstallationInstalled: c.Installed, broadcast.InstallationWanted: c.Wanted, broadcast.InstallationRefused: c.Refused,
		broadcast.InstallationRemoved: c.Removed, broadcast.InstallationBlocked: c.Blocked, "": c.Untouched,
	}[s]
}

// Add counts n more people in a state: "" for those nobody wants the app for.
func (c *Counts) Add(s broadcast.InstallationState, n int) {
	switch s {
	case broadcast.InstallationInstalled:
		c.Installed += n
	case broadcast.InstallationWanted:
		c.Wanted += n
	case broadcast.InstallationRefused:
		c.Refused += n
	case broadcast.InstallationRemoved:
		c.Removed += n
	case broadcast.InstallationBlocked:
		c.Blocked += n
	default:
		c.Untouched += n
	}
}

// plus are both together, or with a sign of -1 what is left of c without the others.
func (c Counts) plus(o Counts, sign int) Counts {
	sum := func(a, b map[broadcast.Reason]int) map[broadcast.Reason]int {
		out := map[broadcast.Reason]int{}
		for r, n := range a {
			out[r] = n
		}
		for r, n := range b {
			if out[r] += sign * n; out[r] <= 0 {
				delete(out, r)
			}
		}
		return out
	}
	return Counts{
		Installed: c.Installed + sign*o.Installed, Addressed: c.Addressed + sign*o.Addressed, Wanted: c.Wanted + sign*o.Wanted,
		Refused: c.Refused + sign*o.Refused, Removed: c.Removed + sign*o.Removed, Blocked: c.Blocked + sign*o.Blocked,
		Untouched: c.Untouched + sign*o.Untouched, Reasons: sum(c.Reasons, o.Reasons), Excluded: sum(c.Excluded, o.Excluded),
	}
}

// Plan is what was decided: the state of the whole, and the rings in their order, the
// last one last.
type Plan struct {
	State     broadcast.RolloutState
	Why       string // why it paused by itself; "" if somebody did
	By        broadcast.ActorRef
	ChangedAt time.Time
	Revision  int64 // grows with every change of a ring
	Rings     []Ring
}

// InRings tells whether there is more than the last ring.
func (p Plan) InRings() bool { return len(p.Rings) > 1 }

// Next is the first ring that waits; false if all were opened.
func (p Plan) Next() (Ring, bool) {
	i := slices.IndexFunc(p.Rings, func(r Ring) bool { return !r.Opened() })
	if i < 0 {
		return Ring{}, false
	}
	return p.Rings[i], true
}

// Before is the ring before the one with an ID; false if it is the first.
func (p Plan) Before(id string) (Ring, bool) {
	i := slices.IndexFunc(p.Rings, func(r Ring) bool { return r.ID == id })
	if i < 1 {
		return Ring{}, false
	}
	return p.Rings[i-1], true
}

// Ring is the one with an ID; *Error NotFound if there is none.
func (p Plan) Ring(id string) (Ring, error) {
	for _, r := range p.Rings {
		if r.ID == id {
			return r, nil
		}
	}
	return Ring{}, broadcast.Errorf(broadcast.NotFound, "There is no such ring. Somebody may just have deleted it; reload the page.")
}

// Rollout is how far the installation has come: of everybody, and in each opened ring.
// The last ring has the counts of all who are in none that was opened.
type Rollout struct {
	Plan
	Counts
	DirectoryAt time.Time // when the directory was last read to the end; zero for never
}

// Move is a line of the audit.
type Move struct {
	At    time.Time
	Event Event
	Ring  string // its name then; "" for the whole
	Note  string
	By    broadcast.ActorRef
}

// Words is the line as people read it, without who and when.
func (m Move) Words() string {
	words := map[Event]string{
		EventStart: "let the rollout go on", EventPause: "paused the rollout", EventChange: "changed the rings",
		EventOpen: "opened the ring “%s”", EventFinish: "finished the ring “%s”", EventHold: "held the ring “%s” and paused the rollout", EventGo: "let the ring “%s” go on",
	}[m.Event]
	if m.Ring != "" && m.Event != EventChange && m.Event != EventStart && m.Event != EventPause {
		words = fmt.Sprintf(words, m.Ring)
	}
	if m.Note != "" {
		words += ": " + m.Note
	}
	return words
}

// Sample is how many people were in which state at a time.
type Sample struct {
	At time.Time
	Counts
}

// Share is how the people stand who have one value of a field.
type Share struct {
	Value string // "" for those who have none
	Counts
}
