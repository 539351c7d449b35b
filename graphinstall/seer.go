package graphinstall

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"github.com/microsoftgraph/msgraph-sdk-go/models"
	"github.com/microsoftgraph/msgraph-sdk-go/users"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/graph"
	"github.com/fanfare/fanfare/upkeep"
)

// Seer implements upkeep.Wire: how our app stands at people, and its upgrades.
type Seer struct {
	Graph      *graph.Client
	ManifestID string
	Consent    []string // as in Options
}

var _ upkeep.Wire = Seer{}

// Published is the newest version in the catalogue (protocol F.2).
func (s Seer) Published(ctx context.Context) (string, error) {
	raw, err := s.Graph.Look(ctx, "/appCatalogs/teamsApps", url.Values{
		"$filter": {"externalId eq '" + quoted(s.ManifestID) + "'"}, "$expand": {"appDefinitions"},
	}, false)
	if err != nil {
		return "", err
	}
	var page struct {
		Value []struct {
			Method      string `json:"distributionMethod"`
			Definitions []struct {
				Version string `json:"version"`
				State   string `json:"publishingState"`
			} `json:"appDefinitions"`
		} `json:"value"`
	}
	if err := json.Unmarshal(raw, &page); err != nil {
		return "", fmt.Errorf("graphinstall: the catalogue's answer: %w", err)
	}
	newest := ""
	for _, app := range page.Value {
		for _, d := range app.Definitions {
			published := d.State == "" || strings.EqualFold(d.State, "published")
			if published && !strings.EqualFold(app.Method, "sideloaded") && (newest == "" || upkeep.Older(newest, d.Version)) {
				newest = d.Version
			}
		}
	}
	return newest, nil
}

// Look reads whether a person has our app, and in which version (protocol F.4).
func (s Seer) Look(ctx context.Context, id broadcast.EntraID) (upkeep.Seen, error) {
	list, err := installed(ctx, s.Graph, id, s.ManifestID, "teamsApp", "teamsAppDefinition")
	for _, one := range list {
		if one.GetId() == nil {
			continue
		}
		seen := upkeep.Seen{There: true, Installation: *one.GetId()}
		if d := one.GetTeamsAppDefinition(); d != nil && d.GetVersion() != nil {
			seen.Version = *d.GetVersion()
		}
		return seen, nil
	}
	return upkeep.Seen{}, err
}

// installed are a person's installations of our app: one, or none.
func installed(ctx context.Context, g *graph.Client, id broadcast.EntraID, manifestID string, expand ...string) ([]models.UserScopeTeamsAppInstallationable, error) {
	filter := "teamsApp/externalId eq '" + quoted(manifestID) + "'"
	var list models.UserScopeTeamsAppInstallationCollectionResponseable
	err := g.Do(ctx, func(ctx context.Context) (err error) {
		list, err = appsOf(g, id).Get(ctx, &users.ItemTeamworkInstalledAppsRequestBuilderGetRequestConfiguration{
			QueryParameters: &users.ItemTeamworkInstalledAppsRequestBuilderGetQueryParameters{Filter: &filter, Expand: expand},
		})
		return err
	})
	if err != nil || list == nil {
		return nil, err
	}
	return list.GetValue(), nil
}

// Upgrade brings a person's app to the newest version (protocol F.4). The permissions
// consented to must be those of that version, as at installation.
func (s Seer) Upgrade(ctx context.Context, id broadcast.EntraID, installation string) error {
	return graph.Post(ctx, s.Graph, "/users/"+url.PathEscape(string(id))+"/teamwork/installedApps/"+url.PathEscape(installation)+"/upgrade", consentOnly(s.Consent))
}

// consentOnly is a body that carries nothing but what is consented to.
func consentOnly(permissions []string) map[string]any {
	body := map[string]any{}
	if len(permissions) > 0 {
		list := make([]map[string]string, len(permissions))
		for i, p := range permissions {
			list[i] = map[string]string{"permissionValue": p, "permissionType": "application"}
		}
		body["consentedPermissionSet"] = map[string]any{"resourceSpecificPermissions": list}
	}
	return body
}
