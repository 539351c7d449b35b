package broadcast

import (
	"context"
	"time"

	"github.com/fanfare/fanfare/broadcast/audience"
)

// Audience is who is meant, unresolved (package audience).
type Audience = audience.Audience

// Everyone is the audience of everybody in the organisation.
func Everyone() Audience { return audience.Of(audience.Part{Kind: audience.Everyone}) }

// InGroups is the audience of the members of some groups.
func InGroups(groups ...Group) Audience {
	var a Audience
	for _, g := range groups {
		a.Include = append(a.Include, audience.Part{Kind: audience.Group, ID: g.ID, Name: g.Name})
	}
	return a
}

// Group is an Entra group; Name is kept as it was when it was chosen.
type Group struct {
	ID   string
	Name string
}

// audienceProblems lists what keeps an audience from being used.
func audienceProblems(a Audience) (out Problems) {
	for _, mistake := range a.Mistakes() {
		out = append(out, &Error{Invalid, "audience", mistake})
	}
	return out
}

// Recipient is a person, resolved from an audience. Excluded is the directory's
// reason why they cannot be written to; what the bot's state adds is the store's.
type Recipient struct {
	EntraID  EntraID
	Excluded Reason
}

// Reach says how far an audience would come right now: Total = Ready + Waiting +
// the sum of Excluded, all of them people. Channels stand beside them.
type Reach struct {
	Total    int
	Ready    int // have the bot, and we know their conversation
	Waiting  int // are still to get the bot; the broadcast waits for them
	Excluded map[Reason]int
	Sample   []string       // a few names of those who will get it
	Got      []Got          // how much those got lately
	Channels int            // get a post
	Closed   map[Reason]int // channels nobody can post in
}

// Got is how many people got so many announcements in the last 7 and 30 days, today and
// that many days before it.
type Got struct{ Week, Month, People int }

// Reachable is how many people would get the message.
func (r Reach) Reachable() int { return r.Ready + r.Waiting }

// Directory knows who is in the parts of an audience.
type Directory interface {
	// Gather reads the people of every part but everyone into the ledger, in the
	// name of owner ("" for a head-count anybody may share), unless they were read
	// for that owner no longer than maxAge ago. It fails closed: when any part cannot
	// be read nothing counts as read. An *Error names the part in words for people;
	// anything else is passing trouble.
	Gather(ctx context.Context, owner string, a Audience, maxAge time.Duration) error
	// NameOf is a part's name as it is now; *Error NotFound, in a whole sentence, if
	// there is no such thing any more. Everyone and attributes have none.
	NameOf(ctx context.Context, p audience.Part) (string, error)
	// Find finds parts to choose from: groups, people, managers, values of fields, by
	// the beginning of a word of their name.
	Find(ctx context.Context, text string) ([]audience.Hit, error)
	// Groups finds at most limit groups by the beginning of a word of their name.
	Groups(ctx context.Context, text string, limit int) ([]GroupHit, error)
}

// GroupHit is a group to choose from. Mail or description tell groups of the same name apart.
type GroupHit struct {
	Group
	Mail        string
	Description string
	Kind        string // "Microsoft 365", "Security", "Dynamic"…
}
