package bench_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/simulator"
	"github.com/fanfare/fanfare/store/storetest"
)

const (
	// graphLimit is what Microsoft lets through in any second, 83 % of it for hours
	// (protocol F.7); graphSafe is the product's default.
	graphLimit, graphSafe = 30, 24.5
	rolloutTimeout        = 20 * time.Minute // beyond what the rate takes
)

var rolloutPart = part{
	name: "Rollout",
	about: `Everybody of a simulated organisation gets the app, through Graph with the events that follow; some events are early, doubled or
never come. Once as fast as it goes, for a hundredth of the people and for all: memory should not grow with them. With
FANFARE_BENCH_MICROSOFT=1 instead all of them at Microsoft's figures: Graph refuses what is more than 30 in a second or 83 % of that over
half a minute, Fanfare keeps to its default of 24.5, and 100,000 people take 68 minutes. Nobody may be lost: each is installed at the simulator,
installed in the ledger, and can be written to. of-budget is what was achieved of what was configured, chats read where no event came
included, target ≥ 0.97; 429-% target < 0.1. early-MB is the peak when a tenth had the app. CPU is that of the server and its database; the simulator shares the machine.`,
	ratios: []ratio{
		{rolledOut(storetest.Postgres, 100), rolledOut(storetest.Postgres, 1), peak, "+ 20 MB"},
		{rolledOut(storetest.SQLite, 100), rolledOut(storetest.SQLite, 1), peak, "+ 20 MB"},
	},
	run: func(t *testing.T, b *bench) {
		people := number(t, "FANFARE_BENCH_PEOPLE", 100_000)
		if os.Getenv("FANFARE_BENCH_MICROSOFT") != "" {
			b.add("microsoft+"+storetest.Postgres, people, b.rollout(t, storetest.Postgres, people, graphSafe)...)
			return
		}
		for round := range rounds(t, 1) {
			for _, percent := range []int{1, 100} {
				for _, kind := range storetest.Kinds() {
					n := people * percent / 100
					t.Run(fmt.Sprintf("%d/%s/%d", round+1, kind, n), func(t *testing.T) {
						b.add(rolledOut(kind, percent), n, b.rollout(t, kind, n, 0)...)
					})
				}
			}
		}
	},
}

// rolledOut names a rollout to a part of the people.
func rolledOut(kind string, percent int) string { return fmt.Sprintf("%s/%d%%", kind, percent) }

// rollout installs the app for everybody, with a budget of rate a second, or 0 for none.
func (b *bench) rollout(t *testing.T, kind string, people int, rate float64) []value {
	own := *b
	own.settings = simulatorOf(t, b.sink, people)
	p := emptyProduct(t, newDatabase(t, kind), &own, map[string]string{"FANFARE_SYNC_EVERY": "24h", "FANFARE_INSTALL_RATE": fmt.Sprint(rate)})
	graph := tenantAt(t, p.env)
	limit := 0
	if rate > 0 {
		limit = graphLimit
	}
	graph.control("POST", "dials", object{
		"guest_per_mille": 0, "disabled_per_mille": 0, "unlicensed_per_mille": 0, "refused_per_mille": 0, "preinstalled_per_mille": 0, "graph_install_rate": limit,
	}, nil)
	begun := time.Now().UnixMilli()
	one := p.launch()
	p.replicas = append(p.replicas, one)
	graph.control("POST", "bot", object{"endpoints": []string{p.base + "/api/messages"}}, nil)
	p.read(people, begun)
	clock := b.clock(t, p.cpu, p.server)
	p.call(broadcast.RoleAdmin, "POST", "/rollout/start", nil, &object{})
	early, long := 0.0, rolloutTimeout+time.Duration(float64(people)/max(rate, graphSafe))*time.Second
	p.slowly(long, "everybody has the app", func() bool {
		has := p.having("")
		if early == 0 && has*10 >= people {
			early = one.peakMB()
		}
		return has == people
	})
	k := clock.stop()
	p.slowly(long, "everybody can be written to", func() bool { return p.having(` AND conversation_id <> ''`) == people })
	var r simulator.Report
	graph.control("GET", "report", nil, &r)
	if other := ask(t, p.db, `SELECT count(*) FROM installations WHERE state <> 'installed'`); r.Installed != people || other != 0 {
		t.Fatalf("of %d people %d are installed at the simulator, and %d of the ledger are not: %+v", people, r.Installed, other, r)
	}
	all := time.Since(clock.began)
	values := []value{
		{"ns/op", float64(k.whole.Nanoseconds()) / float64(people)},
		{personRate, float64(people) / k.whole.Seconds()},
		{"cpu-us/person", float64((k.contender + k.database).Microseconds()) / float64(people)},
		{"installed-s", k.whole.Seconds()},
		{"addressed-s", all.Seconds()},
		{"429-%", 100 * float64(r.Throttled["graph.install"]) / float64(r.Requests["graph.install"])},
		{"chats-read", float64(r.Requests["graph.chat"])},
		{"early-MB", early},
		{peak, one.peakMB()},
	}
	if rate > 0 {
		spent := float64(r.Requests["graph.install"] + r.Requests["graph.chat"])
		values = append(values, value{"of-budget", spent / rate / k.whole.Seconds()})
	}
	return values
}

// having is how many people have the app, by the ledger.
func (p *product) having(more string) int {
	return ask(p.t, p.db, `SELECT count(*) FROM installations WHERE state = 'installed'`+more)
}

// slowly looks every second: to count a hundred thousand people takes a while.
func (p *product) slowly(long time.Duration, what string, done func() bool) {
	p.t.Helper()
	look := time.NewTicker(time.Second)
	defer look.Stop()
	told := time.Now()
	for deadline := told.Add(long); !done(); <-look.C {
		if time.Now().After(deadline) {
			p.t.Fatalf("waited %v in vain until %s", long, what)
		}
		if time.Since(told) > time.Minute {
			told = time.Now()
			p.t.Logf("%s: %d have the app, the server holds at most %s MB", told.Format(time.TimeOnly), p.having(""), short(p.replicas[0].peakMB()))
		}
	}
}

// tenantControl turns a simulator's dials and reads what it counted.
type tenantControl struct {
	t      testing.TB
	base   string
	client *http.Client
}

func tenantAt(t testing.TB, env map[string]string) *tenantControl {
	t.Helper()
	pem, err := os.ReadFile(env["FANFARE_CA_FILE"])
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}
	t.Cleanup(transport.CloseIdleConnections)
	return &tenantControl{t, env["FANFARE_AUTHORITY_URL"] + "/_simulator/", &http.Client{Transport: transport, Timeout: time.Minute}}
}

func (c *tenantControl) control(method, what string, body, out any) {
	c.t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		c.t.Fatal(err)
	}
	r, err := http.NewRequest(method, c.base+what, bytes.NewReader(raw))
	if err != nil {
		c.t.Fatal(err)
	}
	got, err := c.client.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer got.Body.Close()
	said, err := io.ReadAll(got.Body)
	if err == nil && out != nil {
		err = json.Unmarshal(said, out)
	}
	if err != nil || got.StatusCode >= 300 {
		c.t.Fatalf("%s %s: %d %s %v", method, what, got.StatusCode, said, err)
	}
}
