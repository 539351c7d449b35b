package directory

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/microsoft/kiota-abstractions-go/serialization"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/lists"
	"github.com/fanfare/fanfare/graph"
)

// lookUpEach is how many people one filter asks for: each by two fields, and Graph takes
// no more than 15 conditions.
const lookUpEach = 7

// LookUp asks Graph for people by object ID, or by UPN or mail, which Graph folds. What it
// finds is stored before. It asks politely: twenty filters in a request, one request
// at a time, waiting as long as the most patient answer says.
func (d *Directory) LookUp(ctx context.Context, keys []string) (map[string]lists.Match, error) {
	found := make(map[string]lists.Match, len(keys))
	pages := slices.Collect(slices.Chunk(keys, lookUpEach))
	for batch := range slices.Chunk(pages, graph.MaxBatch) {
		if err := d.lookUpBatch(ctx, batch, found); err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			d.log.WarnContext(ctx, "people of a list could not be looked up", "keys", len(keys), "error", err)
			return nil, broadcast.Errorf(broadcast.Conflict, "%d rows are not in the directory as it was last read, and Microsoft does not answer, so nobody can say who they are. Nothing was stored; try again in a minute.", len(keys))
		}
	}
	return found, nil
}

// lookUpBatch asks until each page is answered; those that are, are not asked again.
func (d *Directory) lookUpBatch(ctx context.Context, open [][]string, found map[string]lists.Match) error {
	open = slices.Clone(open)
	return d.patiently(ctx, func() error {
		requests := make([]graph.Request, len(open))
		for i, keys := range open {
			requests[i] = graph.Request{Path: "/users", Query: url.Values{"$select": {fields}, "$top": {"999"}, "$filter": {filterFor(keys)}}}
		}
		answers, err := graph.Batch[*graph.Page[*graphPerson]](ctx, d.graph, requests, newPeoplePage)
		if err != nil {
			return err
		}
		var again [][]string
		var worst *broadcast.Fault
		var people []*graphPerson
		for i, a := range answers {
			if a.Err == nil {
				people = append(people, a.Body.Items...)
				match(found, open[i], a.Body.Items)
				continue
			}
			again, worst = append(again, open[i]), moreStrict(worst, broadcast.AsFault(a.Err))
		}
		if err := d.learn(ctx, people); err != nil {
			return err
		}
		if open = again; worst != nil {
			return worst
		}
		return nil
	})
}

// moreStrict is the fault that says more about what to do: that it is in vain, or the
// longer pause.
func moreStrict(a, b *broadcast.Fault) *broadcast.Fault {
	if a == nil || a.Class != broadcast.Permanent && (b.Class == broadcast.Permanent || b.RetryAfter > a.RetryAfter) {
		return b
	}
	return a
}

func newPeoplePage(serialization.ParseNode) (serialization.Parsable, error) {
	return graph.NewPage[*graphPerson](newPerson), nil
}

// filterFor is the condition that finds those keys. Quotes are doubled, as OData has it.
func filterFor(keys []string) string {
	var conditions []string
	for _, key := range keys {
		text := "'" + strings.ReplaceAll(key, "'", "''") + "'"
		if lists.IsID(key) {
			conditions = append(conditions, "id eq "+text)
			continue
		}
		conditions = append(conditions, "userPrincipalName eq "+text, "mail eq "+text)
	}
	return strings.Join(conditions, " or ")
}

// match says whom each key names of those found.
func match(found map[string]lists.Match, keys []string, people []*graphPerson) {
	is := func(field *string, key string) bool { return field != nil && strings.EqualFold(*field, key) }
	for _, key := range keys {
		for _, p := range people {
			if p.id != key && !is(p.upn, key) && !is(p.mail, key) {
				continue
			}
			m := found[key]
			m.Several = m.Several || m.EntraID != "" && m.EntraID != broadcast.EntraID(p.id)
			m.EntraID = broadcast.EntraID(p.id)
			found[key] = m
		}
	}
}
