package roll

import (
	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/store/census"
	"github.com/fanfare/fanfare/store/db"
)

// Newcomers is a page of the people who can be reached, in the order in which that
// became so: those after After (and, of the same millisecond, AfterID) to End.
type Newcomers struct {
	After   int64
	AfterID string
	End     int64
	EndID   string
	Full    bool // there may be more
}

// NewcomersPage is the page as a table of entra_id and updated_at, with Args. The
// index installations_reached is in its order.
const NewcomersPage = `(SELECT i.entra_id, i.updated_at FROM installations i WHERE i.tenant_id = @tenant AND i.state = 'installed' AND i.conversation_id <> ''
	AND i.updated_at >= @after AND (i.updated_at, i.entra_id) > (@after , @after_id ) AND (i.updated_at, i.entra_id) <= (@end , @end_id ))`

// Args are the page's.
func (n *Newcomers) Args() db.Args {
	return db.Args{"after": n.After, "after_id": n.AfterID, "end": n.End, "end_id": n.EndID}
}

// Page finds the end of the page, limit people at most; false if it is empty.
func (n *Newcomers) Page(t *db.Tx, limit int) (bool, error) {
	var rows []struct {
		EntraID   string
		UpdatedAt int64
	}
	a := n.Args()
	a["limit"] = limit
	if _, err := t.Scan(&rows, `SELECT i.entra_id, i.updated_at FROM installations i WHERE i.tenant_id = @tenant AND i.state = 'installed' AND i.conversation_id <> ''
		AND i.updated_at >= @after AND (i.updated_at, i.entra_id) > (@after , @after_id ) ORDER BY i.updated_at, i.entra_id LIMIT @limit `, a); err != nil || len(rows) == 0 {
		return false, err
	}
	last := rows[len(rows)-1]
	n.End, n.EndID, n.Full = last.UpdatedAt, last.EntraID, len(rows) == limit
	return true, nil
}

// Next goes on to the page after this one.
func (n *Newcomers) Next() { n.After, n.AfterID = n.End, n.EndID }

// notListed tells whether a person r is on no list yet, as a look-up.
const notListed = `(SELECT 1 FROM deliveries d WHERE d.tenant_id = @tenant AND d.broadcast_id = @id AND d.entra_id = r.entra_id) IS NULL`

// AddLateEveryone lists those who came into the directory after everyone was
// frozen and can be reached now, limit at most, and returns how many. Price: two
// look-ups for each who came since, whether listed or not.
func (l *List) AddLateEveryone(limit int) (int, error) {
	if !l.Everyone() {
		return 0, nil
	}
	return l.add(source{
		rows: `SELECT r.entra_id, r.entra_id AS place, ` + reachable + ` FROM people r
			WHERE r.tenant_id = @tenant AND r.deleted = FALSE AND r.since > @started AND r.excluded = '' AND ` + startNow("r.entra_id", l.Late) + ` = 'ready' AND ` + notListed + ` LIMIT @limit `,
		args: db.Args{"started": l.StartedAt}, wave: 1, limit: limit,
	})
}

// AddLatePeople lists those of some people who can be reached and are not on the
// list, and returns how many. Price: two look-ups each.
func (l *List) AddLatePeople(people []broadcast.Recipient) (int, error) {
	rows, err := census.Recipients(people)
	if err != nil {
		return 0, err
	}
	return l.add(source{
		rows: `SELECT r.entra_id, r.entra_id AS place, ` + reachable + ` FROM ` + l.Rows("rows", "entra_id text, excluded text") + ` AS r
			WHERE r.excluded = '' AND ` + startNow("r.entra_id", l.Late) + ` = 'ready' AND ` + notListed,
		args: db.Args{"rows": rows}, wave: 1, limit: len(people),
	})
}
