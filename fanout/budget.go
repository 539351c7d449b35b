package fanout

import (
	"context"
	"sync"
	"sync/atomic"
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

const (
	// defaultPause is how long everybody waits after a 429 that names no time.
	defaultPause = 2 * time.Second
	// leaseSpan is how much of a second one lease covers, and how long it is good
	// for: short, so that a dead replica takes little with it and a live one hears of
	// another's pause; long, so that leasing costs little.
	leaseSpan = 100 * time.Millisecond
	// leaseGap is the least time between asking an allowance that was found empty:
	// below half of what it holds (a tenth of a second's worth), so that nothing
	// overflows while nobody asks. Price: 25 small writes a second and replica.
	leaseGap = 40 * time.Millisecond
	// longestNap is how long the ledger's word on waiting is taken for granted: an
	// operator may take a pause back.
	longestNap = time.Second
	// pauseSlack is by how much a pause must outlast the known one to be written: a
	// 429 seldom comes alone, and its neighbours ask for the same pause.
	pauseSlack = 200 * time.Millisecond
	// unlimited stands in for no limit: more than one process sends.
	unlimited = 50_000
)

// Budget is one replica's view of a family's tenant-wide allowance. It is safe
// for any number of workers, who are served in the order they came. A 429 stops
// it at once, and the other replicas' within a lease.
type Budget struct {
	leases Leases
	family string
	rate   float64

	waiting atomic.Int64
	// turn is held by whoever looks at the share: a channel, because waiting for it
	// must end with a context.
	turn  chan struct{}
	share share

	mu     sync.Mutex
	pauses time.Time // the end of the pause this replica knows of
}

// share is what a replica has leased and not used. It goes stale, so that an idle
// replica keeps nothing for a moment when the others are pausing.
type share struct {
	have  int
	until time.Time
	again time.Time // when to ask again
}

// NewBudget makes a budget of rate requests per second; 0 means no limit, which
// only a simulator survives. Pauses are kept even then.
func NewBudget(leases Leases, family string, rate float64) *Budget {
	if rate <= 0 {
		rate = unlimited
	}
	b := &Budget{leases: leases, family: family, rate: rate, turn: make(chan struct{}, 1)}
	b.turn <- struct{}{}
	return b
}

// Wait returns nil when one request may be made, ctx's error when that is done
// first, and the ledger's when it cannot be asked: then nothing may be made.
func (b *Budget) Wait(ctx context.Context) error {
	err := ctx.Err()
	if err != nil {
		return err
	}
	b.waiting.Add(1)
	defer b.waiting.Add(-1)
	select {
	case <-b.turn:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { b.turn <- struct{}{} }()
	for {
		now := time.Now() // never compared with another machine's clock
		pause := b.pausedUntil().Sub(now)
		if pause <= 0 && b.share.have > 0 && now.Before(b.share.until) {
			b.share.have--
			return nil
		}
		if nap := max(pause, b.share.again.Sub(now)); nap > 0 {
			err = sleep(ctx, nap)
		} else {
			err = b.lease(ctx)
		}
		if err != nil {
			return err
		}
	}
}

// lease asks the ledger for what those who wait now need, and no more: what is
// kept here is missing elsewhere.
func (b *Budget) lease(ctx context.Context) error {
	span := max(1, int(b.rate*leaseSpan.Seconds()+0.5))
	want := min(span, int(b.waiting.Load()))
	if b.rate >= unlimited {
		want = span // nobody goes short, and asking costs a write
	}
	granted, wait, err := b.leases.LeaseBudget(ctx, b.family, b.rate, max(1, want))
	if err != nil {
		return err
	}
	now := time.Now()
	b.share = share{have: granted, until: now.Add(leaseSpan)}
	switch {
	case granted == 0:
		b.share.again = now.Add(min(max(wait, time.Millisecond), longestNap))
	case granted < want && b.rate < unlimited:
		b.share.again = now.Add(leaseGap)
	}
	return nil
}

// Pause makes every replica wait for what a 429 asked, or a while if it named
// nothing and no pause is running. This replica waits even if the ledger fails.
func (b *Budget) Pause(ctx context.Context, asked time.Duration) error {
	d := asked
	if d <= 0 {
		d = defaultPause
	}
	now := time.Now()
	end := now.Add(d)
	b.mu.Lock()
	known := b.pauses
	news := end.Sub(known) > pauseSlack && (asked > 0 || !known.After(now))
	if news {
		b.pauses = end
	}
	b.mu.Unlock()
	if !news {
		return nil
	}
	return b.leases.PauseBudget(ctx, b.family, d)
}

func (b *Budget) pausedUntil() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.pauses
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
