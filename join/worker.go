package join

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/fanfare/fanfare/broadcast"
)

// Wire installs the app in a team. Errors are *broadcast.Fault; one with the status 409
// says that it is there already, one with ReasonNoCatalogApp that nobody can install it.
type Wire interface {
	InstallInTeam(ctx context.Context, groupID string) error
}

// Turn is the allowance of installing.
type Turn interface {
	// Wait returns nil when one installation may be made.
	Wait(ctx context.Context) error
	// Pause makes everybody wait after a 429, for d or, if that is 0, for a while.
	Pause(ctx context.Context, d time.Duration) error
}

// Queue is what a worker takes and writes back.
type Queue interface {
	// TakeTeam takes the team that is due the longest, under a new fence until the lease
	// runs out; nil if none is due.
	TakeTeam(ctx context.Context, lease time.Duration) (*Job, error)
	// RecordTeam stores what became of a try, unless somebody else has the team by now.
	RecordTeam(ctx context.Context, o Outcome) error
}

const (
	lease       = time.Minute
	lastWords   = 5 * time.Second // what the ledger is told after the process was asked to stop
	restFor     = 5 * time.Minute // after an answer that concerns every team
	maxAttempts = 8
	backoff     = 5 * time.Second // before a second try; doubles up to ten minutes
	longest     = 10 * time.Minute
)

// Worker installs the app in teams. One per process is enough; any number of replicas
// may work at once.
type Worker struct {
	Wire  Wire
	Queue Queue
	Turn  Turn
	Now   func() time.Time
	Log   *slog.Logger
}

// Work installs until no team is due, atMost is over or ctx is done. Teams are few, so
// one after the other is soon enough.
func (w *Worker) Work(ctx context.Context, atMost time.Duration) error {
	span, stop := context.WithTimeout(ctx, atMost)
	defer stop()
	for span.Err() == nil {
		job, err := w.Queue.TakeTeam(ctx, lease)
		if err != nil || job == nil {
			return err
		}
		if err := w.install(ctx, span, *job); err != nil {
			return err
		}
	}
	return nil
}

func (w *Worker) install(ctx, span context.Context, job Job) error {
	out := Outcome{Job: job, State: Wanted, NotBefore: w.Now()}
	turn := w.Turn.Wait(span)
	if turn == nil {
		out = w.outcome(ctx, job, w.Wire.InstallInTeam(ctx, job.GroupID))
	} else if span.Err() != nil {
		turn = nil // its time is over: nothing was tried
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWords)
	defer cancel()
	return errors.Join(turn, w.Queue.RecordTeam(ctx, out))
}

// outcome is what an answer means for the team.
func (w *Worker) outcome(ctx context.Context, job Job, err error) Outcome {
	out := Outcome{Job: job, State: Wanted, NotBefore: w.Now()}
	if err == nil {
		out.State, out.Attempts = Installed, 0
		return out
	}
	f := broadcast.AsFault(err)
	if f.Status == http.StatusConflict || f.Status >= 200 && f.Status < 300 { // it is there
		out.State, out.Attempts = Installed, 0
		return out
	}
	w.Log.DebugContext(ctx, "the app was not installed in a team", "group", job.GroupID, "fault", f)
	out.Reason, out.Detail = f.Reason, f.Detail
	switch {
	case ctx.Err() != nil: // the stop came first: nothing was learned
		out.Reason, out.Detail = "", ""
	case f.Class == broadcast.Throttled:
		if err := w.Turn.Pause(ctx, f.RetryAfter); err != nil {
			w.Log.ErrorContext(ctx, "the pause Graph asked for could not be noted", "error", err)
		}
		out.NotBefore = w.Now().Add(max(time.Second, f.RetryAfter))
	case f.Scope != broadcast.ScopeRecipient: // of all teams: it must be mended first
		out.NotBefore = w.Now().Add(max(restFor, f.RetryAfter))
	case f.Class == broadcast.Transient && job.Attempts+1 < maxAttempts:
		out.Attempts++
		wait := min(backoff<<job.Attempts, longest)
		out.NotBefore = w.Now().Add(max(f.RetryAfter, wait/2+rand.N(wait)))
	case f.Status == http.StatusNotFound:
		out.State, out.Reason = Refused, broadcast.ReasonNoTeams
	case f.Reason == "" || f.Class == broadcast.Transient:
		out.State, out.Reason = Refused, broadcast.ReasonInstallFailed
	default:
		out.State = Refused
	}
	return out
}
