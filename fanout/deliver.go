package fanout

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/fanfare/fanfare/broadcast"
)

const (
	// maxAttempts bounds how often one person is tried; throttled tries do not count.
	maxAttempts = 6
	// carefulAttempts is that where Microsoft advises against trying again.
	carefulAttempts = 2
	// personalPause is how long a person's own conversation is left alone when it is
	// throttled while the others are not.
	personalPause = 10 * time.Second
)

// deliver makes one attempt at one delivery. The budget for the first request is
// already taken; each further one asks again. A throttled call is made again when
// everybody's pause is over: it costs no attempt and the chunk no second round.
func (r *chunkRun) deliver(ctx context.Context, d broadcast.Delivery) broadcast.Outcome {
	r.begun.Add(1)
	s := r.sender
	out := broadcast.Outcome{DeliveryID: d.ID, EntraID: d.EntraID, Attempts: d.Attempts, MaybeSent: d.MaybeSent}
	for {
		activity, err := r.post(ctx, &d, &out)
		out.At = s.Now()
		if err == nil {
			out.State, out.ActivityID, out.Attempts = broadcast.DeliverySent, activity, d.Attempts+1
			s.breaker.success(r.chunk.BroadcastID, out.At)
			return out
		}
		f := *broadcast.AsFault(err)
		if everybodys(&f) && r.waitOut(ctx, &f, &d, out.At) {
			continue
		}
		r.fault(ctx, &f, &d, &out)
		return out
	}
}

// post sends to a person's conversation. One that is unknown, or lost (404), is
// created anew, once (protocol C.1, E.3).
func (r *chunkRun) post(ctx context.Context, d *broadcast.Delivery, out *broadcast.Outcome) (string, error) {
	m := r.sender.Messenger
	if d.Address.ConversationID != "" {
		activity, err := m.Send(ctx, d.Address, r.payload)
		if err == nil || !broadcast.AsFault(err).NoAddress || out.NewAddress != nil {
			return activity, err
		}
		d.Address.ConversationID, out.Forget = "", true
		if err := r.another(); err != nil {
			return "", err
		}
	}
	at, err := m.Open(ctx, d.EntraID, d.Address)
	if err != nil {
		return "", err
	}
	d.Address, out.NewAddress, out.Forget = at, &at, false
	if err := r.another(); err != nil {
		return "", err
	}
	return m.Send(ctx, at, r.payload)
}

// another waits until one more request may be made for the same person. Once the
// run stops, none may: what was asked to pause must not begin anything.
func (r *chunkRun) another() error {
	if err := r.sender.Budget.Wait(r.stopped); err != nil {
		return &broadcast.Fault{Class: broadcast.Throttled, Scope: broadcast.ScopeRecipient, Code: "stopping", Detail: err.Error()}
	}
	return nil
}

// everybodys tells whether a fault asks everybody to wait.
func everybodys(f *broadcast.Fault) bool {
	return f.Class == broadcast.Throttled && f.Scope == broadcast.ScopeService
}

// waitOut pauses everybody and returns true when the call may be made again.
//
// A 429 may also be about this one conversation (protocol E.1), which a person who
// keeps talking to the bot can bring about: the wire does not tell which. When the
// same person is throttled again although others got theirs in between, it is
// taken for their own, and nobody else waits for it.
func (r *chunkRun) waitOut(ctx context.Context, f *broadcast.Fault, d *broadcast.Delivery, now time.Time) bool {
	s := r.sender
	if d.Reason == broadcast.ReasonThrottled && s.breaker.sentSince(d.UpdatedAt) {
		f.Scope, f.RetryAfter = broadcast.ScopeRecipient, max(f.RetryAfter, personalPause+rand.N(personalPause))
		return false
	}
	d.Reason, d.UpdatedAt = broadcast.ReasonThrottled, now
	if err := s.Budget.Pause(ctx, f.RetryAfter); err != nil {
		s.Log.WarnContext(ctx, "budget not paused for the other replicas", "cause", err)
	}
	return s.Budget.Wait(r.stopped) == nil
}

// fault turns a failed attempt into its outcome, and stops more than this one
// recipient where the fault says so (house section 8).
func (r *chunkRun) fault(ctx context.Context, f *broadcast.Fault, d *broadcast.Delivery, out *broadcast.Outcome) {
	out.Reason, out.Code, out.Detail = f.Reason, f.Code, f.Detail
	out.MaybeSent = out.MaybeSent || f.MaybeSent
	switch {
	case f.Class == broadcast.Throttled:
		// The call was right but early: nothing is counted against the person.
		out.State, out.NotBefore = broadcast.DeliveryReady, out.At.Add(f.RetryAfter)
	case f.Scope == broadcast.ScopeService:
		out.State, out.NotBefore = broadcast.DeliveryReady, out.At
		r.haltWith(f)
	case f.Class == broadcast.Transient:
		r.transient(f, d, out)
	default:
		r.permanent(f, d, out)
	}
	r.sender.Log.DebugContext(ctx, "not sent", "broadcast", r.chunk.BroadcastID, "person", out.EntraID, "fault", f, "state", out.State)
}

func (r *chunkRun) transient(f *broadcast.Fault, d *broadcast.Delivery, out *broadcast.Outcome) {
	out.Attempts = d.Attempts + 1
	limit := maxAttempts
	if f.Careful {
		limit = carefulAttempts
	}
	if out.Attempts >= limit {
		out.State, out.Reason = broadcast.DeliveryFailed, broadcast.ReasonAttempts
		r.count(f)
		return
	}
	out.State, out.NotBefore = broadcast.DeliveryReady, out.At.Add(max(f.RetryAfter, backOff(out.Attempts)))
}

func (r *chunkRun) permanent(f *broadcast.Fault, d *broadcast.Delivery, out *broadcast.Outcome) {
	out.Attempts = d.Attempts + 1
	out.Forget = out.Forget || f.Reason == broadcast.ReasonBadAddress || f.NoAddress
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

// backOff grows from about a second to about a minute, jittered by half, so that a
// thousand retries do not come back in the same second.
func backOff(attempts int) time.Duration {
	base := time.Second << min(attempts, 6)
	return base/2 + rand.N(base)
}
