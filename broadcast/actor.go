package broadcast

import (
	"slices"
	"time"
)

// EntraID is a person's directory object ID: the same GUID as aadObjectId on
// activities, id in Graph and oid in sign-in tokens (protocol D, H.1).
type EntraID string

// Role is what a person may do; it comes from the app roles of the sign-in.
type Role string

// The roles people can hold. Engine is nobody's: it marks moves the engine makes.
const (
	RoleAuthor   Role = "author"
	RoleApprover Role = "approver"
	RoleAdmin    Role = "admin"
	RoleAuditor  Role = "auditor"
	RoleEngine   Role = "engine"
)

// Roles are the roles a person can hold, in the order they are shown.
func Roles() []Role { return []Role{RoleAuthor, RoleApprover, RoleAdmin, RoleAuditor} }

// ActorRef names somebody in a stored record.
type ActorRef struct {
	ID   EntraID
	Name string
}

// Actor is who is doing something, with the roles they hold while doing it.
type Actor struct {
	ActorRef
	Roles []Role
}

// Has tells whether the actor holds at least one of the roles.
func (a Actor) Has(roles ...Role) bool {
	return slices.ContainsFunc(roles, func(r Role) bool { return slices.Contains(a.Roles, r) })
}

// EngineActor is the one who moves broadcasts on when no person does.
var EngineActor = Actor{ActorRef{ID: "engine", Name: "Fanfare"}, []Role{RoleEngine}}

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
