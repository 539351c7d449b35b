package rings_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/rollout"
	"github.com/fanfare/fanfare/store"
	"github.com/fanfare/fanfare/store/rings"
	"github.com/fanfare/fanfare/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

func TestLawRowTypesAreTheMigratedColumns(t *testing.T) {
	t.Parallel()
	storetest.RowsAreTables(t, rings.Tables(), storetest.Rings()...)
}

var ctx = context.Background()

var must = storetest.Must

// TestOldSamplesAreThinnedOut: a month of samples, one each minute at first, is a few
// hundred in the end, and the last of each stretch stays.
func TestOldSamplesAreThinnedOut(t *testing.T) {
	t.Parallel()
	storetest.EachAt(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		began := clock.Now()
		n := 0
		save := func(every time.Duration, times int) {
			for range times {
				clock.Pass(every)
				n++
				must(t, st.SaveSample(ctx, rollout.Sample{At: clock.Now(), Counts: rollout.Counts{Installed: n, Reasons: map[broadcast.Reason]int{broadcast.ReasonPolicy: n}}}, clock.Now()))
			}
		}
		save(5*time.Second, 300)
		save(time.Hour, 30*24)
		clock.Pass(time.Second)
		must(t, st.SaveSample(ctx, rollout.Sample{At: clock.Now(), Counts: rollout.Counts{Installed: n, Reasons: map[broadcast.Reason]int{broadcast.ReasonPolicy: n}}}, clock.Now())) // nothing new
		all, err := st.Samples(ctx, began)
		must(t, err)
		if len(all) > 500 || len(all) < 400 {
			t.Errorf("%d samples are left of %d", len(all), n)
		}
		if last := all[len(all)-1]; last.Installed != n || last.Reasons[broadcast.ReasonPolicy] != n {
			t.Errorf("%+v", last)
		}
		for i := 1; i < len(all); i++ {
			if all[i].Installed <= all[i-1].Installed || !all[i].At.After(all[i-1].At) {
				t.Fatalf("sample %d does not follow from the one before", i)
			}
		}
		half, err := st.Samples(ctx, all[len(all)/2].At.Add(time.Second))
		must(t, err)
		if len(half) == 0 || half[0].At != all[len(all)/2].At {
			t.Errorf("from the middle on there are %d; the one before belongs to them", len(half))
		}
	})
}

// TestOneReplicaCounts: of several that look at the same time one counts, and nobody
// while nothing changes.
func TestOneReplicaCounts(t *testing.T) {
	t.Parallel()
	for _, kind := range storetest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			dsn, clock := storetest.DSN(t, kind), storetest.NewClock()
			replicas := []*store.Store{storetest.Open(t, dsn, clock.Now), storetest.Open(t, dsn, clock.Now)}
			must(t, replicas[0].SetRollout(ctx, broadcast.RolloutIdle, broadcast.RolloutRunning, broadcast.ActorRef{ID: "a"}, clock.Now()))
			looks := func() (n int) {
				turns := make(chan bool, 8)
				for i := range 8 {
					go func() {
						mine, err := replicas[i%2].TakeLook(ctx, time.Second)
						if err != nil {
							t.Error(err)
						}
						turns <- mine
					}()
				}
				for range 8 {
					if <-turns {
						n++
					}
				}
				return n
			}
			if n := looks(); n != 1 {
				t.Errorf("%d count", n)
			}
			clock.Pass(10 * time.Second)
			if n := looks(); n != 0 {
				t.Errorf("%d count what has not changed", n)
			}
			must(t, replicas[1].BotGone(ctx, "somebody", broadcast.InstallationRemoved))
			must(t, replicas[0].SaveSample(ctx, rollout.Sample{At: clock.Now()}, clock.Now().Add(time.Minute)))
			if n := looks(); n != 0 {
				t.Errorf("%d count before a dear count may be made again", n)
			}
			clock.Pass(time.Minute)
			if n := looks(); n != 1 {
				t.Errorf("%d count after somebody's state changed", n)
			}
		})
	}
}

// TestEndsAreCountedByTheirTime: the rate comes from the history.
func TestEndsAreCountedByTheirTime(t *testing.T) {
	t.Parallel()
	storetest.EachAt(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		for i, n := range []int{3, 0, 5} {
			for k := range n {
				must(t, st.BotAdded(ctx, broadcast.EntraID(fmt.Sprintf("p%d-%d", i, k)), broadcast.ConversationReference{ServiceURL: "https://smba.example/", ConversationID: fmt.Sprintf("a:%d-%d", i, k)}))
			}
			clock.Pass(5 * time.Second)
		}
		got, err := st.Ends(ctx, 4, 5*time.Second)
		must(t, err)
		if fmt.Sprint(got) != "[0 3 0 5]" {
			t.Errorf("%v", got)
		}
	})
}
