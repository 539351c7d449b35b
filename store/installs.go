package store

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/store/db"
)

// dueInstall is what there is to do with an installation; the index
// installations_due carries the same words.
const dueInstall = `(state = 'wanted' OR (state = 'installed' AND conversation_id = ''))`

// TakeInstallations takes up to limit people to install the bot for (or whose chat
// to read), each under the next fence until the lease runs out. None while the
// rollout is paused. Several replicas may take at once. Price: one index range.
func (s *Store) TakeInstallations(ctx context.Context, limit int, lease time.Duration) ([]broadcast.Installation, error) {
	var rows []installationRow
	err := s.write(ctx, func(t *tx) error {
		rows = nil
		if state, err := t.rolloutState(); err != nil || state == broadcast.RolloutPaused {
			return err
		}
		now := s.db.Now()
		_, err := t.Scan(&rows, `WITH due AS MATERIALIZED (
				SELECT entra_id FROM installations WHERE tenant_id = @tenant AND `+dueInstall+` AND not_before <= @now AND leased_until <= @now
				ORDER BY not_before LIMIT @limit `+s.db.SkipLocked+`)
			UPDATE installations SET fence = fence + 1, leased_until = @until WHERE tenant_id = @tenant AND entra_id IN (SELECT entra_id FROM due) RETURNING *`, db.Args{"until": db.Millis(now.Add(lease)), "now": db.Millis(now), "limit": limit})
		return err
	})
	slices.SortFunc(rows, func(a, b installationRow) int {
		return cmp.Or(cmp.Compare(a.NotBefore, b.NotBefore), cmp.Compare(a.EntraID, b.EntraID))
	})
	return db.Each(rows, installationRow.installation), err
}

func (r installationRow) installation() broadcast.Installation {
	state := broadcast.InstallationState(r.State)
	return broadcast.Installation{
		EntraID: broadcast.EntraID(r.EntraID), State: state, Reason: broadcast.Reason(r.Reason), Detail: r.Detail,
		Attempts: r.Attempts, NotBefore: db.Moment(r.NotBefore), Fence: r.Fence,
		NeedsChat: state == broadcast.InstallationInstalled && r.ConversationID == "",
	}
}

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

// storeInstalls writes the outcomes whose fence still holds and returns those.
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
	var done []oneColumn
	if _, err := t.Scan(&done, `UPDATE installations SET state = r.state, reason = r.reason, detail = r.detail, attempts = r.attempts,
			not_before = r.not_before, leased_until = 0, updated_at = r.at, fence = installations.fence + 1,
			service_url = CASE WHEN r.service_url = '' THEN installations.service_url ELSE r.service_url END,
			conversation_id = CASE WHEN r.conversation_id = '' THEN installations.conversation_id ELSE r.conversation_id END,
			channel_account_id = CASE WHEN r.channel_account_id = '' THEN installations.channel_account_id ELSE r.channel_account_id END
		FROM `+t.Rows("rows", "entra_id text, fence bigint, state text, reason text, detail text, attempts bigint, not_before bigint, service_url text, conversation_id text, channel_account_id text, at bigint")+` AS r
		WHERE installations.tenant_id = @tenant AND installations.entra_id = r.entra_id AND installations.fence = r.fence
			AND (installations.state = 'wanted' OR (installations.state = 'installed' AND installations.conversation_id = ''))
		RETURNING installations.entra_id`, db.Args{"rows": raw}); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(outcomes), func(o broadcast.InstallOutcome) bool {
		return !slices.Contains(done, oneColumn{string(o.EntraID)})
	}), nil
}

// Installations reads one page. Price: one index range whatever the filter.
func (s *Store) Installations(ctx context.Context, q broadcast.InstallQuery) (broadcast.InstallPage, error) {
	t := s.read(ctx)
	a := db.Args{"after": string(q.After), "limit": q.Limit + 1}
	join, where, err := t.narrow("i", wordsOf(q.Text), a)
	if err != nil {
		return broadcast.InstallPage{}, err
	}
	stmt := `SELECT i.*, COALESCE(p.name, '') AS name, COALESCE(p.upn, '') AS upn FROM installations i ` + join + `
		LEFT JOIN people p ON p.tenant_id = i.tenant_id AND p.entra_id = i.entra_id
		WHERE i.tenant_id = @tenant AND i.entra_id > @after ` + where
	if q.State != "" {
		stmt += `AND i.state = @state `
		a["state"] = string(q.State)
	}
	if q.Reason != "" {
		stmt += `AND i.reason <> '' AND i.reason = @reason `
		a["reason"] = string(q.Reason)
	}
	var rows []struct {
		Row       installationRow `gorm:"embedded"`
		Name, UPN string
	}
	if _, err := t.Scan(&rows, stmt+`ORDER BY i.entra_id LIMIT @limit `, a); err != nil {
		return broadcast.InstallPage{}, err
	}
	var page broadcast.InstallPage
	if len(rows) > q.Limit {
		rows = rows[:q.Limit]
		page.Next = broadcast.EntraID(rows[q.Limit-1].Row.EntraID)
	}
	for _, r := range rows {
		page.Rows = append(page.Rows, broadcast.InstallRow{Installation: r.Row.installation(), Name: r.Name, UPN: r.UPN, UpdatedAt: db.Moment(r.Row.UpdatedAt)})
	}
	return page, nil
}
