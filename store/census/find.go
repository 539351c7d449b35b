package census

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/audience"
	"github.com/fanfare/fanfare/store/db"
)

// foundPerson is somebody a search found. Manages is whether somebody reports to them.
type foundPerson struct {
	EntraID                        broadcast.EntraID
	Name, UPN, Department, Country string
	Manages                        bool
}

// FindParts finds values of fields, lists, people, and managers by the beginning of a word,
// limit of each at most. Price: a pass over people for each field, and what Narrow
// costs.
func (s Census) FindParts(ctx context.Context, text string, limit int) ([]audience.Hit, error) {
	words := wordsOf(text)
	if len(words) == 0 {
		return nil, nil
	}
	values, err := s.findValues(ctx, words, limit)
	if err != nil {
		return nil, err
	}
	lists, err := s.findLists(ctx, words, limit)
	if err != nil {
		return nil, err
	}
	t := s.db.Read(ctx)
	a := db.Args{"limit": limit}
	join, where, err := Narrow(t, "p", text, a)
	if err != nil {
		return nil, err
	}
	var people []foundPerson
	if _, err := t.Scan(&people, `SELECT p.entra_id, p.name, p.upn, p.department, p.country,
			EXISTS (SELECT 1 FROM people m WHERE m.tenant_id = @tenant AND m.manager_id <> '' AND m.manager_id = p.entra_id) AS manages
		FROM people p `+join+`WHERE p.tenant_id = @tenant AND NOT p.deleted `+where+`ORDER BY p.entra_id LIMIT @limit `, a); err != nil {
		return nil, err
	}
	hits := append(values, lists...)
	for _, p := range people {
		hits = append(hits, p.hits()...)
	}
	return hits, nil
}

func (p foundPerson) hits() []audience.Hit {
	name := cmp.Or(p.Name, p.UPN)
	note := strings.Join(slices.DeleteFunc([]string{p.UPN, p.Department}, func(s string) bool { return s == "" }), " · ")
	out := []audience.Hit{{Part: audience.Part{Kind: audience.Person, ID: string(p.EntraID), Name: name}, Note: "Person · " + note}}
	if p.Manages {
		out = append(out, audience.Hit{Part: audience.Part{Kind: audience.Reports, ID: string(p.EntraID), Name: name}, Note: "Manager and everybody below · " + note})
	}
	return out
}

// findValues finds values each of whose words begins one of theirs, the commonest first.
func (s Census) findValues(ctx context.Context, words []string, limit int) ([]audience.Hit, error) {
	var hits []audience.Hit
	for _, f := range audience.Fields() {
		all, err := s.Values(ctx, f, maxValues)
		if err != nil {
			return nil, err
		}
		n := 0
		for _, v := range all {
			if n < limit && Begins(wordsOf(v.Value), words) {
				n++
				hits = append(hits, audience.Hit{Part: audience.Part{Kind: audience.Attribute, Field: f, Values: []string{v.Value}}, Note: f.Words() + " · " + people(v.Count)})
			}
		}
	}
	return hits, nil
}

// maxValues is among how many values of a field is searched: the commonest.
const maxValues = 10_000

// Begins tells whether each word begins one of the others.
func Begins(of, words []string) bool {
	for _, w := range words {
		if !slices.ContainsFunc(of, func(o string) bool { return strings.HasPrefix(o, w) }) {
			return false
		}
	}
	return true
}

func people(n int) string {
	if n == 1 {
		return "1 person"
	}
	return strconv.Itoa(n) + " people"
}
