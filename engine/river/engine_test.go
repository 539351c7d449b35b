package river_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/engine"
	"github.com/fanfare/fanfare/engine/enginetest"
	"github.com/fanfare/fanfare/engine/river"
	"github.com/fanfare/fanfare/store/storetest"
)

// silence is shorter than in production, so that a rescue takes seconds.
const silence = 5 * time.Second

// doomed, in the environment, makes this test binary a replica that takes work and
// never finishes it. Its value is the database.
const doomed = "FANFARE_TEST_DOOMED_REPLICA"

func TestMain(m *testing.M) {
	if dsn := os.Getenv(doomed); dsn != "" {
		if err := beDoomed(dsn); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(1)
	}
	os.Exit(storetest.Main(m))
}

func newPool(t *testing.T, dsn string) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// newDatabase has River's tables beside the ledger's.
func newDatabase(t *testing.T) (string, *pgxpool.Pool) {
	t.Helper()
	dsn := storetest.DSN(t, storetest.Postgres)
	pool := newPool(t, dsn)
	if err := river.Migrate(t.Context(), pool); err != nil {
		t.Fatal(err)
	}
	return dsn, pool
}

func TestEngine(t *testing.T) {
	t.Parallel()
	enginetest.Suite(t, func(t *testing.T) enginetest.Harness {
		dsn, pool := newDatabase(t)
		return enginetest.Harness{
			Replicas: 2,
			New: func(t *testing.T, o engine.Options) broadcast.Engine {
				return newEngine(t, river.Options{Options: o, Pool: pool, Silence: silence})
			},
			Doom: func(t *testing.T, w broadcast.Work) {
				enqueue(t, newEngine(t, river.Options{Pool: pool}), w)
				doom(t, dsn)
			},
		}
	})
}

func newEngine(t *testing.T, o river.Options) *river.Engine {
	t.Helper()
	e, err := river.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func enqueue(t *testing.T, e *river.Engine, works ...broadcast.Work) {
	t.Helper()
	if err := e.Enqueue(t.Context(), works...); err != nil {
		t.Fatal(err)
	}
}

// doom starts a replica in a process of its own and kills it with work in hand.
func doom(t *testing.T, dsn string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), doomed+"="+dsn)
	cmd.Stderr = t.Output()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if lines := bufio.NewScanner(out); !lines.Scan() || lines.Text() != "in hand" {
		t.Errorf("the doomed replica took nothing in hand, it said %q", lines.Text())
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed: that is what it says
}

func beDoomed(dsn string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	pool, err := pgxpool.New(ctx, dsn)
	if err != nil {
		return err
	}
	e, err := river.New(river.Options{Pool: pool, Silence: silence})
	if err != nil {
		return err
	}
	return e.Run(ctx, func(context.Context, broadcast.Work) error {
		fmt.Println("in hand")
		select {} // until the kill
	})
}
