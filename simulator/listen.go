package simulator

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Server is a simulator on a port. End it with Close.
type Server struct {
	secure string
	http   *http.Server
	done   sync.WaitGroup
	stop   func() bool
}

// URL is the https address, for programs.
func (s *Server) URL() string { return s.secure }

// PlainURL is the http address of the same port, for people's browsers: they
// open the sign-in page and /teams without a certificate warning.
func (s *Server) PlainURL() string { return "http" + strings.TrimPrefix(s.secure, "https") }

// Listen serves the simulator on addr until ctx is done or Close is called. One
// port speaks TLS and plain http, told apart by the first byte of a connection.
// Only HTTP/1.1 is spoken, so that a connection can be torn down on demand.
func Listen(ctx context.Context, addr string, s *Simulator) (*Server, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("simulator: listening: %w", err)
	}
	server := &Server{secure: "https://" + reachable(listener.Addr())}
	if !s.world.HasPublicURL() {
		s.SetPublicURL(server.secure)
	}
	server.http = &http.Server{
		Handler: s, ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:    slog.NewLogLogger(s.world.Log.Handler(), slog.LevelDebug),
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	mux := &firstByte{Listener: listener, config: &tls.Config{
		Certificates: []tls.Certificate{s.authority.leaf}, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"},
	}}
	server.done.Go(func() {
		if err := server.http.Serve(mux); !errors.Is(err, http.ErrServerClosed) {
			s.world.Log.Error("simulator stopped serving", "error", err)
		}
	})
	server.stop = context.AfterFunc(ctx, func() { _ = server.http.Close() })
	return server, nil
}

// Close stops listening, ends open connections and waits for the serving loop.
func (s *Server) Close() error {
	s.stop()
	err := s.http.Close()
	s.done.Wait()
	return err
}

// reachable turns a listening address into one that a certificate covers.
func reachable(addr net.Addr) string {
	host, port, err := net.SplitHostPort(addr.String())
	if err != nil {
		return addr.String()
	}
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}

// firstByte tells TLS from plain http on one port.
type firstByte struct {
	net.Listener
	config *tls.Config
}

// Accept returns at once; the first byte is waited for by whoever reads first,
// so that a silent client does not hold up the others.
func (l *firstByte) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &eitherConn{Conn: conn, config: l.config}, nil
}

// eitherConn decides on its first read what it is. net/http reads before it
// writes, so reading is where it begins.
type eitherConn struct {
	net.Conn
	config *tls.Config
	once   sync.Once
	active net.Conn
}

const handshake = 0x16 // the first byte of a TLS connection

func (c *eitherConn) decide() {
	c.once.Do(func() {
		peeked := &bufferedConn{Conn: c.Conn, reader: bufio.NewReader(c.Conn)}
		c.active = peeked
		if first, err := peeked.reader.Peek(1); err == nil && first[0] == handshake {
			c.active = tls.Server(peeked, c.config)
		}
	})
}

// Read implements net.Conn.
func (c *eitherConn) Read(b []byte) (int, error) { c.decide(); return c.active.Read(b) }

// Write implements net.Conn.
func (c *eitherConn) Write(b []byte) (int, error) { c.decide(); return c.active.Write(b) }

// NetConn is the connection without TLS.
func (c *eitherConn) NetConn() net.Conn { return c.Conn }

// SetLinger says what becomes of unsent data when the connection is closed; 0
// makes the peer see a reset.
func (c *eitherConn) SetLinger(seconds int) error {
	if tcp, ok := c.Conn.(interface{ SetLinger(seconds int) error }); ok {
		return tcp.SetLinger(seconds)
	}
	return nil
}

type bufferedConn struct {
	net.Conn
	reader *bufio.Reader
}

// Read implements net.Conn.
func (c *bufferedConn) Read(b []byte) (int, error) { return c.reader.Read(b) }
