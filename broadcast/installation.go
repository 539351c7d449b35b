package broadcast

import "time"

// InstallationState is where our bot stands in one person's Teams. It outlives
// broadcasts.
type InstallationState string

// Wanted: to be installed. Installed: Graph or Teams says it is there. Refused:
// Graph said no, with a reason. Removed and blocked: the person's own will, which
// is never overridden.
const (
	InstallationWanted    InstallationState = "wanted"
	InstallationInstalled InstallationState = "installed"
	InstallationRefused   InstallationState = "refused"
	InstallationRemoved   InstallationState = "removed"
	InstallationBlocked   InstallationState = "blocked"
)

// InstallationStates is every state. The database CHECK repeats it.
func InstallationStates() []InstallationState {
	return []InstallationState{InstallationWanted, InstallationInstalled, InstallationRefused, InstallationRemoved, InstallationBlocked}
}

// Installation is our bot in one person's Teams.
type Installation struct {
	EntraID   EntraID
	State     InstallationState
	Reason    Reason
	Detail    string
	Attempts  int
	NotBefore time.Time
	// NeedsChat: installed, but no event told us the conversation within the
	// grace; it has to be read through Graph (protocol F.5, C.7).
	NeedsChat bool
	Fence     int64 // outcomes are recorded only under the fence it was taken with
}

// InstallOutcome is what became of one try to install the bot or to read the chat.
type InstallOutcome struct {
	EntraID   EntraID
	Fence     int64
	State     InstallationState // wanted again (with NotBefore), installed or refused
	Reason    Reason
	Detail    string
	Attempts  int
	NotBefore time.Time // for wanted: next try; for installed without address: when to read the chat
	Address   *ConversationReference
	At        time.Time
}

// InstallQuery asks for a page of people on the rollout page, in the order of EntraID.
type InstallQuery struct {
	State  InstallationState // "" for all
	Reason Reason
	Text   string
	After  EntraID
	Limit  int
	// What the directory says, and which ring (package rollout) they are in; "" for all.
	Department, Country, Ring string
}

// InstallRow is one person on the rollout page.
type InstallRow struct {
	Installation
	Name, UPN string
	UpdatedAt time.Time
}

// InstallPage is one page; Next is the After of the following one, "" at the end.
type InstallPage struct {
	Rows []InstallRow
	Next EntraID
}

// RolloutState is what the admin decided about installing.
type RolloutState string

// Idle: only people a broadcast waits for get the bot. Running: everybody the
// directory says can use it. Paused: nobody, broadcasts wait.
const (
	RolloutIdle    RolloutState = "idle"
	RolloutRunning RolloutState = "running"
	RolloutPaused  RolloutState = "paused"
)
