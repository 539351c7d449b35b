package fanout_test

import (
	"context"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/budget"
	"github.com/fanfare/fanfare/simulator"
	"github.com/fanfare/fanfare/store/storetest"
)

// finishes sends, as an engine would again and again, until the broadcast is over.
// Back-offs pass at once.
func (w *world) finishes(bid broadcast.ID) broadcast.Tally {
	w.Helper()
	for deadline := time.Now().Add(patience); ; {
		if err := w.send(w.Context(), bid); err != nil {
			w.Logf("the engine is told %v", err)
		}
		if b := w.read(bid); b.State == broadcast.Sent {
			return w.tally(bid)
		} else if b.State != broadcast.Sending || time.Now().After(deadline) {
			w.Fatalf("the broadcast is %s (%s): %+v", b.State, b.Reason, b.Tally)
		}
		w.clock.forward(6 * time.Minute)
	}
}

func TestAnOutageOfTeamsFailsNobody(t *testing.T) {
	t.Parallel()
	each(t, 40, func(w *world) {
		bid := w.sending("Outage", recipients(1, 40))
		must(w.sim.Outage(simulator.Fault{Operation: "send"}, 3*time.Second))
		told, over := make(chan bool), make(chan struct{})
		go func() {
			told <- func() bool {
				look := time.NewTicker(20 * time.Millisecond)
				defer look.Stop()
				for {
					if must(w.st.Brake(context.Background())).Outage {
						return true
					}
					select {
					case <-look.C:
					case <-over:
						return false
					}
				}
			}()
		}()
		got := w.finishes(bid)
		if close(over); !<-told {
			w.Error("nobody is told that Teams does not answer")
		}
		if got.Sent != 40 {
			w.Errorf("%+v", got)
		}
		for _, d := range w.deliveries(bid) {
			if d.Attempts > 3 {
				w.Errorf("%d attempts counted: %+v", d.Attempts, d)
			}
		}
		if n := w.sim.Report().Requests["send"]; n > 40+100 {
			w.Errorf("%d requests to a service that is down", n)
		}
		w.onceEach(40)
	})
}

// A few people whose chats are broken are no outage: they fail, and hold up nobody.
func TestAFewBrokenChatsAreNoOutage(t *testing.T) {
	t.Parallel()
	each(t, 5, func(w *world) {
		w.fail(simulator.Fault{Operation: "send", Status: 503})
		bid := w.sending("Broken chats", recipients(1, 5))
		if got := w.finishes(bid); got.Failed != 5 {
			w.Errorf("%+v", got)
		}
		if until := w.sender.Budget.State().PausedUntil; !until.IsZero() {
			w.Errorf("everybody waits for them until %v", until)
		}
	})
}

// outOfOrder makes the database refuse all writing, and returns what ends that.
func (w *world) outOfOrder() (back func()) {
	w.Helper()
	// Over a connection of its own, as an operator would.
	ctx, dsn, name := context.Background(), w.dsn, ""
	if !strings.HasPrefix(dsn, "sqlite:") {
		u := must(url.Parse(dsn))
		name, u.Path = strings.TrimPrefix(u.Path, "/"), "/postgres"
		dsn = u.String()
	}
	conn := must(storetest.SQL(w, dsn).Conn(ctx))
	do := func(stmt string) {
		if _, err := conn.ExecContext(ctx, stmt); err != nil {
			w.Errorf("%s: %v", stmt, err)
		}
	}
	if name == "" {
		do("BEGIN IMMEDIATE")
		return func() { do("ROLLBACK"); _ = conn.Close() }
	}
	do("ALTER DATABASE " + name + " ALLOW_CONNECTIONS false")
	do("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '" + name + "'")
	return func() { do("ALTER DATABASE " + name + " ALLOW_CONNECTIONS true"); _ = conn.Close() }
}

func TestADatabaseThatIsGoneForSecondsRepeatsNobody(t *testing.T) {
	t.Parallel()
	each(t, 80, func(w *world) {
		w.slow(40 * time.Millisecond)
		w.sender.Workers = 4
		bid := w.sending("Restart", recipients(1, 80))
		var repaired sync.WaitGroup
		var gone, sentUntil time.Time
		w.wire.after = func(n int) {
			if n != 20 {
				return
			}
			back := w.outOfOrder()
			gone = time.Now()
			repaired.Go(func() {
				<-time.After(7 * time.Second)
				if sends := w.wire.sends(); len(sends) > 0 {
					sentUntil = sends[len(sends)-1]
				}
				back()
			})
		}
		for deadline := time.Now().Add(patience); w.st.Ping(w.Context()) != nil || w.read(bid).State == broadcast.Sending; {
			if err := w.send(w.Context(), bid); err != nil {
				w.Logf("the engine is told %v", err)
			}
			repaired.Wait()
			if time.Now().After(deadline) {
				w.Fatalf("%+v", w.read(bid))
			}
		}
		if late := sentUntil.Sub(gone); late > 2500*time.Millisecond {
			w.Errorf("still sending %v after the ledger was gone", late)
		}
		if got := w.tally(bid); got.Sent != 80 || got.MaybeRepeated != 0 {
			w.Errorf("%+v", got)
		}
		w.onceEach(80)
	})
}

// TestAKillLeavesNoMoreInDoubtThanTheWindow abandons a run as a kill would: what it
// did since its last record is nowhere.
func TestAKillLeavesNoMoreInDoubtThanTheWindow(t *testing.T) {
	t.Parallel()
	each(t, 60, func(w *world) {
		l := &ledger{Chunks: w.st}
		w.sender.Chunks, w.sender.Workers = l, 4
		w.sender.Budget = running(w, budget.New(w.st, budget.Connector, 100))
		bid := w.sending("Killed", recipients(1, 60))
		ctx, kill := context.WithCancel(w.Context())
		var killer sync.WaitGroup
		w.wire.after = func(n int) {
			if n == 20 { // a ledger that is slow must not let more and more be begun
				l.writeFails.Store(true)
				l.writeHangs.Store(true)
				killer.Go(func() { <-time.After(time.Second); kill() })
			}
		}
		defer killer.Wait()
		if err := w.send(ctx, bid); err == nil {
			w.Error("nobody is told that results are lost")
		}
		known := w.tally(bid).Sent
		heir := w.newReplica(fastClock(2 * time.Minute))
		w.no(heir.send(w.Context(), bid))
		w.in(bid, broadcast.Sent)
		got, r := w.tally(bid), w.sim.Report()
		if got.Sent != 60 || r.Reached != 60 {
			w.Errorf("%d reached, %+v", r.Reached, got)
		}
		if window := 2 * w.sender.Workers; got.MaybeRepeated > window || int(r.Repeats) > got.MaybeRepeated || r.Repeats == 0 {
			w.Errorf("%d known, %d repeats, %d in doubt; at most %d are", known, r.Repeats, got.MaybeRepeated, window)
		}
	})
}

func TestAPauseReachesEveryReplicaWithinTwoSeconds(t *testing.T) {
	t.Parallel()
	each(t, 240, func(w *world) {
		w.slow(50 * time.Millisecond)
		other := w.newReplica(w.clock)
		w.sender.Workers, other.sender.Workers = 1, 1
		bid := w.sending("Two replicas", recipients(1, 120), recipients(121, 240))
		var clicked time.Time
		w.wire.after = func(n int) {
			if n == 10 {
				must(w.service.Do(context.Background(), admin, broadcast.EventPause, broadcast.Ask{ID: bid}))
				clicked = time.Now()
			}
		}
		first, second := w.sendAsync(w.Context(), bid), other.sendAsync(w.Context(), bid)
		w.no(first())
		w.no(second())
		total := 0
		for _, r := range []*replica{w.replica, other} {
			sends := r.wire.sends()
			if total += len(sends); len(sends) == 0 {
				w.Fatal("one of them sent nothing")
			}
			if late := sends[len(sends)-1].Sub(clicked); late > 2*time.Second {
				w.Errorf("a message left %v after the click", late)
			}
		}
		if got := w.tally(bid); got.Sent != total || got.Ready == 0 || got.MaybeRepeated != 0 {
			w.Errorf("%d sent, recorded %+v", total, got)
		}
		w.onceEach(total)
	})
}

func TestWhatMustNotBeRepeatedIsLeftUnconfirmed(t *testing.T) {
	t.Parallel()
	each(t, 4, func(w *world) {
		at := func(n int, f simulator.Fault) simulator.Fault {
			f.Operation, f.Person, f.Next = "send", simulator.EntraID(n), 1
			return f
		}
		w.fail(at(1, simulator.Fault{Status: 504, StoreFirst: true}), at(2, simulator.Fault{Shape: "reset"}), at(3, simulator.Fault{Status: 412}))
		bid := w.planned(broadcast.Plan{Repeats: broadcast.RepeatsAvoid}, "No repeats", recipients(1, 4))
		if got := w.finishes(bid); got.Sent != 2 || got.Failed != 2 {
			w.Errorf("%+v", got)
		}
		all := w.deliveries(bid)
		for n := 1; n <= 2; n++ {
			if d := all[id(n)]; d.Reason != broadcast.ReasonUnconfirmed || !d.MaybeSent {
				w.Errorf("person %d: %+v", n, d)
			}
		}
		w.onceEach(3) // the first has it, though nobody knows
		// A person may decide otherwise.
		must(w.service.Do(w.Context(), admin, broadcast.EventRetry, broadcast.Ask{ID: bid, Reason: broadcast.ReasonUnconfirmed}))
		w.no(w.sweeper(nil).Retry(w.Context(), bid))
		if got, r := w.finishes(bid), w.sim.Report(); got.Sent != 4 || got.MaybeRepeated != 2 || r.Repeats != 1 || r.Reached != 4 {
			w.Errorf("%d reached, %d repeats, %+v", r.Reached, r.Repeats, got)
		}
	})
}

// A slow Teams is no reason for doubt: the end of a seat waits for the answer.
func TestASlowAnswerOutlivesTheSeat(t *testing.T) {
	t.Parallel()
	each(t, 2, func(w *world) {
		w.sender.Messenger = w.speaker(w.wire, 20*time.Second)
		w.fail(simulator.Fault{Operation: "send", StoreFirst: true, DelayMS: 13_500, Next: 1}) // seat and grace together are shorter
		bid := w.sending("Slow", recipients(1, 2))
		w.no(w.send(w.Context(), bid))
		if got := w.in(bid, broadcast.Sent).Tally; got.Sent != 2 || got.MaybeRepeated != 0 {
			w.Errorf("%+v", got)
		}
		w.onceEach(2)
	})
}
