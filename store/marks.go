package store

import (
	"context"
	"slices"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/store/db"
	"github.com/fanfare/fanfare/store/roll"
)

// CancelLeft marks up to limit waiting deliveries of a cancelled broadcast
// cancelled, leaving out chunks in a worker's hands; it returns how many it
// marked. Price: eight statements, whatever the limit.
func (s *Store) CancelLeft(ctx context.Context, id broadcast.ID, limit int) (int, error) {
	return s.endLeft(ctx, id, limit, broadcast.DeliveryCancelled, func(f roll.Facts) bool { return f.State == broadcast.Cancelled })
}

// ExpireLeft marks up to limit waiting deliveries expired once the broadcast's
// expiry has passed, leaving out chunks in a worker's hands; it returns how many it
// marked. Price: as CancelLeft.
func (s *Store) ExpireLeft(ctx context.Context, id broadcast.ID, limit int) (int, error) {
	now := db.Millis(s.db.Now())
	return s.endLeft(ctx, id, limit, broadcast.DeliveryExpired, func(f roll.Facts) bool {
		return f.State.Live() && f.ExpiresAt > 0 && f.ExpiresAt <= now
	})
}

func (s *Store) endLeft(ctx context.Context, id broadcast.ID, limit int, to broadcast.DeliveryState, due func(roll.Facts) bool) (int, error) {
	var marked int
	err := s.write(ctx, func(t *tx) error {
		marked = 0
		if f, err := roll.Read(t.Tx, id, t.ForShare); err != nil || !due(f) {
			return err
		}
		for _, from := range []broadcast.DeliveryState{broadcast.DeliveryPending, broadcast.DeliveryReady} {
			rows, err := t.matching(id, `d.state = @from AND c.leased_until <= @now `, db.Args{"from": string(from), "limit": limit - marked})
			if err != nil {
				return err
			}
			free, err := t.freeChunks(rows)
			if err != nil {
				return err
			}
			rows = slices.DeleteFunc(rows, func(r waitingRow) bool { return !free[chunkKey{r.BroadcastID, r.Chunk}] })
			moved, err := t.moveRows(rows, from, to, "")
			if err != nil {
				return err
			}
			marked += len(moved)
		}
		return nil
	})
	return marked, err
}

// matching finds deliveries of a broadcast by their columns (d), at most limit.
// One state at a time: then it is one index range.
func (t *tx) matching(id broadcast.ID, where string, a db.Args) ([]waitingRow, error) {
	a["id"], a["now"] = string(id), t.NowMillis()
	var rows []waitingRow
	_, err := t.Scan(&rows, `SELECT d.id, d.entra_id, d.broadcast_id, d.chunk, d.state FROM deliveries d
		JOIN chunks c ON c.tenant_id = d.tenant_id AND c.broadcast_id = d.broadcast_id AND c.number = d.chunk
		WHERE d.tenant_id = @tenant AND d.broadcast_id = @id AND `+where+` ORDER BY d.id LIMIT @limit `, a)
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
		where, a := `d.state = 'failed' AND d.updated_at <= @asked `, db.Args{"asked": f.RetryAt, "limit": limit}
		if f.RetryReason != "" {
			where, a["reason"] = where+`AND d.reason <> '' AND d.reason = @reason `, string(f.RetryReason)
		}
		rows, err := t.matching(id, where, a)
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
