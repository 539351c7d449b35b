package roll

import (
	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/store/db"
)

// dropPage is how many chunks one transaction of Drop takes: on SQLite everybody
// else's writing waits for it.
const dropPage = 20

// Drop forgets the last chunks of a list that was never sent from, and tells
// whether there may be more. A list from which a chunk was ever taken is kept: its
// people may have got the message. Price: some thousands of rows.
func (l *List) Drop() (bool, error) {
	// Whoever stores addresses locks chunks before deliveries; here it is the other way.
	if err := l.Turn(Turn, true); err != nil {
		return false, err
	}
	if l.State != broadcast.Resolving {
		return false, broadcast.Errorf(broadcast.Conflict, "The list of recipients is already in use.")
	}
	a := db.Args{"id": string(l.ID), "limit": dropPage}
	var taken int
	if _, err := l.Scan(&taken, `SELECT count(*) FROM chunks WHERE tenant_id = @tenant AND broadcast_id = @id AND fence > 0`, a); err != nil || taken > 0 {
		return false, err
	}
	var last []struct {
		Number  int
		FirstID int64
	}
	if _, err := l.Scan(&last, `SELECT number, first_id FROM chunks WHERE tenant_id = @tenant AND broadcast_id = @id ORDER BY number DESC LIMIT @limit `, a); err != nil || len(last) == 0 {
		return false, err
	}
	a["first"], a["number"] = last[len(last)-1].FirstID, last[len(last)-1].Number
	var dropped []broadcast.DeliveryState
	if _, err := l.Scan(&dropped, `DELETE FROM deliveries WHERE tenant_id = @tenant AND broadcast_id = @id AND id >= @first RETURNING state`, a); err != nil {
		return false, err
	}
	for _, state := range dropped {
		l.Count(state, "", 1)
	}
	_, err := l.Exec(`DELETE FROM chunks WHERE tenant_id = @tenant AND broadcast_id = @id AND number >= @number `, a)
	return len(last) == dropPage, err
}
