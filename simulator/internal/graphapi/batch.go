package graphapi

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/fanfare/fanfare/simulator/internal/world"
)

type batchItem struct {
	ID        string            `json:"id"`
	Method    string            `json:"method"`
	URL       string            `json:"url"`
	Headers   map[string]string `json:"headers"`
	Body      json.RawMessage   `json:"body"`
	DependsOn []string          `json:"dependsOn"`
}

type batchAnswer struct {
	ID      string            `json:"id"`
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers"`
	Body    json.RawMessage   `json:"body"`
}

// maxBatch is how many requests one $batch may hold (protocol F.6).
const maxBatch = 20

// batch runs each item as a request of its own, counted and throttled on its
// own; the envelope stays 200 and the answers come in no order.
func (h *Handler) batch(rw http.ResponseWriter, c *call) {
	if c.method != http.MethodPost {
		h.fail(rw, http.StatusMethodNotAllowed, "BadRequest", "$batch takes POST only.")
		return
	}
	var envelope struct {
		Requests []batchItem `json:"requests"`
	}
	if err := json.Unmarshal(c.body, &envelope); err != nil || len(envelope.Requests) == 0 {
		h.fail(rw, http.StatusBadRequest, "BadRequest", "Invalid batch payload format.")
		return
	}
	if len(envelope.Requests) > maxBatch {
		h.fail(rw, http.StatusBadRequest, "BadRequest", "Number of batch request steps exceeds the maximum value of 20.")
		return
	}
	seen := map[string]int{} // id → status
	for _, item := range envelope.Requests {
		if _, twice := seen[item.ID]; twice || item.ID == "" {
			h.fail(rw, http.StatusBadRequest, "BadRequest", "Batch request ids must be present and unique.")
			return
		}
		seen[item.ID] = 0
	}
	answers := make([]batchAnswer, 0, len(envelope.Requests))
	for _, item := range envelope.Requests {
		answer := h.batchOne(c, item, seen)
		seen[item.ID] = answer.Status
		answers = append(answers, answer)
	}
	slices.Reverse(answers) // any order is allowed, so let it not be ours
	world.JSON(rw, http.StatusOK, map[string]any{"responses": answers})
}

func (h *Handler) batchOne(c *call, item batchItem, seen map[string]int) batchAnswer {
	out := &memory{header: http.Header{}}
	for _, id := range item.DependsOn {
		if seen[id]/100 != 2 {
			h.fail(out, http.StatusFailedDependency, "FailedDependency", "The request depends on a failed request.")
			return out.answer(item.ID)
		}
	}
	target, err := url.Parse(item.URL)
	if err != nil {
		h.fail(out, http.StatusBadRequest, "BadRequest", "Invalid URL in batch.")
		return out.answer(item.ID)
	}
	path, err := segments(strings.TrimPrefix("/"+strings.TrimLeft(target.EscapedPath(), "/"), "/v1.0"))
	if err != nil {
		h.fail(out, http.StatusBadRequest, "BadRequest", "Invalid URL in batch.")
		return out.answer(item.ID)
	}
	header := http.Header{}
	for k, v := range item.Headers {
		header.Set(k, v)
	}
	body := []byte(item.Body)
	if body == nil {
		body = []byte{}
	}
	if len(body) > 0 && !strings.HasPrefix(strings.ToLower(header.Get("Content-Type")), "application/json") {
		h.fail(out, http.StatusBadRequest, "BadRequest", "Write request id : "+item.ID+" does not contain Content-Type header or body.")
		return out.answer(item.ID)
	}
	h.route(out, &call{
		method: strings.ToUpper(item.Method), path: path, query: query(target.RawQuery),
		header: header, body: body, http: c.http, base: c.base,
	})
	return out.answer(item.ID)
}

// memory is a ResponseWriter that keeps the answer.
type memory struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header implements http.ResponseWriter.
func (m *memory) Header() http.Header { return m.header }

// WriteHeader implements http.ResponseWriter.
func (m *memory) WriteHeader(status int) { m.status = status }

// Write implements http.ResponseWriter.
func (m *memory) Write(b []byte) (int, error) { return m.body.Write(b) }

func (m *memory) answer(id string) batchAnswer {
	a := batchAnswer{ID: id, Status: m.status, Headers: map[string]string{}, Body: json.RawMessage("null")}
	if a.Status == 0 {
		a.Status = http.StatusOK
	}
	for k := range m.header {
		if k != "Content-Length" {
			a.Headers[k] = m.header.Get(k)
		}
	}
	switch {
	case m.body.Len() == 0:
	case json.Valid(m.body.Bytes()):
		a.Body = m.body.Bytes()
	default:
		a.Body = raw(m.body.String())
	}
	return a
}
