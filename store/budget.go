package store

import (
	"context"
	"fmt"
	"time"

	"github.com/fanfare/fanfare/store/db"
)

type budgetRow struct {
	TenantID, Family                      string
	Micro, FilledAt, PausedUntil, Granted int64
}

func (budgetRow) TableName() string { return "budgets" }

// LeaseBudget takes up to want requests of a family's allowance of rate per
// second. Granted 0 comes with how long to wait before asking again.
//
// The bucket holds a tenth of a second's worth, at least one request, and starts
// empty, so that neither a restart nor a quiet minute is followed by a burst that
// Microsoft would answer with 429. All on the database's clock: replicas whose
// clocks differ share one allowance. Price: one row updated in place, and it is
// the same row for every replica; so requests are leased some at a time.
func (s *Store) LeaseBudget(ctx context.Context, family string, rate float64, want int) (int, time.Duration, error) {
	type lease struct{ Granted, Micro, Paused int64 }
	var got []lease
	a := db.Args{"family": family, "rate": rate, "want": int64(want), "full": int64(max(1, rate/10) * 1e6)}
	t := s.db.Alone(ctx)
	for len(got) == 0 {
		if _, err := t.Scan(&got, s.leaseStatement(), a); err != nil {
			return 0, 0, fmt.Errorf("budget %s: %w", family, err)
		}
		if len(got) == 0 {
			if err := s.openBudget(ctx, family); err != nil {
				return 0, 0, err
			}
		}
	}
	switch g := got[0]; {
	case g.Granted > 0:
		return int(g.Granted), 0, nil
	case g.Paused > 0:
		return 0, time.Duration(g.Paused) * time.Microsecond, nil
	default:
		return 0, time.Duration(float64(1e6-g.Micro)/rate+1) * time.Microsecond, nil
	}
}

// leaseStatement fills the bucket for the time gone by and takes from it. have is
// what is in it now; a clock that was set back fills nothing.
func (s *Store) leaseStatement() string {
	have := s.db.Least + `(CAST(@full AS bigint), micro + CAST(` + s.db.Greatest + `(0, ` + s.db.Clock + ` - filled_at) * CAST(@rate AS double precision) AS bigint))`
	take := `CASE WHEN paused_until > ` + s.db.Clock + ` THEN 0 ELSE ` + s.db.Least + `(CAST(@want AS bigint), ` + have + ` / 1000000) END`
	return `UPDATE budgets SET granted = ` + take + `, micro = ` + have + ` - 1000000 * (` + take + `), filled_at = ` + s.db.Clock + `
		WHERE tenant_id = @tenant AND family = @family RETURNING granted, micro, ` + s.db.Greatest + `(0, paused_until - ` + s.db.Clock + `) AS paused`
}

func (s *Store) openBudget(ctx context.Context, family string) error {
	_, err := s.db.Alone(ctx).Exec(`INSERT INTO budgets (tenant_id, family, micro, filled_at, paused_until, granted) VALUES (@tenant , @family , 0, `+s.db.Clock+`, 0, 0) ON CONFLICT DO NOTHING`, db.Args{"family": family})
	return err
}

// PauseBudget makes every replica wait: no lease is granted for d from now. A
// longer pause already running stays.
func (s *Store) PauseBudget(ctx context.Context, family string, d time.Duration) error {
	if err := s.openBudget(ctx, family); err != nil {
		return err
	}
	_, err := s.db.Alone(ctx).Exec(`UPDATE budgets SET paused_until = `+s.db.Greatest+`(paused_until, `+s.db.Clock+` + CAST(@pause AS bigint)) WHERE tenant_id = @tenant AND family = @family `,
		db.Args{"family": family, "pause": d.Microseconds()})
	return err
}
