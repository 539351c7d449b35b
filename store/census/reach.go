package census

import (
	"context"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/store/db"
)

// StartState and StartReason are the one rule of how a delivery starts, as SQL over
// the directory's reason (excluded) and i, the person's installation if there is
// one. The head-count before sending and the list made at sending both come from
// it. Who has no address is waited for, unless nobody is to join late.
func StartState(excluded string, late broadcast.Late) string {
	without := `'pending'`
	if late == broadcast.LateNever {
		without = `'skipped'`
	}
	return `CASE WHEN ` + excluded + ` <> '' OR i.state IN ('removed', 'blocked', 'refused') THEN 'skipped'
		WHEN i.conversation_id <> '' THEN 'ready' ELSE ` + without + ` END`
}

// StartReason is why, for those who do not start ready.
func StartReason(excluded string) string {
	return `CASE WHEN ` + excluded + ` <> '' THEN ` + excluded + ` WHEN i.state IN ('removed', 'blocked') THEN i.state
		WHEN i.state = 'refused' THEN CASE WHEN i.reason = '' THEN 'install_failed' ELSE i.reason END
		WHEN i.conversation_id <> '' THEN '' ELSE 'not_installed' END`
}

// The head-count's: whoever joins late is waited for.
var (
	usualState  = StartState("r.excluded", broadcast.LateUntilFinished)
	usualReason = StartReason("r.excluded")
)

// sampleSize is how many names a head-count comes with.
const sampleSize = 5

type reachCount struct {
	State  string
	Reason string
	N      int
}

func addReach(to *broadcast.Reach, counts []reachCount) {
	for _, c := range counts {
		to.Total += c.N
		switch broadcast.DeliveryState(c.State) {
		case broadcast.DeliveryReady:
			to.Ready += c.N
		case broadcast.DeliveryPending:
			to.Waiting += c.N
		default:
			to.Excluded[broadcast.Reason(c.Reason)] += c.N
		}
	}
}

// ReachEveryone counts everybody the directory has. Price: one pass over people and
// installations, half a second for a million on PostgreSQL. SQLite would hold
// everybody in memory to sort them; it is asked page by page.
func (s Census) ReachEveryone(ctx context.Context) (broadcast.Reach, error) {
	reach := broadcast.Reach{Excluded: map[broadcast.Reason]int{}}
	const everyone = ` FROM people r LEFT JOIN installations i ON i.tenant_id = r.tenant_id AND i.entra_id = r.entra_id
		WHERE r.tenant_id = @tenant AND NOT r.deleted `
	t := s.db.Read(ctx)
	count := func(where string, a db.Args) error {
		var counts []reachCount
		_, err := t.Scan(&counts, `SELECT `+usualState+` AS state, `+usualReason+` AS reason, count(*) AS n`+everyone+where+`GROUP BY 1, 2`, a)
		addReach(&reach, counts)
		return err
	}
	if s.db.Postgres() {
		if err := count("", nil); err != nil {
			return reach, err
		}
	} else if err := eachPage(t, func(after, end broadcast.EntraID) error {
		return count(`AND r.entra_id > @after AND r.entra_id <= @end `, db.Args{"after": string(after), "end": string(end)})
	}); err != nil {
		return reach, err
	}
	_, err := t.Scan(&reach.Sample, `SELECT r.name`+everyone+`AND r.name <> '' AND `+usualState+` <> 'skipped' ORDER BY r.entra_id LIMIT @n `, db.Args{"n": sampleSize})
	return reach, err
}

// eachPage calls f with each range of people of the directory, reachPage at most.
func eachPage(t *db.Tx, f func(after, end broadcast.EntraID) error) error {
	for after := broadcast.EntraID(""); ; {
		end, err := PageEnd(t, after, reachPage)
		if err != nil || end == "" {
			return err
		}
		if err := f(after, end); err != nil {
			return err
		}
		after = end
	}
}

// PageEnd is where the next so many people of the directory after one end, "" if
// nobody is left.
func PageEnd(t *db.Tx, after broadcast.EntraID, limit int) (broadcast.EntraID, error) {
	var end string
	_, err := t.Scan(&end, `SELECT COALESCE(MAX(entra_id), '') FROM (SELECT entra_id FROM people WHERE tenant_id = @tenant AND entra_id > @after ORDER BY entra_id LIMIT @limit ) AS page`,
		db.Args{"after": string(after), "limit": limit})
	return broadcast.EntraID(end), err
}

// reachPage is how many people one statement takes.
const reachPage = 5_000

// ReachOf counts the given people. Price: one statement per 5,000.
func (s Census) ReachOf(ctx context.Context, people []broadcast.Recipient) (broadcast.Reach, error) {
	reach := broadcast.Reach{Excluded: map[broadcast.Reason]int{}}
	t := s.db.Read(ctx)
	for len(people) > 0 {
		page := people[:min(len(people), reachPage)]
		people = people[len(page):]
		rows, err := Recipients(page)
		if err != nil {
			return reach, err
		}
		from := ` FROM ` + s.db.Rows("rows", "entra_id text, excluded text") + ` AS r LEFT JOIN installations i ON i.tenant_id = @tenant AND i.entra_id = r.entra_id `
		var counts []reachCount
		if _, err := t.Scan(&counts, `SELECT `+usualState+` AS state, `+usualReason+` AS reason, count(*) AS n`+from+`GROUP BY 1, 2`, db.Args{"rows": rows}); err != nil {
			return reach, err
		}
		addReach(&reach, counts)
		if missing := sampleSize - len(reach.Sample); missing > 0 {
			var names []string
			_, err := t.Scan(&names, `SELECT p.name`+from+`JOIN people p ON p.tenant_id = @tenant AND p.entra_id = r.entra_id
				WHERE p.name <> '' AND `+usualState+` <> 'skipped' ORDER BY r.entra_id LIMIT @n `, db.Args{"rows": rows, "n": missing})
			if err != nil {
				return reach, err
			}
			reach.Sample = append(reach.Sample, names...)
		}
	}
	return reach, nil
}

type recipientJSON struct {
	EntraID  string `json:"entra_id"`
	Excluded string `json:"excluded"`
}

// Recipients is a page as a statement's parameter: rows of entra_id and excluded.
func Recipients(page []broadcast.Recipient) (string, error) {
	return db.List(db.Each(page, func(r broadcast.Recipient) recipientJSON {
		return recipientJSON{string(r.EntraID), string(r.Excluded)}
	}))
}
