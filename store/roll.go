package store

import (
	"context"
	"errors"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/store/census"
	"github.com/fanfare/fanfare/store/db"
)

type chunkRow struct {
	TenantID    string
	BroadcastID string
	Number      int
	FirstID     int64
	LastID      int64
	Fence       int64
	LeasedUntil int64
	NextAt      *int64
	Wave        int
	OpenTo      int64
}

func (chunkRow) TableName() string { return "chunks" }

// errNotResolving stops a resolver whose broadcast has moved on: nobody is added
// to a list that is frozen.
var errNotResolving = errors.New("store: the broadcast is no longer resolving; its list takes nobody in")

// turnRoll is the name under which AddDeliveries looks at addresses alone, and
// whoever changes them shares a turn. Without it a person could be put down as
// pending in the very moment their address is stored, and wait for ever. Price:
// an event waits for at most one page (some 10 ms).
const turnRoll = "roll"

// AddDeliveries stores recipients as the next chunk, those not yet on the list
// only. Price: six statements per page, one of which inserts everybody.
func (s *Store) AddDeliveries(ctx context.Context, id broadcast.ID, page []broadcast.Recipient) error {
	rows, err := census.Recipients(page)
	if err != nil || len(page) == 0 {
		return err
	}
	return s.write(ctx, func(t *tx) error {
		if err := t.Turn(turnRoll, true); err != nil {
			return err
		}
		if state, err := t.lockBroadcast(id); err != nil || state != broadcast.Resolving {
			return errors.Join(err, errNotResolving)
		}
		var last struct {
			Number int
			LastID int64
		}
		a := db.Args{"id": string(id), "rows": rows, "now": t.NowMillis()}
		if _, err := t.Scan(&last, `SELECT number, last_id FROM chunks WHERE tenant_id = @tenant AND broadcast_id = @id ORDER BY number DESC LIMIT 1`, a); err != nil {
			return err
		}
		a["chunk"], a["last"], a["limit"] = last.Number+1, last.LastID, len(page)
		if n, err := t.insertDeliveries(a); err != nil || n == 0 {
			return err
		}
		return t.insertChunk(id, a)
	})
}

// lockBroadcast reads a broadcast's state and keeps it until the end.
func (t *tx) lockBroadcast(id broadcast.ID) (broadcast.State, error) {
	var state broadcast.State
	_, err := t.Scan(&state, `SELECT state FROM broadcasts WHERE tenant_id = @tenant AND id = @id `+t.ForShare, db.Args{"id": string(id)})
	return state, err
}

func (t *tx) insertDeliveries(a db.Args) (int64, error) {
	r := t.Rows("rows", "entra_id text, excluded text") + ` AS r`
	// Those a broadcast waits for come before a rollout's mass: not_before 0.
	if _, err := t.Exec(`INSERT INTO installations (tenant_id, entra_id, state, reason, detail, attempts, not_before, fence, leased_until, service_url, conversation_id, channel_account_id, updated_at)
		SELECT @tenant , r.entra_id, 'wanted', '', '', 0, 0, 0, 0, '', '', '', CAST(@now AS bigint) FROM `+r+`
		WHERE r.excluded = '' AND NOT EXISTS (SELECT 1 FROM installations i WHERE i.tenant_id = @tenant AND i.entra_id = r.entra_id)
		ON CONFLICT DO NOTHING`, a); err != nil {
		return 0, err
	}
	return t.Exec(`INSERT INTO deliveries (tenant_id, broadcast_id, entra_id, chunk, state, reason, code, detail, attempts, not_before, activity_id, maybe_sent, updated_at)
		SELECT @tenant , @id , r.entra_id, CAST(@chunk AS bigint), `+census.StartState+`, `+census.StartReason+`, '', CASE WHEN r.excluded = '' AND i.state = 'refused' THEN i.detail ELSE '' END, 0, 0, '', FALSE, CAST(@now AS bigint)
		FROM `+r+` LEFT JOIN installations i ON i.tenant_id = @tenant AND i.entra_id = r.entra_id
		WHERE TRUE ON CONFLICT DO NOTHING`, a)
}

// insertChunk writes the chunk of the deliveries just inserted and counts them.
func (t *tx) insertChunk(id broadcast.ID, a db.Args) error {
	var counts []struct {
		State       broadcast.DeliveryState
		N           int
		First, Last int64
	}
	// The inner LIMIT makes both databases walk the IDs after the last chunk's; grouping
	// the table itself, SQLite would walk the whole broadcast in the order of states.
	if _, err := t.Scan(&counts, `SELECT state, count(*) AS n, MIN(id) AS first, MAX(id) AS last FROM (
		SELECT id, state FROM deliveries WHERE tenant_id = @tenant AND broadcast_id = @id AND id > @last ORDER BY id LIMIT @limit ) AS added GROUP BY state`, a); err != nil {
		return err
	}
	row := chunkRow{TenantID: t.Tenant(), BroadcastID: string(id), Number: a["chunk"].(int), Wave: 1}
	for _, c := range counts {
		t.count(id, "", c.State, c.N)
		if row.FirstID == 0 || c.First < row.FirstID {
			row.FirstID = c.First
		}
		row.LastID = max(row.LastID, c.Last)
		if c.State == broadcast.DeliveryReady {
			row.NextAt = new(int64)
		}
	}
	return t.ORM.Create(&row).Error
}

// dropPage is how many chunks one transaction of DropDeliveries takes: on SQLite
// everybody else's writing waits for it.
const dropPage = 20

// DropDeliveries forgets the list of a resolving broadcast that was never sent
// from. A list from which a chunk was ever taken is kept: its people may have got
// the message. Price: its rows, some thousands per transaction, the last first.
func (s *Store) DropDeliveries(ctx context.Context, id broadcast.ID) error {
	for more := true; more; {
		err := s.write(ctx, func(t *tx) (err error) {
			if err := t.Turn(turnRoll, true); err != nil {
				return err
			}
			state, err := t.lockBroadcast(id)
			if err != nil {
				return err
			}
			if state != broadcast.Resolving {
				return broadcast.Errorf(broadcast.Conflict, "The list of recipients is already in use.")
			}
			more, err = t.dropChunks(id)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// dropChunks drops the last chunks and tells whether there may be more.
func (t *tx) dropChunks(id broadcast.ID) (bool, error) {
	a := db.Args{"id": string(id), "limit": dropPage}
	var taken int
	if _, err := t.Scan(&taken, `SELECT count(*) FROM chunks WHERE tenant_id = @tenant AND broadcast_id = @id AND fence > 0`, a); err != nil || taken > 0 {
		return false, err
	}
	var last []chunkRow
	if _, err := t.Scan(&last, `SELECT * FROM chunks WHERE tenant_id = @tenant AND broadcast_id = @id ORDER BY number DESC LIMIT @limit `, a); err != nil || len(last) == 0 {
		return false, err
	}
	a["first"], a["number"] = last[len(last)-1].FirstID, last[len(last)-1].Number
	var dropped []broadcast.DeliveryState
	if _, err := t.Scan(&dropped, `DELETE FROM deliveries WHERE tenant_id = @tenant AND broadcast_id = @id AND id >= @first RETURNING state`, a); err != nil {
		return false, err
	}
	for _, state := range dropped {
		t.count(id, state, "", 1)
	}
	_, err := t.Exec(`DELETE FROM chunks WHERE tenant_id = @tenant AND broadcast_id = @id AND number >= @number `, a)
	return len(last) == dropPage, err
}
