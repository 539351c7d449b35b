package store

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/store/budget"
	"github.com/fanfare/fanfare/store/census"
	"github.com/fanfare/fanfare/store/db"
	"github.com/fanfare/fanfare/store/doors"
)

// Options are what a Store is opened with.
type Options = db.Options

// Handout gives works to the engine inside the ledger's transaction, on the very
// connection it runs on.
type Handout = db.Handout

// Store is the ledger of one tenant. It is safe for concurrent use once its
// hand-outs are set. What is known of people and installations as a whole, and
// what the doors remember (keys, sessions, the inbox), comes with it.
type Store struct {
	budget.Budget
	census.Census
	doors.Doors
	db   *db.DB
	late lateTurns
}

// Open connects to the database and does not migrate it. The error says what is
// wrong without the DSN's secrets.
func Open(ctx context.Context, o Options) (*Store, error) {
	d, err := db.Open(ctx, o)
	if err != nil {
		return nil, err
	}
	return &Store{Budget: budget.New(d), Census: census.New(d), Doors: doors.New(d), db: d}, nil
}

// Migrate builds or completes the schema; replicas may call it at the same time.
func (s *Store) Migrate(ctx context.Context) error { return s.db.Migrate(ctx) }

// Migrated tells whether the schema is the one this program was built for; the
// error is a sentence for the operator.
func (s *Store) Migrated(ctx context.Context) error { return s.db.Migrated(ctx) }

// Ping asks the database for a sign of life.
func (s *Store) Ping(ctx context.Context) error { return s.db.Ping(ctx) }

// Close lets go of the database.
func (s *Store) Close() error { return s.db.Close() }

// Postgres tells which database this is.
func (s *Store) Postgres() bool { return s.db.Postgres() }

// Pool is the PostgreSQL pool, for the engine to share; nil on SQLite.
func (s *Store) Pool() *pgxpool.Pool { return s.db.Pool() }

// HandOutInTx lets the engine store its jobs in the ledger's transactions
// (PostgreSQL). Call it before the Store is used.
func (s *Store) HandOutInTx(h Handout) { s.db.HandOutInTx(h) }

// HandOutAfterCommit tells the engine of works whose reason has been committed.
// Call it before the Store is used. f must not block.
func (s *Store) HandOutAfterCommit(f func(ctx context.Context, works []broadcast.Work)) {
	s.db.HandOutAfterCommit(f)
}

// How many characters of somebody else's error are kept: its text and its code.
const (
	maxDetail = 500
	maxCode   = 100
)
