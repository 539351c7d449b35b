package rings

import (
	"context"
	"strings"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/rollout"
	"github.com/fanfare/fanfare/store/db"
)

// begin makes the rows that everything else moves.
func begin(t *db.Tx) error {
	if _, err := t.Exec(`INSERT INTO rollouts (tenant_id, state, by_id, by_name, changed_at) VALUES (@tenant , @idle , '', '', 0) ON CONFLICT DO NOTHING`, db.Args{"idle": string(broadcast.RolloutIdle)}); err != nil {
		return err
	}
	row, err := rowOf(rollout.LastRing(), lastAt)
	if err != nil {
		return err
	}
	return put(t, row)
}

// put stores a ring that was not there.
func put(t *db.Tx, r ringRow) error {
	_, err := t.Exec(`INSERT INTO rings (tenant_id, id, position, name, audience, by_itself, max_failed_percent, settle, state, opened_at, quiet_since, done_at, excused, filled, fill_after, problem)
		VALUES (@tenant , @id , @position , @name , @audience , @by_itself , @most , @settle , 'waiting', 0, 0, 0, 0, FALSE, '', '') ON CONFLICT DO NOTHING`,
		db.Args{"id": r.ID, "position": r.Position, "name": r.Name, "audience": r.Audience, "by_itself": r.ByItself, "most": r.MaxFailedPercent, "settle": r.Settle})
	return err
}

func changed() error {
	return broadcast.Errorf(broadcast.Conflict, "Somebody else has just changed the rollout. Reload the page to see how it stands.")
}

// fillSpan is how long SetRollout makes people wanted before it leaves the rest to the
// sweep.
const fillSpan = 10 * time.Second

// SetRollout implements rollout.Ledger. Whom a crash, or the end of its span, kept it
// from making wanted, the sweep does. Price: a pass over the refused, a walk over people.
func (s Rings) SetRollout(ctx context.Context, from, to broadcast.RolloutState, by broadcast.ActorRef, at time.Time) error {
	err := s.db.Write(ctx, func(t *db.Tx) error {
		if err := begin(t); err != nil {
			return err
		}
		a := db.Args{"from": string(from), "to": string(to), "by": string(by.ID), "name": by.Name, "at": db.Millis(at)}
		n, err := t.Exec(`UPDATE rollouts SET state = @to , by_id = @by , by_name = @name , changed_at = @at , why = '', revision = revision + 1, looked_at = 0, look_from = 0 WHERE tenant_id = @tenant AND state = @from `, a)
		if err != nil {
			return err
		}
		if n == 0 {
			return changed()
		}
		event := rollout.EventPause
		if to == broadcast.RolloutRunning {
			event = rollout.EventStart
			if err := goOn(t, rollout.Move{At: at, By: by}, from); err != nil {
				return err
			}
			t.HandOut(broadcast.Work{Kind: broadcast.KindInstall})
		}
		return noted(t, from, to, rollout.Move{At: at, Event: event, By: by})
	})
	if err != nil {
		return err
	}
	_, err = s.FillRings(ctx, fillSpan)
	return err
}

// goOn wants the refused again, lets held rings go on, opens the last one if there is
// no other, and has those taken in who came meanwhile.
func goOn(t *db.Tx, m rollout.Move, from broadcast.RolloutState) error {
	a := db.Args{"at": db.Millis(m.At), "last": rollout.Last}
	var held []string
	if _, err := t.Scan(&held, `SELECT name FROM rings WHERE tenant_id = @tenant AND state = 'held' ORDER BY position`, nil); err != nil {
		return err
	}
	for _, name := range held {
		m.Event, m.Ring = rollout.EventGo, name
		if err := noted(t, from, broadcast.RolloutRunning, m); err != nil {
			return err
		}
	}
	for _, stmt := range []string{
		`UPDATE installations SET state = 'wanted', attempts = 0, not_before = 0, updated_at = @at WHERE tenant_id = @tenant AND state = 'refused'`,
		`UPDATE rings SET state = 'open', quiet_since = 0 WHERE tenant_id = @tenant AND state = 'held'`,
		`UPDATE rings SET state = 'open', opened_at = @at WHERE tenant_id = @tenant AND id = @last AND state = 'waiting'
			AND NOT EXISTS (SELECT 1 FROM rings o WHERE o.tenant_id = @tenant AND o.id <> @last )`,
		`UPDATE rings SET filled = FALSE, fill_after = '' WHERE tenant_id = @tenant AND state <> 'waiting'`,
	} {
		if _, err := t.Exec(stmt, a); err != nil {
			return err
		}
	}
	return nil
}

// moves are what each event makes of a ring, beside its state.
var moves = map[rollout.Event]string{
	rollout.EventOpen:   `opened_at = @at , quiet_since = 0, filled = FALSE, fill_after = '', problem = ''`,
	rollout.EventFinish: `done_at = @at `,
	rollout.EventHold:   `excused = @refused `,
}

// MoveRing implements rollout.Rings. Price: three updates of a row.
func (s Rings) MoveRing(ctx context.Context, m rollout.RingMove) error {
	to := m.From
	a := db.Args{
		"id": m.Ring.ID, "was": string(m.Rule.From), "is": string(m.Rule.To), "at": db.Millis(m.At), "refused": m.Ring.Counts.Refused,
		"by": string(m.By.ID), "name": m.By.Name, "why": m.Why, "from": string(m.From),
	}
	also := ``
	switch {
	case m.Rule.Event == rollout.EventOpen && m.From != broadcast.RolloutRunning:
		to, also = broadcast.RolloutRunning, `, state = @to , by_id = @by , by_name = @name , changed_at = @at , why = ''`
	case m.Rule.Event == rollout.EventHold:
		to, also = broadcast.RolloutPaused, `, state = @to , by_id = @by , by_name = @name , changed_at = @at , why = @why `
	}
	a["to"] = string(to)
	return s.db.Write(ctx, func(t *db.Tx) error {
		if err := begin(t); err != nil {
			return err
		}
		for _, stmt := range []string{
			`UPDATE rollouts SET revision = revision + 1, looked_at = 0, look_from = 0` + also + ` WHERE tenant_id = @tenant AND state = @from `,
			`UPDATE rings SET state = @is , ` + moves[m.Rule.Event] + ` WHERE tenant_id = @tenant AND id = @id AND state = @was `,
		} {
			if n, err := t.Exec(stmt, a); err != nil {
				return err
			} else if n == 0 {
				return changed()
			}
		}
		return noted(t, m.From, to, rollout.Move{At: m.At, Event: m.Rule.Event, Ring: m.Ring.Name, Note: m.Note, By: m.By})
	})
}

// SetRings implements rollout.Rings. Price: a statement for each of at most 20 rings.
func (s Rings) SetRings(ctx context.Context, revision int64, waiting []rollout.Ring, by broadcast.ActorRef, at time.Time) error {
	return s.db.Write(ctx, func(t *db.Tx) error {
		if err := begin(t); err != nil {
			return err
		}
		n, err := t.Exec(`UPDATE rollouts SET revision = revision + 1 WHERE tenant_id = @tenant AND revision = @revision `, db.Args{"revision": revision})
		if err != nil {
			return err
		}
		if n == 0 {
			return broadcast.Errorf(broadcast.Conflict, "Somebody else has changed the rings meanwhile. Reload the page; then make your change to what is there now.")
		}
		if _, err := t.Exec(`DELETE FROM rings WHERE tenant_id = @tenant AND state = 'waiting'`, nil); err != nil {
			return err
		}
		var opened int64
		if _, err := t.Scan(&opened, `SELECT count(*) FROM rings WHERE tenant_id = @tenant `, nil); err != nil {
			return err
		}
		names := make([]string, len(waiting))
		for i, r := range waiting {
			position := opened + int64(i) + 1
			if names[i] = r.Name; r.IsLast() {
				position = lastAt
			}
			row, err := rowOf(r, position)
			if err != nil {
				return err
			}
			if err := put(t, row); err != nil {
				return err
			}
		}
		p, err := plan(t)
		if err != nil {
			return err
		}
		return noted(t, p.State, p.State, rollout.Move{At: at, Event: rollout.EventChange, Note: "waiting are " + strings.Join(names, ", "), By: by})
	})
}

// QuietRing implements rollout.Rings. Price: a row.
func (s Rings) QuietRing(ctx context.Context, id string, since time.Time) error {
	_, err := s.db.Alone(ctx).Exec(`UPDATE rings SET quiet_since = @since WHERE tenant_id = @tenant AND id = @id AND state = 'open'`, db.Args{"id": id, "since": db.Millis(since)})
	return err
}

// RefillRing implements rollout.Rings. Price: a row.
func (s Rings) RefillRing(ctx context.Context, id, problem string) error {
	_, err := s.db.Alone(ctx).Exec(`UPDATE rings SET problem = @problem ,
			filled = CASE WHEN @problem = '' AND state <> 'waiting' THEN FALSE ELSE filled END, fill_after = CASE WHEN @problem = '' THEN '' ELSE fill_after END
		WHERE tenant_id = @tenant AND id = @id `, db.Args{"id": id, "problem": db.Clean(problem, 500)})
	return err
}
