package places_test

import (
	"context"
	"crypto/x509"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/places"
	"github.com/fanfare/fanfare/simulator"
	"github.com/fanfare/fanfare/store"
	"github.com/fanfare/fanfare/store/storetest"
	"github.com/fanfare/fanfare/teams"
	"github.com/fanfare/fanfare/teams/roster"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

// berlin is the team the simulator's bot is in: every seventh person.
const berlin = "19:exampleteam0001@thread.tacv2"

// world is a simulated Microsoft, a database, and readers of rosters.
type world struct {
	*testing.T
	sim   *simulator.Simulator
	base  string
	wire  roster.Wire
	dsn   string
	st    *store.Store
	ahead atomic.Int64
	turn  turn
}

// turn is an allowance without a limit that remembers what it was asked to wait.
type turn struct {
	mu     sync.Mutex
	pauses []time.Duration
}

func (*turn) Wait(ctx context.Context) error { return ctx.Err() }

func (t *turn) Pause(_ context.Context, d time.Duration) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.pauses = append(t.pauses, d)
	return nil
}

func (w *world) now() time.Time       { return time.Now().Add(time.Duration(w.ahead.Load())) }
func (w *world) pass(d time.Duration) { w.ahead.Add(int64(d)) }

// each runs a test in a world of its own on each database, with so many members in
// the team.
func each(t *testing.T, members int, f func(w *world)) {
	t.Helper()
	for _, kind := range storetest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			f(newWorld(t, kind, members))
		})
	}
}

func newWorld(t *testing.T, kind string, members int) *world {
	t.Helper()
	sim := must(simulator.New(simulator.Options{People: 7 * members}))
	sim.SetDials(func(d *simulator.Dials) { d.ThreadLimits = false })
	painted := must(simulator.Listen(t.Context(), "127.0.0.1:0", sim))
	t.Cleanup(func() { _ = painted.Close(); _ = sim.Close() })
	w := &world{T: t, sim: sim, base: painted.URL(), dsn: storetest.DSN(t, kind)}
	w.st = w.replica()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(sim.CACertPEM())
	transport := teams.NewTransport(8, roots)
	t.Cleanup(transport.CloseIdleConnections)
	client := &http.Client{Transport: transport}
	token := clientcredentials.Config{
		ClientID: simulator.DefaultBotID, ClientSecret: simulator.DefaultClientSecret, Scopes: []string{teams.DefaultScope},
		TokenURL: w.base + "/" + simulator.DefaultTenantID + "/oauth2/v2.0/token",
	}
	c := must(teams.NewClient(teams.Options{
		HTTP: client, Token: bearer{token.TokenSource(context.WithValue(context.Background(), oauth2.HTTPClient, client))}, BotID: simulator.DefaultBotID,
		TenantID: simulator.DefaultTenantID, Hosts: must(teams.ParseHostList([]string{must(url.Parse(w.base)).Host})), FallbackServiceURL: w.base + "/teams/",
		Composer: must(teams.NewComposer(teams.ComposerOptions{BotID: simulator.DefaultBotID})),
	}))
	w.wire = roster.Wire{Client: c, TenantID: simulator.DefaultTenantID}
	return w
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

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// replica is another process on the same database.
func (w *world) replica() *store.Store {
	w.Helper()
	return storetest.Open(w, w.dsn, w.now)
}

func (w *world) no(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// hears tells of an event of a team that happened now.
func (w *world) hears(kind places.EventKind, teamID string, people ...places.Member) {
	w.Helper()
	w.no(w.st.Hear(w.Context(), places.Event{
		Kind: kind, Place: places.Place{Kind: places.Team, ID: teamID, ServiceURL: w.base + "/emea/"}, People: people, At: w.now(),
	}))
}

func (w *world) reader(st *store.Store, wire places.Wire) *places.Reader {
	return &places.Reader{Wire: wire, Readings: st, Turn: &w.turn, Now: w.now, Log: slog.New(slog.DiscardHandler)}
}

// read reads what is due.
func (w *world) read() {
	w.Helper()
	w.no(w.reader(w.st, w.wire).Work(w.Context(), time.Minute))
}

func (w *world) team() places.TeamHit {
	w.Helper()
	return must(w.st.Team(w.Context(), berlin))
}

// members are the team's, or why nobody can tell.
func (w *world) members() ([]broadcast.EntraID, error) {
	w.Helper()
	var out []broadcast.EntraID
	for id, err := range places.New(places.Config{Ledger: w.st, Lists: w.st}).Members(w.Context(), berlin) {
		if err != nil {
			return nil, err
		}
		out = append(out, id)
	}
	return out, nil
}

func (w *world) requests(op string) int { return int(w.sim.Report().Requests[op]) }

func (w *world) fail(faults ...simulator.Fault) {
	w.sim.SetDials(func(d *simulator.Dials) { d.Fail = faults })
}

func person(n int) broadcast.EntraID { return broadcast.EntraID(simulator.EntraID(n)) }
