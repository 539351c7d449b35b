package workerpool_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/fanfare/fanfare/workerpool"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type pool = workerpool.Pool[int, int]

// numbers claims 0 … n-1.
func numbers(n int) func(context.Context, int) ([]int, bool, error) {
	next := 0
	return func(_ context.Context, limit int) ([]int, bool, error) {
		var out []int
		for len(out) < limit && next < n {
			out = append(out, next)
			next++
		}
		return out, next < n, nil
	}
}

// endless claims for ever.
func endless() func(context.Context, int) ([]int, bool, error) {
	next := 0
	return func(_ context.Context, limit int) ([]int, bool, error) {
		out := make([]int, limit)
		for i := range out {
			out[i] = next
			next++
		}
		return out, true, nil
	}
}

// ledger remembers what was recorded.
type ledger struct {
	mu      sync.Mutex
	batches [][]int
	fail    []error // what the next Records answer
}

func (l *ledger) record(_ context.Context, rs []int) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.fail) > 0 {
		err := l.fail[0]
		l.fail = l.fail[1:]
		if err != nil && !errors.Is(err, workerpool.ErrStop) {
			return err
		}
		l.batches = append(l.batches, slices.Clone(rs))
		return err
	}
	l.batches = append(l.batches, slices.Clone(rs))
	return nil
}

func (l *ledger) all() []int {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := slices.Concat(l.batches...)
	slices.Sort(out)
	return out
}

func upTo(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

func same(_ context.Context, j int) int { return j }

func slow(d time.Duration) func(context.Context, int) int {
	return func(ctx context.Context, j int) int {
		select {
		case <-time.After(d):
			return j
		case <-ctx.Done():
			return -1
		}
	}
}

func TestEveryJobIsDoneAndRecordedOnce(t *testing.T) {
	t.Parallel()
	var l ledger
	p := pool{Claim: numbers(10_000), Do: same, Record: l.record, Workers: 16, BatchSize: 100}
	if err := p.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(l.all(), upTo(10_000)) {
		t.Errorf("recorded %d results, not each of the 10000 once", len(l.all()))
	}
	for _, b := range l.batches {
		if len(b) > 100 {
			t.Errorf("a batch held %d results", len(b))
		}
	}
}

func TestNeverMoreThanWorkersAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var l ledger
		var now, peak atomic.Int32
		do := func(ctx context.Context, j int) int {
			if n := now.Add(1); n > peak.Load() {
				peak.Store(n)
			}
			defer now.Add(-1)
			return slow(time.Second)(ctx, j)
		}
		p := pool{Claim: numbers(50), Do: do, Record: l.record, Workers: 5}
		start := time.Now()
		if err := p.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if peak.Load() != 5 || time.Since(start) != 10*time.Second {
			t.Errorf("peak %d in %v, want all 5 workers busy for 10s", peak.Load(), time.Since(start))
		}
	})
}

func TestStopFinishesWhatIsInHand(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		var l ledger
		p := pool{Claim: endless(), Do: slow(3 * time.Second), Record: l.record, Workers: 4, Grace: 5 * time.Second}
		time.AfterFunc(time.Second, stop)
		start := time.Now()
		if err := p.Run(ctx); err != nil {
			t.Fatal(err)
		}
		if got := l.all(); !slices.Equal(got, upTo(4)) {
			t.Errorf("recorded %v, want exactly the four jobs that were in hand", got)
		}
		if d := time.Since(start); d != 3*time.Second {
			t.Errorf("returned after %v, want as soon as the jobs in hand were done", d)
		}
	})
}

func TestGraceIsTheLongestAStopMayTake(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		var l ledger
		p := pool{Claim: endless(), Do: slow(time.Hour), Record: l.record, Workers: 3, Grace: 5 * time.Second}
		time.AfterFunc(time.Second, stop)
		start := time.Now()
		if err := p.Run(ctx); err != nil {
			t.Fatal(err)
		}
		if d := time.Since(start); d != 6*time.Second {
			t.Errorf("returned after %v, want 1s + 5s grace", d)
		}
		if got := l.all(); !slices.Equal(got, []int{-1, -1, -1}) {
			t.Errorf("recorded %v, want what the cancelled jobs said of themselves", got)
		}
	})
}

func TestLastRecordIsBoundedToo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		record := func(ctx context.Context, _ []int) error {
			<-ctx.Done()
			return ctx.Err()
		}
		p := pool{Claim: endless(), Do: slow(time.Second), Record: record, Workers: 3, Grace: 5 * time.Second}
		time.AfterFunc(500*time.Millisecond, stop)
		start := time.Now()
		if err := p.Run(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("err = %v, want to hear that results were lost", err)
		}
		if d := time.Since(start); d > 16*time.Second {
			t.Errorf("a stuck ledger held Run up for %v", d)
		}
	})
}

func TestLastBatchIsRecorded(t *testing.T) {
	t.Parallel()
	var l ledger
	p := pool{Claim: numbers(103), Do: same, Record: l.record, Workers: 4, BatchSize: 50, FlushEvery: time.Hour}
	if err := p.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(l.all()) != 103 || len(l.batches) != 3 {
		t.Errorf("%d results in %d batches, want 103 in 3", len(l.all()), len(l.batches))
	}
}

func TestAResultWaitsNoLongerThanFlushEvery(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var l ledger
		do := func(ctx context.Context, j int) int {
			if j == 0 {
				return j
			}
			return slow(time.Minute)(ctx, j)
		}
		p := pool{Claim: numbers(2), Do: do, Record: l.record, Workers: 2, BatchSize: 50, FlushEvery: time.Second}
		time.AfterFunc(1001*time.Millisecond, func() {
			if got := l.all(); !slices.Equal(got, []int{0}) {
				t.Errorf("after FlushEvery %v was recorded, want the first result", got)
			}
		})
		if err := p.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

func TestFailedRecordStopsTheClaimingAndIsTriedOnceMore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		full := errors.New("disk full")
		l := ledger{fail: []error{full}}
		p := pool{Claim: endless(), Do: slow(time.Second), Record: l.record, Workers: 4, BatchSize: 4}
		if err := p.Run(t.Context()); !errors.Is(err, full) {
			t.Errorf("err = %v, want the ledger's", err)
		}
		got := l.all()
		if len(got) < 4 || len(got) > 8 || !slices.Equal(got, upTo(len(got))) {
			t.Errorf("recorded %v, want the refused batch and what was in hand", got)
		}
	})
}

func TestErrStopEndsInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := ledger{fail: []error{nil, workerpool.ErrStop}}
		p := pool{Claim: endless(), Do: slow(time.Second), Record: l.record, Workers: 2, BatchSize: 2}
		if err := p.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := l.all(); len(got) > 6 || !slices.Equal(got, upTo(len(got))) {
			t.Errorf("recorded %v, want two batches and what was in hand, each once", got)
		}
	})
}

func TestAWrappedErrStopIsReported(t *testing.T) {
	t.Parallel()
	news := fmt.Errorf("chunk 7 was taken over: %w", workerpool.ErrStop)
	l := ledger{fail: []error{news}}
	p := pool{Claim: endless(), Do: same, Record: l.record, Workers: 2, BatchSize: 2}
	if err := p.Run(t.Context()); !errors.Is(err, news) {
		t.Errorf("err = %v, want the news", err)
	}
	if got := l.all(); len(got) != len(slices.Compact(got)) {
		t.Errorf("recorded %v: a batch that was dealt with came again", got)
	}
}

func TestClaimErrorIsReportedAfterTheRestIsRecorded(t *testing.T) {
	t.Parallel()
	lost := errors.New("database gone")
	var l ledger
	calls := 0
	begun := make(chan struct{}, 2)
	claim := func(context.Context, int) ([]int, bool, error) {
		if calls++; calls == 1 {
			return []int{0, 1}, true, nil
		}
		<-begun
		<-begun
		return nil, true, lost
	}
	do := func(_ context.Context, j int) int {
		begun <- struct{}{}
		return j
	}
	p := pool{Claim: claim, Do: do, Record: l.record, Workers: 2, BatchSize: 1}
	if err := p.Run(t.Context()); !errors.Is(err, lost) {
		t.Errorf("err = %v, want Claim's", err)
	}
	if got := l.all(); !slices.Equal(got, upTo(2)) {
		t.Errorf("recorded %v, want the jobs claimed before", got)
	}
}

func TestClaimIsAskedAgainAfterAPause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		claim := func(context.Context, int) ([]int, bool, error) {
			calls++
			return nil, calls < 4, nil
		}
		var l ledger
		p := pool{Claim: claim, Do: same, Record: l.record, FlushEvery: time.Second}
		start := time.Now()
		if err := p.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if d := time.Since(start); d != 3*time.Second {
			t.Errorf("asked four times within %v, want no busy loop", d)
		}
	})
}

// gate lets n jobs begin, then blocks until the pool stops, or fails.
type gate struct {
	left atomic.Int32
	err  error
}

func (g *gate) Wait(ctx context.Context) error {
	if g.left.Add(-1) >= 0 {
		return nil
	}
	if g.err != nil {
		return g.err
	}
	<-ctx.Done()
	return ctx.Err()
}

func TestJobsThatMayNotBeginAreGivenBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		claimed := 0
		claim := func(ctx context.Context, n int) ([]int, bool, error) {
			jobs, _, err := endlessFrom(&claimed, n)
			return jobs, true, err
		}
		var l ledger
		g := &gate{}
		g.left.Store(3)
		p := pool{Claim: claim, Do: same, Record: l.record, GiveBack: func(j int) int { return j }, Workers: 2, Limiter: g}
		time.AfterFunc(time.Second, stop)
		if err := p.Run(ctx); err != nil {
			t.Fatal(err)
		}
		if got := l.all(); !slices.Equal(got, upTo(claimed)) || claimed < 4 {
			t.Errorf("%d were claimed, %v came back: every claimed job is done or given back", claimed, got)
		}
	})
}

func endlessFrom(next *int, n int) ([]int, bool, error) {
	out := make([]int, n)
	for i := range out {
		out[i] = *next
		*next++
	}
	return out, true, nil
}

func TestEnoughFinishesWhatIsInHandHoweverLongItTakes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var l ledger
		enough := make(chan struct{})
		time.AfterFunc(time.Second, func() { close(enough) })
		p := pool{Claim: endless(), Do: slow(time.Minute), Record: l.record, Workers: 4, Grace: 5 * time.Second, Enough: enough}
		start := time.Now()
		if err := p.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := l.all(); !slices.Equal(got, upTo(4)) || time.Since(start) != time.Minute {
			t.Errorf("recorded %v after %v, want exactly the four jobs in hand, whole", got, time.Since(start))
		}
	})
}

func TestAStopAfterEnoughIsAStop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		var l ledger
		enough := make(chan struct{})
		do := func(ctx context.Context, j int) int {
			close(enough)
			time.AfterFunc(time.Second, stop)
			return slow(time.Hour)(ctx, j)
		}
		p := pool{Claim: endless(), Do: do, Record: l.record, Workers: 1, Grace: 5 * time.Second, Enough: enough}
		start := time.Now()
		if err := p.Run(ctx); err != nil {
			t.Fatal(err)
		}
		if d := time.Since(start); d != 6*time.Second || !slices.Equal(l.all(), []int{-1}) {
			t.Errorf("recorded %v after %v, want 1s + 5s grace", l.all(), d)
		}
		if err := p.Run(t.Context()); err != nil || len(l.all()) != 1 {
			t.Errorf("%v: a pool that had enough before it began recorded %v", err, l.all())
		}
	})
}

// choosy refuses every other job.
type choosy struct{ n atomic.Int32 }

func (c *choosy) Wait(context.Context) error {
	if c.n.Add(1)%2 == 0 {
		return fmt.Errorf("not this one: %w", workerpool.ErrStop)
	}
	return nil
}

func TestAJobTheLimiterRefusesIsGivenBackAndTheOthersGoOn(t *testing.T) {
	t.Parallel()
	var l ledger
	p := pool{Claim: numbers(100), Do: same, Record: l.record, Workers: 4, Limiter: &choosy{}, GiveBack: func(int) int { return -1 }}
	if err := p.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := l.all(); len(got) != 100 || len(slices.Compact(got)) != 51 {
		t.Errorf("recorded %d results, want fifty done and fifty given back", len(got))
	}
}

func TestLimiterErrorStopsThePool(t *testing.T) {
	t.Parallel()
	broken := errors.New("no budget row")
	g := &gate{err: broken}
	g.left.Store(2)
	var l ledger
	p := pool{Claim: endless(), Do: same, Record: l.record, Workers: 2, Limiter: g}
	if err := p.Run(t.Context()); !errors.Is(err, broken) {
		t.Errorf("err = %v, want the limiter's", err)
	}
	if got := l.all(); len(got) != 2 {
		t.Errorf("recorded %v, want the two that were let through", got)
	}
}

func TestAPanicIsReportedAndTheOthersAreRecorded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var l ledger
		do := func(ctx context.Context, j int) int {
			if j == 1 {
				<-time.After(time.Millisecond) // the others have begun by then
				panic("nil card")
			}
			return slow(time.Second)(ctx, j)
		}
		p := pool{Claim: numbers(3), Do: do, Record: l.record, Workers: 3}
		err := p.Run(t.Context())
		if err == nil || !strings.Contains(err.Error(), "nil card") || !strings.Contains(err.Error(), "pool_test.go") {
			t.Errorf("err = %v, want the panic and where it was", err)
		}
		if got := l.all(); !slices.Equal(got, []int{0, 2}) {
			t.Errorf("recorded %v, want the others", got)
		}
	})
}

func TestAPanicOfTheCallersOtherFunctionsIsReported(t *testing.T) {
	t.Parallel()
	boom := func() { panic("boom") }
	for name, p := range map[string]pool{
		"Claim":   {Claim: func(context.Context, int) ([]int, bool, error) { boom(); return nil, false, nil }, Do: same, Record: (&ledger{}).record},
		"Record":  {Claim: numbers(3), Do: same, Record: func(context.Context, []int) error { boom(); return nil }},
		"Limiter": {Claim: numbers(3), Do: same, Record: (&ledger{}).record, Limiter: panicking{}},
	} {
		if err := p.Run(t.Context()); err == nil || !strings.Contains(err.Error(), name+" panicked: boom") {
			t.Errorf("%s: err = %v", name, err)
		}
	}
}

type panicking struct{}

func (panicking) Wait(context.Context) error { panic("boom") }

func TestAnIncompletePoolIsRefused(t *testing.T) {
	t.Parallel()
	if err := (pool{Do: same}).Run(t.Context()); err == nil {
		t.Error("a pool without Claim and Record ran")
	}
}

func TestDoneContextClaimsNothing(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	stop()
	claim := func(context.Context, int) ([]int, bool, error) {
		t.Error("claimed after the stop")
		return nil, false, nil
	}
	if err := (pool{Claim: claim, Do: same, Record: (&ledger{}).record}).Run(ctx); err != nil {
		t.Error(err)
	}
}

// BenchmarkOverhead is the pool's own cost per job; aim: below 2 µs.
func BenchmarkOverhead(b *testing.B) {
	for _, workers := range []int{8, 64} {
		b.Run(fmt.Sprint(workers, " workers"), func(b *testing.B) {
			b.ReportAllocs()
			record := func(context.Context, []int) error { return nil }
			p := pool{Claim: numbers(b.N), Do: same, Record: record, Workers: workers, BatchSize: 500}
			if err := p.Run(b.Context()); err != nil {
				b.Fatal(err)
			}
		})
	}
}
