package fanout_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare/fanfare/fanout"
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

func (g *grants) between(from, to time.Time) (n int) {
	for _, at := range g.sorted() {
		if !at.Before(from) && at.Before(to) {
			n++
		}
	}
	return n
}

// most is the largest number in any one second.
func (g *grants) most() (most int) {
	at := g.sorted()
	for i, first := 0, 0; i < len(at); i++ {
		for at[i].Sub(at[first]) >= time.Second {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}

// hungry lets workers draw from budgets until the returned function is called.
func hungry(t *testing.T, workers int, budgets ...*fanout.Budget) (g *grants, stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	g = &grants{}
	var hands sync.WaitGroup
	for _, b := range budgets {
		for range workers {
			hands.Go(func() {
				for {
					err := b.Wait(ctx)
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
	return g, func() { cancel(); hands.Wait() }
}

// replicas are budgets of one tenant, each over a store of its own.
func replicas(t *testing.T, kind string, n int, rate float64) []*fanout.Budget {
	t.Helper()
	dsn := storetest.DSN(t, kind)
	var all []*fanout.Budget
	for range n {
		all = append(all, fanout.NewBudget(storetest.Open(t, dsn, nil), fanout.FamilyConnector, rate))
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

func TestTwoReplicasTogetherKeepTheRate(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, kind string) {
		const rate, span = 60, 2500 * time.Millisecond
		b := replicas(t, kind, 2, rate)
		began := time.Now()
		g, stop := hungry(t, 6, b...)
		<-time.After(span) // the time is what is measured
		stop()
		n := g.between(began, began.Add(span))
		t.Logf("%d granted in %v, at most %d in one second", n, span, g.most())
		// A tenth of a second's worth may have gathered, and a goroutine may be late.
		if most := g.most(); most > rate+rate/10+4 {
			t.Errorf("%d in one second, at a rate of %d", most, rate)
		}
		if least := int(0.8 * rate * span.Seconds()); n < least {
			t.Errorf("%d granted in %v, want at least %d", n, span, least)
		}
	})
}

func TestAPauseStopsEveryReplica(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, kind string) {
		for _, rate := range []float64{200, 0} {
			b := replicas(t, kind, 2, rate)
			g, stop := hungry(t, 2, b...)
			waitFor(t, func() bool { return len(g.sorted()) > 5 })
			const pause = 900 * time.Millisecond
			if err := b[0].Pause(t.Context(), pause); err != nil {
				t.Fatal(err)
			}
			told := time.Now()
			// The other replica hears of it with its next lease.
			waitFor(t, func() bool { return g.between(told.Add(pause), time.Now()) > 0 })
			stop()
			if n := g.between(told.Add(250*time.Millisecond), told.Add(pause-100*time.Millisecond)); n > 0 {
				t.Errorf("rate %v: %d granted inside the pause", rate, n)
			}
		}
	})
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

func TestAPauseLeavesNothingOfWhatWasLeased(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, kind string) {
		b := replicas(t, kind, 1, 0)[0]
		waitFor(t, func() bool { return b.Wait(t.Context()) == nil }) // thousands are leased
		if err := b.Pause(t.Context(), time.Hour); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		if err := b.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("let through in a pause: %v", err)
		}
	})
}

// The tests below look at the budget alone, with a ledger that answers at once.

// tap is a ledger whose allowance never runs out, unless it is told so.
type tap struct {
	fanout.Leases
	mu     sync.Mutex
	err    error
	paused []time.Duration
	wants  []int
	until  time.Time
}

func (l *tap) LeaseBudget(_ context.Context, _ string, _ float64, want int) (int, time.Duration, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wants = append(l.wants, want)
	if wait := time.Until(l.until); wait > 0 {
		return 0, wait, l.err
	}
	return want, 0, l.err
}

func (l *tap) PauseBudget(_ context.Context, _ string, d time.Duration) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.paused = append(l.paused, d)
	return l.err
}

func TestNothingIsLetThroughWithoutTheLedger(t *testing.T) {
	t.Parallel()
	down := errors.New("down")
	for _, rate := range []float64{0, 0.5, 50} {
		b := fanout.NewBudget(&tap{err: down}, "family", rate)
		if err := b.Wait(t.Context()); !errors.Is(err, down) {
			t.Errorf("rate %v: %v", rate, err)
		}
	}
}

func TestAReplicaPausesEvenIfTheLedgerFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &tap{err: errors.New("down")}
		b := fanout.NewBudget(l, "family", 50)
		if err := b.Pause(t.Context(), time.Minute); err == nil {
			t.Error("nobody hears that the others do not pause")
		}
		l.err = nil
		began := time.Now()
		if err := b.Wait(t.Context()); err != nil || time.Since(began) != time.Minute {
			t.Errorf("waited %v: %v", time.Since(began), err)
		}
	})
}

func TestOnlyWhatIsNeededIsLeasedAndNothingIsKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &tap{}
		b := fanout.NewBudget(l, "family", 100)
		for range 3 {
			if err := b.Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if !slices.Equal(l.wants, []int{1, 1, 1}) {
			t.Errorf("one worker asked for %v", l.wants)
		}
		l.wants = nil
		l.until = time.Now().Add(time.Second)
		var hands sync.WaitGroup
		for range 30 {
			hands.Go(func() {
				if err := b.Wait(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		hands.Wait()
		if most := slices.Max(l.wants); most != 10 || len(l.wants) > 30 {
			t.Errorf("thirty workers asked for %v", l.wants)
		}
	})
}

func TestWaitingEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &tap{until: time.Now().Add(time.Hour)}
		b := fanout.NewBudget(l, "family", 50)
		began := time.Now()
		var hands sync.WaitGroup
		for i := range 5 {
			hands.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i+1)*time.Second)
				defer cancel()
				if err := b.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("%v", err)
				}
			})
		}
		hands.Wait()
		if took := time.Since(began); took != 5*time.Second {
			t.Errorf("the last left after %v", took)
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		l.until = time.Time{}
		if err := b.Wait(gone); err == nil {
			t.Error("let through although nobody waits any more")
		}
		<-time.After(time.Second)
		if err := b.Wait(t.Context()); err != nil {
			t.Errorf("and then nobody could pass: %v", err)
		}
	})
}

// A 429 seldom comes alone; its neighbours must neither write the same pause again
// and again nor shorten it.
func TestEqualPausesAreWrittenOnceAndLongerOnesAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &tap{}
		b := fanout.NewBudget(l, "family", 50)
		for _, d := range []time.Duration{time.Second, time.Second, 0, time.Second, 3 * time.Second, 2 * time.Second} {
			if err := b.Pause(t.Context(), d); err != nil {
				t.Fatal(err)
			}
		}
		if !slices.Equal(l.paused, []time.Duration{time.Second, 3 * time.Second}) {
			t.Errorf("written: %v", l.paused)
		}
		began := time.Now()
		if err := b.Wait(t.Context()); err != nil || time.Since(began) != 3*time.Second {
			t.Errorf("waited %v: %v", time.Since(began), err)
		}
		if err := b.Pause(t.Context(), 0); err != nil || l.paused[len(l.paused)-1] != 2*time.Second {
			t.Errorf("a 429 that names no time pauses %v: %v", l.paused, err)
		}
	})
}
