package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/fanfare/fanfare/rollout"
	"github.com/fanfare/fanfare/store"
)

// Newcomers makes those wanted who have come since everybody was, as after a sync.
func Newcomers(t testing.TB, st *store.Store) {
	t.Helper()
	ctx := context.Background()
	if err := st.RefillRing(ctx, rollout.Last, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := st.FillRings(ctx, time.Hour); err != nil {
		t.Fatal(err)
	}
}
