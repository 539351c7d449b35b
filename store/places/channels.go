package places

import (
	"context"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/audience"
	"github.com/fanfare/fanfare/places"
	"github.com/fanfare/fanfare/store/db"
)

// Channel reads a channel with its team, by its ID, whatever has become of either;
// *Error NotFound if nobody knows it. One that several teams share is that of a team it
// can be written to in, if there is one. Price: the index channels_by_id.
func (s Places) Channel(ctx context.Context, id string) (places.ChannelHit, error) {
	hits, err := channels(s.db.Read(ctx), `AND c.channel_id = @channel ORDER BY p.state <> 'here', c.state <> 'here', p.place_id LIMIT 1`, db.Args{"channel": id})
	if err == nil && len(hits) == 0 {
		err = broadcast.Errorf(broadcast.NotFound, "There is no such channel, or the bot was never added to its team. Add the bot to the team in Teams first.")
	}
	if err != nil {
		return places.ChannelHit{}, err
	}
	return hits[0], nil
}

// TeamOf is the team a channel is of; "" if nobody knows it. Price: that of Channel.
func (s Places) TeamOf(ctx context.Context, channel string) (string, error) {
	hit, err := s.Channel(ctx, channel)
	if broadcast.IsCode(err, broadcast.NotFound) {
		return "", nil
	}
	return hit.Team.ID, err
}

// Labels names channels among those of all teams, as far as they are known. Price: a
// look-up each.
func Labels(t *db.Tx, ids []string) (map[string]string, error) {
	hits, err := channels(t, `AND c.channel_id IN (@ids ) ORDER BY p.state = 'here', p.place_id DESC`, db.Args{"ids": ids})
	labels := make(map[string]string, len(hits))
	for _, h := range hits {
		labels[h.Channel.ID] = h.Label()
	}
	return labels, err
}

func channels(t *db.Tx, which string, a db.Args) ([]places.ChannelHit, error) {
	var rows []struct {
		Channel channelRow `gorm:"embedded;embeddedPrefix:c_"`
		Place   placeRow   `gorm:"embedded"`
	}
	_, err := t.Scan(&rows, `SELECT p.*, c.team_id AS c_team_id, c.channel_id AS c_channel_id, c.name AS c_name, c.state AS c_state, c.listed AS c_listed, c.at AS c_at
		FROM places p JOIN channels c ON c.tenant_id = p.tenant_id AND c.team_id = p.place_id
		WHERE p.tenant_id = @tenant AND p.kind = 'team' `+which, a)
	var hits []places.ChannelHit
	for _, r := range rows {
		hits = append(hits, places.ChannelHit{Channel: r.Channel.channel(), Team: r.Place.place()})
	}
	return hits, err
}

// Addresses gives deliveries to channels their addresses: a channel is its own
// conversation, at its team's service URL (protocol C.2, C.8). One whose team nobody
// knows any more has no service URL; Teams will say what has become of it. Price:
// nothing without channels, else one statement.
func Addresses(t *db.Tx, due []broadcast.Delivery) error {
	at := map[string][]int{}
	var ids []string
	for i := range due {
		if id := string(due[i].EntraID); audience.IsChannel(id) {
			due[i].Address = broadcast.ConversationReference{ConversationID: id}
			at[id], ids = append(at[id], i), append(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	var teams []struct{ ChannelID, ServiceURL string }
	_, err := t.Scan(&teams, `SELECT c.channel_id, p.service_url FROM channels c JOIN places p ON p.tenant_id = c.tenant_id AND p.place_id = c.team_id
		WHERE c.tenant_id = @tenant AND c.channel_id IN (@ids ) ORDER BY p.state = 'here'`, db.Args{"ids": ids})
	for _, team := range teams {
		for _, i := range at[team.ChannelID] {
			due[i].Address.ServiceURL = team.ServiceURL
		}
	}
	return err
}

// Closed is, as SQL, why a channel c of a team p cannot be written to; ” if it can.
const Closed = `CASE WHEN c.state = 'deleted' OR p.state = 'deleted' THEN 'channel_gone'
	WHEN p.state = 'removed' THEN 'bot_not_in_team' WHEN p.state = 'archived' THEN 'team_archived' ELSE '' END`
