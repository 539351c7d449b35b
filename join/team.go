package join

import (
	"time"

	"github.com/fanfare/fanfare/broadcast"
)

// State is where the app stands at a team, as far as Graph was asked.
type State string

// Wanted: to be installed. Installed: Graph took it, or it was there. Refused: Graph
// said no, with a reason.
const (
	Wanted    State = "wanted"
	Installed State = "installed"
	Refused   State = "refused"
)

// States is every state. The database CHECK repeats it.
func States() []State { return []State{Wanted, Installed, Refused} }

// Team is a team an admin wants the app in.
type Team struct {
	GroupID   string
	Name      string
	State     State
	Reason    broadcast.Reason // why it is refused, or waits
	Detail    string           // Graph's words
	Attempts  int
	NotBefore time.Time
	By        broadcast.ActorRef // who wants it
	AskedAt   time.Time
	UpdatedAt time.Time
}

// Job is a team in a worker's hands. Its outcome is stored only under its Fence.
type Job struct {
	GroupID  string
	Attempts int
	Fence    int64
}

// Outcome is what became of one try.
type Outcome struct {
	Job
	State     State
	Reason    broadcast.Reason
	Detail    string
	NotBefore time.Time
}

// Words says why, in a few words.
func (t Team) Words() string {
	switch t.Reason {
	case broadcast.ReasonNoTeams:
		return "No such team"
	case broadcast.ReasonCredentials:
		return "Permission missing"
	}
	return t.Reason.Words()
}

// Remedy says what can be done about it.
func (t Team) Remedy() string {
	switch t.Reason {
	case broadcast.ReasonNoTeams:
		return "It may have been deleted, or the group is no team. Take it off this list."
	case broadcast.ReasonCredentials:
		return "Grant the permission to install the app in teams; the Set-up page names it under “Admin consent”. Fanfare tries again by itself."
	case broadcast.ReasonPolicy:
		return "Allow the app for this team in the Teams admin centre, then try again."
	case broadcast.ReasonInstallFailed:
		return "Look at the detail, then try again."
	}
	return t.Reason.Remedy()
}
