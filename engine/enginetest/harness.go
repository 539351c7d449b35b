package enginetest

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/engine"
)

// patience is how long a promise may take on a busy machine before it is broken.
const patience = 30 * time.Second

// Harness is the world of one test: replicas that share their waiting work.
type Harness struct {
	// New makes one more replica, not yet running.
	New func(t *testing.T, o engine.Options) broadcast.Engine
	// Replicas is how many may run at a time.
	Replicas int
	// Doom has a replica in a process of its own take w in hand, and kills it
	// (SIGKILL) in the middle. Nil where a process's work dies with it.
	Doom func(t *testing.T, w broadcast.Work)
}

// Suite checks the promises of an engine. Each test gets a world of its own.
func Suite(t *testing.T, world func(t *testing.T) Harness) {
	for _, promise := range []struct {
		name string
		test func(*testing.T, Harness)
	}{
		{"WorkOfEveryKindIsDone", everyKindIsDone},
		{"EqualWaitingWorkIsNotDoubled", equalWaitingIsNotDoubled},
		{"AWakeUpWhileTheSameWorkRunsLeadsToAnotherRun", wakeUpWhileRunning},
		{"HandsAreBounded", handsAreBounded},
		{"AKindNeverWaitsBehindAnother", kindsDoNotWait},
		{"PeriodicWorkComesOncePerPeriod", oncePerPeriod},
		{"StopFinishesWhatIsInHand", stopFinishes},
		{"FailuresAndPanicsHarmNobodyElse", failuresHarmNobody},
		{"WorkIsToldWhenItsTimeIsUp", timeIsUp},
		{"WhatAStopLeftIsFoundAgain", foundAgain},
		{"WorkOfAKilledReplicaIsTakenUpWithinAMinute", takenUp},
		{"UnknownKindsAreRefused", unknownRefused},
		{"WorkWithMoreToDoGoesBehindWhatWaits", moreGoesBehind},
		{"UrgentSendingNeverWaitsBehindBulk", urgentDoesNotWait},
		{"FirstSeatsComeBeforeFurtherOnes", firstSeatsFirst},
	} {
		t.Run(promise.name, func(t *testing.T) {
			t.Parallel()
			promise.test(t, world(t))
		})
	}
}

// start runs e until the returned function has been called and Run has returned.
func start(t *testing.T, e broadcast.Engine, do broadcast.Do) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- e.Run(ctx, do) }()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-ran:
			if err != nil {
				t.Errorf("Run: %v", err)
			}
		case <-time.After(patience):
			t.Errorf("Run did not return within %s of its stop", patience)
		}
	})
	t.Cleanup(stop)
	return stop
}

func enqueue(t *testing.T, e broadcast.Engine, works ...broadcast.Work) {
	t.Helper()
	if err := e.Enqueue(t.Context(), works...); err != nil {
		t.Fatalf("enqueue %v: %v", works, err)
	}
}

// receive waits for the next value, at most patience.
func receive[T any](t *testing.T, c <-chan T, what string) T {
	t.Helper()
	var v T
	select {
	case v = <-c:
	case <-time.After(patience):
		t.Fatalf("waited %s in vain for %s", patience, what)
	}
	return v
}

// diary is a Do that writes down what it was asked to do.
type diary struct {
	mu   sync.Mutex
	runs map[broadcast.Work]int
	done chan broadcast.Work
}

func newDiary() *diary {
	return &diary{runs: map[broadcast.Work]int{}, done: make(chan broadcast.Work, 1000)}
}

func (d *diary) do(_ context.Context, w broadcast.Work) error {
	d.mu.Lock()
	d.runs[w]++
	d.mu.Unlock()
	d.done <- w
	return nil
}

func (d *diary) count(w broadcast.Work) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.runs[w]
}

// waitFor waits until each of works was done at least once.
func (d *diary) waitFor(t *testing.T, works ...broadcast.Work) {
	t.Helper()
	for _, w := range works {
		for d.count(w) == 0 {
			receive(t, d.done, "work "+string(w.Kind))
		}
	}
}

func chunk(n int) broadcast.Work {
	return broadcast.Work{Kind: broadcast.KindSend, BroadcastID: "b7", Seat: n}
}

func only(k broadcast.Kind) broadcast.Work { return broadcast.Work{Kind: k} }
