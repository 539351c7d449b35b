package fanout

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/budget"
)

// Messenger speaks to people's Teams. Every method fails with a *broadcast.Fault.
type Messenger interface {
	// Compose builds the payload in a variant's locale, "" for the default.
	Compose(b *broadcast.Broadcast, locale string) (broadcast.Payload, error)
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
	// TakeNext takes the next free chunk of a broadcast with something due, under its
	// next fence until the lease runs out, and opens it as far as the window reaches:
	// to that many of its deliveries, or with 0 to all. Number 0 if there is nothing
	// to do for now, or nothing may be sent.
	TakeNext(ctx context.Context, id broadcast.ID, lease time.Duration, window int) (broadcast.Chunk, error)
	// KeepChunk extends the lease; false if the fence is no longer ours or the
	// broadcast may no longer be sent: stop.
	KeepChunk(ctx context.Context, c broadcast.Chunk, lease time.Duration) (bool, error)
	// RecordOutcomes stores outcomes, the tally and how far the chunk is open in one
	// transaction, with what they say of addresses and installations. ErrFenceLost if
	// the fence is no longer ours: nothing was stored. An outcome of a delivery that
	// was cancelled while it was in hand still counts: the message is there.
	RecordOutcomes(ctx context.Context, c broadcast.Chunk, outcomes []broadcast.Outcome) error
	// FinishChunk stores the last outcomes, if any, and gives the chunk back in the
	// same transaction.
	FinishChunk(ctx context.Context, c broadcast.Chunk, outcomes []broadcast.Outcome) error
}

// seatSpan is how long hands stay with one broadcast before they look who else
// waits: that is the longest an urgent one waits for them. Each goes at a moment of
// its own in the second half of it. If all of them changed at once, as those do that
// began together, nobody would send meanwhile.
const seatSpan = 5 * time.Second

func seatTime() time.Duration { return seatSpan/2 + rand.N(seatSpan/2) }

// Sender sends chunks: the fan-out. One Sender serves a replica; Seat may run
// several times at once, for one broadcast or many.
type Sender struct {
	Service   *broadcast.Service
	Ledger    Ledger
	Messenger Messenger
	Chunks    Chunks
	Marks     Marks
	Budget    *budget.Budget
	Workers   int              // requests at once per seat
	Now       func() time.Time // the ledger's clock
	Log       *slog.Logger

	mu       sync.Mutex
	composed map[broadcast.ID]composed
	breaker  breaker
	outage   outage
	seats    atomic.Int64 // taken now
	waiting  atomic.Int64 // runs that hold results the ledger would not take yet
}

// payloads are a broadcast's, by the locales of its variants; "" is the default's.
type payloads map[string]broadcast.Payload

// composed is a broadcast's payloads, built once and reused for every recipient.
type composed struct {
	hash     string
	payloads payloads
}

// Seat sends a broadcast's chunks one after another: it takes one under a fence,
// sends what is due, records outcomes in batches and gives it back. It returns nil
// when nothing is due, ctx ends or the broadcast may not be sent, and ErrMore when
// its time is over before that.
func (s *Sender) Seat(ctx context.Context, id broadcast.ID) error {
	b, err := s.Ledger.Broadcast(ctx, id)
	if err != nil || b.State != broadcast.Sending {
		return err
	}
	each, err := s.payloads(b)
	if err != nil {
		s.Log.WarnContext(ctx, "broadcast cannot be sent as it stands", "broadcast", id, "cause", err)
		return s.Service.Advance(ctx, id, broadcast.EventFail, broadcast.AsMessage(err))
	}
	s.seats.Add(1)
	defer s.seats.Add(-1)
	span, stop := context.WithTimeout(ctx, seatTime())
	defer stop()
	for span.Err() == nil && s.waiting.Load() == 0 {
		chunk, err := s.take(ctx, id)
		if err != nil {
			return err
		}
		if chunk.Number == 0 {
			return s.settle(ctx, b)
		}
		run := newChunkRun(s, b, chunk, each)
		err = run.work(ctx, span)
		if halt := run.halted(); halt != nil {
			return errors.Join(err, s.stop(ctx, b, halt))
		}
		if err != nil {
			return err
		}
	}
	if ctx.Err() != nil || s.waiting.Load() > 0 {
		return nil
	}
	return broadcast.ErrMore
}

// window is how many deliveries of a chunk may be begun and not recorded: as many
// as can be in hand and on their way into the ledger. That bounds what is in doubt
// when a replica dies: whatever the number of seats, no more than four of them could
// have in hand, and a batch. Where nothing paces the requests, a chunk is over before
// a window would have moved.
func (s *Sender) window() int {
	if s.Budget.Rate() == 0 {
		return 0
	}
	return max(1, min(2*s.Workers, max(s.Workers/2, 5*s.Workers/max(1, int(s.seats.Load())))))
}

// take takes a chunk. A stop does not interrupt it half-way: nobody would know
// whether the chunk is ours.
func (s *Sender) take(ctx context.Context, id broadcast.ID) (broadcast.Chunk, error) {
	whole, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastGrace)
	defer cancel()
	return s.Chunks.TakeNext(whole, id, chunkLease, s.window())
}

// payloads composes once per broadcast, hash and variant, after checking that the
// message is the one that was approved. A correction is composed as the announcement
// it stands for: whoever asks why they got it, asks about that. A recall says nothing.
func (s *Sender) payloads(b *broadcast.Broadcast) (payloads, error) {
	if err := b.ApprovedAsIs(); err != nil || b.Kind == broadcast.KindRecall {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if c, ok := s.composed[b.ID]; ok && c.hash == b.ApprovedHash {
		return c.payloads, nil
	}
	as := *b
	if b.Kind == broadcast.KindEdit {
		as.ID = b.Target
	}
	each := payloads{}
	for _, locale := range b.Message.Locales() {
		p, err := s.Messenger.Compose(&as, locale)
		if err != nil {
			return nil, err
		}
		each[locale] = p
	}
	if len(s.composed) >= 16 || s.composed == nil {
		s.composed = map[broadcast.ID]composed{} // few broadcasts are live at once; composing anew is cheap
	}
	s.composed[b.ID] = composed{b.ApprovedHash, each}
	return each, nil
}

// settle finishes a broadcast of which nothing is left. One whose first wave is
// under way waits for what the sweep makes of it, and so does a welcome, which may be
// in use.
func (s *Sender) settle(ctx context.Context, b *broadcast.Broadcast) error {
	if b.Welcomes() {
		return nil
	}
	now, err := s.Ledger.Standing(ctx, b.ID)
	if err != nil || !now.Over() || now.Wave == 0 {
		return err
	}
	return finish(ctx, s.Service, s.Ledger, s.Marks, b.ID)
}

// stop acts on a fault that concerns more than one person, unless somebody has
// moved the broadcast since the seat was taken. It is not cut short by a stop of
// the process: the fault is known now.
func (s *Sender) stop(ctx context.Context, b *broadcast.Broadcast, halt *broadcast.Fault) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastGrace)
	defer cancel()
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
