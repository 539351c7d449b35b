package graph_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	abstractions "github.com/microsoft/kiota-abstractions-go"
	"github.com/microsoft/kiota-abstractions-go/serialization"
	"go.uber.org/goleak"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/graph"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// credential hands out a token and remembers what it was asked for.
type credential struct {
	mu     sync.Mutex
	scopes []string
	err    error
}

func (c *credential) GetToken(_ context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.scopes = o.Scopes
	return azcore.AccessToken{Token: "secret-token", ExpiresOn: time.Now().Add(time.Hour)}, c.err
}

// serve answers every request with h and returns a client for it.
func serve(t *testing.T, h http.HandlerFunc) (*graph.Client, *httptest.Server, *credential) {
	t.Helper()
	srv := httptest.NewTLSServer(h)
	t.Cleanup(srv.Close)
	transport := srv.Client().Transport
	t.Cleanup(transport.(*http.Transport).CloseIdleConnections)
	cred := &credential{}
	c, err := graph.New(graph.Options{Credential: cred, BaseURL: srv.URL + "/v1.0/", Transport: transport, Timeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return c, srv, cred
}

// thing is the least an answer can be read into.
type thing struct {
	Name *string
	On   *bool
}

func newThing(serialization.ParseNode) (serialization.Parsable, error) { return &thing{}, nil }

func (th *thing) GetFieldDeserializers() graph.Fields {
	return graph.Fields{"name": graph.Text(&th.Name), "on": graph.Bool(&th.On)}
}

func (*thing) Serialize(serialization.SerializationWriter) error { return nil }

func get(ctx context.Context, c *graph.Client, r graph.Request) (*thing, error) {
	return graph.Get[*thing](ctx, c, r, newThing)
}

func writeJSON(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

func TestACallCarriesTokenQueryAndConsistency(t *testing.T) {
	t.Parallel()
	var seen *http.Request
	c, _, cred := serve(t, func(w http.ResponseWriter, r *http.Request) {
		seen = r.Clone(context.Background())
		writeJSON(w, 200, `{"name":"Sales","on":true,"more":[1,{"x":null}]}`)
	})
	q := url.Values{"$search": {`"displayName:a + b & c"`}, "$select": {"id,displayName"}}
	got, err := get(t.Context(), c, graph.Request{Path: "/groups", Query: q, Eventual: true})
	if err != nil {
		t.Fatal(err)
	}
	if *got.Name != "Sales" || !*got.On {
		t.Errorf("got %+v", got)
	}
	if auth := seen.Header.Get("Authorization"); auth != "Bearer secret-token" {
		t.Errorf("Authorization = %q", auth)
	}
	if seen.URL.Path != "/v1.0/groups" || seen.URL.Query().Get("$search") != q.Get("$search") || strings.Contains(seen.URL.RawQuery, "+") {
		t.Errorf("asked for %s?%s", seen.URL.Path, seen.URL.RawQuery)
	}
	if seen.Header.Get("ConsistencyLevel") != "eventual" {
		t.Error("no ConsistencyLevel header")
	}
	if len(cred.scopes) != 1 || cred.scopes[0] != "https://graph.microsoft.com/.default" {
		t.Errorf("token asked for %v, want Graph's own name even at another address", cred.scopes)
	}
}

func TestNullAndAbsentAreToldApart(t *testing.T) {
	t.Parallel()
	c, _, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1.0/null" {
			writeJSON(w, 200, `{"name":null,"on":null}`)
			return
		}
		writeJSON(w, 200, `{"other":1}`)
	})
	got, err := get(t.Context(), c, graph.Request{Path: "/null"})
	if err != nil || got.Name == nil || *got.Name != "" || got.On != nil {
		t.Errorf("null gave %+v, %v; want a cleared name", got, err)
	}
	got, err = get(t.Context(), c, graph.Request{Path: "/absent"})
	if err != nil || got.Name != nil || got.On != nil {
		t.Errorf("absent gave %+v, %v; want nothing said", got, err)
	}
}

func TestPagesAreReadWithTheirLinks(t *testing.T) {
	t.Parallel()
	var at string
	c, srv, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("$skiptoken") == "" {
			writeJSON(w, 200, fmt.Sprintf(`{"value":[{"name":"a"},{"name":"b"}],"@odata.nextLink":%q}`, at+"/v1.0/things?$skiptoken=x%2Fy%3D"))
			return
		}
		writeJSON(w, 200, fmt.Sprintf(`{"value":[],"@odata.deltaLink":%q}`, at+"/v1.0/things?$deltatoken="+r.URL.Query().Get("$skiptoken")))
	})
	at = srv.URL
	page, err := graph.GetPage[*thing](t.Context(), c, graph.Request{Path: "/things"}, newThing)
	if err != nil || len(page.Items) != 2 || page.Next == "" || page.Delta != "" {
		t.Fatalf("first page %+v, %v", page, err)
	}
	page, err = graph.GetPage[*thing](t.Context(), c, graph.Request{Link: page.Next}, newThing)
	if err != nil || len(page.Items) != 0 || page.Next != "" || !strings.HasSuffix(page.Delta, "=x/y=") {
		t.Errorf("last page %+v, %v: the link was not followed verbatim", page, err)
	}
}

func TestNothingIsRetriedRedirectedOrCompressed(t *testing.T) {
	t.Parallel()
	for _, status := range []int{302, 429, 503, 504} {
		var calls atomic.Int32
		c, srv, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
			calls.Add(1)
			if r.Header.Get("Content-Encoding") != "" {
				t.Error("a body was compressed")
			}
			w.Header().Set("Location", "https://"+r.Host+"/v1.0/elsewhere")
			w.WriteHeader(status)
		})
		_, err := get(t.Context(), c, graph.Request{Path: "/x"})
		if calls.Load() != 1 || graph.Status(err) != status {
			t.Errorf("status %d: %d calls, %v; want one call and its answer", status, calls.Load(), err)
		}
		srv.Close()
	}
}

func TestATokenNeverLeavesForAnotherHost(t *testing.T) {
	t.Parallel()
	var strangers atomic.Int32
	_, stranger, _ := serve(t, func(http.ResponseWriter, *http.Request) { strangers.Add(1) })
	c, _, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, 200, `{}`) })
	for _, link := range []string{stranger.URL + "/v1.0/x", "https://graph.example.test/v1.0/x", "http://127.0.0.1/v1.0/x", "://"} {
		if _, err := get(t.Context(), c, graph.Request{Link: link}); err == nil {
			t.Errorf("%s was followed", link)
		}
	}
	if strangers.Load() != 0 {
		t.Error("another host was called")
	}
}

func TestAnEmpty201IsASuccessHoweverItIsSent(t *testing.T) {
	t.Parallel()
	for name, h := range map[string]http.HandlerFunc{
		"no content": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(201) },
		"chunked": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(201)
			_ = http.NewResponseController(w).Flush()
		},
	} {
		c, _, _ := serve(t, h)
		err := c.Do(t.Context(), func(ctx context.Context) error {
			info := abstractions.NewRequestInformation()
			info.Method, info.UrlTemplate = abstractions.POST, "{+baseurl}/x"
			_, err := c.Adapter().Send(ctx, info, newThing, nil)
			return err
		})
		if err != nil {
			t.Errorf("%s: %v, want a success without content", name, err)
		}
		if _, err := get(t.Context(), c, graph.Request{Path: "/x"}); graph.Status(err) != 201 {
			t.Errorf("%s: %v: an object was asked for and none came", name, err)
		}
	}
}

func TestAPanicOfTheSDKIsAFault(t *testing.T) {
	t.Parallel()
	c, _, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		// Unquoted claims make the SDK index an empty match.
		w.Header().Set("WWW-Authenticate", "Bearer claims=x")
		w.WriteHeader(401)
	})
	_, err := get(t.Context(), c, graph.Request{Path: "/x"})
	if f := broadcast.AsFault(err); f.Status != 401 || f.Scope != broadcast.ScopeService {
		t.Errorf("fault %+v, want what was answered", f)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	t.Parallel()
	for _, base := range []string{"http://graph.example.test/v1.0", "graph", "ftp://localhost", "://"} {
		if _, err := graph.New(graph.Options{Credential: &credential{}, BaseURL: base}); err == nil {
			t.Errorf("%q was taken for an address of Graph", base)
		}
	}
	if _, err := graph.New(graph.Options{}); err == nil {
		t.Error("a client without a credential was made")
	}
	for base, cloud := range map[string]string{
		"": graph.PublicCloud, "https://graph.microsoft.us/v1.0": "https://graph.microsoft.us",
		"http://127.0.0.1:8443/v1.0": graph.PublicCloud,
	} {
		c, err := graph.New(graph.Options{Credential: &credential{}, BaseURL: base})
		if err != nil || c.Cloud() != cloud {
			t.Errorf("%q: cloud %v, %v; want %s", base, c, err, cloud)
		}
	}
}

func TestACallEndsWithItsContext(t *testing.T) {
	t.Parallel()
	begun := make(chan struct{})
	over := make(chan struct{})
	t.Cleanup(func() { close(over) })
	c, _, _ := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		close(begun)
		select {
		case <-over:
		case <-r.Context().Done():
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-begun; cancel() }()
	_, err := get(ctx, c, graph.Request{Path: "/x"})
	if f := broadcast.AsFault(err); f.Code != graph.CodeCancelled || f.Class != broadcast.Transient {
		t.Errorf("fault %+v, want cancelled", f)
	}
}

func TestNoTokenIsToldApart(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		says   string
		class  broadcast.FaultClass
		reason broadcast.Reason
		detail string
	}{
		{"dial tcp: connection refused", broadcast.Transient, broadcast.ReasonTrouble, "dial tcp: connection refused"},
		{"authentication failed\nRESPONSE 503\n{\"error\":\"temporarily_unavailable\"}", broadcast.Transient, broadcast.ReasonTrouble, ""},
		{"authentication failed\nRESPONSE 401\n{\n  \"error\": \"invalid_client\",\n  \"error_description\": \"AADSTS7000215: Invalid client secret provided.\\r\\nTrace\"}", broadcast.Permanent, broadcast.ReasonCredentials, "AADSTS7000215: Invalid client secret provided."},
	} {
		c, _, cred := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("called without a token") })
		cred.err = errors.New(tc.says)
		_, err := get(t.Context(), c, graph.Request{Path: "/x"})
		f := broadcast.AsFault(err)
		if f.Class != tc.class || f.Scope != broadcast.ScopeService || f.Reason != tc.reason || f.Code != graph.CodeToken {
			t.Errorf("%q: fault %+v", tc.says, f)
		}
		if tc.detail != "" && f.Detail != tc.detail {
			t.Errorf("detail %q, want %q", f.Detail, tc.detail)
		}
	}
}
