package broadcast

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"regexp"
	"strings"
)

// MaxGroups is how many groups one audience may name.
const MaxGroups = 50

// Audience is who is meant, unresolved: everyone, or the members of some groups
// (nested and dynamic ones included). People in several groups count once.
type Audience struct {
	Everyone bool
	Groups   []Group
}

// Group is an Entra group; Name is kept as it was when it was chosen.
type Group struct {
	ID   string
	Name string
}

// Words is the audience as people read it.
func (a Audience) Words() string {
	if a.Everyone {
		return "Everyone"
	}
	names := make([]string, len(a.Groups))
	for i, g := range a.Groups {
		names[i] = cmp.Or(g.Name, g.ID)
	}
	if len(names) == 0 {
		return "Nobody yet"
	}
	return strings.Join(names, ", ")
}

// Problems lists what keeps the audience from being used.
func (a Audience) Problems() Problems {
	bad := func(format string, args ...any) Problems {
		return Problems{{Invalid, "audience", fmt.Sprintf(format, args...)}}
	}
	switch {
	case a.Everyone && len(a.Groups) > 0:
		return bad("Choose either everyone or some groups, not both.")
	case !a.Everyone && len(a.Groups) == 0:
		return bad("Choose who should get this: everyone, or at least one group.")
	case len(a.Groups) > MaxGroups:
		return bad("There are %d groups; choose at most %d.", len(a.Groups), MaxGroups)
	}
	for _, g := range a.Groups {
		if !isGUID(g.ID) {
			return bad("%q is not the ID of a group. Choose the group from the list.", g.ID)
		}
	}
	return nil
}

// guid is the usual form only, which also keeps anything else out of Graph paths.
var guid = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

func isGUID(s string) bool { return guid.MatchString(s) }

// Recipient is a person, resolved from an audience. Excluded is the directory's
// reason why they cannot be written to; what the bot's state adds is the store's.
type Recipient struct {
	EntraID  EntraID
	Excluded Reason
}

// Reach says how far an audience would come right now: Total = Ready + Waiting +
// the sum of Excluded.
type Reach struct {
	Total    int
	Ready    int // have the bot, and we know their conversation
	Waiting  int // are still to get the bot; the broadcast waits for them
	Excluded map[Reason]int
	Sample   []string // a few names of those who will get it
}

// Reachable is how many people would get the message.
func (r Reach) Reachable() int { return r.Ready + r.Waiting }

// Directory knows who is in an audience.
type Directory interface {
	// Members yields everybody an audience means, once each. It fails closed:
	// when any part cannot be read it yields an error and stops. An *Error names
	// the part in words for people; anything else is passing trouble.
	Members(ctx context.Context, a Audience) iter.Seq2[Recipient, error]
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
