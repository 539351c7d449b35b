package store_test

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/store"
	"github.com/fanfare/fanfare/store/storetest"
)

// replicas runs a test on two stores over one database of each kind.
func replicas(t *testing.T, f func(t *testing.T, both []*store.Store)) {
	for _, kind := range storetest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			dsn := storetest.DSN(t, kind)
			f(t, []*store.Store{storetest.Open(t, dsn, nil), storetest.Open(t, dsn, nil)})
		})
	}
}

// TestNobodyWaitsForAnAddressThatCameMeanwhile: a person's event and the page that
// puts them on the list are stored at the same moment, on different replicas.
func TestNobodyWaitsForAnAddressThatCameMeanwhile(t *testing.T) {
	t.Parallel()
	replicas(t, func(t *testing.T, both []*store.Store) {
		const people = 120
		b := draft(t, both[0])
		move(t, both[0], b.ID, broadcast.Resolving)
		var wg sync.WaitGroup
		check := func(err error) {
			if err != nil {
				t.Error(err)
			}
		}
		wg.Go(func() {
			for n := 1; n <= people; n += 4 {
				check(both[0].AddDeliveries(ctx, b.ID, everybody(n, n+3), 1))
			}
		})
		for part := range 3 {
			wg.Go(func() {
				for n := 1 + part; n <= people; n += 3 {
					if n%5 == 0 {
						check(both[1].BotGone(ctx, id(n), broadcast.InstallationBlocked))
					} else {
						check(both[1].BotAdded(ctx, id(n), address(n)))
					}
				}
			})
		}
		wg.Wait()
		want := broadcast.Tally{Total: people, Ready: people * 4 / 5, Skipped: people / 5}
		if y := honest(t, both[0], b.ID); y != want {
			t.Fatalf("%+v, want %+v", y, want)
		}
	})
}

// TestReplicasSendOneBroadcastToEverybodyOnce has workers on two replicas fight
// for chunks while people come, go and are cancelled at the end.
func TestReplicasSendOneBroadcastToEverybodyOnce(t *testing.T) {
	t.Parallel()
	replicas(t, func(t *testing.T, both []*store.Store) {
		const people, chunk = 200, 20
		installed(t, both[0], people/2)
		var pages [][]broadcast.Recipient
		for n := 1; n <= people; n += chunk {
			pages = append(pages, everybody(n, n+chunk-1))
		}
		bid := resolved(t, both[0], pages...)
		other := resolved(t, both[0], pages...) // the same people wait for another one

		sends := newTally()
		var workers, events sync.WaitGroup
		for i := range 4 {
			workers.Go(func() { work(t, both[i%2], bid, sends) })
		}
		events.Go(func() {
			for n := people/2 + 1; n <= people; n++ {
				if err := both[n%2].BotAdded(ctx, id(n), address(n)); err != nil {
					t.Error(err)
				}
			}
		})
		events.Go(func() {
			for n := 1; n <= people; n += 17 {
				if err := both[n%2].BotGone(ctx, id(n), broadcast.InstallationRemoved); err != nil {
					t.Error(err)
				}
				if err := both[n%2].BotAdded(ctx, id(n), address(n)); err != nil {
					t.Error(err)
				}
			}
		})
		events.Wait()
		workers.Wait()
		y := honest(t, both[1], bid)
		honest(t, both[1], other)
		if y.Left() > 0 || y.Sent+y.Skipped+y.Failed != people {
			t.Fatalf("%+v", y)
		}
		if got := sends.total(); got != y.Sent {
			t.Fatalf("sent %d times to %d people", got, y.Sent)
		}
	})
}

// sends counts how often each person was sent to.
type sends struct {
	mu sync.Mutex
	to map[broadcast.EntraID]int
}

func newTally() *sends { return &sends{to: map[broadcast.EntraID]int{}} }

func (s *sends) add(id broadcast.EntraID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.to[id]++
}

func (s *sends) total() (n int) {
	for _, times := range s.to {
		n += times
	}
	return n
}

// work takes whatever the sweep finds until nothing is left, as a sender does.
func work(t *testing.T, st *store.Store, bid broadcast.ID, s *sends) {
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); {
		_, y, err := stateAndTally(st, bid)
		if err != nil {
			t.Error(err)
			return
		}
		if y.Left() == 0 {
			return
		}
		works, err := st.Unfinished(ctx, 50)
		if err != nil {
			t.Error(err)
			return
		}
		works = slices.DeleteFunc(works, func(w broadcast.Work) bool { return w.BroadcastID != bid })
		for range works {
			sendChunk(t, st, bid, s)
		}
	}
	t.Error("not finished in two minutes")
}

func sendChunk(t *testing.T, st *store.Store, bid broadcast.ID, s *sends) {
	c, err := st.TakeNext(ctx, bid, minute, 0)
	var out []broadcast.Outcome
	for _, d := range c.Deliveries {
		o := sent(d)
		switch rand.IntN(12) {
		case 0:
			o.State, o.Installation, o.Reason = broadcast.DeliverySkipped, broadcast.InstallationBlocked, broadcast.ReasonBlocked
		case 1:
			o.State, o.Reason = broadcast.DeliveryReady, broadcast.ReasonTrouble
		case 2:
			o.NewAddress = &d.Address
		}
		if o.State == broadcast.DeliverySent {
			s.add(d.EntraID)
		}
		out = append(out, o)
	}
	if err == nil {
		err = st.RecordOutcomes(ctx, c, out)
	}
	if err == nil {
		err = st.FinishChunk(ctx, c, nil)
	}
	if err != nil {
		t.Error(err)
	}
}
