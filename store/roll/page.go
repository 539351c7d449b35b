package roll

import (
	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/store/census"
	"github.com/fanfare/fanfare/store/db"
)

// added are the deliveries just inserted. The LIMIT makes both databases walk the
// IDs after the last chunk's, whatever they believe of how many there are.
const added = `(SELECT id, entra_id, chunk, state FROM deliveries WHERE tenant_id = @tenant AND broadcast_id = @id AND id > @last ORDER BY id LIMIT @limit )`

// recheck looks at those just put down as pending once more, alone: whoever stored
// an address meanwhile has committed it, and whoever is about to will find them on
// the list. Price: a look-up each.
func (l *List) recheck(a db.Args) error {
	if err := l.Turn(Turn, true); err != nil {
		return err
	}
	var told []struct {
		ID int64 `json:"id"`
	}
	if _, err := l.Scan(&told, `SELECT a.id FROM `+added+` AS a WHERE a.state = 'pending' AND `+startNow("a.entra_id", l.Late)+` <> 'pending'`, a); err != nil {
		return err
	}
	if len(told) > 0 {
		raw, err := db.List(told)
		if err != nil {
			return err
		}
		a["rows"] = raw
		now := func(column string) string {
			return `(SELECT ` + column + ` FROM installations i WHERE i.tenant_id = @tenant AND i.entra_id = d.entra_id)`
		}
		if _, err := l.Exec(`UPDATE deliveries AS d SET state = `+now(census.StartState("''", l.Late))+`, reason = `+now(census.StartReason("''"))+`, detail = `+now(startDetail("''"))+`
			WHERE d.tenant_id = @tenant AND d.broadcast_id = @id AND d.id > @last AND d.id IN (SELECT r.id FROM `+l.Rows("rows", "id bigint")+` AS r)`, a); err != nil {
			return err
		}
	}
	return nil
}

// want makes those just put down as pending wanted who have no installation yet:
// not_before 0, before a rollout's mass. Price: a look-up each.
func (l *List) want(a db.Args) error {
	_, err := l.Exec(wanted+`FROM `+added+` AS r WHERE r.state = 'pending' AND (SELECT 1 FROM installations i WHERE i.tenant_id = @tenant AND i.entra_id = r.entra_id) IS NULL
		ORDER BY r.entra_id ON CONFLICT DO NOTHING`, a)
	return err
}

// wanted makes people r wanted who have no installation.
const wanted = `INSERT INTO installations (tenant_id, entra_id, state, reason, detail, attempts, not_before, fence, leased_until, service_url, conversation_id, channel_account_id, updated_at)
	SELECT @tenant , r.entra_id, 'wanted', '', '', 0, 0, 0, 0, '', '', '', CAST(@now AS bigint) `

// start is the one rule of how a delivery starts, as a source's columns over i and
// the directory's reason.
func start(excluded string, late broadcast.Late) string {
	return census.StartState(excluded, late) + ` AS state, ` + census.StartReason(excluded) + ` AS reason, ` + startDetail(excluded) + ` AS detail`
}

func startDetail(excluded string) string {
	return `CASE WHEN ` + excluded + ` = '' AND i.state = 'refused' THEN i.detail ELSE '' END`
}

// startNow is the state in which a person's delivery would start, as a look-up:
// never a join, which might read all installations.
func startNow(person string, late broadcast.Late) string {
	return `(SELECT ` + census.StartState("''", late) + ` FROM installations i WHERE i.tenant_id = @tenant AND i.entra_id = ` + person + `)`
}

// count is how many of those just inserted are in a state, chunk by chunk.
type count struct {
	Chunk       int
	State       broadcast.DeliveryState
	N           int
	First, Last int64
}

func (l *List) counts(a db.Args) (counts []count, err error) {
	_, err = l.Scan(&counts, `SELECT chunk, state, count(*) AS n, MIN(id) AS first, MAX(id) AS last FROM `+added+` AS added GROUP BY chunk, state ORDER BY chunk, state`, a)
	return counts, err
}

// chunkJSON is a chunk as it is inserted.
type chunkJSON struct {
	Number int    `json:"number"`
	First  int64  `json:"first_id"`
	Last   int64  `json:"last_id"`
	NextAt *int64 `json:"next_at"`
}

// addChunks writes the chunks of the deliveries just inserted and counts them.
func (l *List) addChunks(counts []count, wave int, a db.Args) error {
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
