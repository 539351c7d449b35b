package setup

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/upkeep"
)

// one asks for a single entry and nothing but its ID.
func one(more ...string) url.Values {
	q := url.Values{"$top": {"1"}, "$select": {"id"}}
	for i := 0; i+1 < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	return q
}

// idIn is the ID of the first entry of an answer, "" if it has none.
func idIn(raw []byte) string {
	var page struct {
		Value []struct {
			ID string `json:"id"`
		} `json:"value"`
	}
	if json.Unmarshal(raw, &page) != nil || len(page.Value) == 0 {
		return ""
	}
	return page.Value[0].ID
}

// refused says what a failed look at Graph means; name is the permission it takes.
func (d *Desk) refused(err error, name string) Finding {
	switch f := broadcast.AsFault(err); {
	case f.Reason == broadcast.ReasonCredentials && f.Status == 0:
		return unknown("There is no token to ask with.", "Mend the bot’s credential first.")
	case f.Status == http.StatusUnauthorized:
		return fail("Graph does not take our token: "+plain(err)+".", "Look at this machine’s clock, FANFARE_GRAPH_URL and the bot’s credential.")
	case f.Status == http.StatusForbidden:
		return fail("Graph refuses: "+plain(err)+". The permission "+name+" is missing.", grant)
	case f.Class == broadcast.Throttled:
		return warn("Graph asks us to wait, so this could not be tried.", "Check again in some minutes.")
	case f.Status >= 500:
		return fail(fmt.Sprintf("Graph has trouble: it answers with status %d.", f.Status), "Check again in some minutes; Microsoft’s service health tells more.")
	case f.Status > 0:
		return unknown(fmt.Sprintf("Graph answers with status %d: %s.", f.Status, plain(err)), "Check again; if it stays, look at FANFARE_GRAPH_URL.")
	}
	return fail("Graph does not answer: "+plain(err)+".", "Let this machine reach "+d.o.GraphURL.Host+" by https.")
}

func (d *Desk) mayReadPeople(ctx context.Context) Finding {
	if _, err := d.lines.Graph.Look(ctx, "/users", one(), false); err != nil {
		return d.refused(err, "User.Read.All")
	}
	return ok("People can be read.")
}

func (d *Desk) mayReadGroups(ctx context.Context) Finding {
	if _, err := d.lines.Graph.Look(ctx, "/groups", one(), false); err != nil {
		return d.refused(err, "GroupMember.Read.All")
	}
	return ok("Groups can be read.")
}

func (d *Desk) mayReadMembers(ctx context.Context) Finding {
	raw, err := d.lines.Graph.Look(ctx, "/groups", one(), false)
	if err != nil {
		return d.refused(err, "GroupMember.Read.All")
	}
	group := idIn(raw)
	if group == "" {
		return unknown("There is no group to try it with.", "")
	}
	if _, err := d.lines.Graph.Look(ctx, "/groups/"+url.PathEscape(group)+"/transitiveMembers/microsoft.graph.user", one("$count", "true"), true); err != nil {
		return d.refused(err, "GroupMember.Read.All")
	}
	return ok("Members of groups can be read.")
}

// mayReadChannels is useful rather than needed: the bot itself sees the channels of
// teams it is in.
func (d *Desk) mayReadChannels(ctx context.Context) Finding {
	raw, err := d.lines.Graph.Look(ctx, "/groups", one("$filter", "resourceProvisioningOptions/Any(x:x eq 'Team')", "$count", "true"), true)
	if err != nil {
		return d.refused(err, "GroupMember.Read.All")
	}
	team := idIn(raw)
	if team == "" {
		return unknown("There is no team to try it with.", "")
	}
	if _, err = d.lines.Graph.Look(ctx, "/teams/"+url.PathEscape(team)+"/channels", url.Values{"$select": {"id"}}, false); err == nil {
		return ok("Channels can be read.")
	}
	f := d.refused(err, "Channel.ReadBasic.All")
	if f.State == Failed && broadcast.AsFault(err).Status == http.StatusForbidden {
		f.State, f.Remedy = Warning, "Without it only channels of teams the app is in can be chosen. "+grant
	}
	return f
}

func (d *Desk) mayReadCatalogue(ctx context.Context) Finding {
	if _, err := d.apps(ctx); err != nil {
		return d.refused(err, "AppCatalog.Read.All")
	}
	return ok("The catalogue can be read.")
}

// mayReadInstalled looks at the apps of somebody we know. That we may also install is
// seen from what was consented to: trying it would install.
func (d *Desk) mayReadInstalled(ctx context.Context) Finding {
	if d.o.Database == nil {
		return unknown("Whom to look at stands in the database, which cannot be read.", "Mend the database first.")
	}
	id, err := d.o.Database.Somebody(ctx)
	if err != nil {
		return unknown("Whom to look at stands in the database, which cannot be read.", "Mend the database first.")
	}
	if id == "" {
		return unknown("Nobody is known yet to try it with.", "Wait until the directory has been read, and check again.")
	}
	_, err = d.lines.Graph.Look(ctx, "/users/"+url.PathEscape(string(id))+"/teamwork/installedApps", url.Values{
		"$expand": {"teamsApp"}, "$filter": {"teamsApp/externalId eq '" + d.o.ManifestID + "'"},
	}, false)
	if err != nil {
		needed, _ := d.permissions()
		return d.refused(err, needed[len(needed)-1].name)
	}
	return ok("Installed apps can be read; whether Fanfare may install is seen under “Admin consent”.")
}

// entry is our app in the organisation's catalogue (protocol F.2).
type entry struct {
	Name        string `json:"displayName"`
	Method      string `json:"distributionMethod"`
	Definitions []struct {
		Version string `json:"version"`
		State   string `json:"publishingState"`
	} `json:"appDefinitions"`
}

// version is the newest one that is published, "" where Graph tells none.
func (e entry) version() string {
	newest := ""
	for _, v := range e.Definitions {
		if (v.State == "" || strings.EqualFold(v.State, "published")) && (newest == "" || upkeep.Older(newest, v.Version)) {
			newest = v.Version
		}
	}
	return newest
}

func (d *Desk) apps(ctx context.Context) ([]entry, error) {
	raw, err := d.lines.Graph.Look(ctx, "/appCatalogs/teamsApps", url.Values{
		"$filter": {"externalId eq '" + d.o.ManifestID + "'"}, "$expand": {"appDefinitions"},
	}, false)
	if err != nil {
		return nil, err
	}
	var page struct {
		Value []entry `json:"value"`
	}
	err = json.Unmarshal(raw, &page)
	return page.Value, err
}
