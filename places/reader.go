package places

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/fanfare/fanfare/broadcast"
)

// Wire reads a team through the Connector (protocol C). Errors are *broadcast.Fault.
type Wire interface {
	// Details reads a team's name and the group behind it.
	Details(ctx context.Context, serviceURL, teamID string) (Place, error)
	// Channels reads all of a team's channels that are no secret.
	Channels(ctx context.Context, serviceURL, teamID string) ([]Channel, error)
	// Members reads the page of members at a cursor, "" for the first.
	Members(ctx context.Context, serviceURL, teamID, cursor string) (Page, error)
}

// Page is a page of a roster; Next is the cursor of the following one, "" at the end.
// It may hold fewer than there is room for, or nobody, and yet not be the last.
type Page struct {
	Members []Member
	Next    string
}

// Turn is the allowance all calls to the Connector share.
type Turn interface {
	// Wait returns nil when one request may be made.
	Wait(ctx context.Context) error
	// Pause makes everybody wait after a 429, for d or, if that is 0, for a while.
	Pause(ctx context.Context, d time.Duration) error
}

// Reading is a roster in one reader's hands. It may be stored to only under its Fence.
type Reading struct {
	Team     Place
	Round    int64
	Cursor   string // "" at the beginning
	Fence    int64
	Attempts int       // failed in a row
	BegunAt  time.Time // when this round began
}

// ErrNotOurs is that somebody else has taken a roster over, or that it is not to be
// read any more.
var ErrNotOurs = broadcast.Errorf(broadcast.Conflict, "another reader holds this roster, or nobody is to read it any more")

// Readings is what the ledger remembers of rosters being read.
type Readings interface {
	// TakeRoster takes the roster that is due the longest, under a new fence until the
	// lease runs out; nil if none is due.
	TakeRoster(ctx context.Context, lease time.Duration) (*Reading, error)
	// SaveTeam stores what a team's details and list of channels say; ErrNotOurs.
	SaveTeam(ctx context.Context, r Reading, details Place, channels []Channel) error
	// SavePage stores a page together with the cursor behind it, and prolongs the lease.
	// The last one ends the round: in the same transaction it becomes the whole one and
	// all older rows go. ErrNotOurs.
	SavePage(ctx context.Context, r Reading, p Page, lease time.Duration) error
	// PutBack gives a roster back before its end.
	PutBack(ctx context.Context, r Reading, t Trouble) error
}

// Trouble is why a roster was put back.
type Trouble struct {
	NotBefore time.Time // when to go on
	Problem   string    // for the admin; "" when nothing is wrong
	Attempts  int
	Anew      bool  // the cursor is of no use: begin again
	State     State // what the answer says of the place: Removed or Deleted; "" for nothing
}

const (
	readerHands = 4                // rosters read at a time: one alone would wait for Teams mostly
	readerLease = 90 * time.Second // a call of 30 s and a wait for the allowance
	lastWords   = 5 * time.Second  // what the ledger is told after the process was asked to stop
	restFor     = time.Minute      // after an answer that concerns every call
	hopelessFor = 6 * time.Hour    // before what was refused for good is tried again
	sureAfter   = 3                // failures in a row: a final refusal is believed,
	freshFor    = 10 * time.Minute // but not against a place that told of itself just now
	anewAfter   = 5                // failures in a row: the cursor may be what is wrong
)

// Reader reads rosters that are due. One per process is enough; any number of
// replicas may work at once.
type Reader struct {
	Wire     Wire
	Readings Readings
	Turn     Turn
	Now      func() time.Time
	Log      *slog.Logger

	mu    sync.Mutex
	until time.Time // resting
}

// Work reads until nothing is due, atMost is over or ctx is done. It returns a
// *broadcast.Fault if an answer concerned every call; then it rests for a while.
func (r *Reader) Work(ctx context.Context, atMost time.Duration) error {
	if r.resting() {
		return nil
	}
	span, stop := context.WithTimeout(ctx, atMost)
	defer stop()
	errs := make([]error, readerHands)
	var hands sync.WaitGroup
	for i := range errs {
		hands.Go(func() {
			if errs[i] = r.hand(ctx, span); errs[i] != nil {
				stop()
			}
		})
	}
	hands.Wait()
	return errors.Join(errs...)
}

// hand reads one roster after the other.
func (r *Reader) hand(ctx, span context.Context) error {
	for span.Err() == nil {
		reading, err := r.Readings.TakeRoster(span, readerLease)
		if span.Err() != nil && reading == nil {
			return nil
		}
		if err != nil || reading == nil {
			return err
		}
		if err := r.read(ctx, span, *reading); err != nil {
			return err
		}
	}
	return nil
}

// read goes on with a roster until it is whole, span is over or it fails. Nothing is
// returned that is this roster's own trouble.
func (r *Reader) read(ctx, span context.Context, at Reading) error {
	err := r.pages(ctx, span, &at)
	var f *broadcast.Fault
	switch {
	case err == nil, errors.Is(err, ErrNotOurs):
		return nil
	case ctx.Err() != nil, span.Err() != nil:
		return r.putBack(ctx, at, Trouble{NotBefore: r.Now(), Attempts: at.Attempts})
	case !errors.As(err, &f):
		return errors.Join(err, r.putBack(ctx, at, Trouble{NotBefore: r.Now().Add(restFor), Attempts: at.Attempts}))
	}
	t, everybodys := r.trouble(at, f)
	if t.Problem != "" {
		r.Log.WarnContext(ctx, "a roster could not be read", "team", at.Team.ID, "fault", f)
	}
	if err := r.putBack(ctx, at, t); err != nil || !everybodys {
		return err
	}
	r.mu.Lock()
	r.until = r.Now().Add(restFor)
	r.mu.Unlock()
	return f
}

// pages reads what is left. A team's name and channels come before its first page.
func (r *Reader) pages(ctx, span context.Context, at *Reading) error {
	if at.Cursor == "" {
		if err := r.team(ctx, span, at); err != nil {
			return err
		}
	}
	for {
		var page Page
		err := r.call(ctx, span, func() (err error) {
			page, err = r.Wire.Members(ctx, at.Team.ServiceURL, at.Team.ID, at.Cursor)
			return err
		})
		if err != nil {
			return err
		}
		if page.Next != "" && page.Next == at.Cursor {
			return &broadcast.Fault{Class: broadcast.Transient, Scope: broadcast.ScopeRecipient, Code: "same_page", Detail: "the page after this page is this page"}
		}
		if err := r.Readings.SavePage(ctx, *at, page, readerLease); err != nil || page.Next == "" {
			return err
		}
		at.Cursor, at.Attempts = page.Next, 0
	}
}

func (r *Reader) team(ctx, span context.Context, at *Reading) error {
	var details Place
	var channels []Channel
	err := r.call(ctx, span, func() (err error) {
		details, err = r.Wire.Details(ctx, at.Team.ServiceURL, at.Team.ID)
		return err
	})
	if err == nil {
		err = r.call(ctx, span, func() (err error) {
			channels, err = r.Wire.Channels(ctx, at.Team.ServiceURL, at.Team.ID)
			return err
		})
	}
	if err != nil {
		return err
	}
	return r.Readings.SaveTeam(ctx, *at, details, channels)
}

// call makes one request when its turn has come, and once more after each pause that
// a 429 asks for: that the tenant is busy is not this roster's failure.
func (r *Reader) call(ctx, span context.Context, do func() error) error {
	for {
		if err := r.Turn.Wait(span); err != nil {
			return err
		}
		err := do()
		var f *broadcast.Fault
		if !errors.As(err, &f) || f.Class != broadcast.Throttled {
			return err
		}
		if err := r.Turn.Pause(ctx, f.RetryAfter); err != nil {
			return fmt.Errorf("pausing the allowance: %w", err)
		}
	}
}

// trouble is what follows from a fault, and whether it concerns every call.
func (r *Reader) trouble(at Reading, f *broadcast.Fault) (t Trouble, everybodys bool) {
	t = Trouble{Attempts: at.Attempts + 1, Problem: f.Code + ": " + f.Detail}
	wait := max(f.RetryAfter, backOff(t.Attempts))
	switch {
	case f.Class == broadcast.Permanent && f.Scope == broadcast.ScopeService:
		t.Attempts, everybodys, wait = at.Attempts, true, restFor
	case f.Class != broadcast.Permanent:
		t.Anew = t.Attempts >= anewAfter
	// A token Teams no longer takes; the whole roster is not lost for it.
	case f.Status == http.StatusBadRequest && at.Cursor != "":
		t.Anew = true
	// Where the bot was added just now, not all of Teams knows it yet (protocol C.7).
	case t.Attempts < sureAfter, r.Now().Sub(at.Team.StateAt) < freshFor:
	case f.Reason == broadcast.ReasonRemoved:
		t.State = Removed // and the event that says so never came
	case f.Status == http.StatusNotFound:
		t.State = Deleted
	default:
		wait = hopelessFor
	}
	t.NotBefore = r.Now().Add(wait)
	return t, everybodys
}

// putBack tells the ledger even when the process was asked to stop.
func (r *Reader) putBack(ctx context.Context, at Reading, t Trouble) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWords)
	defer cancel()
	err := r.Readings.PutBack(ctx, at, t)
	if errors.Is(err, ErrNotOurs) {
		return nil
	}
	return err
}

func (r *Reader) resting() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.Now().Before(r.until)
}

// backOff doubles from a second to half an hour, jittered by half.
func backOff(attempts int) time.Duration {
	base := min(time.Second<<min(attempts-1, 11), 30*time.Minute)
	return base/2 + rand.N(base)
}
