package places

import (
	"context"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/places"
	"github.com/fanfare/fanfare/store/db"
)

// dueRead is a roster nobody has in hand that is to be read now; the index
// roster_reads_due has it.
const dueRead = `tenant_id = @tenant AND due_at > 0 AND due_at <= @now AND leased_until <= @now `

// RostersDue tells whether any roster is to be taken now. Price: the beginning of one
// index range.
func RostersDue(t *db.Tx) (bool, error) {
	var n int
	_, err := t.Scan(&n, `SELECT count(*) FROM (SELECT 1 FROM roster_reads WHERE `+dueRead+`LIMIT 1) AS one`, db.Args{"now": t.NowMillis()})
	return n > 0, err
}

// TakeRoster takes the roster that is due the longest under the next fence until the
// lease runs out; nil if none is due. At its beginning it is a new round. Price: the
// beginning of one index range.
func (s Places) TakeRoster(ctx context.Context, lease time.Duration) (*places.Reading, error) {
	var taken *places.Reading
	err := s.db.Write(ctx, func(t *db.Tx) error {
		taken = nil
		var rows []readRow
		now := s.db.Now()
		if _, err := t.Scan(&rows, `WITH due AS MATERIALIZED (SELECT team_id FROM roster_reads WHERE `+dueRead+`ORDER BY due_at LIMIT 1 `+s.db.SkipLocked+`)
			UPDATE roster_reads SET fence = fence + 1, leased_until = @until , round = round + CASE WHEN cursor = '' THEN 1 ELSE 0 END,
				begun_at = CASE WHEN cursor = '' THEN CAST(@now AS bigint) ELSE begun_at END
			WHERE tenant_id = @tenant AND team_id IN (SELECT team_id FROM due) RETURNING *`, db.Args{"now": db.Millis(now), "until": db.Millis(now.Add(lease))}); err != nil || len(rows) == 0 {
			return err
		}
		var place placeRow
		if _, err := t.Scan(&place, `SELECT * FROM places WHERE tenant_id = @tenant AND place_id = @team `, db.Args{"team": rows[0].TeamID}); err != nil {
			return err
		}
		r := rows[0]
		taken = &places.Reading{Team: place.place(), Round: r.Round, Cursor: r.Cursor, Fence: r.Fence, Attempts: r.Attempts, BegunAt: db.Moment(r.BegunAt)}
		return nil
	})
	return taken, err
}

// ours changes a reading that is still in these hands, or returns ErrNotOurs.
func ours(t *db.Tx, r places.Reading, set string, a db.Args) error {
	a["team"], a["fence"] = r.Team.ID, r.Fence
	n, err := t.Exec(`UPDATE roster_reads SET `+set+` WHERE tenant_id = @tenant AND team_id = @team AND fence = @fence AND due_at > 0`, a)
	if err == nil && n == 0 {
		err = places.ErrNotOurs
	}
	return err
}

// SaveTeam stores what a team's details and its list of channels say, as of when the
// round began.
func (s Places) SaveTeam(ctx context.Context, r places.Reading, details places.Place, channels []places.Channel) error {
	return s.db.Write(ctx, func(t *db.Tx) error {
		before, err := lockPlace(t, r.Team.ID)
		if err != nil {
			return err
		}
		if err := ours(t, r, `attempts = 0`, db.Args{}); err != nil {
			return err
		}
		if now := before.After(places.Event{Place: details, At: r.BegunAt}); now != before {
			if err := savePlace(t, now); err != nil {
				return err
			}
		}
		var rows []channelRow
		if _, err := t.Scan(&rows, `SELECT * FROM channels WHERE tenant_id = @tenant AND team_id = @team `, db.Args{"team": r.Team.ID}); err != nil {
			return err
		}
		return saveChannels(t, db.Each(places.Relist(db.Each(rows, channelRow.channel), channels, r.BegunAt), rowOf))
	})
}

// errNobody keeps a roster that ended without a single person from replacing a whole
// one: at least an owner is in every team.
var errNobody = &broadcast.Fault{Class: broadcast.Transient, Scope: broadcast.ScopeRecipient, Code: "nobody", Detail: "the roster came to its end without a single person"}

// SavePage stores a page of a roster, the accounts it reveals and the cursor behind
// it, and prolongs the lease. The last page ends the round: it becomes the whole one,
// and older rows go. Price: a few statements for the whole page; at the end a pass over
// the team's rows by key.
func (s Places) SavePage(ctx context.Context, r places.Reading, p places.Page, lease time.Duration) error {
	rows, err := db.People(db.Each(p.Members, func(m places.Member) broadcast.EntraID { return m.EntraID }))
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(t *db.Tx) error {
		now := s.db.Now()
		if err := ours(t, r, `cursor = @next , attempts = 0, problem = '', leased_until = @until `, db.Args{"next": p.Next, "until": db.Millis(now.Add(lease))}); err != nil {
			return err
		}
		if err := learn(t, p.Members, r.Team.ServiceURL, now); err != nil {
			return err
		}
		a := db.Args{"team": r.Team.ID, "round": r.Round, "rows": rows}
		if len(p.Members) > 0 {
			if _, err := t.Exec(`INSERT INTO rosters (tenant_id, team_id, round, entra_id)
				SELECT @tenant , CAST(@team AS text), CAST(@round AS bigint), r.entra_id FROM `+t.Rows("rows", "entra_id text")+` AS r WHERE TRUE ON CONFLICT DO NOTHING`, a); err != nil {
				return err
			}
		}
		if p.Next != "" {
			return nil
		}
		return end(t, r, now)
	})
}

// end makes a round the whole one. What events asked for while it was read is read
// again after a while, because they may have come too late for it.
func end(t *db.Tx, r places.Reading, now time.Time) error {
	var members int
	a := db.Args{"team": r.Team.ID, "round": r.Round}
	if _, err := t.Scan(&members, `SELECT count(*) FROM rosters WHERE tenant_id = @tenant AND team_id = @team AND round = @round `, a); err != nil {
		return err
	}
	if members == 0 {
		return errNobody
	}
	if err := ours(t, r, `whole = round, read_at = @now , members = @members , leased_until = 0, due_at = CASE WHEN asked_at > begun_at THEN CAST(@soon AS bigint) ELSE CAST(@later AS bigint) END`,
		db.Args{"now": db.Millis(now), "members": members, "soon": db.Millis(now.Add(apart)), "later": db.Millis(now.Add(daily))}); err != nil {
		return err
	}
	_, err := t.Exec(`DELETE FROM rosters WHERE tenant_id = @tenant AND team_id = @team AND round < @round `, a)
	return err
}

// PutBack gives a roster back before its end, with what an answer said of the place
// unless an event has said otherwise since.
func (s Places) PutBack(ctx context.Context, r places.Reading, trouble places.Trouble) error {
	return s.db.Write(ctx, func(t *db.Tx) error {
		place, err := lockPlace(t, r.Team.ID)
		if err != nil {
			return err
		}
		if err := ours(t, r, `due_at = @due , leased_until = 0, attempts = @attempts , problem = @problem , cursor = CASE WHEN CAST(@anew AS boolean) THEN '' ELSE cursor END`, db.Args{
			"due": max(1, db.Millis(trouble.NotBefore)), "attempts": trouble.Attempts, "problem": db.Clean(trouble.Problem, 500), "anew": trouble.Anew,
		}); err != nil || trouble.State == "" || place.StateAt.After(r.BegunAt) {
			return err
		}
		place.State, place.StateAt = trouble.State, r.BegunAt
		if err := savePlace(t, place); err != nil {
			return err
		}
		return hush(t, place.ID, false)
	})
}

// askRoster has a roster read after a while, but not so soon after the last time.
func askRoster(t *db.Tx, teamID string, after, apart time.Duration) error {
	now := t.NowMillis()
	_, err := t.Exec(`INSERT INTO roster_reads (tenant_id, team_id, due_at, asked_at, begun_at, round, cursor, whole, read_at, members, attempts, problem, fence, leased_until)
		VALUES (@tenant , @team , @due , @now , 0, 0, '', 0, 0, 0, 0, '', 0, 0)
		ON CONFLICT (tenant_id, team_id) DO UPDATE SET asked_at = excluded.asked_at,
			due_at = CASE WHEN roster_reads.due_at = 0 THEN `+t.Greatest+`(excluded.due_at, roster_reads.read_at + CAST(@apart AS bigint))
				ELSE `+t.Least+`(roster_reads.due_at, `+t.Greatest+`(excluded.due_at, roster_reads.read_at + CAST(@apart AS bigint))) END`,
		db.Args{"team": teamID, "now": now, "due": now + after.Milliseconds(), "apart": apart.Milliseconds()})
	return err
}

// hush ends all reading of a roster; whoever has it in hand loses it. What is known of
// a team that was deleted for good is forgotten.
func hush(t *db.Tx, teamID string, forget bool) error {
	a := db.Args{"team": teamID}
	_, err := t.Exec(`UPDATE roster_reads SET due_at = 0, cursor = '', leased_until = 0, fence = fence + 1 WHERE tenant_id = @tenant AND team_id = @team `, a)
	if err != nil || !forget {
		return err
	}
	if _, err := t.Exec(`UPDATE roster_reads SET whole = 0, members = 0, read_at = 0 WHERE tenant_id = @tenant AND team_id = @team `, a); err != nil {
		return err
	}
	_, err = t.Exec(`DELETE FROM rosters WHERE tenant_id = @tenant AND team_id = @team `, a)
	return err
}

// AskRoster has a team's roster read at once.
func (s Places) AskRoster(ctx context.Context, teamID string) error {
	return s.db.Write(ctx, func(t *db.Tx) error {
		place, err := lockPlace(t, teamID)
		switch {
		case err != nil:
			return err
		case place.Kind != places.Team:
			return orUnknown(nil)
		case !place.Readable():
			return broadcast.Errorf(broadcast.Conflict, "The bot is no longer in the team “%s”. Add it to the team again.", place.Words())
		}
		if err := askRoster(t, teamID, 0, 0); err != nil {
			return err
		}
		t.HandOut(broadcast.Work{Kind: broadcast.KindRoster})
		return nil
	})
}

// RosterPage reads members of a round after one. Price: an index range.
func (s Places) RosterPage(ctx context.Context, teamID string, round int64, after broadcast.EntraID, limit int) ([]broadcast.EntraID, error) {
	var ids []broadcast.EntraID
	_, err := s.db.Read(ctx).Scan(&ids, `SELECT entra_id FROM rosters WHERE tenant_id = @tenant AND team_id = @team AND round = @round AND entra_id > @after ORDER BY entra_id LIMIT @limit `,
		db.Args{"team": teamID, "round": round, "after": string(after), "limit": limit})
	return ids, err
}
