package graphinstall

import (
	"context"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/fanfare/fanfare/broadcast"
)

// outcome is a job as it was taken.
func (r *run) outcome(job broadcast.Installation) broadcast.InstallOutcome {
	state := broadcast.InstallationWanted
	if job.NeedsChat || job.State == broadcast.InstallationInstalled {
		state = broadcast.InstallationInstalled
	}
	return broadcast.InstallOutcome{EntraID: job.EntraID, Fence: job.Fence, State: state, Attempts: job.Attempts, At: r.Now()}
}

// failed turns a fault of installing into what becomes of the person.
func (r *run) failed(ctx context.Context, job broadcast.Installation, f *broadcast.Fault) broadcast.InstallOutcome {
	if wait, everybody := r.concernsEverybody(ctx, f); everybody {
		return r.later(job, f, wait)
	}
	switch {
	case f.Class == broadcast.Transient:
		return r.again(job, f)
	// A 400 is the person's, but in bulk some pass by themselves (protocol F.3): the
	// reason of the first one marks that there was one.
	case f.Status == http.StatusBadRequest && job.Reason != broadcast.ReasonInstallFailed:
		out := r.again(job, f)
		out.Reason = broadcast.ReasonInstallFailed
		return out
	case f.Reason != "":
		return r.refused(job, f.Reason, f)
	}
	return r.refused(job, broadcast.ReasonInstallFailed, f)
}

// noChat turns a failure to read the chat into another try. The app is there, so
// only when tries run out does the person end, with their waiting deliveries.
func (r *run) noChat(ctx context.Context, job broadcast.Installation, f *broadcast.Fault) broadcast.InstallOutcome {
	if wait, everybody := r.concernsEverybody(ctx, f); everybody {
		return r.later(job, f, wait)
	}
	return r.again(job, f)
}

// concernsEverybody acts on a fault that is not the person's: a 429 pauses all
// replicas, anything of the service's halts the work, and so does passing trouble
// that nobody escapes. Nobody's attempts count then.
func (r *run) concernsEverybody(ctx context.Context, f *broadcast.Fault) (wait time.Duration, yes bool) {
	switch {
	case ctx.Err() != nil: // the stop came first: nothing was learned of this person
		return 0, true
	case f.Class == broadcast.Throttled:
		return r.pause(ctx, f), true
	case f.Scope != broadcast.ScopeRecipient, f.Class == broadcast.Transient && r.troubled():
		r.halt(f)
		return max(r.HaltFor, f.RetryAfter), true
	}
	return 0, false
}

// manyTroubles in a row, without one success, are Graph's trouble and nobody's
// own: an outage must not use up the attempts of all who are wanted.
const manyTroubles = 20

func (i *Installer) troubled() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.troubles++
	if i.troubles < manyTroubles {
		return false
	}
	i.troubles = manyTroubles / 2 // the next rest needs fewer to begin
	return true
}

func (i *Installer) succeeded() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.troubles, i.throttles = 0, 0
}

// Pauses after a 429 that names none: doubling, once per pause, however many
// requests were under way.
const (
	firstPause   = 5 * time.Second
	longestPause = 2 * time.Minute
)

// pause makes everybody wait, and tells for how long.
func (r *run) pause(ctx context.Context, f *broadcast.Fault) time.Duration {
	now := r.Now()
	r.Installer.mu.Lock()
	wait := f.RetryAfter
	if wait <= 0 {
		if !now.Before(r.pausedUntil) {
			r.throttles++
		}
		wait = min(firstPause<<min(max(r.throttles-1, 0), 8), longestPause)
	}
	if until := now.Add(wait); until.After(r.pausedUntil) {
		r.pausedUntil = until
	}
	r.Installer.mu.Unlock()
	if r.Pause != nil {
		if err := r.Pause(ctx, wait); err != nil {
			r.Log.ErrorContext(ctx, "the pause Graph asked for could not be noted", "error", err)
		}
	}
	return wait
}

// later tries again after a while; attempts are not counted.
func (r *run) later(job broadcast.Installation, f *broadcast.Fault, wait time.Duration) broadcast.InstallOutcome {
	out := r.outcome(job)
	out.Reason, out.Detail, out.NotBefore = f.Reason, detail(f), out.At.Add(wait)
	return out
}

// longestBackoff bounds the pause between two tries of one person.
const longestBackoff = 10 * time.Minute

// again counts an attempt and tries later, with jitter so that those who failed
// together do not come back together; when tries run out the person is refused.
func (r *run) again(job broadcast.Installation, f *broadcast.Fault) broadcast.InstallOutcome {
	job.Attempts++
	if job.Attempts >= r.MaxAttempts {
		return r.refused(job, broadcast.ReasonInstallFailed, f)
	}
	wait := min(r.Backoff<<min(job.Attempts-1, 16), longestBackoff)
	wait = wait/2 + rand.N(wait)
	return r.later(job, f, max(wait, f.RetryAfter))
}

func (r *run) refused(job broadcast.Installation, reason broadcast.Reason, f *broadcast.Fault) broadcast.InstallOutcome {
	out := r.outcome(job)
	out.State, out.Reason, out.Detail = broadcast.InstallationRefused, reason, detail(f)
	return out
}

func detail(f *broadcast.Fault) string {
	if f.Code == "" {
		return f.Detail
	}
	return f.Code + ": " + f.Detail
}
