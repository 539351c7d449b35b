package graph_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"net/http"
	"net/url"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/graph"
	"github.com/fanfare/fanfare/simulator"
)

// world is a simulated tenant over HTTPS and a client with real azidentity.
func world(t *testing.T, scope string) (*simulator.Simulator, *graph.Client) {
	t.Helper()
	sim, err := simulator.New(simulator.Options{People: 400, Seed: 1})
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
	cred, err := azidentity.NewClientSecretCredential(simulator.DefaultTenantID, simulator.DefaultBotID, simulator.DefaultClientSecret,
		&azidentity.ClientSecretCredentialOptions{DisableInstanceDiscovery: true, ClientOptions: policy.ClientOptions{
			Cloud:     cloud.Configuration{ActiveDirectoryAuthorityHost: srv.URL()},
			Transport: &http.Client{Transport: transport}, Retry: policy.RetryOptions{MaxRetries: -1},
		}})
	if err != nil {
		t.Fatal(err)
	}
	c, err := graph.New(graph.Options{Credential: cred, BaseURL: srv.URL() + "/v1.0", Cloud: scope, Transport: transport})
	if err != nil {
		t.Fatal(err)
	}
	return sim, c
}

func TestTheSDKReadsASimulatedTenant(t *testing.T) {
	t.Parallel()
	_, c := world(t, "")
	seen, pages := 0, 0
	for r := (graph.Request{Path: "/users/delta", Query: url.Values{"$select": {"id,displayName"}}}); ; pages++ {
		page, err := graph.GetPage[*thing](t.Context(), c, r, newThing)
		if err != nil {
			t.Fatal(err)
		}
		if seen += len(page.Items); page.Delta != "" {
			break
		}
		r = graph.Request{Link: page.Next}
	}
	if seen < 400 || pages < 3 {
		t.Errorf("%d people on %d pages, want all 400", seen, pages+1)
	}
}

func TestWithoutConsistencyGraphRefuses(t *testing.T) {
	t.Parallel()
	_, c := world(t, "")
	r := graph.Request{Path: "/groups", Query: url.Values{"$search": {`"displayName:sales"`}, "$count": {"true"}}}
	if _, err := graph.GetPage[*thing](t.Context(), c, r, newThing); graph.Status(err) != 400 {
		t.Errorf("err = %v, want 400", err)
	}
	r.Eventual = true
	if page, err := graph.GetPage[*thing](t.Context(), c, r, newThing); err != nil || len(page.Items) != 1 {
		t.Errorf("%v, %v; want one group", page, err)
	}
}

func TestARotatedSecretStopsTheService(t *testing.T) {
	t.Parallel()
	sim, c := world(t, "")
	sim.SetDials(func(d *simulator.Dials) { d.ClientSecretRotated = true })
	_, err := get(t.Context(), c, graph.Request{Path: "/organization"})
	f := broadcast.AsFault(err)
	if f.Class != broadcast.Permanent || f.Scope != broadcast.ScopeService || f.Reason != broadcast.ReasonCredentials {
		t.Errorf("fault %+v, want refused credentials", f)
	}
}

func TestATokenForAnotherServiceIsRefused(t *testing.T) {
	t.Parallel()
	_, c := world(t, "https://api.botframework.com")
	_, err := get(t.Context(), c, graph.Request{Path: "/organization"})
	f := broadcast.AsFault(err)
	if f.Status != 401 || f.Scope != broadcast.ScopeService {
		t.Errorf("fault %+v, want 401", f)
	}
}

func TestInjectedFaultsComeThroughOnce(t *testing.T) {
	t.Parallel()
	sim, c := world(t, "")
	for _, shape := range []string{"error", "html", "empty"} {
		for _, status := range []int{429, 500, 502, 503, 504} {
			sim.SetDials(func(d *simulator.Dials) {
				d.Fail = []simulator.Fault{{Operation: "graph.organization", Status: status, Shape: shape, RetryAfter: 3, Next: 1}}
			})
			_, err := get(t.Context(), c, graph.Request{Path: "/organization"})
			if err == nil {
				t.Fatalf("%s %d was retried behind our back", shape, status)
			}
			f := broadcast.AsFault(err)
			if f.Status != status || f.RetryAfter.Seconds() != 3 || (status == 429) != (f.Class == broadcast.Throttled) {
				t.Errorf("%s %d: %+v", shape, status, f)
			}
			if _, err := get(t.Context(), c, graph.Request{Path: "/organization"}); err != nil {
				t.Errorf("%s %d: afterwards %v", shape, status, err)
			}
		}
	}
	if n := sim.Report().Requests["graph.organization"]; n != 30 {
		t.Errorf("%d requests counted", n)
	}
}

func TestALookIsTheAnswerAsItCame(t *testing.T) {
	t.Parallel()
	sim, c := world(t, "")
	raw, err := c.Look(t.Context(), "/groups", url.Values{"$top": {"1"}, "$select": {"id"}, "$count": {"true"}}, true)
	var page struct {
		Value []struct{ ID string }
	}
	if err != nil || json.Unmarshal(raw, &page) != nil || len(page.Value) != 1 || page.Value[0].ID == "" {
		t.Errorf("%s, %v", raw, err)
	}
	sim.SetDials(func(d *simulator.Dials) {
		d.Fail = []simulator.Fault{{Operation: "graph.groups", Status: 403, Code: "Authorization_RequestDenied", Message: "Insufficient privileges"}}
	})
	_, err = c.Look(t.Context(), "/groups", nil, false)
	if f := broadcast.AsFault(err); f.Status != 403 || f.Reason != broadcast.ReasonNoConsent || f.Detail != "Insufficient privileges" {
		t.Errorf("fault %+v", f)
	}
}
