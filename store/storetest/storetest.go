package storetest

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/fanfare/fanfare/store"
)

// Tenant is the tenant of every store made here.
const Tenant = "7e1ac0de-0000-4000-8000-000000000001"

// The databases a store runs on.
const (
	SQLite   = "sqlite"
	Postgres = "postgres"
)

// Kinds are the databases every promise of the store is tested on.
func Kinds() []string { return []string{SQLite, Postgres} }

// New is a fresh, migrated store on SQLite.
func New(t testing.TB) *store.Store {
	t.Helper()
	return Open(t, DSN(t, SQLite), nil)
}

// Each runs a test on a fresh store of each database, as a subtest named after it.
func Each(t *testing.T, f func(t *testing.T, st *store.Store)) {
	t.Helper()
	for _, kind := range Kinds() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			f(t, Open(t, DSN(t, kind), nil))
		})
	}
}

// Open opens a store on a database and migrates it if that is still to be done; a
// second one on the same DSN is a second replica. now is its clock, nil for the
// real one. It is closed with the test.
func Open(t testing.TB, dsn string, now func() time.Time) *store.Store {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	st, err := store.Open(ctx, store.Options{DSN: dsn, TenantID: Tenant, Now: now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatalf("open store: %v", err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Errorf("close store: %v", err)
		}
	})
	if st.Migrated(ctx) != nil {
		if err := st.Migrate(ctx); err != nil {
			t.Fatalf("migrate store: %v", err)
		}
	}
	return st
}

// DSN is the address of an empty database of a kind, gone with the test. On
// PostgreSQL it is migrated already (a copy of a template, which is faster).
func DSN(t testing.TB, kind string) string {
	t.Helper()
	switch kind {
	case SQLite:
		return "sqlite:" + filepath.Join(t.TempDir(), "fanfare.db")
	case Postgres:
		dsn, err := postgresCopy(t)
		if err != nil {
			t.Fatalf("PostgreSQL for tests: %v", err)
		}
		return dsn
	}
	t.Fatalf("no database is called %q", kind)
	return ""
}
