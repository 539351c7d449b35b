package received

import (
	"context"
	"fmt"
	"time"

	"github.com/fanfare/fanfare/store/db"
)

// row is a row of received.
type row struct {
	TenantID string `json:"-"`
	EntraID  string `json:"entra_id"`
	Week     int    `json:"week"`
	Month    int    `json:"month"`
}

func (row) TableName() string { return "received" }

// round is the row of received_rounds: EndedAt is 0 while it goes on.
type round struct {
	TenantID, Counted string
	Day, BegunAt      int64
	After             string
	EndedAt           int64
}

func (round) TableName() string { return "received_rounds" }

// Received counts.
type Received struct{ db *db.DB }

// New makes it on a database.
func New(d *db.DB) Received { return Received{d} }

const (
	// page is how many people one transaction counts: on SQLite everybody else's
	// writing waits for it (some 20 ms when all of them change).
	page = 2_000
	// rest is how long nothing is counted after a round, in lengths of that round: a
	// fifth of the time at most is spent counting while something is sent.
	rest = 4
	// last is behind every person.
	last = "~"
)

// The windows, in days before today.
const (
	week  = 7
	month = 30
)

const aDay = 24 * 60 * 60 * 1000 // milliseconds

// CountReceived goes on counting for at most so long (a page longer). It returns at
// once if nothing was sent since the last round. Price: two look-ups and a pass over
// the announcements of a month when there is nothing to do; a page reads, for each
// announcement of the month, its range of the people in the order of an index.
func (s Received) CountReceived(ctx context.Context, most time.Duration) error {
	until := s.db.Now().Add(most)
	for more := true; more; more = more && s.db.Now().Before(until) {
		var err error
		if more, err = s.step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// recent are the announcements of which anything may have been sent in the last
// month: whatever was sent, the broadcast moved then or after, or still does.
const recent = ` FROM broadcasts b JOIN tallies y ON y.tenant_id = b.tenant_id AND y.broadcast_id = b.id
	WHERE b.tenant_id = @tenant AND b.kind = 'announcement' AND y.sent > 0 AND (b.updated_at >= @since OR b.state IN ('sending', 'paused', 'held'))`

// step counts one page, or begins a round if there is reason to; false if there is
// nothing to do.
func (s Received) step(ctx context.Context) (bool, error) {
	var now round
	t := s.db.Read(ctx)
	n, err := t.Scan(&now, `SELECT * FROM received_rounds WHERE tenant_id = @tenant `, nil)
	if err != nil {
		return false, err
	}
	if n == 0 || now.EndedAt > 0 {
		return s.begin(ctx, t, now)
	}
	return true, s.count(ctx, t, now)
}

func (s Received) begin(ctx context.Context, t *db.Tx, was round) (bool, error) {
	at := t.NowMillis()
	if at >= was.EndedAt && at-was.EndedAt < rest*(was.EndedAt-was.BegunAt) {
		return false, nil
	}
	day := at - at%aDay
	var sum struct{ Broadcasts, Sent int64 }
	if _, err := t.Scan(&sum, `SELECT count(*) AS broadcasts, COALESCE(SUM(y.sent), 0) AS sent`+recent, db.Args{"since": day - month*aDay}); err != nil {
		return false, err
	}
	counted := fmt.Sprintf("%d sent by %d", sum.Sent, sum.Broadcasts)
	if counted == was.Counted && day == was.Day || sum.Sent == 0 && was.Counted == "" {
		return false, nil
	}
	_, err := s.db.Alone(ctx).Exec(`INSERT INTO received_rounds (tenant_id, counted, day, after, begun_at, ended_at) VALUES (@tenant , @counted , @day , '', @at , 0)
		ON CONFLICT (tenant_id) DO UPDATE SET counted = excluded.counted, day = excluded.day, after = '', begun_at = excluded.begun_at, ended_at = 0 WHERE received_rounds.ended_at > 0`,
		db.Args{"counted": counted, "day": day, "at": at})
	return true, err
}

// count counts the page after the last one and stores what has changed. Reading is no
// part of the transaction: on SQLite it would keep everybody else's writing waiting.
func (s Received) count(ctx context.Context, t *db.Tx, now round) error {
	a := db.Args{"after": now.After, "limit": page, "since": now.Day - month*aDay, "week": now.Day - week*aDay}
	end := ""
	if _, err := t.Scan(&end, `SELECT COALESCE(MAX(entra_id), '') FROM (SELECT entra_id FROM people WHERE tenant_id = @tenant AND entra_id > @after ORDER BY entra_id LIMIT @limit ) AS page`, a); err != nil {
		return err
	}
	if end == "" {
		end = last
	}
	var ids []string
	if _, err := t.Scan(&ids, `SELECT b.id`+recent, a); err != nil {
		return err
	}
	a["ids"], a["end"] = ids, end
	var rows []row
	// "|| ''" keeps the planners from the index by state, which would read each
	// announcement to its end for every page.
	if _, err := t.Scan(&rows, `SELECT d.entra_id, SUM(CASE WHEN d.updated_at >= @week THEN 1 ELSE 0 END) AS week, count(*) AS month FROM deliveries d
		WHERE d.tenant_id = @tenant AND d.broadcast_id IN (@ids ) AND d.entra_id > @after AND d.entra_id <= @end AND d.state || '' = 'sent' AND d.updated_at >= @since
			AND d.entra_id NOT LIKE '19:%' -- a channel has no limit
		GROUP BY d.entra_id`, a); err != nil {
		return err
	}
	list, err := db.List(rows)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(t *db.Tx) error {
		a := db.Args{"after": now.After, "end": end, "rows": list, "begun": now.BegunAt, "ended": int64(0)}
		if end == last {
			a["ended"] = max(t.NowMillis(), now.BegunAt, 1)
		}
		n, err := t.Exec(`UPDATE received_rounds SET after = @end , ended_at = @ended WHERE tenant_id = @tenant AND after = @after AND begun_at = @begun AND ended_at = 0`, a)
		if err != nil || n == 0 { // another replica has counted it
			return err
		}
		if _, err := t.Exec(`DELETE FROM received WHERE tenant_id = @tenant AND entra_id > @after AND entra_id <= @end
			AND entra_id NOT IN (SELECT r.entra_id FROM `+t.Rows("rows", "entra_id text")+` AS r)`, a); err != nil {
			return err
		}
		_, err = t.Exec(`INSERT INTO received (tenant_id, entra_id, week, month) SELECT @tenant , r.entra_id, r.week, r.month FROM `+t.Rows("rows", "entra_id text, week bigint, month bigint")+` AS r WHERE TRUE
			ON CONFLICT (tenant_id, entra_id) DO UPDATE SET week = excluded.week, month = excluded.month WHERE received.week <> excluded.week OR received.month <> excluded.month`, a)
		return err
	})
}
