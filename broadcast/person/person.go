package person

import (
	"strings"
	"time"

	"github.com/fanfare/fanfare/broadcast"
)

// Person is somebody in the directory, as far as Fanfare needs to know them.
type Person struct {
	EntraID       broadcast.EntraID
	Name          string
	UPN           string
	Mail          string
	Type          Type
	Guest         bool // a guest account, or one whose home is another tenant
	Enabled       bool
	Licensed      bool // holds an enabled Teams plan
	Deleted       bool
	Department    string
	Office        string
	City          string
	Country       string
	UsageLocation string // where their licences are used: ISO 3166 two letters
	JobTitle      string
	Language      string            // preferred language, BCP 47
	TimeZone      string            // IANA name, where known
	Manager       broadcast.EntraID // "" for nobody
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

// Type is what the directory calls an account. Some old members have none
// (protocol G.2).
type Type string

// The types of accounts.
const (
	Member    Type = "member"
	GuestType Type = "guest"
)

// Elsewhere tells whether a user principal name marks somebody whose home is
// another tenant (protocol G.2).
func Elsewhere(upn string) bool { return strings.Contains(strings.ToUpper(upn), "#EXT#") }

// B2B tells whether this is a member whose home is another tenant: no guest, and
// out of the bot's reach like one, because they use Teams at home.
func (p Person) B2B() bool { return p.Type != GuestType && Elsewhere(p.UPN) }

// Patch is what a delta round says of somebody: absent is not null
// (protocol G.1), so only fields that are set are stored. Guest is what type or
// name said; who has a name of another tenant stays one.
type Patch struct {
	EntraID                                           broadcast.EntraID
	Name, UPN, Mail                                   *string
	Type                                              *Type
	Guest, Enabled, Licensed, Deleted                 *bool
	Department, Office, Country, JobTitle, PreferLang *string
	City, UsageLocation                               *string
}

// Cursor is where reading the directory stands. It is stored together with the
// people it has passed, so it never moves past somebody who was not kept.
type Cursor struct {
	Link       string    // the next page, or the delta link after a finished round; "" to begin anew
	Round      int64     // counts full reads; people of an older round after one finished are gone
	Full       bool      // the round under way is a full read
	FinishedAt time.Time // when a round last came to its end; zero for never
}

// Report is whom somebody reports to; "" for nobody.
type Report struct{ EntraID, Manager broadcast.EntraID }

// ManagerCursor is where reading who reports to whom stands. Delta rounds cannot
// tell (protocol G.1: no $expand), so it is a read of its own.
type ManagerCursor struct {
	Link       string    // the next page; "" between reads
	FinishedAt time.Time // when everybody was last read; zero for never
}

// Sync is how reading the directory goes.
type Sync struct {
	FinishedAt   time.Time // when it was last read to the end; zero for never
	ManagersAt   time.Time // the same of who reports to whom
	Problem      string    // why the last try failed, in a sentence; "" if it did not
	FailingSince time.Time // the first of the tries that failed since one did not
	FailedAt     time.Time // the last of them
}
