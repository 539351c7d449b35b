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

// ReachEveryone counts everybody the directory has. Price: one pass over people
// and installations, about half a second for a million.
func (s Census) ReachEveryone(ctx context.Context) (broadcast.Reach, error) {
	reach := broadcast.Reach{Excluded: map[broadcast.Reason]int{}}
	const everyone = ` FROM people r LEFT JOIN installations i ON i.tenant_id = r.tenant_id AND i.entra_id = r.entra_id
		WHERE r.tenant_id = @tenant AND NOT r.deleted `
	var counts []reachCount
	t := s.db.Read(ctx)
	if _, err := t.Scan(&counts, `SELECT `+usualState+` AS state, `+usualReason+` AS reason, count(*) AS n`+everyone+`GROUP BY 1, 2`, nil); err != nil {
		return reach, err
	}
	addReach(&reach, counts)
	_, err := t.Scan(&reach.Sample, `SELECT r.name`+everyone+`AND r.name <> '' AND `+usualState+` <> 'skipped' ORDER BY r.entra_id LIMIT @n `, db.Args{"n": sampleSize})
	return reach, err
}

// reachPage is how many people one statement of ReachOf takes.
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
