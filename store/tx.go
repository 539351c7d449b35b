package store

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"gorm.io/gorm"

	"github.com/fanfare/fanfare/broadcast"
)

// args are a statement's named parameters: @name, followed by a space, comma or
// bracket. @tenant is always there.
type args = map[string]any

// tx is a handle on the ledger: a transaction (Store.write), or, for reading, no
// transaction at all (Store.read).
type tx struct {
	db      *gorm.DB
	s       *Store
	works   []broadcast.Work
	tallies map[broadcast.ID]*tallyCounts
}

// exec runs a statement and returns how many rows it changed.
func (t *tx) exec(stmt string, a args) (int64, error) {
	res := t.db.Exec(stmt, t.with(stmt, a)...)
	return res.RowsAffected, res.Error
}

// scan runs a statement that returns rows into dst: a pointer to a slice, a
// struct or a single value, which stays untouched when there are none.
func (t *tx) scan(dst any, stmt string, a args) (int64, error) {
	res := t.db.Raw(stmt, t.with(stmt, a)...).Scan(dst)
	return res.RowsAffected, res.Error
}

func (t *tx) with(stmt string, a args) []any {
	if !strings.Contains(stmt, "@") {
		return nil
	}
	if a == nil {
		a = args{}
	}
	a["tenant"] = t.s.tenant
	return []any{a}
}

// handOut gives works to the engine, with the transaction.
func (t *tx) handOut(works ...broadcast.Work) {
	for _, w := range works {
		if !slices.Contains(t.works, w) {
			t.works = append(t.works, w)
		}
	}
}

// count notes that n deliveries of a broadcast left one state for another; ""
// stands for nowhere. The tally is written last, because every recorder of that
// broadcast queues at its row.
func (t *tx) count(id broadcast.ID, from, to broadcast.DeliveryState, n int) {
	row := t.tally(id)
	row.add(from, -n)
	row.add(to, n)
}

func (t *tx) tally(id broadcast.ID) *tallyCounts {
	if t.tallies == nil {
		t.tallies = map[broadcast.ID]*tallyCounts{}
	}
	if t.tallies[id] == nil {
		t.tallies[id] = &tallyCounts{}
	}
	return t.tallies[id]
}

// settle writes the tallies. In the order of their IDs, so that two transactions
// never wait for each other crosswise.
func (t *tx) settle() error {
	for _, id := range slices.Sorted(maps.Keys(t.tallies)) {
		d := *t.tallies[id]
		if d == (tallyCounts{}) {
			continue
		}
		n, err := t.exec(`UPDATE tallies SET pending = pending + @pending , ready = ready + @ready , sent = sent + @sent ,
			failed = failed + @failed , skipped = skipped + @skipped , cancelled = cancelled + @cancelled ,
			expired = expired + @expired , maybe_repeated = maybe_repeated + @repeated
			WHERE tenant_id = @tenant AND broadcast_id = @id `,
			args{
				"pending": d.Pending, "ready": d.Ready, "sent": d.Sent, "failed": d.Failed, "skipped": d.Skipped,
				"cancelled": d.Cancelled, "expired": d.Expired, "repeated": d.MaybeRepeated, "id": string(id),
			})
		if err != nil {
			return fmt.Errorf("tally of %s: %w", id, err)
		}
		if n != 1 {
			return fmt.Errorf("tally of %s: it has none", id)
		}
	}
	return nil
}

// tries bounds how often a transaction that the database gave up for the sake of
// another one is run.
const tries = 5

// write runs f in one transaction: everything f does is stored, or nothing. f may
// run more than once and must set, not add to, what it leaves outside.
func (s *Store) write(ctx context.Context, f func(t *tx) error) error {
	for try := 1; ; try++ {
		works, err := s.once(ctx, f)
		if err == nil {
			if s.afterCommit != nil && len(works) > 0 {
				s.afterCommit(ctx, works)
			}
			return nil
		}
		if try == tries || !s.again(err) || ctx.Err() != nil {
			return err
		}
	}
}

func (s *Store) once(ctx context.Context, f func(t *tx) error) ([]broadcast.Work, error) {
	t := &tx{s: s}
	err := s.transact(ctx, s, func(db *gorm.DB, handOut func([]broadcast.Work) error) error {
		t.db = db
		if err := f(t); err != nil {
			return err
		}
		if err := t.settle(); err != nil {
			return err
		}
		if len(t.works) == 0 {
			return nil
		}
		return handOut(t.works)
	})
	return t.works, err
}

// list is rows as the one JSON parameter of a statement that takes them through
// dialect.rows.
func list[T any](rows []T) (string, error) {
	raw, err := json.Marshal(rows)
	return string(raw), err
}

// oneColumn is a row of a list of IDs.
type oneColumn struct {
	EntraID string `json:"entra_id"`
}

func people(ids []broadcast.EntraID) (string, error) {
	rows := make([]oneColumn, len(ids))
	for i, id := range ids {
		rows[i].EntraID = string(id)
	}
	return list(rows)
}
