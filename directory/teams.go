package directory

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/microsoft/kiota-abstractions-go/serialization"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/graph"
)

const teamFields = "id,displayName,mail,description,resourceProvisioningOptions"

// Teams finds at most limit groups that are teams (protocol G.3), by the beginning of a
// word of their name, or the one of an ID; some for no text.
func (d *Directory) Teams(ctx context.Context, text string, limit int) ([]broadcast.GroupHit, error) {
	text, limit = searchable(text), min(max(limit, 1), 999)
	if id, ok := parseGUID(text); ok {
		return d.teamByID(ctx, string(id.entraID()))
	}
	q := url.Values{"$select": {teamFields}, "$top": {strconv.Itoa(limit)}, "$filter": {"resourceProvisioningOptions/Any(x:x eq 'Team')"}, "$count": {"true"}}
	if text != "" {
		q.Set("$search", `"displayName:`+text+`"`)
	}
	page, err := graph.GetPage[*team](ctx, d.graph, graph.Request{Path: "/groups", Query: q, Eventual: true}, newTeam)
	if err != nil {
		return nil, err
	}
	hits := []broadcast.GroupHit{}
	for _, t := range page.Items[:min(limit, len(page.Items))] {
		hits = append(hits, t.hit())
	}
	return hits, nil
}

func (d *Directory) teamByID(ctx context.Context, id string) ([]broadcast.GroupHit, error) {
	t, err := graph.Get[*team](ctx, d.graph, graph.Request{Path: "/groups/" + id, Query: url.Values{"$select": {teamFields}}}, newTeam)
	if graph.Status(err) == http.StatusNotFound || err == nil && !slices.Contains(t.options, "Team") {
		return []broadcast.GroupHit{}, nil
	}
	if err != nil {
		return nil, err
	}
	return []broadcast.GroupHit{t.hit()}, nil
}

// team is a group that may be a team.
type team struct {
	id, name, mail, description string
	options                     []string
}

func newTeam(serialization.ParseNode) (serialization.Parsable, error) { return &team{}, nil }

// GetFieldDeserializers implements serialization.Parsable.
func (t *team) GetFieldDeserializers() graph.Fields {
	return graph.Fields{
		"id": graph.String(&t.id), "displayName": graph.String(&t.name), "mail": graph.String(&t.mail), "description": graph.String(&t.description),
		"resourceProvisioningOptions": func(n serialization.ParseNode) error {
			values, err := n.GetCollectionOfPrimitiveValues("string")
			for _, v := range values {
				if s, ok := v.(*string); ok && s != nil {
					t.options = append(t.options, *s)
				}
			}
			return err
		},
	}
}

// Serialize implements serialization.Parsable; a team is never sent.
func (*team) Serialize(serialization.SerializationWriter) error { return nil }

func (t *team) hit() broadcast.GroupHit {
	return broadcast.GroupHit{Group: broadcast.Group{ID: t.id, Name: t.name}, Mail: t.mail, Description: t.description, Kind: "Team"}
}
