package graphinstall_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/fanfare/fanfare/broadcast"
	noun "github.com/fanfare/fanfare/broadcast/person"
	"github.com/fanfare/fanfare/graph"
	"github.com/fanfare/fanfare/graphinstall"
	"github.com/fanfare/fanfare/rollout"
	"github.com/fanfare/fanfare/simulator"
	"github.com/fanfare/fanfare/store"
	"github.com/fanfare/fanfare/store/storetest"
)

const serviceURL = "https://smba.example.test/teams/"

// stage is an installer over a simulated tenant and a fresh store whose rollout
// is running, so that everybody of the tenant is wanted.
type stage struct {
	t       *testing.T
	sim     *simulator.Simulator
	st      *store.Store
	options graphinstall.Options
	pauses  pauses
	ahead   atomic.Int64 // how far the clock of ledger and installer is ahead, in ns
}

func (s *stage) now() time.Time { return time.Now().Add(time.Duration(s.ahead.Load())) }

// pass lets time pass.
func (s *stage) pass(d time.Duration) { s.ahead.Add(int64(d)) }

// pauses remembers what everybody was asked to wait.
type pauses struct {
	mu  sync.Mutex
	got []time.Duration
}

func (p *pauses) note(_ context.Context, d time.Duration) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.got = append(p.got, d)
	return nil
}

func (p *pauses) all() []time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.got
}

func newStage(t *testing.T, people int) *stage {
	t.Helper()
	sim, err := simulator.New(simulator.Options{People: people + 20, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	sim.SetDials(func(d *simulator.Dials) {
		d.GuestPerMille, d.DisabledPerMille, d.UnlicensedPerMille = 0, 0, 0
		d.RefusedPerMille, d.SilentPerMille, d.PreinstalledPerMille = 0, 0, 0
	})
	srv, err := simulator.Listen(t.Context(), "127.0.0.1:0", sim)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = srv.Close(); _ = sim.Close() })
	s := &stage{t: t, sim: sim}
	s.st = ledger(t, s.now)
	s.options = graphinstall.Options{
		Graph: client(t, sim, srv.URL()), Queue: s.st, ManifestID: simulator.DefaultManifestID, ServiceURL: serviceURL,
		Pause: s.pauses.note, HaltFor: time.Hour, Workers: 8, Now: s.now,
	}
	s.want(people)
	return s
}

// ledger is a fresh SQLite store.
func ledger(t *testing.T, now func() time.Time) *store.Store {
	t.Helper()
	st, err := store.Open(t.Context(), store.Options{
		DSN: "sqlite:" + filepath.Join(t.TempDir(), "fanfare.db"), TenantID: simulator.DefaultTenantID, Now: now,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	if err := st.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return st
}

func client(t *testing.T, sim *simulator.Simulator, url string) *graph.Client {
	t.Helper()
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(sim.CACertPEM())
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, MaxIdleConnsPerHost: 16}
	t.Cleanup(transport.CloseIdleConnections)
	cred, err := azidentity.NewClientSecretCredential(simulator.DefaultTenantID, simulator.DefaultBotID, simulator.DefaultClientSecret,
		&azidentity.ClientSecretCredentialOptions{DisableInstanceDiscovery: true, ClientOptions: policy.ClientOptions{
			Cloud:     cloud.Configuration{ActiveDirectoryAuthorityHost: url},
			Transport: &http.Client{Transport: transport}, Retry: policy.RetryOptions{MaxRetries: -1},
		}})
	if err != nil {
		t.Fatal(err)
	}
	g, err := graph.New(graph.Options{Credential: cred, BaseURL: url + "/v1.0", Transport: transport})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// want stores people 1 … n and starts the rollout.
func (s *stage) want(n int) {
	s.t.Helper()
	s.hire(1, n)
	admin := broadcast.ActorRef{ID: person(3), Name: "Cora Admin"}
	if err := s.st.SetRollout(s.t.Context(), broadcast.RolloutIdle, broadcast.RolloutRunning, admin, s.now()); err != nil {
		s.t.Fatal(err)
	}
}

// hire stores people from … to, who are wanted if the rollout is running.
func (s *stage) hire(from, to int) {
	s.t.Helper()
	yes, no := true, false
	var page []noun.Patch
	for i := from; i <= to; i++ {
		page = append(page, noun.Patch{EntraID: person(i), Enabled: &yes, Licensed: &yes, Guest: &no, Deleted: &no})
	}
	if err := s.st.SavePeople(s.t.Context(), page, nil); err != nil {
		s.t.Fatal(err)
	}
	storetest.Newcomers(s.t, s.st)
}

func (s *stage) installer() *graphinstall.Installer {
	s.t.Helper()
	i, err := graphinstall.New(s.options)
	if err != nil {
		s.t.Fatal(err)
	}
	return i
}

// work installs until nothing is due.
func (s *stage) work(i *graphinstall.Installer) {
	s.t.Helper()
	if err := i.Work(s.t.Context(), time.Minute); err != nil {
		s.t.Fatal(err)
	}
}

// until works, a quarter of an hour apart, until the condition holds: whatever is
// due later has become due by then.
func (s *stage) until(i *graphinstall.Installer, what string, holds func() bool) {
	s.t.Helper()
	for range 20 {
		s.work(i)
		if holds() {
			return
		}
		s.pass(15 * time.Minute)
	}
	s.t.Fatalf("%s did not come true", what)
}

func (s *stage) rollout() rollout.Rollout {
	s.t.Helper()
	r, err := s.st.Rollout(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

// row is one person as the rollout page shows them.
func (s *stage) row(number int) broadcast.InstallRow {
	s.t.Helper()
	for after := broadcast.EntraID(""); ; {
		page, err := s.st.Installations(s.t.Context(), broadcast.InstallQuery{Limit: 200, After: after})
		if err != nil {
			s.t.Fatal(err)
		}
		for _, r := range page.Rows {
			if r.EntraID == person(number) {
				return r
			}
		}
		if after = page.Next; after == "" {
			s.t.Fatalf("person %d has no installation", number)
		}
	}
}

func (s *stage) fail(faults ...simulator.Fault) {
	s.sim.SetDials(func(d *simulator.Dials) { d.Fail = faults })
}

func (s *stage) luck(number int, misfortune string) {
	s.sim.SetDials(func(d *simulator.Dials) { d.Person[simulator.EntraID(number)] = misfortune })
}

func (s *stage) requests(op string) int { return int(s.sim.Report().Requests[op]) }

func person(number int) broadcast.EntraID { return broadcast.EntraID(simulator.EntraID(number)) }

// control has something happen at the simulator.
func (s *stage) control(what, body string) error {
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, "/_simulator/"+what, strings.NewReader(body))
	if err != nil {
		return err
	}
	rw := httptest.NewRecorder()
	if s.sim.ServeHTTP(rw, r); rw.Code >= 300 {
		return fmt.Errorf("%s: %d %s", what, rw.Code, rw.Body)
	}
	return nil
}
