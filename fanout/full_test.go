package fanout_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/budget"
	"github.com/fanfare/fanfare/pace"
	"github.com/fanfare/fanfare/simulator"
	"github.com/fanfare/fanfare/store/storetest"
)

// Longer runs, for finding the best rate:
//
//	go test ./fanout -run TestThePipeIsKeptFull -v -budget.span 10m -budget.rate 47 -test.parallel 1 -timeout 0
var (
	fullSpan    = flag.Duration("budget.span", 4*time.Second, "how long TestThePipeIsKeptFull sends")
	fullRate    = flag.Float64("budget.rate", budget.Allowances()[budget.Connector].Safe, "at how many requests a second")
	fullLatency = flag.Int("budget.latency", 60, "how long the simulator takes to answer, in ms")
	fullJitter  = flag.Duration("budget.jitter", 0, "by how much the way there differs from request to request")
	fullWorkers = flag.Int("budget.workers", 12, "requests at once per replica")
)

// counted counts the statements that budgets cost.
type counted struct {
	budget.Leases
	statements *atomic.Int64
}

func (c counted) LeaseBudget(ctx context.Context, ask pace.SlotAsk) (pace.Slots, error) {
	c.statements.Add(1)
	return c.Leases.LeaseBudget(ctx, ask)
}

func (c counted) ReturnBudget(ctx context.Context, family string, first, end int64) (bool, error) {
	c.statements.Add(1)
	return c.Leases.ReturnBudget(ctx, family, first, end)
}

func (c counted) PauseBudget(ctx context.Context, family string, ask pace.PauseAsk) (pace.Strain, error) {
	c.statements.Add(4) // begin, the row, the pause, commit
	return c.Leases.PauseBudget(ctx, family, ask)
}

func (c counted) ReadBudget(ctx context.Context, family string) (pace.Strain, error) {
	c.statements.Add(1)
	return c.Leases.ReadBudget(ctx, family)
}

// TestThePipeIsKeptFull sends through real clients to a Microsoft that admits 50
// requests in any one second, the strictest reading of its limit. The best of three
// spans counts, and a machine so busy that a timer is late is forgiven that.
func TestThePipeIsKeptFull(t *testing.T) {
	t.Parallel()
	for _, kind := range storetest.Kinds() {
		for _, replicas := range []int{1, 2, 3} {
			t.Run(fmt.Sprintf("%s/%d", kind, replicas), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, kind, 60)
				w.sim.SetDials(func(d *simulator.Dials) { d.ConnectorRate, d.LatencyMS = 50, *fullLatency })
				f := w.fill(replicas)
				waitFor(t, func() bool { return f.sent.Load() > 10 })
				for range 3 {
					if f.measure() {
						return
					}
				}
				t.Error("not once was it 97 % of the rate, with a 429 in a thousand at most and a statement for ten requests")
			})
		}
	}
}

// full is a run with everybody hungry.
type full struct {
	*world
	replicas                    int
	sent, throttled, statements atomic.Int64
}

func (f *full) measure() bool {
	began, n, refused, cost := time.Now(), f.sent.Load(), f.throttled.Load(), f.statements.Load()
	lost := late(*fullSpan) // the time is what is measured
	n, refused, cost = f.sent.Load()-n, f.throttled.Load()-refused, f.statements.Load()-cost
	rate := float64(n) / time.Since(began).Seconds()
	f.Logf("%d replicas at %v: %.2f/s, %.2f %% of the budget; %d answered 429 (%.3f %%), %.3f statements per request, at most %d in a second, %.1f %% of the time timers were late",
		f.replicas, *fullRate, rate, 100*rate / *fullRate, refused, 100*float64(refused)/float64(n), float64(cost)/float64(n), f.sim.Report().PeakPerSecond, 100*lost)
	return rate > (0.97-4*lost)**fullRate && float64(refused) <= 0.001*float64(n)+20*lost && float64(cost) < (0.1+4*lost)*float64(n)
}

// late takes a while and returns for what part of it a timer was late.
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

func (w *world) fill(replicas int) *full {
	f := &full{world: w, replicas: replicas}
	ctx, cancel := context.WithCancel(context.Background())
	var hands sync.WaitGroup
	var person atomic.Int64
	for range replicas {
		r := w.newReplica(w.clock)
		b := running(w, budget.New(counted{r.st, &f.statements}, budget.Connector, *fullRate))
		for range *fullWorkers {
			hands.Go(func() {
				for b.Wait(ctx) == nil {
					f.post(r, b, w.at[1+person.Add(1)%60])
				}
			})
		}
	}
	w.Cleanup(func() { cancel(); hands.Wait() })
	return f
}

func (f *full) post(r *replica, b *budget.Budget, to broadcast.ConversationReference) {
	<-time.After(rand.N(time.Millisecond + *fullJitter)) // the way to Microsoft
	_, err := r.client.Send(context.Background(), to, broadcast.Payload{Activity: []byte(`{"type":"message","text":"hello"}`)})
	if err == nil {
		f.sent.Add(1)
		return
	}
	fault := broadcast.AsFault(err)
	if fault.Class != broadcast.Throttled {
		f.Errorf("not sent: %v", err)
		return
	}
	f.throttled.Add(1)
	if err := b.Pause(context.Background(), fault.RetryAfter); err != nil {
		f.Error(err)
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
