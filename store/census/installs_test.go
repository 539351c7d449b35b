package census_test

import (
	"slices"
	"sync"
	"testing"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/store"
	"github.com/fanfare/fanfare/store/storetest"
)

// rollout starts one over people 1 to n.
func rolledOut(t *testing.T, st *store.Store, n int) {
	t.Helper()
	people(t, st, n)
	must(t, st.SetRollout(ctx, broadcast.RolloutIdle, broadcast.RolloutRunning, author, at(0)))
}

func TestEachPersonIsInOneInstallersHands(t *testing.T) {
	t.Parallel()
	for _, kind := range storetest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			dsn := storetest.DSN(t, kind)
			replicas := []*store.Store{storetest.Open(t, dsn, nil), storetest.Open(t, dsn, nil)}
			rolledOut(t, replicas[0], 60)
			var mu sync.Mutex
			taken := map[broadcast.EntraID]int{}
			var wg sync.WaitGroup
			for i := range 6 {
				wg.Go(func() {
					for {
						got, err := replicas[i%2].TakeInstallations(ctx, 7, minute)
						if err != nil {
							t.Error(err)
						}
						if len(got) == 0 {
							return
						}
						mu.Lock()
						for _, one := range got {
							taken[one.EntraID]++
						}
						mu.Unlock()
					}
				})
			}
			wg.Wait()
			for who, n := range taken {
				if n != 1 {
					t.Errorf("%s was taken %d times", who, n)
				}
			}
			if len(taken) < 50 { // SKIP LOCKED may leave some to the next round
				t.Errorf("%d of 60 taken", len(taken))
			}
		})
	}
}

func TestAPausedRolloutInstallsNobody(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		rolledOut(t, st, 3)
		works := the(st.Unfinished(ctx, 5))(t)
		if !slices.Contains(works, broadcast.Work{Kind: broadcast.KindInstall}) {
			t.Fatalf("people are wanted, but %v", works)
		}
		must(t, st.SetRollout(ctx, broadcast.RolloutRunning, broadcast.RolloutPaused, author, at(1)))
		if take := the(st.TakeInstallations(ctx, 10, minute))(t); len(take) != 0 {
			t.Fatalf("took %+v", take)
		}
		if works := the(st.Unfinished(ctx, 5))(t); len(works) != 0 {
			t.Fatalf("unfinished: %v", works)
		}
		r := the(st.Rollout(ctx))(t)
		if r.State != broadcast.RolloutPaused || r.By != author || !r.ChangedAt.Equal(at(1)) {
			t.Fatalf("%+v", r)
		}
		people(t, st, 4)
		storetest.Newcomers(t, st)
		if r := the(st.Rollout(ctx))(t); r.Untouched != 1 || r.Wanted != 3 {
			t.Fatalf("%+v", r)
		}
		must(t, st.SetRollout(ctx, broadcast.RolloutPaused, broadcast.RolloutRunning, author, at(2)))
		if take := the(st.TakeInstallations(ctx, 10, minute))(t); len(take) != 4 {
			t.Fatalf("took %+v", take)
		}
	})
}

func TestTwoAdminsCannotBothChangeTheRollout(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		must(t, st.SetRollout(ctx, broadcast.RolloutIdle, broadcast.RolloutRunning, author, at(1)))
		err := st.SetRollout(ctx, broadcast.RolloutIdle, broadcast.RolloutPaused, author, at(2))
		if !broadcast.IsCode(err, broadcast.Conflict) {
			t.Fatalf("%v, want a conflict", err)
		}
		if r := the(st.Rollout(ctx))(t); r.State != broadcast.RolloutRunning || !r.ChangedAt.Equal(at(1)) {
			t.Fatalf("%+v", r)
		}
	})
}
