package fanout

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/budget"
	"github.com/fanfare/fanfare/workerpool"
)

// How a chunk is worked. A replica that dies is noticed when its lease runs out;
// a click on pause is noticed at the next keep.
const (
	chunkLease = 30 * time.Second
	keepEvery  = 500 * time.Millisecond
	keepWithin = time.Second // a ledger that takes longer is as good as none
	flushEvery = 250 * time.Millisecond
	sendGrace  = 7 * time.Second // when the process ends, what is in hand may take this long
	lastGrace  = 5 * time.Second // and what the ledger has to be told after it, this long
	// saveWithin is how long results wait for a ledger that is gone: a restart, a
	// failover, a network that comes back.
	saveWithin = 90 * time.Second
	saveFirst  = 100 * time.Millisecond // the wait before the first try again, and
	saveLast   = time.Second            // before the later ones
)

// chunkRun is one taking of one chunk.
type chunkRun struct {
	sender *Sender
	b      *broadcast.Broadcast
	chunk  broadcast.Chunk
	each   payloads
	share  budget.Share
	window int

	stopped context.Context // done when no request may begin any more
	stop    context.CancelFunc

	taken int           // deliveries handed out; touched by the pool's one dispatcher only
	open  atomic.Int64  // how many of them may be, from the first on
	wider chan struct{} // they are more now
	begun atomic.Int64

	// Touched by the pool's one recorder only, and by finish after it.
	results int // outcomes that came
	saved   int // of them, those the ledger has
	unsaved []broadcast.Outcome
	trouble error // why the ledger took none; nothing is begun since
	waiting bool  // this run is counted in the sender's

	mu    sync.Mutex
	halt  *broadcast.Fault // what concerns more than one recipient
	cause error            // why the ledger could not be asked
}

func newChunkRun(s *Sender, b *broadcast.Broadcast, c broadcast.Chunk, each payloads) *chunkRun {
	r := &chunkRun{
		sender: s, b: b, chunk: c, each: each, window: s.window(), wider: make(chan struct{}, 1),
		share: s.Budget.For(budget.Flow{Key: string(b.ID), Priority: b.Plan.Priority}),
	}
	open := 0
	for open < len(c.Deliveries) && (r.window == 0 || c.Deliveries[open].ID <= c.OpenTo) {
		open++
	}
	r.open.Store(int64(open))
	return r
}

// work sends the chunk until span is over, and gives it back. What was begun by
// then may take as long as Teams takes, so that a slow answer is no doubt; when ctx
// ends it gets sendGrace.
func (r *chunkRun) work(ctx, span context.Context) error {
	r.stopped, r.stop = r.until(span)
	defer r.stop()
	over, end := context.WithCancel(context.WithoutCancel(ctx))
	var keeper sync.WaitGroup
	keeper.Go(func() { r.keep(over) })
	pool := workerpool.Pool[broadcast.Delivery, broadcast.Outcome]{
		Claim: r.claim, Do: r.deliver, Record: r.record, Enough: r.stopped.Done(),
		Workers: min(r.sender.Workers, len(r.chunk.Deliveries)), Limiter: r,
		BatchSize: ChunkSize, FlushEvery: flushEvery, Grace: sendGrace,
	}
	if r.window > 0 {
		pool.BatchSize = max(1, r.window/2) // the window moves on before it is used up
	}
	err := pool.Run(ctx)
	r.stop()
	err = errors.Join(err, r.finish(ctx))
	end()
	keeper.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	return errors.Join(err, r.cause)
}

// until ends with the span, or at the broadcast's last moment: the ledger, which knows
// it too, is asked only now and then.
func (r *chunkRun) until(span context.Context) (context.Context, context.CancelFunc) {
	if end := r.b.Plan.ExpiresAt; !end.IsZero() {
		return context.WithTimeout(span, end.Sub(r.sender.Now()))
	}
	return context.WithCancel(span)
}

// claim hands out what is open.
func (r *chunkRun) claim(ctx context.Context, n int) ([]broadcast.Delivery, bool, error) {
	all := r.chunk.Deliveries
	for {
		if n := min(n, int(r.open.Load())-r.taken); n > 0 {
			jobs := all[r.taken : r.taken+n]
			r.taken += n
			return jobs, r.taken < len(all), nil
		}
		select {
		case <-r.wider:
		case <-ctx.Done():
			return nil, false, nil
		}
	}
}

// Wait asks the budget for a first request. A ledger that cannot be asked ends the
// run, without haste.
func (r *chunkRun) Wait(ctx context.Context) error {
	err := r.share.Wait(ctx)
	if err == nil || ctx.Err() != nil {
		return err
	}
	r.stopFor(err)
	return workerpool.ErrStop
}

// stopFor stops the run because the ledger cannot be asked: what cannot be recorded
// must not be sent.
func (r *chunkRun) stopFor(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stopped.Err() == nil {
		r.cause = err
	}
	r.stop()
}

// keep extends the lease until the work is over, and stops the work when the
// chunk is no longer ours to send.
func (r *chunkRun) keep(over context.Context) {
	for sleep(over, keepEvery) == nil {
		ctx, cancel := context.WithTimeout(over, keepWithin)
		ours, err := r.sender.Chunks.KeepChunk(ctx, r.chunk, chunkLease)
		cancel()
		switch {
		case err != nil:
			r.stopFor(fmt.Errorf("chunk %d of %s not kept: %w", r.chunk.Number, r.chunk.BroadcastID, err))
		case !ours:
			r.stop()
		}
	}
}

// haltWith stops this run for a reason that concerns more than one recipient.
func (r *chunkRun) haltWith(f *broadcast.Fault) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.halt == nil || f.Scope == broadcast.ScopeService {
		r.halt = f
	}
	r.stop()
}

func (r *chunkRun) halted() *broadcast.Fault {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.halt
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
