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
