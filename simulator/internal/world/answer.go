package world

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
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

// Dialect is the shape of a service's errors.
type Dialect int

// The dialects.
const (
	ConnectorDialect Dialect = iota
	GraphDialect
	EntraDialect
)

// defaultCode is what a service says with a status of its own accord; 503 and
// 504 of the Connector carry no code (protocol E.3).
func defaultCode(status int, d Dialect) string {
	switch {
	case d == EntraDialect && (status >= 500 || status == http.StatusTooManyRequests):
		return "temporarily_unavailable"
	case d == EntraDialect:
		return "invalid_request"
	}
	codes := connectorCodes
	if d == GraphDialect {
		codes = graphCodes
	}
	if code, ok := codes[status]; ok {
		return code
	}
	return strings.ReplaceAll(http.StatusText(status), " ", "")
}

var connectorCodes = map[int]string{
	http.StatusBadRequest: "BadArgument", http.StatusUnauthorized: "Unauthorized", http.StatusForbidden: "BotNotInConversationRoster",
	http.StatusNotFound: "ConversationNotFound", http.StatusPreconditionFailed: "PreconditionFailed",
	http.StatusRequestEntityTooLarge: "MessageSizeTooBig", http.StatusTooManyRequests: "Throttled",
	http.StatusInternalServerError: "ServiceError", http.StatusBadGateway: "ServiceError",
	http.StatusServiceUnavailable: "", http.StatusGatewayTimeout: "",
}

var graphCodes = map[int]string{http.StatusUnauthorized: "InvalidAuthenticationToken", http.StatusTooManyRequests: "TooManyRequests"}

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
		inner := map[string]any{"message": message}
		if code != "" {
			inner["code"] = code
		}
		JSON(rw, status, map[string]any{"error": inner})
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
	n := w.random.Add(1) & (1<<48 - 1)
	id := []byte("00000000-0000-4000-8000-000000000000")
	for i := len(id) - 1; n > 0; i-- {
		id[i] = "0123456789abcdef"[n&15]
		n >>= 4
	}
	return string(id)
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
