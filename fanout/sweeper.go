package fanout

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/fanfare/fanfare/broadcast"
)

// Leftovers is what the sweep asks of the ledger.
type Leftovers interface {
	// Unfinished finds work that nobody seems to have in hand, at most limit: lists to
	// be written, seats of broadcasts with something due, what is to be marked, late
	// joiners to be looked for, installations that are due.
	Unfinished(ctx context.Context, limit int) ([]broadcast.Work, error)
	// Finishable finds sending broadcasts with nothing left.
	Finishable(ctx context.Context) ([]broadcast.ID, error)
	// CanaryDone finds sending broadcasts whose first wave is over.
	CanaryDone(ctx context.Context) ([]broadcast.ID, error)
	// Due finds scheduled broadcasts whose time has come.
	Due(ctx context.Context) ([]broadcast.ID, error)
	// Clean forgets handled inbound activities and whatever else has served its time.
	Clean(ctx context.Context) error
}

// sweepLimit is how many pieces of work one sweep hands out: all seats of as many
// broadcasts as can reasonably be live at a time. Those that wait are not doubled.
const sweepLimit = 256

// countSpan is how much of a sweep goes into counting, and as much into the rollout.
const countSpan = 200 * time.Millisecond

// Sweeper moves on what is due and finds work that nobody has in hand. It runs
// every second and is what makes lost, doubled or forgotten work harmless.
type Sweeper struct {
	Service   *broadcast.Service
	Ledger    Ledger
	Leftovers Leftovers
	Marks     Marks
	Directory broadcast.Directory
	Engine    broadcast.Engine
	Guard     broadcast.Guard // nil bounds nobody
	// Count goes on counting who got how much lately, for at most so long; nil for not.
	Count func(ctx context.Context, most time.Duration) error
	// Rollout goes on with the rollout, for at most so long; nil for not.
	Rollout func(ctx context.Context, most time.Duration) error
	// Welcome welcomes whoever has just got the app for the first time; nil for not.
	Welcome func(ctx context.Context) error
	Now     func() time.Time
	Log     *slog.Logger

	mu   sync.Mutex
	read map[broadcast.ID]time.Time // when an audience was last read for late joiners
}

// Sweep does one round. One broadcast's trouble does not keep the others waiting.
func (s *Sweeper) Sweep(ctx context.Context) error {
	err := errors.Join(
		each(ctx, s.Leftovers.Finishable, func(ctx context.Context, id broadcast.ID) error { return finish(ctx, s.Service, s.Ledger, s.Marks, id) }),
		each(ctx, s.Leftovers.CanaryDone, s.judge),
		each(ctx, s.Leftovers.Due, func(ctx context.Context, id broadcast.ID) error {
			return s.Service.Advance(ctx, id, broadcast.EventRelease, "")
		}))
	if s.Count != nil {
		err = errors.Join(err, s.Count(ctx, countSpan))
	}
	if s.Rollout != nil {
		err = errors.Join(err, s.Rollout(ctx, countSpan))
	}
	if s.Welcome != nil {
		err = errors.Join(err, s.Welcome(ctx))
	}
	works, finding := s.Leftovers.Unfinished(ctx, sweepLimit)
	if finding == nil && len(works) > 0 {
		finding = s.Engine.Enqueue(ctx, works...)
	}
	return errors.Join(err, finding)
}

func each(ctx context.Context, find func(context.Context) ([]broadcast.ID, error), do func(context.Context, broadcast.ID) error) error {
	ids, err := find(ctx)
	for _, id := range ids {
		err = errors.Join(err, do(ctx, id))
	}
	return err
}

// finish ends a broadcast of which nothing is left, after a last look at who got the
// app meanwhile: until now they were to get it. Somebody may be taken in late in that
// very moment: then it is not over after all.
func finish(ctx context.Context, service *broadcast.Service, ledger Ledger, marks Marks, id broadcast.ID) error {
	if n, err := marks.JoinLate(ctx, id, "", lateLimit); err != nil || n > 0 {
		return err
	}
	if err := service.Advance(ctx, id, broadcast.EventFinish, ""); err != nil {
		return err
	}
	return reopen(ctx, service, ledger, id)
}

// reopen lets a broadcast that is over be sent to whoever is on its list again.
func reopen(ctx context.Context, service *broadcast.Service, ledger Ledger, id broadcast.ID) error {
	now, err := ledger.Standing(ctx, id)
	if err != nil || now.State != broadcast.Sent || now.Tally.Ready == 0 {
		return err
	}
	return service.Advance(ctx, id, broadcast.EventLate, "People who got the app since are taken in.")
}

// judge decides what follows a first wave: by itself only where the plan says so,
// somebody was reached, and no more failed than it allows.
func (s *Sweeper) judge(ctx context.Context, id broadcast.ID) error {
	b, err := s.Ledger.Broadcast(ctx, id)
	if err != nil || b.State != broadcast.Sending || b.Wave > 0 {
		return err
	}
	tally, err := s.Ledger.Canary(ctx, id)
	if err != nil {
		return err
	}
	ev := broadcast.EventHold
	tried := tally.Sent + tally.Failed
	if c := b.Plan.Canary; c.Auto && tried > 0 && 100*tally.Failed <= c.MaxFailedPercent*tried {
		ev = broadcast.EventGo
	}
	_, err = s.Service.AdvanceFrom(ctx, b, ev, firstWave(tally))
	return err
}

// firstWave is how a first wave went, in words.
func firstWave(t broadcast.Tally) string {
	if t.Total == 0 {
		return "First wave: nobody of it can be reached."
	}
	parts := []string{fmt.Sprintf("%d of %d sent", t.Sent, t.Total)}
	for _, p := range []struct {
		n     int
		words string
	}{{t.Failed, "failed"}, {t.Skipped, "skipped"}, {t.Expired, "expired"}, {t.Pending, "without the app so far"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.words))
		}
	}
	return "First wave: " + strings.Join(parts, ", ") + "."
}
