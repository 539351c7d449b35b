package auth_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/auth"
	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/simulator"
	"github.com/fanfare/fanfare/store"
	"github.com/fanfare/fanfare/store/storetest"
)

// world is a Fanfare that knows nothing but who is signed in, beside a painted Entra.
type world struct {
	sim   *simulator.Simulator
	entra *simulator.Server
	store *store.Store
	web   *auth.Web
	url   string
	app   *httptest.Server
	log   *lockedBuffer
	clock *clock
}

type setting func(*auth.WebOptions, *httptest.Server)

func newWorld(t *testing.T, settings ...setting) *world {
	t.Helper()
	o := simulator.DefaultOptions()
	o.People = 50
	sim, err := simulator.New(o)
	if err != nil {
		t.Fatal(err)
	}
	entra, err := simulator.Listen(t.Context(), "127.0.0.1:0", sim)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = entra.Close(); _ = sim.Close() })
	w := &world{sim: sim, entra: entra, store: storetest.New(t), log: &lockedBuffer{}, clock: &clock{now: time.Now()}}
	w.serve(t, settings)
	return w
}

func (w *world) serve(t *testing.T, settings []setting) {
	t.Helper()
	w.app = httptest.NewUnstartedServer(nil)
	options := auth.WebOptions{
		Authority: w.entra.URL(), TenantID: simulator.DefaultTenantID,
		ClientID: simulator.DefaultSignInClientID, ClientSecret: simulator.DefaultSignInSecret,
		PublicURL: "http://" + w.app.Listener.Addr().String(), HTTP: w.trusting(t),
		Sessions: w.store.Sessions(), Now: w.clock.Now, Log: slog.New(slog.NewTextHandler(w.log, nil)),
	}
	for _, s := range settings {
		s(&options, w.app)
	}
	var err error
	if w.web, err = auth.NewWeb(options); err != nil {
		t.Fatal(err)
	}
	w.url = options.PublicURL
	w.app.Config.Handler = routes(w.web)
	if strings.HasPrefix(w.url, "https") {
		w.app.StartTLS()
	} else {
		w.app.Start()
	}
	t.Cleanup(w.app.Close)
}

// overHTTPS serves Fanfare over https.
func overHTTPS(o *auth.WebOptions, app *httptest.Server) {
	o.PublicURL = "https://" + app.Listener.Addr().String()
}

func (w *world) trusting(t *testing.T) *http.Client {
	t.Helper()
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(w.sim.CACertPEM()) {
		t.Fatal("the simulator's certificate cannot be read")
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 10 * time.Second}
}

func routes(web *auth.Web) http.Handler {
	gin.SetMode(gin.TestMode)
	r := gin.New()
	r.Use(web.Middleware())
	r.GET("/auth/start", web.Start)
	r.GET("/auth/callback", web.Callback)
	r.POST("/sign-out", web.SignOut)
	r.GET("/sign-in", func(c *gin.Context) { c.String(http.StatusOK, "the sign-in page") })
	r.NoRoute(func(c *gin.Context) {
		a, ok := web.Actor(c)
		if !ok {
			c.String(http.StatusUnauthorized, "nobody")
			return
		}
		c.JSON(http.StatusOK, a)
	})
	return r
}

// browser is a person's browser: cookies, redirects, nothing else.
type browser struct {
	t *testing.T
	w *world
	*http.Client
}

func (w *world) browser(t *testing.T) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar, Timeout: 20 * time.Second}
	if strings.HasPrefix(w.url, "https") {
		client.Transport = w.app.Client().Transport
	}
	return &browser{t, w, client}
}

// answer is what a request came to, after all redirects.
type answer struct {
	*http.Response
	text string
}

func (b *browser) do(method, path string) answer {
	b.t.Helper()
	if strings.HasPrefix(path, "/") {
		path = b.w.url + path
	}
	req, err := http.NewRequestWithContext(b.t.Context(), method, path, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	res, err := b.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return answer{res, string(raw)}
}

func (b *browser) get(path string) answer { b.t.Helper(); return b.do(http.MethodGet, path) }

// signInAs goes through Entra as an existing session there would.
func (b *browser) signInAs(upn string) answer {
	b.t.Helper()
	return b.get("/auth/start?next=/page&login_hint=" + url.QueryEscape(upn))
}

// stopAt makes the browser show a redirect to an address with that beginning
// instead of following it.
func (b *browser) stopAt(prefix string) {
	b.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.String(), prefix) {
			return http.ErrUseLastResponse
		}
		return nil
	}
}

// who is the actor the page shows, or nobody.
func (b *browser) who() (broadcast.Actor, bool) {
	b.t.Helper()
	a := b.get("/page")
	if a.StatusCode == http.StatusUnauthorized {
		return broadcast.Actor{}, false
	}
	return a.actor(b.t), true
}

func (a answer) actor(t *testing.T) broadcast.Actor {
	t.Helper()
	var actor broadcast.Actor
	if err := json.Unmarshal([]byte(a.text), &actor); err != nil {
		t.Fatalf("status %d, not an actor: %s", a.StatusCode, a.text)
	}
	return actor
}

// says checks status and a piece of the sentence.
func (a answer) says(t *testing.T, status int, piece string) {
	t.Helper()
	if a.StatusCode != status || !strings.Contains(a.text, piece) {
		t.Errorf("status %d, want %d with %q in:\n%s", a.StatusCode, status, piece, a.text)
	}
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

// countingSessions counts what a session costs the database.
type countingSessions struct {
	sessions
	mu      sync.Mutex
	commits int
}

type sessions interface {
	Find(token string) ([]byte, bool, error)
	Commit(token string, b []byte, expiry time.Time) error
	Delete(token string) error
	FindCtx(ctx context.Context, token string) ([]byte, bool, error)
	CommitCtx(ctx context.Context, token string, b []byte, expiry time.Time) error
	DeleteCtx(ctx context.Context, token string) error
}

func (c *countingSessions) CommitCtx(ctx context.Context, token string, b []byte, expiry time.Time) error {
	c.mu.Lock()
	c.commits++
	c.mu.Unlock()
	return c.sessions.CommitCtx(ctx, token, b, expiry)
}

func (c *countingSessions) count() int { c.mu.Lock(); defer c.mu.Unlock(); return c.commits }
