package teams

import (
	"bytes"
	"context"
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/google/go-cmp/cmp"
)

// connector is a TLS server that answers as told and remembers what was asked.
type connector struct {
	*httptest.Server
	mu       sync.Mutex
	answer   http.HandlerFunc
	requests []request
	client   *Client
	tokens   *fixedToken
}

// answers changes what is answered from now on.
func (c *connector) answers(answer http.HandlerFunc) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answer = answer
}

// asked is what was asked so far.
func (c *connector) asked() []request {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.requests)
}

type request struct {
	method, uri, authorization, contentType string
	body                                    []byte
}

// overHTTP leaves all calls to net/http, as behind a proxy.
func overHTTP(o *Options) { o.Wire = nil }

// bothWays runs a test with a client that has a Wire and with one that has not:
// what we promise does not depend on the way.
func bothWays(t *testing.T, test func(t *testing.T, way func(*Options))) {
	for name, way := range map[string]func(*Options){"wire": func(*Options) {}, "net/http": overHTTP} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, way)
		})
	}
}

func newConnector(t *testing.T, answer http.HandlerFunc, change ...func(*Options)) *connector {
	t.Helper()
	c := &connector{answer: answer, tokens: &fixedToken{tokens: []string{"first", "second"}}}
	c.Server = httptest.NewTLSServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		c.mu.Lock()
		c.requests = append(c.requests, request{r.Method, r.RequestURI, r.Header.Get("Authorization"), r.Header.Get("Content-Type"), body})
		answer := c.answer
		c.mu.Unlock()
		r.Body = io.NopCloser(bytes.NewReader(body))
		answer(rw, r)
	}))
	t.Cleanup(c.Close)
	roots := x509.NewCertPool()
	roots.AddCert(c.Certificate())
	transport := NewTransport(16, roots)
	t.Cleanup(transport.CloseIdleConnections)
	wire := NewWire(WireOptions{Roots: roots, Conns: 16})
	t.Cleanup(wire.Close)
	o := Options{
		HTTP: &http.Client{Transport: transport}, Wire: wire, Token: c.tokens, BotID: testBot, BotName: "Newsroom", TenantID: "tenant-1",
		Hosts: hostList(t, must(url.Parse(c.URL)).Host), FallbackServiceURL: c.URL + "/teams", Composer: composer(t),
	}
	for _, way := range change {
		way(&o)
	}
	c.client = must(NewClient(o))
	return c
}

func says(status int, body string) http.HandlerFunc {
	return func(rw http.ResponseWriter, _ *http.Request) {
		rw.WriteHeader(status)
		_, _ = io.WriteString(rw, body)
	}
}

func (c *connector) at(conversation string) broadcast.ConversationReference {
	return broadcast.ConversationReference{ServiceURL: c.URL + "/emea/tenant-1/", ConversationID: conversation}
}

func TestPathsAreEscapedAndJoinedWithCare(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, way func(*Options)) {
		c := newConnector(t, says(200, `{"id":"1"}`), way)
		ids := map[string]string{
			"a:1abc": "a%3A1abc", "19:x@thread.tacv2;messageid=5": "19%3Ax%40thread.tacv2%3Bmessageid%3D5",
			"19:u_b@unq.gbl.spaces": "19%3Au_b%40unq.gbl.spaces", "a/../b|c?d#e%2F": "a%2F..%2Fb%7Cc%3Fd%23e%252F", "ü": "%C3%BC",
		}
		for id, escaped := range ids {
			for _, base := range []string{"/emea/tenant-1/", "/emea/tenant-1", "", "/"} {
				to := broadcast.ConversationReference{ServiceURL: c.URL + base, ConversationID: id}
				if _, err := c.client.Send(t.Context(), to, broadcast.Payload{Activity: []byte("{}")}); err != nil {
					t.Fatal(err)
				}
				want := strings.TrimSuffix(base, "/") + "/v3/conversations/" + escaped + "/activities"
				asked := c.asked()
				if got := asked[len(asked)-1].uri; got != want {
					t.Errorf("%q under %q became\n%s, want\n%s", id, base, got, want)
				}
			}
		}
	})
}

func TestTheCallsAreThoseOfTheProtocol(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, way func(*Options)) {
		c := newConnector(t, says(200, `{"id":"a:1","members":[{"id":"29:a","objectId":"0B1EC700"}],"continuationToken":"n&x="}`), way)
		at, pay := c.at("a:1"), broadcast.Payload{Activity: []byte(`{"type":"message"}`)}
		_, err := c.client.Open(t.Context(), "0b1ec700", broadcast.ConversationReference{})
		page, err2 := c.client.Members(t.Context(), at, "t&x=")
		_, err3 := c.client.Send(t.Context(), at, pay)
		for _, err := range []error{err, err2, err3, c.client.Update(t.Context(), at, "9", pay), c.client.Delete(t.Context(), at, "9"), c.client.Reply(t.Context(), at, "a <b> & c")} {
			if err != nil {
				t.Fatal(err)
			}
		}
		const json, bearer = "application/json; charset=utf-8", "Bearer first"
		want := []request{
			{"POST", "/teams/v3/conversations", bearer, json, []byte(`{"bot":{"id":"28:` + testBot + `","name":"Newsroom"},"members":[{"id":"0b1ec700"}],"isGroup":false,"tenantId":"tenant-1","channelData":{"tenant":{"id":"tenant-1"}}}`)},
			{"GET", "/emea/tenant-1/v3/conversations/a%3A1/pagedmembers?continuationToken=t%26x%3D&pageSize=500", bearer, "", nil},
			{"POST", "/emea/tenant-1/v3/conversations/a%3A1/activities", bearer, json, pay.Activity},
			{"PUT", "/emea/tenant-1/v3/conversations/a%3A1/activities/9", bearer, json, pay.Activity},
			{"DELETE", "/emea/tenant-1/v3/conversations/a%3A1/activities/9", bearer, "", nil},
			{"POST", "/emea/tenant-1/v3/conversations/a%3A1/activities", bearer, json, []byte(`{"type":"message","from":{"id":"28:` + testBot + `","name":"Newsroom"},"text":"a <b> & c","textFormat":"markdown"}`)},
		}
		same := cmp.Comparer(func(a, b []byte) bool { return bytes.Equal(a, b) })
		if diff := cmp.Diff(want, c.asked(), cmp.AllowUnexported(request{}), same); diff != "" {
			t.Error(diff)
		}
		if page.Next != "n&x=" || page.Members[0].EntraID() != "0b1ec700" {
			t.Errorf("page %+v", page)
		}
	})
}

func TestNoTokenIsFetchedForAnAddressThatIsNotAllowed(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, way func(*Options)) {
		c := newConnector(t, says(200, `{"id":"1"}`), way)
		for _, bad := range []broadcast.ConversationReference{
			{ServiceURL: "https://evil.trafficmanager.net/emea/", ConversationID: "a:1"},
			{ServiceURL: strings.Replace(c.URL, "https", "http", 1) + "9", ConversationID: "a:1"},
			{ServiceURL: c.URL, ConversationID: ""},
			{ServiceURL: c.URL, ConversationID: ".."},
			{ServiceURL: c.URL, ConversationID: "."},
		} {
			_, err := c.client.Send(t.Context(), bad, broadcast.Payload{})
			fault(t, err, permanent, one, broadcast.ReasonBadAddress)
			err = c.client.Update(t.Context(), bad, "1", broadcast.Payload{})
			fault(t, err, permanent, one, broadcast.ReasonBadAddress)
			err = c.client.Delete(t.Context(), bad, "1")
			fault(t, err, permanent, one, broadcast.ReasonBadAddress)
			_, err = c.client.Members(t.Context(), bad, "")
			fault(t, err, permanent, one, broadcast.ReasonBadAddress)
		}
		_, err := c.client.Open(t.Context(), "id", broadcast.ConversationReference{ServiceURL: "https://evil.example/"})
		fault(t, err, permanent, one, broadcast.ReasonBadAddress)
		_, err = c.client.Open(t.Context(), "", broadcast.ConversationReference{})
		fault(t, err, permanent, one, broadcast.ReasonBadAddress)
		if c.tokens.asked != 0 || len(c.asked()) != 0 {
			t.Errorf("%d tokens fetched, %d requests made", c.tokens.asked, len(c.asked()))
		}
	})
}

func TestARedirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, way func(*Options)) {
		c := newConnector(t, func(rw http.ResponseWriter, r *http.Request) {
			http.Redirect(rw, r, "/elsewhere", http.StatusTemporaryRedirect)
		}, way)
		_, err := c.client.Send(t.Context(), c.at("a:1"), broadcast.Payload{})
		fault(t, err, permanent, one, broadcast.ReasonUnknownError)
		if n := len(c.asked()); n != 1 {
			t.Errorf("%d requests, want one", n)
		}
	})
}

func TestA401IsTriedOnceMoreWithANewToken(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, way func(*Options)) {
		c := newConnector(t, func(rw http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			if r.Header.Get("Authorization") != "Bearer second" {
				says(401, "")(rw, r)
				return
			}
			says(201, `{"id":"`+string(body)+`"}`)(rw, r)
		}, way)
		id, err := c.client.Send(t.Context(), c.at("a:1"), broadcast.Payload{Activity: []byte("again")})
		if err != nil || id != "again" {
			t.Fatalf("%q: %v", id, err)
		}
		c.answers(says(401, coded("BotNotRegistered")))
		_, err = c.client.Send(t.Context(), c.at("a:1"), broadcast.Payload{})
		fault(t, err, permanent, service, broadcast.ReasonCredentials)
		if len(c.tokens.dropped) != 2 {
			t.Errorf("tokens dropped: %v, want one per call", c.tokens.dropped)
		}
	})
}

func TestWhatWasNeverSentIsNotCountedAsMaybeSent(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, way func(*Options)) {
		c := newConnector(t, nil, way)
		at := c.at("a:1")
		c.Close() // nobody listens any more
		_, err := c.client.Send(t.Context(), at, broadcast.Payload{})
		if f := fault(t, err, transient, one, broadcast.ReasonTrouble); f.MaybeSent || f.Code != CodeNetwork {
			t.Errorf("fault %+v", f)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err = c.client.Send(ctx, at, broadcast.Payload{})
		if f := fault(t, err, transient, one, broadcast.ReasonTrouble); f.MaybeSent || f.Code != CodeCancelled {
			t.Errorf("fault %+v", f)
		}
	})
}

func TestACallThatBreaksOffMayHaveBeenSent(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, way func(*Options)) {
		c := newConnector(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, way)
		_, err := c.client.Send(t.Context(), c.at("a:1"), broadcast.Payload{Activity: []byte("{}")})
		if f := fault(t, err, transient, one, broadcast.ReasonTrouble); !f.MaybeSent {
			t.Errorf("fault %+v", f)
		}
		if n := len(c.asked()); n != 1 {
			t.Errorf("%d requests: a post was repeated behind our back", n)
		}
		_, err = c.client.Open(t.Context(), "id", broadcast.ConversationReference{})
		if f := fault(t, err, transient, one, broadcast.ReasonTrouble); f.MaybeSent {
			t.Errorf("opening sends nothing: %+v", f)
		}
	})
}

func TestStrangeSuccessesAreStillSuccesses(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, way func(*Options)) {
		for _, body := range []string{"", "null", "<html>", `{"id":5}`, `{}`, strings.Repeat("x", 1<<20)} {
			c := newConnector(t, says(202, body), way)
			if id, err := c.client.Send(t.Context(), c.at("a:1"), broadcast.Payload{}); err != nil || id != "" {
				t.Errorf("%.20q: ID %q, %v", body, id, err)
			}
			_, err := c.client.Open(t.Context(), "id", broadcast.ConversationReference{}) // needs the ID: may be tried again
			if f := fault(t, err, transient, one, broadcast.ReasonTrouble); f.MaybeSent || f.Code != CodeAnswer {
				t.Errorf("%.20q: %+v", body, f)
			}
		}
	})
}

func TestAnEndlessAnswerIsCutOff(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, way func(*Options)) {
		var wrote atomic.Int64
		c := newConnector(t, func(rw http.ResponseWriter, r *http.Request) {
			rw.WriteHeader(500)
			for chunk := bytes.Repeat([]byte("x"), 32<<10); r.Context().Err() == nil; {
				n, err := rw.Write(chunk)
				wrote.Add(int64(n))
				if err != nil {
					return
				}
			}
		}, way)
		start := time.Now()
		_, err := c.client.Send(t.Context(), c.at("a:1"), broadcast.Payload{})
		fault(t, err, transient, one, broadcast.ReasonTrouble)
		if time.Since(start) > DefaultTimeout/2 {
			t.Errorf("read for %v", time.Since(start))
		}
	})
}

func TestConnectionsAreReused(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, way func(*Options)) {
		var opened sync.Map
		c := newConnector(t, func(rw http.ResponseWriter, r *http.Request) {
			opened.Store(r.RemoteAddr, true)
			says(201, `{"id":"1"}`)(rw, r)
		}, way)
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				for range 50 {
					if _, err := c.client.Send(t.Context(), c.at("a:1"), broadcast.Payload{Activity: []byte("{}")}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		n := 0
		opened.Range(func(any, any) bool { n++; return true })
		if n > 16 { // the transport may dial one too many while another comes free
			t.Errorf("%d connections for 200 requests of four workers", n)
		}
	})
}

func TestNewClientTellsWhatIsMissing(t *testing.T) {
	t.Parallel()
	good := Options{HTTP: http.DefaultClient, Token: &fixedToken{}, BotID: "b", TenantID: "t", Composer: composer(t), Hosts: hostList(t, DefaultHosts()...)}
	if _, err := NewClient(good); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*Options){
		"http": func(o *Options) { o.HTTP = nil }, "token": func(o *Options) { o.Token = nil }, "bot": func(o *Options) { o.BotID = "" },
		"tenant": func(o *Options) { o.TenantID = "" }, "composer": func(o *Options) { o.Composer = nil }, "hosts": func(o *Options) { o.Hosts = HostList{} },
		"fallback": func(o *Options) { o.FallbackServiceURL = "https://evil.example" },
	} {
		o := good
		spoil(&o)
		if _, err := NewClient(o); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
