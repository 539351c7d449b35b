package bench_test

import (
	"cmp"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fanfare/fanfare/simulator"
	"github.com/fanfare/fanfare/store/storetest"
)

// dialect is how a database counts and writes hexadecimal.
type dialect struct {
	numbers func(from, to int) string // a table with a column n
	hex     func(number string, width int) string
	padded  func(number string, width int) string
	columns string // name, type, and whether a value must be given, of table $1
	settled []string
}

var postgresWords = dialect{
	numbers: func(from, to int) string { return fmt.Sprintf("generate_series(%d::bigint, %d) AS n", from, to) },
	hex:     func(number string, width int) string { return fmt.Sprintf("lpad(to_hex(%s), %d, '0')", number, width) },
	padded: func(number string, width int) string {
		return fmt.Sprintf("lpad(CAST(%s AS text), %d, '0')", number, width)
	},
	columns: `SELECT column_name, data_type, is_nullable = 'NO' AND column_default IS NULL AND is_generated = 'NEVER' AND is_identity = 'NO'
		FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = $1 ORDER BY ordinal_position`,
	settled: []string{`VACUUM ANALYZE`, `CHECKPOINT`},
}

var sqliteWords = dialect{
	numbers: func(from, to int) string {
		return fmt.Sprintf("(WITH RECURSIVE c(n) AS (SELECT %d UNION ALL SELECT n + 1 FROM c WHERE n < %d) SELECT n FROM c)", from, to)
	},
	hex:     func(number string, width int) string { return fmt.Sprintf("printf('%%0%dx', %s)", width, number) },
	padded:  func(number string, width int) string { return fmt.Sprintf("printf('%%0%dd', %s)", width, number) },
	columns: `SELECT name, lower(type), "notnull" AND dflt_value IS NULL AND hidden = 0 FROM pragma_table_xinfo($1)`,
	settled: []string{`PRAGMA wal_checkpoint(TRUNCATE)`},
}

func wordsOf(kind string) dialect {
	if kind == storetest.Postgres {
		return postgresWords
	}
	return sqliteWords
}

// entraID is person n's, as scattered as real ones are.
func (d dialect) entraID() string {
	return d.hex("(n * 2654435761) % 4294967296", 8) + ` || '-0000-4000-8000-' || ` + d.hex("n", 12)
}

// seedRound is later than any reading of the directory: who is seeded stays.
const seedRound = 1_000_000_000

// seedPeople makes people 1 to n known, with the bot, and addresses at the sink.
func seedPeople(t testing.TB, db *sql.DB, kind, serviceURL string, n int) {
	t.Helper()
	d := wordsOf(kind)
	yesterday := fmt.Sprint(time.Now().Add(-24 * time.Hour).UnixMilli())
	seed(t, db, d, "people", d.numbers(1, n), map[string]string{
		"entra_id": d.entraID(), "name": "'Person ' || n", "upn": "'person' || n || '@contoso.example'",
		"enabled": "TRUE", "licensed": "TRUE", "round": fmt.Sprint(seedRound), "updated_at": yesterday,
	})
	seed(t, db, d, "installations", d.numbers(1, n), map[string]string{
		"entra_id": d.entraID(), "state": "'installed'", "service_url": "'" + serviceURL + "'",
		"conversation_id": "'a:1fanfare' || " + d.padded("n", 70), "channel_account_id": "'29:1' || " + d.padded("n", 60), "updated_at": yesterday,
	})
	settle(t, db, d)
}

// settle puts the seed where a database of yesterday would have it.
func settle(t testing.TB, db *sql.DB, d dialect) {
	t.Helper()
	for _, stmt := range d.settled {
		execute(t, db, stmt)
	}
}

// seed inserts a row for each n. Columns that are not given, and have no value of
// their own, are empty: the tables may grow.
func seed(t testing.TB, db *sql.DB, d dialect, table, numbers string, given map[string]string) {
	t.Helper()
	given["tenant_id"] = "'" + simulator.DefaultTenantID + "'"
	rows, err := db.Query(d.columns, table)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var names, values []string
	for rows.Next() {
		var name, kind string
		var needed bool
		if err := rows.Scan(&name, &kind, &needed); err != nil {
			t.Fatal(err)
		}
		if value := cmp.Or(given[name], empty(kind, needed)); value != "" {
			names, values = append(names, name), append(values, value)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	for name := range given {
		if !slices.Contains(names, name) {
			t.Fatalf("%s has no column %s", table, name)
		}
	}
	execute(t, db, "INSERT INTO "+table+" ("+strings.Join(names, ", ")+") SELECT "+strings.Join(values, ", ")+" FROM "+numbers)
}

// empty is the least a column of a type must hold.
func empty(kind string, needed bool) string {
	switch {
	case !needed:
		return ""
	case kind == "boolean":
		return "FALSE"
	case strings.Contains(kind, "int"):
		return "0"
	}
	return "''"
}

func execute(t testing.TB, db *sql.DB, stmt string, args ...any) {
	t.Helper()
	if _, err := db.Exec(stmt, args...); err != nil {
		t.Fatalf("%.200s: %v", stmt, err)
	}
}

// ask reads one number.
func ask(t testing.TB, db *sql.DB, query string, args ...any) (n int) {
	t.Helper()
	if err := db.QueryRow(query, args...).Scan(&n); err != nil {
		t.Fatalf("%.200s: %v", query, err)
	}
	return n
}
