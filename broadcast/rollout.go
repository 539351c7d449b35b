package broadcast

import (
	"context"
	"time"
)

// RolloutState is what the admin decided about installing.
type RolloutState string

// Idle: only people a broadcast waits for get the bot. Running: everybody the
// directory says can use it. Paused: nobody, broadcasts wait.
const (
	RolloutIdle    RolloutState = "idle"
	RolloutRunning RolloutState = "running"
	RolloutPaused  RolloutState = "paused"
)

// Rollout is how far the installation has come.
type Rollout struct {
	State     RolloutState
	By        ActorRef
	ChangedAt time.Time
	Eligible  int // people the directory says can have it
	Installed int
	Addressed int // of Installed: those whose conversation we know
	Wanted    int
	Refused   int
	Removed   int
	Blocked   int
	Untouched int // eligible, and nobody wants it for them yet
	// Reasons counts the refused and the retried wanted ones.
	Reasons map[Reason]int
	// DirectoryAt is when the directory was last read to the end; zero for never.
	DirectoryAt time.Time
	People      int            // everybody in the directory
	Excluded    map[Reason]int // of People: those who cannot have it, by the directory's reason
}

// Rollouts is what the ledger remembers of the rollout.
type Rollouts interface {
	Rollout(ctx context.Context) (Rollout, error)
	// SetRollout stores the admin's decision by compare-and-set on the state
	// (*Error Conflict), with an audit line. Starting makes everybody eligible without
	// an installation wanted, and the refused ones wanted again.
	SetRollout(ctx context.Context, from, to RolloutState, by ActorRef, at time.Time) error
	// WantEveryone makes newly eligible people wanted if the rollout is running.
	WantEveryone(ctx context.Context) error
	// Installations reads one page.
	Installations(ctx context.Context, q InstallQuery) (InstallPage, error)
}
