package recipients

import (
	"strings"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/store/db"
)

// No index of deliveries knows of states. So storing that somebody was sent to
// changes nothing that any index holds, and PostgreSQL writes the row anew where it
// was (HOT): half the price. Who is in a state is found by what goes with it: whoever
// waits to be sent to by the chunks that are due, whoever was by those that were
// taken, and all others have a reason.

// InState selects the IDs of a broadcast's (@id ) deliveries in a state that meet a
// condition (of d), beyond @after , in their order and at most @limit : more may
// follow only if there are as many. Price: an index range of @limit rows for each
// reason, or in chunks that many rows of which few are in the state.
func InState(state broadcast.DeliveryState, condition string, a db.Args) string {
	a["state"] = string(state)
	ids := `SELECT d.id FROM deliveries d WHERE d.tenant_id = @tenant AND d.broadcast_id = @id AND d.id > @after AND d.state = @state ` + condition
	switch state {
	case broadcast.DeliveryReady:
		return ReadyIn("")
	case broadcast.DeliverySent:
		return ids + `AND d.id <= (SELECT MAX(c.last_id) FROM chunks c WHERE c.tenant_id = @tenant AND c.broadcast_id = @id AND c.fence > 0)` + firstOnes
	case broadcast.DeliveryPending:
		return ids + because(broadcast.ReasonNotInstalled)
	case broadcast.DeliveryCancelled:
		return ids + because(broadcast.ReasonCancelled)
	case broadcast.DeliveryExpired:
		return ids + because(broadcast.ReasonExpired)
	}
	each := db.Each(broadcast.Reasons(), func(r broadcast.Reason) string { return `SELECT * FROM (` + ids + because(r) + `) AS one` })
	return `SELECT u.id FROM (` + strings.Join(each, ` UNION ALL `) + `) AS u ORDER BY u.id LIMIT @limit `
}

const firstOnes = ` ORDER BY d.id LIMIT @limit `

func because(r broadcast.Reason) string {
	return `AND d.reason <> '' AND d.reason = '` + string(r) + `'` + firstOnes
}

// ReadyIn are the ready ones in chunks that are due now or later and meet a
// condition (of c). Each such chunk has one at least.
func ReadyIn(condition string) string {
	return `SELECT d.id FROM (SELECT c.first_id, c.last_id FROM chunks c WHERE c.tenant_id = @tenant AND c.broadcast_id = @id AND c.next_at IS NOT NULL
			AND c.last_id > @after ` + condition + `ORDER BY c.number LIMIT @limit ) AS c
		CROSS JOIN deliveries d WHERE d.tenant_id = @tenant AND d.broadcast_id = @id AND d.id > @after AND d.state = 'ready' AND d.id BETWEEN c.first_id AND c.last_id` + firstOnes
}
