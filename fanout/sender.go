package fanout

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/workerpool"
)

// Chunks is what the sender takes and writes back.
type Chunks interface {
	// TakeChunk takes a chunk under its next fence until the lease runs out, with
	// the deliveries that are ready and due. ErrChunkBusy if somebody else holds it,
	// an empty chunk if there is nothing to do or the broadcast is not sending.
	TakeChunk(ctx context.Context, id broadcast.ID, number int, lease time.Duration) (broadcast.Chunk, error)
	// KeepChunk extends the lease; false if the fence is no longer ours or the
	// broadcast is no longer sending: stop.
	KeepChunk(ctx context.Context, c broadcast.Chunk, lease time.Duration) (bool, error)
	// RecordOutcomes stores outcomes and the tally in one transaction, with what they
	// say of addresses and installations. ErrFenceLost if the fence is no longer ours:
	// nothing was stored. An outcome of a delivery that was cancelled while it was in
	// hand still counts: the message is there.
	RecordOutcomes(ctx context.Context, c broadcast.Chunk, outcomes []broadcast.Outcome) error
	// ReleaseChunk gives the chunk back and notes when its next delivery is due.
	ReleaseChunk(ctx context.Context, c broadcast.Chunk) error
}

// How a chunk is worked. A replica that dies is noticed when its lease runs out;
// a click on pause is noticed at the next keep.
const (
	chunkLease = 30 * time.Second
	keepEvery  = time.Second
	flushEvery = 250 * time.Millisecond
	sendGrace  = 7 * time.Second  // what is in hand at a stop may take this long
	workSpan   = 15 * time.Second // one piece of work claims no longer than this
)

// Sender sends chunks: the fan-out. One Sender serves a replica; Send may run
// several times at once, each on a chunk of its own.
type Sender struct {
	Service   *broadcast.Service
	Ledger    Ledger
	Messenger broadcast.Messenger
	Chunks    Chunks
	Budget    *Budget
	Workers   int // requests at once per chunk
	Now       func() time.Time
	Log       *slog.Logger

	mu       sync.Mutex
	composed map[broadcast.ID]composed
	breaker  breaker
}

// composed is a broadcast's payload, built once and reused for every recipient.
type composed struct {
	hash    string
	payload broadcast.Payload
}

// Send works one chunk: it takes it under a fence, sends what is due, records
// outcomes in batches and gives it back. It returns early, with all recorded,
// when ctx ends, the broadcast is paused or cancelled, or somebody took over.
func (s *Sender) Send(ctx context.Context, id broadcast.ID, number int) error {
	b, err := s.Ledger.Broadcast(ctx, id)
	if err != nil || b.State != broadcast.Sending {
		return err
	}
	payload, err := s.payload(b)
	if err != nil {
		return s.Service.Advance(ctx, id, broadcast.EventFail, broadcast.AsMessage(err))
	}
	chunk, err := s.Chunks.TakeChunk(ctx, id, number, chunkLease)
	if errors.Is(err, broadcast.ErrChunkBusy) {
		return nil
	}
	if err != nil {
		return err
	}
	run := &chunkRun{sender: s, chunk: chunk, payload: payload, todo: chunk.Deliveries}
	err = run.work(ctx)
	// The chunk goes back even when ctx is done: otherwise the next one to take it
	// would wait for the lease.
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), sendGrace)
	defer cancel()
	if !errors.Is(err, broadcast.ErrFenceLost) {
		err = errors.Join(err, s.Chunks.ReleaseChunk(last, chunk))
	}
	return errors.Join(err, s.settle(last, id, run.halted()))
}

// payload composes once per broadcast and hash, after checking that the message
// is the one that was approved.
func (s *Sender) payload(b *broadcast.Broadcast) (broadcast.Payload, error) {
	if err := b.ApprovedAsIs(); err != nil {
		return broadcast.Payload{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if c, ok := s.composed[b.ID]; ok && c.hash == b.ApprovedHash {
		return c.payload, nil
	}
	p, err := s.Messenger.Compose(b)
	if err != nil {
		return broadcast.Payload{}, err
	}
	if len(s.composed) >= 16 || s.composed == nil {
		s.composed = map[broadcast.ID]composed{} // few broadcasts are live at once; composing anew is cheap
	}
	s.composed[b.ID] = composed{b.ApprovedHash, p}
	return p, nil
}

// settle makes the move a chunk's end calls for: stop everything, stop this
// broadcast, or finish it if this was the last.
func (s *Sender) settle(ctx context.Context, id broadcast.ID, halt *broadcast.Fault) error {
	switch {
	case halt != nil && halt.Scope == broadcast.ScopeService:
		return s.Service.PauseAll(ctx, fmt.Sprintf("%s. %s", halt.Reason.Words(), halt.Reason.Remedy()))
	case halt != nil && halt.Reason == broadcast.ReasonTooLarge:
		return s.Service.Advance(ctx, id, broadcast.EventFail, "Teams refused the message as too large. Shorten it and send it as a new broadcast.")
	case halt != nil:
		return s.Service.Advance(ctx, id, broadcast.EventPause, fmt.Sprintf("Stopped after many failures in a row: %s (%s). Look at the recipients, then resume or cancel.", halt.Reason.Words(), halt.Code))
	}
	state, tally, err := s.Ledger.Tally(ctx, id)
	if err != nil || state != broadcast.Sending || tally.Left() > 0 {
		return err
	}
	return s.Service.Advance(ctx, id, broadcast.EventFinish, "")
}

// chunkRun is one taking of one chunk.
type chunkRun struct {
	sender  *Sender
	chunk   broadcast.Chunk
	payload broadcast.Payload
	todo    []broadcast.Delivery // touched by the pool's one dispatcher only

	stop context.CancelFunc
	mu   sync.Mutex
	halt *broadcast.Fault
}

func (r *chunkRun) work(ctx context.Context) error {
	if len(r.todo) == 0 {
		return nil
	}
	ctx, r.stop = context.WithTimeout(ctx, workSpan)
	keeper := make(chan struct{})
	go func() {
		defer close(keeper)
		r.keep(ctx)
	}()
	pool := workerpool.Pool[broadcast.Delivery, broadcast.Outcome]{
		Claim: r.claim, Do: r.deliver, Record: r.record,
		Workers: r.sender.Workers, Limiter: r.sender.Budget,
		BatchSize: ChunkSize, FlushEvery: flushEvery, Grace: sendGrace,
	}
	err := pool.Run(ctx)
	r.stop()
	<-keeper
	return err
}

func (r *chunkRun) claim(_ context.Context, n int) ([]broadcast.Delivery, bool, error) {
	n = min(n, len(r.todo))
	jobs := r.todo[:n]
	r.todo = r.todo[n:]
	return jobs, len(r.todo) > 0, nil
}

func (r *chunkRun) record(ctx context.Context, out []broadcast.Outcome) error {
	return r.sender.Chunks.RecordOutcomes(ctx, r.chunk, out)
}

// keep extends the lease until the work is over, and stops the work when the
// chunk is no longer ours to send. A ledger that cannot be asked stops it too:
// what cannot be recorded must not be sent.
func (r *chunkRun) keep(ctx context.Context) {
	for {
		if sleep(ctx, keepEvery) != nil {
			return
		}
		ours, err := r.sender.Chunks.KeepChunk(ctx, r.chunk, chunkLease)
		if err != nil && ctx.Err() == nil {
			r.sender.Log.WarnContext(ctx, "chunk not kept, stopping it", "broadcast", r.chunk.BroadcastID, "chunk", r.chunk.Number, "cause", err)
		}
		if err != nil || !ours {
			r.stop()
			return
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
