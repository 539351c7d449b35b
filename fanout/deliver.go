package fanout

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/fanfare/fanfare/broadcast"
)

// maxAttempts bounds how often one person is tried; throttled tries do not count.
const maxAttempts = 6

// deliver makes one attempt at one delivery. The budget for the first request is
// already taken; each further one asks again.
func (r *chunkRun) deliver(ctx context.Context, d broadcast.Delivery) broadcast.Outcome {
	s := r.sender
	out := broadcast.Outcome{DeliveryID: d.ID, EntraID: d.EntraID, Attempts: d.Attempts, MaybeSent: d.MaybeSent}
	activity, err := s.Messenger.Send(ctx, d.Address, r.payload)
	if err != nil && broadcast.AsFault(err).NoAddress {
		activity, err = r.reopen(ctx, d, &out)
	}
	out.At = s.Now()
	if err == nil {
		out.State, out.ActivityID, out.Attempts = broadcast.DeliverySent, activity, d.Attempts+1
		s.breaker.success(r.chunk.BroadcastID)
		return out
	}
	r.fault(ctx, broadcast.AsFault(err), &out)
	return out
}

// reopen creates a lost conversation anew, once, and sends to it (protocol E.3).
func (r *chunkRun) reopen(ctx context.Context, d broadcast.Delivery, out *broadcast.Outcome) (string, error) {
	s := r.sender
	if err := s.Budget.Wait(ctx); err != nil {
		return "", &broadcast.Fault{Class: broadcast.Throttled, Scope: broadcast.ScopeRecipient, Code: "stopping", Detail: err.Error()}
	}
	at, err := s.Messenger.Open(ctx, d.EntraID, d.Address)
	if err != nil {
		out.Forget = true
		return "", err
	}
	out.NewAddress = &at
	if err := s.Budget.Wait(ctx); err != nil {
		return "", &broadcast.Fault{Class: broadcast.Throttled, Scope: broadcast.ScopeRecipient, Code: "stopping", Detail: err.Error()}
	}
	return s.Messenger.Send(ctx, at, r.payload)
}

// fault turns a failed attempt into its outcome, and stops more than this one
// recipient where the fault says so (house section 8).
func (r *chunkRun) fault(ctx context.Context, f *broadcast.Fault, out *broadcast.Outcome) {
	out.Reason, out.Code, out.Detail = f.Reason, f.Code, f.Detail
	out.MaybeSent = out.MaybeSent || f.MaybeSent
	switch {
	case f.Class == broadcast.Throttled:
		r.throttled(ctx, f, out)
	case f.Scope == broadcast.ScopeService:
		out.State, out.NotBefore = broadcast.DeliveryReady, out.At
		r.haltWith(f)
	case f.Class == broadcast.Transient:
		r.transient(f, out)
	default:
		r.permanent(f, out)
	}
	r.sender.Log.DebugContext(ctx, "not sent", "broadcast", r.chunk.BroadcastID, "person", out.EntraID, "fault", f, "state", out.State)
}

// throttled: the call was right but early. Everybody pauses; nothing is counted
// against the person.
func (r *chunkRun) throttled(ctx context.Context, f *broadcast.Fault, out *broadcast.Outcome) {
	out.State, out.NotBefore = broadcast.DeliveryReady, out.At.Add(f.RetryAfter)
	if f.Scope != broadcast.ScopeService {
		return
	}
	if err := r.sender.Budget.Pause(ctx, f.RetryAfter); err != nil {
		r.sender.Log.WarnContext(ctx, "budget not paused", "cause", err)
	}
}

func (r *chunkRun) transient(f *broadcast.Fault, out *broadcast.Outcome) {
	out.Attempts++
	limit := maxAttempts
	if f.Careful {
		limit = 2
	}
	if out.Attempts >= limit {
		out.State, out.Reason = broadcast.DeliveryFailed, broadcast.ReasonAttempts
		r.count(f)
		return
	}
	out.State, out.NotBefore = broadcast.DeliveryReady, out.At.Add(max(f.RetryAfter, backOff(out.Attempts)))
}

func (r *chunkRun) permanent(f *broadcast.Fault, out *broadcast.Outcome) {
	out.Attempts++
	out.Forget = out.Forget || f.Reason == broadcast.ReasonBadAddress
	switch f.Reason {
	case broadcast.ReasonBlocked:
		out.State, out.Installation = broadcast.DeliverySkipped, broadcast.InstallationBlocked
	case broadcast.ReasonRemoved:
		out.State, out.Installation = broadcast.DeliverySkipped, broadcast.InstallationRemoved
	default:
		out.State = broadcast.DeliveryFailed
		if out.Reason == "" {
			out.Reason = broadcast.ReasonRejected
		}
		if f.NoAddress {
			out.Reason, out.Forget = broadcast.ReasonGone, true
		}
		r.count(f)
	}
	if f.Scope == broadcast.ScopeBroadcast {
		r.haltWith(f)
	}
}

// count tells the breaker of a failure and stops the broadcast when it trips.
func (r *chunkRun) count(f *broadcast.Fault) {
	if r.sender.breaker.failure(r.chunk.BroadcastID, f.Code) {
		r.haltWith(f)
	}
}

// backOff grows from about 2 s to about a minute, jittered by half, so that a
// thousand retries do not come back in the same second.
func backOff(attempts int) time.Duration {
	base := time.Second << min(attempts, 6)
	return base/2 + rand.N(base)
}

// breakerLimit is how many failures in a row, all with the same code and no
// success between, are taken for a fault of the broadcast rather than of the people.
const breakerLimit = 50

// breaker counts, per broadcast, a run of identical failures. Skipped people
// (blocked, removed) never count.
type breaker struct {
	mu   sync.Mutex
	runs map[broadcast.ID]failureRun
}

type failureRun struct {
	code string
	n    int
}

func (b *breaker) success(id broadcast.ID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.runs, id)
}

// failure counts one more and tells whether that is too many. It then begins
// anew, so that a resumed broadcast gets a fair try.
func (b *breaker) failure(id broadcast.ID, code string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.runs == nil {
		b.runs = map[broadcast.ID]failureRun{}
	}
	run := b.runs[id]
	if run.code != code {
		run = failureRun{code: code}
	}
	if run.n++; run.n >= breakerLimit {
		delete(b.runs, id)
		return true
	}
	b.runs[id] = run
	return false
}
