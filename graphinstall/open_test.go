package graphinstall_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/places"
	"github.com/fanfare/fanfare/simulator"
	"github.com/fanfare/fanfare/teams"
	"github.com/fanfare/fanfare/teams/roster"
)

// berlin is the team the simulator's bot is in: every seventh person.
const berlin = "19:exampleteam0001@thread.tacv2"

// connects gives the installer the Connector as a second way to chats, and has the
// bot hear who is in the Berlin team.
func (s *stage) connects() *teams.Client {
	s.t.Helper()
	base := strings.TrimSuffix(s.options.Graph.BaseURL(), "/v1.0")
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(s.sim.CACertPEM())
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}
	s.t.Cleanup(transport.CloseIdleConnections)
	client := &http.Client{Transport: transport}
	token := clientcredentials.Config{
		ClientID: simulator.DefaultBotID, ClientSecret: simulator.DefaultClientSecret, Scopes: []string{teams.DefaultScope},
		TokenURL: base + "/" + simulator.DefaultTenantID + "/oauth2/v2.0/token",
	}
	host, err := url.Parse(base)
	if err != nil {
		s.t.Fatal(err)
	}
	hosts, err := teams.ParseHostList([]string{host.Host})
	if err != nil {
		s.t.Fatal(err)
	}
	composer, err := teams.NewComposer(teams.ComposerOptions{BotID: simulator.DefaultBotID})
	if err != nil {
		s.t.Fatal(err)
	}
	c, err := teams.NewClient(teams.Options{
		HTTP: client, Token: bearer{token.TokenSource(context.WithValue(context.Background(), oauth2.HTTPClient, client))},
		BotID: simulator.DefaultBotID, TenantID: simulator.DefaultTenantID, Hosts: hosts, FallbackServiceURL: base + "/teams/", Composer: composer,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	s.options.Open = places.New(places.Config{Ledger: s.st, Messenger: c}).Open
	page, err := roster.Wire{Client: c, TenantID: simulator.DefaultTenantID}.Members(s.t.Context(), base+"/emea/", berlin, "")
	if err != nil || len(page.Members) == 0 {
		s.t.Fatalf("%+v: %v", page, err)
	}
	if err := s.st.Hear(s.t.Context(), places.Event{
		Kind: places.Joined, Place: places.Place{Kind: places.Team, ID: berlin, ServiceURL: base + "/emea/"}, People: page.Members, At: s.now(),
	}); err != nil {
		s.t.Fatal(err)
	}
	return c
}

type bearer struct{ oauth2.TokenSource }

func (b bearer) Token(context.Context) (string, error) {
	t, err := b.TokenSource.Token()
	if err != nil {
		return "", err
	}
	return t.AccessToken, nil
}

func (bearer) Drop(string) {}

// TestAChatIsOpenedWithTheAccountARosterTold: who has the app and whose event never
// came gets the conversation through the Connector if anything told how Teams calls
// them, and through Graph if not.
func TestAChatIsOpenedWithTheAccountARosterTold(t *testing.T) {
	t.Parallel()
	s := newStage(t, 14)
	s.connects()
	if r := s.rollout(); r.Addressed != 0 || r.Installed != 0 {
		t.Fatalf("a roster made somebody ready: %+v", r)
	}
	i := s.installer()
	s.until(i, "everybody addressed", func() bool { return s.rollout().Addressed == 14 })
	for n := 1; n <= 14; n++ {
		at, err := s.st.Address(t.Context(), person(n))
		if err != nil {
			t.Fatal(err)
		}
		if told := n%7 == 0; told != strings.HasPrefix(at.ConversationID, "a:") || told != strings.HasPrefix(at.ChannelAccountID, "29:") || told != strings.Contains(at.ServiceURL, "/emea/") {
			t.Errorf("person %d: %+v", n, at)
		}
	}
	if chats, created := s.requests("graph.chat"), s.requests("create"); chats != 12 || created != 2 {
		t.Errorf("%d chats read through Graph, %d opened through the Connector", chats, created)
	}
}

// TestTheConnectorIsAskedWhenGraphKnowsNoChat: by the directory ID alone.
func TestTheConnectorIsAskedWhenGraphKnowsNoChat(t *testing.T) {
	t.Parallel()
	s := newStage(t, 3)
	s.connects()
	s.fail(simulator.Fault{Operation: "graph.chat", Status: 404})
	i := s.installer()
	s.until(i, "everybody addressed", func() bool { return s.rollout().Addressed == 3 })
	if at, err := s.st.Address(t.Context(), person(2)); err != nil || !strings.HasPrefix(at.ConversationID, "a:") || at.ChannelAccountID != "" {
		t.Errorf("%+v: %v", at, err)
	}
}

// TestNobodyIsBroughtBackByARoster: who removed the app or blocked the bot is in rosters
// all the same.
func TestNobodyIsBroughtBackByARoster(t *testing.T) {
	t.Parallel()
	s := newStage(t, 14)
	for n, state := range map[int]broadcast.InstallationState{7: broadcast.InstallationRemoved, 14: broadcast.InstallationBlocked} {
		if err := s.st.BotGone(t.Context(), person(n), state); err != nil {
			t.Fatal(err)
		}
	}
	s.connects()
	i := s.installer()
	s.until(i, "everybody else addressed", func() bool { return s.rollout().Addressed == 12 })
	s.pass(24 * time.Hour)
	s.work(i)
	if r := s.rollout(); r.Removed != 1 || r.Blocked != 1 || r.Addressed != 12 || s.requests("create") != 0 {
		t.Errorf("%+v; %d chats opened", r, s.requests("create"))
	}
}
