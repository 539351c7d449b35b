package census

import (
	"context"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/fatigue"
	"github.com/fanfare/fanfare/store/db"
)

// Got implements fatigue.Ledger. Price: that of Reach and a look-up more for each
// person; how much they got was counted before (package store/received).
func (s Census) Got(ctx context.Context, a broadcast.Audience) ([]fatigue.Got, error) {
	t := s.db.Read(ctx)
	m, err := Meant(t, "", a.People())
	if err != nil {
		return nil, err
	}
	sum := map[[2]int]int{}
	count := func(span bool, args db.Args) error {
		var got []fatigue.Got
		_, err := t.Scan(&got, `SELECT COALESCE(g.week, 0) AS week, COALESCE(g.month, 0) AS month, count(*) AS people`+m.withInstallations(span)+`
			LEFT JOIN received g ON g.tenant_id = @tenant AND g.entra_id = r.entra_id WHERE `+usualState+` <> 'skipped' GROUP BY 1, 2`, m.Args(args))
		for _, g := range got {
			sum[[2]int{g.Week, g.Month}] += g.People
		}
		return err
	}
	if s.db.Postgres() {
		err = count(false, db.Args{})
	} else {
		err = m.eachPage(t, func(after, end broadcast.EntraID) error {
			return count(true, db.Args{"after": string(after), "end": string(end)})
		})
	}
	var out []fatigue.Got
	for k, n := range sum {
		out = append(out, fatigue.Got{Week: k[0], Month: k[1], People: n})
	}
	return out, err
}
