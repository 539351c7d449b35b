package places

import (
	"context"
	"fmt"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/places"
	"github.com/fanfare/fanfare/store/db"
)

// FindTeams finds teams by the beginning of words of their name: those the bot is in
// first, deleted ones not at all. Price: a look at each team's name; a tenant has some
// thousands.
func (s Places) FindTeams(ctx context.Context, text string, limit int) ([]places.TeamHit, error) {
	a := db.Args{"limit": limit}
	return s.teams(ctx, `AND p.state <> 'deleted' `+beginning(text, `p.search`, a)+
		`ORDER BY CASE p.state WHEN 'here' THEN 0 WHEN 'archived' THEN 1 ELSE 2 END, p.search, p.place_id LIMIT @limit `, a)
}

func (s Places) teams(ctx context.Context, which string, a db.Args) ([]places.TeamHit, error) {
	var rows []struct {
		Place placeRow `gorm:"embedded"`
		Read  readRow  `gorm:"embedded"`
	}
	_, err := s.db.Read(ctx).Scan(&rows, `SELECT p.*, COALESCE(r.whole, 0) AS whole, COALESCE(r.read_at, 0) AS read_at, COALESCE(r.members, 0) AS members, COALESCE(r.problem, '') AS problem
		FROM places p LEFT JOIN roster_reads r ON r.tenant_id = p.tenant_id AND r.team_id = p.place_id
		WHERE p.tenant_id = @tenant AND p.kind = 'team' `+which, a)
	var hits []places.TeamHit
	for _, r := range rows {
		hits = append(hits, places.TeamHit{Place: r.Place.place(), Roster: r.Read.roster()})
	}
	return hits, err
}

// Team reads a team and how far its roster is; *Error NotFound if nobody knows it.
func (s Places) Team(ctx context.Context, teamID string) (places.TeamHit, error) {
	hits, err := s.teams(ctx, `AND p.place_id = @team `, db.Args{"team": teamID})
	if err != nil || len(hits) == 0 {
		return places.TeamHit{}, orUnknown(err)
	}
	return hits[0], nil
}

func orUnknown(err error) error {
	if err != nil {
		return err
	}
	return broadcast.Errorf(broadcast.NotFound, "There is no such team, or the bot was never added to it. Add the bot to the team in Teams first.")
}

// FindChannels finds channels that can be written to by the beginning of words of
// their name and their team's. Price: a look at each channel's name; a tenant has some
// ten thousands.
func (s Places) FindChannels(ctx context.Context, text string, limit int) ([]places.ChannelHit, error) {
	a := db.Args{"limit": limit}
	return channels(s.db.Read(ctx), `AND p.state = 'here' AND c.state = 'here' `+beginning(text, `(p.search || c.search)`, a)+`
		ORDER BY p.search, p.place_id, c.channel_id <> c.team_id, c.search, c.channel_id LIMIT @limit `, a)
}

// beginning is the condition that each of the text's words begins one of a column's.
// Words are letters and digits, so none means anything to LIKE.
func beginning(text, column string, a db.Args) string {
	where := ""
	for i, w := range db.WordsOf(text) {
		name := fmt.Sprintf("like%d", i)
		a[name] = "% " + w + "%"
		where += `AND ` + column + ` LIKE @` + name + ` `
	}
	return where
}
