package db

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/driver"
)

var rowCell = regexp.MustCompile(`\br\.\w+`)

var numbered = regexp.MustCompile(`\$([0-9]+)`)

// sqlitePrepared keeps the statements of the connection that writes.
type sqlitePrepared struct {
	mu    sync.Mutex
	conn  *sqlite3.Conn
	stmts map[string]*sqlite3.Stmt
}

// get prepares a statement once. They are few: all are constants of our own.
func (p *sqlitePrepared) get(conn *sqlite3.Conn, stmt string) (*sqlite3.Stmt, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.conn != conn {
		p.conn, p.stmts = conn, map[string]*sqlite3.Stmt{}
	}
	if s := p.stmts[stmt]; s != nil {
		return s, nil
	}
	// Its own $1 is the first parameter of any name; ?1 is the first.
	s, _, err := conn.PrepareFlags(numbered.ReplaceAllString(stmt, "?$1"), sqlite3.PREPARE_PERSISTENT)
	if err == nil {
		p.stmts[stmt] = s
	}
	return s, err
}

// close lets go of the statements: a connection that has some cannot be closed.
func (p *sqlitePrepared) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.stmts {
		_ = s.Close() // tells again what its last run told
	}
	p.stmts = nil
	return nil
}

// sqliteFast runs statements on the driver's connection under a transaction's.
type sqliteFast struct {
	prepared *sqlitePrepared
	conn     *sql.Conn
}

// on has a statement ready on the connection, with its first parameters.
func (f sqliteFast) on(ctx context.Context, stmt string, args []any, do func(*sqlite3.Conn, *sqlite3.Stmt) error) error {
	return f.conn.Raw(func(dc any) error {
		conn := dc.(driver.Conn).Raw()
		if old := conn.SetInterrupt(ctx); old != ctx {
			defer conn.SetInterrupt(old)
		}
		s, err := f.prepared.get(conn, stmt)
		if err != nil {
			return err
		}
		if err := bind(s, args); err != nil {
			return err
		}
		return do(conn, s)
	})
}

func (f sqliteFast) run(ctx context.Context, stmt string, args []any, each func(Row)) (n int64, err error) {
	err = f.on(ctx, stmt, args, func(conn *sqlite3.Conn, s *sqlite3.Stmt) error {
		if each == nil {
			err := s.Exec()
			n = conn.Changes()
			return err
		}
		row := make(sqliteRow, s.ColumnCount())
		for s.Step() {
			if err := s.ColumnsRaw(row...); err != nil {
				return errors.Join(err, s.Reset())
			}
			n++
			each(row)
		}
		return s.Reset()
	})
	return n, err
}

// many runs a statement for each row: that is cheaper than one statement that takes
// the rows out of a list. What is as in the row before stays bound.
func (f sqliteFast) many(ctx context.Context, stmt string, args, columns []any) (n int64, err error) {
	err = f.on(ctx, stmt, args, func(conn *sqlite3.Conn, s *sqlite3.Stmt) error {
		for row := range rowsOf(columns) {
			for i, column := range columns {
				if err := bindCell(s, len(args)+i+1, column, row); err != nil {
					return err
				}
			}
			if err := s.Exec(); err != nil {
				return err
			}
			n += conn.Changes()
		}
		return nil
	})
	return n, err
}

func bindCell(s *sqlite3.Stmt, param int, column any, row int) error {
	switch c := column.(type) {
	case []int64:
		if row == 0 || c[row] != c[row-1] {
			return s.BindInt64(param, c[row])
		}
	case []string:
		if row == 0 || c[row] != c[row-1] {
			return s.BindText(param, c[row])
		}
	case []bool:
		if row == 0 || c[row] != c[row-1] {
			return s.BindBool(param, c[row])
		}
	}
	return nil
}

func rowsOf(columns []any) int {
	switch c := columns[0].(type) {
	case []int64:
		return len(c)
	case []string:
		return len(c)
	}
	return 0
}

func bind(s *sqlite3.Stmt, args []any) (err error) {
	for i, arg := range args {
		switch v := arg.(type) {
		case int64:
			err = s.BindInt64(i+1, v)
		case string:
			err = s.BindText(i+1, v)
		case sqliteList:
			err = s.BindRawText(i+1, v)
		case []byte:
			err = s.BindBlob(i+1, v)
		case bool:
			err = s.BindBool(i+1, v)
		case nil:
			err = s.BindNull(i + 1)
		default:
			err = fmt.Errorf("store: a fast statement takes no %T", arg)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// sqliteRow is a row's values, fetched with one call: each into the engine costs
// more than what it fetches.
type sqliteRow []any

func (r sqliteRow) Int(column int) int64 {
	n, _ := r[column].(int64)
	return n
}

func (r sqliteRow) Text(column int) string {
	b, _ := r[column].([]byte)
	return string(b)
}

func (r sqliteRow) Bool(column int) bool { return r.Int(column) != 0 }

// sqliteUnpack takes all columns as one JSON list of rows. The limit keeps the
// list a list (sqliteRows).
func sqliteUnpack(n int, columns string) string {
	var b strings.Builder
	b.WriteString("(SELECT ")
	for i, column := range strings.Split(columns, ", ") {
		name, _, _ := strings.Cut(column, " ")
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "value->>%d AS %s", i, name)
	}
	fmt.Fprintf(&b, " FROM json_each($%d) LIMIT -1) AS r", n)
	return b.String()
}

// sqliteEach has each row's cells as parameters.
func sqliteEach(stmt string, n int, columns string) string {
	params := map[string]string{}
	for i, column := range strings.Split(columns, ", ") {
		name, _, _ := strings.Cut(column, " ")
		params["r."+name] = "$" + strconv.Itoa(n+i)
	}
	stmt = strings.Replace(stmt, "FROM @rows", "", 1)
	return rowCell.ReplaceAllStringFunc(stmt, func(cell string) string { return params[cell] })
}

// sqliteList is JSON, a text.
type sqliteList []byte

// sqlitePack writes the rows' JSON by hand: reflection would cost more than the rest.
func sqlitePack(columns ...any) []any {
	rows := rowsOf(columns)
	b := make([]byte, 1, 16+rows*len(columns)*24)
	b[0] = '['
	for row := range rows {
		if row > 0 {
			b = append(b, ',')
		}
		b = append(b, '[')
		for i, column := range columns {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendValue(b, column, row)
		}
		b = append(b, ']')
	}
	return []any{sqliteList(append(b, ']'))}
}

func appendValue(b []byte, column any, row int) []byte {
	switch c := column.(type) {
	case []int64:
		return strconv.AppendInt(b, c[row], 10)
	case []bool:
		return strconv.AppendBool(b, c[row])
	case []string:
		return appendString(b, c[row])
	}
	return append(b, "null"...)
}

func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c >= 0x7f || c == '"' || c == '\\' {
			raw, _ := json.Marshal(s) // a string never fails
			return append(b, raw...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}
