package store

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/store/db"
)

// RecordOutcomes stores outcomes and the tally in one transaction, with what they
// say of addresses and installations, a line for each failed try, and how far the
// chunk is open now. ErrFenceLost if the fence is no longer ours: nothing was
// stored. A lease that ran out does not matter while nobody took the chunk over.
// Doing it again does no harm. Price: three or four statements per batch, whatever
// its size, one more if a try failed, and three if one says something of addresses
// or installations.
func (s *Store) RecordOutcomes(ctx context.Context, c broadcast.Chunk, outcomes []broadcast.Outcome) error {
	return s.record(ctx, c, outcomes, false)
}

// errSurprise is that not every outcome's delivery was still as it was taken.
var errSurprise = errors.New("store: some deliveries are not ready any more")

func (s *Store) record(ctx context.Context, c broadcast.Chunk, outcomes []broadcast.Outcome, last bool) error {
	switch {
	case c.Fence == 0 && len(outcomes) == 0:
		return nil // was never taken: there was nothing to do
	case c.Fence == 0:
		return broadcast.ErrFenceLost
	}
	err := s.recordBy(ctx, c, outcomes, last, true)
	if errors.Is(err, errSurprise) { // rare; looking first would cost everybody
		err = s.recordBy(ctx, c, outcomes, last, false)
	}
	return err
}

func (s *Store) recordBy(ctx context.Context, c broadcast.Chunk, outcomes []broadcast.Outcome, last, usual bool) error {
	told := slices.ContainsFunc(outcomes, tells)
	return s.write(ctx, func(t *tx) error {
		var waiting []waitingRow
		if told {
			if err := t.Turn(turnRoll, false); err != nil {
				return err
			}
			var err error
			if waiting, err = t.lockWaiting(addressed(outcomes), waitingRow{BroadcastID: c.BroadcastID, Chunk: c.Number}); err != nil {
				return err
			}
		}
		held, idempotent, err := t.hold(c)
		if err != nil {
			return err
		}
		table := newOutcomeTable(outcomes, idempotent)
		table.notInHand(held.TakenAt)
		if err := t.recordTable(c.BroadcastID, table, usual); err != nil {
			return err
		}
		if err := t.recordAttempts(c.BroadcastID, outcomes, idempotent); err != nil {
			return err
		}
		if told {
			if err := t.recordInstallations(c, outcomes, waiting); err != nil {
				return err
			}
		}
		switch {
		case last && usual && len(outcomes) == len(c.Deliveries) && held.untouched(t.NowMillis()):
			return t.releaseTo(held, table.nextDue())
		case last:
			return t.release(held)
		case c.OpenTo > held.OpenTo || table.nextDue() > 0:
			// Somebody to be tried again is somebody ready: releaseTo would not know.
			next := min(*held.NextAt, cmp.Or(table.nextDue(), *held.NextAt))
			_, err = t.Do(`UPDATE chunks SET open_to = $1, next_at = $2 WHERE tenant_id = $3 AND broadcast_id = $4 AND number = $5`,
				max(c.OpenTo, held.OpenTo), next, t.Tenant(), string(c.BroadcastID), int64(c.Number))
		}
		return err
	})
}

// hold locks a chunk that is still ours, and tells whether what is sent in it does
// no harm when it is done twice.
func (t *tx) hold(c broadcast.Chunk) (held chunkRow, idempotent bool, err error) {
	read := readChunk(c.BroadcastID, &held)
	n, err := t.Look(func(r db.Row) { read(r); idempotent = broadcast.BroadcastKind(r.Text(9)).Changes() },
		`SELECT `+chunkColumns+`, (SELECT b.kind FROM broadcasts b WHERE b.tenant_id = $1 AND b.id = $2)
		FROM chunks c WHERE c.tenant_id = $1 AND c.broadcast_id = $2 AND c.number = $3 AND c.fence = $4 `+t.ForUpdate,
		t.Tenant(), string(c.BroadcastID), int64(c.Number), c.Fence)
	if err == nil && n == 0 {
		err = broadcast.ErrFenceLost
	}
	return held, idempotent, err
}

// outcomeTable is outcomes as a statement takes them, column by column.
type outcomeTable struct {
	ids, attempts, notBefore, ats                []int64
	states, reasons, codes, details, activityIDs []string
	maybe                                        []bool
}

const outcomeColumns = `id bigint, state text, reason text, code text, detail text, attempts bigint, not_before bigint, activity_id text, maybe_sent boolean, at bigint`

func newOutcomeTable(outcomes []broadcast.Outcome, idempotent bool) *outcomeTable {
	ints, texts := make([]int64, 4*len(outcomes)), make([]string, 5*len(outcomes))
	n := len(outcomes)
	t := &outcomeTable{
		ids: ints[:n:n], attempts: ints[n : 2*n : 2*n], notBefore: ints[2*n : 3*n : 3*n], ats: ints[3*n:],
		states: texts[:n:n], reasons: texts[n : 2*n : 2*n], codes: texts[2*n : 3*n : 3*n], details: texts[3*n : 4*n : 4*n], activityIDs: texts[4*n:],
		maybe: make([]bool, n),
	}
	for i, o := range outcomes {
		t.ids[i], t.attempts[i], t.notBefore[i], t.ats[i] = o.DeliveryID, int64(o.Attempts), db.Millis(o.NotBefore), db.Millis(o.At)
		t.states[i], t.reasons[i], t.codes[i], t.details[i] = string(o.State), string(o.Reason), db.Clean(o.Code, maxCode), db.Clean(o.Detail, maxDetail)
		t.activityIDs[i], t.maybe[i] = db.Clean(o.ActivityID, 0), o.MaybeSent && !idempotent
	}
	return t
}

// notInHand makes what is to be tried again due after its chunk was taken, by a
// moment at least: so it is told from what was never recorded (doubt).
func (o *outcomeTable) notInHand(takenAt int64) {
	for i, state := range o.states {
		if state == string(broadcast.DeliveryReady) {
			o.notBefore[i] = max(o.notBefore[i], takenAt+1)
		}
	}
}

// nextDue is when the first is to be tried again; 0 for none.
func (o *outcomeTable) nextDue() (next int64) {
	for i, state := range o.states {
		if state == string(broadcast.DeliveryReady) && (next == 0 || o.notBefore[i] < next) {
			next = o.notBefore[i]
		}
	}
	return next
}

// keep leaves only the rows that f wants.
func (o *outcomeTable) keep(f func(i int) bool) {
	n := 0
	for i := range o.ids {
		if !f(i) {
			continue
		}
		o.ids[n], o.attempts[n], o.notBefore[n], o.ats[n], o.maybe[n] = o.ids[i], o.attempts[i], o.notBefore[i], o.ats[i], o.maybe[i]
		o.states[n], o.reasons[n], o.codes[n], o.details[n], o.activityIDs[n] = o.states[i], o.reasons[i], o.codes[i], o.details[i], o.activityIDs[i]
		n++
	}
	o.ids, o.attempts, o.notBefore, o.ats, o.maybe = o.ids[:n], o.attempts[:n], o.notBefore[:n], o.ats[:n], o.maybe[:n]
	o.states, o.reasons, o.codes, o.details, o.activityIDs = o.states[:n], o.reasons[:n], o.codes[:n], o.details[:n], o.activityIDs[:n]
}

// store writes the rows to those of their deliveries that meet a condition and
// returns how many. The range of IDs keeps any plan, with statistics however old,
// inside the chunk. An activity ID once known stays.
func (t *tx) store(id broadcast.ID, o *outcomeTable, condition string) (int64, error) {
	return t.Many(storeOutcomes+condition, outcomeColumns, []any{t.Tenant(), string(id), slices.Min(o.ids), slices.Max(o.ids)},
		o.ids, o.states, o.reasons, o.codes, o.details, o.attempts, o.notBefore, o.activityIDs, o.maybe, o.ats)
}

const storeOutcomes = `UPDATE deliveries AS d SET state = r.state, reason = r.reason, code = r.code, detail = r.detail, attempts = r.attempts, not_before = r.not_before,
		activity_id = CASE WHEN r.activity_id = '' THEN d.activity_id ELSE r.activity_id END, maybe_sent = r.maybe_sent, updated_at = r.at
	FROM @rows WHERE d.tenant_id = $1 AND d.broadcast_id = $2 AND d.id BETWEEN $3 AND $4 AND d.id = r.id AND `

const storeReady = `d.state = 'ready' AND (r.maybe_sent OR NOT d.maybe_sent)`

func (t *tx) recordTable(id broadcast.ID, o *outcomeTable, usual bool) error {
	switch {
	case len(o.ids) == 0:
		return nil
	case usual:
		return t.recordReady(id, o)
	}
	return t.recordOpen(id, o)
}

// recordReady writes outcomes of deliveries that are all still ready, and about
// which the ledger has no doubt of its own: the usual case. errSurprise if not.
func (t *tx) recordReady(id broadcast.ID, o *outcomeTable) error {
	n, err := t.store(id, o, storeReady)
	if err == nil && n != int64(len(o.ids)) {
		err = errSurprise
	}
	if err != nil {
		return err
	}
	ends := map[broadcast.DeliveryState]int{}
	for i, state := range o.states {
		to := broadcast.DeliveryState(state)
		ends[to]++
		if to == broadcast.DeliverySent && o.maybe[i] {
			t.tally(id).MaybeRepeated++
		}
	}
	for to, n := range ends {
		t.count(id, broadcast.DeliveryReady, to, n)
	}
	return nil
}

// recordOpen writes each outcome whose delivery is still open. One that was marked
// otherwise in the meantime (the lease had run out, but nobody took over) still
// becomes sent, because the message is there; it takes nothing else.
func (t *tx) recordOpen(id broadcast.ID, o *outcomeTable) error {
	type before struct {
		state broadcast.DeliveryState
		maybe bool
	}
	open := make(map[int64]before, len(o.ids))
	args := append([]any{t.Tenant(), string(id), slices.Min(o.ids), slices.Max(o.ids)}, t.Pack(o.ids)...)
	if _, err := t.Look(func(r db.Row) { open[r.Int(0)] = before{broadcast.DeliveryState(r.Text(1)), r.Bool(2)} },
		`SELECT d.id, d.state, d.maybe_sent FROM deliveries d JOIN `+t.Unpack(5, "id bigint")+` ON d.id = r.id
		WHERE d.tenant_id = $1 AND d.broadcast_id = $2 AND d.id BETWEEN $3 AND $4
			AND (d.state IN ('ready', 'cancelled', 'skipped', 'expired') OR (d.state = 'failed' AND d.reason = 'unconfirmed'))`, args...); err != nil {
		return err
	}
	o.keep(func(i int) bool {
		b, ok := open[o.ids[i]]
		to := broadcast.DeliveryState(o.states[i])
		if !ok || b.state != broadcast.DeliveryReady && to != broadcast.DeliverySent {
			return false
		}
		delete(open, o.ids[i]) // a second outcome for the same delivery in one batch is none
		o.maybe[i] = o.maybe[i] || b.maybe
		t.count(id, b.state, to, 1)
		if to == broadcast.DeliverySent && o.maybe[i] {
			t.tally(id).MaybeRepeated++
		}
		return true
	})
	if len(o.ids) == 0 {
		return nil
	}
	_, err := t.store(id, o, `TRUE`)
	return err
}

// recordAttempts keeps a line for each try that failed with a code.
func (t *tx) recordAttempts(id broadcast.ID, outcomes []broadcast.Outcome, idempotent bool) error {
	failed := slices.DeleteFunc(slices.Clone(outcomes), func(o broadcast.Outcome) bool { return o.Code == "" })
	if len(failed) == 0 {
		return nil
	}
	o := newOutcomeTable(failed, idempotent)
	_, err := t.Do(`INSERT INTO attempts (tenant_id, broadcast_id, delivery_id, at, number, status, code, detail, maybe_sent)
		SELECT CAST($1 AS text), CAST($2 AS text), r.id, r.at, r.number, r.status, r.code, r.detail, r.maybe_sent
		FROM `+t.Unpack(3, "id bigint, at bigint, number bigint, status bigint, code text, detail text, maybe_sent boolean")+` WHERE TRUE ON CONFLICT DO NOTHING`,
		append([]any{t.Tenant(), string(id)}, t.Pack(o.ids, o.ats, o.attempts, db.Each(failed, func(o broadcast.Outcome) int64 { return int64(o.Status) }), o.codes, o.details, o.maybe)...)...)
	return err
}

// tells is whether an outcome says something of the bot at its person.
func tells(o broadcast.Outcome) bool {
	return o.NewAddress != nil || o.Forget || o.Installation != ""
}

// addressed are the people of whom an outcome knows a new address.
func addressed(outcomes []broadcast.Outcome) (ids []broadcast.EntraID) {
	for _, o := range outcomes {
		if o.NewAddress != nil && !o.Forget && o.Installation == "" {
			ids = append(ids, o.EntraID)
		}
	}
	return ids
}

// recordInstallations writes what the answers said of the bot at each person:
// where they can be written to now, which other broadcasts may have waited for, or
// that they want it no longer. What an event has told since is newer and stays.
func (t *tx) recordInstallations(c broadcast.Chunk, outcomes []broadcast.Outcome, waiting []waitingRow) error {
	used := make(map[int64]string, len(c.Deliveries))
	for _, d := range c.Deliveries {
		used[d.ID] = d.Address.ConversationID
	}
	gone := map[broadcast.InstallationState][]broadcast.EntraID{}
	outcomes, err := t.notOvertaken(outcomes)
	if err != nil {
		return err
	}
	for _, o := range outcomes {
		switch {
		case o.Installation != "":
			gone[o.Installation] = append(gone[o.Installation], o.EntraID)
		case o.NewAddress != nil && !o.Forget:
			if err := t.learnAddress(o.EntraID, *o.NewAddress); err != nil {
				return err
			}
		case o.Forget:
			if err := t.forgetAddress(o, used[o.DeliveryID]); err != nil {
				return err
			}
		}
	}
	for _, state := range []broadcast.InstallationState{broadcast.InstallationRemoved, broadcast.InstallationBlocked} {
		if err := t.botGone(gone[state], state); err != nil {
			return err
		}
	}
	return t.makeReady(of(waiting, addressed(outcomes)))
}

// notOvertaken are the outcomes that say something of an installation of which no
// event has spoken since, in the order of their IDs.
func (t *tx) notOvertaken(outcomes []broadcast.Outcome) ([]broadcast.Outcome, error) {
	told := slices.DeleteFunc(slices.Clone(outcomes), func(o broadcast.Outcome) bool { return !tells(o) })
	rows, err := db.People(db.Each(told, func(o broadcast.Outcome) broadcast.EntraID { return o.EntraID }))
	if err != nil {
		return nil, err
	}
	var known []struct {
		EntraID   string
		UpdatedAt int64
	}
	if _, err := t.Scan(&known, `SELECT i.entra_id, i.updated_at FROM installations i JOIN `+t.Rows("rows", "entra_id text")+` AS r ON i.entra_id = r.entra_id WHERE i.tenant_id = @tenant `, db.Args{"rows": rows}); err != nil {
		return nil, err
	}
	changed := make(map[string]int64, len(known))
	for _, k := range known {
		changed[k.EntraID] = k.UpdatedAt
	}
	told = slices.DeleteFunc(told, func(o broadcast.Outcome) bool {
		return !o.At.IsZero() && changed[string(o.EntraID)] > db.Millis(o.At)
	})
	slices.SortFunc(told, func(a, b broadcast.Outcome) int { return cmp.Compare(a.EntraID, b.EntraID) })
	return told, nil
}

// forgetAddress drops the address that failed, not one that came after it. The
// service URL and account stay: opening the chat anew needs them. Price: one row
// by key; rare, so not set-based.
func (t *tx) forgetAddress(o broadcast.Outcome, used string) error {
	_, err := t.Exec(`UPDATE installations SET conversation_id = '', not_before = @now , updated_at = @now
		WHERE tenant_id = @tenant AND entra_id = @person AND (conversation_id = @used OR @used = '')`,
		db.Args{"now": t.NowMillis(), "person": string(o.EntraID), "used": used})
	return err
}
