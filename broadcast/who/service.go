package who

import (
	"context"
	"regexp"
	"strings"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/person"
)

// Ledger is what is remembered of people one by one.
type Ledger interface {
	// FindPeople reads one page.
	FindPeople(ctx context.Context, q Query) (Page, error)
	// Person reads one; *Error NotFound if the directory never had them.
	Person(ctx context.Context, id broadcast.EntraID) (Person, error)
	// PersonMoves reads the newest lines of somebody's history, newest first.
	PersonMoves(ctx context.Context, id broadcast.EntraID, limit int) ([]Move, error)
	// Receipts reads one page of what became of broadcasts at somebody.
	Receipts(ctx context.Context, q ReceiptQuery) (ReceiptPage, error)
	// DirectorySync is how reading the directory goes.
	DirectorySync(ctx context.Context) (person.Sync, error)
}

// StaleAfter is how old the directory may be, unless configured otherwise.
const StaleAfter = 24 * time.Hour

// Service answers for people. Everybody who is signed in with a role may ask.
type Service struct {
	ledger     Ledger
	staleAfter time.Duration
	now        func() time.Time
}

// NewService makes it; staleAfter 0 is StaleAfter.
func NewService(l Ledger, staleAfter time.Duration, now func() time.Time) *Service {
	if staleAfter <= 0 {
		staleAfter = StaleAfter
	}
	return &Service{l, staleAfter, now}
}

func may(a broadcast.Actor) error {
	if a.Has(broadcast.Roles()...) {
		return nil
	}
	return broadcast.Errorf(broadcast.Forbidden, "Your account has no role in Fanfare. Ask an administrator for one.")
}

// How much is read at once.
const (
	maxText  = 120 // runes of a search
	usualRow = 25
	mostRows = 100
	maxMoves = 100
)

func rows(limit int) int {
	if limit <= 0 {
		return usualRow
	}
	return min(limit, mostRows)
}

// guid is the usual form only: anything else names nobody.
var guid = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// Find finds people by an ID, or by the beginnings of words of name or UPN.
func (s *Service) Find(ctx context.Context, a broadcast.Actor, q Query) (Page, error) {
	if err := may(a); err != nil {
		return Page{}, err
	}
	q.Text, q.Limit = strings.TrimSpace(q.Text), rows(q.Limit)
	if guid.MatchString(q.Text) {
		p, err := s.ledger.Person(ctx, broadcast.EntraID(strings.ToLower(q.Text)))
		if broadcast.IsCode(err, broadcast.NotFound) {
			return Page{}, nil
		}
		return Page{People: []Person{p}}, err
	}
	if r := []rune(q.Text); len(r) > maxText {
		q.Text = string(r[:maxText])
	}
	return s.ledger.FindPeople(ctx, q)
}

// Story is one person, with what happened.
type Story struct {
	Person
	Outlook Outlook
	Moves   []Move
	ReceiptPage
}

// Story tells all of one person: who they are, how the bot stands at them, what
// would happen to a message now, and what became of those before.
func (s *Service) Story(ctx context.Context, a broadcast.Actor, q ReceiptQuery) (Story, error) {
	if err := may(a); err != nil {
		return Story{}, err
	}
	if !guid.MatchString(string(q.Person)) {
		return Story{}, errNobody
	}
	q.Person, q.Limit = broadcast.EntraID(strings.ToLower(string(q.Person))), rows(q.Limit)
	p, err := s.ledger.Person(ctx, q.Person)
	if err != nil {
		return Story{}, err
	}
	story := Story{Person: p, Outlook: p.Outlook()}
	if story.Moves, err = s.ledger.PersonMoves(ctx, q.Person, maxMoves); err != nil {
		return Story{}, err
	}
	story.ReceiptPage, err = s.ledger.Receipts(ctx, q)
	return story, err
}

var errNobody = broadcast.Errorf(broadcast.NotFound, "Nobody with this ID is known. Look for the person by name; whoever is new comes with the next reading of the directory.")

// ErrNobody is what a ledger answers for an ID it does not know.
func ErrNobody() error { return errNobody }
