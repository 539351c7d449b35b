package graphinstall

import (
	"context"
	"net/http"
	"net/url"

	"github.com/fanfare/fanfare/graph"
	"github.com/fanfare/fanfare/join"
)

// Teams implements join.Wire: it installs the app in teams (protocol F.6).
type Teams struct {
	Graph   *graph.Client
	Catalog *Catalog
	Consent []string // as in Options
}

var _ join.Wire = Teams{}

// InstallInTeam asks the catalogue before a 404 is believed of the team: of the app it
// would be every team's, and one that was published anew has another ID.
func (t Teams) InstallInTeam(ctx context.Context, groupID string) error {
	app, err := t.Catalog.TeamsAppID(ctx)
	if err != nil {
		return err
	}
	asked := t.Catalog.now()
	err = t.install(ctx, groupID, app)
	if graph.Status(err) != http.StatusNotFound {
		return err
	}
	switch now, doubt := t.Catalog.Confirm(ctx, asked); {
	case doubt != nil:
		return doubt
	case now != app:
		return t.install(ctx, groupID, now)
	}
	return err
}

func (t Teams) install(ctx context.Context, groupID, app string) error {
	body := consentOnly(t.Consent)
	body["teamsApp@odata.bind"] = t.Graph.Cloud() + "/v1.0/appCatalogs/teamsApps/" + app
	return graph.Post(ctx, t.Graph, "/teams/"+url.PathEscape(groupID)+"/installedApps", body)
}
