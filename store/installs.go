package store

import (
	"cmp"
	"context"
	"slices"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/store/db"
)

// RecordInstallations stores what became of tries, under the fence each was taken
// with. Whatever an event has said since (installed, removed, blocked) has moved
// the fence on and stays. In the same transaction a refusal skips what is pending
// for the person, and an address makes it ready and hands its chunks out. Price:
// about eight statements, whatever the number of outcomes.
func (s *Store) RecordInstallations(ctx context.Context, outcomes []broadcast.InstallOutcome) error {
	if len(outcomes) == 0 {
		return nil
	}
	return s.write(ctx, func(t *tx) error {
		if err := t.Turn(turnRoll, false); err != nil {
			return err
		}
		var addressed []broadcast.EntraID
		refused := map[broadcast.Reason][]broadcast.EntraID{}
		// Chunks are locked before installations, so before it is known which fences
		// hold; an outcome that comes too late has locked some for nothing.
		waiting, err := t.lockWaiting(db.Each(outcomes, func(o broadcast.InstallOutcome) broadcast.EntraID { return o.EntraID }))
		if err != nil {
			return err
		}
		stored, err := t.storeInstalls(outcomes)
		if err != nil {
			return err
		}
		for _, o := range stored {
			switch {
			case o.State == broadcast.InstallationRefused:
				reason := cmp.Or(o.Reason, broadcast.ReasonInstallFailed)
				refused[reason] = append(refused[reason], o.EntraID)
			case o.Address != nil:
				addressed = append(addressed, o.EntraID)
			}
		}
		for reason, ids := range refused {
			if _, err := t.moveRows(of(waiting, ids), broadcast.DeliveryPending, broadcast.DeliverySkipped, reason); err != nil {
				return err
			}
		}
		return t.makeReady(of(waiting, addressed))
	})
}

// of are the waiting rows of some people.
func of(rows []waitingRow, ids []broadcast.EntraID) []waitingRow {
	wanted := make(map[string]bool, len(ids))
	for _, id := range ids {
		wanted[string(id)] = true
	}
	return slices.DeleteFunc(slices.Clone(rows), func(r waitingRow) bool { return !wanted[r.EntraID] })
}

type installJSON struct {
	EntraID      string `json:"entra_id"`
	Fence        int64  `json:"fence"`
	State        string `json:"state"`
	Reason       string `json:"reason"`
	Detail       string `json:"detail"`
	Attempts     int    `json:"attempts"`
	NotBefore    int64  `json:"not_before"`
	ServiceURL   string `json:"service_url"`
	Conversation string `json:"conversation_id"`
	Account      string `json:"channel_account_id"`
	At           int64  `json:"at"`
}

// storeInstalls writes the outcomes whose fence still holds and returns those. An
// address without an account was read through Graph, with the fallback for a service
// URL: what an activity or a roster has told of that stays (protocol C.8).
func (t *tx) storeInstalls(outcomes []broadcast.InstallOutcome) ([]broadcast.InstallOutcome, error) {
	rows := db.Each(outcomes, func(o broadcast.InstallOutcome) installJSON {
		r := installJSON{
			EntraID: string(o.EntraID), Fence: o.Fence, State: string(o.State), Reason: string(o.Reason), Detail: db.Clean(o.Detail, maxDetail),
			Attempts: o.Attempts, NotBefore: db.Millis(o.NotBefore), At: db.Millis(o.At),
		}
		if o.Address != nil {
			r.ServiceURL, r.Conversation, r.Account = db.Clean(o.Address.ServiceURL, 0), db.Clean(o.Address.ConversationID, 0), db.Clean(o.Address.ChannelAccountID, 0)
		}
		return r
	})
	slices.SortFunc(rows, func(a, b installJSON) int { return cmp.Compare(a.EntraID, b.EntraID) })
	raw, err := db.List(rows)
	if err != nil {
		return nil, err
	}
	var done []broadcast.EntraID
	if _, err := t.Scan(&done, `UPDATE installations SET state = r.state, reason = r.reason, detail = r.detail, attempts = r.attempts,
			not_before = r.not_before, leased_until = 0, updated_at = r.at, fence = installations.fence + 1,
			service_url = CASE WHEN r.service_url = '' OR (r.channel_account_id = '' AND installations.service_url <> '') THEN installations.service_url ELSE r.service_url END,
			conversation_id = CASE WHEN r.conversation_id = '' THEN installations.conversation_id ELSE r.conversation_id END,
			channel_account_id = CASE WHEN r.channel_account_id = '' THEN installations.channel_account_id ELSE r.channel_account_id END
		FROM `+t.Rows("rows", "entra_id text, fence bigint, state text, reason text, detail text, attempts bigint, not_before bigint, service_url text, conversation_id text, channel_account_id text, at bigint")+` AS r
		WHERE installations.tenant_id = @tenant AND installations.entra_id = r.entra_id AND installations.fence = r.fence
			AND (installations.state = 'wanted' OR (installations.state = 'installed' AND installations.conversation_id = ''))
		RETURNING installations.entra_id`, db.Args{"rows": raw}); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(outcomes), func(o broadcast.InstallOutcome) bool {
		return !slices.Contains(done, o.EntraID)
	}), nil
}
