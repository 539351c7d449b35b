package server_test

import (
	"io"
	"net"
	"net/url"
	"path/filepath"
	"sync"
)

// gate stands between a server and its PostgreSQL: a story can shut it, and every
// connection breaks as if the database were gone.
type gate struct {
	listener net.Listener
	socket   string

	mu    sync.Mutex
	shut  bool
	conns map[net.Conn]bool
	ended sync.WaitGroup
}

// throughGate puts a gate before the world's database.
func (w *world) throughGate() *gate {
	w.t.Helper()
	dsn, err := url.Parse(w.env["FANFARE_DATABASE"])
	if err != nil {
		w.t.Fatal(err)
	}
	g := &gate{conns: map[net.Conn]bool{}, socket: dsn.Host}
	q := dsn.Query()
	if dir := q.Get("host"); dir != "" { // the private server's socket
		g.socket = filepath.Join(dir, ".s.PGSQL.5432")
		q.Del("host")
	}
	if g.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		w.t.Fatal(err)
	}
	dsn.Host, dsn.RawQuery = g.listener.Addr().String(), q.Encode()
	w.env["FANFARE_DATABASE"] = dsn.String()
	g.ended.Go(g.serve)
	w.t.Cleanup(g.close)
	return g
}

func (g *gate) serve() {
	for {
		c, err := g.listener.Accept()
		if err != nil {
			return
		}
		g.ended.Go(func() { g.pass(c) })
	}
}

func (g *gate) pass(c net.Conn) {
	defer func() { _ = c.Close() }()
	network := "tcp"
	if filepath.IsAbs(g.socket) {
		network = "unix"
	}
	db, err := net.Dial(network, g.socket)
	if err != nil {
		return
	}
	defer func() { _ = db.Close() }()
	if !g.enter(c, db) {
		return
	}
	defer g.leave(c, db)
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{c, db}, {db, c}} {
		both.Go(func() {
			_, _ = io.Copy(way[0], way[1])
			_, _ = c.Close(), db.Close()
		})
	}
	both.Wait()
}

func (g *gate) enter(conns ...net.Conn) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, c := range conns {
		g.conns[c] = true
	}
	return !g.shut
}

func (g *gate) leave(conns ...net.Conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, c := range conns {
		delete(g.conns, c)
	}
}

// turn shuts or opens the gate.
func (g *gate) turn(shut bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shut = shut
	if shut {
		for c := range g.conns {
			_ = c.Close()
		}
	}
}

func (g *gate) close() {
	_ = g.listener.Close()
	g.turn(true)
	g.ended.Wait()
}
