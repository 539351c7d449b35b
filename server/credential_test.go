package server_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fanfare/fanfare/simulator"
)

// Every way to prove who the bot is gets a broadcast through: Graph's token for
// the directory and the installs, the Connector's for the messages.
func TestEveryKindOfCredentialWorks(t *testing.T) {
	t.Parallel()
	for kind, settings := range map[string]func(*testing.T, *world) map[string]string{
		"certificate": func(t *testing.T, _ *world) map[string]string {
			return map[string]string{"FANFARE_BOT_CERTIFICATE_FILE": certificate(t)}
		},
		"workload": func(t *testing.T, _ *world) map[string]string {
			return map[string]string{"FANFARE_BOT_CREDENTIAL": "workload", "AZURE_FEDERATED_TOKEN_FILE": federatedToken(t)}
		},
		"managed": func(t *testing.T, w *world) map[string]string {
			return map[string]string{"FANFARE_BOT_CREDENTIAL": "managed", "IDENTITY_ENDPOINT": identityEndpoint(t, w), "IDENTITY_HEADER": "hidden"}
		},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "sqlite", func(o *simulator.Options) { o.People = 30 })
			stop := w.serve()
			b := w.approved("By " + kind)
			stop()
			delete(w.env, "FANFARE_BOT_SECRET")
			for name, value := range settings(t, w) {
				w.env[name] = value
			}
			w.spawn()
			w.must(200, "author", "POST", "/broadcasts/"+b.ID+"/send", nil, &b)
			if b = w.state(b.ID, "sent", "failed", "paused"); b.State != "sent" || b.Tally.Sent < 25 {
				t.Errorf("%s: %s: %+v", b.State, b.Reason, b.Tally)
			}
		})
	}
}

// certificate writes a self-signed certificate with its key.
func certificate(t *testing.T) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "bot"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	both := append(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	return file(t, "bot.pem", both)
}

// federatedToken writes what a cluster would project for the bot.
func federatedToken(t *testing.T) string {
	t.Helper()
	part := func(v any) string {
		raw, _ := json.Marshal(v)
		return base64.RawURLEncoding.EncodeToString(raw)
	}
	claims := map[string]any{"iss": simulator.DefaultBotID, "sub": simulator.DefaultBotID, "aud": "api://AzureADTokenExchange", "exp": time.Now().Add(time.Hour).Unix()}
	token := part(map[string]string{"alg": "RS256", "typ": "JWT"}) + "." + part(claims) + "." + base64.RawURLEncoding.EncodeToString([]byte("signed by the cluster"))
	return file(t, "token", []byte(token))
}

// identityEndpoint is App Service's managed identity (protocol A.3): it hands out
// the tokens of the simulated Entra.
func identityEndpoint(t *testing.T, w *world) string {
	t.Helper()
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(w.sim.CACertPEM())
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
	t.Cleanup(transport.CloseIdleConnections)
	client := &http.Client{Transport: transport}
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-IDENTITY-HEADER") != "hidden" || r.FormValue("client_id") != simulator.DefaultBotID {
			http.Error(rw, "not this identity", http.StatusBadRequest)
			return
		}
		got, err := client.PostForm(w.http.URL()+"/"+simulator.DefaultTenantID+"/oauth2/v2.0/token", url.Values{
			"grant_type": {"client_credentials"}, "client_id": {simulator.DefaultBotID}, "client_secret": {simulator.DefaultClientSecret},
			"scope": {strings.TrimSuffix(r.FormValue("resource"), "/") + "/.default"},
		})
		if err != nil {
			http.Error(rw, err.Error(), http.StatusBadGateway)
			return
		}
		defer got.Body.Close()
		var token struct {
			Value string `json:"access_token"`
		}
		raw, _ := io.ReadAll(got.Body)
		if json.Unmarshal(raw, &token) != nil || token.Value == "" {
			http.Error(rw, string(raw), http.StatusBadGateway)
			return
		}
		rw.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(rw).Encode(map[string]string{
			"access_token": token.Value, "token_type": "Bearer", "resource": r.FormValue("resource"),
			"expires_on": fmt.Sprint(time.Now().Add(time.Hour).Unix()),
		})
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func file(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
