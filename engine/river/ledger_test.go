package river_test

import (
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/engine/river"
	"github.com/fanfare/fanfare/store/storetest"
)

// The whole of house section 6: one pool, one transaction, the ledger and River.
func TestAMoveAndItsWorkAreStoredTogetherOrNeither(t *testing.T) {
	t.Parallel()
	st := storetest.Open(t, storetest.DSN(t, storetest.Postgres), nil)
	if err := river.Migrate(t.Context(), st.Pool()); err != nil {
		t.Fatal(err)
	}
	st.HandOutInTx(newEngine(t, river.Options{Pool: st.Pool()}).EnqueueTx)

	now := time.Now()
	by := broadcast.ActorRef{ID: "7e1ac0de-0000-4000-8000-00000000000a", Name: "Ada"}
	before := &broadcast.Broadcast{ID: broadcast.NewID(now), State: broadcast.Approved, Revision: 1, Author: by, CreatedAt: now, UpdatedAt: now}
	move := broadcast.Move{BroadcastID: before.ID, Event: broadcast.EventSend, From: broadcast.Approved, To: broadcast.Resolving, By: by, At: now}
	if err := st.Create(t.Context(), before, move); err != nil {
		t.Fatal(err)
	}
	after := *before
	after.State = broadcast.Resolving
	for _, click := range []struct {
		work broadcast.Work
		wins bool
	}{
		{broadcast.Work{Kind: broadcast.KindResolve, BroadcastID: before.ID}, true},
		{broadcast.Work{Kind: broadcast.KindSend, BroadcastID: before.ID, Seat: 99}, false},
	} {
		_, err := st.Change(t.Context(), broadcast.Change{Before: before, After: &after, Move: move, Works: []broadcast.Work{click.work}})
		if (err == nil) != click.wins {
			t.Errorf("%s: %v", click.work.Kind, err)
		}
	}
	var queue string
	if err := st.Pool().QueryRow(t.Context(), `SELECT string_agg(queue, ' ') FROM river_job`).Scan(&queue); err != nil {
		t.Fatal(err)
	}
	if queue != string(broadcast.KindResolve) {
		t.Errorf("handed out: %s; only the winner's work should be", queue)
	}
}
