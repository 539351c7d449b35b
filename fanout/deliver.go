package fanout

import (
	"context"
	"errors"
	"time"

	"github.com/fanfare/fanfare/broadcast"
)

// deliver makes one attempt at one delivery. The budget for the first request is
// already taken; each further one asks again. A throttled call is made again when
// everybody's pause is over: it costs no attempt and the chunk no second round.
func (r *chunkRun) deliver(ctx context.Context, d broadcast.Delivery) broadcast.Outcome {
	r.begun.Add(1)
	s := r.sender
	out := broadcast.Outcome{DeliveryID: d.ID, EntraID: d.EntraID, Attempts: d.Attempts, MaybeSent: d.MaybeSent, ActivityID: d.ActivityID}
	for {
		activity, err := r.act(ctx, &d, &out)
		out.At = s.Now()
		if err == nil {
			out.State, out.ActivityID, out.Attempts = broadcast.DeliverySent, activity, d.Attempts+1
			s.breaker.success(r.chunk.BroadcastID, out.At)
			s.outage.success()
			return out
		}
		if errors.Is(err, errStopping) {
			out.State, out.NotBefore = broadcast.DeliveryReady, out.At
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

// act does to one person's conversation what kind of broadcast this is. To correct
// or to take back twice does no harm, so of these nobody is ever in doubt; and a
// conversation that is gone is not created anew for them.
func (r *chunkRun) act(ctx context.Context, d *broadcast.Delivery, out *broadcast.Outcome) (string, error) {
	if !r.changes() {
		return r.post(ctx, d, out)
	}
	var err error
	at := threadOf(d)
	switch {
	case d.Address.ConversationID == "":
		return "", &broadcast.Fault{
			Class: broadcast.Permanent, Scope: broadcast.ScopeRecipient, Reason: broadcast.ReasonBadAddress,
			Code: "no_address", Detail: "the person's chat is not known at the moment",
		}
	case r.b.Kind == broadcast.KindEdit:
		err = r.sender.Messenger.Update(ctx, at, d.ActivityID, r.payload(d))
	default:
		err = r.sender.Messenger.Delete(ctx, at, d.ActivityID)
	}
	if err == nil {
		return d.ActivityID, nil
	}
	f := *broadcast.AsFault(err)
	f.MaybeSent = false
	return "", &f
}

// payload is the message in the person's language.
func (r *chunkRun) payload(d *broadcast.Delivery) broadcast.Payload {
	return r.each[r.b.Message.Pick(d.Language)]
}

// changes tells whether this broadcast changes messages that are there.
func (r *chunkRun) changes() bool {
	return r.b.Kind.Changes()
}

// post sends to a person's conversation. One that is unknown, or lost (404), is
// created anew, once (protocol C.1, E.3).
func (r *chunkRun) post(ctx context.Context, d *broadcast.Delivery, out *broadcast.Outcome) (string, error) {
	m := r.sender.Messenger
	if d.Address.ConversationID != "" {
		activity, err := m.Send(ctx, d.Address, r.payload(d))
		if err == nil || !broadcast.AsFault(err).NoAddress || out.NewAddress != nil || toChannel(d) {
			return activity, err
		}
		d.Address.ConversationID, out.Forget = "", true
		if r.share.Wait(r.stopped) != nil {
			return "", errStopping
		}
	}
	at, err := m.Open(ctx, d.EntraID, d.Address)
	if err != nil {
		return "", err
	}
	d.Address, out.NewAddress, out.Forget = at, &at, false
	if r.share.Wait(r.stopped) != nil {
		return "", errStopping
	}
	return m.Send(ctx, at, r.payload(d))
}

// errStopping ends a delivery between two of its requests: once the run stops, none
// may be made, because what was asked to pause must not begin anything.
var errStopping = errors.New("fanout: stopping")

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
		f.Scope, f.RetryAfter = broadcast.ScopeRecipient, max(f.RetryAfter, personalPause())
		return false
	}
	d.Reason, d.UpdatedAt = broadcast.ReasonThrottled, now
	r.paused(ctx, r.sender.Budget.Pause(ctx, f.RetryAfter))
	return r.share.Wait(r.stopped) == nil
}

// paused tells the operator if no other replica knows that it should wait.
func (r *chunkRun) paused(ctx context.Context, err error) {
	if err != nil {
		r.sender.Log.WarnContext(ctx, "budget not paused for the other replicas", "cause", err)
	}
}
