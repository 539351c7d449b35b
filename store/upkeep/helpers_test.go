package upkeep_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/store"
	"github.com/fanfare/fanfare/store/storetest"
	ledger "github.com/fanfare/fanfare/store/upkeep"
	"github.com/fanfare/fanfare/upkeep"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

func TestLawRowTypesAreTheMigratedColumns(t *testing.T) {
	t.Parallel()
	storetest.RowsAreTables(t, ledger.Tables(), storetest.Upkeep()...)
}

// ctx is every test's context: a test that hangs is stopped by go test.
var ctx = context.Background()

// having is a tenant of n people who have had the app for two hours, and a Fanfare that
// has been there to hear of it.
func having(t testing.TB, st *store.Store, clock *storetest.Clock, n int) {
	t.Helper()
	storetest.People(t, st, n)
	storetest.Must(t, st.Listening(ctx))
	for i := 1; i <= n; i++ {
		storetest.Must(t, st.BotAdded(ctx, storetest.ID(i), storetest.Address(i)))
	}
	hear(t, st, clock, 2*time.Hour)
}

// hear lets time pass in which Fanfare is there to hear.
func hear(t testing.TB, st *store.Store, clock *storetest.Clock, d time.Duration) {
	t.Helper()
	for range d / (20 * time.Second) {
		clock.Pass(20 * time.Second)
		storetest.Must(t, st.Listening(ctx))
	}
}

var cora = broadcast.ActorRef{ID: "cora", Name: "Cora Admin"}

func begun(t testing.TB, st *store.Store, version string) {
	t.Helper()
	storetest.Must(t, st.BeginPass(ctx, upkeep.Start{Cause: upkeep.Asked, Upgrades: true, Version: version, By: cora}))
}

func taken(t testing.TB, st *store.Store, limit int) upkeep.Chunk {
	t.Helper()
	c := storetest.The(st.TakePeople(ctx, limit, time.Minute))(t)
	if c == nil {
		t.Fatal("there was nobody to take")
	}
	return *c
}

// found is a report of a whole chunk in which everybody was found so.
func found(c upkeep.Chunk, at time.Time, v upkeep.Verdict) upkeep.Report {
	r := upkeep.Report{Done: c.Last}
	for _, p := range c.People {
		r.Outcomes = append(r.Outcomes, upkeep.Outcome{Person: p, Seen: upkeep.Seen{There: v.To == "", Version: "1.0.0"}, Verdict: v, At: at})
		r.Cursor = p.EntraID
	}
	return r
}

func state(t testing.TB, st *store.Store, n int) broadcast.InstallRow {
	t.Helper()
	for _, r := range storetest.The(st.Installations(ctx, broadcast.InstallQuery{Limit: 500}))(t).Rows {
		if r.EntraID == storetest.ID(n) {
			return r
		}
	}
	t.Fatalf("person %d has no installation", n)
	return broadcast.InstallRow{}
}
