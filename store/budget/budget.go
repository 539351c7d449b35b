package budget

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/pace"
	"github.com/fanfare/fanfare/store/db"
)

// Budget is the memory of all families' allowances.
type Budget struct{ db *db.DB }

// New makes it on a database.
func New(d *db.DB) Budget { return Budget{d} }

type budgetRow struct {
	TenantID, Family         string
	TouchedAt, NextAt        int64
	Granted, Gap             int64
	PausedUntil, Nap         int64
	Slow, SlowFrom, SlowedAt int64
	UrgentUntil, NormalUntil int64
	NormalTurn, BulkTurn     int64
	Outage                   bool
}

func (budgetRow) TableName() string { return "budgets" }

// The row's times and parts, in microseconds and millionths, as the statements
// have them. Each is written out there, because a constant shows in a plan.
const (
	second = 1_000_000
	// waitsFor is how long somebody pressing is taken to wait after a lease for them.
	waitsFor = 6 * second / 10
	// crowded is how far ahead slots must be leased for the less pressing to be held
	// back: if the pressing do not use what there is, everybody may.
	crowded = second / 10
	// climb is how long a rate that was slowed takes to be whole again.
	climb = 20 * second
	// A 429 holds back firstSlow; one that comes while the rate still climbs adds half
	// of what is left of the last. At mostSlow a third of the rate still goes.
	firstSlow, mostSlow = second / 10, 2 * second / 3
	// Pauses after 429s that name no time.
	firstNap, longestNap = second, 30 * second
	// setBack is how far behind the last write a clock may be: replicas wait for each
	// other's row locks with their statements' time already taken.
	setBack = second
)

// strain is what a row says of how it is held back, as of now.
type strain struct {
	TouchedAt, PausedUntil, Slow, SlowFrom, SlowedAt int64
	Outage                                           bool
}

const strainColumns = `paused_until, slow, slow_from, slowed_at, outage`

func (s strain) strain() pace.Strain {
	now, left := s.TouchedAt, s.SlowFrom+climb-s.TouchedAt
	out := pace.Strain{Paused: micros(max(0, s.PausedUntil-now)), Outage: s.Outage && s.PausedUntil > now}
	if s.Slow > 0 && left > 0 {
		out.Slow = float64(s.Slow) / second * math.Min(1, float64(left)/climb)
		out.SlowLeft, out.SlowFor = micros(left), micros(max(0, now-s.SlowedAt))
	}
	return out
}

func micros(n int64) time.Duration { return time.Duration(n) * time.Microsecond }

// LeaseBudget takes the next slots of a family's allowance, up to as many as are
// wanted. While a crowd more pressing waits anywhere, others get their weighted
// part; nobody gets anything in a pause. All on the database's clock: replicas
// whose clocks differ share one allowance. Price: one row updated in place, and it
// is the same row for every replica.
func (s Budget) LeaseBudget(ctx context.Context, ask pace.SlotAsk) (pace.Slots, error) {
	type lease struct {
		Held                       strain `gorm:"embedded"`
		NextAt, Granted, Gap, Turn int64
	}
	a := db.Args{
		"family": ask.Family, "gap": int64(math.Ceil(second / ask.Rate)), "want": int64(ask.Want),
		"part": int64(ask.Want+1) / 2, "rank": rank(ask.Priority), "lead": ask.Lead.Microseconds(), "crowd": -1,
	}
	if ask.Crowd {
		a["crowd"] = rank(ask.Priority)
	}
	var got []lease
	if err := s.onRow(ctx, ask.Family, func() (bool, error) {
		_, err := s.db.Alone(ctx).Scan(&got, s.leaseStatement(), a)
		return len(got) > 0, err
	}); err != nil {
		return pace.Slots{}, err
	}
	g := got[0]
	out := pace.Slots{Now: g.Held.TouchedAt, First: g.NextAt - g.Granted*g.Gap, Gap: g.Gap, N: int(g.Granted), Strain: g.Held.strain()}
	if out.N == 0 {
		out.Wait = max(out.Strain.Paused, micros(g.Turn-g.Held.TouchedAt), time.Millisecond)
	}
	return out, nil
}

// rank is 0 for the most pressing.
func rank(p broadcast.Priority) int64 {
	switch p {
	case broadcast.PriorityUrgent:
		return 0
	case broadcast.PriorityBulk:
		return 2
	}
	return 1
}

// leaseStatement reads from the inside out: what time it is; what is true of the
// row then; how many slots that makes; what the row becomes. over is the weight of
// the more pressing who wait; the asker's class gets its weight's part of the rate
// by getting a few slots and then no turn for a while.
func (s Budget) leaseStatement() string {
	weight := func(p broadcast.Priority) int { return p.Weight() }
	urgent, normal, bulk := weight(broadcast.PriorityUrgent), weight(broadcast.PriorityNormal), weight(broadcast.PriorityBulk)
	return fmt.Sprintf(`UPDATE budgets SET (touched_at, granted, gap, next_at, urgent_until, normal_until, normal_turn, bulk_turn) = (
		SELECT moment, n, step, CASE WHEN n > 0 THEN start + n * step ELSE next_at END,
			CASE CAST(@crowd AS bigint) WHEN 0 THEN moment + %[3]d ELSE urgent_until END,
			CASE CAST(@crowd AS bigint) WHEN 1 THEN moment + %[3]d ELSE normal_until END,
			CASE WHEN CAST(@rank AS bigint) = 1 AND over > 0 AND n > 0 THEN moment + n * step * (over + %[6]d) / %[6]d ELSE normal_turn END,
			CASE WHEN CAST(@rank AS bigint) = 2 AND over > 0 AND n > 0 THEN moment + n * step * (over + %[7]d) / %[7]d ELSE bulk_turn END
		FROM (SELECT moment, start, step, over, CASE
				WHEN paused_until > moment THEN 0
				WHEN over = 0 THEN CAST(@want AS bigint)
				WHEN next_at > moment + %[4]d AND CASE CAST(@rank AS bigint) WHEN 1 THEN normal_turn ELSE bulk_turn END > moment THEN 0
				ELSE CAST(@part AS bigint) END AS n
			FROM (SELECT moment, %[2]s(next_at, moment + CAST(@lead AS bigint)) AS start,
					CAST(@gap AS bigint) * 1000000 / (1000000 - slow * %[2]s(0, %[1]s(%[5]d, slow_from + %[5]d - moment)) / %[5]d) AS step,
					CASE WHEN CAST(@rank AS bigint) > 0 AND urgent_until > moment THEN %[8]d ELSE 0 END + CASE WHEN CAST(@rank AS bigint) > 1 AND normal_until > moment THEN %[6]d ELSE 0 END AS over
				FROM (SELECT %[9]s AS moment) AS clock) AS truth) AS share)
		WHERE tenant_id = @tenant AND family = @family AND touched_at <= %[9]s + %[10]d
		RETURNING touched_at, granted, gap, next_at, paused_until, slow, slow_from, slowed_at, CASE CAST(@rank AS bigint) WHEN 1 THEN normal_turn ELSE bulk_turn END AS turn`,
		s.db.Least, s.db.Greatest, waitsFor, crowded, climb, normal, bulk, urgent, s.db.Clock, setBack)
}

// onRow does something to a family's row, making the row if there is none.
func (s Budget) onRow(ctx context.Context, family string, f func() (found bool, err error)) error {
	for {
		found, err := f()
		if err == nil && !found {
			err = s.mend(s.db.Alone(ctx), family)
		}
		if err != nil {
			return fmt.Errorf("budget %s: %w", family, err)
		}
		if found {
			return nil
		}
	}
}

// mend makes a family's row. If it is there and the database's clock was set back,
// its times are set back as well: otherwise everybody would wait for a slot of
// the old time.
func (s Budget) mend(t *db.Tx, family string) error {
	by := `(budgets.touched_at - ` + s.db.Clock + `)`
	set := `touched_at = ` + s.db.Clock
	for _, column := range []string{"next_at", "paused_until", "slow_from", "slowed_at", "urgent_until", "normal_until", "normal_turn", "bulk_turn"} {
		set += `, ` + column + ` = budgets.` + column + ` - ` + by
	}
	_, err := t.Exec(`INSERT INTO budgets (tenant_id, family, touched_at, next_at, granted, gap, paused_until, nap, slow, slow_from, slowed_at, urgent_until, normal_until, normal_turn, bulk_turn)
		VALUES (@tenant , @family , `+s.db.Clock+`, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
		ON CONFLICT (tenant_id, family) DO UPDATE SET `+set+` WHERE `+by+fmt.Sprintf(` > %d`, setBack), db.Args{"family": family})
	return err
}

// ReturnBudget gives back the slots from first to end, which were the last that
// were leased; false if somebody has leased after them, and they cannot go back.
func (s Budget) ReturnBudget(ctx context.Context, family string, first, end int64) (bool, error) {
	n, err := s.db.Alone(ctx).Exec(`UPDATE budgets SET next_at = @first WHERE tenant_id = @tenant AND family = @family AND next_at = @end `,
		db.Args{"family": family, "first": first, "end": end})
	return n == 1, err
}

// ReadBudget tells how a family is held back, and takes nothing.
func (s Budget) ReadBudget(ctx context.Context, family string) (pace.Strain, error) {
	var got []strain
	err := s.onRow(ctx, family, func() (bool, error) {
		_, err := s.db.Read(ctx).Scan(&got, `SELECT `+s.db.Clock+` AS touched_at, `+strainColumns+` FROM budgets
			WHERE tenant_id = @tenant AND family = @family AND touched_at <= `+s.db.Clock+fmt.Sprintf(` + %d`, setBack), db.Args{"family": family})
		return len(got) > 0, err
	})
	if err != nil {
		return pace.Strain{}, err
	}
	return got[0].strain(), nil
}

// PauseBudget makes every replica wait, for what a 429 asked or, if that is 0, for
// a back-off that doubles while 429s go on (again). A longer pause already running
// stays. After it the rate is slower and climbs back. On PostgreSQL the others are
// told in the same transaction.
func (s Budget) PauseBudget(ctx context.Context, family string, ask pace.PauseAsk) (pace.Strain, error) {
	var got []strain
	err := s.db.Write(ctx, func(t *db.Tx) error {
		if err := s.mend(t, family); err != nil {
			return err
		}
		got = nil
		_, err := t.Scan(&got, s.pauseStatement(), db.Args{"family": family, "asked": ask.For.Microseconds(), "again": ask.Again, "outage": ask.Outage})
		if err != nil || len(got) == 0 {
			return err
		}
		return s.tell(t, family, got[0].strain().Paused)
	})
	if err != nil || len(got) == 0 {
		return pace.Strain{}, fmt.Errorf("budget %s not paused: %w", family, cmp.Or(err, errors.New("its row is gone")))
	}
	return got[0].strain(), nil
}

// pauseStatement: many requests are under way when the first 429 comes, and those
// that follow in its pause are the same trouble; they slow nothing further.
func (s Budget) pauseStatement() string {
	return fmt.Sprintf(`UPDATE budgets SET (touched_at, paused_until, next_at, nap, slow, slow_from, slowed_at, outage) = (
		SELECT moment, until, %[2]s(next_at, until), CASE WHEN asked > 0 OR running THEN nap ELSE length END,
			CASE WHEN running THEN slow ELSE %[1]s(%[4]d, %[5]d + rest * 3 / 2) END, until, CASE WHEN rest > 0 THEN slowed_at ELSE moment END,
			CAST(@outage AS boolean) OR (running AND outage)
		FROM (SELECT moment, asked, running, rest, length, %[2]s(paused_until, moment + length) AS until
			FROM (SELECT moment, asked, running, rest, CASE WHEN asked > 0 THEN asked WHEN running THEN 0
					WHEN CAST(@again AS boolean) THEN %[1]s(%[7]d, %[2]s(%[6]d, 2 * nap)) ELSE %[6]d END AS length
				FROM (SELECT moment, CAST(@asked AS bigint) AS asked, paused_until > moment AS running,
						slow * %[2]s(0, %[1]s(%[3]d, slow_from + %[3]d - moment)) / %[3]d AS rest
					FROM (SELECT %[8]s AS moment) AS clock) AS truth) AS pause) AS becomes)
		WHERE tenant_id = @tenant AND family = @family
		RETURNING touched_at, `+strainColumns,
		s.db.Least, s.db.Greatest, climb, mostSlow, firstSlow, firstNap, longestNap, s.db.Clock)
}

// tell lets the other replicas know of a pause when the transaction commits.
// SQLite has one process, which knows.
func (s Budget) tell(t *db.Tx, family string, d time.Duration) error {
	if !s.db.Postgres() {
		return nil
	}
	payload, err := json.Marshal(notice{&Pause{Tenant: s.db.Tenant(), Family: family, Micros: d.Microseconds()}})
	if err != nil {
		return err
	}
	_, err = t.Exec(`SELECT pg_notify(@channel , @payload )`, db.Args{"channel": Channel, "payload": string(payload)})
	return err
}
