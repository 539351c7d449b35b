package census

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/audience"
	"github.com/fanfare/fanfare/store/db"
)

// audienceJSON is the stored shape of an audience, with names of its own: a field
// renamed in package audience must not lose what is stored. Everyone and Groups is
// how audiences were stored when there was nothing else.
type audienceJSON struct {
	Include  []partJSON `json:"include,omitempty"`
	Exclude  []partJSON `json:"exclude,omitempty"`
	Everyone bool       `json:"everyone,omitempty"`
	Groups   []partJSON `json:"groups,omitempty"`
}

type partJSON struct {
	Kind   string   `json:"kind,omitempty"`
	ID     string   `json:"id,omitempty"`
	Name   string   `json:"name,omitempty"`
	Field  string   `json:"field,omitempty"`
	Values []string `json:"values,omitempty"`
}

// WriteAudience is an audience as it is stored.
func WriteAudience(a broadcast.Audience) (string, error) {
	shape := func(p audience.Part) partJSON {
		return partJSON{string(p.Kind), p.ID, p.Name, string(p.Field), p.Values}
	}
	raw, err := json.Marshal(audienceJSON{Include: db.Each(a.Include, shape), Exclude: db.Each(a.Exclude, shape)})
	return string(raw), err
}

// ReadAudience is an audience as it was stored.
func ReadAudience(raw string) (broadcast.Audience, error) {
	var j audienceJSON
	if err := json.Unmarshal([]byte(raw), &j); err != nil {
		return broadcast.Audience{}, err
	}
	part := func(p partJSON) audience.Part {
		return audience.Part{Kind: audience.Kind(p.Kind), ID: p.ID, Name: p.Name, Field: audience.Field(p.Field), Values: p.Values}
	}
	a := broadcast.Audience{Include: db.Each(j.Include, part), Exclude: db.Each(j.Exclude, part)}
	if j.Everyone {
		a.Include = append(a.Include, audience.Part{Kind: audience.Everyone})
	}
	for _, g := range j.Groups {
		a.Include = append(a.Include, audience.Part{Kind: audience.Group, ID: g.ID, Name: g.Name})
	}
	return a, nil
}

// Meaning is the people an audience means, as SQL: everyone or some sets, without
// those of other sets; and its channels, each a set of one.
type Meaning struct {
	Everyone bool
	in, out  []string
	channels []string
}

// ErrUngathered is that nobody may be counted or listed by a part that was not read.
var ErrUngathered = errors.New("store: a part of the audience has not been read")

// Meant looks up what an audience means to the owner of its sets.
func Meant(t *db.Tx, owner string, a broadcast.Audience) (Meaning, error) {
	m := Meaning{Everyone: a.Has(audience.Everyone)}
	sets := func(parts []audience.Part) (ids []string, err error) {
		for _, p := range parts {
			var id string
			n, err := t.Scan(&id, `SELECT id FROM audience_sets WHERE tenant_id = @tenant AND owner = @owner AND part = @part AND current`, db.Args{"owner": owner, "part": p.Key()})
			if err != nil {
				return nil, err
			}
			if n == 0 {
				return nil, fmt.Errorf("%w: %s %s of %q", ErrUngathered, p.Kind, p.ID, owner)
			}
			ids = append(ids, id)
		}
		return ids, nil
	}
	var err error
	if !m.Everyone {
		if m.in, err = sets(a.People().Include); err != nil {
			return m, err
		}
	}
	if m.channels, err = sets(a.Channels()); err != nil {
		return m, err
	}
	m.out, err = sets(a.Exclude)
	return m, err
}

// Args puts the meaning's parameters beside others.
func (m Meaning) Args(a db.Args) db.Args {
	for i, id := range m.in {
		a[fmt.Sprintf("in%d", i)] = id
	}
	a["in"], a["out"], a["channels"] = m.in, m.out, m.channels
	return a
}

// Channels is the channels meant, as a table of entra_id: the ID a delivery to a channel
// goes by.
func (m Meaning) Channels() string {
	return `(SELECT DISTINCT m.entra_id FROM audience_members m WHERE m.tenant_id = @tenant AND m.set_id IN (@channels ))`
}

// nobody tells whether no person can be meant: channels may be.
func (m Meaning) nobody() bool { return !m.Everyone && len(m.in) == 0 }

// Is tells whether it is everyone and nobody left out.
func (m Meaning) Is() bool { return m.Everyone && len(m.out) == 0 }

// People are the people meant, as a table of entra_id, excluded and name. there says
// which people r of the directory are everyone. In a span it is only those after
// @after up to @end; every side of it has the range, because it does not follow from
// one to the other.
func (m Meaning) People(there string, span bool) string {
	in := func(alias string) string {
		if !span {
			return ""
		}
		return ` AND ` + alias + `.entra_id > @after AND ` + alias + `.entra_id <= @end `
	}
	but, distinct := "", ""
	if len(m.out) > 0 {
		// The limit keeps PostgreSQL from making a join of it: of a set it has not counted
		// yet it expects nobody, and would read the whole set once for each person.
		but = ` AND NOT EXISTS (SELECT 1 FROM audience_members x WHERE x.tenant_id = @tenant AND x.set_id IN (@out ) AND x.entra_id = r.entra_id` + in("x") + ` LIMIT 1 OFFSET 0)`
	}
	if len(m.in) > 1 { // in one set everybody is once; sorting them costs
		distinct = `DISTINCT `
	}
	if m.Everyone {
		return `(SELECT r.entra_id, r.excluded, r.name FROM people r WHERE r.tenant_id = @tenant AND ` + there + in("r") + but + `)`
	}
	return `(SELECT r.entra_id, COALESCE(p.excluded, 'deleted') AS excluded, COALESCE(p.name, '') AS name
		FROM (SELECT ` + distinct + `m.entra_id FROM audience_members m WHERE m.tenant_id = @tenant AND m.set_id IN (@in )` + in("m") + `) AS r
		LEFT JOIN people p ON p.tenant_id = @tenant AND p.entra_id = r.entra_id` + in("p") + ` WHERE TRUE` + but + `)`
}

// PageEnd is where the next so many people after one end, "" if nobody is left.
// Price: an index range for each set.
func (m Meaning) PageEnd(t *db.Tx, after broadcast.EntraID, limit int) (broadcast.EntraID, error) {
	if m.nobody() {
		return "", nil
	}
	const page = ` WHERE tenant_id = @tenant AND entra_id > @after `
	from := `SELECT entra_id FROM people` + page + `ORDER BY entra_id LIMIT @limit `
	if !m.Everyone {
		each := make([]string, len(m.in))
		for i := range m.in {
			each[i] = fmt.Sprintf(`SELECT entra_id FROM (SELECT entra_id FROM audience_members%sAND set_id = @in%d ORDER BY entra_id LIMIT @limit ) AS s%d`, page, i, i)
		}
		from = strings.Join(each, ` UNION `) + ` ORDER BY entra_id LIMIT @limit `
	}
	var end string
	_, err := t.Scan(&end, `SELECT COALESCE(MAX(entra_id), '') FROM (`+from+`) AS page`, m.Args(db.Args{"after": string(after), "limit": limit}))
	return broadcast.EntraID(end), err
}
