package teams

import (
	"bufio"
	"context"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
)

// trouble is a fault of the network's.
func trouble(t *testing.T, err error, code string, maybe bool) *broadcast.Fault {
	t.Helper()
	f := fault(t, err, transient, one, broadcast.ReasonTrouble)
	if f.Code != code || f.MaybeSent != maybe {
		t.Errorf("%s fault, maybe sent: %v (%s); want %s, %v", f.Code, f.MaybeSent, f.Detail, code, maybe)
	}
	return f
}

func TestNothingIsSentToAServerWhoseCertificateIsNotOurs(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, way func(*Options)) {
		p := newPeer(t, true, func(p *peer, _ int32, _ net.Conn, r *bufio.Reader) { p.next(r) })
		for name, roots := range map[string]*x509.CertPool{"no authority": x509.NewCertPool(), "the system's": nil} {
			client, _ := p.client(t, func(o *Options) {
				o.HTTP = &http.Client{Transport: NewTransport(1, roots)}
				o.Wire = NewWire(WireOptions{Roots: roots})
			}, way)
			_, err := client.Send(t.Context(), p.at("a:1"), jsonOf(10))
			if f := trouble(t, err, CodeNetwork, false); !strings.Contains(f.Detail, "x509") {
				t.Errorf("%s: %s", name, f.Detail)
			}
		}
		_, port, _ := net.SplitHostPort(p.host) // the right authority, another name
		named, _ := p.client(t, func(o *Options) { o.Hosts = hostList(t, p.host, "localhost:"+port) }, way)
		_, err := named.Send(t.Context(), broadcast.ConversationReference{ServiceURL: "https://localhost:" + port, ConversationID: "a:1"}, jsonOf(10))
		trouble(t, err, CodeNetwork, false)
		if p.asked.Load() != 0 {
			t.Errorf("%d requests went out", p.asked.Load())
		}
	})
}

func TestAHandshakeThatNeverEndsHasSentNothing(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, way func(*Options)) {
		came := make(chan bool, 1)
		p := newPeer(t, false, func(_ *peer, _ int32, c net.Conn, r *bufio.Reader) { came <- true; alone(r) })
		p.url, p.roots = "https://"+p.host, x509.NewCertPool()
		client, _ := p.client(t, way, func(o *Options) { o.Timeout = 50 * time.Millisecond })
		_, err := client.Send(t.Context(), p.at("a:1"), jsonOf(10))
		trouble(t, err, CodeTimeout, false)
		<-came
		client, _ = p.client(t, way)
		ctx, cancel := context.WithCancel(t.Context())
		go func() { <-came; cancel() }()
		_, err = client.Send(ctx, p.at("a:1"), jsonOf(10))
		trouble(t, err, CodeCancelled, false)
	})
}

func TestAContextThatEndsEndsTheCallAtOnce(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, way func(*Options)) {
		for name, c := range map[string]struct {
			secure, reads bool
			size          int
		}{
			"while waiting for the answer": {reads: true, size: 4000}, "the same, TLS": {secure: true, reads: true, size: 4000},
			"while writing": {size: 32 << 20}, "while writing, TLS": {secure: true, size: 32 << 20},
		} {
			came, done := make(chan time.Time, 1), make(chan struct{})
			p := newPeer(t, c.secure, func(p *peer, _ int32, _ net.Conn, r *bufio.Reader) {
				if c.reads {
					p.next(r)
				} else {
					_, _ = r.Peek(16)
				}
				came <- time.Now()
				<-done
			})
			client, wire := p.client(t, way)
			ctx, cancel := context.WithCancel(t.Context())
			var at time.Time
			var wait sync.WaitGroup
			wait.Go(func() { at = <-came; cancel() })
			_, err := client.Send(ctx, p.at("a:1"), jsonOf(c.size))
			wait.Wait()
			if took := time.Since(at); took > time.Second {
				t.Errorf("%s: it took %v", name, took)
			}
			trouble(t, err, CodeCancelled, true)
			if wire != nil && len(wire.lines()) > 0 {
				t.Errorf("%s: a line that was cut off is kept", name)
			}
			close(done)
		}
	})
}

func TestTheEarlierOfContextAndTimeLimitEndsACall(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, way func(*Options)) {
		p := newPeer(t, false, func(p *peer, _ int32, c net.Conn, r *bufio.Reader) {
			p.next(r)
			say(c, created)
			p.next(r)
			say(c, "HTTP/1.1 201 Created\r\n")
			for tick := time.NewTicker(time.Millisecond); ; <-tick.C { // an answer that goes on for ever, slowly
				if _, err := c.Write([]byte("X-A: b\r\n")); err != nil {
					return
				}
			}
		})
		for name, limits := range map[string][2]time.Duration{
			"time limit": {500 * time.Millisecond, patience}, "context": {patience, 500 * time.Millisecond},
		} {
			client, _ := p.client(t, way, func(o *Options) { o.Timeout = limits[0] })
			if _, err := client.Send(t.Context(), p.at("a:1"), jsonOf(10)); err != nil {
				t.Fatal(err) // the connection is there: all of the time goes to the answer
			}
			ctx, cancel := context.WithTimeout(t.Context(), limits[1])
			start := time.Now()
			_, err := client.Send(ctx, p.at("a:1"), jsonOf(10))
			if took := time.Since(start); took < 400*time.Millisecond || took > patience/2 {
				t.Errorf("%s: it took %v", name, took)
			}
			trouble(t, err, CodeTimeout, true)
			cancel()
		}
	})
}

func TestARequestIsNeverSentTwice(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, way func(*Options)) {
		for name, end := range map[string]func(net.Conn){
			"closed": func(net.Conn) {},
			"reset":  func(c net.Conn) { _ = c.(*net.TCPConn).SetLinger(0) },
			"half":   func(c net.Conn) { say(c, created[:30]) },
		} {
			p := newPeer(t, false, func(p *peer, _ int32, c net.Conn, r *bufio.Reader) {
				for answers := 3; p.next(r) != nil; answers-- {
					if answers == 0 { // the connection breaks when it has long been trusted
						end(c)
						return
					}
					say(c, created)
				}
			})
			client, _ := p.client(t, way)
			for range 3 {
				if _, err := client.Send(t.Context(), p.at("a:1"), jsonOf(4000)); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
			}
			_, err := client.Send(t.Context(), p.at("a:1"), jsonOf(4000))
			trouble(t, err, CodeNetwork, true)
			if p.asked.Load() != 4 || p.conns.Load() != 1 {
				t.Errorf("%s: %d requests over %d connections, want 4 over 1", name, p.asked.Load(), p.conns.Load())
			}
		}
	})
}

func TestALineTheServerHasClosedIsNoticedBeforeItIsUsed(t *testing.T) {
	t.Parallel()
	for name, secure := range map[string]bool{"plain": false, "TLS": true} {
		for what, end := range map[string]func(net.Conn){
			"closed": func(net.Conn) {}, "garbage": func(c net.Conn) { say(c, "HTTP/1.1 408 Request Timeout\r\n\r\n") },
		} {
			idle := make(chan bool)
			p := newPeer(t, secure, func(p *peer, n int32, c net.Conn, r *bufio.Reader) {
				p.next(r)
				say(c, created)
				if n == 1 {
					<-idle
					end(c)
				}
				if what == "garbage" {
					alone(r)
				}
			})
			client, wire := p.client(t)
			if _, err := client.Send(t.Context(), p.at("a:1"), jsonOf(4000)); err != nil {
				t.Fatal(err)
			}
			kept := wire.lines()
			if len(kept) != 1 || kept[0].dead() {
				t.Fatalf("%s, %s: the line is not kept", name, what)
			}
			close(idle)
			until(t, "the line's death", kept[0].dead)
			if id, err := client.Send(t.Context(), p.at("a:1"), jsonOf(4000)); err != nil || id != "7" {
				t.Errorf("%s, %s: %q, %v", name, what, id, err)
			}
			if p.conns.Load() != 2 || p.asked.Load() != 2 {
				t.Errorf("%s, %s: %d requests over %d connections", name, what, p.asked.Load(), p.conns.Load())
			}
		}
	}
}

// broken is a connection that takes nothing any more, though it looks alive.
type broken struct{ net.Conn }

func (broken) Write([]byte) (int, error) { return 0, net.ErrClosed }

func TestACallOfWhichNothingLeftTakesTheNextLine(t *testing.T) {
	t.Parallel()
	p := newPeer(t, false, func(p *peer, _ int32, c net.Conn, r *bufio.Reader) {
		for p.next(r) != nil {
			say(c, created)
		}
	})
	client, wire := p.client(t)
	if _, err := client.Send(t.Context(), p.at("a:1"), jsonOf(10)); err != nil {
		t.Fatal(err)
	}
	wire.lines()[0].raw.Conn = broken{wire.lines()[0].raw.Conn}
	if _, err := client.Send(t.Context(), p.at("a:1"), jsonOf(10)); err != nil {
		t.Fatal(err)
	}
	if p.conns.Load() != 2 || p.asked.Load() != 2 {
		t.Errorf("%d requests over %d connections", p.asked.Load(), p.conns.Load())
	}
}

func TestAnswersNeverReachAnotherCall(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, way func(*Options)) {
		p := newPeer(t, true, func(p *peer, _ int32, c net.Conn, r *bufio.Reader) {
			for req := p.next(r); req != nil; req = p.next(r) {
				id := strings.Split(req.URL.Path, "/")[3]
				if n := p.asked.Load(); n%7 == 0 { // slower than some are willing to wait
					<-time.After(3 * time.Millisecond)
				}
				say(c, fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n{\"id\":%q}", len(id)+9, id))
			}
		})
		client, _ := p.client(t, way)
		var all sync.WaitGroup
		for worker := range 8 {
			all.Go(func() {
				for n := range 100 {
					who := fmt.Sprintf("%d-%d", worker, n)
					ctx, cancel := context.WithTimeout(t.Context(), time.Duration(1+n%4)*2*time.Millisecond)
					if id, err := client.Send(ctx, p.at(who), jsonOf(2000)); err == nil && id != who {
						t.Errorf("%s got the answer of %s", who, id)
					}
					cancel()
				}
			})
		}
		all.Wait()
	})
}

func TestLinesNobodyNeedsAreGivenUp(t *testing.T) {
	t.Parallel()
	p := newPeer(t, true, func(p *peer, _ int32, c net.Conn, r *bufio.Reader) {
		for p.next(r) != nil {
			say(c, created)
		}
		p.conns.Add(-1) // the client has hung up
	})
	send := func(t *testing.T, w *Wire, workers int) {
		client, _ := p.client(t, func(o *Options) { o.Wire = w })
		var all sync.WaitGroup
		for range workers {
			all.Go(func() {
				if _, err := client.Send(t.Context(), p.at("a:1"), jsonOf(10)); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
	closed := func() bool { return p.conns.Load() == 0 }
	old := NewWire(WireOptions{Roots: p.roots, Idle: 20 * time.Millisecond})
	send(t, old, 3)
	until(t, "all are closed for their age", closed)
	send(t, old, 3) // and again, after the sweep has rested
	until(t, "all are closed for their age again", closed)
	few := NewWire(WireOptions{Roots: p.roots, Conns: 1})
	send(t, few, 8)
	until(t, "one at most is kept", func() bool { return p.conns.Load() <= 1 })
	few.Close()
	until(t, "none outlives its Wire", closed)
	send(t, few, 2) // a Wire that was closed keeps nothing, but works
	until(t, "none outlives its Wire", closed)
}

func TestACutThatComesTooLateHurtsNobody(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	cancel := func() {}
	p := newPeer(t, false, func(p *peer, _ int32, c net.Conn, r *bufio.Reader) {
		for p.next(r) != nil {
			mu.Lock()
			go cancel() // just when the answer comes
			mu.Unlock()
			say(c, created)
		}
	})
	client, _ := p.client(t)
	for range 300 {
		ctx, c := context.WithCancel(t.Context())
		mu.Lock()
		cancel = c
		mu.Unlock()
		_, _ = client.Send(ctx, p.at("a:1"), jsonOf(10)) // may have been cut off, or not
		mu.Lock()
		cancel = func() {}
		mu.Unlock()
		for range 3 {
			if _, err := client.Send(t.Context(), p.at("a:1"), jsonOf(10)); err != nil {
				t.Fatalf("the next call was cut off too: %v", err)
			}
		}
	}
}

func TestAnOldLineIsNotUsed(t *testing.T) {
	t.Parallel()
	p := newPeer(t, false, func(p *peer, _ int32, c net.Conn, r *bufio.Reader) {
		for p.next(r) != nil {
			say(c, created)
		}
	})
	client, wire := p.client(t)
	for range 2 {
		if _, err := client.Send(t.Context(), p.at("a:1"), jsonOf(10)); err != nil {
			t.Fatal(err)
		}
		wire.lines()[0].freed = time.Now().Add(-time.Minute)
	}
	if p.conns.Load() != 2 {
		t.Errorf("%d connections, want two", p.conns.Load())
	}
}
