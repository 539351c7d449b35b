package directory

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/microsoft/kiota-abstractions-go/serialization"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/graph"
)

const groupFields = "id,displayName,mail,description,groupTypes,securityEnabled,mailEnabled"

// maxSearch is how many runes of a search text are used.
const maxSearch = 120

// Groups finds at most limit groups by the beginning of a word of their name. A group's ID finds exactly that group; no
// text lists some.
func (d *Directory) Groups(ctx context.Context, text string, limit int) ([]broadcast.GroupHit, error) {
	text, limit = searchable(text), min(max(limit, 1), 999)
	if id, ok := parseGUID(text); ok {
		return d.groupByID(ctx, string(id.entraID()))
	}
	request := graph.Request{Path: "/groups", Query: url.Values{"$select": {groupFields}, "$top": {strconv.Itoa(limit)}}}
	if text != "" {
		request.Query.Set("$search", `"displayName:`+text+`"`)
		request.Query.Set("$count", "true")
		request.Eventual = true
	}
	page, err := graph.GetPage[*group](ctx, d.graph, request, newGroup)
	if err != nil {
		return nil, err
	}
	hits := make([]broadcast.GroupHit, 0, min(limit, len(page.Items)))
	for _, g := range page.Items[:min(limit, len(page.Items))] {
		hits = append(hits, g.hit())
	}
	return hits, nil
}

func (d *Directory) groupByID(ctx context.Context, id string) ([]broadcast.GroupHit, error) {
	g, err := graph.Get[*group](ctx, d.graph, graph.Request{Path: "/groups/" + id, Query: url.Values{"$select": {groupFields}}}, newGroup)
	if graph.Status(err) == http.StatusNotFound {
		return []broadcast.GroupHit{}, nil
	}
	if err != nil {
		return nil, err
	}
	return []broadcast.GroupHit{g.hit()}, nil
}

// searchable is text as it may stand inside the quotes of $search: without what
// would end them (the index knows no punctuation anyway), in lower case, because
// AND and OR in capitals are operators, and no longer than a name.
func searchable(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar || r == '"' || r == '\\' {
			return ' '
		}
		return unicode.ToLower(r)
	}, text)
	text = strings.Join(strings.Fields(text), " ")
	if r := []rune(text); len(r) > maxSearch {
		text = string(r[:maxSearch])
	}
	return text
}

// group is an Entra group as Graph describes it.
type group struct {
	id, name, mail, description string
	types                       []string
	security, mailed            *bool
}

func newGroup(serialization.ParseNode) (serialization.Parsable, error) { return &group{}, nil }

// GetFieldDeserializers implements serialization.Parsable.
func (g *group) GetFieldDeserializers() graph.Fields {
	return graph.Fields{
		"id":              graph.String(&g.id),
		"displayName":     graph.String(&g.name),
		"mail":            graph.String(&g.mail),
		"description":     graph.String(&g.description),
		"securityEnabled": graph.Bool(&g.security),
		"mailEnabled":     graph.Bool(&g.mailed),
		"groupTypes": func(n serialization.ParseNode) error {
			values, err := n.GetCollectionOfPrimitiveValues("string")
			for _, v := range values {
				if s, ok := v.(*string); ok && s != nil {
					g.types = append(g.types, *s)
				}
			}
			return err
		},
	}
}

// Serialize implements serialization.Parsable; a group is never sent.
func (*group) Serialize(serialization.SerializationWriter) error { return nil }

func (g *group) hit() broadcast.GroupHit {
	return broadcast.GroupHit{
		Group: broadcast.Group{ID: g.id, Name: g.name}, Mail: g.mail, Description: g.description, Kind: g.kind(),
	}
}

func (g *group) kind() string {
	is := func(b *bool) bool { return b != nil && *b }
	kind := "Distribution list"
	switch {
	case slices.Contains(g.types, "Unified"):
		kind = "Microsoft 365"
	case is(g.security) && is(g.mailed):
		kind = "Mail-enabled security"
	case is(g.security):
		kind = "Security"
	}
	if slices.Contains(g.types, "DynamicMembership") {
		kind += ", dynamic"
	}
	return kind
}
