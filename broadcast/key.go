package broadcast

import "time"

// Key lets a machine act as its owner, with at most the owner's roles at the
// time it was made. Only the hash of its secret is kept.
type Key struct {
	ID         ID
	Name       string
	Hash       string // hex SHA-256 of the secret
	Owner      ActorRef
	Roles      []Role
	CreatedAt  time.Time
	LastUsedAt time.Time // to the hour, so that use costs no write each time
	RevokedAt  time.Time
}
