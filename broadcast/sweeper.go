package broadcast

import "context"

// Leftovers is what the sweep asks of the ledger.
type Leftovers interface {
	// Unfinished finds work that nobody seems to have in hand: broadcasts resolving,
	// chunks of sending broadcasts with something due and no lease, cancelled
	// broadcasts with deliveries left, installations wanted and due. At most limit.
	Unfinished(ctx context.Context, limit int) ([]Work, error)
	// Finishable finds sending broadcasts with nothing left.
	Finishable(ctx context.Context) ([]ID, error)
	// Due finds scheduled broadcasts whose time has come.
	Due(ctx context.Context) ([]ID, error)
	// CancelLeft marks up to limit waiting deliveries of a cancelled broadcast cancelled,
	// leaving out chunks in a worker's hands; it returns how many it marked.
	CancelLeft(ctx context.Context, id ID, limit int) (int, error)
	// Clean forgets handled inbound activities and whatever else has served its time.
	Clean(ctx context.Context) error
}
