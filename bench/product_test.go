package bench_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fanfare/fanfare/auth"
	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/simulator"
	"github.com/fanfare/fanfare/store"
	"github.com/fanfare/fanfare/store/storetest"
)

// product is Fanfare: one database, and as many replicas as were started on it.
type product struct {
	t testing.TB
	database
	env      map[string]string
	keys     map[broadcast.Role]string
	base     string // the first replica's address
	replicas []*child
}

// newProduct fills a database with known people. env is added to the settings,
// which know no limit.
func newProduct(t testing.TB, d database, people int, b *bench, env map[string]string) *product {
	t.Helper()
	p := emptyProduct(t, d, b, env)
	seedPeople(t, p.db, d.kind, b.sink.serviceURL(), people)
	return p
}

// emptyProduct knows nobody yet.
func emptyProduct(t testing.TB, d database, b *bench, env map[string]string) *product {
	t.Helper()
	p := &product{t: t, database: d, env: maps.Clone(b.settings), keys: map[broadcast.Role]string{}}
	p.env["FANFARE_DATABASE"], p.env["FANFARE_CONNECTOR_RATE"] = p.dsn, "0"
	maps.Copy(p.env, env)
	p.makeKeys()
	return p
}

// openSQL waits, as the product does, while somebody else writes to a SQLite file.
func openSQL(t testing.TB, dsn string) *sql.DB {
	t.Helper()
	if strings.HasPrefix(dsn, "sqlite:") {
		dsn += "?_pragma=busy_timeout(60000)"
	}
	return storetest.SQL(t, dsn)
}

// makeKeys migrates the database and makes API keys, as an administrator's script
// would.
func (p *product) makeKeys() {
	p.t.Helper()
	ctx := context.Background()
	st, err := store.Open(ctx, store.Options{DSN: p.dsn, TenantID: simulator.DefaultTenantID})
	if err != nil {
		p.t.Fatal(err)
	}
	defer st.Close()
	if err := st.Migrate(ctx); err != nil {
		p.t.Fatal(err)
	}
	for i, role := range []broadcast.Role{broadcast.RoleAuthor, broadcast.RoleApprover, broadcast.RoleAdmin} {
		owner := broadcast.Actor{ActorRef: broadcast.ActorRef{ID: broadcast.EntraID("0000000" + string(rune('1'+i)) + "-aaaa-4000-8000-000000000000"), Name: string(role)}, Roles: []broadcast.Role{role}}
		if p.keys[role], _, err = auth.NewKeys(st, time.Now, slog.New(slog.DiscardHandler)).Create(ctx, owner, "bench"); err != nil {
			p.t.Fatal(err)
		}
	}
}

// start starts a replica and waits until it is ready and the directory was read.
// The few people the simulator has are then forgotten: their chats are not at the
// sink.
func (p *product) start() *child {
	p.t.Helper()
	c := p.launch()
	if len(p.replicas) == 0 {
		await(p.t, "the directory is read", func() bool {
			return ask(p.t, p.db, `SELECT count(*) FROM directory_cursors WHERE finished_at > 0`) > 0
		})
		execute(p.t, p.db, `DELETE FROM people WHERE round < $1`, seedRound)
	}
	p.replicas = append(p.replicas, c)
	return c
}

// launch starts a replica and waits until it is ready.
func (p *product) launch() *child {
	p.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		p.t.Fatal(err)
	}
	listen := l.Addr().String()
	_ = l.Close()
	env := maps.Clone(p.env)
	env["FANFARE_LISTEN"], env["FANFARE_PUBLIC_URL"] = listen, "http://"+listen
	c := spawn(p.t, "product", env, "serve")
	await(p.t, "the product is ready", func() bool {
		r, err := http.Get("http://" + listen + "/readyz")
		if err != nil {
			return false
		}
		_ = r.Body.Close()
		return r.StatusCode == http.StatusOK
	})
	if len(p.replicas) == 0 {
		p.base = "http://" + listen
	}
	return c
}

// patience ends a wait for what will never come.
const patience = 2 * time.Minute

// await looks every few milliseconds: nothing here tells when it has changed.
func await(t testing.TB, what string, done func() bool) {
	t.Helper()
	awaitFor(t, patience, what, done)
}

func awaitFor(t testing.TB, long time.Duration, what string, done func() bool) {
	t.Helper()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for deadline := time.Now().Add(long); !done(); <-look.C {
		if time.Now().After(deadline) {
			t.Fatalf("waited %v in vain until %s", long, what)
		}
	}
}

// bulletin is a broadcast as the API shows it, as far as we look.
type bulletin struct {
	ID       string `json:"id"`
	State    string `json:"state"`
	Revision int64  `json:"revision"`
	Reason   string `json:"reason"`
	Listed   bool   `json:"listed"`
	Tally    struct{ Total, Sent int }
}

func (p *product) call(role broadcast.Role, method, path string, body, out any) {
	p.t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		p.t.Fatal(err)
	}
	r, err := http.NewRequest(method, p.base+"/api/v1"+path, bytes.NewReader(raw))
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+p.keys[role])
	r.Header.Set("Content-Type", "application/json")
	got, err := http.DefaultClient.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer got.Body.Close()
	said, err := io.ReadAll(got.Body)
	if err == nil && got.StatusCode < 300 {
		err = json.Unmarshal(said, out)
	}
	if err != nil || got.StatusCode >= 300 {
		p.t.Fatalf("%s %s: %d %s %v", method, path, got.StatusCode, said, err)
	}
}

// approved is a broadcast to everyone that waits for the click on Send; with a
// canary, one person gets it first.
func (p *product) approved(canary bool) bulletin {
	p.t.Helper()
	var b bulletin
	body := map[string]any{"title": "The office stays closed", "body": longBody(32), "audience": map[string]any{"everyone": true}}
	if canary {
		body["plan"] = map[string]any{"canary": map[string]any{"people": 1}}
	}
	p.call(broadcast.RoleAuthor, "POST", "/broadcasts", body, &b)
	p.call(broadcast.RoleAuthor, "POST", "/broadcasts/"+b.ID+"/submit", nil, &b)
	p.call(broadcast.RoleApprover, "POST", "/broadcasts/"+b.ID+"/approve", map[string]any{"revision": b.Revision}, &b)
	return b
}

// send clicks on Send.
func (p *product) send(b *bulletin) {
	p.t.Helper()
	p.call(broadcast.RoleApprover, "POST", "/broadcasts/"+b.ID+"/send", nil, b)
}

// goOn clicks on Go after the first wave.
func (p *product) goOn(b *bulletin) {
	p.t.Helper()
	p.call(broadcast.RoleApprover, "POST", "/broadcasts/"+b.ID+"/go", nil, b)
}

// becomes looks until a broadcast is as it should be.
func (p *product) becomes(b *bulletin, long time.Duration, as func() bool) {
	p.t.Helper()
	awaitFor(p.t, long, "the broadcast gets on", func() bool {
		p.call(broadcast.RoleAuthor, "GET", "/broadcasts/"+b.ID, nil, b)
		return as() || b.State == "failed" || b.State == "paused"
	})
}

// sent waits until a broadcast is through, and everybody has it.
func (p *product) sent(b *bulletin, people int, long time.Duration) {
	p.t.Helper()
	p.becomes(b, long, func() bool { return b.State == "sent" })
	if b.State != "sent" || b.Tally.Sent != people || b.Tally.Total != people {
		p.t.Fatalf("of %d people: %+v", people, b)
	}
}

// cpu is that of all replicas.
func (p *product) cpu() (sum time.Duration) {
	for _, c := range p.replicas {
		sum += cpu(p.t, c.pid())
	}
	return sum
}
