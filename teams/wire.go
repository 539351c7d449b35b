package teams

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// Times of a Wire. A line is given up well before the servers and balancers in
// between do so on their side (their shortest known limit is about a minute).
const (
	defaultIdle = 30 * time.Second
	dialTimeout = 10 * time.Second
)

// WireOptions is what a Wire is made of.
type WireOptions struct {
	Roots *x509.CertPool // trusted authorities; nil for the system's
	Conns int            // lines kept per host while nobody needs them; the number of workers
	Idle  time.Duration  // how long a line is kept unused; 0 for 30 s
	// Proxy names the proxy of a request, as that of http.Transport; nil asks the
	// environment. It must be that of Options.HTTP, which carries what needs a proxy.
	Proxy func(*http.Request) (*url.URL, error)
}

// Wire carries calls to the Connector over HTTP/1.1 lines that it keeps: one
// goroutine writes, waits and reads, which costs half of what net/http's three do.
// It follows no redirect, and nothing is ever sent twice. It may be used by many at
// once; the number of lines in use is that of its callers.
type Wire struct {
	o      WireOptions
	tls    *tls.Config
	dialer net.Dialer

	mu     sync.Mutex
	free   map[string][]*line // by address; the longest unused first
	sweep  *time.Timer        // runs while a line is free
	closed bool
}

// NewWire makes a Wire.
func NewWire(o WireOptions) *Wire {
	if o.Conns <= 0 {
		o.Conns = 64
	}
	if o.Idle <= 0 {
		o.Idle = defaultIdle
	}
	if o.Proxy == nil {
		o.Proxy = http.ProxyFromEnvironment
	}
	return &Wire{
		o: o, free: map[string][]*line{},
		// One record per request: by default the first megabyte goes in small ones,
		// and each is a system call.
		tls: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: o.Roots, NextProtos: []string{"http/1.1"}, DynamicRecordSizingDisabled: true},
	}
}

// Close gives up the lines nobody uses, and those in use as they come free.
func (w *Wire) Close() {
	w.mu.Lock()
	free := w.free
	w.free, w.closed = nil, true
	if w.sweep != nil {
		w.sweep.Stop()
	}
	w.mu.Unlock()
	for _, lines := range free {
		hangUp(lines)
	}
}

// reaches tells whether a place can be spoken to without a proxy.
func (w *Wire) reaches(p *place) bool {
	proxy, err := w.o.Proxy(p.request())
	return proxy == nil && err == nil
}

// carry makes a call, until by. Where nothing of it left this machine, because a
// kept line turned out to be dead, it takes the next line; otherwise it fails.
func (w *Wire) carry(ctx context.Context, k *call, token string, by time.Time) (answer, error) {
	for {
		if err := ctx.Err(); err != nil {
			return answer{}, networkFault(err, false)
		}
		l, err := w.line(ctx, k.to, by)
		if err != nil {
			return answer{}, networkFault(cause(ctx, err), false)
		}
		kept := l.used
		a, err := l.exchange(ctx, k, token)
		w.release(k.to, l)
		if err == nil {
			return a, nil
		}
		if kept && !l.wrote() && ctx.Err() == nil {
			continue
		}
		return answer{}, networkFault(cause(ctx, err), k.posts && l.wrote())
	}
}

// cause is why a call really ended: a context that ends shows as a time limit.
func cause(ctx context.Context, err error) error {
	if ended := ctx.Err(); ended != nil {
		return ended
	}
	return err
}

// line is a kept line that still lives, or a new one; it works until by.
func (w *Wire) line(ctx context.Context, to *place, by time.Time) (*line, error) {
	for l := w.pop(to.addr); l != nil; l = w.pop(to.addr) {
		if time.Since(l.freed) < w.o.Idle && l.conn.SetDeadline(by) == nil && !l.dead() {
			return l, nil
		}
		_ = l.raw.Close()
	}
	limit := by
	if soon := time.Now().Add(dialTimeout); soon.Before(by) {
		limit = soon
	}
	ctx, cancel := context.WithDeadline(ctx, limit)
	defer cancel()
	l, err := w.dial(ctx, to)
	if err != nil {
		return nil, err
	}
	return l, l.conn.SetDeadline(by)
}

// pop takes the line that was used last, which is the likeliest to live.
func (w *Wire) pop(addr string) *line {
	w.mu.Lock()
	defer w.mu.Unlock()
	lines := w.free[addr]
	if len(lines) == 0 {
		return nil
	}
	last := len(lines) - 1
	l := lines[last]
	lines[last], w.free[addr] = nil, lines[:last]
	return l
}

// release keeps a line for the next call, or gives it up.
func (w *Wire) release(to *place, l *line) {
	w.mu.Lock()
	keep := l.whole && !w.closed && len(w.free[to.addr]) < w.o.Conns
	if keep {
		l.freed = time.Now()
		w.free[to.addr] = append(w.free[to.addr], l)
		if w.sweep == nil {
			w.sweep = time.AfterFunc(w.o.Idle, w.tidy)
		}
	}
	w.mu.Unlock()
	if !keep {
		_ = l.raw.Close() // without TLS's goodbye, which may have to wait for a peer that reads nothing
	}
}

// tidy gives up lines that nobody has used for long, and comes again while any is left.
func (w *Wire) tidy() {
	w.mu.Lock()
	var old []*line
	for addr, lines := range w.free {
		n := 0
		for n < len(lines) && time.Since(lines[n].freed) >= w.o.Idle {
			n++
		}
		old = append(old, lines[:n]...)
		if w.free[addr] = append([]*line(nil), lines[n:]...); n == len(lines) {
			delete(w.free, addr)
		}
	}
	switch {
	case w.closed:
	case len(w.free) == 0:
		w.sweep = nil
	default:
		w.sweep.Reset(w.o.Idle)
	}
	w.mu.Unlock()
	hangUp(old)
}

func hangUp(lines []*line) {
	for _, l := range lines {
		_ = l.conn.Close()
	}
}
