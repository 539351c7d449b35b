package store_test

import (
	"database/sql"
	"fmt"
	"maps"
	"regexp"
	"strings"
	"testing"

	"github.com/fanfare/fanfare/store"
	"github.com/fanfare/fanfare/store/storetest"
)

// TestWhatRunsForEveryChunkReadsOnlyTheChunk: on either database, each table is
// entered by an index, and deliveries by a range of their IDs.
func TestWhatRunsForEveryChunkReadsOnlyTheChunk(t *testing.T) {
	t.Parallel()
	for _, kind := range storetest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			st, bid, dsn := benchList(t, kind, 25)
			c := next(t, st, bid, 0)
			d := storetest.SQL(t, dsn)
			d.SetMaxOpenConns(1)
			plan := sqlitePlan
			if kind == storetest.Postgres {
				the(d.Exec(`ANALYZE`))(t)
				plan = postgresPlan
			}
			statements := store.Hot(kind == storetest.Postgres)
			statements["seats"] = store.FreeSeats()
			args := map[string]string{
				"next":    fmt.Sprintf("'%s', '%s', 5", storetest.Tenant, bid),
				"seats":   fmt.Sprintf("'%s', 5", storetest.Tenant),
				"ready":   fmt.Sprintf("'%s', '%s', %d, %d", storetest.Tenant, bid, c.Deliveries[0].ID, c.OpenTo),
				"spoken":  fmt.Sprintf("'%s', '%s', %d, %d ", storetest.Tenant, bid, c.Deliveries[0].ID, c.OpenTo),
				"release": fmt.Sprintf("'%s', '%s', %d, %d, 1", storetest.Tenant, bid, c.Deliveries[0].ID, c.OpenTo),
				"store":   fmt.Sprintf("'%s', '%s', %d, %d, '{1,2,3}'", storetest.Tenant, bid, c.Deliveries[0].ID, c.OpenTo),
			}
			for name := range maps.Keys(statements) {
				for _, line := range plan(t, d, statements[name], args[name]) {
					if bad(line) || name == "next" && strings.Contains(line, "Sort") {
						t.Errorf("%s: %s", name, line)
					}
				}
			}
		})
	}
}

// bad is a line of a plan that reads more than it should.
func bad(line string) bool {
	switch {
	case strings.Contains(line, "Seq Scan"), strings.Contains(line, "TEMP B-TREE"):
		return true
	case strings.HasPrefix(line, "SCAN") && !strings.Contains(line, "due") && !strings.Contains(line, "CONSTANT"):
		return true
	case regexp.MustCompile(`SEARCH d USING`).MatchString(line):
		return !strings.Contains(line, "rowid>? AND rowid<?") && !strings.Contains(line, "PRIMARY KEY (rowid=?)")
	case strings.Contains(line, "Index Cond") && strings.Contains(line, "state = 'ready'"):
		return !strings.Contains(line, "id >=") && !strings.Contains(line, "id = ")
	}
	return false
}

func lines(t *testing.T, rows *sql.Rows, column int) (out []string) {
	t.Helper()
	defer rows.Close()
	names := the(rows.Columns())(t)
	for rows.Next() {
		cells := make([]any, len(names))
		for i := range cells {
			cells[i] = new(string)
		}
		must(t, rows.Scan(cells...))
		out = append(out, *cells[column].(*string))
	}
	must(t, rows.Err())
	return out
}

// postgresPlan is the plan made once for all parameters, which is the worst, as if
// no table were small.
func postgresPlan(t *testing.T, d *sql.DB, stmt, args string) []string {
	t.Helper()
	the(d.Exec(`SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; DEALLOCATE ALL; PREPARE hot AS ` + stmt))(t)
	rows, err := d.Query(`EXPLAIN EXECUTE hot(` + args + `)`)
	must(t, err)
	defer func() { _ = rows.Close() }()
	plan := lines(t, rows, 0)
	must(t, rows.Err())
	return plan
}

func sqlitePlan(t *testing.T, d *sql.DB, stmt, _ string) []string {
	t.Helper()
	stmt = regexp.MustCompile(`\$([0-9])`).ReplaceAllString(stmt, "?$1")
	rows, err := d.Query(`EXPLAIN QUERY PLAN `+stmt, sqliteArgs(stmt)...)
	must(t, err)
	defer func() { _ = rows.Close() }()
	plan := lines(t, rows, 3)
	must(t, rows.Err())
	return plan
}

func sqliteArgs(stmt string) []any {
	most := 0
	for _, m := range regexp.MustCompile(`\?([0-9])`).FindAllStringSubmatch(stmt, -1) {
		most = max(most, int(m[1][0]-'0'))
	}
	return make([]any, most)
}
