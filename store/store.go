package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/store/budget"
	"github.com/fanfare/fanfare/store/census"
	"github.com/fanfare/fanfare/store/db"
	"github.com/fanfare/fanfare/store/doors"
	"github.com/fanfare/fanfare/store/join"
	"github.com/fanfare/fanfare/store/lists"
	"github.com/fanfare/fanfare/store/places"
	"github.com/fanfare/fanfare/store/received"
	"github.com/fanfare/fanfare/store/recipients"
	"github.com/fanfare/fanfare/store/rings"
	"github.com/fanfare/fanfare/store/roll"
	"github.com/fanfare/fanfare/store/scopes"
	"github.com/fanfare/fanfare/store/upkeep"
	"github.com/fanfare/fanfare/store/watch"
	"github.com/fanfare/fanfare/store/who"
)

// Options are what a Store is opened with.
type Options = db.Options

// ErrFull is that the database has no space left to store anything.
var ErrFull = db.ErrFull

// Handout gives works to the engine inside the ledger's transaction, on the very
// connection it runs on.
type Handout = db.Handout

// Store is the ledger of one tenant. It is safe for concurrent use once its
// hand-outs are set. What is known of people and installations as a whole, and
// what the doors remember (keys, sessions, the inbox) and places, comes with it.
type Store struct {
	budget.Budget
	census.Census
	doors.Doors
	lists.Lists
	who.Who
	places.Places
	scopes.Scopes
	received.Received
	recipients.Reader
	rings.Rings
	upkeep.Upkeep
	join.Joins
	watch.Watch
	db      *db.DB
	late    roll.LateTurns
	onPause func(family string, d time.Duration)
}

// Open connects to the database and does not migrate it. The error says what is
// wrong without the DSN's secrets.
func Open(ctx context.Context, o Options) (*Store, error) {
	d, err := db.Open(ctx, o)
	if err != nil {
		return nil, err
	}
	s := &Store{Budget: budget.New(d), Census: census.New(d), Doors: doors.New(d), Places: places.New(d), Who: who.New(d), Lists: lists.New(d), Scopes: scopes.New(d), Received: received.New(d), Reader: recipients.New(d), Rings: rings.New(d), Upkeep: upkeep.New(d), Joins: join.New(d), Watch: watch.New(d), db: d}
	if d.AloneOnFile() && d.Migrated(ctx) == nil {
		if err := s.inherit(ctx); err != nil {
			return nil, errors.Join(err, d.Close())
		}
	}
	return s, nil
}

// inherit takes over from a process that is gone: on SQLite there is one at a time,
// so whatever is still leased is in nobody's hands. A chunk stays one that was never
// given back. Price: what is live, once at start.
func (s *Store) inherit(ctx context.Context) error {
	return s.write(ctx, func(t *tx) error {
		for _, stmt := range []string{
			`UPDATE chunks SET leased_until = 1, next_at = 0 WHERE tenant_id = @tenant AND next_at IS NOT NULL AND leased_until > 1`,
			`UPDATE installations SET leased_until = 0 WHERE tenant_id = @tenant AND (state = 'wanted' OR (state = 'installed' AND conversation_id = '')) AND leased_until > 0`,
			`UPDATE roster_reads SET leased_until = 0 WHERE tenant_id = @tenant AND due_at > 0 AND leased_until > 0`,
			`UPDATE upkeep_passes SET leased_until = 0 WHERE tenant_id = @tenant AND state IN ('running', 'paused') AND leased_until > 0`,
			`UPDATE joins SET leased_until = 0 WHERE tenant_id = @tenant AND state = 'wanted' AND leased_until > 0`,
			`UPDATE inbox SET leased_until = 0 WHERE tenant_id = @tenant AND handled_at = 0 AND leased_until > 0`,
		} {
			if _, err := t.Exec(stmt, nil); err != nil {
				return fmt.Errorf("store: leases of the process before: %w", err)
			}
		}
		return nil
	})
}

// Migrate builds or completes the schema; replicas may call it at the same time.
func (s *Store) Migrate(ctx context.Context) error {
	current := s.db.Migrated(ctx) == nil
	if err := s.db.Migrate(ctx); err != nil || current || !s.db.AloneOnFile() {
		return err
	}
	return s.inherit(ctx)
}

// Migrated tells whether the schema is the one this program was built for; the
// error is a sentence for the operator.
func (s *Store) Migrated(ctx context.Context) error { return s.db.Migrated(ctx) }

// Ping asks the database for a sign of life, and tells of one that is full; the
// errors are sentences for the operator.
func (s *Store) Ping(ctx context.Context) error { return s.db.Ping(ctx) }

// Close lets go of the database.
func (s *Store) Close() error { return s.db.Close() }

// Postgres tells which database this is.
func (s *Store) Postgres() bool { return s.db.Postgres() }

// Pool is the PostgreSQL pool, for the engine to share; nil on SQLite.
func (s *Store) Pool() *pgxpool.Pool { return s.db.Pool() }

// Now is the time on the database's clock, which is that of everything the ledger
// stores for the engine (leases, when a retry is due); it costs no statement.
func (s *Store) Now() time.Time { return s.db.Now() }

// OnPause has f called when any replica says that nobody may make a request of a
// family for so long. Call it before Run. f must not block.
func (s *Store) OnPause(f func(family string, d time.Duration)) { s.onPause = f }

// Run keeps the store's clock and hears the other replicas until ctx is done. A
// database that cannot be reached does not end it.
func (s *Store) Run(ctx context.Context) error {
	s.db.Run(ctx, budget.Channel, func(payload string) {
		if p, ok := budget.ParsePause(payload); ok && p.Tenant == s.db.Tenant() && s.onPause != nil {
			s.onPause(p.Family, p.For())
		}
	})
	return nil
}

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
