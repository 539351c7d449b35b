package store_test

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/store"
	"github.com/fanfare/fanfare/store/storetest"
)

// BenchmarkResolve lists everyone and, in turns, puts the same rows into a second
// table with the same indexes the fastest way there is (COPY on PostgreSQL, one
// INSERT … SELECT on SQLite). It reports the medians in people per second, their
// ratio, and how long a page keeps whoever writes addresses waiting:
//
//	FANFARE_TEST_DURABLE=1 FANFARE_BENCH_PEOPLE=1000000 go test ./store -run '^$' -bench Resolve -benchtime 5x -timeout 1h
//
// Half of the people have the bot; FANFARE_BENCH_REACHABLE says how many in a hundred.
func BenchmarkResolve(b *testing.B) {
	people, reachable := envNumber("FANFARE_BENCH_PEOPLE", 20_000), envNumber("FANFARE_BENCH_REACHABLE", 50)
	for _, kind := range storetest.Kinds() {
		b.Run(kind, func(b *testing.B) {
			dsn := storetest.DSN(b, kind)
			st, d := storetest.Open(b, dsn, nil), storetest.SQL(b, dsn)
			organisation(b, dsn, people, people*reachable/100)
			the(d.Exec(`ANALYZE`))(b)
			var listed, copied, first []float64
			for b.Loop() {
				bid, took, page := resolveAll(b, st, people)
				listed, first = append(listed, float64(people)/took.Seconds()), append(first, page.Seconds()*1000)
				copied = append(copied, float64(people)/copyAll(b, dsn, d, bid).Seconds())
			}
			b.ReportMetric(median(listed), "listed/s")
			b.ReportMetric(median(copied), "copied/s")
			b.ReportMetric(median(listed)/median(copied), "ratio")
			b.ReportMetric(median(first), "count+first-page-ms")
		})
	}
}

func envNumber(name string, usual int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return usual
}

func median(all []float64) float64 {
	all = slices.Sorted(slices.Values(all))
	return all[len(all)/2]
}

// resolveAll counts and lists everyone; page is when the first page was there.
func resolveAll(b *testing.B, st *store.Store, people int) (bid broadcast.ID, took, page time.Duration) {
	b.Helper()
	bid = begun(b, st, nil)
	start := time.Now()
	if n := the(st.CountAudience(ctx, bid))(b); n != people {
		b.Fatalf("%d people, want %d", n, people)
	}
	for after := broadcast.EntraID(""); ; {
		after = the(st.ListAudience(ctx, bid, after))(b)
		if page == 0 {
			page = time.Since(start)
		}
		if after == "" {
			break
		}
	}
	took = time.Since(start)
	if y := tally(b, st, bid); y.Total != people {
		b.Fatalf("%+v", y)
	}
	return bid, took, page
}

// copyAll puts a broadcast's deliveries into an empty table of the same form.
func copyAll(b *testing.B, dsn string, d *sql.DB, bid broadcast.ID) time.Duration {
	b.Helper()
	the(d.Exec(`DROP TABLE IF EXISTS copied`))(b)
	if dsn[0] != 'p' {
		return copySQLite(b, d, bid)
	}
	the(d.Exec(`CREATE TABLE copied (LIKE deliveries INCLUDING ALL)`))(b)
	conn := the(pgx.Connect(ctx, dsn))(b)
	defer func() { must(b, conn.Close(ctx)) }()
	file := the(os.Create(filepath.Join(b.TempDir(), "rows")))(b)
	defer func() { must(b, file.Close()) }()
	the(conn.PgConn().CopyTo(ctx, file, `COPY (SELECT * FROM deliveries WHERE broadcast_id = '`+string(bid)+`' ORDER BY id) TO STDOUT`))(b)
	the(file.Seek(0, 0))(b)
	start := time.Now()
	if tag := the(conn.PgConn().CopyFrom(ctx, file, `COPY copied FROM STDIN`))(b); tag.RowsAffected() == 0 {
		b.Fatal("nothing was copied")
	}
	return time.Since(start)
}

func copySQLite(b *testing.B, d *sql.DB, bid broadcast.ID) time.Duration {
	b.Helper()
	the(d.Exec(`CREATE TABLE copied (tenant_id TEXT NOT NULL, id INTEGER PRIMARY KEY AUTOINCREMENT, broadcast_id TEXT NOT NULL, entra_id TEXT NOT NULL, chunk INTEGER NOT NULL, state TEXT NOT NULL,
		reason TEXT NOT NULL, code TEXT NOT NULL, detail TEXT NOT NULL, attempts INTEGER NOT NULL, not_before INTEGER NOT NULL, activity_id TEXT NOT NULL, maybe_sent BOOLEAN NOT NULL, updated_at INTEGER NOT NULL,
		UNIQUE (tenant_id, broadcast_id, entra_id))`))(b)
	for name, on := range map[string]string{
		"page": "tenant_id, broadcast_id", "reason": "tenant_id, broadcast_id, reason) WHERE (reason <> ''",
	} {
		the(d.Exec(fmt.Sprintf(`CREATE INDEX copied_%s ON copied (%s)`, name, on)))(b)
	}
	start := time.Now()
	the(d.Exec(`INSERT INTO copied SELECT * FROM deliveries WHERE broadcast_id = $1 ORDER BY id`, string(bid)))(b)
	return time.Since(start)
}
