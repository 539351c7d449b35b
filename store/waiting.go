package store

import (
	"cmp"
	"errors"
	"maps"
	"slices"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/store/db"
)

// waitingRow is a delivery that waits for its person: pending or ready.
type waitingRow struct {
	ID          int64
	EntraID     string
	BroadcastID broadcast.ID
	Chunk       int
	State       broadcast.DeliveryState
}

// chunkKey names a chunk.
type chunkKey struct {
	BroadcastID broadcast.ID `json:"broadcast_id"`
	Number      int          `json:"number"`
}

// live finds what waits for people, in the broadcasts in which anybody waits: so
// that old ones are not looked at. Price: a look-up per person and such broadcast.
// The people are values, not a list to join: a join might read an index to its end.
func (t *tx) live(ids []broadcast.EntraID) ([]waitingRow, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var in []string
	if _, err := t.Scan(&in, `SELECT b.id FROM broadcasts b JOIN tallies y ON y.tenant_id = b.tenant_id AND y.broadcast_id = b.id
		WHERE b.tenant_id = @tenant AND b.state IN ('resolving', 'sending', 'paused', 'held', 'failed') AND b.recalled_at = 0 AND y.pending + y.ready > 0`, nil); err != nil || len(in) == 0 {
		return nil, err
	}
	var found []waitingRow
	_, err := t.Scan(&found, `SELECT d.id, d.entra_id, d.broadcast_id, d.chunk, d.state FROM deliveries d
		WHERE d.tenant_id = @tenant AND d.broadcast_id IN (@in) AND d.entra_id IN (@people) AND d.state IN ('pending', 'ready')`,
		db.Args{"in": in, "people": db.Each(ids, func(id broadcast.EntraID) string { return db.Clean(string(id), 0) })})
	return found, err
}

// chunksOf are the chunks of deliveries, each once, in the one order they are
// locked in.
func chunksOf(rows []waitingRow) []chunkKey {
	keys := map[chunkKey]bool{}
	for _, r := range rows {
		keys[chunkKey{r.BroadcastID, r.Chunk}] = true
	}
	return slices.SortedFunc(maps.Keys(keys), func(a, b chunkKey) int {
		return cmp.Or(cmp.Compare(a.BroadcastID, b.BroadcastID), cmp.Compare(a.Number, b.Number))
	})
}

// lockChunks locks chunks' rows, waiting for others (wait) or leaving out what
// they hold, and returns those it locked.
func (t *tx) lockChunks(keys []chunkKey, wait bool) ([]chunkRow, error) {
	raw, err := db.List(keys)
	if err != nil || len(keys) == 0 {
		return nil, err
	}
	stmt := `SELECT c.* FROM ` + t.Rows("rows", "broadcast_id text, number bigint") + ` AS r CROSS JOIN chunks c
		WHERE c.tenant_id = @tenant AND c.broadcast_id = r.broadcast_id AND c.number = r.number ORDER BY c.broadcast_id, c.number `
	switch {
	case !t.Postgres():
	case wait:
		stmt += "FOR UPDATE OF c"
	default:
		stmt += "FOR UPDATE OF c SKIP LOCKED"
	}
	var locked []chunkRow
	_, err = t.Scan(&locked, stmt, db.Args{"rows": raw})
	return locked, err
}

// lockWaiting finds the pending deliveries of people and locks their chunks, in one
// order with those of others that are about to be locked. Under the shared turn
// (turnRoll) nobody adds to them.
func (t *tx) lockWaiting(ids []broadcast.EntraID, others ...waitingRow) ([]waitingRow, error) {
	rows, err := t.live(ids)
	if err != nil {
		return nil, err
	}
	rows = slices.DeleteFunc(rows, func(r waitingRow) bool { return r.State != broadcast.DeliveryPending })
	if len(rows) == 0 {
		return nil, nil
	}
	_, err = t.lockChunks(chunksOf(append(others, rows...)), true)
	return rows, err
}

// makeReady turns pending deliveries, whose chunks are locked, into ready ones, due
// from now on (who has their chunk in hand does not have them), and asks the engine
// for hands.
func (t *tx) makeReady(rows []waitingRow) error {
	moved, err := t.moveRows(rows, broadcast.DeliveryPending, broadcast.DeliveryReady, "")
	if err != nil || len(moved) == 0 {
		return err
	}
	keys := chunksOf(moved)
	raw, err := db.List(keys)
	if err != nil {
		return err
	}
	now := t.NowMillis()
	if _, err := t.Exec(`UPDATE chunks AS c SET next_at = `+t.Least+`(COALESCE(c.next_at, CAST(@now AS bigint)), CAST(@now AS bigint))
		FROM `+t.Rows("rows", "broadcast_id text, number bigint")+` AS r WHERE c.tenant_id = @tenant AND c.broadcast_id = r.broadcast_id AND c.number = r.number`,
		db.Args{"rows": raw, "now": now}); err != nil {
		return err
	}
	return t.handOutSeats(keys)
}

// handOutSeats asks for hands at broadcasts that are sending and have chunks to
// send now. Somebody who sits there already finds them too.
func (t *tx) handOutSeats(keys []chunkKey) error {
	var sending []struct {
		ID       broadcast.ID
		Priority broadcast.Priority
	}
	if _, err := t.Scan(&sending, `SELECT b.id, b.priority FROM broadcasts b WHERE b.tenant_id = @tenant AND `+named(sendable), db.Args{"now": t.NowMillis()}); err != nil {
		return err
	}
	for _, b := range sending {
		chunks := len(slices.DeleteFunc(slices.Clone(keys), func(k chunkKey) bool { return k.BroadcastID != b.ID }))
		for seat := range min(chunks, broadcast.Seats) {
			t.HandOut(broadcast.Work{Kind: broadcast.KindSend, BroadcastID: b.ID, Seat: seat + 1, Priority: b.Priority})
		}
	}
	return nil
}

// skipWaiting skips everything that waits for people, except what a worker may
// have in hand: the ready deliveries of a chunk that is leased or locked.
func (t *tx) skipWaiting(ids []broadcast.EntraID, reason broadcast.Reason) error {
	rows, err := t.live(ids)
	if err != nil || len(rows) == 0 {
		return err
	}
	ready := slices.DeleteFunc(slices.Clone(rows), func(r waitingRow) bool { return r.State != broadcast.DeliveryReady })
	free, err := t.freeChunks(ready)
	if err != nil {
		return err
	}
	if _, err := t.moveRows(in(free, ready), broadcast.DeliveryReady, broadcast.DeliverySkipped, reason); err != nil {
		return err
	}
	_, err = t.moveRows(rows, broadcast.DeliveryPending, broadcast.DeliverySkipped, reason)
	return err
}

// in are the rows of some chunks.
func in(chunks map[chunkKey]bool, rows []waitingRow) []waitingRow {
	return slices.DeleteFunc(slices.Clone(rows), func(r waitingRow) bool { return !chunks[chunkKey{r.BroadcastID, r.Chunk}] })
}

// freeChunks locks the chunks of deliveries and tells which are in nobody's hands.
// What the last holder of one may have sent before it died is marked so, because
// its deliveries are about to end without being sent.
func (t *tx) freeChunks(rows []waitingRow) (map[chunkKey]bool, error) {
	locked, err := t.lockChunks(chunksOf(rows), false)
	free, now := map[chunkKey]bool{}, t.NowMillis()
	for _, c := range locked {
		if c.LeasedUntil > now {
			continue
		}
		free[chunkKey{broadcast.ID(c.BroadcastID), c.Number}] = true
		if c.LeasedUntil > 0 {
			err = errors.Join(err, t.doubt(c))
		}
	}
	return free, err
}

// moveRows moves those of the deliveries that are in one state to another and
// counts them. It returns the ones it moved. Price: a statement per broadcast.
func (t *tx) moveRows(rows []waitingRow, from, to broadcast.DeliveryState, reason broadcast.Reason) ([]waitingRow, error) {
	type row struct {
		ID int64 `json:"id"`
	}
	of := map[broadcast.ID][]row{}
	for _, r := range rows {
		of[r.BroadcastID] = append(of[r.BroadcastID], row{r.ID})
	}
	var moved []waitingRow
	for _, id := range slices.Sorted(maps.Keys(of)) {
		list := of[id]
		raw, err := db.List(list)
		if err != nil {
			return nil, err
		}
		byID := func(a, b row) int { return cmp.Compare(a.ID, b.ID) }
		a := db.Args{
			"to": string(to), "from": string(from), "reason": string(reason), "now": t.NowMillis(), "rows": raw,
			"id": string(id), "first": slices.MinFunc(list, byID).ID, "last": slices.MaxFunc(list, byID).ID,
		}
		var some []waitingRow
		// The range keeps any plan to these, with statistics however far behind.
		if _, err := t.Scan(&some, `UPDATE deliveries SET state = @to , reason = @reason , not_before = CASE WHEN @to = 'ready' THEN CAST(@now AS bigint) ELSE 0 END, updated_at = @now
			FROM `+t.Rows("rows", "id bigint")+` AS r
			WHERE deliveries.tenant_id = @tenant AND deliveries.broadcast_id = @id AND deliveries.id BETWEEN @first AND @last AND deliveries.id = r.id AND deliveries.state = @from
			RETURNING deliveries.id, deliveries.entra_id, deliveries.broadcast_id, deliveries.chunk, deliveries.state`, a); err != nil {
			return nil, err
		}
		t.count(id, from, to, len(some))
		moved = append(moved, some...)
	}
	return moved, nil
}
