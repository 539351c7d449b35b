package lists

import (
	"cmp"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/audience"
)

// Problem is what became of a row that does not simply name somebody.
type Problem string

// The problems. Twice is somebody an earlier row has named; they count once.
const (
	Fine       Problem = ""
	Twice      Problem = "twice"
	NotFound   Problem = "not_found"
	Ambiguous  Problem = "ambiguous"  // several people have this address
	Unreadable Problem = "unreadable" // neither an address nor an ID
	Unasked    Problem = "unasked"    // unknown to the ledger, and one too many to ask Graph about
)

// Problems is every problem.
func Problems() []Problem {
	return []Problem{Fine, Twice, NotFound, Ambiguous, Unreadable, Unasked}
}

// Words is what became of the row, as people read it.
func (p Problem) Words() string {
	switch p {
	case Fine:
		return "Found"
	case Twice:
		return "Found, named before"
	case NotFound:
		return "Not found: nobody in the directory has this address or ID"
	case Ambiguous:
		return "Not taken: several people have this address. Use the user principal name or the ID"
	case Unreadable:
		return "Not taken: this is neither an address nor an ID"
	case Unasked:
		return "Not found: not in the directory as it was last read, and the list has too many such rows to ask Microsoft about each"
	}
	return string(p)
}

// Row is a line of what was uploaded.
type Row struct {
	Line int // from 1, as in the file
	Text string
}

// Outcome is what became of a row. Who they are is filled in when a report is read.
type Outcome struct {
	Row
	EntraID   broadcast.EntraID // "" for nobody
	Problem   Problem
	FirstLine int // of Twice: where they were named before

	Name     string
	UPN      string
	Excluded broadcast.Reason // why the directory says they cannot be written to
}

// List is an uploaded list. It never changes; one that is mended is a new one.
type List struct {
	ID        broadcast.ID
	Name      string
	By        broadcast.ActorRef
	CreatedAt time.Time
	Rows      int
	Found     int // rows that name somebody, if for the second time
	People    int // whom they name, each once
}

// Missing is how many rows name nobody.
func (l List) Missing() int { return l.Rows - l.Found }

// Part is the list as a part of an audience.
func (l List) Part() audience.Part {
	return audience.Part{Kind: audience.List, ID: string(l.ID), Name: audience.ListName(l.Name, l.People)}
}

// MayDelete tells whether somebody may delete the list.
func (l List) MayDelete(a broadcast.Actor) bool {
	return a.Has(broadcast.RoleAdmin) || a.MayWrite() && a.ID == l.By.ID
}

// Filter says which rows of a report are meant.
type Filter string

// The filters.
const (
	All     Filter = ""
	Missing Filter = "missing" // rows that name nobody
)

// ReportQuery asks for a page of a report.
type ReportQuery struct {
	List   broadcast.ID
	Filter Filter
	After  int // line of the last row seen
	Limit  int
}

// Report is one page; Next is the After of the following one, 0 at the end.
type Report struct {
	List
	Outcomes []Outcome
	Next     int
}

// Saved is an audience kept under a name.
type Saved struct {
	ID        broadcast.ID
	Name      string
	Audience  broadcast.Audience
	By        broadcast.ActorRef
	CreatedAt time.Time
}

// Limits of what is taken in.
const (
	MaxRows  = 200_000
	MaxName  = 100 // runes
	maxText  = 320 // runes of a row that are kept: an address has at most that many
	MaxAsked = 2_000
)

// reportRows is how many rows of a report are read at once.
func reportRows(asked int) int { return min(cmp.Or(max(asked, 0), 100), 5_000) }
