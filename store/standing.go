package store

import (
	"context"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/store/db"
)

// Standing reads only what changes: two look-ups by key.
func (s *Store) Standing(ctx context.Context, id broadcast.ID) (broadcast.Standing, error) {
	var row struct {
		State                     string
		Wave, Expected, LateCount int
		ListedAt, RetryAt         int64
		Counts                    tallyCounts `gorm:"embedded"`
	}
	n, err := s.read(ctx).Scan(&row, `SELECT b.state, b.wave, b.expected, b.late_count, b.listed_at, b.retry_at, `+countColumns+`
		FROM broadcasts b JOIN tallies y ON y.tenant_id = b.tenant_id AND y.broadcast_id = b.id
		WHERE b.tenant_id = @tenant AND b.id = @id `, db.Args{"id": string(id)})
	if err == nil && n == 0 {
		err = broadcast.Errorf(broadcast.NotFound, "There is no such broadcast.")
	}
	return broadcast.Standing{
		State: broadcast.State(row.State), Tally: row.Counts.tally(), Wave: row.Wave, Expected: row.Expected,
		Listed: row.ListedAt > 0, Retrying: row.RetryAt > 0, LateCount: row.LateCount,
	}, err
}

// Canary counts the first wave. Price: its chunks' ranges of deliveries, which are
// few.
func (s *Store) Canary(ctx context.Context, id broadcast.ID) (broadcast.Tally, error) {
	var tally broadcast.Tally
	var counts []broadcast.ReasonCount
	_, err := s.read(ctx).Scan(&counts, `SELECT d.state, count(*) AS count FROM chunks c
		JOIN deliveries d ON d.tenant_id = c.tenant_id AND d.broadcast_id = c.broadcast_id AND d.id BETWEEN c.first_id AND c.last_id
		WHERE c.tenant_id = @tenant AND c.broadcast_id = @id AND c.wave = 0 GROUP BY d.state`, db.Args{"id": string(id)})
	for _, c := range counts {
		tally.Add(c.State, c.Count)
	}
	return tally, err
}

type attemptRow struct {
	TenantID, BroadcastID string
	DeliveryID, At        int64
	Number, Status        int
	Code, Detail          string
	MaybeSent             bool
}

func (attemptRow) TableName() string { return "attempts" }

// Attempts reads the failed tries at one delivery, oldest first.
func (s *Store) Attempts(ctx context.Context, id broadcast.ID, delivery int64) ([]broadcast.Attempt, error) {
	var rows []attemptRow
	_, err := s.read(ctx).Scan(&rows, `SELECT * FROM attempts WHERE tenant_id = @tenant AND broadcast_id = @id AND delivery_id = @delivery ORDER BY at`,
		db.Args{"id": string(id), "delivery": delivery})
	return db.Each(rows, func(r attemptRow) broadcast.Attempt {
		return broadcast.Attempt{Number: r.Number, At: db.Moment(r.At), Status: r.Status, Code: r.Code, Detail: r.Detail, MaybeSent: r.MaybeSent}
	}), err
}

type haltRow struct {
	TenantID                 string
	ID                       int64 `gorm:"primaryKey;autoIncrement"`
	Reason, Code, Detail     string
	At, LiftedAt             int64
	LiftedByID, LiftedByName string
}

func (haltRow) TableName() string { return "halts" }

// Halt reads the halt that stands; nil if none does. Price: an index of one row.
func (s *Store) Halt(ctx context.Context) (*broadcast.Halt, error) {
	var r haltRow
	n, err := s.read(ctx).Scan(&r, `SELECT * FROM halts WHERE tenant_id = @tenant AND lifted_at = 0`, nil)
	if err != nil || n == 0 {
		return nil, err
	}
	return &broadcast.Halt{ID: r.ID, Reason: broadcast.Reason(r.Reason), Code: r.Code, Detail: r.Detail, At: db.Moment(r.At)}, nil
}

// SetHalt stores a halt, unless one stands already.
func (s *Store) SetHalt(ctx context.Context, h broadcast.Halt) error {
	_, err := s.db.Alone(ctx).Exec(`INSERT INTO halts (tenant_id, reason, code, detail, at, lifted_at, lifted_by_id, lifted_by_name)
		VALUES (@tenant , @reason , @code , @detail , @at , 0, '', '') ON CONFLICT DO NOTHING`,
		db.Args{"reason": string(h.Reason), "code": db.Clean(h.Code, 100), "detail": db.Clean(h.Detail, maxDetail), "at": db.Millis(h.At)})
	return err
}

// LiftHalt ends the halt that stands; *Error Conflict if none does.
func (s *Store) LiftHalt(ctx context.Context, by broadcast.ActorRef, at time.Time) error {
	n, err := s.db.Alone(ctx).Exec(`UPDATE halts SET lifted_at = @at , lifted_by_id = @by , lifted_by_name = @name WHERE tenant_id = @tenant AND lifted_at = 0`,
		db.Args{"at": db.Millis(at), "by": string(by.ID), "name": by.Name})
	if err == nil && n == 0 {
		err = broadcast.Errorf(broadcast.Conflict, "Nothing is stopped any more. Reload the page.")
	}
	return err
}

// Brake reads how far the Connector slows us down: what holds its budget back.
func (s *Store) Brake(ctx context.Context) (broadcast.Brake, error) {
	strain, err := s.ReadBudget(ctx, "connector")
	if err != nil {
		return broadcast.Brake{}, err
	}
	brake := broadcast.Brake{Slowed: strain.Slow}
	if strain.Paused > 0 {
		brake.PausedUntil, brake.Outage = s.db.Now().Add(strain.Paused), strain.Outage
	}
	return brake, nil
}
