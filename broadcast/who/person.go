package who

import (
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/person"
)

// Person is all that is known of somebody now.
type Person struct {
	person.Person
	Manager broadcast.ActorRef // Name is "" for somebody the directory does not know
	Since   time.Time          // came into the directory, or back
	GoneAt  time.Time          // was deleted from it; zero while they are there
	Bot     Bot
	// What holds everybody up: the rollout's state, and the reason of the halt that
	// stands, "" for none.
	Rollout broadcast.RolloutState
	Halt    broadcast.Reason
	// The rollout's ring that brought them the app, "" if none of those opened did; and
	// the ring that opens next, "" when all are open or there are none.
	Ring, NextRing string
}

// Bot is where our bot stands at a person. State is "" for one nobody ever wanted
// it for.
type Bot struct {
	State     broadcast.InstallationState
	Reason    broadcast.Reason
	Detail    string // Microsoft's words
	Attempts  int
	NotBefore time.Time // the next try; zero for at once, or for none
	Addressed bool      // we know where to write to
	UpdatedAt time.Time
}

// Words is a person's state at one glance: the reason they cannot be reached for, or
// where the bot stands.
func (p Person) Words() string {
	switch o := p.Outlook(); {
	case o.State == broadcast.DeliveryReady:
		return "Can be reached"
	case o.State == broadcast.DeliveryPending:
		return "Waits for the app"
	case p.Excluded() == broadcast.ReasonGuest && p.B2B():
		return "At home in another tenant"
	default:
		return o.Reason.Words()
	}
}

// Event is what happened to the bot at a person: an installation's new state, or an
// address learnt or forgotten. The database CHECK repeats the list.
type Event string

// The events that are no state of an installation.
const (
	Addressed Event = "addressed"
	Forgotten Event = "forgotten"
)

// Events is every event: a new state of installations is one, too.
func Events() []Event {
	var out []Event
	for _, s := range broadcast.InstallationStates() {
		out = append(out, Event(s))
	}
	return append(out, Addressed, Forgotten)
}

// Move is one line of the history of the bot at a person. It is kept for a year.
type Move struct {
	At     time.Time
	Event  Event
	Reason broadcast.Reason
	Detail string // Microsoft's words
}

// Words is what happened, in a few words.
func (m Move) Words() string {
	switch m.Event {
	case Addressed:
		return "Address of the chat learnt"
	case Forgotten:
		return "Address forgotten, because Teams refused it"
	}
	switch broadcast.InstallationState(m.Event) {
	case broadcast.InstallationWanted:
		if m.Reason != "" {
			return "Installing did not work yet"
		}
		return "App wanted for them"
	case broadcast.InstallationInstalled:
		return "App installed"
	case broadcast.InstallationRefused:
		return "Installing was refused"
	case broadcast.InstallationRemoved:
		return "App removed"
	case broadcast.InstallationBlocked:
		return "Bot blocked by the person"
	}
	return string(m.Event)
}

// Receipt is one broadcast and what became of it at a person.
type Receipt struct {
	ID        broadcast.ID
	Kind      broadcast.BroadcastKind
	Title     string
	Of        broadcast.State // the broadcast's
	StartedAt time.Time
	// Delivery is 0 for somebody who was not on its list; then Late tells that they
	// came into the directory after it was sent, and the rest is empty.
	Delivery  int64
	Late      bool
	State     broadcast.DeliveryState
	Reason    broadcast.Reason
	Code      string // Microsoft's, of the last attempt
	Detail    string
	Attempts  int
	MaybeSent bool
	UpdatedAt time.Time
}

// Query asks for a page of people, in the order of their IDs. Text is an ID, or the
// beginnings of words of name or UPN; "" is everybody.
type Query struct {
	Text  string
	After broadcast.EntraID
	Limit int
}

// Page is one page; Next is the After of the following one, "" at the end.
type Page struct {
	People []Person
	Next   broadcast.EntraID
}

// ReceiptQuery asks for a page of a person's broadcasts, newest first. All is those
// they were not on, too.
type ReceiptQuery struct {
	Person broadcast.EntraID
	All    bool
	After  broadcast.ID // "" for the newest
	Limit  int
}

// ReceiptPage is one page. Next is the After of the following one, "" at the end: a
// page may be short, even empty, and go on.
type ReceiptPage struct {
	Receipts []Receipt
	Next     broadcast.ID
}
