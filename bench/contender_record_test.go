package bench_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/ncruces/go-sqlite3/driver"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

// recorders prepare a table with a row per person, waiting, and write outcomes to it.
var recorders = map[string]func(ctx context.Context, dsn string, people int) (record, error){
	"loop+postgres": postgresRecorder, "loop+sqlite": sqliteRecorder,
}

// The table is what anybody would make of it: a row per person, found by its
// number, by person, by state.
const outcomesTable = `CREATE TABLE outcomes (
		id BIGINT PRIMARY KEY, broadcast TEXT NOT NULL, person TEXT NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL, code TEXT NOT NULL,
		detail TEXT NOT NULL, attempts BIGINT NOT NULL, not_before BIGINT NOT NULL, activity_id TEXT NOT NULL, maybe_sent BOOLEAN NOT NULL, updated_at BIGINT NOT NULL);
	CREATE UNIQUE INDEX outcomes_person ON outcomes (broadcast, person);
	CREATE INDEX outcomes_state ON outcomes (broadcast, state, id);`

func fillOutcomes(d dialect, people int) string {
	return `INSERT INTO outcomes SELECT n, '0193a5b0-0000-7000-8000-000000000001', ` + d.entraID() + `, 'ready', '', '', '', 0, 0, '', FALSE, 0 FROM ` + d.numbers(1, people)
}

func postgresRecorder(ctx context.Context, dsn string, people int) (record, error) {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return nil, err
	}
	for _, stmt := range []string{outcomesTable, fillOutcomes(postgresWords, people), `VACUUM ANALYZE outcomes`, `CHECKPOINT`} {
		if _, err := conn.Exec(ctx, stmt); err != nil {
			return nil, err
		}
	}
	return func(ctx context.Context, batch []outcome) error {
		ids, activities := make([]int, len(batch)), make([]string, len(batch))
		for i, o := range batch {
			ids[i], activities[i] = o.Person, o.Activity
		}
		got, err := conn.Exec(ctx, `UPDATE outcomes o SET state = 'sent', activity_id = v.activity_id, attempts = 1, updated_at = $3
			FROM unnest($1::bigint[], $2::text[]) AS v(id, activity_id) WHERE o.id = v.id`, ids, activities, time.Now().UnixMilli())
		if err == nil && int(got.RowsAffected()) != len(batch) {
			err = fmt.Errorf("%d rows of %d", got.RowsAffected(), len(batch))
		}
		return err
	}, nil
}

func sqliteRecorder(ctx context.Context, dsn string, people int) (record, error) {
	db, err := driver.Open("file:" + strings.TrimPrefix(dsn, "sqlite:") + "?_txlock=immediate&_pragma=journal_mode(wal)&_pragma=synchronous(full)&_pragma=cache_size(-8000)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	for _, stmt := range []string{outcomesTable, fillOutcomes(sqliteWords, people), `PRAGMA wal_checkpoint(TRUNCATE)`} {
		if _, err := db.ExecContext(ctx, stmt); err != nil {
			return nil, err
		}
	}
	update, err := db.PrepareContext(ctx, `UPDATE outcomes SET state = 'sent', activity_id = v.activity_id, attempts = 1, updated_at = ?2
		FROM (SELECT value->>'$.p' AS id, value->>'$.a' AS activity_id FROM json_each(?1)) AS v WHERE outcomes.id = v.id`)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, batch []outcome) error { return sqliteRecord(ctx, update, batch) }, nil
}

func sqliteRecord(ctx context.Context, update *sql.Stmt, batch []outcome) error {
	raw, err := json.Marshal(batch)
	if err != nil {
		return err
	}
	got, err := update.ExecContext(ctx, string(raw), time.Now().UnixMilli())
	if err != nil {
		return err
	}
	if n, err := got.RowsAffected(); err != nil || int(n) != len(batch) {
		return fmt.Errorf("%d rows of %d: %w", n, len(batch), err)
	}
	return nil
}

// riverJob is one person's message.
type riverJob struct {
	Person int `json:"person"`
}

// Kind implements river.JobArgs.
func (riverJob) Kind() string { return "message" }

type riverWorker struct {
	river.WorkerDefaults[riverJob]
	poster *poster
	left   atomic.Int64
	failed chan error
	done   chan struct{}
}

func (w *riverWorker) Work(_ context.Context, job *river.Job[riverJob]) error {
	if _, err := w.poster.post(job.Args.Person); err != nil {
		select {
		case w.failed <- err:
		default:
		}
		return err
	}
	if w.left.Add(-1) == 0 {
		close(w.done)
	}
	return nil
}

// riverRun is River with a job per person, tuned: as many workers as the others,
// looking for work as often as it lets itself. The jobs are there before the clock
// starts, which is in River's favour.
func riverRun(ctx context.Context, p *poster, people int) (func() error, error) {
	config, err := pgxpool.ParseConfig(os.Getenv(envDatabase))
	if err != nil {
		return nil, err
	}
	config.MaxConns = 16
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	migrator, err := rivermigrate.New(riverpgxv5.New(pool), nil)
	if err != nil {
		return nil, err
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return nil, err
	}
	w := &riverWorker{poster: p, failed: make(chan error, 1), done: make(chan struct{})}
	w.left.Store(int64(people))
	workers := river.NewWorkers()
	river.AddWorker(workers, w)
	client, err := river.NewClient(riverpgxv5.New(pool), &river.Config{
		Workers: workers, Queues: map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: contenderWorkers}},
		FetchCooldown: time.Millisecond, FetchPollInterval: 10 * time.Millisecond, JobTimeout: -1, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return nil, err
	}
	if err := riverInsert(ctx, client, people); err != nil {
		return nil, err
	}
	for _, stmt := range []string{`VACUUM ANALYZE river_job`, `CHECKPOINT`} {
		if _, err := pool.Exec(ctx, stmt); err != nil {
			return nil, err
		}
	}
	return func() error {
		if err := client.Start(ctx); err != nil {
			return err
		}
		select {
		case <-w.done:
		case err := <-w.failed:
			return err
		}
		if err := client.Stop(ctx); err != nil { // writes down what is complete
			return err
		}
		var complete int
		if err := pool.QueryRow(ctx, `SELECT count(*) FROM river_job WHERE state = 'completed'`).Scan(&complete); err != nil || complete != people {
			return fmt.Errorf("%d jobs of %d are complete: %w", complete, people, err)
		}
		return nil
	}, nil
}

func riverInsert(ctx context.Context, client *river.Client[pgx.Tx], people int) error {
	for first := 1; first <= people; first += 5000 {
		var jobs []river.InsertManyParams
		for n := first; n <= min(first+4999, people); n++ {
			jobs = append(jobs, river.InsertManyParams{Args: riverJob{n}})
		}
		if _, err := client.InsertManyFast(ctx, jobs); err != nil {
			return err
		}
	}
	return nil
}
