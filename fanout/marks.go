package fanout

import (
	"context"
	"time"

	"github.com/fanfare/fanfare/broadcast"
)

// Marks is what is done to many deliveries at once, a page at a time so that no
// transaction is long. Each tells how many it marked; 0 is the end.
type Marks interface {
	// CancelLeft marks waiting deliveries of a cancelled broadcast cancelled, leaving
	// out chunks in a worker's hands.
	CancelLeft(ctx context.Context, id broadcast.ID, limit int) (int, error)
	// ExpireLeft marks them expired once the broadcast's expiry has passed.
	ExpireLeft(ctx context.Context, id broadcast.ID, limit int) (int, error)
	// RetryFailed makes failed ones ready that the broadcast's RetryAt and RetryReason
	// mean. ErrNotYet while the only ones left are in a worker's hands.
	RetryFailed(ctx context.Context, id broadcast.ID, limit int) (int, error)
	// JoinLate takes in who got the app since: of the list, and, once that is complete,
	// of everyone, or of the audience gathered anew in the name of again. It takes
	// nobody into a broadcast that is over, unless that says until when.
	JoinLate(ctx context.Context, id broadcast.ID, again string, limit int) (int, error)
}

const (
	markLimit = 5_000 // deliveries per step
	lateLimit = 1_000 // people per step
	// lateEvery is how long after the last reading groups are read again, to find late
	// joiners: that costs Graph requests.
	lateEvery = 10 * time.Minute
)

// Cancel marks what a cancelled broadcast left waiting. Chunks in a worker's
// hands are left to it; the sweep brings the rest back here.
func (s *Sweeper) Cancel(ctx context.Context, id broadcast.ID) error {
	return toTheEnd(ctx, id, s.Marks.CancelLeft)
}

// Expire marks whom a broadcast did not reach in time.
func (s *Sweeper) Expire(ctx context.Context, id broadcast.ID) error {
	return toTheEnd(ctx, id, s.Marks.ExpireLeft)
}

// Retry makes failed people ready again and then notes that it is done.
func (s *Sweeper) Retry(ctx context.Context, id broadcast.ID) error {
	if err := toTheEnd(ctx, id, s.Marks.RetryFailed); err != nil {
		return err
	}
	for {
		b, err := s.Ledger.Broadcast(ctx, id)
		if err != nil || b.RetryAt.IsZero() {
			return err
		}
		err = s.Service.Note(ctx, b, func(next *broadcast.Broadcast) { next.RetryAt, next.RetryReason = time.Time{}, "" })
		if !broadcast.IsCode(err, broadcast.Conflict) { // else somebody paused or resumed it
			return err
		}
	}
}

func toTheEnd(ctx context.Context, id broadcast.ID, mark func(context.Context, broadcast.ID, int) (int, error)) error {
	for ctx.Err() == nil {
		n, err := mark(ctx, id, markLimit)
		if err != nil || n == 0 {
			return err
		}
	}
	return ctx.Err()
}

// Late takes in who got the app after the list was written.
func (s *Sweeper) Late(ctx context.Context, id broadcast.ID) error {
	b, err := s.Ledger.Broadcast(ctx, id)
	if err != nil {
		return err
	}
	n, err := s.Marks.JoinLate(ctx, id, "", lateLimit)
	if err == nil && s.readsGroups(b) {
		var more int
		more, err = s.lateMembers(ctx, b)
		n += more
	}
	if n > 0 {
		s.Log.InfoContext(ctx, "late joiners taken in", "broadcast", id, "people", n)
	}
	if err != nil {
		return err
	}
	return reopen(ctx, s.Service, s.Ledger, id)
}

// readsGroups tells whether it is time to read a broadcast's audience anew, and takes
// it that they are.
func (s *Sweeper) readsGroups(b *broadcast.Broadcast) bool {
	people := b.Audience.People() // a channel does not come late
	if b.Kind != broadcast.KindAnnouncement || people.IsEveryone() || len(people.Include) == 0 || b.ListedAt.IsZero() || b.Plan.Late == broadcast.LateNever {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now, last := s.Now(), b.ListedAt
	if read := s.read[b.ID]; read.After(last) {
		last = read
	}
	if now.Sub(last) < lateEvery {
		return false
	}
	if s.read == nil || len(s.read) >= 64 {
		s.read = map[broadcast.ID]time.Time{} // few broadcasts are current at once; reading once more is cheap
	}
	s.read[b.ID] = now
	return true
}

// lateMembers gathers a broadcast's audience anew and takes in who has come to it. If
// it cannot be read, that is left for the next time.
func (s *Sweeper) lateMembers(ctx context.Context, b *broadcast.Broadcast) (joined int, err error) {
	again := string(b.ID) + "/late"
	if err := s.Directory.Gather(ctx, again, b.Audience.People(), 0); err != nil {
		s.Log.WarnContext(ctx, "audience not read for late joiners", "broadcast", b.ID, "cause", err)
		return 0, nil
	}
	if s.Guard != nil {
		if err := s.Guard.Allows(ctx, broadcast.EngineActor, broadcast.EventLate, b); err != nil {
			s.Log.WarnContext(ctx, "nobody is taken in late: the audience has grown beyond what its author may reach", "broadcast", b.ID, "cause", err)
			return 0, nil
		}
	}
	return s.Marks.JoinLate(ctx, b.ID, again, lateLimit)
}
