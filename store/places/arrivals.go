package places

import (
	"context"
	"time"

	"github.com/fanfare/fanfare/places"
	"github.com/fanfare/fanfare/store/db"
)

// arrivalRow is that the bot was added to a team; seen_at is when that was looked at, 0
// for not yet.
type arrivalRow struct {
	TenantID, TeamID string
	At, SeenAt       int64
}

func (arrivalRow) TableName() string { return "team_arrivals" }

// arrivalHit is one with its team.
type arrivalHit struct {
	Arrival arrivalRow `gorm:"embedded"`
	Place   placeRow   `gorm:"embedded;embeddedPrefix:p_"`
	By      string
}

// arrive notes that the bot was added to a team it was not in: Teams tells it in more
// than one activity (protocol D.1, D.2), and any of them may come twice.
func arrive(t *db.Tx, team string, at time.Time) error {
	_, err := t.Exec(`INSERT INTO team_arrivals (tenant_id, team_id, at, seen_at) VALUES (@tenant , @team , @at , 0) ON CONFLICT DO NOTHING`,
		db.Args{"team": team, "at": db.Millis(at)})
	return err
}

// Arrivals are those nobody has looked at yet, limit at most. Price: an index of just
// these.
func (s Places) Arrivals(ctx context.Context, limit int) ([]places.Arrival, error) {
	var rows []arrivalHit
	_, err := s.db.Read(ctx).Scan(&rows, `SELECT a.*, p.place_id AS p_place_id, p.kind AS p_kind, p.name AS p_name, p.state AS p_state, p.service_url AS p_service_url,
			COALESCE(NULLIF(p.added_by_name, ''), (SELECT w.name FROM people w WHERE w.tenant_id = @tenant AND w.entra_id = p.added_by_id), '') AS by
		FROM team_arrivals a JOIN places p ON p.tenant_id = a.tenant_id AND p.place_id = a.team_id
		WHERE a.tenant_id = @tenant AND a.seen_at = 0 ORDER BY a.at, a.team_id LIMIT @limit `, db.Args{"limit": limit})
	return db.Each(rows, func(r arrivalHit) places.Arrival {
		return places.Arrival{Team: r.Place.place(), At: db.Moment(r.Arrival.At), By: r.By}
	}), err
}

// Greeted notes that an arrival was looked at; false if somebody else was first.
func Greeted(t *db.Tx, a places.Arrival) (bool, error) {
	n, err := t.Exec(`UPDATE team_arrivals SET seen_at = @now WHERE tenant_id = @tenant AND team_id = @team AND at = @at AND seen_at = 0`,
		db.Args{"now": t.NowMillis(), "team": a.Team.ID, "at": db.Millis(a.At)})
	return n == 1, err
}
