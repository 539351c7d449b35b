package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/fanfare/fanfare/broadcast"
)

// Options are what a database is opened with.
type Options struct {
	// DSN is postgres://…, sqlite:FILE or sqlite::memory:. It may hold a password
	// and never reaches a log or an error. sqlite:FILE?max_page_count=N bounds the file
	// to N pages of 4 KiB.
	DSN      string
	TenantID string           // leads every key
	Now      func() time.Time // nil for the database's clock
	Log      *slog.Logger     // nil for none
}

// Handout gives works to the engine inside the ledger's transaction, on the very
// connection it runs on.
type Handout func(ctx context.Context, conn *sql.Conn, works []broadcast.Work) error

// DB is an open database, for one tenant. It is safe for concurrent use once its
// hand-outs are set.
type DB struct {
	Words
	tenant string
	now    func() time.Time
	log    *slog.Logger

	writer, reader *gorm.DB
	writes         *sql.DB
	closers        []func() error
	pool           *pgxpool.Pool
	prepared       *sqlitePrepared
	built          sync.Map // statements of Many, by what they were built from
	alone          bool
	file           *heldFile // nil unless it is a file
	trouble        trouble
	clock          clock
	ownClock       bool // nobody gave another

	inTx        Handout
	afterCommit func(ctx context.Context, works []broadcast.Work)
}

// Words is everything in which the two databases differ.
type Words struct {
	// What follows a SELECT to lock its rows; "" where there is one writer.
	ForUpdate, ForShare, SkipLocked string
	Least, Greatest                 string // functions of two values
	Clock                           string // the database's clock in microseconds
	// Rows is a list parameter as a table: columns is "id bigint, state text".
	Rows func(param, columns string) string
	// Unpack is the table of the columns that Pack made a fast statement's last
	// parameters, the first of which is $n.
	Unpack func(n int, columns string) string
	Pack   func(columns ...any) []any // each a []int64, []string or []bool
	// each is the statement of Many, for all rows at once or for one.
	each func(stmt string, n int, columns string) string

	// turn makes a transaction wait its turn: with nobody else holding the name
	// (alone), or with others who share it.
	turn func(t *Tx, name string, alone bool) error
	// transact runs f in one transaction.
	transact func(ctx context.Context, d *DB, f inTransaction) error
	// again tells whether the same transaction may succeed if run once more.
	again func(error) bool
}

// inTransaction is what runs in a transaction: through GORM, past it, and with the
// engine's jobs.
type inTransaction func(orm *gorm.DB, fast fast, handOut func([]broadcast.Work) error) error

// Open connects to the database and does not migrate it. The error says what is
// wrong without the DSN's secrets.
func Open(ctx context.Context, o Options) (*DB, error) {
	if o.TenantID == "" {
		return nil, errors.New("store: no tenant ID given")
	}
	d := &DB{tenant: o.TenantID, now: o.Now, log: o.Log}
	if d.now == nil {
		d.now, d.ownClock = d.clock.now, true
	}
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	var err error
	switch scheme, rest, _ := strings.Cut(o.DSN, ":"); scheme {
	case "postgres", "postgresql":
		err = d.openPostgres(ctx, o.DSN)
	case "sqlite":
		err = d.openSQLite(ctx, rest)
	default:
		return nil, errors.New("store: the database must be postgres://… or sqlite:FILE")
	}
	if err == nil && d.ownClock {
		_, err = d.readClock(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// orm puts GORM on a connection pool. GORM's own transaction around each single
// write is off: what belongs together is put together by Write. GORM's logger is
// off too: an error is returned to somebody who knows what it means, and
// statements hold personal data.
func orm(d gorm.Dialector, prepare bool) (*gorm.DB, error) {
	return gorm.Open(d, &gorm.Config{
		SkipDefaultTransaction: true, TranslateError: true, PrepareStmt: prepare,
		DisableAutomaticPing: true, Logger: logger.Discard,
	})
}

// HandOutInTx lets the engine store its jobs in the ledger's transactions.
func (d *DB) HandOutInTx(h Handout) { d.inTx = h }

// HandOutAfterCommit tells the engine of works whose reason has been committed.
func (d *DB) HandOutAfterCommit(f func(ctx context.Context, works []broadcast.Work)) {
	d.afterCommit = f
}

// Pool is the PostgreSQL pool; nil on SQLite.
func (d *DB) Pool() *pgxpool.Pool { return d.pool }

// Postgres tells which database this is.
func (d *DB) Postgres() bool { return d.pool != nil }

// Tenant is whose rows these are.
func (d *DB) Tenant() string { return d.tenant }

// Now is the time on the database's clock, as all replicas know it (clock); it costs
// no statement.
func (d *DB) Now() time.Time { return d.now() }

// AloneOnFile tells whether nobody else can have had this database open until now: it is
// a file, and the first handle on it in the only process that may have one.
func (d *DB) AloneOnFile() bool { return d.alone }

// Ping asks the database for a sign of life, and tells of one that is full. The
// errors are sentences for the operator.
func (d *DB) Ping(ctx context.Context) error {
	if err := d.writes.PingContext(ctx); err != nil {
		return fmt.Errorf("the database does not answer; nothing is sent until it does, then everything goes on by itself: %w", err)
	}
	if d.isFull() {
		return fmt.Errorf("%w: there is no space left, so nothing can be stored or sent; free some, or raise the limit it was given, and everything goes on by itself", ErrFull)
	}
	return nil
}

// Analyze has PostgreSQL look at tables that have just grown a lot. It would do so
// by itself within a minute; until then it takes a million rows for a few, and
// reads them all to find one. Price: a sample of each table, under a second. It is
// no part of what was stored: a failure is only logged.
func (d *DB) Analyze(ctx context.Context, tables ...string) {
	if !d.Postgres() {
		return // its planner's beliefs are fixed: migrations/sqlite/0004_statistics.sql
	}
	for _, table := range tables {
		if _, err := d.Alone(ctx).Exec("ANALYZE "+table, nil); err != nil {
			d.log.WarnContext(ctx, "table not analysed", "table", table, "cause", err)
		}
	}
}

// Close lets go of the database.
func (d *DB) Close() error {
	var errs []error
	for i := len(d.closers) - 1; i >= 0; i-- {
		errs = append(errs, d.closers[i]())
	}
	d.closers = nil
	return errors.Join(errs...)
}
