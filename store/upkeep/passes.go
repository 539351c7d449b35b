package upkeep

import (
	"context"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/store/db"
	"github.com/fanfare/fanfare/upkeep"
)

// UpkeepStanding implements upkeep.Ledger. Price: three look-ups, and an index range of those
// from whom the app vanished.
func (s Upkeep) UpkeepStanding(ctx context.Context) (upkeep.Standing, error) {
	t := s.db.Read(ctx)
	row := upkeepRow{Repairs: true} // until somebody says otherwise
	if _, err := t.Scan(&row, `SELECT * FROM upkeep WHERE tenant_id = @tenant `, nil); err != nil {
		return upkeep.Standing{}, err
	}
	out := upkeep.Standing{
		Repairs: row.Repairs, Published: row.Published, AskedAt: db.Moment(row.AskedAt), Trouble: row.Trouble, Target: row.Target, Since: db.Moment(row.Since),
	}
	var vanished int
	if _, err := t.Scan(&vanished, `SELECT count(*) FROM installations i WHERE i.tenant_id = @tenant AND i.reason = 'vanished' AND i.reason <> ''`, nil); err != nil {
		return upkeep.Standing{}, err
	}
	out.Vanished = vanished
	var last passRow
	n, err := t.Scan(&last, `SELECT * FROM upkeep_passes WHERE tenant_id = @tenant ORDER BY number DESC LIMIT 1`, nil)
	if err != nil || n == 0 {
		return out, err
	}
	pass := last.pass()
	out.Pass = &pass
	var found []findingRow
	_, err = t.Scan(&found, `SELECT * FROM upkeep_findings WHERE tenant_id = @tenant AND number = @number ORDER BY finding, reason`, db.Args{"number": last.Number})
	out.Found = db.Each(found, findingRow.count)
	return out, err
}

// toSee are the installations a pass looks at: of people who can have the app, but not
// of those who blocked it, whom nothing here concerns.
const toSee = `installations i JOIN people p ON p.tenant_id = i.tenant_id AND p.entra_id = i.entra_id AND p.excluded = ''
	WHERE i.tenant_id = @tenant AND i.state <> 'blocked' `

// BeginPass implements upkeep.Ledger. That one is live at a time is the index's to see
// to. Whoever asks for one has perhaps just published a version: the catalogue is asked
// anew before anybody is looked at. Price: a pass over installations, to count them.
func (s Upkeep) BeginPass(ctx context.Context, start upkeep.Start) error {
	return s.db.Write(ctx, func(t *db.Tx) error {
		a := db.Args{
			"cause": string(start.Cause), "upgrades": start.Upgrades, "version": start.Version, "by": string(start.By.ID), "name": start.By.Name, "now": t.NowMillis(),
		}
		n, err := t.Exec(`INSERT INTO upkeep_passes (tenant_id, number, state, cause, upgrades, version, by_id, by_name, begun_at, ended_at, total, looked, cursor, fence, leased_until, rest_till, problem)
			SELECT @tenant , (SELECT COALESCE(MAX(u.number), 0) + 1 FROM upkeep_passes u WHERE u.tenant_id = @tenant ), 'running', CAST(@cause AS text), CAST(@upgrades AS boolean), CAST(@version AS text),
				CAST(@by AS text), CAST(@name AS text), CAST(@now AS bigint), 0, (SELECT count(*) FROM `+toSee+`), 0, '', 0, 0, 0, '' WHERE TRUE ON CONFLICT DO NOTHING`, a)
		if err != nil {
			return err
		}
		if n == 0 {
			return broadcast.Errorf(broadcast.Conflict, "Everybody is being looked at already. Wait until that is over, or stop it.")
		}
		if _, err := t.Exec(`INSERT INTO upkeep (tenant_id, repairs, since, published, asked_at, trouble, target, hearing_since, heard_to)
			VALUES (@tenant , TRUE, @now , '', 0, '', @version , @now , @now ) ON CONFLICT (tenant_id) DO UPDATE SET target = excluded.target,
				asked_at = CASE WHEN CAST(@cause AS text) = 'asked' THEN 0 ELSE upkeep.asked_at END`, a); err != nil {
			return err
		}
		t.HandOut(broadcast.Work{Kind: broadcast.KindUpkeep})
		if start.Cause != upkeep.Asked {
			return nil
		}
		what := upkeep.MoveCheck
		if start.Upgrades {
			what = upkeep.MoveUpgrade
		}
		return note(t, upkeep.Move{What: what, By: start.By})
	})
}

// note writes a line of the audit.
func note(t *db.Tx, m upkeep.Move) error {
	now := t.Now()
	_, err := t.Exec(`INSERT INTO upkeep_moves (tenant_id, id, what, by_id, by_name, at) VALUES (@tenant , @id , @what , @by , @name , @at )`,
		db.Args{"id": string(broadcast.NewID(now)), "what": m.What, "by": string(m.By.ID), "name": m.By.Name, "at": db.Millis(now)})
	return err
}

// MovePass implements upkeep.Ledger. Whoever has some people in hand may still store
// what they found: it happened.
func (s Upkeep) MovePass(ctx context.Context, from []upkeep.State, to upkeep.State, m upkeep.Move) error {
	return s.db.Write(ctx, func(t *db.Tx) error {
		n, err := t.Exec(`UPDATE upkeep_passes SET state = @to , rest_till = 0, problem = '', ended_at = CASE WHEN @to = 'stopped' THEN CAST(@now AS bigint) ELSE 0 END
			WHERE tenant_id = @tenant AND state IN ('running', 'paused') AND state IN (@from)`, db.Args{
			"to": string(to), "now": t.NowMillis(), "from": db.Each(from, func(s upkeep.State) string { return string(s) }),
		})
		if err != nil {
			return err
		}
		if n == 0 {
			return broadcast.Errorf(broadcast.Conflict, "That is not possible as it stands now. Reload the page to see how far it is.")
		}
		t.HandOut(broadcast.Work{Kind: broadcast.KindUpkeep})
		return note(t, m)
	})
}

// Due tells whether anybody is to be looked at now. Price: one look-up; the condition
// repeats the words of the index upkeep_passes_live.
func Due(t *db.Tx) (bool, error) {
	var n int
	_, err := t.Scan(&n, `SELECT count(*) FROM upkeep_passes WHERE tenant_id = @tenant AND state IN ('running', 'paused') AND state = 'running' AND leased_until <= @now AND rest_till <= @now `, db.Args{"now": t.NowMillis()})
	return n > 0, err
}

// deaf is how long something Teams told may lie unread before nobody can say any more
// what was heard.
const deaf = 30 * time.Second

// TakePeople implements upkeep.Passes. Price: one look-up, then an index range with
// look-ups for each person of it.
func (s Upkeep) TakePeople(ctx context.Context, limit int, lease time.Duration) (*upkeep.Chunk, error) {
	var out *upkeep.Chunk
	err := s.db.Write(ctx, func(t *db.Tx) error {
		out = nil
		var rows []passRow
		now := s.db.Now()
		a := db.Args{"now": db.Millis(now), "until": db.Millis(now.Add(lease))}
		if _, err := t.Scan(&rows, `UPDATE upkeep_passes SET fence = fence + 1, leased_until = @until WHERE tenant_id = @tenant AND state IN ('running', 'paused') AND state = 'running'
			AND leased_until <= @now AND rest_till <= @now RETURNING *`, a); err != nil || len(rows) == 0 {
			return err
		}
		p := rows[0]
		set := upkeepRow{Repairs: true}
		if _, err := t.Scan(&set, `SELECT * FROM upkeep WHERE tenant_id = @tenant `, nil); err != nil {
			return err
		}
		hearing, err := hearingSince(t, set, now)
		if err != nil {
			return err
		}
		people, more, err := next(t, p, limit)
		if err != nil {
			return err
		}
		out = &upkeep.Chunk{
			Pass: p.Number, Fence: p.Fence, Upgrades: p.Upgrades, Version: p.Version, People: people, Last: !more, HearingSince: hearing, Repairs: set.Repairs,
		}
		return nil
	})
	return out, err
}

// hearingSince is from when on nothing can have been missed: now, if anything Teams
// told lies unread or Fanfare was not there to hear until a moment ago.
func hearingSince(t *db.Tx, set upkeepRow, now time.Time) (time.Time, error) {
	var unread int
	if _, err := t.Scan(&unread, `SELECT count(*) FROM (SELECT 1 FROM inbox WHERE tenant_id = @tenant AND handled_at = 0 AND received_at < @late LIMIT 1) AS one`,
		db.Args{"late": db.Millis(now.Add(-deaf))}); err != nil {
		return now, err
	}
	if unread > 0 || set.HearingSince == 0 || now.Sub(db.Moment(set.HeardTo)) > deaf {
		return now, nil
	}
	return db.Moment(set.HearingSince), nil
}

// walk is how many installations a statement walks over for one it may take: most of
// what is in between are people who cannot have the app, or who were looked at before.
const walk = 4

// next are the people after the cursor whom this pass has not looked at, and whether
// there may be more. All but the walk are look-ups, never joins, which might read
// everybody.
func next(t *db.Tx, p passRow, limit int) (people []upkeep.Person, more bool, err error) {
	for after := p.Cursor; ; {
		var end struct {
			Last string
			N    int
		}
		a := db.Args{"after": after, "pass": p.Number, "walk": limit * walk, "limit": limit + 1}
		if _, err := t.Scan(&end, `SELECT COALESCE(MAX(w.entra_id), '') AS last, count(*) AS n FROM `+walked+` AS w`, a); err != nil || end.N == 0 {
			return people, false, err
		}
		var rows []nextRow
		if _, err := t.Scan(&rows, toLookAt, a); err != nil {
			return nil, false, err
		}
		for _, r := range rows {
			if len(people) == limit {
				return people, true, nil
			}
			people = append(people, r.person())
		}
		after = end.Last
		if end.N < limit*walk {
			return people, false, nil
		}
	}
}

const walked = `(SELECT i.* FROM installations i WHERE i.tenant_id = @tenant AND i.entra_id > @after ORDER BY i.entra_id LIMIT @walk )`

// heard is a person's history, by its key.
const heard = `FROM installation_moves m WHERE m.tenant_id = w.tenant_id AND m.entra_id = w.entra_id AND m.event IN `

const toLookAt = `SELECT w.entra_id, w.state, w.fence, w.updated_at,
		COALESCE((SELECT d.there_at FROM tended d WHERE d.tenant_id = w.tenant_id AND d.entra_id = w.entra_id), 0) AS there_at,
		COALESCE((SELECT MAX(m.at) ` + heard + `('installed', 'addressed')), 0) AS heard_at,
		(SELECT count(*) ` + heard + `('removed', 'blocked') AND m.reason = '') > 0 AS removed
	FROM ` + walked + ` AS w WHERE w.state <> 'blocked'
		AND (SELECT p.excluded FROM people p WHERE p.tenant_id = w.tenant_id AND p.entra_id = w.entra_id) = ''
		AND COALESCE((SELECT d.of_pass FROM tended d WHERE d.tenant_id = w.tenant_id AND d.entra_id = w.entra_id), 0) < @pass
	ORDER BY w.entra_id LIMIT @limit `

type nextRow struct {
	EntraID, State   string
	Fence, UpdatedAt int64
	ThereAt, HeardAt int64
	Removed          bool
}

func (r nextRow) person() upkeep.Person {
	return upkeep.Person{
		EntraID: broadcast.EntraID(r.EntraID), State: broadcast.InstallationState(r.State), Fence: r.Fence, ChangedAt: db.Moment(r.UpdatedAt),
		ThereAt: db.Moment(max(r.ThereAt, r.HeardAt)), Removed: r.Removed,
	}
}
