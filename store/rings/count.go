package rings

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/audience"
	"github.com/fanfare/fanfare/rollout"
	"github.com/fanfare/fanfare/store/census"
	"github.com/fanfare/fanfare/store/db"
)

// count is a line of what a pass over people finds.
type count struct {
	Key                     string // a ring, or a value
	Excluded, State, Reason string
	Addressed               bool
	N                       int
}

func (c count) addTo(to *rollout.Counts) {
	if to.Reasons == nil {
		to.Reasons, to.Excluded = map[broadcast.Reason]int{}, map[broadcast.Reason]int{}
	}
	if c.Excluded != "" {
		to.Excluded[broadcast.Reason(c.Excluded)] += c.N
		return
	}
	if to.Add(broadcast.InstallationState(c.State), c.N); c.State == string(broadcast.InstallationInstalled) && c.Addressed {
		to.Addressed += c.N
	}
	if c.Reason != "" {
		to.Reasons[broadcast.Reason(c.Reason)] += c.N
	}
}

const (
	counted = `r.excluded, COALESCE(i.state, '') AS state, COALESCE(i.reason, '') AS reason, COALESCE(i.conversation_id, '') <> '' AS addressed, count(*) AS n`
	beside  = ` LEFT JOIN installations i ON i.tenant_id = @tenant AND i.entra_id = r.entra_id`
	ringed  = ` LEFT JOIN ring_people g ON g.tenant_id = @tenant AND g.entra_id = r.entra_id`
)

// countPage is how many people one statement counts on SQLite, which would hold all of
// them in memory to sort them.
const countPage = 20_000

// tally adds up counts of the people of a meaning: all at once on PostgreSQL, page by page
// on SQLite. people is the table r for a span or for all.
func (s Rings) tally(t *db.Tx, m census.Meaning, stmt func(span bool) string, a db.Args) ([]count, error) {
	var all []count
	if s.db.Postgres() {
		_, err := t.Scan(&all, stmt(false), m.Args(a))
		return all, err
	}
	for after := broadcast.EntraID(""); ; {
		end, err := m.PageEnd(t, after, countPage)
		if err != nil || end == "" {
			return all, err
		}
		a["after"], a["end"] = string(after), string(end)
		var some []count
		if _, err := t.Scan(&some, stmt(true), m.Args(a)); err != nil {
			return nil, err
		}
		all, after = append(all, some...), end
	}
}

// Rollout implements rollout.Ledger: Installed, Wanted, Refused, Removed, Blocked and
// Untouched add up to the eligible. Price: one pass over people and installations, and
// over who is in rings if there are any.
func (s Rings) Rollout(ctx context.Context) (rollout.Rollout, error) {
	t := s.db.Read(ctx)
	p, err := plan(t)
	if err != nil {
		return rollout.Rollout{}, err
	}
	r := rollout.Rollout{Plan: p, Counts: rollout.Counts{Reasons: map[broadcast.Reason]int{}, Excluded: map[broadcast.Reason]int{}}}
	if r.DirectoryAt, err = census.DirectoryAt(t); err != nil {
		return r, err
	}
	key, join := `''`, ``
	if p.Rings[0].Opened() && !p.Rings[0].IsLast() {
		key, join = `COALESCE(g.ring_id, '')`, ringed
	}
	everyone := census.Meaning{Everyone: true}
	counts, err := s.tally(t, everyone, func(span bool) string {
		return `SELECT ` + key + ` AS key, ` + counted + ` FROM ` + everyone.People(`NOT r.deleted`, span) + ` AS r` + beside + join + ` GROUP BY 1, 2, 3, 4, 5`
	}, db.Args{})
	if err != nil {
		return r, err
	}
	at := map[string]*rollout.Ring{}
	for i := range r.Rings {
		at[r.Rings[i].ID] = &r.Rings[i]
		r.Rings[i].Counted = r.Rings[i].Opened() || r.Rings[i].IsLast()
	}
	for _, c := range counts {
		ring := at[c.Key]
		if ring == nil {
			ring = at[rollout.Last]
		}
		c.addTo(&ring.Counts)
		c.addTo(&r.Counts)
	}
	return r, nil
}

// CountWaiting implements rollout.Counting. Price: for each ring that of Reach, and a
// look-up more for each ring before it.
func (s Rings) CountWaiting(ctx context.Context, waiting []rollout.Ring) ([]rollout.Counts, error) {
	t := s.db.Read(ctx)
	out := make([]rollout.Counts, len(waiting))
	before, a := ``, db.Args{}
	for i, ring := range waiting {
		m, err := census.Meant(t, "", ring.Audience)
		if err != nil {
			return nil, err
		}
		counts, err := s.tally(t, m, func(span bool) string {
			return `SELECT '' AS key, ` + counted + ` FROM ` + m.People(`NOT r.deleted`, span) + ` AS r` + beside + `
				WHERE r.excluded <> 'deleted' AND NOT EXISTS (SELECT 1 FROM ring_people g WHERE g.tenant_id = @tenant AND g.entra_id = r.entra_id)` + before + ` GROUP BY 1, 2, 3, 4, 5`
		}, a)
		if err != nil {
			return nil, err
		}
		for _, c := range counts {
			c.addTo(&out[i])
		}
		before += ` AND NOT ` + m.WithinAs(fmt.Sprintf("ring%d", i), a)
	}
	return out, nil
}

// CountBy implements rollout.Counting. Price: one pass over people and installations.
func (s Rings) CountBy(ctx context.Context, field string) ([]rollout.Share, error) {
	if !slices.Contains([]audience.Field{audience.Department, audience.Country}, audience.Field(field)) { // its name is a column's
		return nil, broadcast.Errorf(broadcast.Invalid, "People cannot be counted by %q.", field)
	}
	everyone := census.Meaning{Everyone: true}
	counts, err := s.tally(s.db.Read(ctx), everyone, func(span bool) string {
		return `SELECT p.` + field + ` AS key, ` + counted + ` FROM ` + everyone.People(`NOT r.deleted`, span) + ` AS r JOIN people p ON p.tenant_id = @tenant AND p.entra_id = r.entra_id` + beside + ` WHERE r.excluded = '' GROUP BY 1, 2, 3, 4, 5`
	}, db.Args{})
	if err != nil {
		return nil, err
	}
	at := map[string]int{}
	var out []rollout.Share
	for _, c := range counts {
		i, known := at[c.Key]
		if !known {
			i = len(out)
			at[c.Key], out = i, append(out, rollout.Share{Value: c.Key})
		}
		c.addTo(&out[i].Counts)
	}
	slices.SortFunc(out, func(a, b rollout.Share) int {
		return cmp.Or(cmp.Compare(b.Refused, a.Refused), cmp.Compare(b.Eligible()-b.Installed, a.Eligible()-a.Installed), strings.Compare(a.Value, b.Value))
	})
	return out, nil
}

// Ends implements rollout.Counting. Price: a range of installation_moves_old, of as many
// lines as people changed in that time.
func (s Rings) Ends(ctx context.Context, stretches int, each time.Duration) ([]int, error) {
	t := s.db.Read(ctx)
	var rows []struct{ Stretch, N int }
	now := t.NowMillis()
	_, err := t.Scan(&rows, `SELECT (at - CAST(@from AS bigint)) / CAST(@each AS bigint) AS stretch, count(*) AS n FROM installation_moves
		WHERE tenant_id = @tenant AND at >= @from AND at < @now AND event IN ('installed', 'refused') GROUP BY 1`,
		db.Args{"from": now - int64(stretches)*each.Milliseconds(), "now": now, "each": each.Milliseconds()})
	out := make([]int, stretches)
	for _, r := range rows {
		if r.Stretch >= 0 && r.Stretch < stretches {
			out[r.Stretch] = r.N
		}
	}
	return out, err
}
