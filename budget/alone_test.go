package budget_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/budget"
	"github.com/fanfare/fanfare/pace"
)

// These tests look at a budget alone, in a time of their own.

// memory is a ledger that takes its time, fails when told to, and forgets all in the
// end.
type memory struct {
	mu sync.Mutex
	books
}

// books are what a memory keeps, for a test to look at (look) and to change (set).
type books struct {
	took     time.Duration // by each question
	err      error
	ahead    time.Duration // of its clock
	next     int64
	until    int64 // of a pause
	urgent   bool  // somebody urgent takes everything, on another replica
	asks     []pace.SlotAsk
	reads    int
	paused   []time.Duration
	again    []bool
	returned int
}

func (m *memory) look() books {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.books
}

// ask takes its time and then does f with the lock held.
func (m *memory) ask(ctx context.Context, f func()) error {
	select {
	case <-time.After(m.look().took):
	case <-ctx.Done():
		return ctx.Err()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err == nil {
		f()
	}
	return m.err
}

func (m *books) now() int64 { return time.Now().Add(m.ahead).UnixMicro() }

func (m *books) strain() pace.Strain {
	return pace.Strain{Paused: time.Duration(max(0, m.until-m.now())) * time.Microsecond}
}

func (m *memory) LeaseBudget(ctx context.Context, ask pace.SlotAsk) (out pace.Slots, err error) {
	err = m.ask(ctx, func() {
		m.asks = append(m.asks, ask)
		out = pace.Slots{Now: m.now(), Gap: int64(1e6 / ask.Rate), Strain: m.strain()}
		if out.Wait = out.Strain.Paused; m.urgent && ask.Priority != broadcast.PriorityUrgent {
			out.Wait = time.Minute
		}
		if out.Wait == 0 {
			out.First, out.N = max(m.next, out.Now+ask.Lead.Microseconds()), ask.Want
			m.next = out.First + int64(out.N)*out.Gap
		}
	})
	return out, err
}

func (m *memory) ReturnBudget(ctx context.Context, _ string, first, end int64) (done bool, err error) {
	err = m.ask(ctx, func() {
		if done = m.next == end; done {
			m.next = first
			m.returned++
		}
	})
	return done, err
}

func (m *memory) PauseBudget(ctx context.Context, _ string, ask pace.PauseAsk) (out pace.Strain, err error) {
	err = m.ask(ctx, func() {
		asked := ask.For
		m.paused, m.again = append(m.paused, asked), append(m.again, ask.Again)
		if asked == 0 {
			asked = 4 * time.Second
		}
		m.until = max(m.until, m.now()+asked.Microseconds())
		out = m.strain()
	})
	return out, err
}

func (m *memory) ReadBudget(ctx context.Context, _ string) (out pace.Strain, err error) {
	err = m.ask(ctx, func() {
		m.reads++
		out = m.strain()
	})
	return out, err
}

func (m *memory) set(f func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f()
}

// bubble runs a test of a budget over a ledger in memory.
func bubble(t *testing.T, rate float64, f func(t *testing.T, m *memory, b *budget.Budget)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		m := &memory{books: books{took: 5 * time.Millisecond}}
		f(t, m, running(t, budget.New(m, budget.Connector, rate)))
	})
}

// draw waits n times and returns how long that took.
func draw(t *testing.T, l limiter, n int) time.Duration {
	t.Helper()
	began := time.Now()
	for range n {
		if err := l.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return time.Since(began)
}

func TestASlowLedgerLeavesNoGap(t *testing.T) {
	t.Parallel()
	for _, took := range []time.Duration{time.Millisecond, 50 * time.Millisecond, 200 * time.Millisecond, 600 * time.Millisecond} {
		bubble(t, 48, func(t *testing.T, m *memory, b *budget.Budget) {
			m.set(func() { m.took = took })
			draw(t, b, 48) // it has to get going
			g, stop := hungry(t, 20, b)
			<-time.After(time.Minute)
			stop()
			if n := g.count(); n < 48*60-3 || n > 48*60+1 {
				t.Errorf("%d requests in a minute, if the ledger takes %v", n, took)
			}
			at := g.sorted()
			for i := 1; i < len(at); i++ {
				if gap := at[i].Sub(at[i-1]); gap < 20*time.Millisecond || gap > 24*time.Millisecond {
					t.Fatalf("%v between two requests", gap)
				}
			}
			if n := len(m.look().asks); n > 48*61/13 {
				t.Errorf("%d leases", n)
			}
		})
	}
}

func TestFewWorkersLeaseLittleMoreThanTheyUse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &memory{books: books{took: 5 * time.Millisecond}}
		few := running(t, budget.New(m, budget.Connector, 48))
		many := running(t, budget.New(m, budget.Connector, 48))
		g, stop := hungry(t, 20, many)
		<-time.After(time.Second)
		before := g.count()
		for range 20 { // one request a second
			draw(t, few, 1)
			<-time.After(time.Second)
		}
		seconds := 20.0 // and a bit
		n := g.count() - before
		stop()
		if least := int(0.85 * 48 * seconds); n < least {
			t.Errorf("the busy replica got %d of %d because of one request a second", n, int(48*seconds))
		}
	})
}

func TestWhoeverLeavesTakesNoSlotAway(t *testing.T) {
	t.Parallel()
	bubble(t, 48, func(t *testing.T, _ *memory, b *budget.Budget) {
		draw(t, b, 48)
		g, stop := hungry(t, 5, b)
		ctx, cancel := context.WithCancel(t.Context())
		var hands sync.WaitGroup
		for i := range 500 { // they come and go all the time
			hands.Go(func() {
				for ctx.Err() == nil {
					soon, cancel := context.WithTimeout(ctx, time.Duration(i%40+1)*time.Millisecond)
					if b.For(budget.Flow{Key: "impatient"}).Wait(soon) == nil {
						g.add()
					}
					cancel()
				}
			})
		}
		began := time.Now()
		<-time.After(10 * time.Second)
		n := g.between(began, time.Now())
		cancel()
		hands.Wait()
		stop()
		if n < 475 || n > 481 {
			t.Errorf("%d requests in ten seconds", n)
		}
	})
}

func TestWaitingEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &memory{}
		b := budget.New(m, "family", 50)
		began := time.Now()
		var hands sync.WaitGroup
		for i := range 5 { // nobody runs it
			hands.Go(func() { refused(t, b, time.Duration(i+1)*time.Second) })
		}
		hands.Wait()
		if took := time.Since(began); took != 5*time.Second || len(m.look().asks) > 0 {
			t.Errorf("the last left after %v, %d leases", took, len(m.look().asks))
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		running(t, b)
		if b.Wait(gone) == nil {
			t.Error("let through although nobody waits any more")
		}
		draw(t, b, 1)
	})
}

// A 429 seldom comes alone; its neighbours must neither write the same pause again
// and again nor shorten it.
func TestEqualPausesAreWrittenOnceAndLongerOnesAgain(t *testing.T) {
	t.Parallel()
	bubble(t, 50, func(t *testing.T, m *memory, b *budget.Budget) {
		began := time.Now()
		for _, d := range []time.Duration{time.Second, time.Second, 0, time.Second, 3 * time.Second, 2 * time.Second} {
			if err := b.Pause(t.Context(), d); err != nil {
				t.Fatal(err)
			}
		}
		if !slices.Equal(m.look().paused, []time.Duration{time.Second, 3 * time.Second}) {
			t.Errorf("written: %v", m.look().paused)
		}
		draw(t, b, 1)
		if took := time.Since(began); took < 3*time.Second || took > 3100*time.Millisecond {
			t.Errorf("waited %v", took)
		}
		// Of one that names no time the ledger says how long it is, and is told whether
		// anything went through since the last.
		for _, between := range []int{0, 30} {
			draw(t, b, between)
			began := time.Now()
			if err := b.Pause(t.Context(), 0); err != nil {
				t.Fatal(err)
			}
			if draw(t, b, 1); time.Since(began).Round(100*time.Millisecond) != 4*time.Second {
				t.Errorf("waited %v", time.Since(began))
			}
		}
		if !slices.Equal(m.look().again[2:], []bool{true, false}) {
			t.Errorf("429s go on: %v", m.look().again)
		}
	})
}

func TestAReplicaPausesEvenIfTheLedgerFails(t *testing.T) {
	t.Parallel()
	bubble(t, 50, func(t *testing.T, m *memory, b *budget.Budget) {
		draw(t, b, 20)
		m.set(func() { m.err = errors.New("down") })
		began := time.Now()
		if err := b.Pause(t.Context(), time.Minute); err == nil {
			t.Error("nobody hears that the others do not pause")
		}
		m.set(func() { m.err = nil })
		draw(t, b, 1)
		if took := time.Since(began); took < time.Minute || took > 61*time.Second {
			t.Errorf("waited %v", took)
		}
	})
}

func TestALeaseThatComesAfterAPauseBeganIsNotUsed(t *testing.T) {
	t.Parallel()
	bubble(t, 50, func(t *testing.T, m *memory, b *budget.Budget) {
		m.set(func() { m.took = 100 * time.Millisecond })
		g, stop := hungry(t, 5, b)
		<-time.After(150 * time.Millisecond) // the ledger is being asked
		b.Hear(budget.Connector, 2*time.Second)
		began := time.Now()
		<-time.After(1999 * time.Millisecond)
		stop()
		if n := g.between(began, time.Now()); n > 0 {
			t.Errorf("%d let through in a pause", n)
		}
	})
}

func TestALedgerThatDoesNotAnswerHoldsNobodyForEver(t *testing.T) {
	t.Parallel()
	for _, rate := range []float64{0, 48} {
		bubble(t, rate, func(t *testing.T, m *memory, b *budget.Budget) {
			m.set(func() { m.took = time.Hour })
			<-time.After(5 * time.Second) // what was learned or leased before is good no more
			for range 3 {
				began := time.Now()
				if err := b.Wait(t.Context()); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 7*time.Second {
					t.Errorf("%v after %v", err, time.Since(began))
				}
			}
			m.set(func() { m.took = time.Millisecond })
			waitFor(t, func() bool { return b.Wait(t.Context()) == nil })
		})
	}
}

func TestADatabasesClockMayBeSet(t *testing.T) {
	t.Parallel()
	for _, set := range []time.Duration{time.Hour, -time.Hour, 50 * time.Millisecond, -50 * time.Millisecond} {
		bubble(t, 48, func(t *testing.T, m *memory, b *budget.Budget) {
			draw(t, b, 48)
			g, stop := hungry(t, 10, b)
			<-time.After(2 * time.Second)
			m.set(func() {
				if m.ahead = set; set < -time.Second { // as the store does
					m.next += set.Microseconds()
				}
			})
			<-time.After(10 * time.Second)
			stop()
			at := g.sorted()
			if n := len(at); n < 48*12*96/100 || n > 48*12+14 {
				t.Errorf("set by %v: %d requests in 12 seconds", set, n)
			}
			for i := 1; i < len(at); i++ {
				if gap := at[i].Sub(at[i-1]); gap < 20*time.Millisecond {
					t.Fatalf("set by %v: %v between two requests", set, gap)
				}
			}
		})
	}
}

func TestWithoutALimitTheLedgerIsHardlyAsked(t *testing.T) {
	t.Parallel()
	bubble(t, 0, func(t *testing.T, m *memory, b *budget.Budget) {
		if took := draw(t, b, 10_000); took > 10*time.Millisecond {
			t.Errorf("10,000 requests waited %v", took)
		}
		for range 100 {
			<-time.After(100 * time.Millisecond)
			draw(t, b, 100)
		}
		if m.look().reads > 12 || len(m.look().asks) > 0 {
			t.Errorf("%d questions in ten seconds", m.look().reads)
		}
		<-time.After(time.Hour)
		if m.look().reads > 15 {
			t.Errorf("%d questions, though nobody waited", m.look().reads)
		}
		if took := draw(t, b, 3); took > 10*time.Millisecond {
			t.Errorf("after an idle hour it took %v", took)
		}
		if s := b.State(); s.Rate != 0 || s.Effective != 0 || !s.PausedUntil.IsZero() {
			t.Errorf("%+v", s)
		}
		m.set(func() { m.until = m.now() + (3 * time.Second).Microseconds() }) // another replica's pause
		<-time.After(2600 * time.Millisecond)
		if took := draw(t, b, 1); took < 300*time.Millisecond {
			t.Errorf("another's pause was not kept: %v", took)
		}
	})
}

func TestAnIdleReplicaAsksNothingAndKeepsNothing(t *testing.T) {
	t.Parallel()
	bubble(t, 2, func(t *testing.T, m *memory, b *budget.Budget) {
		g, stop := hungry(t, 20, b)
		<-time.After(10 * time.Second)
		stop()
		<-time.After(2 * time.Second)
		asked := len(m.look().asks) + m.look().reads
		if n := g.count(); n < 20 || m.look().next > time.Now().UnixMicro() {
			t.Errorf("%d requests; the next slot is %v away", n, time.Duration(m.look().next-time.Now().UnixMicro())*time.Microsecond)
		}
		<-time.After(time.Hour)
		if n := len(m.look().asks) + m.look().reads - asked; n > 0 {
			t.Errorf("%d questions in an idle hour", n)
		}
	})
}

// A replica that heard of a pause asks the ledger what else there is to know, and
// goes on as soon as it is over.
func TestNoTimeIsLostAfterAPause(t *testing.T) {
	t.Parallel()
	bubble(t, 48, func(t *testing.T, m *memory, b *budget.Budget) {
		m.set(func() { m.until = m.now() + (100 * time.Millisecond).Microseconds() })
		b.Hear(budget.Connector, 100*time.Millisecond)
		<-time.After(50 * time.Millisecond)
		if m.look().reads == 0 {
			t.Error("it asked nothing")
		}
		if took := draw(t, b, 1); took > 70*time.Millisecond {
			t.Errorf("waited %v", took)
		}
	})
}

// Who was refused for somebody more pressing elsewhere asks seldom, but at once
// when somebody pressing comes here.
func TestTheUrgentDoNotWaitBecauseBulkWasRefused(t *testing.T) {
	t.Parallel()
	bubble(t, 48, func(t *testing.T, m *memory, b *budget.Budget) {
		m.set(func() { m.urgent = true })
		bulk, stop := hungry(t, 5, b.For(budget.Flow{Key: "bulk", Priority: broadcast.PriorityBulk}))
		<-time.After(20 * time.Second)
		if n := len(m.look().asks); n > 14 || bulk.count() > 0 {
			t.Errorf("asked %d times in twenty seconds, got %d", n, bulk.count())
		}
		for range 5 {
			if took := draw(t, b.For(budget.Flow{Key: "urgent", Priority: broadcast.PriorityUrgent}), 1); took > 100*time.Millisecond {
				t.Errorf("urgent waited %v", took)
			}
			<-time.After(1100 * time.Millisecond)
		}
		m.set(func() { m.urgent = false })
		n := bulk.count()
		<-time.After(3 * time.Second)
		if bulk.count() < n+40 {
			t.Errorf("bulk got %d in three seconds", bulk.count()-n)
		}
		stop()
	})
}
