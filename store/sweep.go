package store

import (
	"context"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/store/census"
	"github.com/fanfare/fanfare/store/db"
	"github.com/fanfare/fanfare/store/join"
	"github.com/fanfare/fanfare/store/places"
	"github.com/fanfare/fanfare/store/roll"
	"github.com/fanfare/fanfare/store/upkeep"
	"github.com/fanfare/fanfare/store/who"
)

// unfinished are the kinds of work for broadcasts as such, and where the ledger
// shows them. Price: each is an index range of what is live, but that of cancelled
// broadcasts, which looks at each one ever cancelled (hundreds).
var unfinished = []struct {
	kind broadcast.Kind
	stmt string
}{
	{broadcast.KindResolve, `SELECT b.id FROM broadcasts b WHERE b.tenant_id = @tenant AND b.state IN ('resolving', 'sending', 'paused', 'held') AND (b.state = 'resolving' OR b.listed_at = 0) ORDER BY b.id LIMIT @limit `},
	{broadcast.KindRetry, `SELECT b.id FROM broadcasts b WHERE b.tenant_id = @tenant AND b.state IN ('sending', 'paused', 'held') AND b.retry_at > 0 AND b.recalled_at = 0 ORDER BY b.id LIMIT @limit `},
	{broadcast.KindExpire, `SELECT b.id FROM broadcasts b JOIN tallies y ON y.tenant_id = b.tenant_id AND y.broadcast_id = b.id
		WHERE b.tenant_id = @tenant AND b.state IN ('sending', 'paused', 'held') AND b.expires_at > 0 AND b.expires_at <= @now AND y.pending + y.ready > 0 ORDER BY b.id LIMIT @limit `},
	{broadcast.KindCancel, `SELECT b.id FROM broadcasts b JOIN tallies y ON y.tenant_id = b.tenant_id AND y.broadcast_id = b.id
		WHERE b.tenant_id = @tenant AND b.state = 'cancelled' AND y.pending + y.ready > 0 ORDER BY b.id LIMIT @limit `},
	{broadcast.KindLate, `SELECT b.id FROM broadcasts b WHERE b.tenant_id = @tenant AND b.state IN ('resolving', 'sending', 'paused', 'held') AND b.late <> 'never'
			AND b.kind = 'announcement' AND b.recalled_at = 0 AND (b.expires_at = 0 OR b.expires_at > @now )
		UNION ALL SELECT b.id FROM broadcasts b WHERE b.tenant_id = @tenant AND b.late_until > 0 AND b.late_until > @now AND b.state = 'sent'
			AND b.kind = 'announcement' AND b.recalled_at = 0 AND (b.expires_at = 0 OR b.expires_at > @now )`},
}

// due are the works that are nobody's broadcast, and how the ledger tells that they are.
// Installing has two seats: one goes on while the other changes hands.
var due = []struct {
	now   func(*db.Tx) (bool, error)
	works []broadcast.Work
}{
	{census.InstallsDue, []broadcast.Work{{Kind: broadcast.KindInstall}, {Kind: broadcast.KindInstall, Seat: 1}}},
	{join.Due, []broadcast.Work{{Kind: broadcast.KindInstall}}},
	{places.RostersDue, []broadcast.Work{{Kind: broadcast.KindRoster}}},
	{upkeep.Due, []broadcast.Work{{Kind: broadcast.KindUpkeep}}},
}

// Unfinished finds work that nobody seems to have in hand, at most limit: what is
// resolving or not listed to its end, to be retried, expired, cancelled; seats at
// sending broadcasts, as many as chunks are due and free; late joiners to look for;
// installations, rosters and upkeep that are due. Seats go by their number first, so that a short
// broadcast does not wait for the end of a long one that began before it. Price: eight
// index ranges and at most 16 chunks for each sending broadcast, once a second.
func (s *Store) Unfinished(ctx context.Context, limit int) ([]broadcast.Work, error) {
	t := s.read(ctx)
	var works []broadcast.Work
	for _, one := range due {
		yes, err := one.now(t.Tx)
		if err != nil {
			return nil, err
		}
		if yes {
			works = append(works, one.works...)
		}
	}
	for _, u := range unfinished {
		var found []broadcast.ID
		if _, err := t.Scan(&found, u.stmt, db.Args{"now": t.NowMillis(), "limit": limit}); err != nil {
			return nil, err
		}
		for _, id := range found {
			if u.kind != broadcast.KindLate || s.late.Due(id, s.db.Now()) {
				works = append(works, broadcast.Work{Kind: u.kind, BroadcastID: id})
			}
		}
	}
	seats, err := t.seats(limit)
	if err != nil {
		return nil, err
	}
	// Neither crowds the other out.
	works = works[:min(len(works), max(limit/2, limit-len(seats)))]
	s.late.Begun(works, s.db.Now())
	return append(works, seats[:min(len(seats), limit-len(works))]...), nil
}

var freeSeats = `SELECT b.id, b.priority, (SELECT count(*) FROM (SELECT 1 FROM chunks c WHERE c.tenant_id = @tenant AND c.broadcast_id = b.id
			AND c.next_at IS NOT NULL AND c.wave <= b.wave AND c.next_at <= @now AND c.leased_until <= @now LIMIT @seats ) AS due) AS chunks
	FROM broadcasts b WHERE b.tenant_id = @tenant AND ` + named(sendable) + ` ORDER BY b.id`

// seats are those at which hands would find something to send.
func (t *tx) seats(limit int) ([]broadcast.Work, error) {
	var rows []struct {
		ID       broadcast.ID
		Priority broadcast.Priority
		Chunks   int
	}
	if _, err := t.Scan(&rows, freeSeats, db.Args{"now": t.NowMillis(), "seats": broadcast.Seats}); err != nil {
		return nil, err
	}
	var works []broadcast.Work
	for seat := 1; seat <= broadcast.Seats && len(works) < limit; seat++ {
		for _, r := range rows {
			if seat <= r.Chunks {
				works = append(works, broadcast.Work{Kind: broadcast.KindSend, BroadcastID: r.ID, Seat: seat, Priority: r.Priority})
			}
		}
	}
	return works, nil
}

// How long things are remembered that serve no reader.
const (
	keepHandled = 2 * 24 * 60 * 60 * 1000 // milliseconds; Teams redelivers within minutes
	cleanPage   = 5_000                   // rows per transaction
)

// Clean forgets handled inbound activities, sessions that have ended and what became
// of installations more than a year ago, sets of people nobody goes by, and makes room for the deliveries of the months to come.
func (s *Store) Clean(ctx context.Context) error {
	for _, stmt := range []string{
		`DELETE FROM inbox WHERE tenant_id = @tenant AND id IN (SELECT id FROM inbox WHERE tenant_id = @tenant AND handled_at > 0 AND handled_at < @handled LIMIT @page )`,
		`DELETE FROM sessions WHERE tenant_id = @tenant AND token_hash IN (SELECT token_hash FROM sessions WHERE tenant_id = @tenant AND expires_at < @now LIMIT @page )`,
		who.OldMoves,
	} {
		for n := int64(cleanPage); n == cleanPage; {
			err := s.write(ctx, func(t *tx) (err error) {
				now := t.NowMillis()
				n, err = t.Exec(stmt, db.Args{"now": now, "handled": now - keepHandled, "year": now - who.KeepMoves, "page": cleanPage})
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	for more := true; more; {
		var err error
		if more, err = s.DropSets(ctx, cleanPage); err != nil {
			return err
		}
	}
	return roll.MakePartitions(ctx, s.db)
}
