package person

import (
	"time"

	"github.com/fanfare/fanfare/broadcast"
)

// Person is somebody in the directory, as far as Fanfare needs to know them.
type Person struct {
	EntraID    broadcast.EntraID
	Name       string
	UPN        string
	Mail       string
	Guest      bool
	Enabled    bool
	Licensed   bool // holds an enabled Teams plan
	Deleted    bool
	Department string
	Office     string
	Country    string
	JobTitle   string
	Language   string // preferred language, BCP 47
}

// Excluded is why this person cannot be written to whatever the bot's state, or "".
func (p Person) Excluded() broadcast.Reason {
	switch {
	case p.Deleted:
		return broadcast.ReasonDeleted
	case !p.Enabled:
		return broadcast.ReasonDisabled
	case p.Guest:
		return broadcast.ReasonGuest
	case !p.Licensed:
		return broadcast.ReasonUnlicensed
	}
	return ""
}

// Patch is what a delta round says of somebody: absent is not null
// (protocol G.1), so only fields that are set are stored.
type Patch struct {
	EntraID                                           broadcast.EntraID
	Name, UPN, Mail                                   *string
	Guest, Enabled, Licensed, Deleted                 *bool
	Department, Office, Country, JobTitle, PreferLang *string
}

// Cursor is where reading the directory stands. It is stored together with the
// people it has passed, so it never moves past somebody who was not kept.
type Cursor struct {
	Link       string    // the next page, or the delta link after a finished round; "" to begin anew
	Round      int64     // counts full reads; people of an older round after one finished are gone
	Full       bool      // the round under way is a full read
	FinishedAt time.Time // when a round last came to its end; zero for never
}
