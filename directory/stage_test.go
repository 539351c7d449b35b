package directory_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/fanfare/fanfare/broadcast"
	noun "github.com/fanfare/fanfare/broadcast/person"
	"github.com/fanfare/fanfare/directory"
	"github.com/fanfare/fanfare/graph"
	"github.com/fanfare/fanfare/simulator"
	"github.com/fanfare/fanfare/store"
)

// stage is a directory over a simulated tenant and a fresh store.
type stage struct {
	*directory.Directory
	t    *testing.T
	sim  *simulator.Simulator
	st   *store.Store
	http *http.Client
	url  string
	with func(directory.Ledger) *directory.Directory
}

func newStage(t *testing.T, people int) *stage {
	t.Helper()
	sim, err := simulator.New(simulator.Options{People: people, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	srv, err := simulator.Listen(t.Context(), "127.0.0.1:0", sim)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = srv.Close(); _ = sim.Close() })
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(sim.CACertPEM())
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}
	t.Cleanup(transport.CloseIdleConnections)
	client := &http.Client{Transport: transport}
	cred, err := azidentity.NewClientSecretCredential(simulator.DefaultTenantID, simulator.DefaultBotID, simulator.DefaultClientSecret,
		&azidentity.ClientSecretCredentialOptions{DisableInstanceDiscovery: true, ClientOptions: policy.ClientOptions{
			Cloud: cloud.Configuration{ActiveDirectoryAuthorityHost: srv.URL()}, Transport: client,
		}})
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{t: t, sim: sim, st: ledger(t), http: client, url: srv.URL()}
	s.with = func(l directory.Ledger) *directory.Directory { return over(t, cred, srv.URL(), transport, l) }
	s.Directory = s.with(s.st)
	return s
}

// ledger is a fresh SQLite store.
func ledger(t *testing.T) *store.Store {
	t.Helper()
	st, err := store.Open(t.Context(), store.Options{DSN: "sqlite:" + filepath.Join(t.TempDir(), "fanfare.db"), TenantID: simulator.DefaultTenantID})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	if err := st.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return st
}

func over(t *testing.T, cred azcore.TokenCredential, url string, transport http.RoundTripper, st directory.Ledger) *directory.Directory {
	t.Helper()
	g, err := graph.New(graph.Options{Credential: cred, BaseURL: url + "/v1.0", Transport: transport})
	if err != nil {
		t.Fatal(err)
	}
	return directory.New(directory.Options{Graph: g, People: st, Backoff: time.Millisecond})
}

func (s *stage) sync() {
	s.t.Helper()
	if err := s.Sync(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
}

// edit changes a person in the simulated directory.
func (s *stage) edit(number int, change map[string]any) {
	s.t.Helper()
	s.post("people/"+simulator.EntraID(number)+"/directory", change)
}

func (s *stage) post(path string, body any) {
	s.t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		s.t.Fatal(err)
	}
	res, err := s.http.Post(s.url+"/_simulator/"+path, "application/json", bytes.NewReader(raw))
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	if text, _ := io.ReadAll(res.Body); res.StatusCode >= 300 {
		s.t.Fatalf("%s: %d %s", path, res.StatusCode, text)
	}
}

func (s *stage) fail(f simulator.Fault) {
	s.sim.SetDials(func(d *simulator.Dials) { d.Fail = []simulator.Fault{f} })
}

func (s *stage) pages() int64 { return s.sim.Report().Requests["graph.delta"] }

// frailLedger is a ledger whose disk is full once it has stored so many pages of
// people more.
type frailLedger struct {
	*store.Store
	room int
}

func (f *frailLedger) SavePeople(ctx context.Context, patches []noun.Patch, at *noun.Cursor) error {
	if len(patches) > 0 {
		if f.room == 0 {
			return errors.New("no space left on device")
		}
		f.room--
	}
	return f.Store.SavePeople(ctx, patches, at)
}

// stored is everybody in the store with the reason they are left out for.
func stored(t *testing.T, st *store.Store) map[broadcast.EntraID]broadcast.Reason {
	t.Helper()
	out := map[broadcast.EntraID]broadcast.Reason{}
	for after := broadcast.EntraID(""); ; {
		page, err := st.PeoplePage(t.Context(), after, 300)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			return out
		}
		for _, r := range page {
			if _, twice := out[r.EntraID]; twice {
				t.Errorf("%s is there twice", r.EntraID)
			}
			out[r.EntraID] = r.Excluded
		}
		after = page[len(page)-1].EntraID
	}
}

func person(number int) broadcast.EntraID { return broadcast.EntraID(simulator.EntraID(number)) }

// group finds a simulated group by its number.
func group(number int, name string) broadcast.Group {
	return broadcast.Group{ID: fmt.Sprintf("60000000-0000-4000-8000-%012x", number), Name: name}
}

// staticToken is for servers that ask for none.
type staticToken struct{}

func (staticToken) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: "x", ExpiresOn: time.Now().Add(time.Hour)}, nil
}

// scripted is a directory over a server that answers each call with the next of
// some bodies, in which BASE is its address.
func scripted(t *testing.T, answers ...string) (*directory.Directory, *store.Store) {
	t.Helper()
	calls := 0
	var srv *httptest.Server
	srv = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		answer := answers[min(calls, len(answers)-1)]
		calls++
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(bytes.ReplaceAll([]byte(answer), []byte("BASE"), []byte(srv.URL+"/v1.0")))
	}))
	t.Cleanup(srv.Close)
	st := ledger(t)
	return over(t, staticToken{}, srv.URL, srv.Client().Transport, st), st
}
