package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/ncruces/go-sqlite3/driver"
	_ "github.com/ncruces/go-sqlite3/embed" // the engine itself, compiled to WebAssembly
	"github.com/ncruces/go-sqlite3/gormlite"
	"gorm.io/gorm"

	"github.com/fanfare/fanfare/broadcast"
)

var sqliteWords = Words{
	Least: "MIN", Greatest: "MAX",
	Clock: "CAST(unixepoch('subsec') * 1000000 AS INTEGER)",
	Rows:  sqliteRows, Unpack: sqliteUnpack, each: sqliteEach, Pack: sqlitePack, transact: sqliteTransact,
	turn:  func(*Tx, string, bool) error { return nil }, // there is one writer
	again: func(error) bool { return false },
}

// sqliteReaders is how many connections read beside the one that writes. Each is
// an instance of the engine with a cache of its own.
const sqliteReaders = 4

// The connections' settings. A commit is on the disk before it returns
// (synchronous=FULL): a restart must know what was sent.
const (
	sqliteBoth   = "_txlock=immediate&_pragma=busy_timeout(10000)&_pragma=journal_mode(wal)&_pragma=synchronous(full)&_pragma=temp_store(memory)"
	sqliteWriter = sqliteBoth + "&_pragma=cache_size(-8000)"
	sqliteReader = sqliteBoth + "&_pragma=cache_size(-2000)&_pragma=query_only(true)"
)

// bounded is a file with an upper bound for its size, in pages of 4 KiB.
var bounded = regexp.MustCompile(`^(.*)\?max_page_count=([1-9][0-9]{0,8})$`)

// openSQLite opens a file, or a database in memory (":memory:"), which lives on a
// single connection and is gone with it.
func (d *DB) openSQLite(ctx context.Context, file string) error {
	bound := ""
	if m := bounded.FindStringSubmatch(file); m != nil {
		file, bound = m[1], "&_pragma=max_page_count("+m[2]+")"
	}
	if file == "" {
		return errors.New("store: no file named; a SQLite database is given as sqlite:FILE")
	}
	memory := file == ":memory:"
	if !memory {
		held, first, err := holdFile(file)
		if err != nil {
			return err
		}
		d.file, d.alone = held, first
		d.closers = append(d.closers, held.release)
	}
	// As an opaque URI, so that no character of the name is taken for a setting.
	path := "file:" + (&url.URL{Path: file}).EscapedPath()
	if strings.HasPrefix(file, "//") {
		path = "file://" + path[len("file:"):]
	}
	writes, w, err := d.sqlitePool(path+"?"+sqliteWriter+bound, 1, false)
	if err != nil {
		return err
	}
	r := w
	if !memory {
		// The writer comes first: it makes the file and switches it to WAL.
		if err := writes.PingContext(ctx); err != nil {
			return fmt.Errorf("store: the SQLite file %s cannot be opened: %w", file, err)
		}
		if _, r, err = d.sqlitePool(path+"?"+sqliteReader, sqliteReaders, true); err != nil {
			return err
		}
	}
	d.Words, d.writes, d.writer, d.reader = sqliteWords, writes, w, r
	d.prepared = &sqlitePrepared{}
	d.closers = append(d.closers, d.prepared.close)
	return nil
}

// sqlitePool opens a pool. Prepared statements help only outside transactions:
// database/sql prepares anew inside each.
func (d *DB) sqlitePool(dsn string, conns int, prepare bool) (*sql.DB, *gorm.DB, error) {
	db, err := driver.Open(dsn)
	if err != nil {
		return nil, nil, fmt.Errorf("store: SQLite: %w", err)
	}
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	d.closers = append(d.closers, db.Close)
	g, err := orm(gormlite.OpenDB(db), prepare)
	if err != nil {
		return nil, nil, fmt.Errorf("store: SQLite: %w", err)
	}
	return db, g, nil
}

// sqliteTransact begins on a connection of database/sql, so that fast statements
// can go to the driver's own under it.
//
// The transaction is begun for a context that never ends, its statements run for one
// that may: database/sql would roll back behind our back and then close the connection,
// which cannot be while it has prepared statements, and so leak it with its open file.
func sqliteTransact(ctx context.Context, d *DB, f inTransaction) error {
	conn, err := d.writes.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // gives it back
	tx, err := conn.BeginTx(context.WithoutCancel(ctx), nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after a commit this does nothing
	db := d.writer.Session(&gorm.Session{NewDB: true, Context: ctx})
	db.Statement.ConnPool = tx
	if err := f(db, sqliteFast{d.prepared, conn}, func([]broadcast.Work) error { return nil }); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return tx.Commit()
}

func sqliteRows(param, columns string) string {
	var b strings.Builder
	for i, column := range strings.Split(columns, ",") {
		name, _, _ := strings.Cut(strings.TrimSpace(column), " ")
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "value->>'$.%s' AS %s", name, name)
	}
	// The limit keeps the list a list: without it SQLite flattens the subquery, walks
	// the tenant's whole table outside and parses the list again for each of its rows.
	return fmt.Sprintf("(SELECT %s FROM json_each(@%s ) LIMIT -1)", b.String(), param)
}
