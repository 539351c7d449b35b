package setup_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/person"
	"github.com/fanfare/fanfare/graph"
	"github.com/fanfare/fanfare/setup"
	"github.com/fanfare/fanfare/simulator"
	"github.com/fanfare/fanfare/store"
)

// world is a simulated Microsoft over https, our own public address, a real database,
// and what the checks are told of them.
type world struct {
	t       *testing.T
	sim     *simulator.Simulator
	entra   string // where the simulator is
	answers map[string]http.HandlerFunc
	st      *store.Store
	pool    *x509.CertPool
	o       setup.Options
	secret  string // of the bot
	// What the ledger's adapter says.
	clockOff time.Duration
	heard    time.Time
}

func newWorld(t *testing.T) *world {
	t.Helper()
	o := simulator.DefaultOptions()
	o.People = 60
	sim, err := simulator.New(o)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, sim: sim, answers: map[string]http.HandlerFunc{}, pool: x509.NewCertPool(), secret: simulator.DefaultClientSecret, heard: time.Now()}
	painted := w.secure(http.HandlerFunc(w.microsoft), nil)
	w.entra = painted.URL
	sim.SetPublicURL(painted.URL)
	t.Cleanup(func() { _ = sim.Close() })
	w.st = w.database(true)
	public := w.secure(http.HandlerFunc(likeUs), nil)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: w.pool, MinVersion: tls.VersionTLS12}}
	t.Cleanup(transport.CloseIdleConnections)
	w.o = setup.Options{
		PublicURL: w.at(public.URL), Authority: w.at(painted.URL), GraphURL: w.at(painted.URL + "/v1.0"), MetadataURL: w.at(painted.URL + "/v1/.well-known/openidconfiguration"),
		TenantID: simulator.DefaultTenantID, BotID: simulator.DefaultBotID, ManifestID: simulator.DefaultManifestID,
		SignInClientID: simulator.DefaultSignInClientID, SignInSecret: simulator.DefaultSignInSecret,
		Credential: setup.Credential{Kind: "secret", Hint: "sim"}, Consent: []string{"ChatMessageReadReceipt.Read.Chat"},
		FallbackURL: "https://smba.trafficmanager.net/teams/", Allow: func(string) error { return nil },
		Lines: w.lines, Database: ledger{w}, Package: func() (string, error) { return "1.0.0", nil },
		HTTP: &http.Client{Transport: transport}, Roots: w.pool, Timeout: 20 * time.Second, Now: time.Now,
	}
	return w
}

// microsoft is the simulator, but for what a test answers itself.
func (w *world) microsoft(rw http.ResponseWriter, r *http.Request) {
	if answer := w.answers[r.URL.Path]; answer != nil {
		answer(rw, r)
		return
	}
	w.sim.ServeHTTP(rw, r)
}

// says has Microsoft answer a path with a body.
func (w *world) says(path string, status int, body string) {
	w.answers[path] = func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "application/json")
		rw.WriteHeader(status)
		_, _ = rw.Write([]byte(body))
	}
}

func (w *world) at(raw string) *url.URL {
	w.t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		w.t.Fatal(err)
	}
	return u
}

// likeUs answers as the bot endpoint does; that it truly does so is the doctor's story
// in server.
func likeUs(rw http.ResponseWriter, _ *http.Request) {
	rw.WriteHeader(http.StatusUnauthorized)
	_, _ = rw.Write([]byte(`{"detail":"Only Microsoft Teams may post here, with the Bot Framework's token."}`))
}

// secure serves h over https, with a certificate of its own that the world trusts.
func (w *world) secure(h http.Handler, change func(*x509.Certificate)) *httptest.Server {
	w.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		w.t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "painted"}, NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(90 * 24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"localhost"}, BasicConstraintsValid: true, IsCA: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	if change != nil {
		change(c)
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		w.t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		w.t.Fatal(err)
	}
	// A pool of its own: others may be looking into the one before.
	w.pool = w.pool.Clone()
	w.pool.AddCert(parsed)
	w.o.Roots = w.pool
	w.o.HTTP = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: w.pool, MinVersion: tls.VersionTLS12}}}
	s := httptest.NewUnstartedServer(h)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // it complains of strangers, whom tests send
	s.StartTLS()
	w.t.Cleanup(s.Close)
	return s
}

func (w *world) database(migrated bool) *store.Store {
	w.t.Helper()
	st, err := store.Open(w.t.Context(), store.Options{DSN: "sqlite:" + filepath.Join(w.t.TempDir(), "setup.db"), TenantID: simulator.DefaultTenantID})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = st.Close() })
	if !migrated {
		return st
	}
	if err := st.Migrate(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	id, name, yes, no := broadcast.EntraID(simulator.EntraID(7)), "Mia Marino", true, false
	known := []person.Patch{{EntraID: id, Name: &name, UPN: &name, Guest: &no, Enabled: &yes, Licensed: &yes}}
	if err := st.SavePeople(w.t.Context(), known, &person.Cursor{Link: "delta", Round: 1, FinishedAt: time.Now()}); err != nil {
		w.t.Fatal(err)
	}
	return st
}

// ledger is the database as the checks ask it.
type ledger struct{ w *world }

func (l ledger) Ping(ctx context.Context) error     { return l.w.st.Ping(ctx) }
func (l ledger) Migrated(ctx context.Context) error { return l.w.st.Migrated(ctx) }

func (l ledger) Clock(context.Context) (time.Time, error) {
	return l.w.st.Now().Add(l.w.clockOff), nil
}
func (l ledger) Heard(context.Context) (time.Time, error) { return l.w.heard, nil }

func (l ledger) Somebody(ctx context.Context) (broadcast.EntraID, error) {
	people, err := l.w.st.PeoplePage(ctx, "", 1)
	if err != nil || len(people) == 0 {
		return "", err
	}
	return people[0].EntraID, nil
}

// lines are real ones: azidentity and the Graph room, against the simulator.
func (w *world) lines() setup.Lines {
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: w.pool, MinVersion: tls.VersionTLS12}}
	w.t.Cleanup(transport.CloseIdleConnections)
	cred, err := azidentity.NewClientSecretCredential(w.o.TenantID, w.o.BotID, w.secret, &azidentity.ClientSecretCredentialOptions{
		DisableInstanceDiscovery: true, ClientOptions: policy.ClientOptions{
			Cloud: cloud.Configuration{ActiveDirectoryAuthorityHost: w.entra}, Transport: &http.Client{Transport: transport}, Retry: policy.RetryOptions{MaxRetries: -1},
		},
	})
	if err != nil {
		w.t.Error(err)
	}
	g, err := graph.New(graph.Options{Credential: cred, BaseURL: w.o.GraphURL.String(), Transport: transport})
	if err != nil {
		w.t.Error(err)
	}
	token := func(scope string) func(context.Context) (string, error) {
		return func(ctx context.Context) (string, error) {
			got, err := cred.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{scope}})
			return got.Token, err
		}
	}
	return setup.Lines{Graph: g, GraphToken: token("https://graph.microsoft.com/.default"), ConnectorToken: token("https://api.botframework.com/.default")}
}

// found makes all checks and returns what one of them found. No secret and no token
// may be in any.
func (w *world) found(name string) setup.Finding {
	w.t.Helper()
	report := setup.New(w.o).Run(w.t.Context())
	var out setup.Finding
	for _, r := range report.Results {
		if r.Name == name {
			out = r.Finding
		}
		words := r.Cause + r.Remedy
		for _, secret := range []string{simulator.DefaultClientSecret, simulator.DefaultSignInSecret, w.secret, "eyJ"} {
			if strings.Contains(words, secret) {
				w.t.Errorf("%s tells a secret: %s", r.Name, words)
			}
		}
		if !r.Done() || r.Cause == "" || (r.State == setup.Failed && r.Remedy == "") {
			w.t.Errorf("%s leaves people alone: %+v", r.Name, r)
		}
	}
	if out.State == "" {
		w.t.Fatalf("there is no check %q", name)
	}
	return out
}

// expect is that a check comes out like that, in words that contain these.
func (w *world) expect(name string, state setup.State, words ...string) {
	w.t.Helper()
	f := w.found(name)
	if f.State != state {
		w.t.Errorf("%s is %s, want %s: %s %s", name, f.State, state, f.Cause, f.Remedy)
	}
	for _, want := range words {
		if !strings.Contains(f.Cause+" "+f.Remedy, want) {
			w.t.Errorf("%s does not say %q: %s %s", name, want, f.Cause, f.Remedy)
		}
	}
}

// fails has a call of Graph's or Entra's fail.
func (w *world) fails(f ...simulator.Fault) {
	w.sim.SetDials(func(d *simulator.Dials) { d.Fail = f })
}

func denied(operation string) simulator.Fault {
	return simulator.Fault{Operation: operation, Status: 403, Code: "Authorization_RequestDenied", Message: "Insufficient privileges to complete the operation."}
}

func unsignedToken(roles string) string {
	return fmt.Sprintf(`{"token_type":"Bearer","expires_in":3600,"access_token":"%s"}`, roles)
}
