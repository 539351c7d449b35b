package web

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/auth"
	"github.com/fanfare/fanfare/broadcast"
	listed "github.com/fanfare/fanfare/broadcast/lists"
	noun "github.com/fanfare/fanfare/broadcast/person"
	"github.com/fanfare/fanfare/broadcast/who"
	"github.com/fanfare/fanfare/fatigue"
	"github.com/fanfare/fanfare/gather"
	"github.com/fanfare/fanfare/join"
	"github.com/fanfare/fanfare/places"
	"github.com/fanfare/fanfare/rollout"
	"github.com/fanfare/fanfare/scope"
	"github.com/fanfare/fanfare/simulator"
	"github.com/fanfare/fanfare/store"
	"github.com/fanfare/fanfare/store/storetest"
	"github.com/fanfare/fanfare/teams"
	"github.com/fanfare/fanfare/upkeep"
	"github.com/fanfare/fanfare/welcome"
)

// world is the door with the real service, a real database, the real composer
// and a painted Entra to sign in at.
type world struct {
	t        *testing.T
	st       *store.Store
	service  *broadcast.Service
	lists    *listed.Service
	rollout  *rollout.Service
	keys     *auth.Keys
	door     *Door
	dir      *painted
	entra    *simulator.Server
	url      string
	log      *lockedBuffer
	clock    *clock
	away     atomic.Bool // pages still come, nothing is taken in
	graph    paintedGraph
	stopping chan struct{}
}

const (
	plainHost = "127.0.0.1:9" // allow-listed for plain http in these tests
	cardLimit = 80_000
)

func newWorld(t *testing.T) *world {
	t.Helper()
	sim, entra := paintEntra(t)
	w := &world{
		t: t, st: storetest.New(t), entra: entra, log: &lockedBuffer{}, clock: &clock{now: time.Now().Truncate(time.Second)}, stopping: make(chan struct{}),
	}
	log := slog.New(slog.NewTextHandler(w.log, nil))
	w.dir = &painted{groups: map[string]paintedGroup{}}
	app := httptest.NewUnstartedServer(nil)
	host := app.Listener.Addr().String()
	w.url = "http://" + host
	links := broadcast.Links{PlainHTTP: []string{plainHost, host}}
	directory := &gather.Gatherer{Reader: w.dir, Teams: places.New(places.Config{Ledger: w.st, Lists: w.st}), Sets: w.st, Names: w.st, Now: w.clock.Now}
	scopes := scope.NewService(scope.Config{Ledger: w.st, Vouchers: w.st, Census: w.st, Directory: directory, Now: w.clock.Now, Log: log})
	w.service = broadcast.NewService(broadcast.Config{
		Guard: scopes, Ledger: w.st, Directory: directory, Messenger: messenger(t, links), Links: links, Now: w.clock.Now, Log: log,
	})
	w.rollout = rollout.NewService(rollout.Config{Ledger: w.st, Rings: w.st, Counting: w.st, Samples: w.st, Directory: directory, Now: w.clock.Now, Log: log})
	w.lists = listed.NewService(listed.Config{Ledger: w.st, Shelf: w.st, Directory: w.dir, Now: w.clock.Now})
	w.keys = auth.NewKeys(w.st, w.clock.Now, log)
	doorman, err := auth.NewWeb(auth.WebOptions{
		Authority: entra.URL(), TenantID: simulator.DefaultTenantID, ClientID: simulator.DefaultSignInClientID, ClientSecret: simulator.DefaultSignInSecret,
		PublicURL: w.url, HTTP: trusting(t, sim), Sessions: w.st.Sessions(), Now: w.clock.Now, Log: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	w.door, err = New(Options{
		Service: w.service, People: who.NewService(w.st, 0, w.clock.Now), Lists: w.lists, Scopes: scopes, Welcome: welcome.NewService(welcome.Config{Broadcasts: w.service, App: "Fanfare", Publisher: "Contoso IT", RolledOutBy: w.rollout.RolledOutBy}), Fatigue: fatigue.Limit{Number: 5, Percent: 10}, Upkeep: upkeep.New(upkeep.Config{Ledger: w.st, Records: w.st}), Joins: join.New(join.Config{Ledger: w.st, Finder: teamFinder{}}), Rollout: w.rollout, Auth: doorman, Keys: w.keys, Links: links, Setup: w.desk(trusting(t, sim)), App: theApp{}, SizeLimit: cardLimit, PublicURL: w.url, Version: "test",
		Log: log, Now: w.clock.Now, Stopping: w.stopping,
	})
	if err != nil {
		t.Fatal(err)
	}
	open := engine(w.door)
	app.Config.Handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if w.away.Load() && r.Method != http.MethodGet {
			http.Error(rw, "bad gateway", http.StatusBadGateway) // what a proxy says while the server restarts
			return
		}
		open.ServeHTTP(rw, r)
	})
	app.Start()
	t.Cleanup(app.Close)
	return w
}

func engine(d *Door) http.Handler {
	gin.SetMode(gin.TestMode)
	r := gin.New()
	r.HandleMethodNotAllowed = true
	d.Routes(r)
	r.NoRoute(d.NotFound)
	r.NoMethod(d.NoMethod)
	return http.NewCrossOriginProtection().Handler(r)
}

func paintEntra(t *testing.T) (*simulator.Simulator, *simulator.Server) {
	t.Helper()
	o := simulator.DefaultOptions()
	o.People = 10
	sim, err := simulator.New(o)
	if err != nil {
		t.Fatal(err)
	}
	entra, err := simulator.Listen(context.Background(), "127.0.0.1:0", sim)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = entra.Close(); _ = sim.Close() })
	return sim, entra
}

func trusting(t *testing.T, sim *simulator.Simulator) *http.Client {
	t.Helper()
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(sim.CACertPEM()) {
		t.Fatal("the simulator's certificate cannot be read")
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 10 * time.Second}
}

// noToken is enough for a messenger that only composes here.
type noToken struct{}

func (noToken) Token(context.Context) (string, error) {
	return "", errors.New("no token in these tests")
}
func (noToken) Drop(string) {}

func messenger(t *testing.T, links broadcast.Links) broadcast.Messenger {
	t.Helper()
	composer, err := teams.NewComposer(teams.ComposerOptions{BotID: simulator.DefaultBotID, BotName: "Fanfare", Links: links, Limit: cardLimit})
	if err != nil {
		t.Fatal(err)
	}
	hosts, err := teams.ParseHostList(teams.DefaultHosts())
	if err != nil {
		t.Fatal(err)
	}
	m, err := teams.NewClient(teams.Options{
		HTTP: http.DefaultClient, Token: noToken{}, BotID: simulator.DefaultBotID, BotName: "Fanfare", TenantID: storetest.Tenant, Hosts: hosts, Composer: composer,
		Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// painted is a directory of some groups. The real one
// would make every test of the pages compile Microsoft's SDK.
type painted struct{ groups map[string]paintedGroup }

type paintedGroup struct {
	hit     broadcast.GroupHit
	members []broadcast.EntraID
	broken  bool
}

func (p *painted) Members(_ context.Context, g broadcast.Group) iter.Seq2[broadcast.EntraID, error] {
	return func(yield func(broadcast.EntraID, error) bool) {
		found, ok := p.groups[g.ID]
		if !ok || found.broken {
			yield("", &broadcast.Error{Code: broadcast.Invalid, Field: "audience", Message: fmt.Sprintf("The group “%s” cannot be read. Choose another one, or ask your IT admin.", g.Name)})
			return
		}
		for _, id := range found.members {
			if !yield(id, nil) {
				return
			}
		}
	}
}

// LookUp knows nobody the ledger has not.
func (p *painted) LookUp(context.Context, []string) (map[string]listed.Match, error) {
	return nil, nil
}

func (p *painted) Groups(_ context.Context, text string, _ int) ([]broadcast.GroupHit, error) {
	var out []broadcast.GroupHit
	for _, g := range p.groups {
		if g.hit.ID == text || strings.HasPrefix(strings.ToLower(g.hit.Name), strings.ToLower(text)) {
			out = append(out, g.hit)
		}
	}
	return out, nil
}

// populate fills the directory: n people, every tenth a guest; the first `with`
// of the others have the bot.
func (w *world) populate(n, with int) {
	w.t.Helper()
	ctx := context.Background()
	var patches []noun.Patch
	for i := range n {
		name, upn := fmt.Sprintf("Person%03d Painted", i), fmt.Sprintf("person%03d@contoso.example", i)
		guest, yes := i%10 == 9, true
		patches = append(patches, noun.Patch{EntraID: entraID(i), Name: &name, UPN: &upn, Guest: &guest, Enabled: &yes, Licensed: &yes})
	}
	if err := w.st.SavePeople(ctx, patches, &noun.Cursor{Link: "delta", Round: 1, FinishedAt: w.clock.Now()}); err != nil {
		w.t.Fatal(err)
	}
	for i := 0; i < n && with > 0; i++ {
		if i%10 == 9 {
			continue
		}
		with--
		if err := w.st.BotAdded(ctx, entraID(i), address(i)); err != nil {
			w.t.Fatal(err)
		}
	}
}

func entraID(i int) broadcast.EntraID {
	return broadcast.EntraID(fmt.Sprintf("0000%04d-1111-4222-8333-444455556666", i))
}

func address(i int) broadcast.ConversationReference {
	return broadcast.ConversationReference{ServiceURL: "https://smba.trafficmanager.net/emea/", ConversationID: fmt.Sprintf("a:%d", i)}
}

// group paints a group of some people.
func (w *world) group(n int, name, mail string, people ...int) broadcast.Group {
	g := broadcast.Group{ID: fmt.Sprintf("9999%04d-1111-4222-8333-444455556666", n), Name: name}
	painted := paintedGroup{hit: broadcast.GroupHit{Group: g, Mail: mail, Kind: "Microsoft 365"}}
	for _, i := range people {
		painted.members = append(painted.members, entraID(i))
	}
	w.dir.groups[g.ID] = painted
	return g
}

// visitor is a person's browser: cookies, redirects, nothing else.
type visitor struct {
	*http.Client
	w *world
}

func (w *world) nobody() *visitor {
	w.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return &visitor{&http.Client{Jar: jar, Timeout: 30 * time.Second}, w}
}

// as signs a standard person of the simulator in: 0 author, 1 approver, 2 admin, 3 auditor.
func (w *world) as(n int) *visitor {
	w.t.Helper()
	v := w.nobody()
	a := v.get("/auth/start?next=/keys&login_hint=" + url.QueryEscape(simulator.StandardPeople()[n].UPN))
	if a.status != http.StatusOK || !strings.Contains(a.body, "API keys") {
		w.t.Fatalf("signing in came to %d: %s", a.status, a.body)
	}
	return v
}

func (w *world) author() *visitor   { return w.as(0) }
func (w *world) approver() *visitor { return w.as(1) }
func (w *world) admin() *visitor    { return w.as(2) }

// reply is what a request came to, after all redirects.
type reply struct {
	t      *testing.T
	status int
	path   string
	header http.Header
	body   string
}

func (v *visitor) send(method, path string, form url.Values, accept string) reply {
	v.w.t.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	req, err := http.NewRequestWithContext(context.Background(), method, v.w.url+path, body)
	if err != nil {
		v.w.t.Fatal(err)
	}
	req.Header.Set("Accept", accept)
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := v.Do(req)
	if err != nil {
		v.w.t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		v.w.t.Fatal(err)
	}
	return reply{v.w.t, res.StatusCode, res.Request.URL.Path, res.Header, string(raw)}
}

func (v *visitor) get(path string) reply { v.w.t.Helper(); return v.send(get, path, nil, "text/html") }

func (v *visitor) post(path string, form url.Values) reply {
	v.w.t.Helper()
	return v.send(post, path, form, "text/html")
}

func (v *visitor) fetch(method, path string, form url.Values) reply {
	v.w.t.Helper()
	return v.send(method, path, form, "application/json")
}

// main is the part of the page worth reading in a failure.
func (r reply) main() string {
	_, rest, found := strings.Cut(r.body, "<main")
	if !found {
		rest = r.body
	}
	return blank.ReplaceAllString(rest[:min(len(rest), 6000)], "\n")
}

var blank = regexp.MustCompile(`\s*\n\s*`)

// says checks the status and that all pieces are in the answer.
func (r reply) says(status int, pieces ...string) reply {
	r.t.Helper()
	if r.status != status {
		r.t.Fatalf("%s: status %d, want %d:\n%s", r.path, r.status, status, r.main())
	}
	for _, p := range pieces {
		if !strings.Contains(r.body, p) {
			r.t.Errorf("%s: %q is missing in:\n%s", r.path, p, r.main())
		}
	}
	return r
}

func (r reply) lacks(pieces ...string) reply {
	r.t.Helper()
	for _, p := range pieces {
		if strings.Contains(r.body, p) {
			r.t.Errorf("%s: %q should not be in:\n%s", r.path, p, r.main())
		}
	}
	return r
}

var hiddenRevision = regexp.MustCompile(`name="revision" value="(\d+)"`)

// revision is the one the page's form carries.
func (r reply) revision() string {
	r.t.Helper()
	m := hiddenRevision.FindStringSubmatch(r.body)
	if m == nil {
		r.t.Fatalf("%s: no revision in:\n%s", r.path, r.main())
	}
	return m[1]
}

// good is a form that can be submitted.
func good() url.Values {
	return url.Values{
		"title": {"Office closed on Friday"}, "body": {"The **office** stays closed."}, "audience": {"everyone"},
		"button_title": {"Read more"}, "button_url": {"https://intranet.example/closed"},
	}
}

func with(form url.Values, pairs ...string) url.Values {
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return form
}

// draft makes a broadcast as the author and returns the path of its page.
func (v *visitor) draft(form url.Values) string {
	v.w.t.Helper()
	a := v.post("/broadcasts", with(form, "do", "save")).says(http.StatusOK, "Draft saved.")
	return strings.TrimSuffix(a.path, "/edit")
}

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.now }

func (c *clock) advance(d time.Duration) { c.mu.Lock(); defer c.mu.Unlock(); c.now = c.now.Add(d) }

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string { l.mu.Lock(); defer l.mu.Unlock(); return l.b.String() }
