package broadcast

import "context"

// People is what the ledger remembers of our bot at people.
type People interface {
	// BotAdded stores a person's address, marks the bot installed and makes what is
	// pending for them ready, handing the chunks to the engine, in one transaction.
	// It brings removed and blocked people back: the event is their own doing.
	BotAdded(ctx context.Context, id EntraID, at ConversationReference) error
	// BotGone marks the bot removed or blocked and skips what waits for the person,
	// except deliveries in a worker's hands, in one transaction.
	BotGone(ctx context.Context, id EntraID, state InstallationState) error
	// Address reads where a person can be written to; *Error NotFound if unknown.
	Address(ctx context.Context, id EntraID) (ConversationReference, error)
	// Seen refreshes a known person's service URL and conversation (protocol C.8).
	Seen(ctx context.Context, id EntraID, at ConversationReference) error
	// LastSent is the newest broadcast that was sent to a person; *Error NotFound if none.
	LastSent(ctx context.Context, id EntraID) (ID, error)
}
