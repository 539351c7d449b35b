package entra

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/fanfare/fanfare/simulator/internal/world"
)

// token answers POST /token (protocol A.1, H.1).
func (h *Handler) token(rw http.ResponseWriter, r *http.Request, tenant string) {
	r.Body = http.MaxBytesReader(rw, r.Body, 1<<20)
	if err := r.ParseForm(); err != nil {
		h.fail(rw, http.StatusBadRequest, "invalid_request", 900144, "The request body must be form encoded.")
		return
	}
	form := r.PostForm
	if id, secret, ok := r.BasicAuth(); ok { // RFC 6749 2.3.1: both are form encoded
		id, _ = url.QueryUnescape(id)
		secret, _ = url.QueryUnescape(secret)
		form.Set("client_id", id)
		form.Set("client_secret", secret)
	}
	if !h.clientProven(rw, form) {
		return
	}
	switch form.Get("grant_type") {
	case "client_credentials":
		h.clientCredentials(rw, r, tenant, form)
	case "authorization_code":
		h.redeem(rw, r, tenant, form)
	case "":
		h.fail(rw, http.StatusBadRequest, "invalid_request", 900144, "The request body must contain the following parameter: 'grant_type'.")
	default:
		h.fail(rw, http.StatusBadRequest, "unsupported_grant_type", 70003, "The grant type is not supported.")
	}
}

// clientProven checks the secret or assertion, and answers if it is wrong.
func (h *Handler) clientProven(rw http.ResponseWriter, form url.Values) bool {
	id, c := form.Get("client_id"), h.w.Clients
	secret := ""
	switch {
	case strings.EqualFold(id, c.BotID):
		secret = c.BotSecret
	case strings.EqualFold(id, c.SignInID):
		secret = c.SignInSecret
	default:
		h.fail(rw, http.StatusUnauthorized, "invalid_client", 700016, "Application with identifier '"+id+"' was not found in the directory.")
		return false
	}
	if assertion := form.Get("client_assertion"); assertion != "" {
		return h.assertionProven(rw, form, id)
	}
	given := form.Get("client_secret")
	if given == "" {
		h.fail(rw, http.StatusUnauthorized, "invalid_client", 7000218, "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.")
		return false
	}
	if h.w.Dials.Now().ClientSecretRotated || subtle.ConstantTimeCompare([]byte(given), []byte(secret)) != 1 {
		h.fail(rw, http.StatusUnauthorized, "invalid_client", 7000215, "Invalid client secret provided.")
		return false
	}
	return true
}

// assertionProven accepts any well-formed assertion of the client: which
// certificate is registered is not simulated.
func (h *Handler) assertionProven(rw http.ResponseWriter, form url.Values, id string) bool {
	claims := jwt.MapClaims{}
	_, _, err := jwt.NewParser().ParseUnverified(form.Get("client_assertion"), claims)
	issuer, _ := claims["iss"].(string)
	subject, _ := claims["sub"].(string)
	if err != nil || form.Get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" ||
		!strings.EqualFold(issuer, id) || !strings.EqualFold(subject, id) {
		h.fail(rw, http.StatusUnauthorized, "invalid_client", 700027, "Client assertion failed signature validation.")
		return false
	}
	return true
}

// oldMultiTenant is the directory in which multi-tenant bots get their tokens.
const oldMultiTenant = "d6d49420-f39b-4df7-a1dc-d59a935871db"

func (h *Handler) clientCredentials(rw http.ResponseWriter, r *http.Request, tenant string, form url.Values) {
	audience := h.audience(r, form.Get("scope"))
	if audience == "" {
		h.fail(rw, http.StatusBadRequest, "invalid_scope", 1002012, "The provided value for scope "+form.Get("scope")+" is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier.")
		return
	}
	if tenant == "botframework.com" {
		tenant = oldMultiTenant
	}
	now := h.w.Now()
	life := time.Duration(h.w.Dials.Now().TokenLifetimeSeconds) * time.Second
	claims := jwt.MapClaims{
		"aud": audience, "iss": "https://sts.windows.net/" + tenant + "/", "tid": tenant,
		"appid": form.Get("client_id"), "appidacr": "1", "ver": "1.0", "idtyp": "app",
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(life).Unix(), "uti": h.w.RequestID(),
	}
	if audience == world.GraphAudience {
		claims["roles"] = []string{
			"TeamsAppInstallation.ReadWriteAndConsentSelfForUser.All", "TeamsAppInstallation.ReadWriteAndConsentSelfForTeam.All", "AppCatalog.Read.All",
			"User.Read.All", "GroupMember.Read.All", "Channel.ReadBasic.All",
		}
	}
	signed, err := h.spoiled(claims)
	h.answerToken(rw, signed, err, map[string]any{"expires_in": int(life.Seconds()), "ext_expires_in": int(life.Seconds())})
}

// spoiled signs an application's token, or one that Connector and Graph refuse
// (protocol K row 31).
func (h *Handler) spoiled(claims jwt.MapClaims) (string, error) {
	switch h.w.Dials.Now().AccessToken {
	case "expired":
		now := h.w.Now()
		claims["nbf"], claims["exp"] = now.Add(-2*time.Hour).Unix(), now.Add(-time.Minute).Unix()
	case "wrong_aud":
		claims["aud"] = "https://vault.azure.net"
	case "wrong_app":
		claims["appid"] = "deadbeef-0000-4000-8000-000000000000"
	case "bad_signature":
		return h.w.Bot.Sign(claims, h.w.Entra.ID())
	}
	return h.w.Entra.Sign(claims, "")
}

// audience picks the resource out of several scopes in one string
// (protocol A.3): clients append "openid offline_access profile".
func (h *Handler) audience(r *http.Request, scopes string) string {
	for _, scope := range strings.Fields(scopes) {
		resource, ok := strings.CutSuffix(scope, "/.default")
		switch resource = strings.TrimRight(resource, "/"); {
		case !ok:
		case resource == world.BotAudience, resource == world.GraphAudience:
			return resource
		case resource == h.w.PublicURL(r): // what a client derives from its Graph address
			return world.GraphAudience
		}
	}
	return ""
}

func (h *Handler) answerToken(rw http.ResponseWriter, signed string, err error, more map[string]any) {
	if err != nil {
		h.fail(rw, http.StatusInternalServerError, "server_error", 90033, "A transient error has occurred.")
		return
	}
	answer := map[string]any{"token_type": "Bearer", "access_token": signed}
	for k, v := range more {
		answer[k] = v
	}
	rw.Header().Set("Cache-Control", "no-store, no-cache")
	world.JSON(rw, http.StatusOK, answer)
}

// redeem turns an authorization code into an ID token: once, within ten
// minutes, for the same client and address, and only with the PKCE verifier.
func (h *Handler) redeem(rw http.ResponseWriter, r *http.Request, tenant string, form url.Values) {
	h.mu.Lock()
	g, ok := h.codes[form.Get("code")]
	used := g.used
	if ok {
		g.used = true
		h.codes[form.Get("code")] = g
	}
	h.mu.Unlock()
	sum := sha256.Sum256([]byte(form.Get("code_verifier")))
	number, message := 0, ""
	switch {
	case !ok:
		number, message = 9002313, "Invalid request. The authorization code is malformed or unknown."
	case used:
		number, message = 54005, "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh token."
	case h.w.Now().After(g.expires):
		number, message = 70008, "The provided authorization code or refresh token has expired due to inactivity."
	case !strings.EqualFold(g.clientID, form.Get("client_id")):
		number, message = 700005, "The provided Authorization Code is intended to use against another application."
	case g.redirectURI != form.Get("redirect_uri"):
		number, message = 500112, "The reply address does not match the reply address provided when requesting the authorization code."
	case base64.RawURLEncoding.EncodeToString(sum[:]) != g.challenge:
		number, message = 501481, "The Code_Verifier does not match the code_challenge supplied in the authorization request."
	}
	if number != 0 {
		h.fail(rw, http.StatusBadRequest, "invalid_grant", number, message)
		return
	}
	h.answerSignIn(rw, r, tenant, g)
}

func (h *Handler) answerSignIn(rw http.ResponseWriter, r *http.Request, tenant string, g grant) {
	id, err := h.w.Entra.Sign(h.idClaims(r, tenant, g), "")
	if err != nil {
		h.fail(rw, http.StatusInternalServerError, "server_error", 90033, "A transient error has occurred.")
		return
	}
	now, life := h.w.Now(), time.Hour
	access := jwt.MapClaims{ // for the userinfo endpoint of Graph, with no rights in Graph itself
		"aud": "00000003-0000-0000-c000-000000000000", "iss": "https://sts.windows.net/" + tenant + "/",
		"appid": g.clientID, "oid": g.person.EntraID, "tid": tenant, "scp": "openid profile email",
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(life).Unix(),
	}
	signed, err := h.w.Entra.Sign(access, "")
	h.answerToken(rw, signed, err, map[string]any{
		"id_token": id, "scope": "openid profile email", "expires_in": int(life.Seconds()),
	})
}

func (h *Handler) idClaims(r *http.Request, tenant string, g grant) jwt.MapClaims {
	now := h.w.Now()
	claims := jwt.MapClaims{
		"aud": g.clientID, "iss": h.issuer(r, tenant), "tid": tenant, "ver": "2.0",
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(65 * time.Minute).Unix(),
		"name": g.person.Name, "oid": g.person.EntraID, "preferred_username": g.person.UPN,
		"sub": subject(g), "uti": h.w.RequestID(),
	}
	if g.nonce != "" {
		claims["nonce"] = g.nonce
	}
	if len(g.person.Roles) > 0 { // absent, not empty, when there is none
		claims["roles"] = g.person.Roles
	}
	switch h.w.Dials.Now().SignIn {
	case "wrong_tenant":
		const other = "99999999-9999-4999-8999-999999999999"
		claims["tid"], claims["iss"] = other, h.issuer(r, other)
	case "no_roles":
		delete(claims, "roles")
	case "wrong_nonce":
		claims["nonce"] = "not-the-one-you-sent"
	case "overage":
		claims["_claim_names"] = map[string]string{"groups": "src1"}
		claims["_claim_sources"] = map[string]any{"src1": map[string]string{
			"endpoint": fmt.Sprintf("https://graph.microsoft.com/v1.0/users/%s/getMemberObjects", g.person.EntraID),
		}}
	}
	return claims
}

// subject is pairwise: another client sees another one.
func subject(g grant) string {
	sum := sha256.Sum256([]byte(g.clientID + "|" + g.person.EntraID))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
