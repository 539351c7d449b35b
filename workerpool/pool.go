package workerpool

import (
	"context"
	"errors"
	"time"
)

// ErrStop is what Record returns when the ledger wants no more work from this
// run (a chunk taken over, a broadcast paused). The batch counts as dealt with,
// no job is claimed any more, what is in hand is finished and still offered to
// Record. Run returns nil for ErrStop itself, and the error for one that wraps it.
var ErrStop = errors.New("workerpool: stop")

// What a Pool uses where a field is zero.
const (
	DefaultWorkers    = 8
	DefaultBatchSize  = 200
	DefaultFlushEvery = 500 * time.Millisecond
	DefaultGrace      = 7 * time.Second
	// RecordGrace is how long after Grace the last Record may still take. To lose
	// results means to repeat work, so it is generous; it is seldom used up.
	RecordGrace = 10 * time.Second
)

// Limiter is asked before each Do and blocks until the job may begin. Its
// context is done as soon as the pool stops. With ErrStop it refuses one job, which
// is no failure; any other error stops the pool.
type Limiter interface {
	Wait(ctx context.Context) error
}

// Pool says how to claim, do and record. It holds no state: one value may be Run
// several times, one after another or at once.
type Pool[Job, Result any] struct {
	// Claim returns up to n jobs, and whether there may be more later. Without jobs
	// and with more it is asked again after FlushEvery. Its context is done as soon
	// as the pool stops; an error it returns then is no failure.
	Claim func(ctx context.Context, n int) (jobs []Job, more bool, err error)
	// Do does one job. Its context is not cancelled by a stop, only when the stop has
	// lasted longer than Grace: Do must heed that, because Run waits for it.
	Do func(ctx context.Context, job Job) Result
	// Record stores results, and must not keep the slice. Only one call runs at a
	// time. After an error (ErrStop apart) no job is claimed, and what was not stored
	// is offered once more at the end, together with what was in hand.
	Record func(ctx context.Context, results []Result) error
	// Enough, once closed, ends the run without haste: nothing is claimed or begun any
	// more (Claim and Limiter see their context done), and what was begun may take as
	// long as it takes. Grace counts from ctx's end only. nil for never.
	Enough <-chan struct{}
	// GiveBack, if set, is the result to record for a job that was claimed but never
	// begun because the pool stopped. Without it such a job is simply left, which is
	// right where the ledger still shows it as not done.
	GiveBack func(job Job) Result

	Workers    int           // how many Do run at once
	Limiter    Limiter       // nil for none
	BatchSize  int           // results per Record, at most
	FlushEvery time.Duration // how long a result waits for its batch to fill, at most
	Grace      time.Duration // how long begun jobs may take after a stop
}

// Run claims, does and records until Claim has no more, ctx is done or something
// fails. It returns nil when it came to the end or was stopped by ctx; otherwise
// the errors of Claim, Record or Limiter, and the panics of any of the functions,
// each with its stack. A job that panicked has no result: the others are finished
// and recorded first.
func (p Pool[Job, Result]) Run(ctx context.Context) error {
	if p.Claim == nil || p.Do == nil || p.Record == nil {
		return errors.New("workerpool: Claim, Do and Record must be set")
	}
	r := newRun(ctx, p.withDefaults())
	defer r.cancelAll()
	return r.wait()
}

func (p Pool[Job, Result]) withDefaults() Pool[Job, Result] {
	if p.Workers <= 0 {
		p.Workers = DefaultWorkers
	}
	if p.BatchSize <= 0 {
		p.BatchSize = DefaultBatchSize
	}
	if p.FlushEvery <= 0 {
		p.FlushEvery = DefaultFlushEvery
	}
	if p.Grace <= 0 {
		p.Grace = DefaultGrace
	}
	return p
}
