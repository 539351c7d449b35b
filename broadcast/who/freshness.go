package who

import (
	"context"
	"fmt"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/person"
)

// Freshness is how far the stored directory can be relied on.
type Freshness struct {
	person.Sync
	Age   time.Duration // since it was last read to the end
	Stale bool          // it was never read, or too long ago
	admin bool
}

// Freshness says how reading the directory goes. Price: one look-up.
func (s *Service) Freshness(ctx context.Context, a broadcast.Actor) (Freshness, error) {
	if err := may(a); err != nil {
		return Freshness{}, err
	}
	sync, err := s.ledger.DirectorySync(ctx)
	f := Freshness{Sync: sync, admin: a.Has(broadcast.RoleAdmin)}
	if !sync.FinishedAt.IsZero() {
		f.Age = max(0, s.now().Sub(sync.FinishedAt))
	}
	f.Stale = sync.FinishedAt.IsZero() || f.Age > s.staleAfter
	return f, err
}

// Failing tells whether the last try at reading failed.
func (f Freshness) Failing() bool { return f.Problem != "" }

// Warning is what somebody who is about to send should know, with what to do about
// it; "" if all is well. The cause is told to administrators only: nobody else can
// mend it.
func (f Freshness) Warning() string {
	switch {
	case f.FinishedAt.IsZero() && !f.Failing():
		return "The directory has not been read to its end yet, so nobody can say who everyone is. It is being read now; come back in a few minutes."
	case f.FinishedAt.IsZero():
		return "The directory has never been read, so nobody can say who everyone is. " + f.todo()
	case f.Stale:
		return "The directory was last read " + ago(f.Age) + ": who joined, left or moved since then is not counted. " + f.todo()
	case f.Failing() && f.FailedAt.Sub(f.FailingSince) < time.Minute:
		return "The last reading of the directory failed; what is counted is " + span(f.Age) + " old. " + f.todo()
	case f.Failing():
		return "Reading the directory has not worked for " + span(f.FailedAt.Sub(f.FailingSince)) + "; what is counted is " + span(f.Age) + " old. " + f.todo()
	}
	return ""
}

func (f Freshness) todo() string {
	switch {
	case f.Failing() && f.admin:
		return f.Problem
	case f.Failing():
		return "Ask an administrator to look at the Rollout page, which says why."
	case f.admin:
		return "Check that a Fanfare server with its engine on is running; its log says why nothing is read."
	}
	return "Ask an administrator why it is not read."
}

func ago(d time.Duration) string { return span(d) + " ago" }

// span is a length of time as people say it.
func span(d time.Duration) string {
	count := func(n int, unit string) string {
		if n == 1 {
			return "1 " + unit
		}
		return fmt.Sprintf("%d %ss", n, unit)
	}
	switch {
	case d < time.Minute:
		return "a moment"
	case d < 2*time.Hour:
		return count(int(d/time.Minute), "minute")
	case d < 48*time.Hour:
		return count(int(d/time.Hour), "hour")
	}
	return count(int(d/(24*time.Hour)), "day")
}
