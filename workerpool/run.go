package workerpool

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"
)

// run is one Run of a Pool. Three contexts end one after another: stop at once,
// work after Grace, record after RecordGrace more.
type run[Job, Result any] struct {
	pool    Pool[Job, Result]
	jobs    chan Job
	results chan Result
	done    chan struct{} // closed by the recorder, which ends last

	outer, stop, work, record            context.Context
	cancelStop, cancelWork, cancelRecord context.CancelFunc

	mu   sync.Mutex
	errs []error
}

func newRun[Job, Result any](ctx context.Context, p Pool[Job, Result]) *run[Job, Result] {
	r := &run[Job, Result]{
		pool: p,
		// Room for one job per worker: the next claim runs while they are busy, and
		// no more than that is carried without being begun.
		jobs:    make(chan Job, p.Workers),
		results: make(chan Result, p.BatchSize),
		done:    make(chan struct{}),
	}
	r.outer = ctx
	r.stop, r.cancelStop = context.WithCancel(ctx)
	r.work, r.cancelWork = context.WithCancel(context.WithoutCancel(ctx))
	r.record, r.cancelRecord = context.WithCancel(context.WithoutCancel(ctx))
	return r
}

func (r *run[Job, Result]) cancelAll() {
	r.cancelStop()
	r.cancelWork()
	r.cancelRecord()
}

// wait starts everything, watches over the stop, and returns when all has ended.
func (r *run[Job, Result]) wait() error {
	var producers sync.WaitGroup
	producers.Go(r.dispatch)
	for range r.pool.Workers {
		producers.Go(r.worker)
	}
	var closer sync.WaitGroup
	closer.Go(func() {
		producers.Wait()
		close(r.results)
	})
	go r.recorder()

	r.watch()
	<-r.done
	closer.Wait()
	return errors.Join(r.errs...)
}

// watch lets the contexts run out one after another once the pool stops.
func (r *run[Job, Result]) watch() {
	select {
	case <-r.done:
		return
	case <-r.stop.Done():
	case <-r.pool.Enough:
		r.cancelStop()
		select {
		case <-r.done:
			return
		case <-r.outer.Done():
		}
	}
	for _, step := range []struct {
		after  time.Duration
		cancel context.CancelFunc
	}{{r.pool.Grace, r.cancelWork}, {RecordGrace, r.cancelRecord}} {
		timer := time.NewTimer(step.after)
		select {
		case <-r.done:
			timer.Stop()
			return
		case <-timer.C:
			step.cancel()
		}
	}
}

// fail notes an error and stops the claiming.
func (r *run[Job, Result]) fail(err error) {
	r.mu.Lock()
	r.errs = append(r.errs, err)
	r.mu.Unlock()
	r.cancelStop()
}

func (r *run[Job, Result]) stopped() bool {
	if r.stop.Err() != nil {
		return true
	}
	select {
	case <-r.pool.Enough: // before watch has seen it
		return true
	default:
		return false
	}
}

// dispatch claims and hands out until there is no more or the pool stops.
func (r *run[Job, Result]) dispatch() {
	defer close(r.jobs)
	for more := true; more && !r.stopped(); {
		var jobs []Job
		var err error
		panicked := guard("Claim", func() { jobs, more, err = r.pool.Claim(r.stop, r.pool.Workers) })
		if panicked != nil {
			err = panicked
		}
		if err != nil && (panicked != nil || !r.stopped()) {
			r.fail(err)
		}
		r.handOut(jobs)
		if len(jobs) == 0 && more {
			r.idle()
		}
	}
}

func (r *run[Job, Result]) handOut(jobs []Job) {
	for i, j := range jobs {
		if r.stopped() {
			r.giveBack(jobs[i:]...)
			return
		}
		select {
		case r.jobs <- j:
		case <-r.stop.Done():
			r.giveBack(jobs[i:]...)
			return
		}
	}
}

func (r *run[Job, Result]) idle() {
	timer := time.NewTimer(r.pool.FlushEvery)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.stop.Done():
	}
}

func (r *run[Job, Result]) giveBack(jobs ...Job) {
	if r.pool.GiveBack == nil {
		return
	}
	for _, j := range jobs {
		if err := guard("GiveBack", func() { r.results <- r.pool.GiveBack(j) }); err != nil {
			r.fail(err)
		}
	}
}

func (r *run[Job, Result]) worker() {
	for j := range r.jobs {
		if !r.mayBegin() {
			r.giveBack(j)
			continue
		}
		r.do(j)
	}
}

// mayBegin asks the limiter. A refusal is a failure unless the pool stops anyway.
func (r *run[Job, Result]) mayBegin() bool {
	if r.stopped() {
		return false
	}
	if r.pool.Limiter == nil {
		return true
	}
	var err error
	if panicked := guard("Limiter", func() { err = r.pool.Limiter.Wait(r.stop) }); panicked != nil {
		err = panicked
	}
	if err != nil && !errors.Is(err, ErrStop) && !r.stopped() {
		r.fail(fmt.Errorf("workerpool: limiter: %w", err))
	}
	return err == nil
}

func (r *run[Job, Result]) do(j Job) {
	defer func() {
		if p := recover(); p != nil {
			r.fail(panicError("Do", p))
		}
	}()
	r.results <- r.pool.Do(r.work, j)
}

// guard runs f and makes its panic an error.
func guard(name string, f func()) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = panicError(name, p)
		}
	}()
	f()
	return nil
}

func panicError(name string, p any) error {
	return fmt.Errorf("workerpool: %s panicked: %v\n%s", name, p, debug.Stack())
}
