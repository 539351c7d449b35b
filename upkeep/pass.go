package upkeep

import (
	"time"

	"github.com/fanfare/fanfare/broadcast"
)

// State is where a pass stands.
type State string

// Running and paused passes are live, of which there is one at most; the others are
// ends.
const (
	Running State = "running"
	Paused  State = "paused"
	Done    State = "done"
	Stopped State = "stopped"
)

// States is every state. The database CHECK repeats it.
func States() []State { return []State{Running, Paused, Done, Stopped} }

// Cause is why a pass began.
type Cause string

// Asked: an admin did. Due: the time for one had come. Published: the catalogue has a
// newer version.
const (
	Asked     Cause = "asked"
	Due       Cause = "due"
	Published Cause = "published"
)

// Causes is every cause. The database CHECK repeats it.
func Causes() []Cause { return []Cause{Asked, Due, Published} }

// Pass is one walk over all installations.
type Pass struct {
	Number   int
	State    State
	Cause    Cause
	Upgrades bool   // or it only looks
	Version  string // the catalogue's newest when it began; "" if it tells none
	By       broadcast.ActorRef
	BegunAt  time.Time
	EndedAt  time.Time // zero while it is live
	Total    int       // people to look at, as counted when it began
	Looked   int       // of these
	Problem  string    // why it rests; "" when nothing is wrong
	RestTill time.Time // until when
}

// Live tells whether the pass has not come to an end.
func (p *Pass) Live() bool { return p != nil && (p.State == Running || p.State == Paused) }

// Count is how many people of a pass were found so.
type Count struct {
	Finding Finding
	Reason  broadcast.Reason // of those who could not be looked at, or upgraded
	People  int
}

// VersionCount is how many people have a version of the app; "" is not known yet.
type VersionCount struct {
	Version string
	People  int
}

// Move is one line of the audit of upkeep.
type Move struct {
	What string
	By   broadcast.ActorRef
	At   time.Time
}

// What an admin can do, as the audit tells it.
const (
	MoveCheck   = "check"
	MoveUpgrade = "upgrade"
	MovePause   = "pause"
	MoveResume  = "resume"
	MoveStop    = "stop"
	MoveOn      = "repair_on"
	MoveOff     = "repair_off"
	MovePutBack = "put_back"
)

// Standing is how upkeep stands. All of it is cheap to read.
type Standing struct {
	Pass      *Pass // the live one, else the last; nil if there was none
	Found     []Count
	Repairs   bool   // apps that vanished are put back by themselves where that is safe
	Published string // the catalogue's newest version, "" while unknown
	AskedAt   time.Time
	Trouble   string // why the catalogue could not be read
	Target    string // the version the last pass went for, or the first one ever seen
	Since     time.Time
	Vanished  int // people an admin may put the app back for
}

// Start is a pass to begin.
type Start struct {
	Cause    Cause
	Upgrades bool
	Version  string
	By       broadcast.ActorRef
}
