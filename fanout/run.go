package fanout

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/workerpool"
)

// How a chunk is worked. A replica that dies is noticed when its lease runs out;
// a click on pause is noticed at the next keep. All that may follow a stop (what
// is in hand, the last record, giving back) fits into one lease.
const (
	chunkLease = 30 * time.Second
	keepEvery  = time.Second
	keepWithin = 2 * time.Second // a ledger that takes longer is as good as none
	flushEvery = 250 * time.Millisecond
	workSpan   = 15 * time.Second // one piece of work claims no longer than this
	sendGrace  = 7 * time.Second  // what is in hand at a stop may take this long
	lastGrace  = 3 * time.Second  // and what the ledger has to be told after it, this long
)

// chunkRun is one taking of one chunk.
type chunkRun struct {
	sender  *Sender
	chunk   broadcast.Chunk
	payload broadcast.Payload
	todo    []broadcast.Delivery // touched by the pool's one dispatcher only

	stopped  context.Context // done when no request may begin any more
	stop     context.CancelFunc
	begun    atomic.Int64 // deliveries
	recorded int64        // touched by the pool's one recorder only

	mu   sync.Mutex
	halt *broadcast.Fault
}

func (r *chunkRun) work(ctx context.Context) error {
	r.stopped, r.stop = context.WithTimeout(ctx, workSpan)
	defer r.stop()
	var keeper sync.WaitGroup
	keeper.Go(r.keep)
	pool := workerpool.Pool[broadcast.Delivery, broadcast.Outcome]{
		Claim: r.claim, Do: r.deliver, Record: r.record,
		Workers: r.sender.Workers, Limiter: r.sender.Budget,
		BatchSize: ChunkSize, FlushEvery: flushEvery, Grace: sendGrace,
	}
	err := pool.Run(r.stopped)
	r.stop()
	keeper.Wait()
	return err
}

func (r *chunkRun) claim(_ context.Context, n int) ([]broadcast.Delivery, bool, error) {
	n = min(n, len(r.todo))
	jobs := r.todo[:n]
	r.todo = r.todo[n:]
	return jobs, len(r.todo) > 0, nil
}

// record stores a batch. When somebody has taken the chunk over, what we know is
// worth nothing any more: the work stops, and giveBack tells how much it was.
func (r *chunkRun) record(ctx context.Context, out []broadcast.Outcome) error {
	err := r.sender.Chunks.RecordOutcomes(ctx, r.chunk, out)
	if errors.Is(err, broadcast.ErrFenceLost) {
		return workerpool.ErrStop
	}
	if err == nil {
		r.recorded += int64(len(out))
	}
	return err
}

// giveBack frees the chunk if the ledger knows of everything that was begun. If
// not, the lease is left to run out: whoever takes the chunk then sees that its
// holder never gave it back, and marks what may arrive twice.
func (r *chunkRun) giveBack(ctx context.Context) error {
	s := r.sender
	if lost := r.begun.Load() - r.recorded; lost > 0 {
		s.Log.WarnContext(ctx, "outcomes are not in the ledger; these people may get the message again, and are marked so",
			"broadcast", r.chunk.BroadcastID, "chunk", r.chunk.Number, "fence", r.chunk.Fence, "people", lost)
		return nil
	}
	return s.Chunks.ReleaseChunk(ctx, r.chunk)
}

// keep extends the lease until the work is over, and stops the work when the
// chunk is no longer ours to send. A ledger that cannot be asked stops it too:
// what cannot be recorded must not be sent.
func (r *chunkRun) keep() {
	for sleep(r.stopped, keepEvery) == nil {
		ctx, cancel := context.WithTimeout(r.stopped, keepWithin)
		ours, err := r.sender.Chunks.KeepChunk(ctx, r.chunk, chunkLease)
		cancel()
		if err != nil && r.stopped.Err() == nil {
			r.sender.Log.WarnContext(ctx, "chunk not kept, stopping it", "broadcast", r.chunk.BroadcastID, "chunk", r.chunk.Number, "cause", err)
		}
		if err != nil || !ours {
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
