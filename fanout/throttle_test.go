package fanout_test

import (
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/budget"
	"github.com/fanfare/fanfare/simulator"
)

// going is how a send went.
type going struct {
	took      time.Duration
	throttled int64
}

func (w *world) race(bid broadcast.ID) going {
	w.Helper()
	began := time.Now()
	w.no(w.send(w.Context(), bid))
	w.in(bid, broadcast.Sent)
	sends := w.wire.sends()
	p := going{sends[len(sends)-1].Sub(began), w.sim.Report().Throttled["send"]}
	n := w.tally(bid).Sent
	w.Logf("%d sent in %v: %.1f a second, %d of %d requests throttled", n, p.took, float64(n)/p.took.Seconds(), p.throttled, len(sends))
	return p
}

func TestABudgetBelowTheLimitIsNeverThrottled(t *testing.T) {
	t.Parallel()
	each(t, 100, func(w *world) {
		w.sim.SetDials(func(d *simulator.Dials) { d.ConnectorRate, d.LatencyMS = 50, 30 })
		w.sender.Budget = running(w, budget.New(w.st, budget.Connector, 45))
		p := w.race(w.sending("Paced", recipients(1, 100)))
		if p.throttled > 1 { // a stall of this machine may press two requests together
			w.Errorf("%d throttled", p.throttled)
		}
		if p.took > 3500*time.Millisecond || p.took < 2*time.Second {
			w.Errorf("100 people at 45 a second took %v", p.took)
		}
		w.onceEach(100)
	})
}

// Without a budget of ours, Microsoft is the brake: every 429 is honoured, nobody's
// attempts are used up, and nothing waits for a second round.
func TestThrottlingCostsNoAttemptAndDoesNotCrawl(t *testing.T) {
	t.Parallel()
	each(t, 150, func(w *world) {
		w.sim.SetDials(func(d *simulator.Dials) { d.ConnectorRate, d.RetryAfterMissingPerMille = 50, 250 })
		bid := w.sending("Unpaced", recipients(1, 150))
		p := w.race(bid)
		if p.throttled == 0 || p.throttled > 60 {
			w.Errorf("%d throttled", p.throttled)
		}
		if p.took > 8*time.Second {
			w.Errorf("150 people at a limit of 50 a second took %v", p.took)
		}
		for _, d := range w.deliveries(bid) {
			if d.Attempts != 1 || d.Reason != "" || d.MaybeSent {
				w.Fatalf("%+v", d)
			}
		}
		w.onceEach(150)
	})
}

// Who writes to the bot without end exhausts their own conversation (protocol E.1).
// The others must not pay for it.
func TestOnePersonsThrottledChatHoldsUpNobodyElse(t *testing.T) {
	t.Parallel()
	each(t, 40, func(w *world) {
		w.fail(simulator.Fault{Operation: "send", Status: 429, Person: simulator.EntraID(1), RetryAfter: 6})
		bid := w.sending("Talkative", recipients(1, 40))
		w.slow(20 * time.Millisecond)
		w.sender.Workers = 4
		w.no(w.send(w.Context(), bid))
		if got := w.in(bid, broadcast.Sending).Tally; got.Sent != 39 || got.Ready != 1 {
			w.Fatalf("%+v", got)
		}
		for range 3 {
			w.clock.forward(time.Minute)
			next := w.sending("Next", recipients(2, 6))
			began := time.Now()
			w.no(w.send(w.Context(), next))
			w.in(next, broadcast.Sent)
			w.no(w.send(w.Context(), bid))
			if took := time.Since(began); took > 5*time.Second { // everybody's pause would have been one of six
				w.Errorf("another broadcast waited %v", took)
			}
			d := w.deliveries(bid)[id(1)]
			if d.State != broadcast.DeliveryReady || d.Attempts != 0 || d.Reason != broadcast.ReasonThrottled || d.NotBefore.Sub(d.UpdatedAt) < 10*time.Second {
				w.Errorf("%+v", d)
			}
		}
		w.fail()
		w.clock.forward(time.Minute)
		w.no(w.send(w.Context(), bid))
		w.in(bid, broadcast.Sent)
	})
}
