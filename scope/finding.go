package scope

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/audience"
)

// Finding is how an audience stands to somebody's scope.
type Finding struct {
	Outside
	Channels []audience.Part    // out of bounds, whoever reads there
	Person   broadcast.ActorRef // whose scope it is about
	Bound    broadcast.Audience // their scope; without parts for none
}

// Within tells whether nobody and no channel is out of bounds.
func (f Finding) Within() bool { return f.Count == 0 && len(f.Channels) == 0 }

// Words says who and what is outside, in a sentence or two; "" if nothing is. you is
// whether the reader is the one who is bounded.
func (f Finding) Words(you bool) string {
	var said []string
	if len(f.Channels) > 0 {
		said = append(said, f.channelWords(you))
	}
	if f.Count > 0 {
		said = append(said, f.peopleWords(you))
	}
	return strings.Join(said, " ")
}

func (f Finding) channelWords(you bool) string {
	var names []string
	for _, p := range f.Channels[:min(len(f.Channels), sampleSize)] {
		names = append(names, "“"+p.Name+"”")
	}
	reach, ask := "you may reach", "Leave it out, or ask an admin."
	if !you {
		reach, ask = f.Person.Name+" may reach", "Have it left out, or ask an admin."
	}
	if len(f.Channels) == 1 {
		return fmt.Sprintf("The channel %s is outside what %s (%s). %s", names[0], reach, f.Bound.Words(), ask)
	}
	if more := len(f.Channels) - len(names); more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	return fmt.Sprintf("The channels %s are outside what %s (%s). %s", strings.Join(names, ", "), reach, f.Bound.Words(), strings.Replace(ask, " it", " them", 1))
}

func (f Finding) peopleWords(you bool) string {
	chosen, reach, ask := "you chose", "you may reach", "Leave them out, or ask an admin."
	if !you {
		chosen, reach, ask = "chosen", f.Person.Name+" may reach", "Have them left out, or ask an admin."
	}
	some := fmt.Sprintf("%d of the %d people %s are", f.Count, f.Total, chosen)
	if f.Total == 1 {
		some = "The only person " + chosen + " is"
	} else if f.Count == 1 {
		some = fmt.Sprintf("1 of the %d people %s is", f.Total, chosen)
	}
	example := ""
	if len(f.Sample) > 0 {
		example = ": for example " + strings.Join(f.Sample, ", ")
	}
	return fmt.Sprintf("%s outside what %s (%s)%s. %s", some, reach, f.Bound.Words(), example, ask)
}

// channelsOutside are those of an audience that a scope does not name, neither
// themselves nor their teams: to reach everybody in a channel is more than to reach some
// people, so it has to be said. A channel nobody knows is out of bounds.
func (s *Service) channelsOutside(ctx context.Context, meant, bound broadcast.Audience) (out []audience.Part, err error) {
	for _, p := range meant.Channels() {
		if slices.ContainsFunc(bound.Include, p.Same) {
			continue
		}
		id, err := s.c.Census.TeamOf(ctx, p.ID)
		if err != nil {
			return nil, err
		}
		team := audience.Part{Kind: audience.Team, ID: id}
		if id == "" || !slices.ContainsFunc(bound.Include, team.Same) || slices.ContainsFunc(bound.Exclude, team.Same) {
			out = append(out, p)
		}
	}
	return out, nil
}
