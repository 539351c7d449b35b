package broadcast

import (
	"context"
	"iter"
)

// Directory knows who is in an audience.
type Directory interface {
	// Members yields everybody an audience means, once each. It fails closed:
	// when any part cannot be read it yields an error and stops. An *Error names
	// the part in words for people; anything else is passing trouble.
	Members(ctx context.Context, a Audience) iter.Seq2[Recipient, error]
	// Groups finds groups by the beginning of a word of their name, at most limit.
	Groups(ctx context.Context, text string, limit int) ([]GroupHit, error)
}

// GroupHit is a group to choose from. Mail or description tell groups of the same name apart.
type GroupHit struct {
	Group
	Mail        string
	Description string
	Kind        string // "Microsoft 365", "Security", "Dynamic"…
}

// Roll is what the resolver writes: the frozen list of a broadcast's recipients.
type Roll interface {
	// AddDeliveries stores recipients as the next chunk, those not yet on the list
	// only (unique per broadcast and person). Each starts where the ledger says: skipped
	// (directory's reason, or blocked, removed, refused), ready (address known) or
	// pending; for pending people without an installation one is wanted.
	AddDeliveries(ctx context.Context, id ID, page []Recipient) error
	// DropDeliveries forgets a list that was never sent from (state resolving).
	DropDeliveries(ctx context.Context, id ID) error
	// Chunks is the highest chunk number of a broadcast, 0 for none.
	Chunks(ctx context.Context, id ID) (int, error)
}
