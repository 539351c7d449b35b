package store

import (
	"context"
	"slices"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/store/db"
)

// lockedChunk is a chunk whose row is locked, with its broadcast's state.
type lockedChunk struct {
	Row   chunkRow `gorm:"embedded"`
	State broadcast.State
}

// lockChunk locks a chunk's row and then reads the broadcast's state, so that
// what follows sees everything that was committed before the lock was ours. A
// chunk that does not exist has Number 0.
func (t *tx) lockChunk(id broadcast.ID, number int) (lockedChunk, error) {
	var c lockedChunk
	a := db.Args{"id": string(id), "number": number}
	if _, err := t.Scan(&c.Row, `SELECT * FROM chunks WHERE tenant_id = @tenant AND broadcast_id = @id AND number = @number `+t.ForUpdate, a); err != nil {
		return c, err
	}
	_, err := t.Scan(&c.State, `SELECT state FROM broadcasts WHERE tenant_id = @tenant AND id = @id `, a)
	return c, err
}

// TakeChunk takes a chunk under its next fence until the lease runs out, with the
// deliveries that are ready and due. ErrChunkBusy if somebody else holds it, an
// empty chunk if there is nothing to do or the broadcast is not sending.
//
// A chunk whose last holder never gave it back was being sent when a process died:
// what is still ready in it may have arrived, and is marked so. People who removed
// or blocked the bot while their delivery waited are skipped. Price: four
// statements and one index range per chunk.
func (s *Store) TakeChunk(ctx context.Context, id broadcast.ID, number int, lease time.Duration) (broadcast.Chunk, error) {
	taken := broadcast.Chunk{BroadcastID: id, Number: number}
	err := s.write(ctx, func(t *tx) error {
		taken.Fence, taken.Deliveries = 0, nil
		c, err := t.lockChunk(id, number)
		now := s.db.Now()
		switch {
		case err != nil || c.Row.Number == 0 || c.State != broadcast.Sending:
			return err
		case c.Row.LeasedUntil > db.Millis(now):
			return broadcast.ErrChunkBusy
		}
		if c.Row.LeasedUntil > 0 {
			if err := t.doubtReady(c.Row, db.Millis(now)); err != nil {
				return err
			}
		}
		due, err := t.readyIn(c.Row, db.Millis(now))
		if err != nil {
			return err
		}
		if due, err = t.skipGone(due); err != nil {
			return err
		}
		if len(due) == 0 {
			return t.release(c.Row)
		}
		taken.Fence, taken.Deliveries = c.Row.Fence+1, db.Each(due, deliveryView.delivery)
		_, err = t.Exec(`UPDATE chunks SET fence = @fence , leased_until = @until , open_to = last_id WHERE tenant_id = @tenant AND broadcast_id = @id AND number = @number `,
			db.Args{"fence": taken.Fence, "until": db.Millis(now.Add(lease)), "id": string(id), "number": number})
		return err
	})
	if err != nil {
		return broadcast.Chunk{}, err
	}
	return taken, nil
}

// doubtReady marks what a dead worker may have sent.
func (t *tx) doubtReady(c chunkRow, now int64) error {
	_, err := t.Exec(`UPDATE deliveries SET maybe_sent = TRUE WHERE tenant_id = @tenant AND broadcast_id = @id AND state = 'ready'
		AND id BETWEEN @first AND @last AND not_before <= @now `, db.Args{"id": c.BroadcastID, "first": c.FirstID, "last": c.LastID, "now": now})
	return err
}

func (t *tx) readyIn(c chunkRow, now int64) ([]deliveryView, error) {
	var rows []deliveryView
	_, err := t.Scan(&rows, `SELECT d.*, i.service_url, i.conversation_id, i.channel_account_id, i.state AS bot FROM deliveries d
		LEFT JOIN installations i ON i.tenant_id = d.tenant_id AND i.entra_id = d.entra_id
		WHERE d.tenant_id = @tenant AND d.broadcast_id = @id AND d.state = 'ready' AND d.id BETWEEN @first AND @last AND d.not_before <= @now ORDER BY d.id`,
		db.Args{"id": c.BroadcastID, "first": c.FirstID, "last": c.LastID, "now": now})
	return rows, err
}

// skipGone skips those who removed or blocked the bot while a worker had their
// chunk, so that the event could not (skipWaiting). Their address is forgotten:
// sending would open a chat with them against their will.
func (t *tx) skipGone(due []deliveryView) ([]deliveryView, error) {
	gone := map[broadcast.InstallationState][]waitingRow{}
	due = slices.DeleteFunc(due, func(d deliveryView) bool {
		if d.Bot != broadcast.InstallationRemoved && d.Bot != broadcast.InstallationBlocked {
			return false
		}
		gone[d.Bot] = append(gone[d.Bot], waitingRow{ID: d.Row.ID, BroadcastID: broadcast.ID(d.Row.BroadcastID)})
		return true
	})
	for state, rows := range gone {
		if _, err := t.moveRows(rows, broadcast.DeliveryReady, broadcast.DeliverySkipped, broadcast.Reason(state)); err != nil {
			return nil, err
		}
	}
	return due, nil
}

// release frees a locked chunk and notes when its next delivery is due.
func (t *tx) release(c chunkRow) error {
	_, err := t.Exec(`UPDATE chunks SET leased_until = 0, next_at = (SELECT MIN(d.not_before) FROM deliveries d
			WHERE d.tenant_id = @tenant AND d.broadcast_id = @id AND d.state = 'ready' AND d.id BETWEEN @first AND @last )
		WHERE tenant_id = @tenant AND broadcast_id = @id AND number = @number `,
		db.Args{"id": c.BroadcastID, "first": c.FirstID, "last": c.LastID, "number": c.Number})
	return err
}

// KeepChunk extends the lease; false if the fence is no longer ours or the
// broadcast is no longer sending. Price: one row, once a second per worker.
func (s *Store) KeepChunk(ctx context.Context, c broadcast.Chunk, lease time.Duration) (bool, error) {
	n, err := s.db.Alone(ctx).Exec(`UPDATE chunks SET leased_until = @until WHERE tenant_id = @tenant AND broadcast_id = @id AND number = @number AND fence = @fence
			AND EXISTS (SELECT 1 FROM broadcasts b WHERE b.tenant_id = @tenant AND b.id = @id AND b.state = 'sending')`,
		db.Args{"until": db.Millis(s.db.Now().Add(lease)), "id": string(c.BroadcastID), "number": c.Number, "fence": c.Fence})
	return n == 1, err
}

// ReleaseChunk gives the chunk back and notes when its next delivery is due. One
// that somebody else has taken over is left alone.
func (s *Store) ReleaseChunk(ctx context.Context, c broadcast.Chunk) error {
	if c.Fence == 0 {
		return nil // was never taken: there was nothing to do
	}
	return s.write(ctx, func(t *tx) error {
		locked, err := t.lockChunk(c.BroadcastID, c.Number)
		if err != nil || locked.Row.Fence != c.Fence {
			return err
		}
		return t.release(locked.Row)
	})
}
