package rollout

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fanfare/fanfare/broadcast"
)

// Refresh takes in who is in the opened rings by now; it comes after every reading of
// the directory, and ends when all of them are wanted.
func (s *Service) Refresh(ctx context.Context) error {
	p, err := s.c.Ledger.Plan(ctx)
	if err != nil || p.State != broadcast.RolloutRunning {
		return err
	}
	err = s.refresh(ctx, p.Rings)
	for more := true; more; {
		var filling error
		if more, filling = s.c.Rings.FillRings(ctx, fillSpan); filling != nil {
			return errors.Join(err, filling)
		}
	}
	return err
}

// refresh reads who is in the opened ones of some rings. One that cannot be read keeps
// its newcomers waiting, and says why; passing trouble leaves it to the next sync.
func (s *Service) refresh(ctx context.Context, rings []Ring) error {
	for _, r := range rings {
		if !r.Opened() {
			continue
		}
		problem := ""
		if r.hasPart() {
			if err := s.c.Directory.Gather(ctx, r.owner(), r.Audience, 0); err != nil {
				if problem, err = s.unread(ctx, r, err); err != nil {
					return fmt.Errorf("ring %s: %w", r.ID, err)
				}
			}
		}
		if err := s.c.Rings.RefillRing(ctx, r.ID, problem); err != nil {
			return err
		}
	}
	return nil
}

const (
	// tickShare is how many times longer than it took to count a sample is gone by: 2 %
	// of one connection's time, whatever the size of the organisation.
	tickShare = 50
	tickEvery = time.Second
	// openAgain is how long a ring that could not be opened by itself is left alone.
	openAgain = time.Minute
)

// Tick is what the sweep does for the rollout: it goes on filling rings for at most so
// long, and if anything changed counts, keeps a sample, judges, and opens what opens by
// itself. Any number of replicas may tick.
func (s *Service) Tick(ctx context.Context, most time.Duration) error {
	if _, err := s.c.Rings.FillRings(ctx, most); err != nil {
		return err
	}
	due, err := s.c.Samples.TakeLook(ctx, tickEvery)
	if err != nil || !due {
		return err
	}
	began := s.c.Now()
	r, err := s.c.Ledger.Rollout(ctx)
	if err != nil {
		return err
	}
	now := s.c.Now()
	if err := s.c.Samples.SaveSample(ctx, Sample{At: now, Counts: r.Counts}, now.Add(tickShare*now.Sub(began))); err != nil {
		return err
	}
	if r.State != broadcast.RolloutRunning {
		return nil
	}
	for _, ring := range r.Rings {
		if ring.State != Open {
			continue
		}
		if over, err := s.judge(ctx, ring, now); err != nil || over {
			return err
		}
	}
	return s.follow(ctx, r)
}

// FailedPercent is the share of those who were tried that failed; 0 while nobody was.
func (r Ring) FailedPercent() float64 { return share(r.Counts.Refused, r.Counts.Settled()) }

func share(failed, tried int) float64 {
	if tried == 0 {
		return 0
	}
	return 100 * float64(failed) / float64(tried)
}

// judged is how many failed of how many who were tried, without those failures with
// which somebody let it go on.
func (r Ring) judged() (percent float64, failed, tried int) {
	excused := min(r.Excused, r.Counts.Refused)
	failed, tried = r.Counts.Refused-excused, r.Counts.Settled()-excused
	return share(failed, tried), failed, tried
}

// tooMany tells whether more failed than the ring allows. A few say nothing while others
// are still to be tried; where the next ring would follow by itself the end says it all.
func (r Ring) tooMany() bool {
	percent, _, tried := r.judged()
	return percent > float64(r.MaxFailedPercent) && (tried >= judgedFrom || r.ByItself && r.through())
}

// through tells whether nobody in the ring is still to get the app.
func (r Ring) through() bool { return r.Filled && r.Counts.Left() == 0 }

// judge holds an open ring, or finishes it, when it is time. After a move, or one that
// somebody else made first, what was counted is no longer how it stands.
func (s *Service) judge(ctx context.Context, r Ring, now time.Time) (over bool, err error) {
	move := RingMove{Ring: r, From: broadcast.RolloutRunning, By: broadcast.EngineActor.ActorRef, At: now}
	switch {
	case r.tooMany():
		percent, failed, tried := r.judged()
		move.Rule, _ = ruleOf(r.State, EventHold, broadcast.EngineActor)
		move.Note = fmt.Sprintf("%d of %d failed (%.0f %%), and %d %% are allowed.", failed, tried, percent, r.MaxFailedPercent)
		move.Why = fmt.Sprintf("In the ring “%s” %d of %d installations failed: %.0f %%, and %d %% are allowed.%s", r.Name, failed, tried, percent, r.MaxFailedPercent, worst(r.Counts))
	case !r.through(): // newcomers do not begin the watch anew: where many work, somebody comes every day
		return false, nil
	case r.QuietSince.IsZero() && r.Settle > 0:
		return false, s.c.Rings.QuietRing(ctx, r.ID, now)
	case r.Settle > 0 && now.Sub(r.QuietSince) < r.Settle:
		return false, nil
	default:
		move.Rule, _ = ruleOf(r.State, EventFinish, broadcast.EngineActor)
		move.Note = fmt.Sprintf("%d of %d have the app.", r.Counts.Installed, r.Counts.Eligible())
	}
	if err = s.c.Rings.MoveRing(ctx, move); broadcast.IsCode(err, broadcast.Conflict) {
		err = nil
	}
	return true, err
}

// worst is the commonest reason in a sentence, with what can be done about it.
func worst(c Counts) string {
	most, n := broadcast.Reason(""), 0
	for r, count := range c.Reasons {
		if count > n || count == n && r < most {
			most, n = r, count
		}
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(" Most often: %s. %s", most.Words(), most.Remedy())
}

// follow opens the next ring where the one before is done, opens it by itself, brought
// the app to somebody and stayed within what it allows.
func (s *Service) follow(ctx context.Context, r Rollout) error {
	next, waits := r.Next()
	before, ok := r.Before(next.ID)
	if !waits || !ok || before.State != Done || !before.ByItself || before.Counts.Installed == 0 {
		return nil
	}
	if percent, _, _ := before.judged(); percent > float64(before.MaxFailedPercent) || !s.mayTry(next.ID) {
		return nil
	}
	err := s.open(ctx, broadcast.EngineActor, r.Plan, next, fmt.Sprintf("“%s” was done.", before.Name))
	if broadcast.IsCode(err, broadcast.Conflict) { // said on the page, and tried again
		return s.c.Rings.RefillRing(ctx, next.ID, broadcast.AsMessage(err))
	}
	return err
}

// mayTry tells whether a ring has not been tried for a while.
func (s *Service) mayTry(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.c.Now()
	if at, ok := s.tried[id]; ok && now.Sub(at) < openAgain && !now.Before(at) {
		return false
	}
	s.tried[id] = now
	return true
}
