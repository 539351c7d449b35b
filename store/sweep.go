package store

import (
	"context"
	"slices"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/store/census"
	"github.com/fanfare/fanfare/store/db"
)

// Unfinished finds work that nobody seems to have in hand, at most limit: what is
// resolving, chunks of sending broadcasts with something due and no lease,
// cancelled broadcasts with deliveries left, installations that are due. Chunks go
// by their number first, so that a short broadcast does not wait for the end of a
// long one that began before it. Price: four index ranges, once a second; that of
// the chunks is read whole (a million people are 5,000).
func (s *Store) Unfinished(ctx context.Context, limit int) ([]broadcast.Work, error) {
	t := s.read(ctx)
	a := db.Args{"now": db.Millis(s.db.Now()), "limit": limit}
	var works []broadcast.Work
	for _, stmt := range []string{
		`SELECT 'resolve' AS kind, id AS broadcast_id, 0 AS seat FROM broadcasts WHERE tenant_id = @tenant AND state = 'resolving' ORDER BY id LIMIT @limit `,
		`SELECT 'cancel' AS kind, b.id AS broadcast_id, 0 AS seat FROM broadcasts b JOIN tallies y ON y.tenant_id = b.tenant_id AND y.broadcast_id = b.id
			WHERE b.tenant_id = @tenant AND b.state = 'cancelled' AND y.pending + y.ready > 0 ORDER BY b.id LIMIT @limit `,
		// A chunk of each broadcast in turn, so that a short one that starts later does
		// not wait behind a long one's thousands.
		`SELECT 'send' AS kind, x.broadcast_id, x.seat FROM (
			SELECT c.broadcast_id, c.number AS seat, c.next_at, ROW_NUMBER() OVER (PARTITION BY c.broadcast_id ORDER BY c.next_at, c.number) AS place
			FROM broadcasts b JOIN chunks c ON c.tenant_id = b.tenant_id AND c.broadcast_id = b.id
			WHERE b.tenant_id = @tenant AND b.state = 'sending' AND c.next_at IS NOT NULL AND c.next_at <= @now AND c.leased_until <= @now ) AS x
			ORDER BY x.place, x.next_at, x.broadcast_id, x.seat LIMIT @limit `,
	} {
		var found []broadcast.Work
		if _, err := t.Scan(&found, stmt, a); err != nil {
			return nil, err
		}
		works = append(works, found...)
	}
	install, err := census.InstallsDue(t.Tx)
	if err != nil {
		return nil, err
	}
	if install {
		// First, so that a full list of chunks does not crowd it out.
		works = append([]broadcast.Work{{Kind: broadcast.KindInstall}}, works...)
	}
	return works[:min(len(works), limit)], nil
}

// CancelLeft marks up to limit waiting deliveries of a cancelled broadcast
// cancelled, leaving out chunks in a worker's hands; it returns how many it
// marked. Price: eight statements, whatever the limit.
func (s *Store) CancelLeft(ctx context.Context, id broadcast.ID, limit int) (int, error) {
	var marked int
	err := s.write(ctx, func(t *tx) error {
		marked = 0
		if state, err := t.lockBroadcast(id); err != nil || state != broadcast.Cancelled {
			return err
		}
		for _, from := range []broadcast.DeliveryState{broadcast.DeliveryPending, broadcast.DeliveryReady} {
			n, err := t.cancelLeft(id, from, limit-marked)
			if err != nil {
				return err
			}
			marked += n
		}
		return nil
	})
	return marked, err
}

// cancelLeft is CancelLeft for one state: with one, it is one index range.
func (t *tx) cancelLeft(id broadcast.ID, from broadcast.DeliveryState, limit int) (int, error) {
	var rows []waitingRow
	if _, err := t.Scan(&rows, `SELECT d.id, d.entra_id, d.broadcast_id, d.chunk, d.state FROM deliveries d
		JOIN chunks c ON c.tenant_id = d.tenant_id AND c.broadcast_id = d.broadcast_id AND c.number = d.chunk
		WHERE d.tenant_id = @tenant AND d.broadcast_id = @id AND d.state = @from AND c.leased_until <= @now ORDER BY d.id LIMIT @limit `,
		db.Args{"id": string(id), "from": string(from), "now": t.NowMillis(), "limit": limit}); err != nil {
		return 0, err
	}
	free, err := t.freeChunks(rows)
	if err != nil {
		return 0, err
	}
	rows = slices.DeleteFunc(rows, func(r waitingRow) bool { return !free[chunkKey{r.BroadcastID, r.Chunk}] })
	moved, err := t.moveRows(rows, from, broadcast.DeliveryCancelled, "")
	return len(moved), err
}

// How long things are remembered that serve no reader.
const (
	keepHandled = 2 * 24 * 60 * 60 * 1000 // milliseconds; Teams redelivers within minutes
	cleanPage   = 5_000                   // rows per transaction
)

// Clean forgets handled inbound activities and sessions that have ended.
func (s *Store) Clean(ctx context.Context) error {
	for _, stmt := range []string{
		`DELETE FROM inbox WHERE tenant_id = @tenant AND id IN (SELECT id FROM inbox WHERE tenant_id = @tenant AND handled_at > 0 AND handled_at < @handled LIMIT @page )`,
		`DELETE FROM sessions WHERE tenant_id = @tenant AND token_hash IN (SELECT token_hash FROM sessions WHERE tenant_id = @tenant AND expires_at < @now LIMIT @page )`,
	} {
		for n := int64(cleanPage); n == cleanPage; {
			err := s.write(ctx, func(t *tx) (err error) {
				now := t.NowMillis()
				n, err = t.Exec(stmt, db.Args{"now": now, "handled": now - keepHandled, "page": cleanPage})
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}
