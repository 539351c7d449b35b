package join_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/join"
	"github.com/fanfare/fanfare/store"
	joins "github.com/fanfare/fanfare/store/join"
	"github.com/fanfare/fanfare/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

func TestLawRowTypesAreTheMigratedColumns(t *testing.T) {
	t.Parallel()
	storetest.RowsAreTables(t, joins.Tables(), storetest.Joins()...)
}

// ctx is every test's context: a test that hangs is stopped by go test.
var ctx = context.Background()

func take(t testing.TB, st *store.Store) *join.Job {
	t.Helper()
	job, err := st.TakeTeam(ctx, time.Minute)
	storetest.Must(t, err)
	return job
}

func only(t testing.TB, st *store.Store) join.Team {
	t.Helper()
	all, err := st.JoinedTeams(ctx)
	storetest.Must(t, err)
	if len(all) != 1 {
		t.Fatalf("%+v", all)
	}
	return all[0]
}

// TestATeamIsInOneHandAtATime: whoever was replaced, or whose team was asked for anew,
// stores nothing.
func TestATeamIsInOneHandAtATime(t *testing.T) {
	t.Parallel()
	cora := broadcast.ActorRef{ID: "cora", Name: "Cora Admin"}
	berlin := broadcast.Group{ID: "60000000-0000-4000-8000-000000000004", Name: "Berlin Office"}
	storetest.EachAt(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		storetest.Must(t, st.WantTeam(ctx, berlin, cora))
		dead := take(t, st)
		if dead == nil || take(t, st) != nil {
			t.Fatalf("%+v, and another", dead)
		}
		clock.Pass(time.Minute)
		alive := take(t, st)
		storetest.Must(t, st.RecordTeam(ctx, join.Outcome{Job: *dead, State: join.Refused, Reason: broadcast.ReasonPolicy}))
		if got := only(t, st); got.State != join.Wanted || got.By != cora || got.Name != "Berlin Office" {
			t.Errorf("the dead one stored: %+v", got)
		}
		storetest.Must(t, st.RecordTeam(ctx, join.Outcome{Job: *alive, State: join.Refused, Reason: broadcast.ReasonPolicy, Detail: "no"}))
		if got := only(t, st); got.State != join.Refused || got.Reason != broadcast.ReasonPolicy || got.Detail != "no" || take(t, st) != nil {
			t.Errorf("%+v", got)
		}
		storetest.Must(t, st.WantTeam(ctx, berlin, cora)) // try again
		old := take(t, st)
		storetest.Must(t, st.WantTeam(ctx, berlin, cora))
		storetest.Must(t, st.RecordTeam(ctx, join.Outcome{Job: *old, State: join.Installed}))
		if got := only(t, st); got.State != join.Wanted {
			t.Errorf("%+v", got)
		}
		later := take(t, st)
		storetest.Must(t, st.RecordTeam(ctx, join.Outcome{Job: *later, State: join.Wanted, NotBefore: clock.Now().Add(time.Hour)}))
		if take(t, st) != nil {
			t.Error("taken before its time")
		}
		clock.Pass(time.Hour)
		if take(t, st) == nil {
			t.Error("not taken when its time has come")
		}
		storetest.Must(t, st.ForgetTeam(ctx, berlin.ID))
		if err := st.ForgetTeam(ctx, berlin.ID); !broadcast.IsCode(err, broadcast.NotFound) {
			t.Errorf("forgotten twice: %v", err)
		}
	})
}
