package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/server"
	"github.com/fanfare/fanfare/simulator"
	"github.com/fanfare/fanfare/store/storetest"
)

// asProduct makes the test binary behave as cmd/fanfare, so that stories can
// start, stop and kill a real process of exactly the code under test.
const asProduct = "FANFARE_TEST_AS_PRODUCT"

func TestMain(m *testing.M) {
	if os.Getenv(asProduct) != "" {
		os.Exit(server.Main(os.Args[1:], os.Getenv, os.Stdout, os.Stderr))
	}
	flag.Parse()
	// Most stories wait for somebody else's clock, not for the machine.
	if err := flag.Set("test.parallel", "6"); err != nil {
		panic(err)
	}
	code := storetest.Main(m)
	stopChromium()
	os.Exit(code)
}

// world is a painted Microsoft and the settings of servers that live in it.
type world struct {
	t    *testing.T
	sim  *simulator.Simulator
	http *simulator.Server
	env  map[string]string
	base string            // the product's address
	keys map[string]string // API keys by part
	// patience is far longer than anything takes on a busy machine: what ends it is
	// broken, not slow.
	patience time.Duration
}

// newWorld paints a tenant on a fresh database of that kind. Servers are started
// in it by serve (in this process) or spawn (a process of its own).
func newWorld(t *testing.T, kind string, paint func(*simulator.Options)) *world {
	t.Helper()
	o := simulator.DefaultOptions()
	o.People, o.ConnectorRate, o.GraphInstallRate, o.EventDelay = 120, 0, 0, 20*time.Millisecond
	if paint != nil {
		paint(&o)
	}
	sim, err := simulator.New(o)
	if err != nil {
		t.Fatal(err)
	}
	painted, err := simulator.Listen(context.Background(), "127.0.0.1:0", sim)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = errors.Join(painted.Close(), sim.Close()) })
	w := &world{t: t, sim: sim, http: painted, keys: map[string]string{}, patience: 3 * time.Minute}
	listen := freePort(t)
	w.base = "http://" + listen
	sim.SetBotEndpoint(w.base + "/api/messages")
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, sim.CACertPEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	w.env = settingsFor(painted, listen, ca, storetest.DSN(t, kind))
	return w
}

func settingsFor(painted *simulator.Server, listen, ca, dsn string) map[string]string {
	sim, _ := url.Parse(painted.URL())
	return map[string]string{
		"FANFARE_DATABASE": dsn, "FANFARE_LISTEN": listen, "FANFARE_PUBLIC_URL": "http://" + listen,
		"FANFARE_TENANT_ID": simulator.DefaultTenantID, "FANFARE_BOT_ID": simulator.DefaultBotID,
		"FANFARE_BOT_SECRET": simulator.DefaultClientSecret, "FANFARE_MANIFEST_ID": simulator.DefaultManifestID,
		"FANFARE_SIGN_IN_CLIENT_ID": simulator.DefaultSignInClientID, "FANFARE_SIGN_IN_SECRET": simulator.DefaultSignInSecret,
		"FANFARE_AUTHORITY_URL": painted.URL(), "FANFARE_GRAPH_URL": painted.URL() + "/v1.0",
		"FANFARE_CONNECTOR_METADATA_URL": painted.URL() + "/v1/.well-known/openidconfiguration",
		"FANFARE_CONNECTOR_URL":          painted.URL() + "/teams/",
		"FANFARE_SERVICE_HOSTS":          sim.Host, "FANFARE_PLAIN_HTTP_HOSTS": sim.Host, "FANFARE_CA_FILE": ca,
		"FANFARE_CONNECTOR_RATE": "0", "FANFARE_INSTALL_RATE": "0", "FANFARE_INSTALL_GRACE": "500ms",
		"FANFARE_LOG_LEVEL": "warn", "FANFARE_LOG_FORMAT": "text",
	}
}

// freePort is an address to listen on a moment later, and again after a restart. Its
// port is below those a system gives to outgoing connections and to ":0": one of
// these would take it in between.
func freePort(t *testing.T) string {
	t.Helper()
	for range 100 {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 10_000+rand.N(20_000)))
		if err == nil {
			_ = l.Close()
			return l.Addr().String()
		}
	}
	t.Fatal("no port is free")
	return ""
}

// serve runs a server in this process until stop is called or the test ends,
// and makes API keys for the standard people.
func (w *world) serve() (stop func()) {
	w.t.Helper()
	config, err := server.ReadConfig(func(name string) string { return w.env[name] })
	if err != nil {
		w.t.Fatal(err)
	}
	s, err := server.New(context.Background(), config, slog.New(slog.NewTextHandler(logOf(w.t), &slog.HandlerOptions{Level: slog.LevelWarn})))
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-ended; err != nil {
				w.t.Errorf("the server ended with: %v", err)
			}
		})
	}
	w.t.Cleanup(stop)
	w.until("the server has read the directory", func() bool {
		ready, err := s.Settled(context.Background())
		return err == nil && ready
	})
	w.until("the server answers", func() bool {
		res, err := http.Get(w.base + "/healthz")
		if err != nil {
			return false
		}
		return res.Body.Close() == nil && res.StatusCode == http.StatusOK
	})
	w.makeKeys(s)
	return stop
}

func (w *world) makeKeys(s *server.Server) {
	w.t.Helper()
	roles := []broadcast.Role{broadcast.RoleAuthor, broadcast.RoleApprover, broadcast.RoleAdmin, broadcast.RoleAuditor}
	for i, p := range simulator.StandardPeople() {
		owner := broadcast.Actor{ActorRef: broadcast.ActorRef{ID: broadcast.EntraID(p.EntraID), Name: p.Name}, Roles: roles[i : i+1]}
		key, err := s.NewKey(context.Background(), owner, "test")
		if err != nil {
			w.t.Fatal(err)
		}
		w.keys[string(roles[i])] = key
	}
}

// until waits for something to become true.
func (w *world) until(what string, true_ func() bool) {
	w.t.Helper()
	deadline := time.Now().Add(w.patience)
	for !true_() {
		if time.Now().After(deadline) {
			w.t.Fatalf("waited %v in vain until %s", w.patience, what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// answer is what the API said.
type answer struct {
	status int
	body   []byte
}

// call speaks to the API as a part (author, approver, admin, auditor).
func (w *world) call(part, method, path string, body any) answer {
	w.t.Helper()
	got, err := w.callAt(w.base, part, method, path, body)
	if err != nil {
		w.t.Fatalf("%s %s: %v", method, path, err)
	}
	return got
}

// callAt speaks to the API of one replica, which may be dead.
func (w *world) callAt(base, part, method, path string, body any) (answer, error) {
	var in io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if text, ok := body.(string); ok {
			raw, err = []byte(text), nil
		}
		if err != nil {
			return answer{}, err
		}
		in = bytes.NewReader(raw)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, base+"/api/v1"+path, in)
	if err != nil {
		return answer{}, err
	}
	r.Header.Set("Authorization", "Bearer "+w.keys[part])
	if in != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	got, err := http.DefaultClient.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer got.Body.Close()
	raw, err := io.ReadAll(got.Body)
	return answer{got.StatusCode, raw}, err
}

// must calls, expects a status and reads the answer into out.
func (w *world) must(status int, part, method, path string, body, out any) {
	w.t.Helper()
	got := w.call(part, method, path, body)
	if got.status != status {
		w.t.Fatalf("%s %s as %s: status %d, want %d: %s", method, path, part, got.status, status, got.body)
	}
	if out == nil {
		return
	}
	if err := json.Unmarshal(got.body, out); err != nil {
		w.t.Fatalf("%s %s: %v: %s", method, path, err, got.body)
	}
}

// bulletin is a broadcast as the API shows it, as far as the stories look.
type bulletin struct {
	ID       string `json:"id"`
	Title    string `json:"title"`
	State    string `json:"state"`
	Revision int64  `json:"revision"`
	Reason   string `json:"reason"`

	LateCount int `json:"late_count"`
	Tally     struct {
		Total, Pending, Ready, Sent, Failed, Skipped, Cancelled, Expired int
		MaybeRepeated                                                    int `json:"maybe_repeated"`
	} `json:"tally"`
}

// parts are the tally's counts by state.
func (b bulletin) parts() map[string]int {
	t := b.Tally
	return map[string]int{
		"pending": t.Pending, "ready": t.Ready, "sent": t.Sent, "failed": t.Failed,
		"skipped": t.Skipped, "cancelled": t.Cancelled, "expired": t.Expired,
	}
}

func (b bulletin) addsUp() bool {
	t := b.Tally
	return t.Total == t.Pending+t.Ready+t.Sent+t.Failed+t.Skipped+t.Cancelled+t.Expired
}

// approved makes a broadcast to everyone and takes it to approved.
func (w *world) approved(title string) bulletin {
	w.t.Helper()
	var b bulletin
	w.must(201, "author", "POST", "/broadcasts", map[string]any{
		"title": title, "body": "The **office** stays closed.",
		"buttons":  []map[string]string{{"title": "More", "url": "https://intranet.example/closed"}},
		"audience": map[string]any{"everyone": true},
	}, &b)
	w.must(200, "author", "POST", "/broadcasts/"+b.ID+"/submit", nil, &b)
	w.must(200, "approver", "POST", "/broadcasts/"+b.ID+"/approve", map[string]any{"revision": b.Revision}, &b)
	return b
}

func (w *world) read(id string) bulletin {
	w.t.Helper()
	var b bulletin
	w.must(200, "auditor", "GET", "/broadcasts/"+id, nil, &b)
	if !b.addsUp() {
		w.t.Fatalf("the parts do not add up to the total: %+v", b.Tally)
	}
	return b
}

// state waits until a broadcast has reached one of the states.
func (w *world) state(id string, states ...string) bulletin {
	w.t.Helper()
	var b bulletin
	w.until(fmt.Sprintf("the broadcast is %v", states), func() bool {
		b = w.read(id)
		for _, s := range states {
			if b.State == s {
				return true
			}
		}
		return false
	})
	return b
}

// delivered is one row of a broadcast's recipients.
type delivered struct {
	EntraID       string `json:"entra_id"`
	State, Reason string
	MaybeRepeated bool `json:"maybe_repeated"`
}

// rows reads a broadcast's recipients one by one, page by page.
func (w *world) rows(id string) (all []delivered) {
	w.t.Helper()
	after := json.Number("0")
	for {
		var page struct {
			Recipients []delivered
			Next       *json.Number
		}
		w.must(200, "auditor", "GET", "/broadcasts/"+id+"/recipients?limit=500&after="+after.String(), nil, &page)
		all = append(all, page.Recipients...)
		if page.Next == nil || *page.Next == "0" || *page.Next == "" {
			return all
		}
		after = *page.Next
	}
}

// groupBy counts them by state.
func (w *world) groupBy(id string) map[string]int {
	w.t.Helper()
	counts := map[string]int{}
	for _, r := range w.rows(id) {
		counts[r.State]++
	}
	return counts
}

// logOf writes a server's log to the test's.
func logOf(t *testing.T) io.Writer { return &testLog{t: t} }

type testLog struct {
	t    *testing.T
	mu   sync.Mutex
	done bool
}

func (l *testLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.done {
		l.t.Log(strings.TrimSpace(string(p)))
	}
	return len(p), nil
}
