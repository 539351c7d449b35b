package teams

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"github.com/fanfare/fanfare/broadcast"
)

type newConversation struct {
	Bot         account     `json:"bot"`
	Members     []account   `json:"members"`
	IsGroup     bool        `json:"isGroup"`
	TenantID    string      `json:"tenantId"`
	ChannelData tenantField `json:"channelData"`
}

type tenantField struct {
	Tenant struct {
		ID string `json:"id"`
	} `json:"tenant"`
}

// Open gets or creates the conversation with a person who has the bot. It sends
// nothing, so it may be repeated. The person is named by the channel account ID if
// it is known, else by the directory ID, which Teams takes as well (protocol C.1).
func (c *Client) Open(ctx context.Context, id broadcast.EntraID, known broadcast.ConversationReference) (broadcast.ConversationReference, error) {
	none := broadcast.ConversationReference{}
	to, err := c.place(known.ServiceURL)
	if err != nil {
		return none, err
	}
	member := cmp.Or(known.ChannelAccountID, string(id))
	if !usable(member) {
		return none, unusable(CodeID, "neither directory ID nor channel account ID is known")
	}
	ask := newConversation{Bot: c.bot, Members: []account{{ID: member}}, TenantID: c.tenant}
	ask.ChannelData.Tenant.ID = c.tenant
	body, err := encode(ask)
	if err != nil {
		return none, fmt.Errorf("writing a request for a conversation: %w", err)
	}
	body, err = c.do(ctx, &call{method: http.MethodPost, to: to, path: "/v3/conversations", body: body})
	if err != nil {
		return none, err
	}
	var got struct {
		ID         string `json:"id"`
		ServiceURL string `json:"serviceUrl"`
	}
	if err := json.Unmarshal(body, &got); err != nil || got.ID == "" {
		return none, Unreadable("Teams made a conversation but did not name it")
	}
	at := broadcast.ConversationReference{
		ServiceURL: cmp.Or(known.ServiceURL, c.fallback), ConversationID: got.ID, ChannelAccountID: known.ChannelAccountID,
	}
	if got.ServiceURL != "" && got.ServiceURL != at.ServiceURL {
		if err := c.hosts.Allow(got.ServiceURL); err != nil {
			c.log.WarnContext(ctx, "a conversation's service URL is not used", "cause", err)
		} else {
			at.ServiceURL = got.ServiceURL
		}
	}
	return at, nil
}

// MemberPage is one page of a conversation's roster; Next is "" at the end.
type MemberPage struct {
	Members []Account
	Next    string
}

// memberPageSize is the most Teams gives at once (protocol C, "Paged members").
const memberPageSize = "500"

// Members reads a page of the people in a conversation or team; after is the Next of
// the page before, "" for the first.
func (c *Client) Members(ctx context.Context, in broadcast.ConversationReference, after string) (MemberPage, error) {
	q := url.Values{"pageSize": {memberPageSize}}
	if after != "" {
		q.Set("continuationToken", after)
	}
	body, err := c.Get(ctx, Resource{ServiceURL: in.ServiceURL, Collection: "conversations", ID: in.ConversationID, Part: "pagedmembers", Query: q})
	if err != nil {
		return MemberPage{}, err
	}
	var got struct {
		ContinuationToken string    `json:"continuationToken"`
		Members           []Account `json:"members"`
	}
	if err := json.Unmarshal(body, &got); err != nil {
		return MemberPage{}, Unreadable("the page of members cannot be read")
	}
	return MemberPage{Members: got.Members, Next: got.ContinuationToken}, nil
}

// Resource is something of the Connector's that can be read: /v3/{Collection}/{ID},
// or a Part of it.
type Resource struct {
	ServiceURL, Collection, ID, Part string
	Query                            url.Values
}

// Get reads a resource's JSON; room teams/roster tells what is in it.
func (c *Client) Get(ctx context.Context, r Resource) ([]byte, error) {
	to, err := c.place(r.ServiceURL)
	if err != nil {
		return nil, err
	}
	if !usable(r.ID) {
		return nil, unusable(CodeID, "an ID in the address is empty or cannot stand in a path")
	}
	k := call{method: http.MethodGet, to: to, path: path(r.Collection, r.ID), limit: maxMembers}
	if r.Part != "" {
		k.path = path(r.Collection, r.ID, r.Part)
	}
	if len(r.Query) > 0 {
		k.path += "?" + r.Query.Encode()
	}
	return c.do(ctx, &k)
}

// Unreadable is a success whose body makes no sense: worth another try, as nothing
// was sent.
func Unreadable(detail string) *broadcast.Fault {
	return &broadcast.Fault{
		Class: broadcast.Transient, Scope: broadcast.ScopeRecipient, Reason: broadcast.ReasonTrouble,
		Status: http.StatusOK, Code: CodeAnswer, Detail: detail,
	}
}
