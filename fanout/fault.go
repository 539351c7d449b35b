package fanout

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/fanfare/fanfare/broadcast"
)

const (
	// maxAttempts bounds how often one person is tried; throttled tries and those made
	// during an outage do not count.
	maxAttempts = 8
	// carefulAttempts is that where Microsoft advises against trying again.
	carefulAttempts = 2
)

// personalPause is how long a person's own conversation is left alone when it is
// throttled while the others are not.
func personalPause() time.Duration { return 10*time.Second + rand.N(10*time.Second) }

// fault turns a failed attempt into its outcome, and stops more than this one
// recipient where the fault says so (house section 8).
func (r *chunkRun) fault(ctx context.Context, f *broadcast.Fault, d *broadcast.Delivery, out *broadcast.Outcome) {
	if f.Code == "" { // 503 and 504 have none (protocol E.3), and a try without one is not on record
		f.Code = fmt.Sprintf("HTTP %d", f.Status)
	}
	out.Reason, out.Status, out.Code, out.Detail = f.Reason, f.Status, f.Code, f.Detail
	out.MaybeSent = out.MaybeSent || f.MaybeSent
	switch {
	case f.Class == broadcast.Throttled:
		// The call was right but early: nothing is counted against the person.
		out.State, out.NotBefore = broadcast.DeliveryReady, out.At.Add(f.RetryAfter)
	case f.Scope == broadcast.ScopeService:
		out.State, out.NotBefore = broadcast.DeliveryReady, out.At
		r.haltWith(f)
	case f.Class == broadcast.Transient:
		r.transient(ctx, f, d, out)
	default:
		r.permanent(f, d, out)
	}
	r.sender.Log.DebugContext(ctx, "not sent", "broadcast", r.chunk.BroadcastID, "person", out.EntraID, "fault", f, "state", out.State)
}

// transient lets the person be tried later, unless they were often enough. What may
// have arrived is not tried again where the plan avoids repeats. An outage of Teams
// is nobody's failure: everybody waits.
func (r *chunkRun) transient(ctx context.Context, f *broadcast.Fault, d *broadcast.Delivery, out *broadcast.Outcome) {
	out.Attempts = d.Attempts + 1
	down, tooLong := r.sender.outage.failure(d.EntraID, time.Now())
	if down > 0 {
		r.paused(ctx, r.sender.Budget.WaitOut(ctx, down))
	}
	if tooLong {
		r.haltWith(f)
	}
	limit := maxAttempts
	if f.Careful {
		limit = carefulAttempts
	}
	switch {
	case f.MaybeSent && r.b.Plan.Repeats == broadcast.RepeatsAvoid:
		r.fail(f, out, broadcast.ReasonUnconfirmed)
	case down > 0:
		out.Attempts = d.Attempts
		out.State, out.NotBefore = broadcast.DeliveryReady, out.At.Add(max(f.RetryAfter, down))
	case out.Attempts >= limit:
		r.fail(f, out, broadcast.ReasonAttempts)
	default:
		out.State, out.NotBefore = broadcast.DeliveryReady, out.At.Add(max(f.RetryAfter, backOff(out.Attempts)))
	}
}

func (r *chunkRun) permanent(f *broadcast.Fault, d *broadcast.Delivery, out *broadcast.Outcome) {
	out.Attempts = d.Attempts + 1
	out.Forget = !toChannel(d) && (out.Forget || f.Reason == broadcast.ReasonBadAddress || f.NoAddress)
	switch {
	case toChannel(d):
		r.channelFault(f, d, out)
	case f.Reason == broadcast.ReasonBlocked:
		out.State, out.Installation = broadcast.DeliverySkipped, broadcast.InstallationBlocked
	case f.Reason == broadcast.ReasonRemoved:
		out.State, out.Installation = broadcast.DeliverySkipped, broadcast.InstallationRemoved
	case f.Status == http.StatusNotFound && r.changes():
		r.gone(d, out)
	case f.Reason == "":
		r.fail(f, out, broadcast.ReasonRejected)
	default:
		r.fail(f, out, f.Reason)
	}
	if f.Scope == broadcast.ScopeBroadcast {
		r.haltWith(f)
	}
}

// gone is what becomes of a message that is not there to be changed (protocol C.5).
// If it was to be taken back and a try before failed without an answer, that try
// has done it.
func (r *chunkRun) gone(d *broadcast.Delivery, out *broadcast.Outcome) {
	out.State, out.Reason = broadcast.DeliverySkipped, broadcast.ReasonMessageGone
	if r.b.Kind == broadcast.KindRecall && d.Attempts > 0 && !out.Forget {
		out.State, out.Reason = broadcast.DeliverySent, ""
	}
}

// fail counts a person as failed and tells the breaker, which may stop the broadcast.
func (r *chunkRun) fail(f *broadcast.Fault, out *broadcast.Outcome, why broadcast.Reason) {
	out.State, out.Reason = broadcast.DeliveryFailed, why
	if r.sender.breaker.failure(r.chunk.BroadcastID, f.Code) {
		r.haltWith(f)
	}
}
