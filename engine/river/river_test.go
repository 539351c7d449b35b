package river_test

import (
	"context"
	"database/sql"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"golang.org/x/sync/errgroup"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/engine"
	"github.com/fanfare/fanfare/engine/river"
	"github.com/fanfare/fanfare/store/storetest"
)

func send(n int) broadcast.Work {
	return broadcast.Work{Kind: broadcast.KindSend, BroadcastID: "b1", Seat: n}
}

// jobs counts River's rows, in one state or (for "") in all.
func jobs(t *testing.T, pool *pgxpool.Pool, state string) (n int) {
	t.Helper()
	if err := pool.QueryRow(t.Context(),
		`SELECT count(*) FROM river_job WHERE $1 = '' OR state::text = $1`, state).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestWorkIsHandedOutWithTheLedgersTransactionOrNotAtAll(t *testing.T) {
	t.Parallel()
	_, pool := newDatabase(t)
	e := newEngine(t, river.Options{Pool: pool})
	db := stdlib.OpenDBFromPool(pool)
	t.Cleanup(func() { _ = db.Close() })
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()

	if err := e.EnqueueTx(t.Context(), conn, []broadcast.Work{send(1)}); err == nil {
		t.Error("work was handed out outside any transaction")
	}
	for _, end := range []struct {
		how  func(*sql.Tx) error
		want int
	}{{(*sql.Tx).Rollback, 0}, {(*sql.Tx).Commit, 2}} {
		tx, err := conn.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = tx.Rollback() }() // or a failure below waits for ever at the connection's Close
		if err := e.EnqueueTx(t.Context(), conn, []broadcast.Work{send(1), send(2), send(1)}); err != nil {
			t.Fatal(err)
		}
		if n := jobs(t, pool, ""); n != 0 {
			t.Errorf("%d jobs can be seen before the commit", n)
		}
		if err := end.how(tx); err != nil {
			t.Fatal(err)
		}
		if n := jobs(t, pool, "available"); n != end.want {
			t.Errorf("%d jobs after the end of the transaction, not %d", n, end.want)
		}
	}
}

func TestWaitingWorkOutlivesItsReplica(t *testing.T) {
	t.Parallel()
	_, pool := newDatabase(t)
	enqueue(t, newEngine(t, river.Options{Pool: pool}), send(1))
	ctx, cancel := context.WithCancel(t.Context())
	if err := newEngine(t, river.Options{Pool: pool}).Run(ctx, func(_ context.Context, w broadcast.Work) error {
		if w != send(1) {
			t.Errorf("came back as %+v", w)
		}
		cancel()
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if n := jobs(t, pool, "completed"); n != 1 {
		t.Errorf("%d jobs are written down as completed at the stop, not 1", n)
	}
}

// Work that a stop interrupts waits again at once, for whoever is next.
func TestWorkPutDownByAStopWaitsAgain(t *testing.T) {
	t.Parallel()
	_, pool := newDatabase(t)
	e := newEngine(t, river.Options{Pool: pool})
	enqueue(t, e, send(1))
	ctx, cancel := context.WithCancel(t.Context())
	if err := e.Run(ctx, func(ctx context.Context, _ broadcast.Work) error {
		cancel()
		<-ctx.Done()
		return errors.Join(errors.New("half of it"), ctx.Err())
	}); err != nil {
		t.Fatal(err)
	}
	if n := jobs(t, pool, "available"); n != 1 {
		t.Errorf("%d jobs wait after the stop, not 1", n)
	}
}

// The counterpart of rescue: River takes away what was silent, and work that lasts
// is not. It is not told that its time is up either: silence is not its time.
func TestLongWorkShowsSignsOfLifeAndIsLeftAlone(t *testing.T) {
	t.Parallel()
	_, pool := newDatabase(t)
	e := newEngine(t, river.Options{Pool: pool, Silence: silence})
	enqueue(t, e, broadcast.Work{Kind: broadcast.KindResolve, BroadcastID: "b1"})
	ctx, cancel := context.WithCancel(t.Context())
	if err := e.Run(ctx, func(ctx context.Context, _ broadcast.Work) error {
		defer cancel()
		ends, look := time.After(2*silence), time.NewTicker(time.Second/2)
		defer look.Stop()
		for {
			select {
			case <-ends:
				return nil
			case <-ctx.Done():
				t.Errorf("told to end: %v", context.Cause(ctx))
				return nil
			case <-look.C:
				if s := silentFor(t, pool); s > silence*2/3 {
					t.Errorf("silent for %s: almost taken away", s)
				}
			}
		}
	}); err != nil {
		t.Fatal(err)
	}
}

// silentFor is how long ago the job in hand last showed a sign of life.
func silentFor(t *testing.T, pool *pgxpool.Pool) time.Duration {
	t.Helper()
	var seconds float64
	if err := pool.QueryRow(t.Context(), `SELECT extract(epoch FROM now() - attempted_at)::float8
		FROM river_job WHERE state = 'running'`).Scan(&seconds); err != nil {
		t.Error(err)
	}
	return time.Duration(seconds * float64(time.Second))
}

func TestAStopThatIsNotFollowedSaysSo(t *testing.T) {
	t.Parallel()
	_, pool := newDatabase(t)
	e := newEngine(t, river.Options{Pool: pool, StopWithin: 200 * time.Millisecond})
	enqueue(t, e, send(1))
	ctx, cancel := context.WithCancel(t.Context())
	goOn := make(chan struct{})
	defer close(goOn)
	if err := e.Run(ctx, func(context.Context, broadcast.Work) error {
		cancel()
		<-goOn
		return nil
	}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Run said %v of work still in hand", err)
	}
}

// A sweep that hangs, or died in a killed replica's hands, must not stop the others.
func TestASweepInHandHoldsUpTheNextForTenSecondsAtMost(t *testing.T) {
	t.Parallel()
	_, pool := newDatabase(t)
	o := river.Options{Pool: pool, Options: engine.Options{
		Hands:    map[broadcast.Kind]int{broadcast.KindSweep: 2},
		Timeout:  map[broadcast.Kind]time.Duration{broadcast.KindSweep: time.Hour},
		Periodic: []broadcast.Periodic{{Work: broadcast.Work{Kind: broadcast.KindSweep}, Every: time.Second}},
	}}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var runs atomic.Int32
	if err := newEngine(t, o).Run(ctx, func(ctx context.Context, _ broadcast.Work) error {
		if runs.Add(1) > 1 {
			cancel()
		}
		<-ctx.Done() // the first hangs until the second has come
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if runs.Load() < 2 {
		t.Error("no sweep came while one was in hand")
	}
}

func TestReplicasThatStartTogetherMigrateOnce(t *testing.T) {
	t.Parallel()
	pool := newPool(t, storetest.DSN(t, storetest.Postgres))
	var replicas errgroup.Group
	for range 4 {
		replicas.Go(func() error { return river.Migrate(t.Context(), newPool(t, pool.Config().ConnString())) })
	}
	if err := replicas.Wait(); err != nil {
		t.Error(err)
	}
	if n := jobs(t, pool, ""); n != 0 {
		t.Errorf("%d jobs in a new database", n)
	}
}

func TestAnEngineWithoutItsTablesSaysSo(t *testing.T) {
	t.Parallel()
	pool := newPool(t, storetest.DSN(t, storetest.Postgres))
	if err := newEngine(t, river.Options{Pool: pool}).Enqueue(t.Context(), send(1)); err == nil {
		t.Error("work was enqueued into nothing")
	}
	if _, err := river.New(river.Options{}); err == nil {
		t.Error("an engine without a pool was made")
	}
}
