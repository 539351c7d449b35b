package broadcast

import "context"

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
