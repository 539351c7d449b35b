package budget_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/pace"
	"github.com/fanfare/fanfare/store"
	"github.com/fanfare/fanfare/store/budget"
	"github.com/fanfare/fanfare/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

var ctx = context.Background()

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// ledger is a store, and a way to look at its rows and to change them.
type ledger struct {
	*testing.T
	*store.Store
	outside *sql.DB
	dsn     string
}

func each(t *testing.T, f func(l ledger)) {
	t.Helper()
	for _, kind := range storetest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			dsn := storetest.DSN(t, kind)
			f(ledger{t, storetest.Open(t, dsn, nil), storetest.SQL(t, dsn), dsn})
		})
	}
}

func (l ledger) lease(rate float64, want int, p broadcast.Priority) pace.Slots {
	l.Helper()
	got, err := l.LeaseBudget(ctx, pace.SlotAsk{Family: "connector", Rate: rate, Want: want, Priority: p, Crowd: want > 3})
	must(l, err)
	return got
}

func (l ledger) pause(asked time.Duration, again bool) pace.Strain {
	l.Helper()
	got, err := l.PauseBudget(ctx, "connector", pace.PauseAsk{For: asked, Again: again})
	must(l, err)
	return got
}

// pass moves the row's times back, as if time had passed.
func (l ledger) pass(d time.Duration) {
	l.Helper()
	set := ""
	for _, column := range []string{"touched_at", "next_at", "paused_until", "slow_from", "slowed_at", "urgent_until", "normal_until", "normal_turn", "bulk_turn"} {
		set += fmt.Sprintf(", %s = %s - %d", column, column, d.Microseconds())
	}
	_, err := l.outside.Exec(`UPDATE budgets SET ` + set[2:])
	must(l, err)
}

func near(t *testing.T, what string, got, want, give time.Duration) {
	t.Helper()
	if got < want-give || got > want+give {
		t.Errorf("%s: %v, want %v within %v", what, got, want, give)
	}
}

func micros(n int64) time.Duration { return time.Duration(n) * time.Microsecond }

func TestLawRowTypesAreTheMigratedColumns(t *testing.T) {
	t.Parallel()
	storetest.RowsAreTables(t, budget.Tables(), storetest.Budget()...)
}

func TestLeasesFollowEachOtherWithoutAGap(t *testing.T) {
	t.Parallel()
	each(t, func(l ledger) {
		two := storetest.Open(l.T, l.dsn, nil)
		first := l.lease(50, 12, broadcast.PriorityNormal)
		if first.N != 12 || first.Gap != 20_000 || first.First != first.Now {
			l.Fatalf("%+v: a new family's slots begin now", first)
		}
		for end := first.First + 12*first.Gap; end < first.Now+1_000_000; {
			next, err := two.LeaseBudget(ctx, pace.SlotAsk{Family: "connector", Rate: 50, Want: 12})
			must(l, err)
			if next.First != end || next.N != 12 {
				l.Fatalf("%+v, want it to begin at %d", next, end)
			}
			end = next.First + 12*next.Gap
		}
		other, err := l.LeaseBudget(ctx, pace.SlotAsk{Family: "other", Rate: 3, Want: 1})
		if err != nil || other.First != other.Now || other.Gap != 333_334 {
			l.Errorf("%+v %v: families do not share", other, err)
		}
		l.pass(time.Minute)
		if got := l.lease(50, 1, broadcast.PriorityNormal); got.First != got.Now {
			l.Errorf("%+v: a quiet minute is no reserve", got)
		}
	})
}

func TestReplicasNeverShareASlot(t *testing.T) {
	t.Parallel()
	each(t, func(l ledger) {
		var mu sync.Mutex
		seen := map[int64]bool{}
		var replicas sync.WaitGroup
		for range 3 {
			st := storetest.Open(l.T, l.dsn, nil)
			replicas.Go(func() {
				for range 20 {
					got, err := st.LeaseBudget(ctx, pace.SlotAsk{Family: "connector", Rate: 1000, Want: 100})
					if err != nil {
						l.Error(err)
						return
					}
					mu.Lock()
					for i := range got.N {
						seen[got.First+int64(i)*got.Gap] = true
					}
					mu.Unlock()
				}
			})
		}
		replicas.Wait()
		if len(seen) != 3*20*100 {
			l.Errorf("%d slots of %d are different", len(seen), 3*20*100)
		}
	})
}

func TestAShareReturnsUnlessSomebodyLeasedAfterIt(t *testing.T) {
	t.Parallel()
	each(t, func(l ledger) {
		a := l.lease(50, 12, broadcast.PriorityNormal)
		b := l.lease(50, 12, broadcast.PriorityNormal)
		end := b.First + 12*b.Gap
		back := func(first, end int64, want bool) {
			l.Helper()
			done, err := l.ReturnBudget(ctx, "connector", first, end)
			must(l, err)
			if done != want {
				l.Errorf("returned from %d to %d: %v", first, end, done)
			}
		}
		back(a.First+4*a.Gap, b.First, false) // b came after it
		if c := l.lease(50, 1, broadcast.PriorityNormal); c.First != end {
			l.Fatalf("%+v, want it to begin at %d", c, end)
		}
		back(b.First+5*b.Gap, end+b.Gap, true)
		if c := l.lease(50, 1, broadcast.PriorityNormal); c.First != b.First+5*b.Gap {
			l.Errorf("%+v, want it to begin at %d", c, b.First+5*b.Gap)
		}
	})
}

func TestAPauseHoldsForEveryReplica(t *testing.T) {
	t.Parallel()
	each(t, func(l ledger) {
		two := storetest.Open(l.T, l.dsn, nil)
		near(l.T, "paused", l.pause(time.Minute, false).Paused, time.Minute, time.Second)
		got, err := two.PauseBudget(ctx, "connector", pace.PauseAsk{For: time.Second})
		must(l, err)
		near(l.T, "a shorter pause changes nothing:", got.Paused, time.Minute, 5*time.Second)
		for _, st := range []*store.Store{l.Store, two} {
			got, err := st.LeaseBudget(ctx, pace.SlotAsk{Family: "connector", Rate: 50, Want: 12, Priority: broadcast.PriorityUrgent})
			must(l, err)
			if got.N != 0 || got.Wait != got.Strain.Paused {
				l.Errorf("%+v in a pause", got)
			}
			near(l.T, "wait", got.Wait, time.Minute, 5*time.Second)
			read, err := st.ReadBudget(ctx, "connector")
			must(l, err)
			near(l.T, "read", read.Paused, time.Minute, 5*time.Second)
		}
		l.pass(time.Minute)
		if got := l.lease(50, 12, broadcast.PriorityNormal); got.N != 12 || got.First < got.Now {
			l.Errorf("%+v after the pause", got)
		}
	})
}

// What was leased before a pause and lies behind it is not leased twice.
// Whoever looks is told whether Teams asked for the pause or does not answer.
func TestAnOutageIsToldFromThrottling(t *testing.T) {
	t.Parallel()
	each(t, func(l ledger) {
		reads := func(want bool) {
			l.Helper()
			got, err := l.ReadBudget(ctx, "connector")
			must(l, err)
			if got.Outage != want {
				l.Errorf("%+v", got)
			}
		}
		l.pause(time.Second, false)
		reads(false)
		_, err := l.PauseBudget(ctx, "connector", pace.PauseAsk{For: 5 * time.Second, Outage: true})
		must(l, err)
		reads(true)
		l.pause(time.Second, false) // a 429 meanwhile
		reads(true)
		l.pass(6 * time.Second)
		reads(false)
		l.pause(time.Second, false)
		reads(false)
	})
}

func TestAPauseKeepsWhatIsLeasedBeyondIt(t *testing.T) {
	t.Parallel()
	each(t, func(l ledger) {
		before := l.lease(0.01, 1, broadcast.PriorityNormal)
		l.pause(time.Second, false)
		l.pass(2 * time.Second)
		if got := l.lease(50, 1, broadcast.PriorityNormal); got.First != before.First+before.Gap-2_000_000 {
			l.Errorf("%+v after %+v", got, before)
		}
	})
}

func TestPausesWithoutALengthDoubleWhile429sGoOn(t *testing.T) {
	t.Parallel()
	each(t, func(l ledger) {
		for i, step := range []struct {
			again bool
			want  int // seconds
		}{{false, 1}, {true, 2}, {true, 4}, {true, 8}, {true, 16}, {true, 30}, {true, 30}, {false, 1}, {true, 2}} {
			got := l.pause(0, step.again)
			near(l.T, fmt.Sprint("pause ", i), got.Paused, time.Duration(step.want)*time.Second, 900*time.Millisecond)
			if again := l.pause(0, true); again.Paused > got.Paused || again.Slow != got.Slow {
				l.Errorf("%+v, then %+v in the same pause", got, again)
			}
			l.pass(got.Paused + 50*time.Millisecond)
		}
	})
}

func TestA429SlowsAndTheRateClimbsBack(t *testing.T) {
	t.Parallel()
	each(t, func(l ledger) {
		const pause = 5 * time.Second
		gap := func(after time.Duration) time.Duration {
			l.pass(after)
			return micros(l.lease(50, 1, broadcast.PriorityNormal).Gap)
		}
		l.lease(50, 1, broadcast.PriorityNormal)
		if got := l.pause(pause, false); got.Slow != 0.1 || got.SlowFor != 0 || got.SlowLeft != pause+20*time.Second {
			l.Errorf("%+v after the first 429", got)
		}
		near(l.T, "at the end of the pause", gap(pause), 22222*time.Microsecond, 100*time.Microsecond)
		near(l.T, "half-way", gap(10*time.Second), 21052*time.Microsecond, 100*time.Microsecond)
		// Once more at half-way: what is left of the first counts one and a half times.
		if got := l.pause(pause, false); got.Slow < 0.15 || got.Slow > 0.18 || got.SlowFor < 15*time.Second {
			l.Errorf("%+v after the second", got)
		}
		l.pass(pause)
		for range 10 {
			l.pause(time.Second, false)
			l.pass(time.Second)
		}
		near(l.T, "at worst", gap(0), 60*time.Millisecond, 2*time.Millisecond)
		near(l.T, "in the end", gap(21*time.Second), 20*time.Millisecond, 0)
		read, err := l.ReadBudget(ctx, "connector")
		if err != nil || read != (pace.Strain{}) {
			l.Errorf("%+v %v in the end", read, err)
		}
	})
}

func TestThePressingAreLeasedNearlyEverything(t *testing.T) {
	t.Parallel()
	each(t, func(l ledger) {
		got := map[broadcast.Priority]int{}
		var wait time.Duration
		// One replica has urgent people, the other bulk only, and asks when told to.
		for range 200 {
			u := l.lease(50, 12, broadcast.PriorityUrgent)
			got[broadcast.PriorityUrgent] += u.N
			if wait -= 240 * time.Millisecond; wait <= 0 {
				b := l.lease(50, 12, broadcast.PriorityBulk)
				got[broadcast.PriorityBulk] += b.N
				wait = b.Wait
			}
			// The time until the urgent lease again, a little before its slots run out.
			now, err := l.LeaseBudget(ctx, pace.SlotAsk{Family: "clock", Rate: 1000, Want: 1})
			must(l, err)
			var next int64
			must(l, l.outside.QueryRow(`SELECT next_at FROM budgets WHERE family = 'connector'`).Scan(&next))
			l.pass(max(0, micros(next-now.Now)-200*time.Millisecond))
		}
		u, b := got[broadcast.PriorityUrgent], got[broadcast.PriorityBulk]
		if share := float64(u) / float64(b); share < 12 || share > 24 {
			l.Errorf("urgent got %d, bulk %d: %.1f to 1, want about 16", u, b, share)
		}
		l.pass(2 * time.Second)
		if b := l.lease(50, 12, broadcast.PriorityBulk); b.N != 12 {
			l.Errorf("%+v, and nobody urgent waits any more", b)
		}
	})
}

func TestWhatThePressingLeaveIsEverybodys(t *testing.T) {
	t.Parallel()
	each(t, func(l ledger) {
		for i := range 5 { // urgent people, but few of them
			l.lease(100, 4, broadcast.PriorityUrgent)
			for _, p := range []broadcast.Priority{broadcast.PriorityNormal, broadcast.PriorityBulk} {
				if got := l.lease(100, 4, p); got.N != 2 {
					l.Errorf("round %d: %+v for %s, though there are free slots", i, got, p)
				}
			}
			l.pass(300 * time.Millisecond)
		}
	})
}

func TestWhoAnswersOnePersonHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	each(t, func(l ledger) {
		for range 3 {
			l.lease(50, 3, broadcast.PriorityUrgent) // no crowd
			if got := l.lease(50, 12, broadcast.PriorityBulk); got.N != 12 {
				l.Errorf("%+v", got)
			}
		}
	})
}

func TestAClockThatWasSetBackHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	each(t, func(l ledger) {
		l.lease(50, 12, broadcast.PriorityUrgent)
		l.pause(2*time.Second, false)
		l.pass(-time.Hour) // the row is an hour ahead of the clock
		read, err := l.ReadBudget(ctx, "connector")
		must(l, err)
		near(l.T, "paused", read.Paused, 2*time.Second, time.Second)
		l.pass(2 * time.Second)
		l.pass(-time.Hour)
		if got := l.lease(50, 12, broadcast.PriorityNormal); got.N != 12 && got.Wait > 3*time.Second || got.First > got.Now+3_000_000 {
			l.Errorf("%+v", got)
		}
		l.pass(-time.Hour)
		near(l.T, "paused", l.pause(3*time.Second, false).Paused, 3*time.Second, time.Second)
	})
}

func TestOtherReplicasAreToldOfAPause(t *testing.T) {
	t.Parallel()
	dsn := storetest.DSN(t, storetest.Postgres)
	st := storetest.Open(t, dsn, nil)
	conn, err := pgx.Connect(ctx, dsn)
	must(t, err)
	defer func() { _ = conn.Close(ctx) }()
	_, err = conn.Exec(ctx, "LISTEN "+budget.Channel)
	must(t, err)
	_, err = st.PauseBudget(ctx, "connector", pace.PauseAsk{For: 7 * time.Second})
	must(t, err)
	within, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	said, err := conn.WaitForNotification(within)
	must(t, err)
	if p, ok := budget.ParsePause(said.Payload); !ok || p.Tenant != storetest.Tenant || p.Family != "connector" || p.For() != 7*time.Second {
		t.Errorf("%q: %+v %v", said.Payload, p, ok)
	}
	for _, payload := range []string{"", "{}", `{"pause":null}`, `{"pause":{"family":"","micros":1}}`, `{"pause":{"family":"a","micros":0}}`, `{"work":1}`, `[`} {
		if p, ok := budget.ParsePause(payload); ok {
			t.Errorf("%q is a pause: %+v", payload, p)
		}
	}
}

func TestABudgetThatCannotBeAskedSaysSo(t *testing.T) {
	t.Parallel()
	each(t, func(l ledger) {
		_, err := l.outside.Exec(`DROP TABLE budgets`)
		must(l, err)
		_, leased := l.LeaseBudget(ctx, pace.SlotAsk{Family: "connector", Rate: 50, Want: 1})
		_, read := l.ReadBudget(ctx, "connector")
		_, paused := l.PauseBudget(ctx, "connector", pace.PauseAsk{For: time.Second})
		_, returned := l.ReturnBudget(ctx, "connector", 1, 2)
		if leased == nil || read == nil || paused == nil || returned == nil {
			l.Errorf("%v, %v, %v, %v", leased, read, paused, returned)
		}
	})
}
