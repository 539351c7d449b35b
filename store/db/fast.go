package db

import (
	"context"
	"errors"
)

// Row is one row of an answer, column by column from 0. NULL reads as zero. It
// must not be kept.
type Row interface {
	Int(column int) int64
	Text(column int) string
	Bool(column int) bool
}

// fast runs statements past GORM, on the connection of a transaction.
type fast interface {
	run(ctx context.Context, stmt string, args []any, each func(Row)) (int64, error)
	many(ctx context.Context, stmt string, args, columns []any) (int64, error)
}

var errNotFast = errors.New("store: a fast statement outside a transaction")

// Do runs a statement past GORM and returns how many rows it changed. Its
// parameters are $1, $2 …: int64, string, bool, []byte, nil, or what Pack made. Texts go in as they are: clean foreign ones (Clean).
//
// It is for what runs for every chunk: no reflection, no names to put in, a
// statement prepared once per connection. Only inside Write.
func (t *Tx) Do(stmt string, args ...any) (int64, error) {
	return t.Look(nil, stmt, args...)
}

// Look is Do for a statement that returns rows: each sees them one by one, and
// must not run statements. It returns how many there were.
func (t *Tx) Look(each func(Row), stmt string, args ...any) (int64, error) {
	if t.fast == nil {
		return 0, errNotFast
	}
	n, err := t.fast.run(t.ORM.Statement.Context, stmt, args, each)
	return n, t.mark(err)
}

// Many runs an UPDATE … FROM @rows for a list of rows, all at once or one by one,
// whichever is cheaper. Its columns ("id bigint, state text") come after the other
// parameters; the statement calls them r.id and so on.
func (t *Tx) Many(stmt, columns string, args []any, cells ...any) (int64, error) {
	if t.fast == nil {
		return 0, errNotFast
	}
	built, ok := t.built.Load(stmt)
	if !ok {
		built, _ = t.built.LoadOrStore(stmt, t.each(stmt, len(args)+1, columns))
	}
	n, err := t.fast.many(t.ORM.Statement.Context, built.(string), args, cells)
	return n, t.mark(err)
}
