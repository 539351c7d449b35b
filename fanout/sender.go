package fanout

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/fanfare/fanfare/broadcast"
)

// Messenger speaks to people's Teams. Every method fails with a *broadcast.Fault.
type Messenger interface {
	Compose(b *broadcast.Broadcast) (broadcast.Payload, error)
	// Send posts to a conversation and returns the activity ID.
	Send(ctx context.Context, to broadcast.ConversationReference, p broadcast.Payload) (string, error)
	// Update replaces a message of ours, Delete takes it back (protocol C.5).
	Update(ctx context.Context, to broadcast.ConversationReference, activityID string, p broadcast.Payload) error
	Delete(ctx context.Context, to broadcast.ConversationReference, activityID string) error
	// Open gets or creates the conversation with a person who has the bot (protocol C.1).
	Open(ctx context.Context, id broadcast.EntraID, known broadcast.ConversationReference) (broadcast.ConversationReference, error)
}

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

// Sender sends chunks: the fan-out. One Sender serves a replica; Send may run
// several times at once, each on a chunk of its own.
type Sender struct {
	Service   *broadcast.Service
	Ledger    Ledger
	Messenger Messenger
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
	_, err := s.send(ctx, id, number)
	return err
}

// send also tells whether there was anything to do.
func (s *Sender) send(ctx context.Context, id broadcast.ID, number int) (worked bool, err error) {
	b, err := s.Ledger.Broadcast(ctx, id)
	if err != nil || b.State != broadcast.Sending {
		return false, err
	}
	payload, err := s.payload(b)
	if err != nil {
		s.Log.WarnContext(ctx, "broadcast cannot be sent as it stands", "broadcast", id, "cause", err)
		return false, s.Service.Advance(ctx, id, broadcast.EventFail, broadcast.AsMessage(err))
	}
	chunk, err := s.take(ctx, id, number)
	if errors.Is(err, broadcast.ErrChunkBusy) {
		return false, nil
	}
	if err != nil || len(chunk.Deliveries) == 0 {
		return false, err
	}
	run := &chunkRun{sender: s, chunk: chunk, payload: payload, todo: chunk.Deliveries}
	err = run.work(ctx)
	// The chunk goes back even when ctx is done: otherwise the next one to take it
	// would wait for the lease, and then take its people for perhaps sent to.
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastGrace)
	defer cancel()
	return true, errors.Join(err, run.giveBack(last), s.settle(last, b, run.halted()))
}

// take takes a chunk. A stop does not interrupt it half-way: nobody would know
// whether the chunk is ours.
func (s *Sender) take(ctx context.Context, id broadcast.ID, number int) (broadcast.Chunk, error) {
	if err := ctx.Err(); err != nil {
		return broadcast.Chunk{}, err
	}
	whole, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastGrace)
	defer cancel()
	return s.Chunks.TakeChunk(whole, id, number, chunkLease)
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
func (s *Sender) settle(ctx context.Context, b *broadcast.Broadcast, halt *broadcast.Fault) error {
	if halt != nil {
		return s.stop(ctx, b, halt)
	}
	now, err := s.Ledger.Standing(ctx, b.ID)
	if err != nil || !now.Over() {
		return err
	}
	return s.Service.Advance(ctx, b.ID, broadcast.EventFinish, "")
}

// stop acts on a fault that concerns more than one person, unless somebody has
// moved the broadcast since its chunk was taken.
func (s *Sender) stop(ctx context.Context, b *broadcast.Broadcast, halt *broadcast.Fault) error {
	if halt.Scope == broadcast.ScopeService {
		return s.Service.PauseAll(ctx, b, broadcast.Halt{Reason: halt.Reason, Code: halt.Code, Detail: halt.Detail})
	}
	ev, why := broadcast.EventPause, fmt.Sprintf("Stopped after many failures in a row: %s (%s). Look at the recipients, then resume or cancel.", halt.Reason.Words(), halt.Code)
	if halt.Reason == broadcast.ReasonTooLarge {
		ev, why = broadcast.EventFail, "Teams refused the message as too large. Shorten it and send it as a new broadcast."
	}
	_, err := s.Service.AdvanceFrom(ctx, b, ev, why)
	return err
}
