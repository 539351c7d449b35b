package budget

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/pace"
)

// The families of calls that share an allowance, per app and tenant.
const (
	Connector = "connector"       // every call to the Connector (protocol E.1)
	Install   = "graph_install"   // POST installedApps (protocol F.7)
	Installed = "graph_installed" // GET installedApps
	Chat      = "graph_chat"      // GET chat
	Catalog   = "graph_catalog"   // GET appCatalogs
)

// Allowance is what Microsoft lets an app do in one tenant.
type Allowance struct {
	Limit float64 // requests in any second, beyond which it answers 429
	Safe  float64 // what can be kept up for hours without one
}

// Allowances are the known families'. Graph's limits are burst numbers, of which
// about 83 % can be kept up (protocol F.7): 24.9 a second of 30, and 25 are refused now and then.
func Allowances() map[string]Allowance {
	return map[string]Allowance{
		Connector: {Limit: 50, Safe: 47},
		Install:   {Limit: 30, Safe: 24.5},
		Installed: {Limit: 30, Safe: 24.5},
		Chat:      {Limit: 200, Safe: 165},
		Catalog:   {Limit: 30, Safe: 24.5},
	}
}

// Leases is the tenant-wide allowance, kept in the ledger on the database's clock.
type Leases interface {
	// LeaseBudget takes the next slots of a family's allowance, up to as many as are
	// wanted; fewer while somebody more pressing waits on another replica.
	LeaseBudget(ctx context.Context, ask pace.SlotAsk) (pace.Slots, error)
	// ReturnBudget gives back the slots from first to end; false if somebody leased
	// after them: then they stay the caller's.
	ReturnBudget(ctx context.Context, family string, first, end int64) (bool, error)
	// PauseBudget makes every replica wait as long as a 429 asked, or, if that is 0, a
	// back-off that is longer if the requests after the last pause were refused again.
	PauseBudget(ctx context.Context, family string, ask pace.PauseAsk) (pace.Strain, error)
	// ReadBudget tells how a family is held back, and takes nothing.
	ReadBudget(ctx context.Context, family string) (pace.Strain, error)
}

const (
	// firstPause is how long this replica waits after a 429 that names no time until
	// the ledger has said how long everybody does.
	firstPause = time.Second
	// pauseSlack is by how much a pause must outlast the known one to be news: a 429
	// seldom comes alone, and its neighbours ask for the same pause.
	pauseSlack = 200 * time.Millisecond
	// fewPassed requests between a pause and the next 429 mean that 429s go on.
	fewPassed = 20
)

// Flow is whoever draws on a budget: a broadcast, say. Flows that wait at the same
// time share by their priorities' weights, equal ones equally.
type Flow struct {
	Key      string
	Priority broadcast.Priority // "" is normal
}

// Budget is one replica's view of a family's tenant-wide allowance. It is safe
// for any number of workers. Somebody must run it.
//
//	Wait ─► flows ─┐
//	               ├─ Run ─► one request per slot
//	Leases ─► slots┘
//
// A 429 stops it at once, and the other replicas when they hear of it.
type Budget struct {
	leases Leases
	family string
	rate   float64
	wake   chan struct{} // tells Run that there is something new
	zero   time.Time     // what freeUntil counts from

	// Without a limit nobody queues: until then everybody may pass. Nanoseconds after
	// zero.
	freeUntil atomic.Int64
	passed    atomic.Int64 // requests

	mu     sync.Mutex
	flows  flows
	hand   hand
	clock  ledgerClock
	leaser leaser
	// The end of the pause this replica knows of, and how many had passed by then.
	paused       time.Time
	passedBefore int64
	// What the ledger said last, and when; stale if it has more to say.
	strain pace.Strain
	heard  time.Time
	stale  bool
}

// New makes a budget of rate requests per second; 0 means no limit, which
// only a simulator survives. Pauses are kept even then.
func New(leases Leases, family string, rate float64) *Budget {
	rate = max(0, rate)
	limit := Allowances()[family].Limit
	if limit < rate { // a family nobody knows, or a simulator's
		limit = rate * 1.05
	}
	b := &Budget{leases: leases, family: family, rate: rate, wake: make(chan struct{}, 1), zero: time.Now(), stale: true}
	b.hand.least = time.Duration(float64(time.Second) / max(limit, 1))
	b.leaser = newLeaser(rate)
	return b
}

// Rate is how many requests per second it was made for; 0 means no limit.
func (b *Budget) Rate() float64 { return b.rate }

// Share is a flow's share of a budget.
type Share struct {
	budget *Budget
	flow   Flow
}

// For is a flow's share. It is a workerpool.Limiter.
func (b *Budget) For(f Flow) Share {
	if f.Priority == "" {
		f.Priority = broadcast.PriorityNormal
	}
	return Share{b, f}
}

// Wait returns nil when one request of the flow may be made, ctx's error when that
// is done first, and the ledger's when it cannot be asked: then nothing may be made.
func (s Share) Wait(ctx context.Context) error { return s.budget.wait(ctx, s.flow) }

// Wait is that of a flow of normal priority without a name.
func (b *Budget) Wait(ctx context.Context) error { return b.For(Flow{}).Wait(ctx) }

func (b *Budget) wait(ctx context.Context, f Flow) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if b.free() {
		return nil
	}
	b.mu.Lock()
	w := b.flows.join(f)
	b.mu.Unlock()
	b.nudge()
	select {
	case err := <-w.told:
		return err
	case <-ctx.Done():
		b.leave(w)
		return ctx.Err()
	}
}

// free tells whether everybody may pass without a slot. Price: a few atomic
// operations, because it is asked before each of ten thousand requests a second.
func (b *Budget) free() bool {
	if b.rate > 0 || int64(time.Since(b.zero)) >= b.freeUntil.Load() {
		return false
	}
	b.passed.Add(1)
	return true
}

// leave takes back who no longer waits. What they were given meanwhile is the next one's.
func (b *Budget) leave(w *waiter) {
	b.mu.Lock()
	if !b.flows.leave(w) {
		if err := <-w.told; err == nil && b.rate > 0 {
			b.hand.unuse(w.slot)
		}
	}
	b.mu.Unlock()
	b.nudge()
}

func (b *Budget) nudge() {
	select {
	case b.wake <- struct{}{}:
	default: // Run has not looked since the last one
	}
}

// Pause makes every replica wait for what a 429 asked, or a while if it named
// nothing and no pause is running. This replica waits even if the ledger fails.
func (b *Budget) Pause(ctx context.Context, asked time.Duration) error {
	return b.pause(ctx, pace.PauseAsk{For: max(0, asked)})
}

// WaitOut makes every replica wait for d because nothing is answered as it should be.
func (b *Budget) WaitOut(ctx context.Context, d time.Duration) error {
	return b.pause(ctx, pace.PauseAsk{For: d, Outage: true})
}

func (b *Budget) pause(ctx context.Context, ask pace.PauseAsk) error {
	d := ask.For
	if d == 0 {
		d = firstPause
	}
	now := time.Now()
	b.mu.Lock()
	ask.Again = !b.paused.IsZero() && b.passed.Load()-b.passedBefore < fewPassed
	news := (ask.For > 0 || !b.paused.After(now)) && b.pauseFor(d, now)
	b.mu.Unlock()
	if !news {
		return nil
	}
	b.nudge()
	strain, err := b.leases.PauseBudget(ctx, b.family, ask)
	if err != nil {
		return err
	}
	b.mu.Lock()
	b.learn(strain, time.Now())
	b.mu.Unlock()
	b.nudge()
	return nil
}

// Hear is told of a pause of d that another replica asked for, now.
func (b *Budget) Hear(family string, d time.Duration) {
	if family != b.family || d <= 0 {
		return
	}
	b.mu.Lock()
	if b.pauseFor(d, time.Now()) {
		b.stale = true // by how much the rate is slowed stands in the ledger
	}
	b.mu.Unlock()
	b.nudge()
}

// pauseFor makes this replica wait, and tells whether that is news to it. The
// caller holds the lock.
func (b *Budget) pauseFor(d time.Duration, now time.Time) bool {
	end := now.Add(d)
	if d <= 0 || end.Sub(b.paused) <= pauseSlack {
		return false
	}
	b.paused, b.passedBefore = end, b.passed.Load()
	b.freeUntil.Store(0)
	b.hand.drop(end)
	return true
}

// learn takes note of what the ledger says. The caller holds the lock.
func (b *Budget) learn(s pace.Strain, now time.Time) {
	b.strain, b.heard, b.stale = s, now, false
	b.pauseFor(s.Paused, now)
}

// State is how the allowance stands, as far as this replica knows.
func (b *Budget) State() pace.BudgetState {
	now := time.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	out := pace.BudgetState{Family: b.family, Rate: b.rate, Effective: b.rate}
	if left := b.strain.SlowLeft - now.Sub(b.heard); left > 0 {
		out.Effective = b.rate * (1 - b.strain.Slow*float64(left)/float64(b.strain.SlowLeft))
		out.SlowedSince = b.heard.Add(-b.strain.SlowFor).Round(0)
	}
	if b.paused.After(now) {
		out.Effective, out.PausedUntil = 0, b.paused.Round(0)
	}
	return out
}
