package lists

import (
	"context"
	"iter"
	"time"

	"github.com/fanfare/fanfare/broadcast"
)

// Ledger is what is remembered of lists.
type Ledger interface {
	// LookUp finds whom keys (lower-cased as keyOf does) name, by ID, UPN or mail, those
	// who are gone left out; a key that names nobody is absent.
	LookUp(ctx context.Context, keys []string) (map[string]Match, error)
	// SaveList stores a list with what became of its rows, whole or not at all.
	SaveList(ctx context.Context, l List, outcomes []Outcome) error
	// Report reads one page; *Error NotFound if there is no such list.
	Report(ctx context.Context, q ReportQuery) (Report, error)
	// NewestLists reads the newest.
	NewestLists(ctx context.Context, limit int) ([]List, error)
	// DropList forgets a list; *Error NotFound if there is none.
	DropList(ctx context.Context, id broadcast.ID) error
}

// Shelf is what is remembered of saved audiences.
type Shelf interface {
	// SaveAudience stores one; *Error Conflict if its name is given.
	SaveAudience(ctx context.Context, s Saved) error
	// SavedAudiences reads all, by name.
	SavedAudiences(ctx context.Context) ([]Saved, error)
	// RenameAudience gives one another name; *Error NotFound, Conflict.
	RenameAudience(ctx context.Context, id broadcast.ID, name string) error
	// DropAudience forgets one; *Error NotFound if there is none.
	DropAudience(ctx context.Context, id broadcast.ID) error
}

// Directory asks Microsoft for people the ledger has not. Whoever it finds is stored
// before.
type Directory interface {
	LookUp(ctx context.Context, keys []string) (map[string]Match, error)
}

// Config is what the service is made of.
type Config struct {
	Ledger    Ledger
	Shelf     Shelf
	Directory Directory
	Now       func() time.Time
}

// Service holds the use-cases.
type Service struct {
	ledger    Ledger
	shelf     Shelf
	directory Directory
	now       func() time.Time
}

// NewService makes it.
func NewService(c Config) *Service {
	return &Service{c.Ledger, c.Shelf, c.Directory, c.Now}
}

// MayWrite refuses whoever may not make lists: doors ask before they read an upload.
func MayWrite(a broadcast.Actor) error {
	if a.MayWrite() {
		return nil
	}
	return broadcast.Errorf(broadcast.Forbidden, "Your role does not allow that. Ask somebody who writes announcements (role Author or Admin).")
}

func mayRead(a broadcast.Actor) error {
	if a.Has(broadcast.Roles()...) {
		return nil
	}
	return broadcast.Errorf(broadcast.Forbidden, "Your account has no role in Fanfare. Ask an administrator for one.")
}

// Report reads one page of what became of a list's rows. Everybody with a role may:
// an approver has to see whom they approve.
func (s *Service) Report(ctx context.Context, a broadcast.Actor, q ReportQuery) (Report, error) {
	if err := mayRead(a); err != nil {
		return Report{}, err
	}
	q.Limit = reportRows(q.Limit)
	return s.ledger.Report(ctx, q)
}

// Outcomes yields every row of a report, read page by page.
func (s *Service) Outcomes(ctx context.Context, a broadcast.Actor, q ReportQuery) iter.Seq2[Outcome, error] {
	return func(yield func(Outcome, error) bool) {
		q.Limit = 5_000
		for {
			page, err := s.Report(ctx, a, q)
			if err != nil {
				yield(Outcome{}, err)
				return
			}
			for _, o := range page.Outcomes {
				if !yield(o, nil) {
					return
				}
			}
			if q.After = page.Next; q.After == 0 {
				return
			}
		}
	}
}

// Lists reads the newest lists.
func (s *Service) Lists(ctx context.Context, a broadcast.Actor) ([]List, error) {
	if err := mayRead(a); err != nil {
		return nil, err
	}
	return s.ledger.NewestLists(ctx, 100)
}

// Delete forgets a list. Drafts that use it cannot be submitted any more, and what is
// approved does not go out.
func (s *Service) Delete(ctx context.Context, a broadcast.Actor, id broadcast.ID) error {
	if err := MayWrite(a); err != nil {
		return err
	}
	l, err := s.Report(ctx, a, ReportQuery{List: id, Limit: 1})
	if err != nil {
		return err
	}
	if !l.MayDelete(a) {
		return broadcast.Errorf(broadcast.Forbidden, "Only %s, who made this list, or an administrator can delete it.", l.By.Name)
	}
	return s.ledger.DropList(ctx, id)
}

// SaveAudience keeps an audience under a name, for everybody who writes.
func (s *Service) SaveAudience(ctx context.Context, a broadcast.Actor, name string, to broadcast.Audience) (Saved, error) {
	if err := MayWrite(a); err != nil {
		return Saved{}, err
	}
	name, err := tidyName(name)
	if err != nil {
		return Saved{}, err
	}
	for _, mistake := range to.Mistakes() {
		return Saved{}, &broadcast.Error{Code: broadcast.Invalid, Field: "audience", Message: mistake}
	}
	now := s.now()
	saved := Saved{ID: broadcast.NewID(now), Name: name, Audience: to, By: a.ActorRef, CreatedAt: now}
	if err := s.shelf.SaveAudience(ctx, saved); err != nil {
		return Saved{}, err
	}
	return saved, nil
}

// SavedAudiences reads all saved audiences, by name.
func (s *Service) SavedAudiences(ctx context.Context, a broadcast.Actor) ([]Saved, error) {
	if err := MayWrite(a); err != nil {
		return nil, err
	}
	return s.shelf.SavedAudiences(ctx)
}

// SavedAudience reads one.
func (s *Service) SavedAudience(ctx context.Context, a broadcast.Actor, id broadcast.ID) (Saved, error) {
	all, err := s.SavedAudiences(ctx, a)
	if err != nil {
		return Saved{}, err
	}
	for _, one := range all {
		if one.ID == id {
			return one, nil
		}
	}
	return Saved{}, ErrNoAudience()
}

// RenameAudience gives a saved audience another name.
func (s *Service) RenameAudience(ctx context.Context, a broadcast.Actor, id broadcast.ID, name string) error {
	if err := MayWrite(a); err != nil {
		return err
	}
	name, err := tidyName(name)
	if err != nil {
		return err
	}
	return s.shelf.RenameAudience(ctx, id, name)
}

// DropAudience forgets a saved audience. What was made from it keeps its parts.
func (s *Service) DropAudience(ctx context.Context, a broadcast.Actor, id broadcast.ID) error {
	if err := MayWrite(a); err != nil {
		return err
	}
	return s.shelf.DropAudience(ctx, id)
}

// ErrNoList is what a ledger answers for a list it has not.
func ErrNoList() error {
	return broadcast.Errorf(broadcast.NotFound, "There is no such list. It may have been deleted.")
}

// ErrNoAudience is what a shelf answers for a saved audience it has not.
func ErrNoAudience() error {
	return broadcast.Errorf(broadcast.NotFound, "There is no such saved audience. Somebody may have deleted it.")
}

// ErrNameGiven is what a shelf answers for a name that is given.
func ErrNameGiven(name string) error {
	return &broadcast.Error{Code: broadcast.Conflict, Field: "name", Message: "There is already a saved audience called “" + name + "”. Choose another name, or delete that one first."}
}
