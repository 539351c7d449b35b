package store

import (
	"cmp"
	"context"
	"slices"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/store/db"
)

// outcomeJSON is one outcome as the recording statement reads it.
type outcomeJSON struct {
	ID         int64  `json:"id"`
	State      string `json:"state"`
	Reason     string `json:"reason"`
	Code       string `json:"code"`
	Detail     string `json:"detail"`
	Attempts   int    `json:"attempts"`
	NotBefore  int64  `json:"not_before"`
	ActivityID string `json:"activity_id"`
	MaybeSent  bool   `json:"maybe_sent"`
	At         int64  `json:"at"`
}

// RecordOutcomes stores outcomes and the tally in one transaction, with what they
// say of addresses and installations. ErrFenceLost if the fence is no longer ours:
// nothing was stored. Price: five statements per batch, whatever its size, and
// three more when it says something of addresses or installations.
func (s *Store) RecordOutcomes(ctx context.Context, c broadcast.Chunk, outcomes []broadcast.Outcome) error {
	if len(outcomes) == 0 {
		return nil
	}
	told := slices.ContainsFunc(outcomes, func(o broadcast.Outcome) bool {
		return o.NewAddress != nil || o.Forget || o.Installation != ""
	})
	return s.write(ctx, func(t *tx) error {
		if told {
			if err := t.Turn(turnRoll, false); err != nil {
				return err
			}
		}
		locked, err := t.lockChunk(c.BroadcastID, c.Number)
		if err != nil {
			return err
		}
		if locked.Row.Fence != c.Fence || c.Fence == 0 {
			return broadcast.ErrFenceLost
		}
		if err := t.recordStates(locked.Row, outcomes); err != nil || !told {
			return err
		}
		return t.recordInstallations(c, outcomes)
	})
}

// before is what a delivery was when its outcome came.
type before struct {
	ID        int64
	State     broadcast.DeliveryState
	MaybeSent bool
}

// recordStates writes each outcome whose delivery is still open. One that was
// cancelled or skipped in the meantime (the lease had run out, but nobody took
// over) still becomes sent, because the message is there; it takes nothing else.
func (t *tx) recordStates(c chunkRow, outcomes []broadcast.Outcome) error {
	id := broadcast.ID(c.BroadcastID)
	rows := db.Each(outcomes, outcomeRow)
	raw, err := db.List(rows)
	if err != nil {
		return err
	}
	var was []before
	// The range keeps any plan, with statistics however old, inside the chunk.
	a := db.Args{"id": c.BroadcastID, "rows": raw, "first": c.FirstID, "last": c.LastID}
	if _, err := t.Scan(&was, `SELECT d.id, d.state, d.maybe_sent FROM deliveries d JOIN `+t.Rows("rows", "id bigint")+` AS r ON d.id = r.id
		WHERE d.tenant_id = @tenant AND d.broadcast_id = @id AND d.id BETWEEN @first AND @last AND d.state IN ('ready', 'cancelled', 'skipped')`, a); err != nil {
		return err
	}
	open := make(map[int64]before, len(was))
	for _, b := range was {
		open[b.ID] = b
	}
	kept := rows[:0]
	for _, r := range rows {
		b, ok := open[r.ID]
		if !ok {
			continue
		}
		delete(open, r.ID) // a second outcome for the same delivery in one batch is none
		to := broadcast.DeliveryState(r.State)
		if b.State != broadcast.DeliveryReady && to != broadcast.DeliverySent {
			continue
		}
		r.MaybeSent = r.MaybeSent || b.MaybeSent
		t.count(id, b.State, to, 1)
		if to == broadcast.DeliverySent && r.MaybeSent {
			t.tally(id).MaybeRepeated++
		}
		kept = append(kept, r)
	}
	if a["rows"], err = db.List(kept); err != nil {
		return err
	}
	_, err = t.Exec(`UPDATE deliveries AS d SET state = r.state, reason = r.reason, code = r.code, detail = r.detail, attempts = r.attempts,
			not_before = r.not_before, activity_id = r.activity_id, maybe_sent = r.maybe_sent, updated_at = r.at
		FROM `+t.Rows("rows", "id bigint, state text, reason text, code text, detail text, attempts bigint, not_before bigint, activity_id text, maybe_sent boolean, at bigint")+` AS r
		WHERE d.tenant_id = @tenant AND d.broadcast_id = @id AND d.id BETWEEN @first AND @last AND d.id = r.id`, a)
	return err
}

func outcomeRow(o broadcast.Outcome) outcomeJSON {
	return outcomeJSON{
		ID: o.DeliveryID, State: string(o.State), Reason: string(o.Reason), Code: db.Clean(o.Code, 100), Detail: db.Clean(o.Detail, maxDetail),
		Attempts: o.Attempts, NotBefore: db.Millis(o.NotBefore), ActivityID: db.Clean(o.ActivityID, 0), MaybeSent: o.MaybeSent, At: db.Millis(o.At),
	}
}

// recordInstallations writes what the answers said of the bot at each person:
// where they can be written to now, or that they want it no longer. What an event
// has told since is newer and stays.
func (t *tx) recordInstallations(c broadcast.Chunk, outcomes []broadcast.Outcome) error {
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
	return nil
}

// notOvertaken are the outcomes that say something of an installation of which no
// event has spoken since, in the order of their IDs.
func (t *tx) notOvertaken(outcomes []broadcast.Outcome) ([]broadcast.Outcome, error) {
	told := slices.DeleteFunc(slices.Clone(outcomes), func(o broadcast.Outcome) bool {
		return o.NewAddress == nil && !o.Forget && o.Installation == ""
	})
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
