package storetest

import (
	"database/sql"
	"slices"
	"strings"
	"sync"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"       // database/sql's "pgx"
	_ "github.com/ncruces/go-sqlite3/driver" // database/sql's "sqlite3"
	"gorm.io/gorm/schema"
)

// Census are the tables of package census.
func Census() []string {
	return []string{"people", "people_words", "directory_cursors", "installations", "audience_sets", "audience_members"}
}

// Budget are the tables of package budget.
func Budget() []string { return []string{"budgets"} }

// Doors are the tables of package doors.
func Doors() []string { return []string{"inbox", "sessions", "api_keys"} }

// Lists are the tables of package lists.
func Lists() []string { return []string{"lists", "list_rows", "saved_audiences"} }

// Who are the tables of package who.
func Who() []string { return []string{"installation_moves"} }

// Places are the tables of package places.
func Places() []string {
	return []string{"places", "channels", "accounts", "rosters", "roster_reads", "team_arrivals"}
}

// Scopes are the tables of package scopes.
func Scopes() []string { return []string{"scopes", "scope_changes", "scope_vouchers"} }

// Received are the tables of package received.
func Received() []string { return []string{"received", "received_rounds"} }

// Rings are the tables of package rings.
func Rings() []string {
	return []string{"rollouts", "rollout_moves", "rings", "ring_people", "rollout_samples"}
}

// Upkeep are the tables of package upkeep.
func Upkeep() []string {
	return []string{"upkeep", "upkeep_passes", "upkeep_findings", "tended", "upkeep_moves"}
}

// Joins are the tables of package join.
func Joins() []string { return []string{"joins"} }

// RowsAreTables fails the test unless the row types are those of the tables, one
// each, with the migrated columns. What is nobody else's above is the store's
// to test, so no table goes without.
func RowsAreTables(t testing.TB, rows []any, tables ...string) {
	t.Helper()
	dsn := DSN(t, SQLite)
	Open(t, dsn, nil)
	columns := Columns(t, dsn)
	var found []string
	for _, row := range rows {
		parsed, err := schema.Parse(row, &sync.Map{}, schema.NamingStrategy{})
		if err != nil {
			t.Fatal(err)
		}
		want, got := slices.Sorted(slices.Values(columns[parsed.Table])), slices.Sorted(slices.Values(parsed.DBNames))
		if !slices.Equal(want, got) {
			t.Errorf("table %s has the columns %v and the row type %v", parsed.Table, want, got)
		}
		found = append(found, parsed.Table)
	}
	slices.Sort(found)
	if want := slices.Sorted(slices.Values(tables)); !slices.Equal(found, want) {
		t.Errorf("there are row types for %v, want %v", found, want)
	}
}

// SQL opens a database of ours beside the store, for tests that look at it from
// outside or break it on purpose.
func SQL(t testing.TB, dsn string) *sql.DB {
	t.Helper()
	driver, name := "pgx", dsn
	if file, ok := strings.CutPrefix(dsn, "sqlite:"); ok {
		driver, name = "sqlite3", "file:"+file
	}
	db, err := sql.Open(driver, name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// Columns are the columns of each table of a migrated database.
func Columns(t testing.TB, dsn string) map[string][]string {
	t.Helper()
	// A partition has its table's columns.
	query := `SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema()
		AND table_name NOT IN (SELECT relname FROM pg_class WHERE relispartition) ORDER BY table_name, ordinal_position`
	if strings.HasPrefix(dsn, "sqlite:") {
		query = `SELECT m.name, c.name FROM sqlite_master m JOIN pragma_table_xinfo(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' ORDER BY m.name, c.cid`
	}
	rows, err := SQL(t, dsn).Query(query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns := map[string][]string{}
	for rows.Next() {
		var table, column string
		if err := rows.Scan(&table, &column); err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(table, "goose_") {
			columns[table] = append(columns[table], column)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return columns
}
