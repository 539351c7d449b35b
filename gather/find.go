package gather

import (
	"context"
	"fmt"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/audience"
)

// findEach is how many parts of a kind are found at most.
const findEach = 8

// Find implements broadcast.Directory.
func (g *Gatherer) Find(ctx context.Context, text string) ([]audience.Hit, error) {
	if text == "" {
		return nil, nil
	}
	known, err := g.Names.FindParts(ctx, text, findEach)
	if err != nil {
		return nil, err
	}
	groups, err := g.Reader.Groups(ctx, text, findEach)
	if err != nil {
		return nil, err
	}
	var hits []audience.Hit
	for _, h := range groups {
		hits = append(hits, audience.Hit{Part: audience.Part{Kind: audience.Group, ID: h.ID, Name: h.Name}, Note: noteOf(h)})
	}
	teams, err := g.Teams.Named(ctx, text, findEach)
	if err != nil {
		return nil, err
	}
	for _, t := range teams {
		if !t.Readable() {
			continue
		}
		note := fmt.Sprintf("Team · %d members", t.Members)
		if t.Round == 0 {
			note = "Team · members not read yet"
		}
		hits = append(hits, audience.Hit{Part: audience.Part{Kind: audience.Team, ID: t.ID, Name: t.Name}, Note: note})
	}
	channels, err := g.findChannels(ctx, text)
	if err != nil {
		return nil, err
	}
	return append(append(hits, channels...), known...), nil
}

// noteOf tells groups of the same name apart.
func noteOf(h broadcast.GroupHit) string {
	note := "Group"
	for _, more := range []string{h.Kind, h.Mail, h.Description} {
		if more != "" {
			note += " · " + more
		}
	}
	return note
}
