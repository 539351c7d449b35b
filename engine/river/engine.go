package river

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/engine"
)

// Options is what the engine is made of.
type Options struct {
	engine.Options
	// Pool reaches the ledger's database, its search path set to the schema River's
	// tables are in. Run keeps one of its connections for notifications.
	Pool *pgxpool.Pool
	// Silence is after how long without a sign of life a job is taken from its
	// replica; 0 for 15 s. Shorter than a database's hiccup doubles work.
	Silence time.Duration
	// StopWithin is how long Run waits for what is in hand; 0 for 30 s.
	StopWithin time.Duration
}

// Engine hands out work through River. It is a broadcast.Engine.
type Engine struct {
	o       Options
	inserts *river.Client[pgx.Tx] // never started: only inserts
}

var _ broadcast.Engine = (*Engine)(nil)

// New makes an engine; River's tables must exist before work is enqueued (Migrate).
// An error names a setting that cannot work.
func New(o Options) (*Engine, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if o.Pool == nil {
		return nil, errors.New("engine: River needs a pool")
	}
	o.Silence = cmp.Or(o.Silence, 15*time.Second)
	o.StopWithin = cmp.Or(o.StopWithin, 30*time.Second)
	c, err := river.NewClient(riverpgxv5.New(o.Pool), &river.Config{Logger: quiet(o.Logger())})
	if err != nil {
		return nil, fmt.Errorf("engine: %w", err)
	}
	return &Engine{o: o, inserts: c}, nil
}

// Enqueue inserts works in a transaction of its own. Equal work that waits or runs
// is not doubled.
func (e *Engine) Enqueue(ctx context.Context, works ...broadcast.Work) error {
	params, err := inserts(works)
	if err != nil || len(params) == 0 {
		return err
	}
	if _, err := e.inserts.InsertMany(ctx, params); err != nil {
		return fmt.Errorf("enqueue %d works: %w", len(works), err)
	}
	return nil
}

// EnqueueTx inserts works in the transaction that is open on conn: they exist if and
// only if it commits. conn must come from pgx (stdlib.OpenDBFromPool); after an
// error the transaction is to be rolled back.
func (e *Engine) EnqueueTx(ctx context.Context, conn *sql.Conn, works []broadcast.Work) error {
	params, err := inserts(works)
	if err != nil || len(params) == 0 {
		return err
	}
	return conn.Raw(func(driverConn any) error {
		tx, err := openTx(driverConn)
		if err != nil {
			return err
		}
		if _, err := e.inserts.InsertManyTx(ctx, tx, params); err != nil {
			return fmt.Errorf("enqueue %d works: %w", len(works), err)
		}
		return nil
	})
}

// Run does work until ctx is done, then waits for what is in hand, at most
// StopWithin. It errs if the database cannot be reached at the start, or if work
// was still in hand at the end. One Run at a time.
func (e *Engine) Run(ctx context.Context, do broadcast.Do) error {
	if ctx.Err() != nil {
		return nil
	}
	config, err := e.config(ctx, do)
	if err != nil {
		return err
	}
	client, err := river.NewClient(riverpgxv5.New(e.o.Pool), config)
	if err != nil {
		return fmt.Errorf("engine: %w", err)
	}
	// The client must outlive ctx: it still has to write down what work in hand came to.
	if err := client.Start(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("start River: %w", err)
	}
	<-ctx.Done()
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), e.o.StopWithin)
	defer cancel()
	if err := client.StopAndCancel(stopping); err != nil {
		return fmt.Errorf("work still in hand after %s: %w", e.o.StopWithin, err)
	}
	return nil
}

// config is River's, for a client that works until stop is done.
func (e *Engine) config(stop context.Context, do broadcast.Do) (*river.Config, error) {
	workers := river.NewWorkers()
	w := &worker{o: e.o, do: until(stop, e.o.Guard(do))}
	if err := river.AddWorkerSafely(workers, w); err != nil {
		return nil, fmt.Errorf("engine: %w", err)
	}
	c := &river.Config{
		Logger:  quiet(e.o.Logger()),
		Workers: workers,
		Queues:  map[string]river.QueueConfig{},
		// Inserts notify, but River sends one notification per cooldown: polling
		// finds what came in its shadow.
		FetchCooldown:     100 * time.Millisecond,
		FetchPollInterval: 200 * time.Millisecond,
		// River's clock of a job is our clock of silence; work's own time is Guard's.
		JobTimeout:           e.o.Silence,
		RescueStuckJobsAfter: e.o.Silence,
		MaxAttempts:          maxAttempts,
		// A sweep a second is 86,400 rows a day: forget soon, keep failures for a look.
		CompletedJobRetentionPeriod: time.Minute,
		CancelledJobRetentionPeriod: 5 * time.Minute,
		DiscardedJobRetentionPeriod: 5 * time.Minute,
	}
	for lane, k := range engine.Lanes() {
		c.Queues[lane] = river.QueueConfig{MaxWorkers: e.o.HandsOf(k)}
		c.JobStuckThreshold = max(c.JobStuckThreshold, e.o.TimeoutOf(k))
	}
	for _, p := range e.o.Periodic {
		c.PeriodicJobs = append(c.PeriodicJobs, periodic(p))
	}
	return c, nil
}
