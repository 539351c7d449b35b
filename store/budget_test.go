package store_test

import (
	"sync"
	"testing"
	"time"

	"github.com/fanfare/fanfare/store"
	"github.com/fanfare/fanfare/store/storetest"
)

// drawn is how many requests some replicas get in a span, each asking again after
// the wait it was told, and the most a single lease gave.
func drawn(t *testing.T, replicas []*store.Store, rate float64, span time.Duration) (total, most int) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	end := time.Now().Add(span)
	for _, st := range replicas {
		wg.Go(func() {
			for time.Now().Before(end) {
				n, wait, err := st.LeaseBudget(ctx, "connector", rate, 1000)
				if err != nil {
					t.Error(err)
					return
				}
				if n == 0 && wait <= 0 {
					t.Error("nothing granted, and told to ask again at once")
				}
				mu.Lock()
				total, most = total+n, max(most, n)
				mu.Unlock()
				<-time.After(wait)
			}
		})
	}
	wg.Wait()
	return total, most
}

func TestReplicasShareOneBudget(t *testing.T) {
	t.Parallel()
	for _, kind := range storetest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			dsn := storetest.DSN(t, kind)
			replicas := []*store.Store{storetest.Open(t, dsn, nil), storetest.Open(t, dsn, nil), storetest.Open(t, dsn, nil)}
			const rate, span = 100, 1500 * time.Millisecond
			start := time.Now()
			total, most := drawn(t, replicas, rate, span)
			limit := int(time.Since(start).Seconds()*rate) + rate/10 + 1
			if total > limit {
				t.Errorf("%d requests granted, at most %d may be", total, limit)
			}
			if total < rate/2 { // the machine may be busy; more than that is measured elsewhere
				t.Errorf("only %d requests granted", total)
			}
			if most > rate/10 {
				t.Errorf("%d granted at once, at most %d may be", most, rate/10)
			}
		})
	}
}

func TestASlowBudgetGrantsOneAtATime(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		n, wait, err := st.LeaseBudget(ctx, "graph_install", 0.5, 10)
		must(t, err)
		if n != 0 || wait < time.Second || wait > 2*time.Second+time.Millisecond {
			t.Fatalf("granted %d, wait %s; a new bucket of one in two seconds is empty", n, wait)
		}
		if n, _, err := st.LeaseBudget(ctx, "other", 50, 10); err != nil || n != 0 {
			t.Fatalf("granted %d %v: families do not share, and each starts empty", n, err)
		}
	})
}

func TestAPauseHoldsForEveryReplica(t *testing.T) {
	t.Parallel()
	for _, kind := range storetest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			dsn := storetest.DSN(t, kind)
			one, two := storetest.Open(t, dsn, nil), storetest.Open(t, dsn, nil)
			must(t, one.PauseBudget(ctx, "connector", time.Hour))
			must(t, two.PauseBudget(ctx, "connector", time.Second)) // a shorter one changes nothing
			for _, st := range []*store.Store{one, two} {
				n, wait, err := st.LeaseBudget(ctx, "connector", 1000, 10)
				must(t, err)
				if n != 0 || wait < 59*time.Minute || wait > time.Hour {
					t.Errorf("granted %d, wait %s", n, wait)
				}
			}
			must(t, one.PauseBudget(ctx, "brief", 50*time.Millisecond))
			for start := time.Now(); ; {
				n, wait, err := two.LeaseBudget(ctx, "brief", 1000, 1)
				must(t, err)
				if n == 1 {
					if gone := time.Since(start); gone < 20*time.Millisecond {
						t.Errorf("granted after %s of a pause of 50 ms", gone)
					}
					break
				}
				<-time.After(wait)
			}
		})
	}
}
