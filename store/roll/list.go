package roll

import (
	"errors"
	"slices"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/store/census"
	"github.com/fanfare/fanfare/store/db"
)

const (
	// chunkSize is how many people share a chunk: some seconds of sending.
	chunkSize = 200
	// pageSize is how many people one statement lists, and on SQLite, where everybody
	// else's writing waits for it (some 40 ms), smallPage.
	pageSize  = 10_000
	smallPage = 2_000
)

// Turn is the name under which a list looks at addresses alone, and whoever
// changes them shares a turn. Without it a person could be put down as pending in
// the very moment their address is stored, and wait for ever. Price: an event waits
// for the end of a page (some 10 ms), and only if somebody on it is pending.
const Turn = "roll"

// page is how many people one statement lists.
func page(t *db.Tx) int {
	if t.Postgres() {
		return pageSize
	}
	return smallPage
}

// errFrozen stops a resolver whose broadcast has moved on: nobody is added to a
// list that is frozen.
var errFrozen = errors.New("store: the list of recipients is frozen; it takes nobody in any more")

// Facts are what a broadcast's row says about its list.
type Facts struct {
	State                broadcast.State
	Kind                 broadcast.BroadcastKind
	Audience             string
	Late                 broadcast.Late
	RetryReason          broadcast.Reason
	StartedAt, ListedAt  int64
	ExpiresAt, LateUntil int64
	RetryAt, RecalledAt  int64
}

// Read reads the facts of a broadcast; lock is what follows the SELECT.
func Read(t *db.Tx, id broadcast.ID, lock string) (Facts, error) {
	var f Facts
	_, err := t.Scan(&f, `SELECT state, kind, audience, late, retry_reason, started_at, listed_at, expires_at, late_until, retry_at, recalled_at
		FROM broadcasts WHERE tenant_id = @tenant AND id = @id `+lock, db.Args{"id": string(id)})
	return f, err
}

// meant is what the audience means, by the sets its owner has: the broadcast, or
// whoever gathered them anew for it.
func (f Facts) meant(t *db.Tx, owner string) (census.Meaning, error) {
	a, err := census.ReadAudience(f.Audience)
	if err != nil {
		return census.Meaning{}, err
	}
	return census.Meant(t, owner, a)
}

// List is the list of one broadcast in the hands of its one writer, until the end
// of the transaction.
type List struct {
	*db.Tx
	ID broadcast.ID
	Facts
	// Count notes that n deliveries have left one state for another; "" is nowhere.
	Count func(from, to broadcast.DeliveryState, n int)
	// Waits is whether somebody of the last source may need the bot and not be wanted.
	Waits bool
}

// Open waits for the list's turn and reads its broadcast, which stays as it is
// until the end: lock says against whom.
func Open(t *db.Tx, id broadcast.ID, lock string) (*List, error) {
	if err := t.Turn("list/"+string(id), true); err != nil {
		return nil, err
	}
	facts, err := Read(t, id, lock)
	return &List{Tx: t, ID: id, Facts: facts}, err
}

// unlisted tells whether the list may still be written, in one of the states.
func (l *List) unlisted(states ...broadcast.State) error {
	if l.ListedAt > 0 || !slices.Contains(states, l.State) {
		return errFrozen
	}
	return nil
}

// growing are the states in which a list may be written while its chunks are sent.
func growing() []broadcast.State {
	return []broadcast.State{broadcast.Resolving, broadcast.Sending, broadcast.Paused, broadcast.Held}
}

// end is where the list ends now.
type end struct {
	Number int
	LastID int64
}

// source is where people for a list come from.
type source struct {
	// rows are their entra_id, place (which orders them), state, reason, detail and
	// activity_id, at most limit.
	rows   string
	args   db.Args
	wave   int
	limit  int
	ranges bool // rows joins two long ranges (byRanges)
	fresh  bool // nobody of rows can be on the list
}

// add lists the people of a source as the next chunks, those not yet on the list
// only, and returns how many. Price: the insert, and four statements over what it
// inserted.
func (l *List) add(s source) (int, error) {
	var last end
	a := s.args
	a["id"], a["now"] = string(l.ID), l.NowMillis()
	if _, err := l.Scan(&last, `SELECT number, last_id FROM chunks WHERE tenant_id = @tenant AND broadcast_id = @id ORDER BY number DESC LIMIT 1`, a); err != nil {
		return 0, err
	}
	a["chunk"], a["size"], a["last"], a["limit"] = last.Number+1, chunkSize, last.LastID, s.limit
	l.Waits = true
	n, err := l.insert(s)
	if err != nil || n == 0 {
		return 0, err
	}
	counts, err := l.counts(a)
	if err != nil {
		return 0, err
	}
	if l.Waits = slices.ContainsFunc(counts, func(c count) bool { return c.State == broadcast.DeliveryPending }); l.Waits {
		if err := l.recheck(a); err != nil {
			return 0, err
		}
		if !s.ranges { // else WantEveryone follows
			if err := l.want(a); err != nil {
				return 0, err
			}
		}
		if counts, err = l.counts(a); err != nil {
			return 0, err
		}
	}
	return int(n), l.addChunks(counts, s.wave, a)
}

func (l *List) insert(s source) (int64, error) {
	conflict := ` ON CONFLICT DO NOTHING`
	if s.fresh {
		conflict = "" // a third less on PostgreSQL, which else looks up each row first
	}
	if s.ranges {
		if err := l.byRanges(); err != nil {
			return 0, err
		}
	}
	return l.Exec(`INSERT INTO deliveries (tenant_id, broadcast_id, entra_id, chunk, state, reason, code, detail, attempts, not_before, activity_id, maybe_sent, updated_at)
		SELECT @tenant , @id , s.entra_id, CAST(@chunk AS bigint) + (ROW_NUMBER() OVER (ORDER BY s.place) - 1) / CAST(@size AS bigint), s.state, s.reason, '', s.detail, 0, 0, s.activity_id, FALSE, CAST(@now AS bigint)
		FROM (`+s.rows+`) AS s WHERE TRUE ORDER BY s.place`+conflict, s.args)
}

// byRanges has joins read each side once, until the end of the transaction. A page
// joins two ranges of 10,000; a planner whose statistics are behind takes each for
// one row and reads one range anew for every row of the other. (SQLite's statistics
// are fixed: migrations/sqlite/0004_statistics.sql.)
func (l *List) byRanges() error {
	if !l.Postgres() {
		return nil
	}
	_, err := l.Exec(`SELECT set_config('enable_nestloop', 'off', TRUE), set_config('enable_seqscan', 'off', TRUE), set_config('jit', 'off', TRUE)`, nil)
	return err
}
