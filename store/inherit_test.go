package store_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/pace"
	"github.com/fanfare/fanfare/store"
	"github.com/fanfare/fanfare/store/db"
	"github.com/fanfare/fanfare/store/storetest"
)

// opened is a store that the test closes itself.
func opened(t *testing.T, dsn string) *store.Store {
	t.Helper()
	st := the(store.Open(ctx, store.Options{DSN: dsn, TenantID: storetest.Tenant}))(t)
	t.Cleanup(func() { _ = st.Close() })
	return st
}

// TestWhatADeadProcessHadIsTakenUpAtOnce: on SQLite there was only one, so nobody
// waits for its leases.
func TestWhatADeadProcessHadIsTakenUpAtOnce(t *testing.T) {
	t.Parallel()
	dsn := storetest.DSN(t, storetest.SQLite)
	dead := opened(t, dsn)
	must(t, dead.Migrate(ctx))
	c := inHand(t, dead, 3)
	must(t, dead.AddDeliveries(ctx, aResolving(t, dead), everybody(4, 4), 1)) // wants 4
	if take := the(dead.TakeInstallations(ctx, 10, minute))(t); len(take) != 1 {
		t.Fatalf("%+v", take)
	}
	must(t, dead.RecordOutcomes(ctx, c, []broadcast.Outcome{sent(c.Deliveries[0])}))
	the(dead.SaveActivity(ctx, broadcast.Inbound{ConversationID: "c", ActivityID: "1", Body: []byte("x"), ReceivedAt: time.Now()}))(t)
	the(dead.TakeActivities(ctx, 10, minute))(t)

	twin := opened(t, dsn) // of the same process: nobody has died
	if got := next(t, twin, c.BroadcastID, 0); got.Number != 0 {
		t.Fatalf("taken out of a living hand: %+v", got)
	}
	must(t, twin.Close())
	must(t, dead.Close())

	heir := opened(t, dsn)
	got := next(t, heir, c.BroadcastID, 0)
	if len(got.Deliveries) != 2 || !got.Deliveries[0].MaybeSent || got.Fence != c.Fence+1 {
		t.Fatalf("%+v", got)
	}
	if take := the(heir.TakeInstallations(ctx, 10, minute))(t); len(take) != 1 {
		t.Fatalf("%+v", take)
	}
	if in := the(heir.TakeActivities(ctx, 10, minute))(t); len(in) != 1 {
		t.Fatalf("%+v", in)
	}
	honest(t, heir, c.BroadcastID)
}

// aResolving is a broadcast that is resolving.
func aResolving(t *testing.T, st *store.Store) broadcast.ID {
	t.Helper()
	return move(t, st, draft(t, st).ID, broadcast.Resolving).ID
}

// TestAFullDiskLosesNothing: what could not be recorded is told again when there is
// room, under the same fence.
func TestAFullDiskLosesNothing(t *testing.T) {
	t.Parallel()
	dsn := storetest.DSN(t, storetest.SQLite)
	raw := storetest.SQL(t, dsn)
	exec := func(stmt string, args ...any) {
		t.Helper()
		if _, err := raw.Exec(stmt, args...); err != nil {
			t.Fatal(err)
		}
	}
	st := opened(t, dsn)
	must(t, st.Migrate(ctx))
	c := inHand(t, st, 3)
	must(t, st.Close())
	var pages int
	must(t, raw.QueryRow(`PRAGMA page_count`).Scan(&pages))
	bounded := dsn + "?max_page_count=" + strconv.Itoa(pages+50)
	st = opened(t, bounded)
	c = next(t, st, c.BroadcastID, 0)
	exec(`CREATE TABLE ballast (b BLOB)`)
	for i := 0; i < 49; i++ {
		exec(`INSERT INTO ballast VALUES (zeroblob(4000))`)
	}

	var out []broadcast.Outcome
	for _, d := range c.Deliveries {
		o := sent(d)
		o.Detail, o.ActivityID = strings.Repeat("x", 500), strings.Repeat("a", 9000)
		out = append(out, o)
	}
	err := st.RecordOutcomes(ctx, c, out)
	if !errors.Is(err, db.ErrFull) {
		t.Fatalf("%v, want it to be full", err)
	}
	if err := st.Ping(ctx); err == nil || !strings.Contains(err.Error(), "no space left") {
		t.Fatalf("%v, want the operator to be told", err)
	}
	if y := honest(t, st, c.BroadcastID); y.Sent != 0 || y.Ready != 3 {
		t.Fatalf("%+v", y)
	}
	exec(`DROP TABLE ballast`)
	must(t, st.FinishChunk(ctx, c, out))
	if y := honest(t, st, c.BroadcastID); y.Sent != 3 {
		t.Fatalf("%+v", y)
	}
}

// TestAPauseReachesEveryReplica: one is throttled, all hear of it at once.
func TestAPauseReachesEveryReplica(t *testing.T) {
	t.Parallel()
	dsn := storetest.DSN(t, storetest.Postgres)
	throttled, other := storetest.Open(t, dsn, nil), storetest.Open(t, dsn, nil)
	heard := make(chan time.Duration, 100)
	other.OnPause(func(family string, d time.Duration) {
		if family == "connector" {
			heard <- d
		}
	})
	run, stop := context.WithCancel(ctx)
	done := make(chan error)
	go func() { done <- other.Run(run) }()
	the(throttled.LeaseBudget(ctx, pace.SlotAsk{Family: "connector", Rate: 10, Want: 1, Priority: broadcast.PriorityNormal}))(t)
	for told := false; !told; {
		the(throttled.PauseBudget(ctx, "connector", pace.PauseAsk{For: minute}))(t)
		select {
		case d := <-heard:
			if told = true; d <= 0 || d > minute {
				t.Errorf("paused for %v", d)
			}
		case <-time.After(50 * time.Millisecond): // it has only just begun to listen
		}
	}
	stop()
	must(t, <-done)
}
