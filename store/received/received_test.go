package received_test

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/person"
	"github.com/fanfare/fanfare/fatigue"
	"github.com/fanfare/fanfare/store"
	"github.com/fanfare/fanfare/store/received"
	"github.com/fanfare/fanfare/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

var ctx = context.Background()

func TestLawRowTypesAreTheMigratedColumns(t *testing.T) {
	t.Parallel()
	storetest.RowsAreTables(t, received.Tables(), storetest.Received()...)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// world is an organisation with what it was sent, written as the ledger has it.
type world struct {
	testing.TB
	kind, dsn string
	st        *store.Store
	clock     *storetest.Clock
	sql       *sql.DB
}

func newWorld(t testing.TB, kind string, people int) *world {
	t.Helper()
	w := &world{TB: t, kind: kind, dsn: storetest.DSN(t, kind), clock: storetest.NewClock()}
	w.st = storetest.Open(t, w.dsn, w.clock.Now)
	w.sql = storetest.SQL(t, w.dsn)
	yes, no := true, false
	for from := 0; from < people; from += 5_000 {
		var page []person.Patch
		for n := from; n < min(people, from+5_000); n++ {
			name := fmt.Sprint("Person ", n)
			page = append(page, person.Patch{EntraID: id(n), Name: &name, Enabled: &yes, Licensed: &yes, Guest: &no})
		}
		must(t, w.st.SavePeople(ctx, page, nil))
	}
	return w
}

func id(n int) broadcast.EntraID {
	return broadcast.EntraID(fmt.Sprintf("%08x-0000-4000-8000-000000000000", n))
}

func (w *world) exec(stmt string) {
	w.Helper()
	if _, err := w.sql.Exec(stmt); err != nil {
		w.Fatalf("%v: %s", err, stmt)
	}
}

// delivery is what became of a broadcast at somebody, and when.
type delivery struct {
	to    int
	state broadcast.DeliveryState
	at    time.Time
}

// announce writes a broadcast of a kind and its deliveries; its last move was after
// them.
func (w *world) announce(kind broadcast.BroadcastKind, rows []delivery) broadcast.ID {
	w.Helper()
	now := w.clock.Now()
	b := &broadcast.Broadcast{
		ID: broadcast.NewID(now), Kind: kind, State: broadcast.Draft, Message: broadcast.Message{Title: "News", Body: "News"}, Audience: broadcast.Everyone(),
		Author: broadcast.ActorRef{ID: "ada", Name: "Ada"}, CreatedAt: now, UpdatedAt: now,
	}
	if kind != broadcast.KindAnnouncement {
		b.Target = "none"
	}
	must(w, w.st.Create(ctx, b, broadcast.Move{BroadcastID: b.ID, Event: broadcast.EventCreate, To: broadcast.Draft, By: b.Author, At: now}))
	moved, sent := time.Time{}, 0
	var values []string
	for _, d := range rows {
		if d.at.After(moved) {
			moved = d.at
		}
		if d.state == broadcast.DeliverySent {
			sent++
		}
		values = append(values, fmt.Sprintf("('%s', '%s', '%s', 1, '%s', '', '', '', 0, 0, '', FALSE, %d)", storetest.Tenant, b.ID, id(d.to), d.state, d.at.UnixMilli()))
	}
	for len(values) > 0 {
		n := min(len(values), 5_000)
		w.exec(`INSERT INTO deliveries (tenant_id, broadcast_id, entra_id, chunk, state, reason, code, detail, attempts, not_before, activity_id, maybe_sent, updated_at) VALUES ` + strings.Join(values[:n], ", "))
		values = values[n:]
	}
	w.exec(fmt.Sprintf(`UPDATE broadcasts SET state = 'sent', updated_at = %d WHERE id = '%s'`, moved.UnixMilli(), b.ID))
	w.exec(fmt.Sprintf(`UPDATE tallies SET sent = %d WHERE broadcast_id = '%s'`, sent, b.ID))
	return b.ID
}

// count counts until nothing is left to count.
func (w *world) count() {
	w.Helper()
	w.clock.Pass(time.Hour) // whatever rest there is to keep
	must(w, w.st.CountReceived(ctx, time.Hour))
}

// got is what the ledger says people got: how many people by week and month.
func (w *world) got(a broadcast.Audience) map[[2]int]int {
	w.Helper()
	reach, err := w.st.Reach(ctx, a)
	must(w, err)
	out := map[[2]int]int{}
	for _, g := range reach.Got {
		out[[2]int{g.Week, g.Month}] += g.People
	}
	return out
}

// truth is the same by a GROUP BY over the deliveries.
func (w *world) truth(people int) map[[2]int]int {
	w.Helper()
	day := w.clock.Now().UTC().Truncate(24 * time.Hour)
	rows, err := w.sql.Query(fmt.Sprintf(`SELECT p.entra_id, COALESCE(SUM(CASE WHEN d.updated_at >= %d THEN 1 ELSE 0 END), 0), count(d.entra_id) FROM people p
		LEFT JOIN (SELECT d.entra_id, d.updated_at FROM deliveries d JOIN broadcasts b ON b.id = d.broadcast_id WHERE b.kind = 'announcement' AND d.state = 'sent' AND d.updated_at >= %d) AS d ON d.entra_id = p.entra_id
		GROUP BY 1`, day.AddDate(0, 0, -7).UnixMilli(), day.AddDate(0, 0, -30).UnixMilli()))
	must(w, err)
	defer rows.Close()
	out, n := map[[2]int]int{}, 0
	for rows.Next() {
		var who string
		var k [2]int
		must(w, rows.Scan(&who, &k[0], &k[1]))
		out[k]++
		n++
	}
	must(w, rows.Err())
	if n != people {
		w.Fatalf("%d people", n)
	}
	return out
}

func eachKind(t *testing.T, f func(t *testing.T, kind string)) {
	t.Helper()
	t.Parallel()
	for _, kind := range storetest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			f(t, kind)
		})
	}
}

// TestWhatPeopleGotIsAGroupByOfDeliveries lets random broadcasts of every kind and
// state be sent on random days, and time pass.
func TestWhatPeopleGotIsAGroupByOfDeliveries(t *testing.T) {
	const people = 12
	eachKind(t, func(t *testing.T, kind string) {
		w := newWorld(t, kind, people)
		rapid.Check(t, func(r *rapid.T) {
			for range rapid.IntRange(1, 4).Draw(r, "broadcasts") {
				var rows []delivery
				for n := range people {
					if rapid.Bool().Draw(r, "gets it") {
						ago := time.Duration(rapid.IntRange(0, 40*24).Draw(r, "hours ago")) * time.Hour
						rows = append(rows, delivery{n, rapid.SampledFrom(broadcast.DeliveryStates()).Draw(r, "state"), w.clock.Now().Add(-ago)})
					}
				}
				w.announce(rapid.SampledFrom(broadcast.BroadcastKinds()).Draw(r, "kind"), rows)
			}
			w.clock.Pass(time.Duration(rapid.IntRange(0, 72).Draw(r, "hours pass")) * time.Hour)
			w.count()
			if got, want := w.got(broadcast.Everyone()), w.truth(people); !maps.Equal(got, want) {
				r.Fatalf("counted %v, the deliveries say %v", got, want)
			}
		})
	})
}

func TestCountingGoesOnAfterACrashInAnyPage(t *testing.T) {
	eachKind(t, func(t *testing.T, kind string) {
		const people = 5_000 // three pages
		w := newWorld(t, kind, people)
		var rows []delivery
		for n := range people {
			rows = append(rows, delivery{n, broadcast.DeliverySent, w.clock.Now()})
		}
		w.announce(broadcast.KindAnnouncement, rows)
		for pages := 1; ; pages++ {
			must(t, w.st.CountReceived(ctx, 0)) // a step, and the process is gone
			w.st = storetest.Open(t, w.dsn, w.clock.Now)
			n := w.got(broadcast.Everyone())[[2]int{1, 1}]
			if n == people {
				break
			}
			if pages > 5 {
				t.Fatalf("%d of %d people after %d steps", n, people, pages)
			}
		}
		w.st = storetest.Open(t, w.dsn, w.clock.Now)
		must(t, w.st.CountReceived(ctx, 0)) // the end of the round
		// Who was counted twice by two replicas, or in the middle of a round: the same.
		w.announce(broadcast.KindAnnouncement, rows[:3_000])
		w.clock.Pass(time.Hour)
		other := storetest.Open(t, w.dsn, w.clock.Now)
		for range 6 {
			must(t, w.st.CountReceived(ctx, 0))
			must(t, other.CountReceived(ctx, 0))
		}
		if got := w.got(broadcast.Everyone()); got[[2]int{2, 2}] != 3_000 || got[[2]int{1, 1}] != 2_000 {
			t.Errorf("%v", got)
		}
	})
}

func TestWhatIsOldIsForgottenAsDaysPass(t *testing.T) {
	eachKind(t, func(t *testing.T, kind string) {
		w := newWorld(t, kind, 2)
		w.announce(broadcast.KindAnnouncement, []delivery{{0, broadcast.DeliverySent, w.clock.Now()}})
		for _, step := range []struct {
			days int
			want map[[2]int]int
		}{
			{0, map[[2]int]int{{1, 1}: 1, {0, 0}: 1}}, {6, map[[2]int]int{{1, 1}: 1, {0, 0}: 1}}, {3, map[[2]int]int{{0, 1}: 1, {0, 0}: 1}}, {24, map[[2]int]int{{0, 0}: 2}},
		} {
			w.clock.Pass(time.Duration(step.days) * 24 * time.Hour)
			w.count()
			if got := w.got(broadcast.Everyone()); !maps.Equal(got, step.want) {
				t.Errorf("%d days later: %v, want %v", step.days, got, step.want)
			}
		}
	})
}

// BenchmarkGot measures what an author waits for: everyone got
// something every day.
func BenchmarkGot(b *testing.B) {
	const people, days = 100_000, 30
	for _, kind := range storetest.Kinds() {
		b.Run(kind, func(b *testing.B) {
			w := newWorld(b, kind, people)
			for day := range days {
				rows := make([]delivery, people)
				for n := range rows {
					rows[n] = delivery{n, broadcast.DeliverySent, w.clock.Now().AddDate(0, 0, -day).Add(-time.Duration(rand.N(60)) * time.Second)}
				}
				w.announce(broadcast.KindAnnouncement, rows)
			}
			if kind == storetest.Postgres {
				w.exec(`ANALYZE`)
			}
			began := time.Now()
			must(b, w.st.CountReceived(ctx, 24*time.Hour))
			b.Logf("counting %d people and %d broadcasts: %v", people, days, time.Since(began))
			for b.Loop() {
				began := time.Now()
				reach, err := w.st.Reach(ctx, broadcast.Everyone())
				must(b, err)
				b.Logf("%v: %v", time.Since(began), fatigue.Of(reach.Got, fatigue.Limit{Number: 5, Percent: 10}).Sentences())
			}
		})
	}
}
