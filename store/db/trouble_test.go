package db_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fanfare/fanfare/store/db"
	"github.com/fanfare/fanfare/store/storetest"
)

// eventually waits until f is true.
func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !f(); {
		if time.Now().After(end) {
			t.Fatal("never: " + what)
		}
		<-time.After(5 * time.Millisecond)
	}
}

func TestTheClockIsTheDatabasesWhateverOursSays(t *testing.T) {
	t.Parallel()
	began, theirs := time.Now(), time.Date(2031, 5, 1, 12, 0, 0, 0, time.UTC)
	var c db.Clock
	shows := func(want time.Time) {
		t.Helper()
		// It goes on by our steady clock.
		if got, want := c.Now(), want.Add(time.Since(began)); got.Sub(want).Abs() > 50*time.Millisecond {
			t.Fatalf("shows %v, want %v", got, want)
		}
	}
	if !c.Read(began, theirs) {
		t.Fatal("the first reading is right by itself")
	}
	shows(theirs)
	if !c.Read(began, theirs.Add(3*time.Second)) {
		t.Fatal("a small correction is made at once")
	}
	shows(theirs.Add(3 * time.Second))
	// Somebody sets the database's clock: no lease may run out by that.
	for step := 1; step <= 2; step++ {
		if c.Read(began, theirs.Add(28*time.Second)) != (step == 3) {
			t.Fatalf("step %d", step)
		}
		shows(theirs.Add(3*time.Second + time.Duration(step)*10*time.Second))
	}
	if !c.Read(began, theirs.Add(28*time.Second)) {
		t.Fatal("not caught up")
	}
	shows(theirs.Add(28 * time.Second))
	for range 3 {
		c.Read(began, theirs)
	}
	shows(theirs)
}

func TestReplicasAgreeOnTheTime(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *db.DB, dsn string) {
		other := open(t, dsn)
		if off := d.Now().Sub(other.Now()).Abs(); off > time.Second {
			t.Fatalf("they are %v apart", off)
		}
		if off := time.Since(d.Now()).Abs(); off > time.Second {
			t.Fatalf("the database is on this machine, and %v away from it", off)
		}
	})
}

// holdEnv makes this program a process that opens a database and waits.
const holdEnv = "FANFARE_TEST_HOLD"

func hold(dsn string) {
	d, err := db.Open(ctx, db.Options{DSN: dsn, TenantID: "t"})
	fmt.Println("open:", err)
	if err == nil {
		_, _ = io.Copy(io.Discard, os.Stdin)
		_ = d.Close()
	}
}

func TestASQLiteFileServesOneProcess(t *testing.T) {
	t.Parallel()
	dsn := storetest.DSN(t, storetest.SQLite)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), holdEnv+"="+dsn)
	stdin, err := cmd.StdinPipe()
	must(t, err)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	if must(t, err); line != "open: <nil>\n" {
		t.Fatal(line)
	}
	_, err = db.Open(ctx, db.Options{DSN: dsn, TenantID: "t"})
	if err == nil || !strings.Contains(err.Error(), "another Fanfare process") {
		t.Fatalf("%v, want to be told of the other process", err)
	}
	must(t, cmd.Process.Kill()) // it lets go however it ends
	_ = cmd.Wait()
	_ = stdin.Close()
	d := open(t, dsn)
	if !d.AloneOnFile() {
		t.Error("whatever it had in hand is in nobody's hands, and it is not known")
	}
	if second := open(t, dsn); second.AloneOnFile() {
		t.Error("this process has the file open already")
	}
}

func TestAFullDatabaseSaysSoAndGoesOn(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "full.db")
	d := open(t, "sqlite:"+file+"?max_page_count=60")
	write := func(stmt string) error {
		return d.Write(ctx, func(t *db.Tx) error {
			_, err := t.Do(stmt)
			return err
		})
	}
	must(t, write(`CREATE TABLE x (b BLOB)`))
	must(t, write(`CREATE TABLE y (b BLOB)`))
	insert := `INSERT INTO x VALUES (zeroblob(20000))`
	var err error
	for range 100 {
		if err = write(insert); err != nil {
			break
		}
	}
	if !errors.Is(err, db.ErrFull) || db.Unreachable(err) {
		t.Fatalf("%v, want it to be full", err)
	}
	if _, err := d.Alone(ctx).Exec(insert, nil); !errors.Is(err, db.ErrFull) {
		t.Fatalf("%v, want it to be full", err)
	}
	if err := d.Ping(ctx); err == nil || !strings.Contains(err.Error(), "no space left") {
		t.Fatalf("%v, want the operator to be told", err)
	}
	var n int
	if _, err := d.Read(ctx).Scan(&n, `SELECT count(*) FROM x`, nil); err != nil || n == 0 {
		t.Fatalf("%v: what is there cannot be read", err)
	}
	must(t, write(`DELETE FROM x`)) // somebody makes room
	must(t, write(insert))
}

// What was said in between is lost, so nothing depends on it.
func TestNotificationsAreHeardAgainAfterTheConnectionIsLost(t *testing.T) {
	t.Parallel()
	dsn := storetest.DSN(t, storetest.Postgres)
	d := open(t, dsn)
	var heard atomic.Int64
	run, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		d.Run(run, "fanfare", func(payload string) {
			if payload == "hello" {
				heard.Add(1)
			}
		})
	}()
	sql := storetest.SQL(t, dsn)
	say := func() bool {
		before := heard.Load()
		if _, err := sql.Exec(`SELECT pg_notify('fanfare', 'hello')`); err != nil {
			t.Fatal(err)
		}
		for range 20 {
			if heard.Load() > before {
				return true
			}
			<-time.After(5 * time.Millisecond)
		}
		return false
	}
	eventually(t, "heard", say)
	var cut int
	must(t, sql.QueryRow(`SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'`).Scan(&cut))
	if cut != 1 {
		t.Fatalf("%d connections listen, want 1", cut)
	}
	eventually(t, "heard again", say)
	stop()
	<-done
}

func TestADatabaseThatIsAwayIsTold(t *testing.T) {
	t.Parallel()
	dsn := storetest.DSN(t, storetest.Postgres)
	gate := newGate(t, dsn)
	d := open(t, gate.dsn)
	must(t, d.Ping(ctx))
	gate.shut()
	_, err := d.Alone(ctx).Exec(`SELECT 1`, nil)
	if err == nil {
		_, err = d.Alone(ctx).Exec(`SELECT 1`, nil)
	}
	if !db.Unreachable(err) || errors.Is(err, db.ErrFull) {
		t.Fatalf("%v, want it to be away", err)
	}
	if err := d.Write(ctx, func(t *db.Tx) error { _, err := t.Do(`SELECT 1`); return err }); !db.Unreachable(err) {
		t.Fatalf("%v, want it to be away", err)
	}
	if err := d.Ping(ctx); err == nil || !strings.Contains(err.Error(), "does not answer") {
		t.Fatalf("%v, want the operator to be told", err)
	}
	for _, err := range []error{nil, errors.New("x"), context.Canceled} {
		if db.Unreachable(err) {
			t.Errorf("%v is no sign of a database that is away", err)
		}
	}
	if err := d.Write(ctx, func(t *db.Tx) error { return errors.New("mine") }); db.Unreachable(err) && err.Error() == "mine" {
		t.Errorf("%v", err)
	}
}

// gate is a way to PostgreSQL that can be shut.
type gate struct {
	dsn string
	l   net.Listener
	all chan net.Conn
}

func newGate(t *testing.T, dsn string) *gate {
	t.Helper()
	u, err := url.Parse(dsn)
	must(t, err)
	network, target := "tcp", u.Host
	if dir := u.Query().Get("host"); dir != "" {
		network, target = "unix", filepath.Join(dir, ".s.PGSQL.5432")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	g := &gate{l: l, all: make(chan net.Conn, 1000)}
	t.Cleanup(g.shut)
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial(network, target)
			if err != nil {
				_ = in.Close()
				return
			}
			g.all <- in
			g.all <- out
			go func() { _, _ = io.Copy(out, in) }()
			go func() { _, _ = io.Copy(in, out) }()
		}
	}()
	q := u.Query()
	q.Del("host")
	q.Set("sslmode", "disable")
	u.Host, u.RawQuery = l.Addr().String(), q.Encode()
	g.dsn = u.String()
	return g
}

func (g *gate) shut() {
	_ = g.l.Close()
	for {
		select {
		case c := <-g.all:
			_ = c.Close()
		default:
			return
		}
	}
}
