package graphinstall

import (
	"context"
	"net/url"
	"strings"
	"time"

	"github.com/microsoft/kiota-abstractions-go/serialization"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/graph"
)

// Catalog knows under which ID our app stands in the organisation's app
// catalogue. The ID changes when the app is published anew, so it is kept only
// until somebody has reason to doubt it.
type Catalog struct {
	graph      *graph.Client
	manifestID string
	now        func() time.Time

	turn   chan struct{} // held while looking up: waiting for it must end with a context
	id     string
	lookup time.Time // when the last successful look-up began
}

// NewCatalog makes a Catalog. It makes no call.
func NewCatalog(g *graph.Client, manifestID string, now func() time.Time) *Catalog {
	return &Catalog{graph: g, manifestID: manifestID, now: now, turn: make(chan struct{}, 1)}
}

// TeamsAppID is the app's ID in the catalogue, from memory if known. A fault with
// ReasonNoCatalogApp and the service's scope says that it is not published.
func (c *Catalog) TeamsAppID(ctx context.Context) (string, error) {
	return c.find(ctx, func() bool { return c.id != "" })
}

// Confirm looks the app up unless a look-up began after that time: any number of
// workers that doubt the ID at once cause one.
func (c *Catalog) Confirm(ctx context.Context, after time.Time) (string, error) {
	return c.find(ctx, func() bool { return c.id != "" && c.lookup.After(after) })
}

func (c *Catalog) find(ctx context.Context, fresh func() bool) (string, error) {
	select {
	case c.turn <- struct{}{}:
	case <-ctx.Done():
		return "", ctx.Err()
	}
	defer func() { <-c.turn }()
	if fresh() {
		return c.id, nil
	}
	begun := c.now()
	id, err := c.fetch(ctx)
	if err != nil {
		c.id = ""
		return "", err
	}
	c.id, c.lookup = id, begun
	return id, nil
}

func (c *Catalog) fetch(ctx context.Context) (string, error) {
	page, err := graph.GetPage[*app](ctx, c.graph, graph.Request{
		Path: "/appCatalogs/teamsApps", Query: url.Values{"$filter": {"externalId eq '" + quoted(c.manifestID) + "'"}},
	}, newApp)
	if err != nil {
		return "", err
	}
	missing := "No app with the manifest ID " + c.manifestID + " is published in the organisation's app catalogue."
	for _, a := range page.Items {
		// Graph cannot install a side-loaded app for others (protocol F.2).
		if a.id != "" && !strings.EqualFold(a.distribution, "sideloaded") {
			return a.id, nil
		}
		missing = "The app with the manifest ID " + c.manifestID + " is only side-loaded: it must be published in the organisation's app catalogue."
	}
	return "", &broadcast.Fault{
		Class: broadcast.Permanent, Scope: broadcast.ScopeService, Reason: broadcast.ReasonNoCatalogApp,
		Code: "no_catalog_app", Detail: missing,
	}
}

// quoted makes text safe inside the single quotes of $filter.
func quoted(text string) string { return strings.ReplaceAll(text, "'", "''") }

// app is an app of the catalogue.
type app struct{ id, distribution string }

func newApp(serialization.ParseNode) (serialization.Parsable, error) { return &app{}, nil }

// GetFieldDeserializers implements serialization.Parsable.
func (a *app) GetFieldDeserializers() graph.Fields {
	return graph.Fields{"id": graph.String(&a.id), "distributionMethod": graph.String(&a.distribution)}
}

// Serialize implements serialization.Parsable; an app is never sent.
func (*app) Serialize(serialization.SerializationWriter) error { return nil }
