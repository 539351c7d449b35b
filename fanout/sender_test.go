package fanout_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/fanout"
	"github.com/fanfare/fanfare/simulator"
)

// ledger is the real one, with a hand on the switch.
type ledger struct {
	fanout.Chunks
	keeps      atomic.Int64
	keepFails  atomic.Bool
	writeFails atomic.Bool
	writeHangs atomic.Bool
	hold       chan struct{} // closed to let a keep through; nil for no hold
}

var errDown = errors.New("the database is down")

func (l *ledger) KeepChunk(ctx context.Context, c broadcast.Chunk, lease time.Duration) (bool, error) {
	if l.keepFails.Load() {
		return false, errDown
	}
	if l.hold != nil {
		select {
		case <-l.hold:
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
	ours, err := l.Chunks.KeepChunk(ctx, c, lease)
	l.keeps.Add(1)
	return ours, err
}

func (l *ledger) RecordOutcomes(ctx context.Context, c broadcast.Chunk, out []broadcast.Outcome) error {
	if l.writeHangs.Load() {
		<-ctx.Done()
		return ctx.Err()
	}
	if l.writeFails.Load() {
		return errDown
	}
	return l.Chunks.RecordOutcomes(ctx, c, out)
}

func (l *ledger) FinishChunk(ctx context.Context, c broadcast.Chunk, out []broadcast.Outcome) error {
	if l.writeFails.Load() {
		return errDown
	}
	return l.Chunks.FinishChunk(ctx, c, out)
}

// slow makes every answer of Teams take a while.
func (w *world) slow(d time.Duration) {
	w.sim.SetDials(func(s *simulator.Dials) { s.LatencyMS = int(d / time.Millisecond) })
}

// sendAsync begins to send; the returned function waits for the end.
func (r *replica) sendAsync(ctx context.Context, bid broadcast.ID) (wait func() error) {
	end := make(chan error, 1)
	go func() { end <- r.send(ctx, bid) }()
	return func() error { return <-end }
}

func TestAChunkIsSentOnceEachAndFinishesItsBroadcast(t *testing.T) {
	t.Parallel()
	each(t, 30, func(w *world) {
		bid := w.sending("Plain", recipients(1, 15), recipients(16, 30))
		w.no(w.send(w.Context(), bid))
		w.in(bid, broadcast.Sent)
		for range 2 { // done work that comes again does nothing
			w.no(w.send(w.Context(), bid))
		}
		w.tally(bid)
		w.onceEach(30)
	})
}

func TestWhatWasNotApprovedIsNotSent(t *testing.T) {
	t.Parallel()
	each(t, 3, func(w *world) {
		w.fail(simulator.Fault{Operation: "send", Person: simulator.EntraID(3), Status: 503, Next: 1})
		bid := w.sending("Approved", recipients(1, 3))
		w.no(w.send(w.Context(), bid))
		w.in(bid, broadcast.Sending)
		w.clock.forward(time.Minute)
		w.put(bid, broadcast.Sending, func(b *broadcast.Broadcast) { b.Message.Body = "Slipped in." })
		w.no(w.send(w.Context(), bid)) // although the payload was composed before
		if b := w.in(bid, broadcast.Failed); b.Reason == "" {
			w.Error("nobody is told why")
		}
		w.onceEach(2)
	})
}

func TestAStopFinishesWhatIsInHandAndRepeatsNothing(t *testing.T) {
	t.Parallel()
	each(t, 60, func(w *world) {
		w.slow(50 * time.Millisecond)
		bid := w.sending("Stopped", recipients(1, 60))
		ctx, stop := context.WithCancel(w.Context())
		w.wire.before = func(n int) {
			if n == 20 {
				stop()
			}
		}
		wait, began := w.sendAsync(ctx, bid), time.Now()
		w.no(wait())
		if took := time.Since(began); took > 10*time.Second {
			w.Errorf("the stop took %v", took)
		}
		got := w.tally(bid)
		if n := len(w.wire.sends()); got.Sent != n || n < 20 || n > 20+2*w.sender.Workers {
			w.Errorf("%d were sent, and the ledger knows of %d", n, got.Sent)
		}
		w.no(w.send(w.Context(), bid)) // at once: the chunk was given back
		if b := w.in(bid, broadcast.Sent); b.Tally.MaybeRepeated != 0 {
			w.Errorf("%+v", b.Tally)
		}
		w.onceEach(60)
	})
}

func TestPauseTakesEffectWithinTwoSeconds(t *testing.T) {
	t.Parallel()
	each(t, 150, func(w *world) { stopsWithinTwoSeconds(w, broadcast.EventPause) })
}

func TestCancelTakesEffectWithinTwoSeconds(t *testing.T) {
	t.Parallel()
	each(t, 150, func(w *world) {
		bid := stopsWithinTwoSeconds(w, broadcast.EventCancel)
		w.no(w.sweeper(nil).Cancel(w.Context(), bid))
		if got := w.tally(bid); got.Sent+got.Cancelled != 150 || int64(got.Sent) != w.sim.Report().Reached {
			w.Errorf("%+v", got)
		}
	})
}

func stopsWithinTwoSeconds(w *world, ev broadcast.Event) broadcast.ID {
	w.Helper()
	w.slow(60 * time.Millisecond)
	w.sender.Workers = 2 // some 30 a second
	bid := w.sending("Stopped by a person", recipients(1, 150))
	var clicked time.Time
	w.wire.after = func(n int) {
		if n == 10 {
			must(w.service.Do(context.Background(), admin, ev, broadcast.Ask{ID: bid}))
			clicked = time.Now()
		}
	}
	w.no(w.send(w.Context(), bid))
	sends := w.wire.sends()
	if late := sends[len(sends)-1].Sub(clicked); late > 2*time.Second {
		w.Errorf("a message left %v after the click", late)
	}
	if len(sends) == 150 {
		w.Fatal("everybody got it: nothing was stopped")
	}
	if got := w.tally(bid); got.Sent != len(sends) {
		w.Errorf("%d sent, recorded %+v", len(sends), got)
	}
	w.onceEach(len(sends))
	return bid
}

func TestALostChatIsNotReopenedAfterTheStop(t *testing.T) {
	t.Parallel()
	each(t, 2, func(w *world) {
		w.tell(1, "delete-chat", nil)
		bid := w.sending("Deleted chat", recipients(1, 1))
		ctx, stop := context.WithCancel(w.Context())
		w.wire.after = func(int) { stop() } // the 404 is on its way
		w.no(w.send(ctx, bid))
		if made := w.sim.Report().Requests["create"]; made != 0 {
			w.Errorf("%d chats opened", made)
		}
		if d := w.deliveries(bid)[id(1)]; d.State != broadcast.DeliveryReady || d.Attempts != 0 {
			w.Errorf("%+v", d)
		}
		w.wire.after = nil
		w.no(w.send(w.Context(), bid))
		w.in(bid, broadcast.Sent)
		w.onceEach(1)
	})
}

func TestADeadChatIsNotWrittenToAgain(t *testing.T) {
	t.Parallel()
	each(t, 1, func(w *world) {
		w.tell(1, "delete-chat", nil)
		w.fail(simulator.Fault{Operation: "create", Status: 503, Next: 1})
		bid := w.sending("Dead chat", recipients(1, 1))
		w.no(w.send(w.Context(), bid))
		if at, err := w.st.Address(w.Context(), id(1)); !broadcast.IsCode(err, broadcast.NotFound) {
			w.Errorf("still known: %+v, %v", at, err)
		}
		w.clock.forward(time.Minute)
		w.no(w.send(w.Context(), bid))
		w.in(bid, broadcast.Sent)
		if n := len(w.wire.sends()); n != 2 {
			w.Errorf("%d messages left, want the lost one and the one that arrived", n)
		}
		w.onceEach(1)
	})
}

func TestAChunkIsKeptWhileItIsWorked(t *testing.T) {
	t.Parallel()
	each(t, 4, func(w *world) {
		l := &ledger{Chunks: w.st}
		w.sender.Chunks = l
		bid := w.sending("Long", recipients(1, 4))
		other := w.newReplica(fastClock(25 * time.Second)) // five seconds before the lease's end
		w.wire.after = func(n int) {
			if n > 1 {
				return
			}
			until(w, "the chunk was kept for longer", func() bool { return l.keeps.Load() >= 12 }) // also beyond the seat's own time
			if err := other.send(w.Context(), bid); err != nil {
				w.Error(err)
			}
		}
		w.no(w.send(w.Context(), bid))
		w.in(bid, broadcast.Sent)
		if n := len(other.wire.sends()); n != 0 {
			w.Errorf("another replica sent %d of a chunk that was being worked", n)
		}
		w.onceEach(4)
	})
}

// until polls for something that tells of itself in no other way.
func until(w *world, what string, done func() bool) {
	w.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); !done(); <-tick.C {
		if time.Now().After(deadline) {
			w.Errorf("never came about: %s", what)
			return
		}
	}
}

func TestWhoLostTheChunkRecordsNothing(t *testing.T) {
	t.Parallel()
	each(t, 12, func(w *world) {
		w.sender.Workers = 4
		bid := w.sending("Taken over", recipients(1, 12))
		// Four answers are on their way when the process stalls for longer than its lease.
		stalled, awake := make(chan struct{}, 12), make(chan struct{})
		w.wire.after = func(int) { stalled <- struct{}{}; <-awake }
		wait := w.sendAsync(w.Context(), bid)
		for range 4 {
			<-stalled
		}
		heir := w.newReplica(fastClock(2 * time.Minute))
		w.no(heir.send(w.Context(), bid))
		before := w.deliveries(bid)
		close(awake)
		w.no(wait())
		w.in(bid, broadcast.Sent)
		for who, d := range w.deliveries(bid) {
			if d != before[who] {
				w.Errorf("the loser wrote %+v over %+v", d, before[who])
			}
		}
		r, got := w.sim.Report(), w.read(bid).Tally
		if got.Sent != 12 || r.Reached != 12 || int(r.Repeats) > got.MaybeRepeated || r.Repeats == 0 {
			w.Errorf("%d repeats, %+v", r.Repeats, got)
		}
	})
}

func TestWhatCouldNotBeRecordedIsMarkedAsPerhapsSent(t *testing.T) {
	t.Parallel()
	each(t, 40, func(w *world) {
		w.slow(20 * time.Millisecond)
		l := &ledger{Chunks: w.st}
		l.writeFails.Store(true)
		w.sender.Chunks, w.sender.Workers = l, 2
		bid := w.sending("No ledger", recipients(1, 40))
		ctx, stop := context.WithCancel(w.Context())
		w.wire.after = func(int) { stop() } // the process ends, and the ledger does not come back for it
		began := time.Now()
		if err := w.send(ctx, bid); !errors.Is(err, errDown) {
			w.Errorf("the engine is told %v", err)
		}
		if took := time.Since(began); took > 10*time.Second {
			w.Errorf("the stop took %v", took)
		}
		w.wire.after = nil
		n := len(w.wire.sends())
		if n == 40 {
			w.Error("sent to everybody without a ledger")
		}
		l.writeFails.Store(false)
		w.no(w.send(w.Context(), bid)) // the lease still runs: nobody's
		if more := len(w.wire.sends()); more != n {
			w.Errorf("%d more sent although nobody knows what was", more-n)
		}
		w.clock.forward(time.Minute)
		w.no(w.send(w.Context(), bid))
		got, r := w.in(bid, broadcast.Sent).Tally, w.sim.Report()
		if int(r.Repeats) != n || got.MaybeRepeated < n || r.Reached != 40 {
			w.Errorf("%d sent before, %d repeats, %+v", n, r.Repeats, got)
		}
		w.tally(bid)
	})
}

func TestALedgerThatCannotBeAskedStopsTheSending(t *testing.T) {
	t.Parallel()
	for name, broken := range map[string]func(*ledger){
		"failing": func(l *ledger) { l.keepFails.Store(true) },
		"silent":  func(l *ledger) { l.hold = make(chan struct{}) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			each(t, 150, func(w *world) {
				w.slow(100 * time.Millisecond)
				l := &ledger{Chunks: w.st}
				broken(l)
				w.sender.Chunks, w.sender.Workers = l, 2
				bid := w.sending("Unkept", recipients(1, 150))
				if err := w.send(w.Context(), bid); name == "failing" && !errors.Is(err, errDown) || err == nil {
					w.Errorf("the engine is told %v", err)
				}
				sends := w.wire.sends()
				if span := sends[len(sends)-1].Sub(sends[0]); span > 5*time.Second || len(sends) == 150 {
					w.Errorf("%d sent over %v", len(sends), span)
				}
				if got := w.tally(bid); got.Sent != len(sends) {
					w.Errorf("%d sent, recorded %+v", len(sends), got)
				}
			})
		})
	}
}

func TestTwoReplicasShareABroadcastAndRepeatNothing(t *testing.T) {
	t.Parallel()
	each(t, 40, func(w *world) {
		w.slow(10 * time.Millisecond)
		bid := w.sending("Shared", recipients(1, 10), recipients(11, 20), recipients(21, 30), recipients(31, 40))
		var hands sync.WaitGroup
		for _, r := range []*replica{w.replica, w.newReplica(w.clock)} {
			for range 4 {
				hands.Go(func() {
					if err := r.send(w.Context(), bid); err != nil {
						w.Error(err)
					}
				})
			}
		}
		hands.Wait()
		w.in(bid, broadcast.Sent)
		w.tally(bid)
		w.onceEach(40)
	})
}
