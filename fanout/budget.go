package fanout

import (
	"context"
	"time"
)

// The families of calls that share an allowance (protocol E.1, F.7).
const (
	FamilyConnector = "connector"
	FamilyInstall   = "graph_install"
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

// defaultPause is how long everybody waits after a 429 that names no time.
const defaultPause = 2 * time.Second

// leaseSpan is how much of a second one lease covers: short, so that a dead
// replica takes little with it; long, so that leasing costs little.
const leaseSpan = 100 * time.Millisecond

// Budget is one replica's view of a family's tenant-wide allowance. It is safe
// for any number of workers.
type Budget struct {
	leases Leases
	family string
	rate   float64
	// turn is held by whoever looks at have: a channel, because waiting for it
	// must end with a context.
	turn chan struct{}
	have int
}

// NewBudget makes a budget of rate requests per second; 0 means no limit at all,
// which only a simulator survives.
func NewBudget(leases Leases, family string, rate float64) *Budget {
	b := &Budget{leases: leases, family: family, rate: rate, turn: make(chan struct{}, 1)}
	b.turn <- struct{}{}
	return b
}

// Wait returns when one request may be made, or when ctx is done.
func (b *Budget) Wait(ctx context.Context) error {
	if b.rate <= 0 {
		return ctx.Err()
	}
	select {
	case <-b.turn:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { b.turn <- struct{}{} }()
	for b.have == 0 {
		if err := b.lease(ctx); err != nil {
			return err
		}
	}
	b.have--
	return nil
}

// lease asks the ledger for a share, or sleeps as long as it says.
func (b *Budget) lease(ctx context.Context) error {
	want := max(1, int(b.rate*leaseSpan.Seconds()+0.5))
	granted, wait, err := b.leases.LeaseBudget(ctx, b.family, b.rate, want)
	if err != nil {
		return err
	}
	if b.have = granted; granted > 0 {
		return nil
	}
	return sleep(ctx, max(wait, time.Millisecond))
}

// Pause makes every replica wait for what a 429 asked, or a while if it named
// nothing.
func (b *Budget) Pause(ctx context.Context, asked time.Duration) error {
	if asked <= 0 {
		asked = defaultPause
	}
	return b.leases.PauseBudget(ctx, b.family, asked)
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
