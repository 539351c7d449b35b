package broadcast

import (
	"context"
	"time"
)

// Payload is a message composed once for all recipients: the bytes of the
// activity, and its Card alone for previews. Units is its size as Teams counts
// it (UTF-16 bytes, protocol E.4).
type Payload struct {
	Activity []byte
	Card     []byte
	Units    int
}

// Messenger speaks to people's Teams.
type Messenger interface {
	// Compose builds the payload. An *Error says what does not fit.
	Compose(b *Broadcast) (Payload, error)
	// Send posts it to a conversation and returns the activity ID, or a *Fault.
	Send(ctx context.Context, to ConversationReference, p Payload) (string, error)
	// Open gets or creates the conversation with a person who has the bot
	// (protocol C.1) and returns its address, or a *Fault. Service URL and channel
	// account ID in known are used if set.
	Open(ctx context.Context, id EntraID, known ConversationReference) (ConversationReference, error)
	// Reply posts a short Markdown text, or a *Fault.
	Reply(ctx context.Context, to ConversationReference, text string) error
}

// Chunks is what the sender takes and writes back.
type Chunks interface {
	// TakeChunk takes a chunk under its next fence until the lease runs out, with
	// the deliveries that are ready and due. ErrChunkBusy if somebody else holds it,
	// an empty chunk if there is nothing to do or the broadcast is not sending.
	TakeChunk(ctx context.Context, id ID, number int, lease time.Duration) (Chunk, error)
	// KeepChunk extends the lease; false if the fence is no longer ours or the
	// broadcast is no longer sending: stop.
	KeepChunk(ctx context.Context, c Chunk, lease time.Duration) (bool, error)
	// RecordOutcomes stores outcomes and the tally in one transaction, with what they
	// say of addresses and installations. ErrFenceLost if the fence is no longer ours:
	// nothing was stored. An outcome of a delivery that was cancelled while it was in
	// hand still counts: the message is there.
	RecordOutcomes(ctx context.Context, c Chunk, outcomes []Outcome) error
	// ReleaseChunk gives the chunk back and notes when its next delivery is due.
	ReleaseChunk(ctx context.Context, c Chunk) error
}

// Errors of Chunks.
var (
	ErrChunkBusy = Errorf(Conflict, "another worker holds this chunk")
	ErrFenceLost = Errorf(Conflict, "another worker has taken this chunk over")
)
