package rings

import (
	"context"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/rollout"
	"github.com/fanfare/fanfare/store/census"
	"github.com/fanfare/fanfare/store/db"
)

// rolloutRow is a row of rollouts, one for a tenant.
type rolloutRow struct {
	TenantID, State, ByID, ByName string
	ChangedAt                     int64
	Why                           string
	Revision, LookedAt, LookFrom  int64
}

func (rolloutRow) TableName() string { return "rollouts" }

// moveRow is a row of rollout_moves; the states are those of the whole.
type moveRow struct {
	TenantID                         string
	ID                               int64 `gorm:"primaryKey;autoIncrement"`
	FromState, ToState, ByID, ByName string
	At                               int64
	Event, Ring, Note                string
}

func (moveRow) TableName() string { return "rollout_moves" }

// ringRow is a row of rings; a last one that is not there waits.
type ringRow struct {
	TenantID, ID                 string
	Position                     int64
	Name, Audience               string
	ByItself                     bool
	MaxFailedPercent             int
	Settle                       int64
	State                        string
	OpenedAt, QuietSince, DoneAt int64
	Excused                      int
	Filled                       bool
	FillAfter, Problem           string
}

func (ringRow) TableName() string { return "rings" }

// personRow is a row of ring_people.
type personRow struct{ TenantID, EntraID, RingID string }

func (personRow) TableName() string { return "ring_people" }

// Rings implements rollout.Ledger, Rings, Counting and Samples.
type Rings struct{ db *db.DB }

var (
	_ rollout.Rings    = Rings{}
	_ rollout.Counting = Rings{}
	_ rollout.Samples  = Rings{}
)

// New makes it on a database.
func New(d *db.DB) Rings { return Rings{db: d} }

func (r ringRow) ring() (rollout.Ring, error) {
	a, err := census.ReadAudience(r.Audience)
	return rollout.Ring{
		ID: r.ID, Name: r.Name, Audience: a, ByItself: r.ByItself, MaxFailedPercent: r.MaxFailedPercent, Settle: time.Duration(r.Settle) * time.Millisecond,
		State: rollout.RingState(r.State), OpenedAt: db.Moment(r.OpenedAt), QuietSince: db.Moment(r.QuietSince), DoneAt: db.Moment(r.DoneAt),
		Excused: r.Excused, Filled: r.Filled, Problem: r.Problem,
	}, err
}

// lastAt is the position of the last ring.
const lastAt = 1_000_000

func rowOf(r rollout.Ring, position int64) (ringRow, error) {
	raw, err := census.WriteAudience(r.Audience)
	return ringRow{
		ID: r.ID, Position: position, Name: r.Name, Audience: raw, ByItself: r.ByItself, MaxFailedPercent: r.MaxFailedPercent,
		Settle: r.Settle.Milliseconds(), State: string(rollout.Waiting),
	}, err
}

// plan reads what was decided. Price: two look-ups.
func plan(t *db.Tx) (rollout.Plan, error) {
	row := rolloutRow{State: string(broadcast.RolloutIdle)}
	if _, err := t.Scan(&row, `SELECT * FROM rollouts WHERE tenant_id = @tenant `, nil); err != nil {
		return rollout.Plan{}, err
	}
	p := rollout.Plan{
		State: broadcast.RolloutState(row.State), Why: row.Why, By: db.ActorRef(row.ByID, row.ByName), ChangedAt: db.Moment(row.ChangedAt), Revision: row.Revision,
	}
	var rows []ringRow
	if _, err := t.Scan(&rows, `SELECT * FROM rings WHERE tenant_id = @tenant ORDER BY position, id`, nil); err != nil {
		return p, err
	}
	for _, r := range rows {
		ring, err := r.ring()
		if err != nil {
			return p, err
		}
		p.Rings = append(p.Rings, ring)
	}
	if n := len(p.Rings); n == 0 || !p.Rings[n-1].IsLast() {
		p.Rings = append(p.Rings, rollout.LastRing())
	}
	return p, nil
}

// Plan implements rollout.Ledger. Price: two look-ups.
func (s Rings) Plan(ctx context.Context) (rollout.Plan, error) { return plan(s.db.Read(ctx)) }

// noted writes a line of the audit.
func noted(t *db.Tx, from, to broadcast.RolloutState, m rollout.Move) error {
	_, err := t.Exec(`INSERT INTO rollout_moves (tenant_id, from_state, to_state, by_id, by_name, at, event, ring, note) VALUES (@tenant , @from , @to , @by , @name , @at , @event , @ring , @note )`,
		db.Args{"from": string(from), "to": string(to), "by": string(m.By.ID), "name": m.By.Name, "at": db.Millis(m.At), "event": string(m.Event), "ring": m.Ring, "note": m.Note})
	return err
}

// RolloutMoves implements rollout.Ledger. Price: the end of an index.
func (s Rings) RolloutMoves(ctx context.Context, limit int) ([]rollout.Move, error) {
	var rows []moveRow
	_, err := s.db.Read(ctx).Scan(&rows, `SELECT * FROM rollout_moves WHERE tenant_id = @tenant ORDER BY id DESC LIMIT @limit `, db.Args{"limit": limit})
	return db.Each(rows, func(r moveRow) rollout.Move {
		return rollout.Move{At: db.Moment(r.At), Event: rollout.Event(r.Event), Ring: r.Ring, Note: r.Note, By: db.ActorRef(r.ByID, r.ByName)}
	}), err
}
