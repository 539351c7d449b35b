package world

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/fanfare/fanfare/simulator/internal/dials"
)

// Recorder is a ResponseWriter that remembers the status for the meter.
type Recorder struct {
	http.ResponseWriter
	Status int
}

// WriteHeader remembers the first status.
func (r *Recorder) WriteHeader(status int) {
	if r.Status == 0 {
		r.Status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

// Write answers 200 if nothing was said before.
func (r *Recorder) Write(b []byte) (int, error) {
	if r.Status == 0 {
		r.Status = http.StatusOK
	}
	return r.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController find the connection.
func (r *Recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// Discard answers into nothing: with it a fault does the work before it fails.
type Discard struct{ header http.Header }

// Header returns a header nobody reads.
func (d *Discard) Header() http.Header {
	if d.header == nil {
		d.header = http.Header{}
	}
	return d.header
}

// Write drops b.
func (*Discard) Write(b []byte) (int, error) { return len(b), nil }

// WriteHeader drops the status.
func (*Discard) WriteHeader(int) {}

// Dialect is the shape of a service's errors.
type Dialect int

// The dialects.
const (
	ConnectorDialect Dialect = iota
	GraphDialect
	EntraDialect
)

// Serve is the frame of every operation: count it, delay it, let an injected
// fault strike, else do it. Number is the person concerned, or 0.
func (w *World) Serve(rw http.ResponseWriter, r *http.Request, op string, number int, d Dialect, do http.HandlerFunc) {
	rec := &Recorder{ResponseWriter: rw}
	defer func() { w.Meter.Request(op, rec.Status) }()
	snap := w.Dials.Now()
	w.delay(r, snap, d)
	fault := snap.Fault(op, number)
	if fault == nil {
		do(rec, r)
		return
	}
	wait(r, time.Duration(fault.DelayMS)*time.Millisecond)
	if fault.Status == 0 && fault.Shape != "reset" {
		do(rec, r)
		return
	}
	if fault.StoreFirst {
		do(&Discard{}, r)
	}
	w.writeFault(rec, fault, d)
}

func (w *World) delay(r *http.Request, snap *dials.Snapshot, d Dialect) {
	switch d {
	case ConnectorDialect:
		wait(r, time.Duration(snap.LatencyMS)*time.Millisecond+w.Up(time.Duration(snap.LatencyJitterMS)*time.Millisecond))
	case GraphDialect:
		wait(r, time.Duration(snap.GraphLatencyMS)*time.Millisecond)
	case EntraDialect:
	}
}

// wait is part of what is simulated: a slow service.
func wait(r *http.Request, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
	}
}

func (w *World) writeFault(rec *Recorder, f *dials.Fault, d Dialect) {
	if f.RetryAfter > 0 {
		rec.Header().Set("Retry-After", strconv.Itoa(f.RetryAfter))
	}
	code, message := f.Code, f.Message
	if code == "" {
		code = defaultCode(f.Status, d)
	}
	if message == "" {
		message = "Injected by the simulator's dials."
	}
	switch f.Shape {
	case "reset":
		hijackAndClose(rec)
	case "empty":
		rec.Header().Set("Content-Length", "0")
		rec.WriteHeader(f.Status)
	case "html":
		rec.Header().Set("Content-Type", "text/html")
		rec.WriteHeader(f.Status)
		_, _ = fmt.Fprintf(rec, "<html><head><title>%d</title></head><body><h1>%d %s</h1></body></html>", f.Status, f.Status, http.StatusText(f.Status))
	case "subcode":
		SubcodeError(rec, f.Status, code, message)
	default:
		w.Error(rec, d, f.Status, code, message)
	}
}

// hijackAndClose tears the connection down. The simulator speaks HTTP/1.1 only,
// where a connection can always be taken over; elsewhere it answers 502.
func hijackAndClose(rec *Recorder) {
	conn, _, err := http.NewResponseController(rec.ResponseWriter).Hijack()
	if err != nil {
		rec.WriteHeader(http.StatusBadGateway)
		return
	}
	_ = conn.Close()
}

func defaultCode(status int, d Dialect) string {
	if d == EntraDialect {
		return map[bool]string{true: "temporarily_unavailable", false: "invalid_request"}[status >= 500 || status == 429]
	}
	switch status {
	case http.StatusTooManyRequests:
		return map[Dialect]string{ConnectorDialect: "Throttled", GraphDialect: "TooManyRequests"}[d]
	case http.StatusPreconditionFailed:
		return "PreconditionFailed"
	case http.StatusForbidden:
		return map[Dialect]string{ConnectorDialect: "BotNotInConversationRoster", GraphDialect: "Forbidden"}[d]
	default:
		return map[Dialect]string{ConnectorDialect: "ServiceError", GraphDialect: strings.ReplaceAll(http.StatusText(status), " ", "")}[d]
	}
}

// Error writes an error in a service's own shape.
func (w *World) Error(rw http.ResponseWriter, d Dialect, status int, code, message string) {
	now := w.Now().UTC()
	switch d {
	case EntraDialect:
		EntraError(rw, status, code, 90000, message, now)
	case GraphDialect:
		JSON(rw, status, map[string]any{"error": map[string]any{
			"code": code, "message": message,
			"innerError": map[string]any{
				"date": now.Format("2006-01-02T15:04:05"), "request-id": w.RequestID(), "client-request-id": w.RequestID(),
			},
		}})
	case ConnectorDialect:
		JSON(rw, status, map[string]any{"error": map[string]any{"code": code, "message": message}})
	}
}

// SubcodeError writes the Connector's second error shape (protocol E.3).
func SubcodeError(rw http.ResponseWriter, status int, subcode, details string) {
	inner := fmt.Sprintf("{\r\n  \"subCode\": %q,\r\n  \"details\": %q,\r\n  \"errorCode\": null,\r\n  \"errorSubCode\": null\r\n}", subcode, details)
	JSON(rw, status, map[string]any{"errorCode": 209, "message": inner})
}

// EntraError writes an error as Entra does (protocol A.1).
func EntraError(rw http.ResponseWriter, status int, code string, number int, message string, now time.Time) {
	JSON(rw, status, map[string]any{
		"error": code, "error_description": fmt.Sprintf("AADSTS%d: %s", number, message),
		"error_codes": []int{number}, "timestamp": now.Format("2006-01-02 15:04:05Z"),
		"trace_id": "00000000-0000-4000-8000-00000000aced", "correlation_id": "00000000-0000-4000-8000-00000000c0de",
	})
}

// RequestID returns an invented ID for correlation.
func (w *World) RequestID() string {
	n := w.random.Add(1)
	return fmt.Sprintf("00000000-0000-4000-8000-%012x", n)
}

// JSON writes a value with a status.
func JSON(rw http.ResponseWriter, status int, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		http.Error(rw, err.Error(), http.StatusInternalServerError)
		return
	}
	rw.Header().Set("Content-Type", "application/json; charset=utf-8")
	rw.Header().Set("Content-Length", strconv.Itoa(len(body)))
	rw.WriteHeader(status)
	_, _ = rw.Write(body)
}

// TooMany writes a 429, mostly with a Retry-After in whole seconds.
func (w *World) TooMany(rw http.ResponseWriter, d Dialect, wait time.Duration) {
	if !w.Chance(w.Dials.Now().RetryAfterMissingPerMille) {
		rw.Header().Set("Retry-After", strconv.Itoa(max(1, int((wait+time.Second-1)/time.Second))))
	}
	code := "Throttled"
	if d == GraphDialect {
		code = "TooManyRequests"
	}
	w.Error(rw, d, http.StatusTooManyRequests, code, "Too many requests")
}
