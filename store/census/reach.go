package census

import (
	"context"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/store/db"
	"github.com/fanfare/fanfare/store/places"
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
	Week   int
	Month  int
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
			continue
		}
		addGot(to, broadcast.Got{Week: c.Week, Month: c.Month, People: c.N})
	}
}

func addGot(to *broadcast.Reach, more broadcast.Got) {
	for i, g := range to.Got {
		if g.Week == more.Week && g.Month == more.Month {
			to.Got[i].People += more.People
			return
		}
	}
	to.Got = append(to.Got, more)
}

// Reach counts the people of an audience whose parts were gathered for no particular
// owner. Price: one pass over them, their installations and how much they got, which was
// counted before (package store/received); half a second for a million on PostgreSQL. SQLite would hold them all in memory to sort them; it is
// asked page by page.
func (s Census) Reach(ctx context.Context, a broadcast.Audience) (broadcast.Reach, error) {
	reach := broadcast.Reach{Excluded: map[broadcast.Reason]int{}}
	t := s.db.Read(ctx)
	m, err := Meant(t, "", a)
	if err != nil {
		return reach, err
	}
	count := func(span bool, args db.Args) error {
		var counts []reachCount
		_, err := t.Scan(&counts, `SELECT `+usualState+` AS state, `+usualReason+` AS reason, COALESCE(g.week, 0) AS week, COALESCE(g.month, 0) AS month, count(*) AS n`+m.withInstallations(span)+`
			LEFT JOIN received g ON g.tenant_id = @tenant AND g.entra_id = r.entra_id GROUP BY 1, 2, 3, 4`, m.Args(args))
		addReach(&reach, counts)
		return err
	}
	if s.db.Postgres() {
		err = count(false, db.Args{})
	} else {
		err = m.eachPage(t, func(after, end broadcast.EntraID) error {
			return count(true, db.Args{"after": string(after), "end": string(end)})
		})
	}
	if err == nil {
		reach.Sample, err = m.sample(t)
	}
	if err == nil {
		err = m.reachChannels(t, &reach)
	}
	return reach, err
}

// reachChannels counts the channels that can be written to now, and why others cannot:
// what became of them since they were gathered is known here at once. Price: a look-up
// each.
func (m Meaning) reachChannels(t *db.Tx, to *broadcast.Reach) error {
	if len(m.channels) == 0 {
		return nil
	}
	var each []broadcast.Reason
	if _, err := t.Scan(&each, `SELECT COALESCE((SELECT `+places.Closed+` FROM channels c JOIN places p ON p.tenant_id = c.tenant_id AND p.place_id = c.team_id
		WHERE c.tenant_id = @tenant AND c.channel_id = m.entra_id ORDER BY p.state <> 'here' LIMIT 1), 'channel_gone') FROM `+m.Channels()+` AS m`, m.Args(db.Args{})); err != nil {
		return err
	}
	for _, why := range each {
		if why == "" {
			to.Channels++
			continue
		}
		if to.Closed == nil {
			to.Closed = map[broadcast.Reason]int{}
		}
		to.Closed[why]++
	}
	return nil
}

// sample is the names of the first who would get it. Price: a page, as a rule.
func (m Meaning) sample(t *db.Tx) (names []string, err error) {
	for after := broadcast.EntraID(""); len(names) < sampleSize; {
		end, err := m.PageEnd(t, after, reachPage)
		if err != nil || end == "" {
			return names, err
		}
		var more []string
		if _, err := t.Scan(&more, `SELECT r.name`+m.withInstallations(true)+` WHERE r.name <> '' AND `+usualState+` <> 'skipped' ORDER BY r.entra_id LIMIT @n `,
			m.Args(db.Args{"n": sampleSize - len(names), "after": string(after), "end": string(end)})); err != nil {
			return names, err
		}
		names, after = append(names, more...), end
	}
	return names, nil
}

// withInstallations is who is meant now, beside their installations.
func (m Meaning) withInstallations(span bool) string {
	return ` FROM ` + m.People(`NOT r.deleted`, span) + ` AS r LEFT JOIN installations i ON i.tenant_id = @tenant AND i.entra_id = r.entra_id`
}

// reachPage is how many people one statement takes.
const reachPage = 5_000

// eachPage calls f with each range of people, reachPage at most.
func (m Meaning) eachPage(t *db.Tx, f func(after, end broadcast.EntraID) error) error {
	for after := broadcast.EntraID(""); ; {
		end, err := m.PageEnd(t, after, reachPage)
		if err != nil || end == "" {
			return err
		}
		if err := f(after, end); err != nil {
			return err
		}
		after = end
	}
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
