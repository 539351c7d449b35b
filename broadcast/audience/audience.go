package audience

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
)

// Kind says what a Part names people by, or that it is a channel.
type Kind string

// The kinds. Members of groups are those of nested and dynamic ones too. A channel is
// nobody's name: it gets one post of its own, whoever reads there.
const (
	Everyone  Kind = "everyone"
	Group     Kind = "group"     // the members of an Entra group; ID is its object ID
	Team      Kind = "team"      // the members of a team the bot is in; ID is its 19:… ID
	Person    Kind = "person"    // ID is the person's object ID
	Attribute Kind = "attribute" // those whose Field is one of Values
	Reports   Kind = "reports"   // a manager and everybody below; ID is the manager's object ID
	List      Kind = "list"      // those found for an uploaded or pasted list; ID is the list's
	Channel   Kind = "channel"   // a new thread in a channel of a team the bot is in; ID is its 19:… ID
)

// Kinds is every kind.
func Kinds() []Kind {
	return []Kind{Everyone, Group, Team, Person, Attribute, Reports, List, Channel}
}

// Part is some people, by one thing they have in common, or a channel. Name is kept as it was
// when the part was chosen.
type Part struct {
	Kind   Kind
	ID     string
	Name   string
	Field  Field
	Values []string
}

// Words is the part as people read it.
func (p Part) Words() string {
	name := cmp.Or(p.Name, p.ID)
	switch p.Kind {
	case Everyone:
		return "Everyone"
	case Team:
		return "Team " + name
	case Attribute:
		return p.Field.Words() + " " + strings.Join(p.Values, " or ")
	case Reports:
		return name + " and everybody below"
	case List:
		return "List " + name
	case Channel:
		return "Channel " + name
	}
	return name
}

// ListName is the name a list goes by in an audience: with how many people are meant, so
// that whoever reviews it sees a list of three that was to be one of three hundred.
func ListName(name string, people int) string {
	if people == 1 {
		return name + " (1 person)"
	}
	return name + " (" + strconv.Itoa(people) + " people)"
}

// Same tells whether two parts mean the same people, whatever they were called.
func (p Part) Same(as Part) bool {
	return p.Kind == as.Kind && strings.EqualFold(p.ID, as.ID) && p.Field == as.Field && slices.EqualFunc(p.Values, as.Values, strings.EqualFold)
}

// Audience is who is meant, unresolved.
type Audience struct {
	Include []Part
	Exclude []Part
}

// Of is an audience of some parts.
func Of(parts ...Part) Audience { return Audience{Include: parts} }

// Has tells whether a part of the kind is included.
func (a Audience) Has(k Kind) bool {
	return slices.ContainsFunc(a.Include, func(p Part) bool { return p.Kind == k })
}

// IsEveryone tells whether it is everyone and nothing else.
func (a Audience) IsEveryone() bool {
	return len(a.Include) == 1 && a.Include[0].Kind == Everyone && len(a.Exclude) == 0
}

// People is the audience without its channels: who is meant in person.
func (a Audience) People() Audience {
	return Audience{Include: slices.DeleteFunc(slices.Clone(a.Include), Part.isChannel), Exclude: a.Exclude}
}

// Channels are the channels it is posted in, each once.
func (a Audience) Channels() (out []Part) {
	for _, p := range a.Include {
		if p.isChannel() && !slices.ContainsFunc(out, p.Same) {
			out = append(out, p)
		}
	}
	return out
}

func (p Part) isChannel() bool { return p.Kind == Channel }

// Parts is all parts, those included first.
func (a Audience) Parts() []Part { return slices.Concat(a.Include, a.Exclude) }

// Words is the audience as those read it who write and review.
func (a Audience) Words() string {
	if len(a.Exclude) == 0 || len(a.Include) == 0 {
		return a.told(len(a.Include), Part.Words)
	}
	return a.told(len(a.Include), Part.Words) + " except " + listed(a.Exclude, len(a.Exclude), Part.Words)
}

// Told is the audience as its recipients are told, with at most so many parts named.
// Who is left out is nobody else's business, nor what somebody called a list.
func (a Audience) Told(most int) string { return a.told(most, Part.told) }

func (p Part) told() string {
	if p.Kind == List {
		return "a list of people"
	}
	return p.Words()
}

func (a Audience) told(most int, words func(Part) string) string {
	if len(a.Include) == 0 {
		return "Nobody yet"
	}
	return listed(a.Include, most, words)
}

func listed(parts []Part, most int, words func(Part) string) string {
	var names []string
	for _, p := range parts[:min(len(parts), most)] {
		names = append(names, words(p))
	}
	text := strings.Join(names, ", ")
	if more := len(parts) - most; more > 0 {
		text += " and " + strconv.Itoa(more) + " more"
	}
	return text
}

// Key names what the part means, whatever it was called.
func (p Part) Key() string {
	sum := sha256.Sum256([]byte(strings.ToLower(strings.Join(append([]string{p.ID, string(p.Field)}, p.Values...), "\x00"))))
	return string(p.Kind) + "/" + hex.EncodeToString(sum[:16])
}
