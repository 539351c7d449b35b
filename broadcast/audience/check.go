package audience

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// MaxParts is how many parts an audience may have, and MaxValues how many values
// one attribute; a value has at most maxValue characters.
const (
	MaxParts  = 100
	MaxValues = 100
	maxValue  = 256
)

// Mistakes lists what keeps the audience from being used, in sentences.
func (a Audience) Mistakes() []string {
	switch n := len(a.Include) + len(a.Exclude); {
	case len(a.Include) == 0 && len(a.Exclude) > 0:
		return []string{"You said who should not get this. Choose also who should."}
	case len(a.Include) == 0:
		return []string{"Choose who should get this: everyone, or at least one group, person, attribute or channel."}
	case a.Has(Everyone) && len(a.People().Include) > 1:
		return []string{"Choose either everyone or some of them, not both."}
	case n > MaxParts:
		return []string{fmt.Sprintf("The audience has %d parts; choose at most %d.", n, MaxParts)}
	}
	var out []string
	for _, p := range a.Parts() {
		if wrong := p.mistake(); wrong != "" {
			out = append(out, wrong)
		}
	}
	if slices.ContainsFunc(a.Exclude, func(p Part) bool { return p.Kind == Everyone }) {
		out = append(out, "Everyone is left out, so nobody would get this.")
	}
	for _, p := range a.Exclude {
		if p.isChannel() {
			out = append(out, fmt.Sprintf("%s cannot be left out: it is not a group of people. Leave out its team to spare the team's members.", p.Words()))
		}
	}
	return out
}

// guid is the usual form only, which also keeps anything else out of Graph paths.
var guid = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// IsGUID tells whether a text is an object's ID, and nothing else.
func IsGUID(s string) bool { return guid.MatchString(s) }

// thread is the ID of a channel, and of a team, which is that of its first channel
// (protocol C.2). That of a thread within a channel is none: it would be a reply.
var thread = regexp.MustCompile(`^19:[0-9A-Za-z_.-]{1,200}@thread\.[0-9A-Za-z.]{1,40}$`)

// IsChannel tells the ID of a channel from a person's: deliveries are to either.
func IsChannel(id string) bool { return strings.HasPrefix(id, "19:") }

func (p Part) mistake() string {
	switch p.Kind {
	case Everyone:
	case Group:
		if !guid.MatchString(p.ID) {
			return fmt.Sprintf("%q is not the ID of a group. Choose the group from the list.", p.ID)
		}
	case Team:
		if !thread.MatchString(p.ID) {
			return fmt.Sprintf("%q is not the ID of a team. Choose the team from the list.", p.ID)
		}
	case Channel:
		if !thread.MatchString(p.ID) {
			return fmt.Sprintf("%q is not the ID of a channel. Choose the channel from the list.", p.ID)
		}
	case Person, Reports:
		if !guid.MatchString(p.ID) {
			return fmt.Sprintf("%q is not the ID of a person. Choose the person from the list.", p.ID)
		}
	case List:
		if !guid.MatchString(p.ID) {
			return fmt.Sprintf("%q is not the ID of a list. Choose the list by its name, or upload it again.", p.ID)
		}
	case Attribute:
		return p.attributeMistake()
	default:
		return fmt.Sprintf("There is no kind of audience %q.", p.Kind)
	}
	return ""
}

func (p Part) attributeMistake() string {
	switch {
	case !slices.Contains(Fields(), p.Field):
		return fmt.Sprintf("People cannot be chosen by %q.", p.Field)
	case len(p.Values) == 0:
		return fmt.Sprintf("Say which value of %s is meant.", strings.ToLower(p.Field.Words()))
	case len(p.Values) > MaxValues:
		return fmt.Sprintf("%s has %d values; choose at most %d.", p.Field.Words(), len(p.Values), MaxValues)
	}
	for _, v := range p.Values {
		if v = strings.TrimSpace(v); v == "" || len([]rune(v)) > maxValue {
			return fmt.Sprintf("A value of %s is empty or longer than %d characters.", strings.ToLower(p.Field.Words()), maxValue)
		}
	}
	return ""
}
