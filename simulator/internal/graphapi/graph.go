package graphapi

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/fanfare/fanfare/simulator/internal/bot"
	"github.com/fanfare/fanfare/simulator/internal/meter"
	"github.com/fanfare/fanfare/simulator/internal/world"
)

// Handler answers /v1.0/….
type Handler struct {
	w   *world.World
	bot *bot.Sender

	routes                                  []route
	post, get, del, chat, catalog, postLong *meter.Window
	upgrades                                *meter.Window
	units                                   meter.Units
}

// sustained is the longer window over which 83 % of a burst rate is allowed
// (protocol F.7).
const sustained = 30 * time.Second

// New returns the handler; installations are told to the bot through sender.
func New(w *world.World, sender *bot.Sender) *Handler {
	second := func() *meter.Window { return meter.NewWindow(time.Second) }
	h := &Handler{
		w: w, bot: sender, post: second(), get: second(), del: second(), chat: second(), catalog: second(), upgrades: second(),
		postLong: meter.NewWindow(sustained),
	}
	h.routes = h.table()
	return h
}

// call is one request to Graph, also one item of a $batch.
type call struct {
	method string
	path   []string // unescaped segments after /v1.0
	query  url.Values
	header http.Header
	body   []byte
	http   *http.Request
	base   string // https://host of the simulator, for absolute links
}

// ServeHTTP routes a request.
func (h *Handler) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	path, err := segments(r.URL.EscapedPath())
	if err != nil {
		h.w.Error(rw, world.GraphDialect, http.StatusBadRequest, "BadRequest", "The path is malformed.")
		return
	}
	c := &call{method: r.Method, path: path[1:], query: query(r.URL.RawQuery), header: r.Header, http: r, base: h.w.PublicURL(r)}
	if c.at("$batch") {
		h.serve(rw, c, "graph.batch", 0, h.batch)
		return
	}
	h.route(rw, c)
}

// segments splits an escaped path and unescapes each part, so that IDs may
// contain anything.
func segments(escaped string) ([]string, error) {
	parts := strings.Split(strings.Trim(escaped, "/"), "/")
	for i, part := range parts {
		var err error
		if parts[i], err = url.PathUnescape(part); err != nil {
			return nil, err
		}
	}
	return parts, nil
}

// query parses parameters; OData allows their names without the dollar sign,
// and any case.
func query(raw string) url.Values {
	out := url.Values{}
	values, _ := url.ParseQuery(strings.ReplaceAll(raw, ";", "%3B")) // odd pairs are dropped, as by Graph
	for k, v := range values {
		out[strings.ToLower("$"+strings.TrimPrefix(k, "$"))] = v
	}
	return out
}

// at tells whether the path matches a pattern in which "*" is any segment.
func (c *call) at(pattern string) bool {
	parts := strings.Split(pattern, "/")
	if len(parts) != len(c.path) {
		return false
	}
	for i, part := range parts {
		if part != "*" && !strings.EqualFold(part, c.path[i]) {
			return false
		}
	}
	return true
}

type handle func(rw http.ResponseWriter, c *call)

// serve does what is common to all of Graph: token, body, latency and faults.
func (h *Handler) serve(rw http.ResponseWriter, c *call, op string, number int, do handle) {
	h.w.Meter.Graph.Add(h.w.Now())
	h.w.Serve(rw, c.http, world.Request{Operation: op, Number: number}, world.GraphDialect, func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("request-id", h.w.RequestID())
		if _, err := h.w.Authorize(c.http, world.GraphAudience); err != nil {
			rw.Header().Set("WWW-Authenticate", `Bearer realm="", authorization_uri="`+c.base+`/common/oauth2/authorize"`)
			h.fail(rw, http.StatusUnauthorized, "InvalidAuthenticationToken", err.Error())
			return
		}
		if !h.readBody(rw, c) || !h.charge(rw, c, op) {
			return
		}
		do(rw, c)
	})
}

// maxBody is generous: Graph takes 4 MB.
const maxBody = 4 << 20

// readBody reads the body, which may be compressed (protocol G.5). A body that
// is labelled gzip but is not is refused: the defect of the SDK's retry.
func (h *Handler) readBody(rw http.ResponseWriter, c *call) bool {
	if c.body != nil || c.http.Body == nil {
		return true
	}
	body, err := io.ReadAll(io.LimitReader(c.http.Body, maxBody))
	if err != nil {
		h.fail(rw, http.StatusBadRequest, "BadRequest", "The body could not be read.")
		return false
	}
	switch encoding := strings.ToLower(c.header.Get("Content-Encoding")); encoding {
	case "", "identity":
	case "gzip":
		if h.w.Dials.Now().RejectGzip {
			h.fail(rw, http.StatusUnsupportedMediaType, "UnsupportedMediaType", "Content encoding gzip is not supported.")
			return false
		}
		if body, err = unzip(body); err != nil {
			h.fail(rw, http.StatusBadRequest, "BadRequest", "Unable to read the compressed body: "+err.Error())
			return false
		}
	default:
		h.fail(rw, http.StatusUnsupportedMediaType, "UnsupportedMediaType", "Content encoding "+encoding+" is not supported.")
		return false
	}
	c.body = body
	return true
}

func unzip(body []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	plain, err := io.ReadAll(io.LimitReader(z, maxBody+1))
	if err == nil && len(plain) > maxBody {
		return nil, errors.New("too large")
	}
	return plain, err
}

func (h *Handler) fail(rw http.ResponseWriter, status int, code, message string) {
	h.w.Error(rw, world.GraphDialect, status, code, message)
}

// appID is the application that calls.
func (h *Handler) appID(c *call) string {
	token, err := h.w.Authorize(c.http, world.GraphAudience)
	if err != nil {
		return ""
	}
	return token.AppID
}

// within admits a request under a burst rate, or answers 429.
func (h *Handler) within(rw http.ResponseWriter, window *meter.Window, limit int) bool {
	wait, ok := window.Take(h.w.Now(), limit, h.w.Dials.Now().GraphCountsRefused)
	if !ok {
		h.w.TooMany(rw, world.GraphDialect, wait)
	}
	return ok
}

// scaled turns a documented limit (next to 30 installs a second) into the
// present one; 0 stays unlimited.
func scaled(installRate, documented int) int {
	if installRate <= 0 {
		return 0
	}
	return max(1, installRate*documented/30)
}

// eventual tells whether the caller asked for advanced queries; without it
// $search, $count and casts are refused (protocol K row 19).
func (h *Handler) eventual(rw http.ResponseWriter, c *call, what string) bool {
	if strings.EqualFold(c.header.Get("ConsistencyLevel"), "eventual") {
		return true
	}
	h.fail(rw, http.StatusBadRequest, "Request_UnsupportedQuery", "Request with "+what+" only works with the header ConsistencyLevel:eventual.")
	return false
}
