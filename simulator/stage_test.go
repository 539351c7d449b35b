package simulator_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/fanfare/fanfare/simulator"
)

// patience bounds every wait for an event.
const patience = 15 * time.Second

// stage is a simulator on a port, a bot that listens, and a client.
type stage struct {
	t      testing.TB
	sim    *simulator.Simulator
	server *simulator.Server
	client *http.Client
	bot    *listener

	mu     sync.Mutex
	tokens map[string]string
}

// quick are options without limits and without bad luck on the way.
func quick(o *simulator.Options) {
	o.ConnectorRate, o.GraphInstallRate, o.EventDelay = 0, 0, 5*time.Millisecond
}

func newStage(t testing.TB, change ...func(*simulator.Options)) *stage {
	t.Helper()
	o := simulator.DefaultOptions()
	quick(&o)
	for _, f := range change {
		f(&o)
	}
	bot := newListener(t)
	o.BotEndpoint = bot.url
	sim, err := simulator.New(o)
	if err != nil {
		t.Fatal(err)
	}
	server, err := simulator.Listen(t.Context(), "127.0.0.1:0", sim)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Close()
		_ = sim.Close()
	})
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(sim.CACertPEM()) {
		t.Fatal("the CA is no certificate")
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, MaxIdleConnsPerHost: 32}
	t.Cleanup(transport.CloseIdleConnections)
	client := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return &stage{t: t, sim: sim, server: server, client: client, bot: bot, tokens: map[string]string{}}
}

// credential is azidentity as it comes, pointed at the simulator.
func (s *stage) credential(secret string) azcore.TokenCredential {
	s.t.Helper()
	cred, err := azidentity.NewClientSecretCredential(simulator.DefaultTenantID, simulator.DefaultBotID, secret,
		&azidentity.ClientSecretCredentialOptions{DisableInstanceDiscovery: true, ClientOptions: s.options()})
	if err != nil {
		s.t.Fatal(err)
	}
	return cred
}

func (s *stage) options() policy.ClientOptions {
	return policy.ClientOptions{
		Cloud:     cloud.Configuration{ActiveDirectoryAuthorityHost: s.server.URL()},
		Transport: s.client, Retry: policy.RetryOptions{MaxRetries: -1},
	}
}

const (
	botScope   = "https://api.botframework.com/.default"
	graphScope = "https://graph.microsoft.com/.default"
)

func (s *stage) token(scope string) string {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tokens[scope] == "" {
		token, err := s.credential(simulator.DefaultClientSecret).GetToken(s.t.Context(), policy.TokenRequestOptions{Scopes: []string{scope}})
		if err != nil {
			s.t.Fatal(err)
		}
		s.tokens[scope] = token.Token
	}
	return s.tokens[scope]
}

// reply is an answer with its body read.
type reply struct {
	status int
	header http.Header
	body   string
}

func (r reply) json(t testing.TB) map[string]any {
	t.Helper()
	var out map[string]any
	if err := json.Unmarshal([]byte(r.body), &out); err != nil {
		t.Fatalf("%v in answer %d %q", err, r.status, r.body)
	}
	return out
}

// code is the error code of either error shape.
func (r reply) code() string {
	var out struct {
		Error   struct{ Code string }
		Message string
	}
	_ = json.Unmarshal([]byte(r.body), &out)
	var inner struct{ SubCode string }
	if json.Unmarshal([]byte(out.Message), &inner) == nil {
		return inner.SubCode
	}
	return out.Error.Code
}

func (s *stage) request(method, target, token string, body any, change ...func(*http.Request)) reply {
	s.t.Helper()
	var reader io.Reader
	switch b := body.(type) {
	case nil:
	case []byte:
		reader = bytes.NewReader(b)
	default:
		raw, err := json.Marshal(b)
		if err != nil {
			s.t.Fatal(err)
		}
		reader = bytes.NewReader(raw)
	}
	if strings.HasPrefix(target, "/") {
		target = s.server.URL() + target
	}
	req, err := http.NewRequestWithContext(s.t.Context(), method, target, reader)
	if err != nil {
		s.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if reader != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, f := range change {
		f(req)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return reply{status: -1, body: err.Error()}
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return reply{resp.StatusCode, resp.Header, string(raw)}
}

func (s *stage) graph(method, path string, body any, change ...func(*http.Request)) reply {
	s.t.Helper()
	return s.request(method, "/v1.0"+path, s.token(graphScope), body, change...)
}

func eventual(r *http.Request) { r.Header.Set("ConsistencyLevel", "eventual") }

func (s *stage) connector(method, path string, body any) reply {
	s.t.Helper()
	return s.request(method, "/emea/"+simulator.DefaultTenantID+"/v3"+path, s.token(botScope), body)
}

func bind() map[string]any {
	return map[string]any{
		"@odata.type":         "#microsoft.graph.userScopeTeamsAppInstallation",
		"teamsApp@odata.bind": "https://graph.microsoft.com/v1.0/appCatalogs/teamsApps/" + simulator.DefaultTeamsAppID,
	}
}

func (s *stage) install(n int) reply {
	s.t.Helper()
	return s.graph("POST", "/users/"+simulator.EntraID(n)+"/teamwork/installedApps", bind())
}

func (s *stage) create(n int) reply {
	s.t.Helper()
	return s.connector("POST", "/conversations", createBody(simulator.EntraID(n)))
}

func createBody(member string) map[string]any {
	return map[string]any{
		"bot": map[string]any{"id": "28:" + simulator.DefaultBotID}, "members": []any{map[string]any{"id": member}},
		"isGroup": false, "tenantId": simulator.DefaultTenantID,
		"channelData": map[string]any{"tenant": map[string]any{"id": simulator.DefaultTenantID}},
	}
}

// chat installs the bot for person n and opens the conversation.
func (s *stage) chat(n int) string {
	s.t.Helper()
	if r := s.install(n); r.status != 201 && r.status != 409 {
		s.t.Fatalf("install: %d %s", r.status, r.body)
	}
	r := s.create(n)
	if r.status != 201 {
		s.t.Fatalf("create: %d %s", r.status, r.body)
	}
	return r.json(s.t)["id"].(string)
}

func card(text string) map[string]any {
	return map[string]any{"type": "message", "summary": text, "attachments": []any{map[string]any{
		"contentType": "application/vnd.microsoft.card.adaptive",
		"content": map[string]any{"type": "AdaptiveCard", "version": "1.5", "body": []any{
			map[string]any{"type": "TextBlock", "text": text},
		}},
	}}}
}

func (s *stage) send(conversation string, activity any) reply {
	s.t.Helper()
	return s.connector("POST", "/conversations/"+url.PathEscape(conversation)+"/activities", activity)
}

func (s *stage) control(method, path string, body any) reply {
	s.t.Helper()
	return s.request(method, "/_simulator"+path, "", body)
}

// listener is a bot's endpoint that writes down what it hears.
type listener struct {
	url    string
	mu     sync.Mutex
	heard  []heard
	signal chan struct{}
	answer func(h heard) (status int, body string)
}

type heard struct {
	activity map[string]any
	token    string
	at       time.Time
}

func (h heard) kind() string { k, _ := h.activity["type"].(string); return k }

func (h heard) from() string {
	from, _ := h.activity["from"].(map[string]any)
	id, _ := from["aadObjectId"].(string)
	return id
}

func newListener(t testing.TB) *listener {
	l := &listener{signal: make(chan struct{}, 1)}
	server := httptest.NewServer(l)
	t.Cleanup(server.Close)
	l.url = server.URL + "/api/messages"
	return l
}

// ServeHTTP answers 200 unless the test says otherwise.
func (l *listener) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	var h heard
	if err := json.NewDecoder(r.Body).Decode(&h.activity); err != nil {
		http.Error(rw, err.Error(), http.StatusBadRequest)
		return
	}
	h.token, h.at = strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), time.Now()
	l.mu.Lock()
	l.heard = append(l.heard, h)
	answer := l.answer
	l.mu.Unlock()
	select {
	case l.signal <- struct{}{}:
	default:
	}
	if answer != nil {
		status, body := answer(h)
		rw.WriteHeader(status)
		_, _ = fmt.Fprint(rw, body)
	}
}

func (l *listener) answers(f func(h heard) (int, string)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answer = f
}

func (l *listener) all() []heard {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]heard(nil), l.heard...)
}

// wait returns all that matches once there are that many.
func (l *listener) wait(t *testing.T, count int, match func(heard) bool) []heard {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		var found []heard
		for _, h := range l.all() {
			if match(h) {
				found = append(found, h)
			}
		}
		if len(found) >= count {
			return found
		}
		select {
		case <-l.signal:
		case <-ctx.Done():
			t.Fatalf("waited for %d events, heard %d of %d", count, len(found), len(l.all()))
		}
	}
}

// quiet waits until no event is on its way any more.
func (s *stage) quiet() {
	s.t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for s.sim.Report().EventsPending > 0 {
		select {
		case <-tick.C:
		case <-deadline:
			s.t.Fatal("events are still on their way")
		}
	}
}
