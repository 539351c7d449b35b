package server_test

import (
	"database/sql"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/fanfare/fanfare/store/storetest"
)

// The one clock that counts is the database's (a replica's own is read by nothing
// that is shared: package db). When that jumps, everything remembered is suddenly
// longer ago, or in the future: which is what this does to it.
func TestAClockThatJumpsLosesNobody(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kind string) {
		for _, jump := range []time.Duration{time.Hour, -time.Hour} {
			w := newWorld(t, kind, nil)
			w.env["FANFARE_CONNECTOR_RATE"] = "25"
			w.serve()
			w.rolledOut()
			b := w.sends("In spite of it")
			w.reached(b.ID, 20)
			w.clockJumps(jump)
			b = w.state(b.ID, "sent", "failed")
			w.whole(b)
			w.audits(b, b.Tally.MaybeRepeated)
			if b.Tally.MaybeRepeated > inHand {
				t.Errorf("after %v %d may have got it twice; at most %d were in hand", jump, b.Tally.MaybeRepeated, inHand)
			}
		}
	})
}

// instants are the names of columns that hold moments.
var instants = regexp.MustCompile(`(_at|_until|_turn|_from)$|^(at|not_before|since|seen_to)$`)

// clockJumps moves every moment the database remembers into the past.
func (w *world) clockJumps(by time.Duration) {
	w.t.Helper()
	d := storetest.SQL(w.t, w.env["FANFARE_DATABASE"])
	columns := `SELECT m.name, c.name, lower(c.type) FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'`
	if !strings.HasPrefix(w.env["FANFARE_DATABASE"], "sqlite:") {
		columns = `SELECT c.table_name, c.column_name, c.data_type FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
			WHERE c.table_schema = current_schema() AND t.table_type = 'BASE TABLE' AND c.table_name NOT LIKE 'deliveries\_%'`
	}
	sets := map[string][]string{}
	eachRow(w.t, d, columns, func(table, column, kind string) {
		switch of := fmt.Sprintf("%s = %s ", column, column); {
		case !instants.MatchString(column) || table == "goose_db_version":
		case strings.HasPrefix(kind, "timestamp"): // the engine's
			sets[table] = append(sets[table], of+fmt.Sprintf("- interval '%f seconds'", by.Seconds()))
		case strings.Contains(kind, "int") && table == "budgets":
			sets[table] = append(sets[table], of+fmt.Sprintf("- %d", by.Microseconds()))
		case strings.Contains(kind, "int"):
			sets[table] = append(sets[table], of+fmt.Sprintf("- CASE WHEN %s > 0 THEN %d ELSE 0 END", column, by.Milliseconds()))
		}
	})
	// All tables in one transaction, beside replicas that write them in another order.
	err := moved(d, sets)
	for deadline := time.Now().Add(time.Minute); err != nil && strings.Contains(err.Error(), "40P01") && time.Now().Before(deadline); {
		err = moved(d, sets)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	for _, table := range []string{"deliveries", "chunks", "broadcasts", "budgets"} {
		if len(sets[table]) == 0 {
			w.t.Fatalf("nothing of %s was moved: %v", table, sets)
		}
	}
}

func moved(d *sql.DB, sets map[string][]string) error {
	tx, err := d.Begin()
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	for table, set := range sets {
		if _, err := tx.Exec("UPDATE " + table + " SET " + strings.Join(set, ", ")); err != nil {
			return fmt.Errorf("%s: %w", table, err)
		}
	}
	return tx.Commit()
}

func eachRow(t *testing.T, d *sql.DB, stmt string, f func(a, b, c string)) {
	t.Helper()
	rows, err := d.Query(stmt)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var a, b, c string
		if err := rows.Scan(&a, &b, &c); err != nil {
			t.Fatal(err)
		}
		f(a, b, c)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}
