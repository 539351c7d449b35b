package store_test

import (
	"context"
	"os"
	"testing"

	"github.com/fanfare/fanfare/store"
	"github.com/fanfare/fanfare/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

func TestStoreOpensMigratedAndAnswers(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		ctx := context.Background()
		if err := st.Ping(ctx); err != nil {
			t.Fatal(err)
		}
		if err := st.Migrated(ctx); err != nil {
			t.Fatal(err)
		}
	})
}
