package rings

import (
	"context"
	"errors"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/rollout"
	"github.com/fanfare/fanfare/store/census"
	"github.com/fanfare/fanfare/store/db"
)

// fillPage is how many people one transaction looks at: on SQLite everybody else's
// writing waits for it.
const fillPage = 2_000

// FillRings implements rollout.Rings. Price: a walk over each ring's people by key, 2,000
// per transaction; those who are wanted already cost a look-up. Where nothing is to be
// filled, two look-ups.
func (s Rings) FillRings(ctx context.Context, most time.Duration) (more bool, err error) {
	for began := s.db.Now(); ; {
		var todo int
		if _, err := s.db.Read(ctx).Scan(&todo, `SELECT count(*) FROM rings g JOIN rollouts o ON o.tenant_id = g.tenant_id WHERE g.tenant_id = @tenant AND g.state IN ('open', 'done') AND NOT g.filled AND o.state = 'running'`, nil); err != nil || todo == 0 {
			return false, err
		}
		if err := s.db.Write(ctx, fillOne); err != nil {
			return false, err
		}
		if s.db.Now().Sub(began) >= most {
			return true, nil
		}
	}
}

// fillOne takes in the next page of the first ring that is not filled. Replicas that do
// so at once take turns by the ring's row.
func fillOne(t *db.Tx) error {
	var row ringRow
	if n, err := t.Scan(&row, `SELECT * FROM rings WHERE tenant_id = @tenant AND state IN ('open', 'done') AND NOT filled ORDER BY position LIMIT 1 `+t.ForUpdate, nil); err != nil || n == 0 {
		return err
	}
	ring, err := row.ring()
	if err != nil {
		return err
	}
	m, err := census.Meant(t, rollout.Owner(row.ID), ring.Audience)
	if errors.Is(err, census.ErrUngathered) { // its sets are gone: the next sync reads them anew
		_, err = t.Exec(`UPDATE rings SET filled = TRUE, fill_after = '' WHERE tenant_id = @tenant AND id = @id `, db.Args{"id": row.ID})
		return err
	}
	if err != nil {
		return err
	}
	end, err := m.PageEnd(t, broadcast.EntraID(row.FillAfter), fillPage)
	if err != nil {
		return err
	}
	a := m.Args(db.Args{"ring": row.ID, "after": row.FillAfter, "end": string(end), "now": t.NowMillis()})
	if end == "" {
		_, err = t.Exec(`UPDATE rings SET filled = TRUE, fill_after = '' WHERE tenant_id = @tenant AND id = @ring `, a)
		return err
	}
	if err := want(t, m, ring, a); err != nil {
		return err
	}
	_, err = t.Exec(`UPDATE rings SET fill_after = @end WHERE tenant_id = @tenant AND id = @ring `, a)
	return err
}

// want makes a page of a ring's people wanted: those who are in no ring that was opened
// before. In the last one is everybody else, so nobody is written down for it.
func want(t *db.Tx, m census.Meaning, ring rollout.Ring, a db.Args) error {
	in := ``
	if !ring.IsLast() {
		if _, err := t.Exec(`INSERT INTO ring_people (tenant_id, entra_id, ring_id) SELECT @tenant , r.entra_id, @ring FROM `+m.People(`NOT r.deleted`, true)+` AS r WHERE TRUE ON CONFLICT DO NOTHING`, a); err != nil {
			return err
		}
		in = `JOIN ring_people g ON g.tenant_id = p.tenant_id AND g.entra_id = p.entra_id AND g.ring_id = @ring AND g.entra_id > @after AND g.entra_id <= @end `
	}
	n, err := t.Exec(`INSERT INTO installations (tenant_id, entra_id, state, reason, detail, attempts, not_before, fence, leased_until, service_url, conversation_id, channel_account_id, updated_at)
		SELECT p.tenant_id, p.entra_id, 'wanted', '', '', 0, CAST(@now AS bigint), 0, 0, '', '', '', CAST(@now AS bigint) FROM people p `+in+`
		WHERE p.tenant_id = @tenant AND p.entra_id > @after AND p.entra_id <= @end AND p.excluded = ''
		AND NOT EXISTS (SELECT 1 FROM installations i WHERE i.tenant_id = p.tenant_id AND i.entra_id = p.entra_id)
		ON CONFLICT DO NOTHING`, a)
	if n > 0 {
		t.HandOut(broadcast.Work{Kind: broadcast.KindInstall})
	}
	return err
}
