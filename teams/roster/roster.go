package roster

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/places"
	"github.com/fanfare/fanfare/teams"
)

// Wire is places.Wire over the Connector.
type Wire struct {
	Client   *teams.Client
	TenantID string // members of other tenants are not in our directory
}

var _ places.Wire = Wire{}

// Details reads GET /v3/teams/{team}.
func (w Wire) Details(ctx context.Context, serviceURL, teamID string) (places.Place, error) {
	var got struct {
		Name       string `json:"name"`
		AADGroupID string `json:"aadGroupId"`
	}
	err := w.get(ctx, teams.Resource{ServiceURL: serviceURL, Collection: "teams", ID: teamID}, &got)
	return places.Place{Kind: places.Team, ID: teamID, Name: got.Name, EntraGroupID: strings.ToLower(got.AADGroupID)}, err
}

// Channels reads GET /v3/teams/{team}/conversations. General has no name there.
func (w Wire) Channels(ctx context.Context, serviceURL, teamID string) ([]places.Channel, error) {
	var got struct {
		Conversations []struct {
			ID   string `json:"id"`
			Name string `json:"name"`
		} `json:"conversations"`
	}
	if err := w.get(ctx, teams.Resource{ServiceURL: serviceURL, Collection: "teams", ID: teamID, Part: "conversations"}, &got); err != nil {
		return nil, err
	}
	var out []places.Channel
	for _, c := range got.Conversations {
		if c.ID != "" {
			out = append(out, places.Channel{ID: c.ID, TeamID: teamID, Name: c.Name, State: places.Here, Listed: true})
		}
	}
	return out, nil
}

func (w Wire) get(ctx context.Context, r teams.Resource, into any) error {
	body, err := w.Client.Get(ctx, r)
	if err != nil {
		return err
	}
	if json.Unmarshal(body, into) != nil {
		return teams.Unreadable("the answer about a team cannot be read")
	}
	return nil
}

// Members reads a page of GET /v3/conversations/{team}/pagedmembers. Whoever has no
// directory ID of our tenant (anonymous people, people of a shared channel's other
// tenants) is nobody we could write to, and is left out.
func (w Wire) Members(ctx context.Context, serviceURL, teamID, cursor string) (places.Page, error) {
	page, err := w.Client.Members(ctx, broadcast.ConversationReference{ServiceURL: serviceURL, ConversationID: teamID}, cursor)
	if err != nil {
		return places.Page{}, err
	}
	out := places.Page{Next: page.Next}
	for _, m := range page.Members {
		foreign := m.TenantID != "" && !strings.EqualFold(m.TenantID, w.TenantID)
		if id := m.EntraID(); id != "" && !foreign && !strings.EqualFold(m.UserRole, "anonymous") {
			out.Members = append(out.Members, places.Member{EntraID: id, ChannelAccountID: m.ID, Name: m.Name})
		}
	}
	return out, nil
}
