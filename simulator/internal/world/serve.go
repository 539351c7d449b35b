package world

import (
	"bytes"
	"cmp"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/fanfare/fanfare/simulator/internal/dials"
)

// Request names what is asked for: the operation as in the report, who is
// concerned (0 is nobody), through which region's service URL.
type Request = dials.Request

// Serve is the frame of every operation: count it, delay it, let an injected
// fault strike, else do it.
func (w *World) Serve(rw http.ResponseWriter, r *http.Request, q Request, d Dialect, do http.HandlerFunc) {
	rec, arrived := &Recorder{ResponseWriter: rw}, w.Clock()
	w.Meter.Arrived(q.Operation, arrived)
	defer func() { w.Meter.Answered(q.Operation, rec.Status, arrived) }()
	snap := w.Dials.Now()
	w.delay(r, snap, d)
	if fault := snap.Fault(q, arrived); fault != nil {
		w.strike(strike{Fault: fault, request: q, dialect: d, do: do}, rec, r)
		return
	}
	do(rec, r)
}

type strike struct {
	*dials.Fault
	request Request
	dialect Dialect
	do      http.HandlerFunc
	cutAt   int // status of the true answer, if there was one
}

func (w *World) strike(s strike, rec *Recorder, r *http.Request) {
	pause := time.Duration(s.DelayMS) * time.Millisecond
	if s.DelayUpToMS > s.DelayMS {
		pause += w.Up(time.Duration(s.DelayUpToMS-s.DelayMS) * time.Millisecond)
	}
	answer := &Unheard{}
	if s.StoreFirst {
		s.do(answer, r)
	}
	w.wait(r, pause)
	switch {
	case s.Plain() && s.StoreFirst:
		answer.replay(rec)
	case s.Plain():
		s.do(rec, r)
	default:
		if answer.status != 0 && s.Shape == "cut" {
			s.cutAt = answer.status
		}
		w.writeFault(s, rec, r)
	}
}

func (w *World) delay(r *http.Request, snap *dials.Snapshot, d Dialect) {
	switch d {
	case ConnectorDialect:
		if snap.LatencyMS > 0 || snap.LatencyJitterMS > 0 {
			w.wait(r, time.Duration(snap.LatencyMS)*time.Millisecond+w.Up(time.Duration(snap.LatencyJitterMS)*time.Millisecond))
		}
	case GraphDialect:
		w.wait(r, time.Duration(snap.GraphLatencyMS)*time.Millisecond)
	case EntraDialect:
	}
}

// wait is part of what is simulated: a slow service. It ends when the caller
// hangs up or the simulator closes.
func (w *World) wait(r *http.Request, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
	case <-w.Closing:
	}
}

// longestHang is how long a caller without a time limit is kept (K row 27).
const longestHang = 120 * time.Second

func (w *World) writeFault(s strike, rec *Recorder, r *http.Request) {
	head := rec.Header()
	if s.RetryAfter > 0 {
		head.Set("Retry-After", strconv.Itoa(s.RetryAfter))
	}
	code, message := s.Code, s.Message
	if code == "" {
		code = defaultCode(s.Status, s.dialect)
	}
	if message == "" {
		message = "Injected by the simulator's dials."
	}
	switch {
	case s.Status == http.StatusUnauthorized:
		head.Set("WWW-Authenticate", "Bearer")
	case s.Status == http.StatusTooManyRequests && s.dialect == GraphDialect:
		w.ThrottledUnits(head)
	}
	switch s.Shape {
	case "cut":
		// The status tells the truth: 201 is not said of what was never done.
		tear(rec, s.Shape, cmp.Or(s.cutAt, s.Status, http.StatusBadGateway))
	case "reset", "close":
		tear(rec, s.Shape, 0)
	case "hang":
		if s.DelayMS == 0 && s.DelayUpToMS == 0 {
			w.wait(r, longestHang)
		}
		tear(rec, "close", 0)
	case "empty":
		head.Set("Content-Length", "0")
		rec.WriteHeader(s.Status)
	case "html":
		head.Set("Content-Type", "text/html")
		rec.WriteHeader(s.Status)
		_, _ = fmt.Fprintf(rec, "<html><head><title>%d</title></head><body><h1>%d %s</h1></body></html>", s.Status, s.Status, http.StatusText(s.Status))
	case "subcode":
		SubcodeError(rec, s.Status, code, message)
	default:
		w.Error(rec, s.dialect, s.Status, code, message)
	}
}

// tear ends the connection without a whole answer. The simulator speaks
// HTTP/1.1 only, where a connection can always be taken over; elsewhere it
// answers 502.
func tear(rec *Recorder, how string, status int) {
	conn, _, err := http.NewResponseController(rec.ResponseWriter).Hijack()
	if err != nil {
		rec.WriteHeader(http.StatusBadGateway)
		return
	}
	if how == "cut" {
		_, _ = fmt.Fprintf(conn, "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: 60\r\n\r\n{\"id\":\"17", status, http.StatusText(status))
	}
	if tcp, ok := conn.(interface{ SetLinger(seconds int) error }); ok && how == "reset" {
		_ = tcp.SetLinger(0) // what was not read or sent is dropped: the peer sees a reset
	}
	if inner, ok := conn.(interface{ NetConn() net.Conn }); ok && how != "cut" {
		_ = inner.NetConn().Close() // without TLS's polite farewell
		return
	}
	_ = conn.Close()
}

// Unheard is the answer to somebody who will not hear it, or hears it late: with
// it a fault does the work before it fails.
type Unheard struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header implements http.ResponseWriter.
func (u *Unheard) Header() http.Header {
	if u.header == nil {
		u.header = http.Header{}
	}
	return u.header
}

// Write implements http.ResponseWriter.
func (u *Unheard) Write(b []byte) (int, error) {
	u.WriteHeader(http.StatusOK)
	return u.body.Write(b)
}

// WriteHeader implements http.ResponseWriter.
func (u *Unheard) WriteHeader(status int) {
	if u.status == 0 {
		u.status = status
	}
}

func (u *Unheard) replay(rw http.ResponseWriter) {
	for k, v := range u.Header() {
		rw.Header()[k] = v
	}
	u.WriteHeader(http.StatusOK)
	rw.WriteHeader(u.status)
	_, _ = rw.Write(u.body.Bytes())
}

// ThrottledUnits writes the headers of a 429 of Graph's directory (protocol G.4).
func (w *World) ThrottledUnits(head http.Header) {
	head.Set("x-ms-throttle-scope", "Tenant_Application/ReadWrite/"+w.Clients.BotID+"/"+w.Tenant.TenantID)
	head.Set("x-ms-throttle-information", "ResourceUnitLimitExceeded")
}
