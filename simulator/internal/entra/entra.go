package entra

import (
	"net/http"
	"strings"
	"sync"

	"github.com/fanfare/fanfare/simulator/internal/keys"
	"github.com/fanfare/fanfare/simulator/internal/world"
)

// Handler answers for the login host.
type Handler struct {
	w *world.World

	mu    sync.Mutex
	codes map[string]grant
}

// New returns the handler.
func New(w *world.World) *Handler { return &Handler{w: w, codes: map[string]grant{}} }

// ServeHTTP routes /{tenant}/… and /v1/.well-known/….
func (h *Handler) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	first, rest, _ := strings.Cut(strings.Trim(r.URL.Path, "/"), "/")
	if first == "v1" {
		h.botFramework(rw, r, rest)
		return
	}
	routes := map[string]struct {
		op, method string
		do         func(http.ResponseWriter, *http.Request, string)
	}{
		"v2.0/.well-known/openid-configuration": {"entra.discovery", http.MethodGet, h.discovery},
		"discovery/v2.0/keys":                   {"entra.keys", http.MethodGet, h.keys},
		"oauth2/v2.0/token":                     {"entra.token", http.MethodPost, h.token},
		"oauth2/v2.0/authorize":                 {"entra.authorize", http.MethodGet, h.authorize},
		"oauth2/v2.0/logout":                    {"entra.logout", http.MethodGet, h.logout},
	}
	route, ok := routes[rest]
	if !ok {
		http.NotFound(rw, r)
		return
	}
	if r.Method != route.method {
		rw.Header().Set("Allow", route.method)
		world.EntraError(rw, http.StatusMethodNotAllowed, "invalid_request", 900561, "The endpoint only accepts "+route.method+" requests.", h.w.Now().UTC())
		return
	}
	h.w.Serve(rw, r, world.Request{Operation: route.op}, world.EntraDialect, func(rw http.ResponseWriter, r *http.Request) {
		if !h.knows(first) {
			h.fail(rw, http.StatusBadRequest, "invalid_tenant", 90002, "Tenant '"+first+"' not found.")
			return
		}
		route.do(rw, r, first)
	})
}

// knows accepts our tenant and the old multi-tenant authority of bots.
func (h *Handler) knows(tenant string) bool {
	return strings.EqualFold(tenant, h.w.Tenant.TenantID) || tenant == "botframework.com"
}

func (h *Handler) fail(rw http.ResponseWriter, status int, code string, number int, message string) {
	world.EntraError(rw, status, code, number, message, h.w.Now().UTC())
}

func (h *Handler) issuer(r *http.Request, tenant string) string {
	return h.w.PublicURL(r) + "/" + tenant + "/v2.0"
}

// discovery names the addresses a person's browser visits over plain http and
// all others over https, so that nobody has to accept a certificate.
func (h *Handler) discovery(rw http.ResponseWriter, r *http.Request, tenant string) {
	secure, plain := h.w.PublicURL(r)+"/"+tenant, h.w.PlainURL(r)+"/"+tenant
	world.JSON(rw, http.StatusOK, map[string]any{
		"issuer":                                h.issuer(r, tenant),
		"token_endpoint":                        secure + "/oauth2/v2.0/token",
		"jwks_uri":                              secure + "/discovery/v2.0/keys",
		"authorization_endpoint":                plain + "/oauth2/v2.0/authorize",
		"end_session_endpoint":                  plain + "/oauth2/v2.0/logout",
		"token_endpoint_auth_methods_supported": []string{"client_secret_post", "private_key_jwt", "client_secret_basic"},
		"response_modes_supported":              []string{"query", "form_post"},
		"response_types_supported":              []string{"code"},
		"subject_types_supported":               []string{"pairwise"},
		"scopes_supported":                      []string{"openid", "profile", "email", "offline_access"},
		"id_token_signing_alg_values_supported": []string{"RS256"},
		"tenant_region_scope":                   "EU",
	})
}

func (h *Handler) keys(rw http.ResponseWriter, _ *http.Request, _ string) {
	world.JSON(rw, http.StatusOK, map[string]any{"keys": []keys.JWK{h.w.Entra.Publish("")}})
}

// Unendorsed is the ID of a published Bot Framework key that is not endorsed
// for Teams.
const Unendorsed = "bot-unendorsed"

func (h *Handler) botFramework(rw http.ResponseWriter, r *http.Request, rest string) {
	op, do := "", http.HandlerFunc(nil)
	switch rest {
	case ".well-known/openidconfiguration":
		op, do = "bot.metadata", h.botMetadata
	case ".well-known/keys":
		op, do = "bot.keys", h.botKeys
	default:
		http.NotFound(rw, r)
		return
	}
	h.w.Serve(rw, r, world.Request{Operation: op}, world.EntraDialect, do)
}

// The metadata's issuer is not its host: a stock discovery client refuses it
// (protocol B.1).
func (h *Handler) botMetadata(rw http.ResponseWriter, r *http.Request) {
	world.JSON(rw, http.StatusOK, map[string]any{
		"issuer":                                "https://api.botframework.com",
		"authorization_endpoint":                "https://invalid.botframework.com",
		"jwks_uri":                              h.w.PublicURL(r) + "/v1/.well-known/keys",
		"id_token_signing_alg_values_supported": []string{"RS256"},
		"token_endpoint_auth_methods_supported": []string{"private_key_jwt"},
	})
}

func (h *Handler) botKeys(rw http.ResponseWriter, _ *http.Request) {
	world.JSON(rw, http.StatusOK, map[string]any{"keys": []keys.JWK{
		h.w.Bot.Publish("", "msteams", "skype", "webchat", "directline"),
		h.w.Entra.Publish(Unendorsed, "directline"),
	}})
}
