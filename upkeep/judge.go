package upkeep

import (
	"time"

	"github.com/fanfare/fanfare/broadcast"
)

// Finding is what a pass found at a person, or did for them; each has one.
type Finding string

// The findings.
const (
	Fine        Finding = "fine"         // as the ledger says, in the newest version or one nobody knows
	Outdated    Finding = "outdated"     // older than the catalogue's, and the pass only looks
	Upgraded    Finding = "upgraded"     // Graph took the upgrade
	NotUpgraded Finding = "not_upgraded" // it did not
	Found       Finding = "found"        // there, though the ledger did not know: it does now
	PutBack     Finding = "put_back"     // vanished, not by the person: to be installed again
	Vanished    Finding = "vanished"     // vanished, perhaps by the person: left alone
	Fresh       Finding = "fresh"        // something changed just now: left for the next pass
	Unknown     Finding = "unknown"      // Graph would not say
)

// Findings is every finding, in the order they are shown. The database CHECK repeats it.
func Findings() []Finding {
	return []Finding{Fine, Outdated, Upgraded, NotUpgraded, Found, PutBack, Vanished, Fresh, Unknown}
}

// Person is somebody to look at, as the ledger knows them.
type Person struct {
	EntraID   broadcast.EntraID
	State     broadcast.InstallationState
	Fence     int64
	ChangedAt time.Time // when the ledger last took something down
	ThereAt   time.Time // when the app was last known to be there; zero for never
	Removed   bool      // they removed or blocked it once, by an event of their own
}

// Seen is what Graph says of a person (protocol F.4).
type Seen struct {
	There        bool
	Installation string // Graph's ID of it
	Version      string // "" if Graph tells none
}

// Rules are what a judgement goes by.
type Rules struct {
	Now time.Time
	// Settle is how long after a change Graph may still tell what was before, and how
	// long an event may be on its way.
	Settle time.Duration
	// HearingSince is from when on nothing Teams told can have been missed.
	HearingSince time.Time
	Repairs      bool
}

// Verdict is what follows for the ledger; with To "" nothing does.
type Verdict struct {
	Finding   Finding
	To        broadcast.InstallationState
	Reason    broadcast.Reason
	NotBefore time.Time
}

// judge compares what Graph says with the ledger.
func judge(p Person, s Seen, r Rules) Verdict {
	installed := p.State == broadcast.InstallationInstalled
	switch {
	case s.There == installed:
		return Verdict{Finding: Fine}
	case r.Now.Sub(p.ChangedAt) < r.Settle:
		return Verdict{Finding: Fresh}
	case s.There: // whoever brought it there, an event of it was missed; the chat is read next
		return Verdict{Finding: Found, To: broadcast.InstallationInstalled, NotBefore: r.Now}
	case p.Removed: // and has done so again, for all we know
		return Verdict{Finding: Vanished, To: broadcast.InstallationRemoved}
	case !r.Repairs, p.ThereAt.IsZero(), p.ThereAt.Before(r.HearingSince):
		return Verdict{Finding: Vanished, To: broadcast.InstallationRemoved, Reason: broadcast.ReasonVanished}
	}
	return Verdict{Finding: PutBack, To: broadcast.InstallationWanted, NotBefore: r.Now.Add(r.Settle)}
}
