package census

import (
	"context"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/scope"
	"github.com/fanfare/fanfare/store/db"
)

// Within is whether a person r is meant, as a condition beside another meaning's
// people: its parameters go by names of their own.
func (m Meaning) Within(a db.Args) string {
	a["bound_in"], a["bound_out"] = m.in, m.out
	const in = `EXISTS (SELECT 1 FROM audience_members w WHERE w.tenant_id = @tenant AND w.entra_id = r.entra_id AND w.set_id IN `
	condition := in + `(@bound_in ))`
	if m.Everyone {
		condition = `r.excluded <> 'deleted'`
	}
	if len(m.out) > 0 {
		condition += ` AND NOT ` + in + `(@bound_out ))`
	}
	return `(` + condition + `)`
}

// Outside counts those of an audience, gathered by owner, whom a bound, gathered for
// no particular owner, does not mean. Whoever cannot be written to counts too: they may
// have a licence tomorrow. Price: one pass over those who are meant with a look-up for
// each, on SQLite page by page as in Reach.
func (s Census) Outside(ctx context.Context, owner string, meant, bound broadcast.Audience, sample int) (scope.Outside, error) {
	var out scope.Outside
	t := s.db.Read(ctx)
	m, err := Meant(t, owner, meant.People())
	if err != nil {
		return out, err
	}
	b, err := Meant(t, "", bound.People())
	if err != nil {
		return out, err
	}
	count := func(span bool, a db.Args) error {
		var n struct{ Total, Count int }
		within := b.Within(a)
		_, err := t.Scan(&n, `SELECT count(*) AS total, count(*) - COALESCE(SUM(CASE WHEN `+within+` THEN 1 ELSE 0 END), 0) AS count FROM `+m.People(`NOT r.deleted`, span)+` AS r`, m.Args(a))
		out.Total, out.Count = out.Total+n.Total, out.Count+n.Count
		return err
	}
	if s.db.Postgres() {
		err = count(false, db.Args{})
	} else {
		err = m.eachPage(t, func(after, end broadcast.EntraID) error {
			return count(true, db.Args{"after": string(after), "end": string(end)})
		})
	}
	if err != nil || out.Count == 0 {
		return out, err
	}
	a := db.Args{"n": sample}
	within := b.Within(a)
	_, err = t.Scan(&out.Sample, `SELECT r.name FROM `+m.People(`NOT r.deleted`, false)+` AS r WHERE r.name <> '' AND NOT `+within+` ORDER BY r.entra_id LIMIT @n `, m.Args(a))
	return out, err
}
