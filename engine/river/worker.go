package river

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/fanfare/fanfare/broadcast"
)

// worker does every job: it knows only that work is to be done, and how to show
// that it is being done.
type worker struct {
	river.WorkerDefaults[job]
	o  Options
	do broadcast.Do // from until
}

// until makes a Do whose context ends with stop and not with the one it is given:
// River's would end it by the timeout that here measures silence. An error while
// stopping is given back as it is, and River lets the job wait again; any other has
// been logged, and ends the job. River may still bring jobs it fetched before the
// stop: they go back untouched.
func until(stop context.Context, do broadcast.Do) broadcast.Do {
	return func(ctx context.Context, w broadcast.Work) error {
		if err := stop.Err(); err != nil {
			return err
		}
		life, cancel := context.WithCancel(context.WithoutCancel(ctx))
		defer cancel()
		defer context.AfterFunc(stop, cancel)()
		err := do(life, w)
		switch {
		case err == nil || stop.Err() != nil:
			return err
		case errors.Is(err, broadcast.ErrMore):
			return river.JobSnooze(0) // behind what waits in the queue
		}
		return river.JobCancel(err)
	}
}

// NextRetry is at once: a job that comes back was rescued or put down by a stop.
func (w *worker) NextRetry(*river.Job[job]) time.Time { return time.Now() }

// stay is for how long a job with more to do is not given back though nobody waits:
// well before River takes it for stuck.
const stay = time.Minute

// Work does one job, and goes on with it while there is more of it and nobody else
// waits for these hands: giving it back costs the moment until somebody fetches it,
// and what its replica had leased of a budget for that moment.
func (w *worker) Work(ctx context.Context, j *river.Job[job]) error {
	defer w.touch(ctx, j.ID)()
	for began := time.Now(); ; {
		var more *rivertype.JobSnoozeError
		err := w.do(ctx, j.Args.work())
		if !errors.As(err, &more) || time.Since(began) > stay || w.waited(ctx, j) {
			return err
		}
	}
}

// waited tells whether other work waits in a job's lane. Price: a look at the index
// River fetches by.
func (w *worker) waited(ctx context.Context, j *river.Job[job]) bool {
	const other = `SELECT EXISTS (SELECT 1 FROM river_job WHERE state = 'available' AND queue = $1 AND id <> $2)`
	waits := true // if it cannot be asked, somebody may
	if err := w.o.Pool.QueryRow(context.WithoutCancel(ctx), other, j.Queue, j.ID).Scan(&waits); err != nil {
		return true
	}
	return waits
}

// touch shows a sign of life until the returned function has been called and has
// returned. Price: one row updated in place (attempted_at is in no index) per job
// and third of Silence; jobs shorter than that cost nothing.
func (w *worker) touch(ctx context.Context, id int64) func() {
	const alive = `UPDATE river_job SET attempted_at = now() WHERE id = $1 AND state = 'running'`
	ended := make(chan struct{})
	// Not ended by a stop: work that winds down is still in hand.
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	go func() {
		defer close(ended)
		tick := time.NewTicker(w.o.Silence / 3)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			if _, err := w.o.Pool.Exec(ctx, alive, id); err != nil && ctx.Err() == nil {
				w.o.Logger().WarnContext(ctx, "could not show a sign of life; the work may be done twice", slog.Any("error", err))
			}
		}
	}()
	return func() { cancel(); <-ended }
}
