package bench_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/fanfare/fanfare/store/storetest"
)

const (
	rowRate     = "rows/s"
	resolved    = "resolved+"
	copied      = "copied+"
	listTimeout = 10 * time.Minute
)

var resolvePart = part{
	name: "Resolve",
	about: `Known people become deliveries: from the click on Send until everybody is on the list, while the budget lets one message
a second through. Beside it the same rows, put into a table of the same form (indexes, fillfactor) by COPY (PostgreSQL) or one
INSERT … SELECT (SQLite). CPU is that of the server and its database.`,
	ratios: []ratio{
		{resolved + storetest.Postgres, copied + storetest.Postgres, rowRate, "≥ 0.5"},
		{resolved + storetest.SQLite, copied + storetest.SQLite, rowRate, ""},
	},
	run: func(t *testing.T, b *bench) {
		people := number(t, "FANFARE_BENCH_PEOPLE", 1_000_000)
		for round := range rounds(t, 3) {
			for _, kind := range storetest.Kinds() {
				t.Run(fmt.Sprintf("%d/%s", round+1, kind), func(t *testing.T) {
					d := newDatabase(t, kind)
					p := newProduct(t, d, people, b, map[string]string{"FANFARE_CONNECTOR_RATE": "1"})
					b.add(resolved+kind, people, p.resolve(b, people)...)
					p.replicas[0].end()
					b.add(copied+kind, people, copyRows(t, b, d, people)...)
				})
			}
		}
	},
}

// resolve starts the product, sends, and waits for the list.
func (p *product) resolve(b *bench, people int) []value {
	p.t.Helper()
	own := p.start()
	b.sink.reset(p.t, sinkSettings{People: people})
	one := p.approved(false)
	clock := b.clock(p.t, p.cpu, p.server)
	p.send(&one)
	awaitFor(p.t, listTimeout, "everybody is on the list", func() bool {
		return people == ask(p.t, p.db, `SELECT COALESCE(SUM(pending + ready + sent + failed + skipped), 0) FROM tallies WHERE broadcast_id = $1`, one.ID)
	})
	k := clock.stop()
	if n := ask(p.t, p.db, `SELECT count(*) FROM deliveries WHERE broadcast_id = $1`, one.ID); n != people {
		p.t.Fatalf("%d of %d people are on the list", n, people)
	}
	return append(rowValues(people, k.whole, k.contender+k.database), value{peak, own.peakMB()})
}

func rowValues(rows int, whole, used time.Duration) []value {
	return []value{
		{"ns/op", float64(whole.Nanoseconds()) / float64(rows)},
		{rowRate, float64(rows) / whole.Seconds()},
		{"cpu-us/row", float64(used.Microseconds()) / float64(rows)},
		{"whole-s", whole.Seconds()},
	}
}

// copyRows puts all deliveries into a second table the fastest way there is.
func copyRows(t testing.TB, b *bench, d database, people int) []value {
	t.Helper()
	var clock *clock
	self := func() time.Duration { return cpu(t, os.Getpid()) }
	if d.kind == storetest.SQLite {
		for _, stmt := range sqliteTwin(t, d) {
			execute(t, d.db, stmt)
		}
		clock = b.clock(t, self, 0)
		execute(t, d.db, `INSERT INTO twin SELECT * FROM deliveries`)
		k := clock.stop()
		return rowValues(people, k.whole, k.contender)
	}
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, d.dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	file, err := os.Create(filepath.Join(t.TempDir(), "rows"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := conn.PgConn().CopyTo(ctx, file, `COPY (SELECT * FROM deliveries ORDER BY id) TO STDOUT`); err != nil {
		t.Fatal(err)
	}
	if _, err := file.Seek(0, 0); err != nil {
		t.Fatal(err)
	}
	for _, stmt := range []string{`CREATE TABLE twin (LIKE deliveries INCLUDING ALL) WITH (fillfactor = 45)`, `CHECKPOINT`} {
		execute(t, d.db, stmt)
	}
	clock = b.clock(t, func() time.Duration { return 0 }, d.server)
	got, err := conn.PgConn().CopyFrom(ctx, file, `COPY twin FROM STDIN`)
	k := clock.stop()
	if err != nil || got.RowsAffected() != int64(people) {
		t.Fatalf("%d rows of %d: %v", got.RowsAffected(), people, err)
	}
	return rowValues(people, k.whole, k.database)
}

// sqliteTwin is what makes a table like deliveries, with its indexes.
func sqliteTwin(t testing.TB, d database) []string {
	t.Helper()
	rows, err := d.db.Query(`SELECT sql FROM sqlite_master WHERE tbl_name = 'deliveries' AND sql IS NOT NULL ORDER BY type DESC`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var stmt string
		if err := rows.Scan(&stmt); err != nil {
			t.Fatal(err)
		}
		all = append(all, strings.ReplaceAll(stmt, "deliveries", "twin"))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return append(all, `PRAGMA wal_checkpoint(TRUNCATE)`)
}
