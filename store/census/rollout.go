package census

import (
	"context"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/store/db"
)

type rolloutRow struct {
	TenantID, State, ByID, ByName string
	ChangedAt                     int64
}

func (rolloutRow) TableName() string { return "rollouts" }

type rolloutMoveRow struct {
	TenantID                         string
	ID                               int64 `gorm:"primaryKey;autoIncrement"`
	FromState, ToState, ByID, ByName string
	At                               int64
}

func (rolloutMoveRow) TableName() string { return "rollout_moves" }

func rollout(t *db.Tx) (rolloutRow, error) {
	row := rolloutRow{State: string(broadcast.RolloutIdle)}
	_, err := t.Scan(&row, `SELECT * FROM rollouts WHERE tenant_id = @tenant `, nil)
	return row, err
}

func rolloutState(t *db.Tx) (broadcast.RolloutState, error) {
	row, err := rollout(t)
	return broadcast.RolloutState(row.State), err
}

// Rollout counts how far the installation has come, over the people the directory
// says can have the bot: Installed, Wanted, Refused, Removed, Blocked and
// Untouched add up to Eligible. Price: one pass over people and installations.
func (s Census) Rollout(ctx context.Context) (broadcast.Rollout, error) {
	t := s.db.Read(ctx)
	row, err := rollout(t)
	if err != nil {
		return broadcast.Rollout{}, err
	}
	directory, err := cursor(t)
	if err != nil {
		return broadcast.Rollout{}, err
	}
	var counts []installCount
	if _, err := t.Scan(&counts, `SELECT p.excluded, COALESCE(i.state, '') AS state, COALESCE(i.reason, '') AS reason, COALESCE(i.conversation_id, '') <> '' AS addressed, count(*) AS n
		FROM people p LEFT JOIN installations i ON i.tenant_id = p.tenant_id AND i.entra_id = p.entra_id
		WHERE p.tenant_id = @tenant AND NOT p.deleted GROUP BY 1, 2, 3, 4`, nil); err != nil {
		return broadcast.Rollout{}, err
	}
	r := broadcast.Rollout{
		State: broadcast.RolloutState(row.State), By: db.ActorRef(row.ByID, row.ByName), ChangedAt: db.Moment(row.ChangedAt),
		Reasons: map[broadcast.Reason]int{}, Excluded: map[broadcast.Reason]int{}, DirectoryAt: directory.FinishedAt,
	}
	for _, c := range counts {
		c.addTo(&r)
	}
	return r, nil
}

type installCount struct {
	Excluded, State, Reason string
	Addressed               bool
	N                       int
}

func (c installCount) addTo(r *broadcast.Rollout) {
	r.People += c.N
	if c.Excluded != "" {
		r.Excluded[broadcast.Reason(c.Excluded)] += c.N
		return
	}
	r.Eligible += c.N
	switch broadcast.InstallationState(c.State) {
	case broadcast.InstallationInstalled:
		r.Installed += c.N
		if c.Addressed {
			r.Addressed += c.N
		}
	case broadcast.InstallationWanted:
		r.Wanted += c.N
	case broadcast.InstallationRefused:
		r.Refused += c.N
	case broadcast.InstallationRemoved:
		r.Removed += c.N
	case broadcast.InstallationBlocked:
		r.Blocked += c.N
	default:
		r.Untouched += c.N
	}
	if c.Reason != "" {
		r.Reasons[broadcast.Reason(c.Reason)] += c.N
	}
}

// SetRollout stores the admin's decision by compare-and-set on the state, with an
// audit line. Starting makes the refused wanted again in the same transaction;
// everybody else eligible follows page by page (WantEveryone), and the next sync
// goes on where a crash stopped that.
func (s Census) SetRollout(ctx context.Context, from, to broadcast.RolloutState, by broadcast.ActorRef, at time.Time) error {
	err := s.db.Write(ctx, func(t *db.Tx) error {
		a := db.Args{"from": string(from), "to": string(to), "by": string(by.ID), "name": by.Name, "at": db.Millis(at), "idle": string(broadcast.RolloutIdle)}
		if _, err := t.Exec(`INSERT INTO rollouts (tenant_id, state, by_id, by_name, changed_at) VALUES (@tenant , @idle , '', '', 0) ON CONFLICT DO NOTHING`, a); err != nil {
			return err
		}
		n, err := t.Exec(`UPDATE rollouts SET state = @to , by_id = @by , by_name = @name , changed_at = @at WHERE tenant_id = @tenant AND state = @from `, a)
		if err != nil {
			return err
		}
		if n == 0 {
			return broadcast.Errorf(broadcast.Conflict, "Somebody else has just changed the rollout. Reload the page to see how it stands.")
		}
		if to == broadcast.RolloutRunning {
			if _, err := t.Exec(`UPDATE installations SET state = 'wanted', attempts = 0, not_before = 0, updated_at = @at WHERE tenant_id = @tenant AND state = 'refused'`, a); err != nil {
				return err
			}
			t.HandOut(broadcast.Work{Kind: broadcast.KindInstall})
		}
		return t.ORM.Create(&rolloutMoveRow{TenantID: s.db.Tenant(), FromState: string(from), ToState: string(to), ByID: string(by.ID), ByName: by.Name, At: db.Millis(at)}).Error
	})
	if err != nil {
		return err
	}
	return s.WantEveryone(ctx)
}

// wantPage is how many people one transaction of WantEveryone looks at: on SQLite
// everybody else's writing waits for it.
const wantPage = 2_000

// WantEveryone makes newly eligible people wanted if the rollout is running.
// Price: a walk over people by key, 2,000 per transaction; those who are wanted
// already cost a look-up.
func (s Census) WantEveryone(ctx context.Context) error {
	last := ""
	for {
		var end string
		err := s.db.Write(ctx, func(t *db.Tx) error {
			end = ""
			if state, err := rolloutState(t); err != nil || state != broadcast.RolloutRunning {
				return err
			}
			a := db.Args{"after": last, "limit": wantPage, "now": t.NowMillis()}
			if _, err := t.Scan(&end, `SELECT COALESCE(MAX(entra_id), '') FROM (SELECT entra_id FROM people WHERE tenant_id = @tenant AND entra_id > @after ORDER BY entra_id LIMIT @limit ) AS page`, a); err != nil || end == "" {
				return err
			}
			a["end"] = end
			_, err := t.Exec(`INSERT INTO installations (tenant_id, entra_id, state, reason, detail, attempts, not_before, fence, leased_until, service_url, conversation_id, channel_account_id, updated_at)
				SELECT p.tenant_id, p.entra_id, 'wanted', '', '', 0, CAST(@now AS bigint), 0, 0, '', '', '', CAST(@now AS bigint) FROM people p
				WHERE p.tenant_id = @tenant AND p.entra_id > @after AND p.entra_id <= @end AND p.excluded = ''
				AND NOT EXISTS (SELECT 1 FROM installations i WHERE i.tenant_id = p.tenant_id AND i.entra_id = p.entra_id)
				ON CONFLICT DO NOTHING`, a)
			return err
		})
		if err != nil || end == "" {
			return err
		}
		last = end
	}
}
