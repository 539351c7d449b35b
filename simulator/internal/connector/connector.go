package connector

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/fanfare/fanfare/simulator/internal/meter"
	"github.com/fanfare/fanfare/simulator/internal/tenant"
	"github.com/fanfare/fanfare/simulator/internal/world"
)

// Handler answers {service URL}/v3/….
type Handler struct {
	w      *world.World
	global *meter.Window
	parsed parseCache
}

// New returns the handler.
func New(w *world.World) *Handler {
	return &Handler{w: w, global: meter.NewWindow(time.Second)}
}

// regions are the first segments of service URLs (protocol C.8).
var regions = map[string]bool{
	"amer": true, "emea": true, "in": true, "de": true, "apac": true, "teams": true, "apis": true,
}

// Addressed tells whether a path is below a service URL of the Connector, with
// or without a tenant segment.
func Addressed(path string) bool {
	parts := strings.SplitN(strings.TrimPrefix(path, "/"), "/", 4)
	return len(parts) >= 2 && regions[parts[0]] && (parts[1] == "v3" || len(parts) >= 3 && parts[2] == "v3")
}

// call is one request to the Connector.
type call struct {
	path []string // unescaped segments after /v3
	body []byte
	http *http.Request
	// Who is addressed, if it is a personal chat.
	number     int
	generation uint32
	create     createBody // of create only
	createErr  error
}

type handle func(rw http.ResponseWriter, c *call)

// ServeHTTP routes a request: operation first, so that even a refused one is
// counted under its name.
func (h *Handler) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	parts := strings.Split(strings.Trim(r.URL.EscapedPath(), "/"), "/")
	region, foreign := parts[0], false
	if parts[1] != "v3" {
		foreign = !strings.EqualFold(parts[1], h.w.Tenant.TenantID)
		parts = parts[1:]
	}
	c := &call{http: r, path: make([]string, 0, 4)}
	for _, part := range parts[2:] {
		text, err := url.PathUnescape(part)
		if err != nil {
			h.fail(rw, http.StatusBadRequest, "BadArgument", "The path is malformed.")
			return
		}
		c.path = append(c.path, text)
	}
	op, do := h.route(c, r.Method)
	if foreign {
		do = h.unknown
	}
	if len(c.path) > 1 && c.path[0] == "conversations" {
		c.number, c.generation, _ = h.w.Tenant.Conversation(c.path[1])
	}
	var err error
	if c.body, err = read(r); err != nil {
		h.fail(rw, http.StatusBadRequest, "BadArgument", "The body could not be read.")
		return
	}
	if op == "create" {
		h.readCreate(c)
	}
	h.w.Meter.Connector.Add(h.w.Now())
	q := world.Request{Operation: op, Number: c.number, Region: region}
	h.w.Serve(rw, r, q, world.ConnectorDialect, func(rw http.ResponseWriter, _ *http.Request) {
		h.admit(rw, c, do)
	})
}

// read reads a body whose length is mostly known in one piece.
func read(r *http.Request) ([]byte, error) {
	if r.ContentLength < 0 || r.ContentLength > maxBody {
		return io.ReadAll(io.LimitReader(r.Body, maxBody))
	}
	body := make([]byte, r.ContentLength)
	_, err := io.ReadFull(r.Body, body)
	return body, err
}

// shape is a path with its method: which segments are fixed, and how many there
// are.
type shape struct {
	method, first, third, fifth string
	length                      int
}

// route names the operation.
func (h *Handler) route(c *call, method string) (op string, do handle) {
	at := shape{method: method, length: len(c.path)}
	for i, fixed := range []*string{&at.first, &at.third, &at.fifth} {
		if 2*i < len(c.path) {
			*fixed = c.path[2*i]
		}
	}
	const get, post, put, del, conversations, activities = http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete, "conversations", "activities"
	switch at {
	case shape{post, conversations, "", "", 1}:
		return "create", h.create
	case shape{post, conversations, activities, "", 3}:
		return "send", h.send
	case shape{post, conversations, activities, "", 4}:
		return "reply", h.send
	case shape{put, conversations, activities, "", 4}:
		return "update", h.update
	case shape{del, conversations, activities, "", 4}:
		return "delete", h.update
	case shape{get, conversations, "members", "", 3}:
		return "members", h.members
	case shape{get, conversations, "members", "", 4}:
		return "member", h.member
	case shape{get, conversations, "pagedmembers", "", 3}:
		return "pagedmembers", h.members
	case shape{get, conversations, activities, "members", 5}:
		return "activitymembers", h.members
	case shape{get, "teams", "", "", 2}:
		return "team", h.team
	case shape{get, "teams", conversations, "", 3}:
		return "channels", h.channels
	}
	return "unknown", h.unknown
}

func (h *Handler) unknown(rw http.ResponseWriter, c *call) {
	h.fail(rw, http.StatusNotFound, "NotFound", "No route matches '"+strings.Join(c.path, "/")+"'.")
}

// maxBody is far above the message limit, so that 413 has its own meaning.
const maxBody = 8 << 20

// admit checks the token, then the tenant's limit over all operations, then
// whether the administrator allows the bot at all.
func (h *Handler) admit(rw http.ResponseWriter, c *call, do handle) {
	rw.Header().Set("X-Correlating-OperationId", h.w.RequestID())
	token, err := h.w.Authorize(c.http, world.BotAudience)
	if err != nil {
		rw.Header().Set("WWW-Authenticate", "Bearer")
		h.fail(rw, http.StatusUnauthorized, "Unauthorized", "Authorization has been denied for this request: "+err.Error())
		return
	}
	if !strings.EqualFold(token.AppID, h.w.Clients.BotID) {
		h.fail(rw, http.StatusUnauthorized, "BotNotRegistered", "The bot is not registered.")
		return
	}
	snap := h.w.Dials.Now()
	if wait, ok := h.global.Take(h.w.Now(), snap.ConnectorRate, snap.ConnectorCountsRefused); !ok {
		h.w.TooMany(rw, world.ConnectorDialect, wait)
		return
	}
	if snap.BotDisabledByAdmin {
		h.fail(rw, http.StatusForbidden, "BotDisabledByAdmin", "The tenant admin disabled this bot.")
		return
	}
	do(rw, c)
}

func (h *Handler) fail(rw http.ResponseWriter, status int, code, message string) {
	h.w.Error(rw, world.ConnectorDialect, status, code, message)
}

// refuse answers a problem with a chat (protocol E.3).
func (h *Handler) refuse(rw http.ResponseWriter, c *call, problem tenant.Problem, wait time.Duration) {
	switch problem {
	case tenant.NotInstalled:
		if c.path[0] == "conversations" && len(c.path) == 1 {
			h.fail(rw, http.StatusForbidden, "ForbiddenOperationException", "The bot is not installed in user's personal scope.")
			return
		}
		h.fail(rw, http.StatusForbidden, "BotNotInConversationRoster", "The bot is not part of the conversation roster.")
	case tenant.IsBlocked:
		if c.number%2 == 1 { // both shapes are seen for the same thing
			world.SubcodeError(rw, http.StatusForbidden, "MessageWritesBlocked", "Thread is blocked from message writes.")
			return
		}
		h.fail(rw, http.StatusForbidden, "ConversationBlockedByUser", "User blocked the conversation with the bot.")
	case tenant.TooFast:
		h.w.TooMany(rw, world.ConnectorDialect, wait)
	case tenant.NoSuchMessage:
		h.fail(rw, http.StatusNotFound, "ActivityNotFoundInConversation", "The activity was not found in the conversation.")
	case tenant.NotOwnMessage:
		h.fail(rw, http.StatusForbidden, "NotEnoughPermissions", "The bot may change its own messages only.")
	default:
		h.fail(rw, http.StatusNotFound, "ConversationNotFound", "Conversation not found.")
	}
}
