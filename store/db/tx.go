package db

import (
	"context"
	"slices"
	"strings"

	"gorm.io/gorm"

	"github.com/fanfare/fanfare/broadcast"
)

// Args are a statement's named parameters: @name, followed by a space, comma or
// bracket. @tenant is always there. Strings are cleaned (Clean) on their way: what
// comes from an address bar must find nothing, not fail.
type Args = map[string]any

// Tx is a handle on the database: a transaction (Write), or none (Read, Alone).
type Tx struct {
	*DB
	ORM   *gorm.DB
	fast  fast
	works []broadcast.Work
}

// Read is a handle for reading outside any transaction.
func (d *DB) Read(ctx context.Context) *Tx {
	return &Tx{DB: d, ORM: d.reader.WithContext(ctx)}
}

// Alone is a handle for writing one statement at a time, each a transaction of its
// own: a third of the round trips of Write.
func (d *DB) Alone(ctx context.Context) *Tx {
	return &Tx{DB: d, ORM: d.writer.WithContext(ctx)}
}

// Exec runs a statement and returns how many rows it changed.
func (t *Tx) Exec(stmt string, a Args) (int64, error) {
	res := t.ORM.Exec(stmt, t.with(stmt, a)...)
	return res.RowsAffected, t.mark(res.Error)
}

// Scan runs a statement that returns rows into dst: a pointer to a slice, a
// struct or a single value, which stays untouched when there are none.
func (t *Tx) Scan(dst any, stmt string, a Args) (int64, error) {
	res := t.ORM.Raw(stmt, t.with(stmt, a)...).Scan(dst)
	return res.RowsAffected, t.mark(res.Error)
}

func (t *Tx) with(stmt string, a Args) []any {
	if !strings.Contains(stmt, "@") {
		return nil
	}
	if a == nil {
		a = Args{}
	}
	a["tenant"] = t.tenant
	for name, value := range a {
		if text, ok := value.(string); ok {
			a[name] = Clean(text, 0)
		}
	}
	return []any{a}
}

// Turn makes this transaction wait its turn, and keeps it until its end: with
// nobody else holding the name (alone), or with others who share it. It comes
// before any row lock.
func (t *Tx) Turn(name string, alone bool) error { return t.turn(t, name, alone) }

// NowMillis is Now as statements store it.
func (t *Tx) NowMillis() int64 { return t.now().UnixMilli() }

// HandOut gives works to the engine, with the transaction.
func (t *Tx) HandOut(works ...broadcast.Work) {
	for _, w := range works {
		if !slices.Contains(t.works, w) {
			t.works = append(t.works, w)
		}
	}
}

// tries bounds how often a transaction that the database gave up for the sake of
// another one is run.
const tries = 5

// Write runs f in one transaction: everything f does is stored, or nothing. f may
// run more than once and must set, not add to, what it leaves outside.
func (d *DB) Write(ctx context.Context, f func(t *Tx) error) error {
	for try := 1; ; try++ {
		works, err := d.once(ctx, f)
		if err == nil {
			if d.afterCommit != nil && len(works) > 0 {
				d.afterCommit(ctx, works)
			}
			return nil
		}
		if try == tries || !d.again(err) || ctx.Err() != nil {
			return err
		}
	}
}

func (d *DB) once(ctx context.Context, f func(t *Tx) error) ([]broadcast.Work, error) {
	t := &Tx{DB: d}
	err := d.transact(ctx, d, func(orm *gorm.DB, fast fast, handOut func([]broadcast.Work) error) error {
		t.ORM, t.fast = orm, fast
		if err := f(t); err != nil || len(t.works) == 0 {
			return err
		}
		return handOut(t.works)
	})
	return t.works, d.mark(err)
}
