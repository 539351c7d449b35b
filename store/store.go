package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/fanfare/fanfare/broadcast"
)

// Options are what a Store is opened with.
type Options struct {
	// DSN is postgres://…, sqlite:FILE or sqlite::memory:. It may hold a password
	// and never reaches a log or an error.
	DSN      string
	TenantID string
	Now      func() time.Time // nil for time.Now
	Log      *slog.Logger     // nil for none
}

// Store is the ledger of one tenant. It is safe for concurrent use once its
// hand-outs are set.
type Store struct {
	dialect
	tenant string
	now    func() time.Time
	log    *slog.Logger

	writer, reader *gorm.DB
	writes         *sql.DB
	closers        []func() error
	pool           *pgxpool.Pool

	inTx        Handout
	afterCommit func(ctx context.Context, works []broadcast.Work)
}

// Handout gives works to the engine inside the ledger's transaction, on the very
// connection it runs on.
type Handout func(ctx context.Context, conn *sql.Conn, works []broadcast.Work) error

// Open connects to the database and does not migrate it. The error says what is
// wrong without the DSN's secrets.
func Open(ctx context.Context, o Options) (*Store, error) {
	if o.TenantID == "" {
		return nil, errors.New("store: no tenant ID given")
	}
	s := &Store{tenant: o.TenantID, now: o.Now, log: o.Log}
	if s.now == nil {
		s.now = time.Now
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	var err error
	switch scheme, rest, _ := strings.Cut(o.DSN, ":"); scheme {
	case "postgres", "postgresql":
		err = s.openPostgres(ctx, o.DSN)
	case "sqlite":
		err = s.openSQLite(ctx, rest)
	default:
		return nil, errors.New("store: the database must be postgres://… or sqlite:FILE")
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// orm puts GORM on a connection pool. GORM's own transaction around each single
// write is off: what belongs together is put together by Store.write. GORM's
// logger is off too: an error is returned to somebody who knows what it means,
// and statements hold personal data.
func orm(d gorm.Dialector, prepare bool) (*gorm.DB, error) {
	return gorm.Open(d, &gorm.Config{
		SkipDefaultTransaction: true, TranslateError: true, PrepareStmt: prepare,
		DisableAutomaticPing: true, Logger: logger.Discard,
	})
}

// HandOutInTx lets the engine store its jobs in the ledger's transactions
// (PostgreSQL). Call it before the Store is used.
func (s *Store) HandOutInTx(h Handout) { s.inTx = h }

// HandOutAfterCommit tells the engine of works whose reason has been committed.
// Call it before the Store is used. f must not block.
func (s *Store) HandOutAfterCommit(f func(ctx context.Context, works []broadcast.Work)) {
	s.afterCommit = f
}

// Postgres tells which database this is.
func (s *Store) Postgres() bool { return s.pool != nil }

// Pool is the PostgreSQL pool, for the engine to share; nil on SQLite.
func (s *Store) Pool() *pgxpool.Pool { return s.pool }

// Ping asks the database for a sign of life.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.writes.PingContext(ctx); err != nil {
		return fmt.Errorf("the database does not answer: %w", err)
	}
	return nil
}

// Close lets go of the database.
func (s *Store) Close() error {
	var errs []error
	for i := len(s.closers) - 1; i >= 0; i-- {
		errs = append(errs, s.closers[i]())
	}
	s.closers = nil
	return errors.Join(errs...)
}

// read is a handle for reading outside any transaction.
func (s *Store) read(ctx context.Context) *tx {
	return &tx{db: s.reader.WithContext(ctx), s: s}
}

// millis is a time as it is stored: Unix milliseconds, 0 for the zero time.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// moment is a stored time as it is read.
func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// clean makes foreign text storable in both databases (valid UTF-8 without NUL),
// at most limit characters of it; 0 for all.
func clean(text string, limit int) string {
	text = strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "")
	if limit > 0 && len(text) > limit {
		if runes := []rune(text); len(runes) > limit {
			return string(runes[:limit-1]) + "…"
		}
	}
	return text
}

// maxDetail is how many characters of somebody else's error text are kept.
const maxDetail = 500
