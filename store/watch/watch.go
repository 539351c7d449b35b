// Package watch is what the sweep asks of broadcasts: which have come to a moment at
// which they move on by themselves. It reads, and changes nothing.
package watch

import (
	"context"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/store/db"
	"github.com/fanfare/fanfare/store/roll"
)

// Watch looks at broadcasts.
type Watch struct{ db *db.DB }

// New makes it on a database.
func New(d *db.DB) Watch { return Watch{d} }

// Due finds scheduled broadcasts whose time has come.
func (s Watch) Due(ctx context.Context) ([]broadcast.ID, error) {
	return s.ids(ctx, `SELECT id FROM broadcasts WHERE tenant_id = @tenant AND state = 'scheduled' AND due_at <= @now ORDER BY due_at, id`)
}

// Finishable finds sending broadcasts with nothing left, now that everybody is on
// the list. The welcome in use is never finished.
func (s Watch) Finishable(ctx context.Context) ([]broadcast.ID, error) {
	return s.ids(ctx, `SELECT b.id FROM broadcasts b JOIN tallies y ON y.tenant_id = b.tenant_id AND y.broadcast_id = b.id
		WHERE b.tenant_id = @tenant AND b.state = 'sending' AND b.listed_at > 0 AND b.retry_at = 0 AND b.wave = 1 AND y.pending + y.ready = 0
			AND (b.kind <> 'welcome' OR b.id <> `+roll.LastWelcome+`) ORDER BY b.id`)
}

// CanaryDone finds sending broadcasts whose first wave is over: it is listed, and
// nothing in it waits for anything but an address. A chunk that is in hand, or has
// anybody ready, keeps its next_at. Price: a look-up for each in its first wave.
func (s Watch) CanaryDone(ctx context.Context) ([]broadcast.ID, error) {
	return s.ids(ctx, `SELECT b.id FROM broadcasts b WHERE b.tenant_id = @tenant AND b.state = 'sending' AND b.wave = 0
		AND NOT EXISTS (SELECT 1 FROM chunks c WHERE c.tenant_id = b.tenant_id AND c.broadcast_id = b.id AND c.next_at IS NOT NULL AND c.wave = 0)
		AND (b.listed_at > 0 OR EXISTS (SELECT 1 FROM chunks c WHERE c.tenant_id = b.tenant_id AND c.broadcast_id = b.id AND c.wave = 0)) ORDER BY b.id`)
}

func (s Watch) ids(ctx context.Context, stmt string) ([]broadcast.ID, error) {
	var ids []broadcast.ID
	_, err := s.db.Read(ctx).Scan(&ids, stmt, db.Args{"now": db.Millis(s.db.Now())})
	return ids, err
}
