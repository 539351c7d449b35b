package store

import (
	"context"
	"slices"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/store/db"
	"github.com/fanfare/fanfare/store/recipients"
	"github.com/fanfare/fanfare/store/roll"
)

// CancelLeft marks up to limit waiting deliveries of a cancelled broadcast
// cancelled, leaving out chunks in a worker's hands; it returns how many it
// marked. Price: eight statements, whatever the limit.
func (s *Store) CancelLeft(ctx context.Context, id broadcast.ID, limit int) (int, error) {
	return s.endLeft(ctx, id, limit, broadcast.DeliveryCancelled, broadcast.ReasonCancelled, func(f roll.Facts) bool { return f.State == broadcast.Cancelled })
}

// ExpireLeft marks up to limit waiting deliveries expired once the broadcast's
// expiry has passed, leaving out chunks in a worker's hands; it returns how many it
// marked. Price: as CancelLeft.
func (s *Store) ExpireLeft(ctx context.Context, id broadcast.ID, limit int) (int, error) {
	now := db.Millis(s.db.Now())
	return s.endLeft(ctx, id, limit, broadcast.DeliveryExpired, broadcast.ReasonExpired, func(f roll.Facts) bool {
		return f.State.Live() && f.ExpiresAt > 0 && f.ExpiresAt <= now
	})
}

func (s *Store) endLeft(ctx context.Context, id broadcast.ID, limit int, to broadcast.DeliveryState, why broadcast.Reason, due func(roll.Facts) bool) (int, error) {
	var marked int
	err := s.write(ctx, func(t *tx) error {
		marked = 0
		if f, err := roll.Read(t.Tx, id, t.ForShare); err != nil || !due(f) {
			return err
		}
		for _, from := range []broadcast.DeliveryState{broadcast.DeliveryPending, broadcast.DeliveryReady} {
			a := db.Args{"limit": limit - marked}
			which := recipients.ReadyIn(`AND c.leased_until <= @now `)
			if from == broadcast.DeliveryPending {
				which = recipients.InState(from, `AND EXISTS (SELECT 1 FROM chunks c WHERE c.tenant_id = @tenant AND c.broadcast_id = @id AND c.number = d.chunk AND c.leased_until <= @now ) `, a)
			}
			rows, err := t.matching(id, which, a)
			if err != nil {
				return err
			}
			n, err := t.end(id, rows, from, to, why)
			if err != nil {
				return err
			}
			marked += n
		}
		return nil
	})
	return marked, err
}

// end moves those of the deliveries that nobody has in hand, and returns how many.
func (t *tx) end(id broadcast.ID, rows []waitingRow, from, to broadcast.DeliveryState, why broadcast.Reason) (int, error) {
	free, err := t.freeChunks(rows)
	if err != nil {
		return 0, err
	}
	rows = slices.DeleteFunc(rows, func(r waitingRow) bool { return !free[chunkKey{r.BroadcastID, r.Chunk}] })
	moved, err := t.moveRows(rows, from, to, why)
	if err != nil || from != broadcast.DeliveryReady || len(moved) == 0 {
		return len(moved), err
	}
	raw, err := db.List(chunksOf(moved))
	if err != nil {
		return 0, err
	}
	_, err = t.Exec(`UPDATE chunks AS c SET next_at = (SELECT MIN(d.not_before) FROM deliveries d
			WHERE d.tenant_id = c.tenant_id AND d.broadcast_id = c.broadcast_id AND d.state = 'ready' AND d.id BETWEEN c.first_id AND c.last_id)
		WHERE c.tenant_id = @tenant AND c.broadcast_id = @id AND c.number IN (SELECT r.number FROM `+t.Rows("rows", "number bigint")+` AS r)`,
		db.Args{"id": string(id), "rows": raw})
	return len(moved), err
}

// matching finds the deliveries of a broadcast of which a statement selects
// the IDs.
func (t *tx) matching(id broadcast.ID, which string, a db.Args) ([]waitingRow, error) {
	a["id"], a["now"], a["after"] = string(id), t.NowMillis(), 0
	var rows []waitingRow
	_, err := t.Scan(&rows, `SELECT d.id, d.entra_id, d.broadcast_id, d.chunk, d.state FROM (`+which+`) AS page CROSS JOIN deliveries d
		WHERE d.tenant_id = @tenant AND d.broadcast_id = @id AND d.id = page.id ORDER BY d.id`, a)
	return rows, err
}

// RetryFailed makes up to limit deliveries ready again that had failed when the
// retry was asked for (and for the reason asked for), with their attempts back at
// none. It returns how many; 0 says that nobody is left. Price: six statements,
// whatever the limit.
func (s *Store) RetryFailed(ctx context.Context, id broadcast.ID, limit int) (int, error) {
	var reopened int
	err := s.write(ctx, func(t *tx) error {
		reopened = 0
		f, err := roll.Read(t.Tx, id, t.ForShare)
		if err != nil || f.RetryAt == 0 || f.State != broadcast.Sending && f.State != broadcast.Paused {
			return err
		}
		a, condition := db.Args{"asked": f.RetryAt, "limit": limit}, `AND d.updated_at <= @asked `
		if f.RetryReason != "" {
			condition, a["reason"] = condition+`AND d.reason = @reason `, string(f.RetryReason)
		}
		rows, err := t.matching(id, recipients.InState(broadcast.DeliveryFailed, condition, a), a)
		if err != nil {
			return err
		}
		reopened, err = t.reopen(rows, broadcast.DeliveryFailed)
		return err
	})
	return reopened, err
}

// reopen makes ended deliveries of one broadcast ready and returns how many. Also
// in chunks that are in a worker's hands: they are due from now on, so what was
// taken before is told from them (doubt), and giving the chunk back finds them.
func (t *tx) reopen(rows []waitingRow, from broadcast.DeliveryState) (int, error) {
	type row struct {
		ID    int64 `json:"id"`
		Chunk int   `json:"chunk"`
	}
	raw, err := db.List(db.Each(rows, func(w waitingRow) row { return row{w.ID, w.Chunk} }))
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	if _, err := t.lockChunks(chunksOf(rows), true); err != nil {
		return 0, err
	}
	id := rows[0].BroadcastID
	a := db.Args{"id": string(id), "rows": raw, "from": string(from), "now": t.NowMillis()}
	n, err := t.Exec(`UPDATE deliveries AS d SET state = 'ready', reason = '', code = '', detail = '', attempts = 0, not_before = @now , updated_at = @now
		FROM `+t.Rows("rows", "id bigint")+` AS r WHERE d.tenant_id = @tenant AND d.broadcast_id = @id AND d.id = r.id AND d.state = @from `, a)
	if err != nil || n == 0 {
		return 0, err
	}
	t.count(id, from, broadcast.DeliveryReady, int(n))
	_, err = t.Exec(`UPDATE chunks SET next_at = `+t.Least+`(COALESCE(next_at, CAST(@now AS bigint)), CAST(@now AS bigint))
		WHERE tenant_id = @tenant AND broadcast_id = @id AND number IN (SELECT r.chunk FROM `+t.Rows("rows", "chunk bigint")+` AS r)`, a)
	return int(n), err
}
