package bench_test

import (
	"context"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fanfare/fanfare/budget"
	"github.com/fanfare/fanfare/pace"
	"github.com/fanfare/fanfare/simulator"
	"github.com/fanfare/fanfare/store"
	"github.com/fanfare/fanfare/store/storetest"
)

// budgetSpan is how long each row of the budget's part takes.
const budgetSpan = 10 * time.Second

var budgetPart = part{
	name: "Budget",
	about: `What the tenant-wide budget costs: 64 workers on each replica wait for their turn and do nothing else, for ten seconds.
statements/wait is what the database is asked, target < 0.1 at Microsoft's rate; of-rate is how much of the rate was handed out.
Without a limit only pauses are looked for, and ns/op is the price of a turn with everybody asking at once. CPU is that of the
replicas, which share this process, and the database.`,
	run: func(t *testing.T, b *bench) {
		safe := budget.Allowances()[budget.Connector].Safe
		for _, rate := range []float64{safe, 0} {
			for replicas := 1; replicas <= 3; replicas++ {
				name := fmt.Sprintf("rate=%g/replicas=%d", rate, replicas)
				t.Run(name, func(t *testing.T) {
					turns, values := b.turns(t, rate, replicas)
					b.add(name, turns, values...)
				})
			}
		}
	},
}

// counted counts the statements a budget asks of its ledger.
type counted struct {
	budget.Leases
	asked *atomic.Int64
}

func (c counted) LeaseBudget(ctx context.Context, ask pace.SlotAsk) (pace.Slots, error) {
	c.asked.Add(1)
	return c.Leases.LeaseBudget(ctx, ask)
}

func (c counted) ReturnBudget(ctx context.Context, family string, first, end int64) (bool, error) {
	c.asked.Add(1)
	return c.Leases.ReturnBudget(ctx, family, first, end)
}

func (c counted) ReadBudget(ctx context.Context, family string) (pace.Strain, error) {
	c.asked.Add(1)
	return c.Leases.ReadBudget(ctx, family)
}

// turns has the workers of some replicas wait for their turns.
func (b *bench) turns(t *testing.T, rate float64, replicas int) (int, []value) {
	d := newDatabase(t, storetest.Postgres)
	var asked, turns atomic.Int64
	ctx, stop := context.WithCancel(context.Background())
	var all sync.WaitGroup
	var stores []*store.Store
	defer func() {
		stop()
		all.Wait()
		for _, st := range stores {
			_ = st.Close()
		}
	}()
	var budgets []*budget.Budget
	for range replicas {
		st, err := store.Open(ctx, store.Options{DSN: d.dsn, TenantID: simulator.DefaultTenantID})
		if err != nil {
			t.Fatal(err)
		}
		stores = append(stores, st)
		budget := budget.New(counted{st, &asked}, budget.Connector, rate)
		all.Go(func() { _ = budget.Run(ctx) })
		if err := budget.Wait(ctx); err != nil { // the first opens the row and the connection
			t.Fatal(err)
		}
		budgets = append(budgets, budget)
	}
	asked.Store(0)
	measured, end := context.WithTimeout(ctx, budgetSpan)
	defer end()
	clock := b.clock(t, func() time.Duration { return cpu(t, os.Getpid()) }, d.server)
	var waiting sync.WaitGroup
	for _, budget := range budgets {
		for range contenderWorkers {
			waiting.Go(func() {
				for budget.Wait(measured) == nil {
					turns.Add(1)
				}
			})
		}
	}
	waiting.Wait()
	k := clock.stop()
	n := float64(turns.Load())
	if n == 0 {
		t.Fatal("nobody ever had a turn")
	}
	values := []value{
		{"ns/op", float64(k.whole.Nanoseconds()) / n},
		{"turns/s", n / k.whole.Seconds()},
		{"statements/wait", float64(asked.Load()) / n},
		{"statements/s", float64(asked.Load()) / k.whole.Seconds()},
		{"cpu-us/wait", float64((k.contender + k.database).Microseconds()) / n},
	}
	if rate > 0 {
		values = append(values, value{"of-rate", n / k.whole.Seconds() / rate})
	}
	return int(n), values
}
