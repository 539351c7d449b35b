package budget_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/budget"
	"github.com/fanfare/fanfare/pace"
	"github.com/fanfare/fanfare/store/storetest"
)

// grants are the moments at which budgets let something through.
type grants struct {
	mu sync.Mutex
	at []time.Time
}

func (g *grants) add() {
	now := time.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.at = append(g.at, now)
}

// sorted is a copy, in order.
func (g *grants) sorted() []time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	at := slices.Clone(g.at)
	slices.SortFunc(at, time.Time.Compare)
	return at
}

func (g *grants) count() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.at)
}

func (g *grants) between(from, to time.Time) (n int) {
	for _, at := range g.sorted() {
		if !at.Before(from) && at.Before(to) {
			n++
		}
	}
	return n
}

// limiter is a budget, or a flow's share of one.
type limiter interface {
	Wait(ctx context.Context) error
}

// hungry lets workers draw until the returned function is called.
func hungry(t *testing.T, workers int, from ...limiter) (g *grants, stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	g = &grants{}
	var hands sync.WaitGroup
	for _, l := range from {
		for range workers {
			hands.Go(func() {
				for {
					err := l.Wait(ctx)
					if ctx.Err() != nil {
						return
					}
					if err != nil {
						t.Errorf("the budget failed: %v", err)
						return
					}
					g.add()
				}
			})
		}
	}
	stop = sync.OnceFunc(func() { cancel(); hands.Wait() })
	t.Cleanup(stop)
	return g, stop
}

// replicas are budgets of one tenant, each over a store of its own.
func replicas(t *testing.T, kind string, n int, rate float64) []*budget.Budget {
	t.Helper()
	dsn := storetest.DSN(t, kind)
	var all []*budget.Budget
	for range n {
		all = append(all, running(t, budget.New(storetest.Open(t, dsn, nil), budget.Connector, rate)))
	}
	return all
}

func eachKind(t *testing.T, f func(t *testing.T, kind string)) {
	t.Helper()
	for _, kind := range storetest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			f(t, kind)
		})
	}
}

func waitFor(t *testing.T, done func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); !done(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatal("it never came about")
		}
	}
}

// late takes a while and returns for what part of it a timer was late: what a busy
// machine is to be forgiven.
func late(d time.Duration) float64 {
	const step, fair = 5 * time.Millisecond, time.Millisecond
	began, lost := time.Now(), time.Duration(0)
	for at := began; at.Sub(began) < d; {
		<-time.After(step)
		now := time.Now()
		lost += max(0, now.Sub(at)-step-fair)
		at = now
	}
	return lost.Seconds() / d.Seconds()
}

// refused asserts that nobody passes for a while.
func refused(t *testing.T, b limiter, d time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	if err := b.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("let through: %v", err)
	}
}

// A replica that is not told hears of a pause with its next lease, and uses up to
// a lease until then; the one that met the 429 stops at once.
func TestAPauseStopsEveryReplica(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, kind string) {
		b := replicas(t, kind, 2, 47)
		mine, stopMine := hungry(t, 4, b[0])
		others, stopOthers := hungry(t, 4, b[1])
		waitFor(t, func() bool { return mine.count() > 15 && others.count() > 15 })
		const pause = 2500 * time.Millisecond
		began := time.Now()
		if err := b[0].Pause(t.Context(), pause); err != nil {
			t.Fatal(err)
		}
		told := time.Now()
		waitFor(t, func() bool {
			return mine.between(told.Add(pause), time.Now()) > 0 && others.between(told.Add(pause), time.Now()) > 0
		})
		stopMine()
		stopOthers()
		end := began.Add(pause - 50*time.Millisecond)
		if n := mine.between(told.Add(5*time.Millisecond), end); n > 0 {
			t.Errorf("%d granted inside the pause", n)
		}
		if n := others.between(told.Add(time.Second), end); n > 0 {
			t.Errorf("%d granted inside the pause to the other replica", n)
		}
		for _, one := range b {
			if s := one.State(); s.Rate != 47 || s.Effective < 42 || s.Effective > 46.9 || s.SlowedSince.IsZero() || !s.PausedUntil.IsZero() {
				t.Errorf("%+v after a pause", s)
			}
		}
	})
}

func TestAPauseThatIsHeardOfHoldsAtOnce(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, kind string) {
		for _, rate := range []float64{47, 0} {
			b := replicas(t, kind, 1, rate)[0]
			g, stop := hungry(t, 2, b)
			waitFor(t, func() bool { return g.count() > 5 })
			b.Hear("another family", time.Hour)
			n := g.count()
			waitFor(t, func() bool { return g.count() > n+5 })
			b.Hear(budget.Connector, time.Hour)
			told := time.Now()
			refused(t, b, 700*time.Millisecond)
			stop()
			// One more may have been let through while we said so.
			if n := g.between(told.Add(200*time.Millisecond), time.Now()); n > 0 {
				t.Errorf("rate %v: %d let through in a pause", rate, n)
			}
			if s := b.State(); s.Effective != 0 || time.Until(s.PausedUntil) < 59*time.Minute {
				t.Errorf("rate %v: %+v", rate, s)
			}
		}
	})
}

func TestAPauseLeavesNothingOfWhatWasLeased(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, kind string) {
		for _, rate := range []float64{47, 0} {
			b := replicas(t, kind, 1, rate)[0]
			for range 3 {
				if err := b.Wait(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if err := b.Pause(t.Context(), time.Hour); err != nil {
				t.Fatal(err)
			}
			refused(t, b, 400*time.Millisecond)
		}
	})
}

// The urgent broadcast's people are in one replica's hands, the others send in bulk.
func TestUrgentGetsNearlyEverythingOnWhicheverReplicaItIs(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, kind string) {
		var statements atomic.Int64
		dsn := storetest.DSN(t, kind)
		var b []*budget.Budget
		for range 3 {
			b = append(b, running(t, budget.New(counted{storetest.Open(t, dsn, nil), &statements}, budget.Connector, 47)))
		}
		bulk := budget.Flow{Key: "bulk", Priority: broadcast.PriorityBulk}
		slow, stopSlow := hungry(t, 6, b[1].For(bulk), b[2].For(bulk))
		waitFor(t, func() bool { return slow.count() > 30 })
		fast, stopFast := hungry(t, 6, b[0].For(budget.Flow{Key: "urgent", Priority: broadcast.PriorityUrgent}))
		waitFor(t, func() bool { return fast.count() > 10 }) // behind what was leased before
		from, before := time.Now(), statements.Load()
		lost := late(4 * time.Second) // the time is what is measured
		to, asked := time.Now(), statements.Load()-before
		urgent, others := fast.between(from, to), slow.between(from, to)
		stopFast()
		t.Logf("urgent %d, bulk %d, %d statements", urgent, others, asked)
		if share := float64(urgent) / float64(urgent+others); share < 0.85-lost || others == 0 {
			t.Errorf("urgent got %d, bulk %d", urgent, others)
		}
		if sum := float64(urgent+others) / to.Sub(from).Seconds(); sum < (0.85-4*lost)*47 {
			t.Errorf("together %.1f a second", sum)
		}
		n := slow.between(to, time.Now())
		waitFor(t, func() bool { return slow.between(to, time.Now()) > n+60 }) // and then bulk goes on
		stopSlow()
	})
}

// People who write to the bot are answered as urgent, by one replica, while the
// other sends in bulk.
func TestAnswersNowAndThenCostABroadcastNothing(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, kind string) {
		b := replicas(t, kind, 2, 47)
		bulk := budget.Flow{Key: "bulk", Priority: broadcast.PriorityBulk}
		slow, stop := hungry(t, 6, b[0].For(bulk))
		waitFor(t, func() bool { return slow.count() > 30 })
		from := time.Now()
		var slowest time.Duration
		lost := 0.0
		for time.Since(from) < 4*time.Second {
			slowest = max(slowest, draw(t, b[1].For(budget.Flow{Key: "replies", Priority: broadcast.PriorityUrgent}), 1))
			lost = max(lost, late(250*time.Millisecond))
		}
		took := time.Since(from)
		stop()
		if rate := float64(slow.count()-30) / took.Seconds(); rate < (0.75-lost)*47 || lost < 0.2 && slowest > 1500*time.Millisecond {
			t.Errorf("the broadcast got %.1f a second, and an answer waited %v", rate, slowest)
		}
	})
}

func TestAnUnusedShareReturns(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, kind string) {
		dsn := storetest.DSN(t, kind)
		st := storetest.Open(t, dsn, nil)
		const rate = 2 // a second's worth is a second
		ctx, stop := context.WithCancel(t.Context())
		b := budget.New(st, "slow", rate)
		ended := make(chan error)
		go func() { ended <- b.Run(ctx) }()
		if err := b.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		var hands sync.WaitGroup
		for range 6 {
			hands.Go(func() { refused(t, b, 300*time.Millisecond) })
		}
		hands.Wait()
		stop()
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		s, err := st.LeaseBudget(t.Context(), pace.SlotAsk{Family: "slow", Rate: rate, Want: 1})
		if err != nil || s.First > s.Now+600_000 {
			t.Errorf("%+v %v: the slots of a replica that ended are still taken", s, err)
		}
	})
}

func TestNobodyWaitsForALedgerThatIsGone(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, kind string) {
		for _, rate := range []float64{0, 47} {
			dsn := storetest.DSN(t, kind)
			b := running(t, budget.New(storetest.Open(t, dsn, nil), budget.Connector, rate))
			if err := b.Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
			outside := storetest.SQL(t, dsn)
			rename := func(from, to string) {
				t.Helper()
				if _, err := outside.Exec(fmt.Sprintf(`ALTER TABLE %s RENAME TO %s`, from, to)); err != nil {
					t.Fatal(err)
				}
			}
			rename("budgets", "gone")
			waitFor(t, func() bool { return b.Wait(t.Context()) != nil })
			if err := b.Wait(t.Context()); err == nil {
				t.Errorf("rate %v: let through without the ledger", rate)
			}
			if b.Pause(t.Context(), time.Second) == nil {
				t.Error("nobody hears that the others do not pause")
			}
			rename("gone", "budgets")
			waitFor(t, func() bool { return b.Wait(t.Context()) == nil })
		}
	})
}

// running runs a budget until the test ends.
func running(t testing.TB, b *budget.Budget) *budget.Budget {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	var owner sync.WaitGroup
	owner.Go(func() {
		if err := b.Run(ctx); err != nil {
			t.Errorf("the budget ended with %v", err)
		}
	})
	t.Cleanup(func() { stop(); owner.Wait() })
	return b
}

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

// patience bounds every wait; a test that needs it has failed.
const patience = 30 * time.Second
