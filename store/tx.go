package store

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/store/db"
)

// tx is a transaction that keeps the tallies (Store.write), or, for reading, none
// at all (Store.read).
type tx struct {
	*db.Tx
	tallies map[broadcast.ID]*tallyCounts
}

func (s *Store) read(ctx context.Context) *tx { return &tx{Tx: s.db.Read(ctx)} }

// write runs f in one transaction; see db.Write.
func (s *Store) write(ctx context.Context, f func(t *tx) error) error {
	return s.db.Write(ctx, func(d *db.Tx) error {
		t := &tx{Tx: d}
		if err := f(t); err != nil {
			return err
		}
		return t.settle()
	})
}

// count notes that n deliveries of a broadcast left one state for another; ""
// stands for nowhere. The tally is written last, because every recorder of that
// broadcast queues at its row.
func (t *tx) count(id broadcast.ID, from, to broadcast.DeliveryState, n int) {
	row := t.tally(id)
	row.add(from, -n)
	row.add(to, n)
}

func (t *tx) tally(id broadcast.ID) *tallyCounts {
	if t.tallies == nil {
		t.tallies = map[broadcast.ID]*tallyCounts{}
	}
	if t.tallies[id] == nil {
		t.tallies[id] = &tallyCounts{}
	}
	return t.tallies[id]
}

// settle writes the tallies. In the order of their IDs, so that two transactions
// never wait for each other crosswise.
func (t *tx) settle() error {
	for _, id := range slices.Sorted(maps.Keys(t.tallies)) {
		d := *t.tallies[id]
		if d == (tallyCounts{}) {
			continue
		}
		n, err := t.Do(`UPDATE tallies SET pending = pending + $1, ready = ready + $2, sent = sent + $3, failed = failed + $4, skipped = skipped + $5,
			cancelled = cancelled + $6, expired = expired + $7, maybe_repeated = maybe_repeated + $8 WHERE tenant_id = $9 AND broadcast_id = $10`,
			int64(d.Pending), int64(d.Ready), int64(d.Sent), int64(d.Failed), int64(d.Skipped), int64(d.Cancelled), int64(d.Expired), int64(d.MaybeRepeated), t.Tenant(), string(id))
		if err != nil {
			return fmt.Errorf("tally of %s: %w", id, err)
		}
		if n != 1 {
			return fmt.Errorf("tally of %s: it has none", id)
		}
	}
	return nil
}
