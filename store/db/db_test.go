package db_test

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/stdlib"
	"pgregory.net/rapid"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/store"
	"github.com/fanfare/fanfare/store/db"
	"github.com/fanfare/fanfare/store/storetest"
)

func TestMain(m *testing.M) {
	if dsn := os.Getenv(holdEnv); dsn != "" {
		hold(dsn)
		return
	}
	os.Exit(storetest.Main(m))
}

var ctx = context.Background()

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func open(t testing.TB, dsn string) *db.DB {
	t.Helper()
	d, err := db.Open(ctx, db.Options{DSN: dsn, TenantID: "t"})
	must(t, err)
	t.Cleanup(func() { must(t, d.Close()) })
	return d
}

// each runs a test on a migrated database of each kind.
func each(t *testing.T, f func(t *testing.T, d *db.DB, dsn string)) {
	for _, kind := range storetest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			dsn := storetest.DSN(t, kind)
			d := open(t, dsn)
			must(t, d.Migrate(ctx))
			f(t, d, dsn)
		})
	}
}

func TestAnAddressThatLeadsNowhereSaysSoWithoutItsSecret(t *testing.T) {
	t.Parallel()
	for dsn, want := range map[string]string{
		"":                           "must be postgres://",
		"mysql://u:hunter2@h/db":     "must be postgres://",
		"postgres://u:hunter2@h:x/d": "cannot be read",
		"postgres://u:hunter2@127.0.0.1:1/d?connect_timeout=2": "cannot be reached",
		"sqlite:":                             "no file named",
		"sqlite:/nowhere/at/all/hunter.db":    "cannot be opened",
		"host=localhost password=hunter2 x=y": "must be postgres://",
	} {
		_, err := db.Open(ctx, db.Options{DSN: dsn, TenantID: "t"})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v, want it to say %q", dsn, err, want)
		}
	}
	if _, err := db.Open(ctx, db.Options{DSN: "sqlite::memory:"}); err == nil {
		t.Error("opened for nobody's tenant")
	}
}

func TestSQLiteTakesAnyFileNameAndMemory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"plain.db", "with space.db", "odd?mode=ro#x%20.db", "ärger.db"} {
		file := filepath.Join(dir, name)
		d := open(t, "sqlite:"+file)
		must(t, d.Migrate(ctx))
		must(t, d.Ping(ctx))
		if _, err := os.Stat(file); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	d := open(t, "sqlite::memory:")
	must(t, d.Migrate(ctx))
	var wg sync.WaitGroup
	for range 4 { // one connection serves them all
		wg.Go(func() {
			err := d.Write(ctx, func(x *db.Tx) error {
				_, err := x.Exec(`UPDATE tallies SET sent = 0 WHERE tenant_id = @tenant `, nil)
				return err
			})
			var n int
			if _, err2 := d.Read(ctx).Scan(&n, `SELECT count(*) FROM people`, nil); err != nil || err2 != nil {
				t.Error(err, err2)
			}
		})
	}
	wg.Wait()
}

func TestTheEmbeddedDatabaseKeepsWhatItHasPromised(t *testing.T) {
	t.Parallel()
	d := open(t, storetest.DSN(t, storetest.SQLite))
	for handle, x := range map[string]*db.Tx{"writer": d.Alone(ctx), "reader": d.Read(ctx)} {
		for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "busy_timeout": "10000"} {
			var got string
			if _, err := x.Scan(&got, "PRAGMA "+pragma, nil); err != nil || got != want {
				t.Errorf("%s: %s is %q %v, want %q", handle, pragma, got, err, want)
			}
		}
	}
	if _, err := d.Read(ctx).Exec(`CREATE TABLE x (y)`, nil); err == nil {
		t.Error("a reader could write")
	}
}

// A connection closed with its prepared statements is leaked with its open file, and
// what is done to it later races with its end. A temporary table lives as long as its
// connection.
func TestAWriteGivenUpCostsNoConnection(t *testing.T) {
	t.Parallel()
	d := open(t, storetest.DSN(t, storetest.SQLite))
	must(t, d.Migrate(ctx))
	must(t, d.Write(ctx, func(x *db.Tx) error { _, err := x.Exec(`CREATE TEMP TABLE mark (n INTEGER)`, nil); return err }))
	for _, last := range []error{nil, errors.New("no")} {
		given, up := context.WithCancel(ctx)
		err := d.Write(given, func(x *db.Tx) error {
			if _, err := x.Do(`INSERT INTO mark VALUES (1)`); err != nil {
				return err
			}
			up()
			time.Sleep(50 * time.Millisecond) // for whoever watches the context and acts by itself
			return last
		})
		if !errors.Is(err, cmp.Or(last, context.Canceled)) {
			t.Errorf("a write given up said %v", err)
		}
	}
	var marks int
	must(t, d.Write(ctx, func(x *db.Tx) error { _, err := x.Scan(&marks, `SELECT count(*) FROM mark`, nil); return err }))
	if marks != 0 {
		t.Errorf("%d rows of writes given up stayed", marks)
	}
}

// jobs stands for the engine's job, written on the ledger's own connection.
func jobs(conn *sql.Conn, n int) error {
	return conn.Raw(func(driver any) error {
		pg := driver.(*stdlib.Conn).Conn()
		if pg.PgConn().TxStatus() != 'T' {
			return errors.New("no transaction is open")
		}
		_, err := pg.Exec(ctx, `INSERT INTO jobs SELECT generate_series(1, $1)`, n)
		return err
	})
}

// TestLedgerAndJobsAreStoredTogether is house section 6: one pool serves GORM and
// River, and what one writes is committed or rolled back with the other's.
func TestLedgerAndJobsAreStoredTogether(t *testing.T) {
	t.Parallel()
	dsn := storetest.DSN(t, storetest.Postgres)
	d := open(t, dsn)
	must(t, d.Migrate(ctx))
	outside := storetest.SQL(t, dsn)
	_, err := outside.Exec(`CREATE TABLE jobs (n int)`)
	must(t, err)
	broken := errors.New("broken")
	var fail error
	d.HandOutInTx(func(ctx context.Context, conn *sql.Conn, works []broadcast.Work) error {
		return errors.Join(jobs(conn, len(works)), fail)
	})
	rows := func() (ledger, queue int) {
		must(t, outside.QueryRow(`SELECT (SELECT count(*) FROM rollouts), (SELECT count(*) FROM jobs)`).Scan(&ledger, &queue))
		return ledger, queue
	}
	save := func(tenant string, after error) error {
		return d.Write(ctx, func(x *db.Tx) error {
			_, err := x.Exec(`INSERT INTO rollouts (tenant_id, state, by_id, by_name, changed_at) VALUES (@other , 'idle', '', '', 0)`, db.Args{"other": tenant})
			x.HandOut(broadcast.Work{Kind: broadcast.KindSweep}, broadcast.Work{Kind: broadcast.KindSweep}, broadcast.Work{Kind: broadcast.KindClean})
			return errors.Join(err, after)
		})
	}
	must(t, save("a", nil))
	if l, q := rows(); l != 1 || q != 2 {
		t.Fatalf("%d rows and %d jobs after a commit, want 1 and 2 (equal work once)", l, q)
	}
	if err := save("b", broken); !errors.Is(err, broken) {
		t.Fatal(err)
	}
	fail = broken
	if err := save("c", nil); !errors.Is(err, broken) {
		t.Fatal(err)
	}
	fail = nil
	if err := save("a", nil); err == nil { // the ledger itself refuses
		t.Fatal("stored twice")
	}
	if l, q := rows(); l != 1 || q != 2 {
		t.Fatalf("%d rows and %d jobs after what failed, want 1 and 2", l, q)
	}
	must(t, save("d", nil)) // the connections are fit for use
	if l, q := rows(); l != 2 || q != 4 {
		t.Fatalf("%d rows and %d jobs", l, q)
	}
}

func TestWorkIsHandedOutOnlyAfterTheCommit(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *db.DB, _ string) {
		var handed []broadcast.Work
		d.HandOutAfterCommit(func(_ context.Context, works []broadcast.Work) { handed = append(handed, works...) })
		broken := errors.New("broken")
		work := broadcast.Work{Kind: broadcast.KindSweep}
		if err := d.Write(ctx, func(x *db.Tx) error { x.HandOut(work); return broken }); !errors.Is(err, broken) || len(handed) > 0 {
			t.Fatalf("%v, handed out %v", err, handed)
		}
		must(t, d.Write(ctx, func(x *db.Tx) error { x.HandOut(work); return nil }))
		if !slices.Equal(handed, []broadcast.Work{work}) {
			t.Fatalf("handed out %v", handed)
		}
	})
}

func TestAWriteThatPanicsOrIsCancelledLeavesNothing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *db.DB, _ string) {
		insert := func(x *db.Tx) error {
			_, err := x.Exec(`INSERT INTO rollouts (tenant_id, state, by_id, by_name, changed_at) VALUES (@tenant , 'idle', '', '', 0)`, nil)
			return err
		}
		func() {
			defer func() { _ = recover() }()
			_ = d.Write(ctx, func(x *db.Tx) error { must(t, insert(x)); panic("bug") })
		}()
		for range 30 { // more than there are connections: none may be lost
			stopped, cancel := context.WithCancel(ctx)
			err := d.Write(stopped, func(x *db.Tx) error { must(t, insert(x)); cancel(); return nil })
			if err == nil {
				t.Fatal("committed though it was cancelled")
			}
		}
		var n int
		_, err := d.Read(ctx).Scan(&n, `SELECT count(*) FROM rollouts`, nil)
		must(t, err)
		if n != 0 {
			t.Fatalf("%d rows left", n)
		}
		must(t, d.Write(ctx, insert))
	})
}

// TestADeadlockIsTriedAgain: the database ends one of two transactions that wait
// for each other; its caller does not notice.
func TestADeadlockIsTriedAgain(t *testing.T) {
	t.Parallel()
	d := open(t, storetest.DSN(t, storetest.Postgres))
	must(t, d.Migrate(ctx))
	for _, family := range []string{"a", "b"} {
		_, err := d.Alone(ctx).Exec(`INSERT INTO rollouts (tenant_id, state, by_id, by_name, changed_at) VALUES (@family , 'idle', '', '', 0)`, db.Args{"family": family})
		must(t, err)
	}
	var both, wg sync.WaitGroup
	both.Add(2)
	tries := make([]int, 2)
	for i, order := range [][]string{{"a", "b"}, {"b", "a"}} {
		wg.Go(func() {
			err := d.Write(ctx, func(x *db.Tx) error {
				for n, family := range order {
					if _, err := x.Exec(`UPDATE rollouts SET changed_at = changed_at + 1 WHERE tenant_id = @family `, db.Args{"family": family}); err != nil {
						return err
					}
					if n == 0 && tries[i] == 0 {
						tries[i]++
						both.Done()
						both.Wait() // each holds one row, and wants the other's
					}
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	var sum int
	_, err := d.Read(ctx).Scan(&sum, `SELECT CAST(SUM(changed_at) AS bigint) FROM rollouts`, nil)
	must(t, err)
	if sum != 4 {
		t.Fatalf("%d updates, want 4", sum)
	}
}

func TestReplicasMayMigrateAtTheSameTime(t *testing.T) {
	t.Parallel()
	for _, kind := range storetest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			dsn := storetest.DSN(t, kind)
			if kind == storetest.Postgres { // those of DSN are migrated already
				_, err := storetest.SQL(t, dsn).Exec(`DROP SCHEMA public CASCADE; CREATE SCHEMA public`)
				must(t, err)
			}
			if err := open(t, dsn).Migrated(ctx); err == nil || !strings.Contains(err.Error(), "is empty: run “fanfare migrate” first") {
				t.Fatalf("an empty database: %v", err)
			}
			var wg sync.WaitGroup
			for range 4 {
				d := open(t, dsn)
				wg.Go(func() {
					if err := d.Migrate(ctx); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			must(t, open(t, dsn).Migrated(ctx))
		})
	}
}

func TestAnOlderOrNewerDatabaseIsRefusedInWords(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *db.DB, dsn string) {
		outside := storetest.SQL(t, dsn)
		_, err := outside.Exec(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, TRUE)`)
		must(t, err)
		if err := d.Migrated(ctx); err == nil || !strings.Contains(err.Error(), "at version 9999 and this program knows only version") {
			t.Errorf("newer: %v", err)
		}
		_, err = outside.Exec(`DELETE FROM goose_db_version WHERE version_id > 1`)
		must(t, err)
		if err := d.Migrated(ctx); err == nil || !strings.Contains(err.Error(), "at version 1 and this program needs version") {
			t.Errorf("older: %v", err)
		}
	})
}

func TestCleanTextCanBeStored(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		raw := string(rapid.SliceOf(rapid.Byte()).Draw(r, "bytes"))
		limit := rapid.IntRange(1, 20).Draw(r, "limit")
		got := db.Clean(raw, limit)
		if !utf8.ValidString(got) || strings.ContainsRune(got, 0) || utf8.RuneCountInString(got) > limit {
			r.Fatalf("%q became %q", raw, got)
		}
		if all := db.Clean(raw, 0); utf8.ValidString(raw) && !strings.ContainsRune(raw, 0) && all != raw {
			r.Fatalf("%q became %q", raw, all)
		}
	})
	for _, moment := range []time.Time{{}, time.UnixMilli(1).UTC(), time.UnixMilli(1_800_000_000_123).UTC()} {
		if got := db.Moment(db.Millis(moment)); !got.Equal(moment) {
			t.Errorf("%v became %v", moment, got)
		}
	}
}

func TestAStoreWithoutItsDatabaseSaysSo(t *testing.T) {
	t.Parallel()
	st, err := store.Open(ctx, store.Options{DSN: storetest.DSN(t, storetest.SQLite), TenantID: "t"})
	must(t, err)
	must(t, st.Close())
	if err := st.Ping(ctx); err == nil || !strings.Contains(err.Error(), "does not answer") {
		t.Fatal(err)
	}
}
