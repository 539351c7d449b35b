package places

import (
	"context"
	"strings"

	"github.com/fanfare/fanfare/broadcast"
)

// ChannelHit is a channel to choose from, with its team.
type ChannelHit struct {
	Channel
	Team Place
}

// Label names a channel among those of all teams.
func (h ChannelHit) Label() string {
	return h.Team.Words() + " › " + h.Channel.Words()
}

// Channels finds channels to choose from by the beginning of words of their own name
// and their team's: only those that can be written to.
func (s *Service) Channels(ctx context.Context, a broadcast.Actor, text string, limit int) ([]ChannelHit, error) {
	if err := mayChoose(a, text); err != nil {
		return nil, err
	}
	return s.ledger.FindChannels(ctx, text, hits(limit))
}

// NamedChannels finds channels that can be written to as Channels does, or the one of an
// ID whatever has become of it, for whoever has asked who may.
func (s *Service) NamedChannels(ctx context.Context, text string, limit int) ([]ChannelHit, error) {
	if !strings.HasPrefix(text, "19:") {
		return s.ledger.FindChannels(ctx, text, hits(limit))
	}
	channel, err := s.lists.Channel(ctx, text)
	if broadcast.IsCode(err, broadcast.NotFound) {
		return nil, nil
	}
	return []ChannelHit{channel}, err
}

// Closed is why nobody can post in this channel, in a sentence for whoever wanted to; ""
// if the bot can.
func (h ChannelHit) Closed() string {
	label := "“" + h.Label() + "”"
	switch {
	case h.Channel.State == Deleted:
		return "The channel " + label + " was deleted. Choose another one."
	case h.Team.State == Deleted:
		return "The team of the channel " + label + " was deleted. Choose another channel."
	case h.Team.State == Removed:
		return "The bot is no longer in the team of the channel " + label + ". Add it to the team again, or choose another channel."
	case h.Team.State == Archived:
		return "The team of the channel " + label + " is archived, so nobody can post there. Have an owner restore it, or choose another channel."
	}
	return ""
}
