package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"

	"github.com/fanfare/fanfare/broadcast"
)

var postgresWords = Words{
	ForUpdate: "FOR UPDATE", ForShare: "FOR SHARE", SkipLocked: "FOR UPDATE SKIP LOCKED",
	Least: "LEAST", Greatest: "GREATEST",
	// The statement's beginning, so that one statement sees one time.
	Clock: "CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS bigint)",
	Rows: func(param, columns string) string {
		columns = strings.ReplaceAll(columns, " text", ` text COLLATE "C"`) // as the tables have it
		return fmt.Sprintf("(SELECT * FROM json_to_recordset(CAST(@%s AS json)) AS j(%s))", param, columns)
	},
	each: postgresEach, Unpack: postgresUnpack, Pack: func(columns ...any) []any { return columns },
	turn: postgresTurn, transact: postgresTransact, again: postgresAgain,
}

// poolSize is how many connections a replica opens unless its DSN says
// pool_max_conns: enough for its senders, doors and River, and small enough for a
// few replicas under PostgreSQL's default of 100.
const poolSize = 16

func (d *DB) openPostgres(ctx context.Context, dsn string) error {
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return errors.New("store: the PostgreSQL address cannot be read; it should look like postgres://user:password@host:5432/database")
	}
	if !strings.Contains(dsn, "pool_max_conns") {
		config.MaxConns = poolSize
	}
	set := config.ConnConfig.RuntimeParams
	if set["application_name"] == "" {
		set["application_name"] = "fanfare"
	}
	// A replica that lost its network in mid-transaction must not hold its locks
	// until TCP notices.
	set["idle_in_transaction_session_timeout"] = "30000"
	// Compiling a head-count took as long as counting.
	set["jit"] = "off"
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return fmt.Errorf("store: PostgreSQL: %w", err)
	}
	d.closers = append(d.closers, func() error { pool.Close(); return nil })
	db := stdlib.OpenDBFromPool(pool)
	d.closers = append(d.closers, db.Close)
	if err := pool.Ping(ctx); err != nil {
		return fmt.Errorf("store: PostgreSQL cannot be reached: %w", err)
	}
	// Statements are prepared and cached per connection by pgx, not by GORM.
	g, err := orm(postgres.New(postgres.Config{Conn: db}), false)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	d.Words, d.pool, d.writes, d.writer, d.reader = postgresWords, pool, db, g, g
	return nil
}

// postgresTransact begins on the pgx connection under a database/sql one and runs
// GORM on the latter, so that River can put its jobs into the same transaction
// (house section 6).
func postgresTransact(ctx context.Context, d *DB, f inTransaction) error {
	conn, err := d.writes.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // gives it back; the pool drops one still in a transaction
	var ptx pgx.Tx
	if err := conn.Raw(func(driver any) (err error) {
		ptx, err = driver.(*stdlib.Conn).Conn().Begin(ctx)
		return err
	}); err != nil {
		return err
	}
	// After a commit this does nothing. It must work when ctx is done.
	defer func() {
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_ = conn.Raw(func(any) error { _ = ptx.Rollback(last); return nil })
	}()
	db := d.writer.Session(&gorm.Session{NewDB: true, Context: ctx})
	db.Statement.ConnPool = conn
	if err := f(db, postgresFast{conn}, func(works []broadcast.Work) error { return d.handOutOn(ctx, conn, works) }); err != nil {
		return err
	}
	return conn.Raw(func(any) error { return ptx.Commit(ctx) })
}

func (d *DB) handOutOn(ctx context.Context, conn *sql.Conn, works []broadcast.Work) error {
	if d.inTx == nil {
		return nil
	}
	return d.inTx(ctx, conn, works)
}

// postgresTurn is an advisory lock until the end of the transaction. Everybody
// takes it before any row lock, so that no two wait for each other crosswise.
func postgresTurn(t *Tx, name string, alone bool) error {
	lock := "pg_advisory_xact_lock_shared"
	if alone {
		lock = "pg_advisory_xact_lock"
	}
	_, err := t.Exec("SELECT "+lock+"(hashtextextended(@name , 0))", Args{"name": t.tenant + "/" + name})
	return err
}

// postgresAgain: a deadlock was resolved at our cost, two could not be put in an
// order, or a newer replica has just migrated a table we had prepared statements
// for.
func postgresAgain(err error) bool {
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		return false
	}
	return e.Code == "40P01" || e.Code == "40001" || e.Code == "0A000" && strings.Contains(e.Message, "cached plan")
}
