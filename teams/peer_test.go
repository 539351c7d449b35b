package teams

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if os.Getenv(proxyStory) != "" {
		os.Exit(m.Run()) // a process of TestProxiesOfTheEnvironment, which ends in the middle
	}
	goleak.VerifyTestMain(m)
}

// peer is a server of bytes: each test says what it does with a connection.
type peer struct {
	url, host string
	roots     *x509.CertPool
	conns     atomic.Int32 // connections that came
	asked     atomic.Int32 // whole requests that came; see next
	gone      sync.WaitGroup
}

// newPeer serves each connection with serve, which closes it by returning.
func newPeer(t testing.TB, secure bool, serve func(p *peer, n int32, c net.Conn, r *bufio.Reader)) *peer {
	t.Helper()
	listener := must(net.Listen("tcp", "127.0.0.1:0"))
	p := &peer{url: "http://" + listener.Addr().String(), host: listener.Addr().String()}
	if secure {
		pattern := httptest.NewTLSServer(nil) // for its certificate only
		p.roots = x509.NewCertPool()
		p.roots.AddCert(pattern.Certificate())
		listener = tls.NewListener(listener, &tls.Config{Certificates: pattern.TLS.Certificates})
		pattern.Close()
		p.url = "https://" + p.host
	}
	var mu sync.Mutex
	var open []net.Conn
	p.gone.Go(func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, c)
			mu.Unlock()
			n := p.conns.Add(1)
			p.gone.Go(func() {
				defer func() { _ = c.Close() }()
				serve(p, n, c, bufio.NewReaderSize(c, 16<<10))
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		mu.Lock()
		for _, c := range open {
			_ = c.Close()
		}
		mu.Unlock()
		p.gone.Wait()
	})
	return p
}

// next reads a whole request; nil when there is no more.
func (p *peer) next(r *bufio.Reader) *http.Request {
	req, err := http.ReadRequest(r)
	if err != nil {
		return nil
	}
	if _, err := io.Copy(io.Discard, req.Body); err != nil {
		return nil
	}
	p.asked.Add(1)
	return req
}

// client speaks to the peer; its Wire is nil if it has none.
func (p *peer) client(t testing.TB, change ...func(*Options)) (*Client, *Wire) {
	t.Helper()
	transport := NewTransport(64, p.roots)
	wire := NewWire(WireOptions{Roots: p.roots})
	o := Options{
		HTTP: &http.Client{Transport: transport}, Wire: wire, Token: &fixedToken{tokens: []string{"t"}}, BotID: testBot, TenantID: "t",
		Hosts: hostList(t, p.host), FallbackServiceURL: p.url, Composer: composer(t), Timeout: patience,
	}
	for _, c := range change {
		c(&o)
	}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		wire.Close()
		if o.Wire != nil {
			o.Wire.Close()
		}
	})
	return must(NewClient(o)), o.Wire
}

func (p *peer) at(conversation string) broadcast.ConversationReference {
	return broadcast.ConversationReference{ServiceURL: p.url, ConversationID: conversation}
}

// jsonOf is a body of n bytes that are JSON.
func jsonOf(n int) broadcast.Payload {
	b := make([]byte, n)
	for i := range b {
		b[i] = 'x'
	}
	b[0], b[n-1] = '"', '"'
	return broadcast.Payload{Activity: b}
}

// created is a plain answer, as the Connector gives it.
const created = "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n" + `{"id":"7"}`

func say(c net.Conn, answer string) { _, _ = io.WriteString(c, answer) }

// alone waits until the other side has ended a connection.
func alone(r io.Reader) { _, _ = io.Copy(io.Discard, r) }

// until waits for something to become true.
func until(t *testing.T, what string, true func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for tick := time.NewTicker(time.Millisecond); !true(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("%s: never", what)
		}
	}
}

// lines are the free lines of a Wire.
func (w *Wire) lines() []*line {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []*line
	for _, free := range w.free {
		out = append(out, free...)
	}
	return out
}
