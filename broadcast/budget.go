package broadcast

import (
	"context"
	"time"
)

// Leases is the tenant-wide allowance, kept in the ledger on the database's clock.
type Leases interface {
	// LeaseBudget takes up to want requests of a family's allowance of rate per
	// second. Granted 0 comes with how long to wait before asking again.
	LeaseBudget(ctx context.Context, family string, rate float64, want int) (granted int, wait time.Duration, err error)
	// PauseBudget makes every replica wait: no lease is granted for d from now (a
	// longer pause already running stays).
	PauseBudget(ctx context.Context, family string, d time.Duration) error
}
