package teams

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/simulator"
)

// patience bounds every wait for an event.
const patience = 20 * time.Second

// world is a simulated Microsoft over HTTPS, our client in it, and a bot endpoint
// that checks tokens as the product does.
type world struct {
	*testing.T
	sim      *simulator.Simulator
	base     string // https://127.0.0.1:port
	http     *http.Client
	wire     *Wire
	hosts    HostList
	client   *Client
	tokens   TokenSource
	verifier *Verifier
	seen     chan delivery
}

// delivery is an activity that knocked, and what the check said of it.
type delivery struct {
	activity *Activity
	err      error
}

func newWorld(t *testing.T, change ...func(*simulator.Options)) *world {
	t.Helper()
	o := simulator.DefaultOptions()
	o.ConnectorRate, o.GraphInstallRate, o.EventDelay = 0, 0, time.Millisecond
	for _, c := range change {
		c(&o)
	}
	sim, err := simulator.New(o)
	if err != nil {
		t.Fatal(err)
	}
	server, err := simulator.Listen(t.Context(), "127.0.0.1:0", sim)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{T: t, sim: sim, base: server.URL(), seen: make(chan delivery, 64)}
	bot := httptest.NewServer(http.HandlerFunc(w.knock))
	sim.SetBotEndpoint(bot.URL)
	t.Cleanup(func() {
		_ = sim.Close()
		_ = server.Close()
		bot.Close()
	})
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(sim.CACertPEM())
	transport := NewTransport(16, roots)
	t.Cleanup(transport.CloseIdleConnections)
	w.http = &http.Client{Transport: transport}
	w.wire = NewWire(WireOptions{Roots: roots, Conns: 16})
	t.Cleanup(w.wire.Close)
	w.hosts = hostList(t, must(url.Parse(w.base)).Host)
	w.tokens = CredentialToken(w.credential(simulator.DefaultClientSecret), DefaultScope, time.Now)
	w.client = w.newClient()
	w.verifier = must(NewVerifier(VerifierOptions{
		MetadataURL: w.base + "/v1/.well-known/openidconfiguration", BotID: simulator.DefaultBotID,
		TenantID: simulator.DefaultTenantID, Hosts: w.hosts, HTTP: w.http,
	}))
	return w
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func hostList(t testing.TB, hosts ...string) HostList {
	t.Helper()
	list, err := ParseHostList(hosts)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func (w *world) newClient(change ...func(*Options)) *Client {
	o := Options{
		HTTP: w.http, Wire: w.wire, Token: w.tokens, BotID: simulator.DefaultBotID, BotName: "Newsroom", TenantID: simulator.DefaultTenantID,
		Hosts: w.hosts, FallbackServiceURL: w.base + "/teams/", Composer: must(NewComposer(ComposerOptions{BotID: simulator.DefaultBotID})),
	}
	for _, c := range change {
		c(&o)
	}
	return must(NewClient(o))
}

// credential is azidentity as it comes, pointed at the simulator.
func (w *world) credential(secret string) azcore.TokenCredential {
	return must(azidentity.NewClientSecretCredential(simulator.DefaultTenantID, simulator.DefaultBotID, secret,
		&azidentity.ClientSecretCredentialOptions{DisableInstanceDiscovery: true, ClientOptions: policy.ClientOptions{
			Cloud:     cloud.Configuration{ActiveDirectoryAuthorityHost: w.base},
			Transport: w.http, Retry: policy.RetryOptions{MaxRetries: -1},
		}}))
}

// knock is the bot endpoint: token, body, activity, in the order of the product.
func (w *world) knock(rw http.ResponseWriter, r *http.Request) {
	token, err := w.verifier.CheckToken(r.Context(), r.Header.Get("Authorization"))
	body, _ := io.ReadAll(r.Body)
	activity, parseErr := ParseActivity(body)
	if parseErr != nil {
		w.Errorf("the simulator's activity cannot be read: %v", parseErr)
		return
	}
	if err == nil {
		err = token.CheckActivity(activity)
	}
	select {
	case w.seen <- delivery{activity, err}:
	default:
	}
	if activity.Type == "invoke" {
		rw.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(rw).Encode(Notice("because"))
	}
}

// person is somebody in the simulated organisation.
type person struct {
	*world
	id broadcast.EntraID
}

func (w *world) person(number int) person {
	return person{w, broadcast.EntraID(simulator.EntraID(number))}
}

// next waits for the next activity of a kind in this person's chat.
func (p person) next(kind Kind) delivery {
	p.Helper()
	deadline := time.After(patience)
	for {
		select {
		case d := <-p.seen:
			if who, _ := d.activity.Person(); who == p.id && d.activity.Kind() == kind {
				return d
			}
		case <-deadline:
			p.Fatalf("no activity of kind %s came", kind)
		}
	}
}

// does something in their Teams window and returns the answer's body.
func (p person) does(verb string, body any) []byte {
	p.Helper()
	raw := must(json.Marshal(body))
	resp, err := p.http.Post(p.base+"/_simulator/people/"+string(p.id)+"/"+verb, "application/json", bytes.NewReader(raw))
	if err != nil {
		p.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, _ := io.ReadAll(resp.Body)
	if resp.StatusCode >= 300 {
		p.Fatalf("%s: %s %s", verb, resp.Status, answer)
	}
	return answer
}

// installed has the bot, and an open conversation.
func (p person) installed() broadcast.ConversationReference {
	p.Helper()
	p.does("install", nil)
	d := p.next(BotAdded)
	if d.err != nil {
		p.Fatal(d.err)
	}
	return d.activity.Reference()
}

// chat reads what stands in their chat with the bot.
func (p person) chat() []chatMessage {
	p.Helper()
	resp, err := p.http.Get(p.base + "/_simulator/people/" + string(p.id))
	if err != nil {
		p.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var got struct {
		Chat struct {
			Messages []chatMessage `json:"messages"`
		} `json:"chat"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&got); err != nil {
		p.Fatal(err)
	}
	return got.Chat.Messages
}

type chatMessage struct {
	ID      string            `json:"id"`
	Text    string            `json:"text"`
	Summary string            `json:"summary"`
	Cards   []json.RawMessage `json:"cards"`
	Edited  bool              `json:"edited"`
	Deleted bool              `json:"deleted"`
}

// fixedToken is a TokenSource for tests that do not go through Entra.
type fixedToken struct {
	mu      sync.Mutex
	dropped []string
	tokens  []string // given in turn; the last one for ever
	asked   int
	err     error
}

func (f *fixedToken) Token(ctx context.Context) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked++
	if f.err != nil {
		return "", f.err
	}
	return f.tokens[min(len(f.dropped), len(f.tokens)-1)], ctx.Err()
}

func (f *fixedToken) Drop(token string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.dropped = append(f.dropped, token)
}
