package roll

import (
	"github.com/fanfare/fanfare/broadcast/audience"
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

// AddLate lists those of the audience who are not on the list and can be reached now,
// limit at most, and returns how many: of everyone, those who came into the directory
// since the list was frozen; of sets, those of the sets gathered anew in the name of
// again, if it is given. Price: two look-ups each.
func (l *List) AddLate(again string, limit int) (int, error) {
	owner := again
	if owner == "" {
		owner = string(l.ID)
	}
	a, err := census.ReadAudience(l.Audience)
	a = a.People() // no channel comes late
	if err != nil || again == "" && !a.Has(audience.Everyone) {
		return 0, err
	}
	m, err := census.Meant(l.Tx, owner, a)
	if err != nil {
		return 0, err
	}
	return l.add(source{
		rows: `SELECT r.entra_id, r.entra_id AS place, ` + reachable + ` FROM ` + m.People(`r.deleted = FALSE AND r.since > @started `, false) + ` AS r
			WHERE r.excluded = '' AND ` + startNow("r.entra_id", l.Late) + ` = 'ready' AND ` + notListed + ` LIMIT @limit `,
		args: m.Args(db.Args{"started": l.StartedAt}), wave: 1, limit: limit,
	})
}
