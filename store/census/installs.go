package census

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/store/db"
)

type installationRow struct {
	TenantID, EntraID                            string
	State, Reason, Detail                        string
	Attempts                                     int
	NotBefore, Fence, LeasedUntil                int64
	ServiceURL, ConversationID, ChannelAccountID string
	UpdatedAt                                    int64 `gorm:"autoUpdateTime:false"`
}

func (installationRow) TableName() string { return "installations" }

// dueInstall is what there is to do with an installation; the index
// installations_due carries the same words.
const dueInstall = `(state = 'wanted' OR (state = 'installed' AND conversation_id = ''))`

// rolloutState is what the admin decided (package store/rings).
func rolloutState(t *db.Tx) (broadcast.RolloutState, error) {
	state := string(broadcast.RolloutIdle)
	_, err := t.Scan(&state, `SELECT state FROM rollouts WHERE tenant_id = @tenant `, nil)
	return broadcast.RolloutState(state), err
}

// TakeInstallations takes up to limit people to install the bot for (or whose chat
// to read), each under the next fence until the lease runs out. None while the
// rollout is paused. Several replicas may take at once. Price: one index range.
func (s Census) TakeInstallations(ctx context.Context, limit int, lease time.Duration) ([]broadcast.Installation, error) {
	var rows []installationRow
	err := s.db.Write(ctx, func(t *db.Tx) error {
		rows = nil
		if state, err := rolloutState(t); err != nil || state == broadcast.RolloutPaused {
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

// InstallsDue tells whether anybody is to be taken now. Price: the beginning of
// one index range.
func InstallsDue(t *db.Tx) (bool, error) {
	if state, err := rolloutState(t); err != nil || state == broadcast.RolloutPaused {
		return false, err
	}
	var n int
	_, err := t.Scan(&n, `SELECT count(*) FROM (SELECT 1 FROM installations WHERE tenant_id = @tenant AND `+dueInstall+` AND not_before <= @now AND leased_until <= @now LIMIT 1) AS one`, db.Args{"now": t.NowMillis()})
	return n > 0, err
}

func (r installationRow) installation() broadcast.Installation {
	state := broadcast.InstallationState(r.State)
	return broadcast.Installation{
		EntraID: broadcast.EntraID(r.EntraID), State: state, Reason: broadcast.Reason(r.Reason), Detail: r.Detail,
		Attempts: r.Attempts, NotBefore: db.Moment(r.NotBefore), Fence: r.Fence,
		NeedsChat: state == broadcast.InstallationInstalled && r.ConversationID == "",
	}
}

// Installations reads one page. Price: one index range, of which a look-up per row leaves
// those of a department, a country or a ring: until the page is full.
func (s Census) Installations(ctx context.Context, q broadcast.InstallQuery) (broadcast.InstallPage, error) {
	t := s.db.Read(ctx)
	a := db.Args{"after": string(q.After), "limit": q.Limit + 1}
	join, where, err := Narrow(t, "i", q.Text, a)
	if err != nil {
		return broadcast.InstallPage{}, err
	}
	ring := ``
	if q.Ring != "" {
		ring = `LEFT JOIN ring_people g ON g.tenant_id = i.tenant_id AND g.entra_id = i.entra_id `
	}
	stmt := `SELECT i.*, COALESCE(p.name, '') AS name, COALESCE(p.upn, '') AS upn FROM installations i ` + join + `
		LEFT JOIN people p ON p.tenant_id = i.tenant_id AND p.entra_id = i.entra_id ` + ring + `
		WHERE i.tenant_id = @tenant AND i.entra_id > @after ` + where
	if q.State != "" {
		stmt += `AND i.state = @state `
		a["state"] = string(q.State)
	}
	if q.Reason != "" {
		stmt += `AND i.reason <> '' AND i.reason = @reason `
		a["reason"] = string(q.Reason)
	}
	for condition, is := range map[string]string{`p.department = @department `: q.Department, `p.country = @country `: q.Country, `COALESCE(g.ring_id, 'everyone') = @ring `: q.Ring} {
		if is != "" {
			stmt += `AND ` + condition
		}
	}
	a["department"], a["country"], a["ring"] = q.Department, q.Country, q.Ring
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
