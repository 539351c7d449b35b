package store

import (
	"context"
	"strings"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/store/db"
	"github.com/fanfare/fanfare/store/places"
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
	TakenAt     int64

	spoken bool // its broadcast has variants in other languages
}

func (chunkRow) TableName() string { return "chunks" }

// sendable is what a broadcast b has to be to be sent, now ($3) and by tenant $1:
// sending, not recalled, not too late, and nothing stopped.
const sendable = `b.state = 'sending' AND b.recalled_at = 0 AND (b.expires_at = 0 OR b.expires_at > $3)
	AND NOT EXISTS (SELECT 1 FROM halts h WHERE h.tenant_id = $1 AND h.lifted_at = 0)`

// named is sendable for statements with named parameters.
func named(stmt string) string {
	return strings.NewReplacer("$1", "@tenant ", "$3", "@now ").Replace(stmt)
}

// chunkColumns are what readChunk reads.
const chunkColumns = `c.number, c.wave, c.first_id, c.last_id, c.fence, c.leased_until, c.open_to, c.taken_at, c.next_at`

func readChunk(id broadcast.ID, into *chunkRow) func(db.Row) {
	return func(r db.Row) {
		*into = chunkRow{
			BroadcastID: string(id), Number: int(r.Int(0)), Wave: int(r.Int(1)), FirstID: r.Int(2), LastID: r.Int(3),
			Fence: r.Int(4), LeasedUntil: r.Int(5), OpenTo: r.Int(6), TakenAt: r.Int(7),
		}
		next := r.Int(8) // 0 for NULL
		into.NextAt = &next
	}
}

const nextChunk = `SELECT ` + chunkColumns + `, (SELECT b.variants FROM broadcasts b WHERE b.tenant_id = $1 AND b.id = $2) FROM chunks c
	WHERE c.tenant_id = $1 AND c.broadcast_id = $2 AND c.next_at IS NOT NULL AND c.next_at <= $3 AND c.leased_until <= $3
	AND c.wave <= (SELECT b.wave FROM broadcasts b WHERE b.tenant_id = $1 AND b.id = $2 AND ` + sendable + `)
	ORDER BY c.wave, c.next_at, c.number LIMIT 1 `

// TakeNext takes the next chunk of a broadcast that is due and free, under its next
// fence until the lease runs out: by wave, then by how long it is due, then by
// number. Its window is open: the first so many of its deliveries (0 for all) may
// be sent; beyond that, only what RecordOutcomes has stored as open. Number 0 is
// nothing for now: nothing is due, or the broadcast is not to be sent.
//
// A chunk whose last holder never gave it back was being sent when a process died:
// what was open in it may have arrived (doubt). People who removed or blocked the
// bot while their delivery waited are skipped. Price: three statements and two
// index ranges per chunk; nobody waits for anybody.
func (s *Store) TakeNext(ctx context.Context, id broadcast.ID, lease time.Duration, window int) (broadcast.Chunk, error) {
	for {
		var taken broadcast.Chunk
		var found chunkRow
		err := s.write(ctx, func(t *tx) error {
			taken, found = broadcast.Chunk{BroadcastID: id}, chunkRow{}
			read := readChunk(id, &found)
			_, err := t.Look(func(r db.Row) { read(r); found.spoken = r.Int(9) > 0 }, nextChunk+t.SkipLocked, t.Tenant(), string(id), t.NowMillis())
			if err == nil && found.Number > 0 {
				taken, err = t.take(found, lease, window)
			}
			return err
		})
		// A chunk in which nothing was due after all knows that now: to the next.
		if err != nil || taken.Number > 0 || found.Number == 0 {
			return taken, err
		}
	}
}

// take takes a locked chunk; Number 0 if nothing in it is due.
func (t *tx) take(c chunkRow, lease time.Duration, window int) (broadcast.Chunk, error) {
	taken := broadcast.Chunk{BroadcastID: broadcast.ID(c.BroadcastID)}
	now := t.Now()
	if c.LeasedUntil > 0 {
		if err := t.doubt(c); err != nil {
			return taken, err
		}
	}
	due, later, err := t.dueIn(c, db.Millis(now))
	if err != nil {
		return taken, err
	}
	if len(due) == 0 {
		return taken, t.release(c)
	}
	taken.Number, taken.Wave, taken.Fence, taken.Deliveries = c.Number, c.Wave, c.Fence+1, due
	taken.OpenTo = due[len(due)-1].ID
	if window > 0 && window < len(due) {
		taken.OpenTo = due[window-1].ID
	}
	// Whoever dies with it is missed when the lease ends; and as long as nobody has
	// brought that forward, nothing in it is ready but what was taken (releaseTo).
	next := db.Millis(now.Add(lease))
	if later {
		next = db.Millis(now)
	}
	_, err = t.Do(`UPDATE chunks SET fence = $1, leased_until = $2, open_to = $3, taken_at = $4, next_at = $5 WHERE tenant_id = $6 AND broadcast_id = $7 AND number = $8`,
		taken.Fence, db.Millis(now.Add(lease)), taken.OpenTo, db.Millis(now), next, t.Tenant(), c.BroadcastID, int64(c.Number))
	return taken, err
}

// readyInChunk looks each address up by key, and where the message has variants each
// person's language. Left to itself, PostgreSQL reads all
// installations for those of 200 people as long as there are fewer than about 25,000.
func readyInChunk(postgres, spoken bool) string {
	language := ""
	if spoken {
		language = `, (SELECT p.language FROM people p WHERE p.tenant_id = d.tenant_id AND p.entra_id = d.entra_id)`
	}
	installation := `installations i ON i.tenant_id = d.tenant_id AND i.entra_id = d.entra_id`
	if postgres {
		installation = `LATERAL (SELECT * FROM installations i WHERE i.tenant_id = d.tenant_id AND i.entra_id = d.entra_id LIMIT 1) AS i ON TRUE`
	}
	return `SELECT d.id, d.entra_id, d.reason, d.attempts, d.activity_id, d.maybe_sent, d.updated_at,
			i.service_url, i.conversation_id, i.channel_account_id, i.state, d.not_before` + language + `
		FROM deliveries d LEFT JOIN ` + installation + `
		WHERE d.tenant_id = $1 AND d.broadcast_id = $2 AND d.state = 'ready' AND d.id BETWEEN $3 AND $4 ORDER BY d.id`
}

// dueIn reads what is ready and due in a locked chunk, with the addresses, and tells
// whether something is ready that is due later.
//
// Those who removed or blocked the bot while a worker had their chunk, so that the
// event could not skip them (skipWaiting), are skipped here: sending would open a
// chat with them against their will.
func (t *tx) dueIn(c chunkRow, now int64) (due []broadcast.Delivery, later bool, err error) {
	due = make([]broadcast.Delivery, 0, min(c.LastID-c.FirstID+1, 1000))
	gone := map[broadcast.InstallationState][]waitingRow{}
	_, err = t.Look(func(r db.Row) {
		id := r.Int(0)
		if r.Int(11) > now {
			later = true
			return
		}
		switch bot := broadcast.InstallationState(r.Text(10)); bot {
		case broadcast.InstallationRemoved, broadcast.InstallationBlocked:
			gone[bot] = append(gone[bot], waitingRow{ID: id, BroadcastID: broadcast.ID(c.BroadcastID)})
			return
		}
		language := ""
		if c.spoken {
			language = r.Text(12)
		}
		due = append(due, broadcast.Delivery{
			ID: id, EntraID: broadcast.EntraID(r.Text(1)), Chunk: c.Number, State: broadcast.DeliveryReady, Reason: broadcast.Reason(r.Text(2)),
			Attempts: int(r.Int(3)), ActivityID: r.Text(4), MaybeSent: r.Bool(5), UpdatedAt: db.Moment(r.Int(6)),
			Address:  broadcast.ConversationReference{ServiceURL: r.Text(7), ConversationID: r.Text(8), ChannelAccountID: r.Text(9)},
			Language: language,
		})
	}, readyInChunk(t.Postgres(), c.spoken), t.Tenant(), c.BroadcastID, c.FirstID, c.LastID)
	if err == nil {
		err = places.Addresses(t.Tx, due)
	}
	for state, rows := range gone {
		if err != nil {
			break
		}
		_, err = t.moveRows(rows, broadcast.DeliveryReady, broadcast.DeliverySkipped, broadcast.Reason(state))
	}
	return due, later, err
}

// doubt marks what the last holder of a locked chunk may have sent before it died:
// what was open, was due when it took the chunk, and is still ready. (What it
// recorded for another try is due later than that.) It will be tried again, or,
// where the plan does not risk a repeat, has failed unconfirmed. Doing an edit or a
// recall twice harms nobody. Price: a look-up and one index range; rare.
func (t *tx) doubt(c chunkRow) error {
	var plan struct{ Kind, Repeats string }
	a := db.Args{"id": c.BroadcastID, "first": c.FirstID, "open": c.OpenTo, "taken": c.TakenAt, "now": t.NowMillis()}
	if _, err := t.Scan(&plan, `SELECT kind, repeats FROM broadcasts WHERE tenant_id = @tenant AND id = @id `, a); err != nil || broadcast.BroadcastKind(plan.Kind).Changes() {
		return err
	}
	open := ` WHERE tenant_id = @tenant AND broadcast_id = @id AND state = 'ready' AND id BETWEEN @first AND @open AND not_before <= @taken `
	if plan.Repeats != string(broadcast.RepeatsAvoid) {
		_, err := t.Exec(`UPDATE deliveries SET maybe_sent = TRUE`+open, a)
		return err
	}
	n, err := t.Exec(`UPDATE deliveries SET maybe_sent = TRUE, state = 'failed', reason = 'unconfirmed', not_before = 0, updated_at = @now `+open, a)
	t.count(broadcast.ID(c.BroadcastID), broadcast.DeliveryReady, broadcast.DeliveryFailed, int(n))
	return err
}

const releaseChunk = `UPDATE chunks SET leased_until = 0, next_at = (SELECT MIN(d.not_before) FROM deliveries d
		WHERE d.tenant_id = $1 AND d.broadcast_id = $2 AND d.state = 'ready' AND d.id BETWEEN $3 AND $4)
	WHERE tenant_id = $1 AND broadcast_id = $2 AND number = $5`

// release frees a locked chunk and notes when its next delivery is due.
func (t *tx) release(c chunkRow) error {
	_, err := t.Do(releaseChunk, t.Tenant(), c.BroadcastID, c.FirstID, c.LastID, int64(c.Number))
	return err
}

// surely is how long before the lease it was taken with ends a chunk must be given
// back for releaseTo: far more than replicas' clocks can differ.
const surely = 15_000 // milliseconds

// untouched tells whether nothing in a chunk in hand can be ready but what was taken:
// whoever makes something ready brings next_at forward.
func (c chunkRow) untouched(now int64) bool { return *c.NextAt-now > surely }

// releaseTo frees a locked chunk in which nothing is due before; 0 for nothing at
// all. It saves looking.
func (t *tx) releaseTo(c chunkRow, before int64) error {
	var next any
	if before > 0 {
		next = before
	}
	_, err := t.Do(`UPDATE chunks SET leased_until = 0, next_at = $1 WHERE tenant_id = $2 AND broadcast_id = $3 AND number = $4`, next, t.Tenant(), c.BroadcastID, int64(c.Number))
	return err
}

// KeepChunk extends the lease; false if the fence is no longer ours, the chunk was
// given back, or the broadcast is not to be sent any more. Price: one row, twice a
// second per worker.
func (s *Store) KeepChunk(ctx context.Context, c broadcast.Chunk, lease time.Duration) (bool, error) {
	now := s.db.Now()
	n, err := s.db.Alone(ctx).Exec(`UPDATE chunks SET leased_until = @until WHERE tenant_id = @tenant AND broadcast_id = @id AND number = @number AND fence = @fence AND leased_until > 0
			AND EXISTS (SELECT 1 FROM broadcasts b WHERE b.tenant_id = @tenant AND b.id = @id AND `+named(sendable)+`)`,
		db.Args{"now": db.Millis(now), "until": db.Millis(now.Add(lease)), "id": string(c.BroadcastID), "number": c.Number, "fence": c.Fence})
	return n == 1, err
}

// FinishChunk records the last outcomes, if any, and gives the chunk back, in one
// transaction; it notes when its next delivery is due. ErrFenceLost if somebody
// else has taken it over: nothing was stored. Doing it again does no harm. Price:
// see RecordOutcomes, and an index range.
func (s *Store) FinishChunk(ctx context.Context, c broadcast.Chunk, outcomes []broadcast.Outcome) error {
	return s.record(ctx, c, outcomes, true)
}
