package roster_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/places"
	"github.com/fanfare/fanfare/teams"
	"github.com/fanfare/fanfare/teams/roster"
)

const (
	tenant = "7d1f0c52-2c11-4a57-9e59-3f0a5a0be001"
	team   = "19:exampleteam0001@thread.tacv2"
)

// connector answers every request with one body and remembers the last address.
type connector struct {
	roster.Wire
	url    string
	status int
	body   string
	asked  *http.Request
}

type token string

func (t token) Token(context.Context) (string, error) { return string(t), nil }
func (token) Drop(string)                             {}

func newConnector(t *testing.T) *connector {
	t.Helper()
	c := &connector{status: http.StatusOK}
	server := httptest.NewTLSServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		c.asked = r
		rw.WriteHeader(c.status)
		_, _ = rw.Write([]byte(c.body))
	}))
	t.Cleanup(server.Close)
	at, err := url.Parse(server.URL)
	must(t, err)
	hosts, err := teams.ParseHostList([]string{at.Host})
	must(t, err)
	composer, err := teams.NewComposer(teams.ComposerOptions{BotID: "bot"})
	must(t, err)
	client, err := teams.NewClient(teams.Options{
		HTTP: server.Client(), Token: token("t"), BotID: "bot", TenantID: tenant, Hosts: hosts, FallbackServiceURL: server.URL, Composer: composer,
	})
	must(t, err)
	c.url, c.Wire = server.URL+"/emea/"+tenant, roster.Wire{Client: client, TenantID: tenant} // without a slash at its end
	return c
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestMembersAreThoseOfOurDirectory(t *testing.T) {
	t.Parallel()
	c := newConnector(t)
	c.body = `{"continuationToken":"a/b+c=&d?e","unknown":{"x":[1]},"members":[
		{"id":"29:both","objectId":"0B1EC700-0001-4000-8000-00000000a11c","aadObjectId":"0b1ec700-0001-4000-8000-00000000A11C","name":"Ada","tenantId":"` + strings.ToUpper(tenant) + `","userRole":"user"},
		{"id":"29:old","objectId":"BO"},
		{"id":"29:new","aadObjectId":"CY","userRole":"guest"},
		{"id":"29:anonymous","userRole":"anonymous"},
		{"id":"29:anonymous2","aadObjectId":"DI","userRole":"Anonymous"},
		{"id":"29:foreign","aadObjectId":"EM","tenantId":"99999999-9999-4999-8999-999999999999"},
		{"id":"28:another-bot","name":"Echo"}]}`
	page, err := c.Members(t.Context(), c.url, team, "")
	must(t, err)
	want := places.Page{Next: "a/b+c=&d?e", Members: []places.Member{
		{EntraID: "0b1ec700-0001-4000-8000-00000000a11c", ChannelAccountID: "29:both", Name: "Ada"},
		{EntraID: "bo", ChannelAccountID: "29:old"},
		{EntraID: "cy", ChannelAccountID: "29:new"},
	}}
	if diff := cmp.Diff(want, page); diff != "" {
		t.Error(diff)
	}
	if got := c.asked.URL.EscapedPath(); got != "/emea/"+tenant+"/v3/conversations/19%3Aexampleteam0001%40thread.tacv2/pagedmembers" {
		t.Errorf("asked for %s", got)
	}
	c.body = `{"members":[]}`
	page, err = c.Members(t.Context(), c.url, team, page.Next)
	must(t, err)
	if got := c.asked.URL.Query(); got.Get("continuationToken") != "a/b+c=&d?e" || got.Get("pageSize") != "500" || page.Next != "" || len(page.Members) != 0 {
		t.Errorf("asked for %v, got %+v", got, page)
	}
}

func TestATeamsDetailsAndAllItsChannelsAreRead(t *testing.T) {
	t.Parallel()
	c := newConnector(t)
	c.body = `{"id":"` + team + `","name":"Ops","aadGroupId":"60000000-0000-4000-8000-00000000AB1E","channelCount":2,"memberCount":7}`
	details, err := c.Details(t.Context(), c.url, team)
	must(t, err)
	if want := (places.Place{Kind: places.Team, ID: team, Name: "Ops", EntraGroupID: "60000000-0000-4000-8000-00000000ab1e"}); details != want {
		t.Errorf("%+v", details)
	}
	if got := c.asked.URL.EscapedPath(); !strings.HasSuffix(got, "/v3/teams/19%3Aexampleteam0001%40thread.tacv2") {
		t.Errorf("asked for %s", got)
	}
	c.body = `{"conversations":[{"id":"` + team + `","name":null},{"id":"19:news@thread.tacv2","name":"News"},{"id":"19:news2@thread.tacv2","name":"News","type":"standard"},{}]}`
	channels, err := c.Channels(t.Context(), c.url, team)
	must(t, err)
	var got []string
	for _, ch := range channels {
		got = append(got, fmt.Sprint(ch.ID, " ", ch.Words(), " ", ch.General(), " ", ch.Listed, " ", ch.TeamID == team))
	}
	want := []string{team + " General true true true", "19:news@thread.tacv2 News false true true", "19:news2@thread.tacv2 News false true true"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAnswersThatMakeNoSenseAreTrouble(t *testing.T) {
	t.Parallel()
	c := newConnector(t)
	calls := map[string]func(url, team string) error{
		"details":  func(url, team string) error { _, err := c.Details(t.Context(), url, team); return err },
		"channels": func(url, team string) error { _, err := c.Channels(t.Context(), url, team); return err },
		"members":  func(url, team string) error { _, err := c.Members(t.Context(), url, team, ""); return err },
	}
	for name, call := range calls {
		var f *broadcast.Fault
		for _, body := range []string{"", "<html>", `"x"`, `{"conversations":7,"members":7,"name":7}`} {
			c.body = body
			if err := call(c.url, team); !errors.As(err, &f) || f.Class != broadcast.Transient || f.MaybeSent {
				t.Errorf("%s of %q: %v", name, body, err)
			}
		}
		c.body, c.status = `{"error":{"code":"BotNotInConversationRoster"}}`, http.StatusForbidden
		if err := call(c.url, team); !errors.As(err, &f) || f.Reason != broadcast.ReasonRemoved {
			t.Errorf("%s: %v", name, err)
		}
		c.status, c.asked = http.StatusOK, nil
		for _, bad := range [][2]string{{"https://evil.example/", team}, {c.url, ".."}, {c.url, ""}} {
			if err := call(bad[0], bad[1]); !errors.As(err, &f) || f.Class != broadcast.Permanent || c.asked != nil {
				t.Errorf("%s of %v: %v", name, bad, err)
			}
		}
	}
}
