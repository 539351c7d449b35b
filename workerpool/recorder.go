package workerpool

import (
	"errors"
	"time"
)

// recorder gathers results into batches until the last worker has ended. A batch
// that could not be stored is kept, with all that follows, for one more try at
// the very end; what it holds then is bounded by what was in hand.
func (r *run[Job, Result]) recorder() {
	defer close(r.done)
	batch := make([]Result, 0, r.pool.BatchSize)
	timer := time.NewTimer(r.pool.FlushEvery)
	timer.Stop()
	defer timer.Stop()
	failed := false
	flush := func() {
		timer.Stop()
		if failed || len(batch) == 0 {
			return
		}
		if failed = !r.store(batch); !failed {
			batch = batch[:0]
		}
	}
	for {
		select {
		case res, ok := <-r.results:
			if !ok {
				r.storeLast(batch)
				return
			}
			batch = append(batch, res)
			switch {
			case len(batch) >= r.pool.BatchSize:
				flush()
			case len(batch) == 1:
				timer.Reset(r.pool.FlushEvery)
			}
		case <-timer.C:
			flush()
		}
	}
}

// store records one batch and tells whether it is dealt with.
func (r *run[Job, Result]) store(batch []Result) bool {
	var err error
	if panicked := guard("Record", func() { err = r.pool.Record(r.record, batch) }); panicked != nil {
		err = panicked
	}
	switch err {
	case nil:
		return true
	case ErrStop: // itself an orderly end; one that wraps it carries news
		r.cancelStop()
		return true
	}
	r.fail(err)
	return errors.Is(err, ErrStop)
}

func (r *run[Job, Result]) storeLast(rest []Result) {
	for len(rest) > 0 {
		n := min(len(rest), r.pool.BatchSize)
		r.store(rest[:n])
		rest = rest[n:]
	}
}
