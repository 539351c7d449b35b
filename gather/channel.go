package gather

import (
	"cmp"
	"context"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/audience"
	"github.com/fanfare/fanfare/places"
)

// channel makes a set of the channel itself, if the bot can post there: that stands for
// having looked. Like a group that cannot be read, one that is closed stops everything.
func (g *Gatherer) channel(ctx context.Context, set string, p audience.Part) error {
	h, err := g.openChannel(ctx, p)
	if e := broadcast.AsError(err); e != nil {
		return &broadcast.Error{Code: broadcast.Invalid, Field: "audience", Message: e.Message}
	}
	if err != nil {
		return err
	}
	return g.Sets.AddToSet(ctx, set, []broadcast.EntraID{broadcast.EntraID(h.Channel.ID)})
}

// openChannel is a channel the bot can post in; else *Error NotFound says why it cannot.
func (g *Gatherer) openChannel(ctx context.Context, p audience.Part) (places.ChannelHit, error) {
	hits, err := g.Teams.NamedChannels(ctx, p.ID, 1)
	switch {
	case err != nil:
		return places.ChannelHit{}, err
	case len(hits) == 0:
		return places.ChannelHit{}, broadcast.Errorf(broadcast.NotFound, "Nobody knows the channel “%s”, or the bot was never added to its team. Choose another one.", cmp.Or(p.Name, p.ID))
	}
	if closed := hits[0].Closed(); closed != "" {
		return places.ChannelHit{}, broadcast.Errorf(broadcast.NotFound, "%s", closed)
	}
	return hits[0], nil
}

// findChannels finds channels to post in. Those of one label are told apart by the end
// of their ID, as the API does it.
func (g *Gatherer) findChannels(ctx context.Context, text string) ([]audience.Hit, error) {
	found, err := g.Teams.NamedChannels(ctx, text, findEach)
	if err != nil {
		return nil, err
	}
	called := map[string]int{}
	for _, h := range found {
		called[h.Label()]++
	}
	var hits []audience.Hit
	for _, h := range found {
		if h.Closed() != "" {
			continue
		}
		note := "Channel · one post, whoever reads there"
		if called[h.Label()] > 1 {
			note += " · ID ends in " + h.Tail()
		}
		hits = append(hits, audience.Hit{Part: audience.Part{Kind: audience.Channel, ID: h.Channel.ID, Name: h.Label()}, Note: note})
	}
	return hits, nil
}
