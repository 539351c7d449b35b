package fanout_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/simulator"
)

// row is one row of the fault table of house section 8, and what it promises.
type row struct {
	promise string
	faults  []simulator.Fault // strike this person only
	before  func(w *world, n int)

	state    broadcast.DeliveryState
	reason   broadcast.Reason
	attempts int
	maybe    bool
	copies   int // that arrived
	address  address
}

type address int

const (
	kept address = iota
	forgotten
	learned
)

func answers(status int, code string, change ...func(*simulator.Fault)) []simulator.Fault {
	f := simulator.Fault{Operation: "send", Status: status, Code: code}
	for _, c := range change {
		c(&f)
	}
	return []simulator.Fault{f}
}

func once(f *simulator.Fault)    { f.Next = 1 }
func stored(f *simulator.Fault)  { f.StoreFirst = true }
func subcode(f *simulator.Fault) { f.Shape = "subcode" }
func shaped(s string) func(*simulator.Fault) {
	return func(f *simulator.Fault) { f.Shape = s }
}

const (
	sent, failed, skipped = broadcast.DeliverySent, broadcast.DeliveryFailed, broadcast.DeliverySkipped
)

var rows = []row{
	{promise: "2xx is sent, its activity ID kept", state: sent, attempts: 1, copies: 1},
	{promise: "400 fails", faults: answers(400, "BadArgument"), state: failed, reason: broadcast.ReasonRejected, attempts: 1},
	{
		promise: "400 about the ID fails and drops the address",
		faults:  answers(400, "BadArgument", func(f *simulator.Fault) { f.Message = "Failed to decrypt conversation id" }),
		state:   failed, reason: broadcast.ReasonBadAddress, attempts: 1, address: forgotten,
	},
	{promise: "401 once is a token that ended", faults: answers(401, "Unauthorized", once), state: sent, attempts: 1, copies: 1},
	{promise: "403 ConversationBlockedByUser skips as blocked", faults: answers(403, "ConversationBlockedByUser"), state: skipped, reason: broadcast.ReasonBlocked, attempts: 1, address: forgotten},
	{promise: "403 MessageWritesBlocked, second shape, skips as blocked", faults: answers(403, "MessageWritesBlocked", subcode), state: skipped, reason: broadcast.ReasonBlocked, attempts: 1, address: forgotten},
	{
		promise: "a person who really blocked the bot is skipped", before: func(w *world, n int) { w.tell(n, "block", nil) },
		state: skipped, reason: broadcast.ReasonBlocked, attempts: 1, address: forgotten,
	},
	{promise: "403 BotNotInConversationRoster skips as removed", faults: answers(403, "BotNotInConversationRoster"), state: skipped, reason: broadcast.ReasonRemoved, attempts: 1, address: forgotten},
	{promise: "403 ForbiddenOperationException skips as removed", faults: answers(403, "ForbiddenOperationException"), state: skipped, reason: broadcast.ReasonRemoved, attempts: 1, address: forgotten},
	{
		promise: "a person who really removed the bot is skipped", before: func(w *world, n int) { w.tell(n, "remove", nil) },
		state: skipped, reason: broadcast.ReasonRemoved, attempts: 1, address: forgotten,
	},
	{promise: "403 InvalidBotApiHost fails and drops the address", faults: answers(403, "InvalidBotApiHost"), state: failed, reason: broadcast.ReasonBadAddress, attempts: 1, address: forgotten},
	{promise: "403 of any other kind fails", faults: answers(403, "NotEnoughPermissions"), state: failed, reason: broadcast.ReasonRejected, attempts: 1},
	{
		promise: "404 after a deleted chat opens a new one", before: func(w *world, n int) { w.tell(n, "delete-chat", nil) },
		state: sent, attempts: 1, copies: 1, address: learned,
	},
	{promise: "404 again and again fails after one new chat", faults: answers(404, "ConversationNotFound"), state: failed, reason: broadcast.ReasonGone, attempts: 1, address: forgotten},
	{
		promise: "404 and a refused new chat is skipped as removed",
		faults:  append(answers(404, "ConversationNotFound"), simulator.Fault{Operation: "create", Status: 403, Code: "ForbiddenOperationException"}),
		state:   skipped, reason: broadcast.ReasonRemoved, attempts: 1, address: forgotten,
	},
	{
		promise: "404 and a new chat that fails at first is opened later", before: func(w *world, n int) { w.tell(n, "delete-chat", nil) },
		faults: []simulator.Fault{{Operation: "create", Status: 503, Next: 1}}, state: sent, attempts: 2, copies: 1, address: learned,
	},
	{promise: "412 is tried later", faults: answers(412, "PreconditionFailed", once), state: sent, attempts: 2, copies: 1},
	{promise: "429 of their own waits and costs no attempt", faults: answers(429, "", once), state: sent, attempts: 1, copies: 1},
	{promise: "500 is tried once more, with care", faults: answers(500, "ServiceError", once), state: sent, attempts: 2, maybe: true, copies: 1},
	{promise: "500 twice fails", faults: answers(500, "ServiceError"), state: failed, reason: broadcast.ReasonAttempts, attempts: 2, maybe: true},
	{promise: "502 is tried later", faults: answers(502, "ServiceError", once, shaped("html")), state: sent, attempts: 2, maybe: true, copies: 1},
	{promise: "503 is tried later", faults: answers(503, "", once, shaped("empty")), state: sent, attempts: 2, maybe: true, copies: 1},
	{promise: "504 after storing repeats, counted", faults: answers(504, "", once, stored), state: sent, attempts: 2, maybe: true, copies: 2},
	{promise: "503 for ever fails after eight tries", faults: answers(503, ""), state: failed, reason: broadcast.ReasonAttempts, attempts: 8, maybe: true},
	{promise: "a torn connection after storing repeats, counted", faults: answers(0, "", once, stored, shaped("reset")), state: sent, attempts: 2, maybe: true, copies: 2},
	{
		promise: "a timeout is tried later", faults: answers(0, "", once, func(f *simulator.Fault) { f.DelayMS = 9000; f.Status = 200 }),
		state: sent, attempts: 2, maybe: true, copies: 1,
	},
	{promise: "an unknown answer fails", faults: answers(418, "Teapot"), state: failed, reason: broadcast.ReasonUnknownError, attempts: 1},
}

func TestEveryRowOfTheFaultTable(t *testing.T) {
	t.Parallel()
	each(t, len(rows), func(w *world) {
		var faults []simulator.Fault
		for i, r := range rows {
			for _, f := range r.faults {
				f.Person = simulator.EntraID(i + 1)
				faults = append(faults, f)
			}
			if r.before != nil {
				r.before(w, i+1)
			}
		}
		w.fail(faults...)
		bid := w.sending("Fault table", recipients(1, len(rows)))
		for range 10 {
			w.no(w.send(w.Context(), bid))
			w.tally(bid)
			w.clock.forward(6 * time.Minute)
		}
		w.in(bid, broadcast.Sent)
		got, reached, extra, maybe := w.deliveries(bid), 0, 0, 0
		for i, r := range rows {
			w.holds(r, got[id(i+1)], i+1)
			reached += min(r.copies, 1)
			extra += max(r.copies-1, 0)
			if r.maybe && r.state == sent {
				maybe++
			}
		}
		w.remembers(bid, got)
		report := w.sim.Report()
		if int(report.Reached) != reached || int(report.Repeats) != extra {
			w.Errorf("%d reached with %d repeats, want %d and %d", report.Reached, report.Repeats, reached, extra)
		}
		if n := w.read(bid).Tally.MaybeRepeated; n != maybe || int(report.Repeats) > n {
			w.Errorf("%d perhaps repeated, want %d; %d were", n, maybe, report.Repeats)
		}
	})
}

// remembers asserts that each failed try is on record, with its code and time.
func (w *world) remembers(bid broadcast.ID, got map[broadcast.EntraID]broadcast.Delivery) {
	w.Helper()
	for i, r := range rows {
		tries := must(w.st.Attempts(w.Context(), bid, got[id(i+1)].ID))
		want := r.attempts
		if r.state == sent {
			want--
		}
		if len(tries) < want || want == 0 && len(tries) > 0 {
			w.Errorf("%s: %d tries on record, want %d", r.promise, len(tries), want)
		}
		for _, t := range tries {
			if t.At.IsZero() || t.Status == 0 && t.Code == "" {
				w.Errorf("%s: a try says nothing: %+v", r.promise, t)
			}
		}
	}
}

// holds asserts what a row promises of its person.
func (w *world) holds(r row, d broadcast.Delivery, n int) {
	w.Helper()
	if d.State != r.state || d.Reason != r.reason || d.Attempts != r.attempts || d.MaybeSent != r.maybe {
		w.Errorf("%s: %s (%q, %s) after %d attempts, perhaps sent: %v; want %s (%q) after %d, %v",
			r.promise, d.State, d.Reason, d.Code, d.Attempts, d.MaybeSent, r.state, r.reason, r.attempts, r.maybe)
	}
	if (d.ActivityID != "") != (r.state == sent) {
		w.Errorf("%s: activity ID %q", r.promise, d.ActivityID)
	}
	at, err := w.st.Address(w.Context(), id(n))
	var now address
	switch {
	case broadcast.IsCode(err, broadcast.NotFound):
		now = forgotten
	case err != nil:
		w.Error(err)
	case at.ConversationID != w.at[n].ConversationID:
		now = learned
	}
	if now != r.address {
		w.Errorf("%s: the address is %+v (%v)", r.promise, at, err)
	}
}

func TestAServiceFaultPausesEverythingAndBurnsNobody(t *testing.T) {
	t.Parallel()
	each(t, 12, func(w *world) {
		other := w.sending("Other", recipients(1, 4))
		for name, strike := range map[string]simulator.Fault{
			"401 after a refresh":    {Operation: "send", Status: 401, Code: "BotNotRegistered"},
			"403 BotDisabledByAdmin": {Operation: "send", Status: 403, Code: "BotDisabledByAdmin"},
		} {
			w.fail(strike)
			bid := w.sending(name, recipients(5, 12))
			w.no(w.send(w.Context(), bid))
			for _, paused := range []broadcast.ID{bid, other} {
				if b := w.in(paused, broadcast.Paused); b.Reason == "" || b.Tally.Ready != b.Tally.Total {
					w.Errorf("%s: paused because %q: %+v", name, b.Reason, b.Tally)
				}
			}
			for _, d := range w.deliveries(bid) {
				if d.Attempts != 0 || d.MaybeSent {
					w.Errorf("%s: %d attempts counted, perhaps sent: %v", name, d.Attempts, d.MaybeSent)
				}
			}
			w.fail()
			if _, err := w.service.Do(w.Context(), admin, broadcast.EventResume, broadcast.Ask{ID: bid}); !broadcast.IsCode(err, broadcast.Conflict) {
				w.Errorf("%s: resumed although everything is stopped: %v", name, err)
			}
			w.no(w.service.LiftHalt(w.Context(), admin))
			w.no(w.send(w.Context(), bid))
			w.in(bid, broadcast.Sent)
		}
		w.no(w.send(w.Context(), other))
		w.in(other, broadcast.Sent)
		w.onceEach(12)
	})
}

// A slow chunk may learn of a fault that somebody has mended since.
func TestOldNewsDoesNotPauseWhatSomebodyResumed(t *testing.T) {
	t.Parallel()
	each(t, 3, func(w *world) {
		bid := w.sending("Mended", recipients(1, 3))
		w.fail(simulator.Fault{Operation: "send", Status: 403, Code: "BotDisabledByAdmin"})
		w.sender.Workers = 1
		w.wire.before = func(int) {
			for _, ev := range []broadcast.Event{broadcast.EventPause, broadcast.EventResume} {
				must(w.service.Do(w.Context(), admin, ev, broadcast.Ask{ID: bid}))
			}
		}
		w.no(w.send(w.Context(), bid))
		w.in(bid, broadcast.Sending)
	})
}

func TestARefusedSecretPausesEverything(t *testing.T) {
	t.Parallel()
	each(t, 3, func(w *world) {
		w.sim.SetDials(func(d *simulator.Dials) { d.ClientSecretRotated = true })
		w.fail(simulator.Fault{Operation: "send", Status: 401}) // so that the token in hand is dropped
		bid := w.sending("Secret", recipients(1, 3))
		w.no(w.send(w.Context(), bid))
		if b := w.in(bid, broadcast.Paused); b.Tally.Ready != 3 {
			w.Errorf("%+v", b.Tally)
		}
		w.onceEach(0)
	})
}

func TestATooLargeMessageStopsItsBroadcastAlone(t *testing.T) {
	t.Parallel()
	each(t, 20, func(w *world) {
		w.sender.Workers = 2
		w.fail(simulator.Fault{Operation: "send", Status: http.StatusRequestEntityTooLarge, Code: "MessageSizeTooBig", Next: 4})
		other := w.sending("Other", recipients(1, 20))
		bid := w.sending("Too large", recipients(1, 20))
		w.no(w.send(w.Context(), bid))
		if b := w.in(bid, broadcast.Failed); b.Reason == "" || b.Tally.Failed > 4 || b.Tally.Ready < 16 {
			w.Errorf("stopped with %q: %+v", b.Reason, b.Tally)
		}
		w.fail()
		w.no(w.send(w.Context(), other))
		w.in(other, broadcast.Sent)
		w.onceEach(20)
	})
}

func TestFiftyEqualFailuresInARowPauseTheBroadcast(t *testing.T) {
	t.Parallel()
	each(t, 64, func(w *world) {
		w.sender.Workers = 2
		bid := w.sending("Broken", recipients(1, 4), recipients(5, 64))
		w.fail(simulator.Fault{Operation: "send", Status: 400, Code: "BadArgument", Skip: 4})
		w.no(w.send(w.Context(), bid))
		b := w.in(bid, broadcast.Paused)
		if b.Reason == "" || b.Tally.Sent != 4 || b.Tally.Failed < 50 || b.Tally.Failed > 52 {
			w.Errorf("paused because %q: %+v", b.Reason, b.Tally)
		}
		w.tally(bid)
		w.fail()
		must(w.service.Do(w.Context(), admin, broadcast.EventResume, broadcast.Ask{ID: bid}))
		w.no(w.send(w.Context(), bid))
		if end := w.in(bid, broadcast.Sent).Tally; end.Sent+end.Failed != 64 || end.Failed != b.Tally.Failed {
			w.Errorf("after resuming: %+v", end)
		}
	})
}

func TestPeopleWhoLeftNeverTripTheBreaker(t *testing.T) {
	t.Parallel()
	each(t, 55, func(w *world) {
		w.fail(simulator.Fault{Operation: "send", Status: 403, Code: "ConversationBlockedByUser"})
		bid := w.sending("Unloved", recipients(1, 55))
		w.no(w.send(w.Context(), bid))
		if b := w.in(bid, broadcast.Sent); b.Tally.Skipped != 55 {
			w.Errorf("%+v", b.Tally)
		}
	})
}
