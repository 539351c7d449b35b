package bench_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/fanfare/fanfare/store/storetest"
)

const (
	amongOld = "among-old"
	alone    = "alone"
)

var oldPart = part{
	name: "Old",
	about: `Does what lies in the ledger from old broadcasts slow a new one? The same send on a PostgreSQL with FANFARE_BENCH_OLD
million deliveries of finished broadcasts, and on one without, in turns.`,
	ratios: []ratio{{amongOld, alone, rate, "≥ 0.95"}, {amongOld, alone, cpuAll, ""}, {amongOld, alone, first, ""}},
	run: func(t *testing.T, b *bench) {
		old := number(t, "FANFARE_BENCH_OLD", 0)
		if old == 0 {
			t.Log("FANFARE_BENCH_OLD says how many million old deliveries there shall be; it is 0")
			return
		}
		people := number(t, "FANFARE_BENCH_PEOPLE", 100_000)
		stages := map[string]*product{}
		for _, name := range []string{amongOld, alone} {
			d := newDatabase(t, storetest.Postgres)
			p := newProduct(t, d, people, b, nil)
			if name == amongOld {
				seedOld(t, d, old)
			}
			p.start()
			stages[name] = p
		}
		for range rounds(t, 6) {
			for _, name := range []string{amongOld, alone} {
				execute(t, stages[name].db, `CHECKPOINT`)
				b.add(name, people, stages[name].fanout(b, people, false).values(people)...)
			}
		}
	},
}

// seedOld makes finished broadcasts to a million people each.
func seedOld(t testing.TB, d database, millions int) {
	t.Helper()
	const each, chunk = 1_000_000, 200
	lastWeek := fmt.Sprint(time.Now().Add(-7 * 24 * time.Hour).UnixMilli())
	for i := range millions {
		id := fmt.Sprintf("'01900000-%04x-7000-8000-000000000000'", i)
		seed(t, d.db, postgresWords, "broadcasts", postgresWords.numbers(1, 1), map[string]string{
			"id": id, "state": "'sent'", "revision": "9", "message": "'{}'", "audience": "'{}'", "editors": "'[]'",
			"created_at": lastWeek, "updated_at": lastWeek, "started_at": lastWeek, "listed_at": lastWeek, "finished_at": lastWeek,
		})
		seed(t, d.db, postgresWords, "tallies", postgresWords.numbers(1, 1), map[string]string{"broadcast_id": id, "sent": fmt.Sprint(each)})
		first := fmt.Sprintf("(%d + (n - 1) * %d)", i*each+1, chunk)
		seed(t, d.db, postgresWords, "chunks", postgresWords.numbers(1, each/chunk), map[string]string{
			"broadcast_id": id, "number": "n", "first_id": first, "last_id": first + fmt.Sprintf("+ %d", chunk-1), "fence": "1",
		})
		seed(t, d.db, postgresWords, "deliveries", postgresWords.numbers(1, each), map[string]string{
			"broadcast_id": id, "entra_id": postgresWords.entraID(), "chunk": fmt.Sprintf("(n - 1) / %d + 1", chunk), "state": "'sent'",
			"attempts": "1", "activity_id": "'17' || " + postgresWords.padded("n", 11), "updated_at": lastWeek,
		})
	}
	settle(t, d.db, postgresWords)
}
