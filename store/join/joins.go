package join

import (
	"context"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/join"
	"github.com/fanfare/fanfare/store/db"
)

// Joins implements join.Ledger and join.Queue.
type Joins struct{ db *db.DB }

var (
	_ join.Ledger = Joins{}
	_ join.Queue  = Joins{}
)

// New makes it on a database.
func New(d *db.DB) Joins { return Joins{d} }

type row struct {
	TenantID, GroupID, Name string
	State, Reason, Detail   string
	Attempts                int
	NotBefore, Fence        int64
	LeasedUntil             int64
	ByID, ByName            string
	AskedAt                 int64
	UpdatedAt               int64 `gorm:"autoUpdateTime:false"`
}

func (row) TableName() string { return "joins" }

func (r row) team() join.Team {
	return join.Team{
		GroupID: r.GroupID, Name: r.Name, State: join.State(r.State), Reason: broadcast.Reason(r.Reason), Detail: r.Detail, Attempts: r.Attempts,
		NotBefore: db.Moment(r.NotBefore), By: db.ActorRef(r.ByID, r.ByName), AskedAt: db.Moment(r.AskedAt), UpdatedAt: db.Moment(r.UpdatedAt),
	}
}

// WantTeam implements join.Ledger. Whoever has the team in hand loses it.
func (s Joins) WantTeam(ctx context.Context, g broadcast.Group, by broadcast.ActorRef) error {
	return s.db.Write(ctx, func(t *db.Tx) error {
		t.HandOut(broadcast.Work{Kind: broadcast.KindInstall})
		_, err := t.Exec(`INSERT INTO joins (tenant_id, group_id, name, state, reason, detail, attempts, not_before, fence, leased_until, by_id, by_name, asked_at, updated_at)
			VALUES (@tenant , @group , @name , 'wanted', '', '', 0, 0, 1, 0, @by , @by_name , @now , @now )
			ON CONFLICT (tenant_id, group_id) DO UPDATE SET name = excluded.name, state = 'wanted', reason = '', detail = '', attempts = 0, not_before = 0,
				fence = joins.fence + 1, leased_until = 0, by_id = excluded.by_id, by_name = excluded.by_name, asked_at = excluded.asked_at, updated_at = excluded.updated_at`,
			db.Args{"group": g.ID, "name": g.Name, "by": string(by.ID), "by_name": by.Name, "now": t.NowMillis()})
		return err
	})
}

// ForgetTeam implements join.Ledger.
func (s Joins) ForgetTeam(ctx context.Context, groupID string) error {
	n, err := s.db.Alone(ctx).Exec(`DELETE FROM joins WHERE tenant_id = @tenant AND group_id = @group `, db.Args{"group": groupID})
	if err == nil && n == 0 {
		err = broadcast.Errorf(broadcast.NotFound, "This team is not on the list. Somebody may just have taken it off; reload the page.")
	}
	return err
}

// JoinedTeams implements join.Ledger. Price: all of them; an organisation has thousands of
// teams at most.
func (s Joins) JoinedTeams(ctx context.Context) ([]join.Team, error) {
	var rows []row
	_, err := s.db.Read(ctx).Scan(&rows, `SELECT * FROM joins WHERE tenant_id = @tenant ORDER BY name, group_id`, nil)
	return db.Each(rows, row.team), err
}

// due is a team nobody has in hand that is to be tried now; the index joins_due has it.
const due = `tenant_id = @tenant AND state = 'wanted' AND not_before <= @now AND leased_until <= @now `

// Due tells whether any team is to be taken now. Price: the beginning of an index range.
func Due(t *db.Tx) (bool, error) {
	var n int
	_, err := t.Scan(&n, `SELECT count(*) FROM (SELECT 1 FROM joins WHERE `+due+`LIMIT 1) AS one`, db.Args{"now": t.NowMillis()})
	return n > 0, err
}

// TakeTeam implements join.Queue. Price: the beginning of an index range.
func (s Joins) TakeTeam(ctx context.Context, lease time.Duration) (*join.Job, error) {
	var rows []row
	err := s.db.Write(ctx, func(t *db.Tx) error {
		rows = nil
		now := s.db.Now()
		_, err := t.Scan(&rows, `WITH due AS MATERIALIZED (SELECT group_id FROM joins WHERE `+due+`ORDER BY not_before, group_id LIMIT 1 `+s.db.SkipLocked+`)
			UPDATE joins SET fence = fence + 1, leased_until = @until WHERE tenant_id = @tenant AND group_id IN (SELECT group_id FROM due) RETURNING *`,
			db.Args{"now": db.Millis(now), "until": db.Millis(now.Add(lease))})
		return err
	})
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	return &join.Job{GroupID: rows[0].GroupID, Attempts: rows[0].Attempts, Fence: rows[0].Fence}, nil
}

// RecordTeam implements join.Queue.
func (s Joins) RecordTeam(ctx context.Context, o join.Outcome) error {
	t := s.db.Alone(ctx)
	_, err := t.Exec(`UPDATE joins SET state = @state , reason = @reason , detail = @detail , attempts = @attempts , not_before = @later , leased_until = 0, fence = fence + 1, updated_at = @now
		WHERE tenant_id = @tenant AND group_id = @group AND fence = @fence `, db.Args{
		"state": string(o.State), "reason": string(o.Reason), "detail": db.Clean(o.Detail, 500), "attempts": o.Attempts, "later": db.Millis(o.NotBefore),
		"now": t.NowMillis(), "group": o.GroupID, "fence": o.Fence,
	})
	return err
}
