package roll

import (
	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/store/census"
	"github.com/fanfare/fanfare/store/db"
)

// added are the deliveries just inserted. The LIMIT makes both databases walk the
// IDs after the last chunk's; left to itself, SQLite would walk the whole broadcast
// in the order of states.
const added = `(SELECT id, entra_id, chunk, state FROM deliveries WHERE tenant_id = @tenant AND broadcast_id = @id AND id > @last ORDER BY id LIMIT @limit )`

// recheck looks at those just put down as pending once more, alone: whoever stored
// an address meanwhile has committed it, and whoever is about to will find them on
// the list. Who has no installation yet is wanted: not_before 0, before a rollout's
// mass. Price: nothing but a count when nobody is pending, else a look-up each.
func (l *List) recheck(a db.Args) error {
	var pending int
	if _, err := l.Scan(&pending, `SELECT count(*) FROM deliveries WHERE tenant_id = @tenant AND broadcast_id = @id AND state = 'pending' AND id > @last `, a); err != nil || pending == 0 {
		return err
	}
	if err := l.Turn(Turn, true); err != nil {
		return err
	}
	const waiting = `SELECT id, tenant_id, entra_id, '' AS excluded FROM deliveries WHERE tenant_id = @tenant AND broadcast_id = @id AND state = 'pending' AND id > @last `
	if _, err := l.Exec(`UPDATE deliveries AS d SET state = s.state, reason = s.reason, detail = s.detail
		FROM (SELECT r.id, `+start(broadcast.LateUntilFinished)+` FROM (`+waiting+`) AS r JOIN installations i ON i.tenant_id = r.tenant_id AND i.entra_id = r.entra_id) AS s
		WHERE d.tenant_id = @tenant AND d.broadcast_id = @id AND d.id = s.id AND s.state <> 'pending'`, a); err != nil {
		return err
	}
	return l.want(`SELECT r.entra_id FROM (`+waiting+`) AS r`, a)
}

// want makes people wanted who have no installation.
func (l *List) want(people string, a db.Args) error {
	_, err := l.Exec(`INSERT INTO installations (tenant_id, entra_id, state, reason, detail, attempts, not_before, fence, leased_until, service_url, conversation_id, channel_account_id, updated_at)
		SELECT @tenant , w.entra_id, 'wanted', '', '', 0, 0, 0, 0, '', '', '', CAST(@now AS bigint) FROM (`+people+`) AS w
		WHERE NOT EXISTS (SELECT 1 FROM installations x WHERE x.tenant_id = @tenant AND x.entra_id = w.entra_id)
		ORDER BY w.entra_id ON CONFLICT DO NOTHING`, a)
	return err
}

// start is the one rule of how a delivery starts, as a source's columns.
func start(late broadcast.Late) string {
	return census.StartState(late) + ` AS state, ` + census.StartReason(late) + ` AS reason,
		CASE WHEN r.excluded = '' AND i.state = 'refused' THEN i.detail ELSE '' END AS detail`
}

// chunkJSON is a chunk as it is inserted.
type chunkJSON struct {
	Number int    `json:"number"`
	First  int64  `json:"first_id"`
	Last   int64  `json:"last_id"`
	NextAt *int64 `json:"next_at"`
}

// addChunks writes the chunks of the deliveries just inserted and counts them.
func (l *List) addChunks(wave int, a db.Args) error {
	var counts []struct {
		Chunk       int
		State       broadcast.DeliveryState
		N           int
		First, Last int64
	}
	if _, err := l.Scan(&counts, `SELECT chunk, state, count(*) AS n, MIN(id) AS first, MAX(id) AS last FROM `+added+` AS added GROUP BY chunk, state ORDER BY chunk, state`, a); err != nil {
		return err
	}
	var chunks []chunkJSON
	for _, c := range counts {
		l.Count("", c.State, c.N)
		if len(chunks) == 0 || chunks[len(chunks)-1].Number != c.Chunk {
			chunks = append(chunks, chunkJSON{Number: c.Chunk, First: c.First})
		}
		chunk := &chunks[len(chunks)-1]
		chunk.First, chunk.Last = min(chunk.First, c.First), max(chunk.Last, c.Last)
		if c.State == broadcast.DeliveryReady {
			chunk.NextAt = new(int64)
		}
	}
	raw, err := db.List(chunks)
	if err != nil {
		return err
	}
	a["rows"], a["wave"] = raw, wave
	_, err = l.Exec(`INSERT INTO chunks (tenant_id, broadcast_id, number, first_id, last_id, fence, leased_until, next_at, wave, open_to)
		SELECT @tenant , @id , r.number, r.first_id, r.last_id, 0, 0, r.next_at, CAST(@wave AS bigint), 0 FROM `+l.Rows("rows", "number bigint, first_id bigint, last_id bigint, next_at bigint")+` AS r`, a)
	return err
}
