package entra

import (
	"crypto/rand"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	_ "embed"

	"github.com/fanfare/fanfare/simulator/internal/tenant"
)

// grant is what an authorization code stands for.
type grant struct {
	clientID, redirectURI, challenge, nonce string
	person                                  tenant.Person
	expires                                 time.Time
	used                                    bool
}

// codeLife is how long a code may be redeemed (protocol H.1).
const codeLife = 10 * time.Minute

//go:embed signin.html
var pageText string

var page = template.Must(template.New("signin").Parse(pageText))

// authorize shows the page on which to pick an account. With login_hint of an
// existing person it answers at once, as an existing session would, unless
// prompt asks for the page.
func (h *Handler) authorize(rw http.ResponseWriter, r *http.Request, _ string) {
	q := r.URL.Query()
	if !strings.EqualFold(q.Get("client_id"), h.w.Clients.SignInID) {
		h.say(rw, "AADSTS700016: Application with identifier '"+q.Get("client_id")+"' was not found in the directory 'Contoso'.")
		return
	}
	target, err := url.Parse(q.Get("redirect_uri"))
	registered := h.w.Dials.Now().RedirectURIs
	if err != nil || target.Host == "" || (target.Scheme != "https" && target.Scheme != "http") ||
		len(registered) > 0 && !slices.Contains(registered, q.Get("redirect_uri")) {
		h.say(rw, "AADSTS50011: The redirect URI specified in the request does not match the redirect URIs configured for the application.")
		return
	}
	if code, message := refusal(q); code != "" {
		h.goBack(rw, r, target, url.Values{"error": {code}, "error_description": {message}})
		return
	}
	person, found := h.w.Tenant.Find(strings.TrimSpace(q.Get("login_hint")))
	prompt := q.Get("prompt")
	if !found || !person.Enabled || prompt == "login" || prompt == "select_account" {
		if prompt == "none" {
			h.goBack(rw, r, target, url.Values{"error": {"login_required"}, "error_description": {"AADSTS50058: A silent sign-in request was sent but no user is signed in."}})
			return
		}
		h.showPage(rw, q, found && !person.Enabled)
		return
	}
	code := h.remember(grant{
		clientID: q.Get("client_id"), redirectURI: q.Get("redirect_uri"), challenge: q.Get("code_challenge"),
		nonce: q.Get("nonce"), person: person, expires: h.w.Now().Add(codeLife),
	})
	h.goBack(rw, r, target, url.Values{"code": {code}, "session_state": {"00000000-0000-4000-8000-0000000005e5"}})
}

// refusal tells what is wrong with a request, in words for the application.
func refusal(q url.Values) (code, message string) {
	switch {
	case q.Get("cancel") != "":
		return "access_denied", "AADSTS65004: User declined to consent to access the app."
	case q.Get("response_type") != "code":
		return "unsupported_response_type", "AADSTS700054: response_type '" + q.Get("response_type") + "' is not enabled for the application."
	case !slices.Contains(strings.Fields(q.Get("scope")), "openid"):
		return "invalid_request", "AADSTS900144: The scope must contain 'openid'."
	case q.Get("code_challenge") == "" || q.Get("code_challenge_method") != "S256":
		return "invalid_request", "AADSTS9002325: Proof Key for Code Exchange is required (code_challenge with method S256)."
	case !slices.Contains([]string{"", "query", "form_post"}, q.Get("response_mode")):
		return "invalid_request", "AADSTS90117: The response_mode is not supported."
	}
	return "", ""
}

func (h *Handler) remember(g grant) string {
	code := "0.A" + rand.Text()
	h.mu.Lock()
	defer h.mu.Unlock()
	for old, g := range h.codes { // few live at a time; the used ones are kept to tell "already redeemed"
		if h.w.Now().After(g.expires.Add(codeLife)) {
			delete(h.codes, old)
		}
	}
	h.codes[code] = g
	return code
}

// goBack returns to the application, by redirect or by a posted form.
func (h *Handler) goBack(rw http.ResponseWriter, r *http.Request, target *url.URL, answer url.Values) {
	if state := r.URL.Query().Get("state"); state != "" {
		answer.Set("state", state)
	}
	if r.URL.Query().Get("response_mode") == "form_post" {
		h.render(rw, http.StatusOK, pageData{PostTo: target.String(), Answer: answer})
		return
	}
	q := target.Query()
	for k, v := range answer {
		q[k] = v
	}
	back := *target
	back.RawQuery = q.Encode()
	rw.Header().Set("Cache-Control", "no-store")
	http.Redirect(rw, r, back.String(), http.StatusFound)
}

// logout forgets nothing, since nothing is kept, and goes where it is told.
func (h *Handler) logout(rw http.ResponseWriter, r *http.Request, _ string) {
	target, err := url.Parse(r.URL.Query().Get("post_logout_redirect_uri"))
	if err != nil || target.Host == "" || target.Scheme != "http" && target.Scheme != "https" {
		h.render(rw, http.StatusOK, pageData{SignedOut: true})
		return
	}
	if state := r.URL.Query().Get("state"); state != "" {
		q := target.Query()
		q.Set("state", state)
		target.RawQuery = q.Encode()
	}
	http.Redirect(rw, r, target.String(), http.StatusFound)
}

type pageData struct {
	People         []account
	Hidden         url.Values // the request's parameters, carried through the form
	Hint, Problem  string
	PostTo         string
	Answer         url.Values
	SignedOut, Bad bool
}

type account struct{ Name, UPN, Role, Initials string }

func (h *Handler) showPage(rw http.ResponseWriter, q url.Values, locked bool) {
	data := pageData{Hidden: url.Values{}, Hint: q.Get("login_hint")}
	for k, v := range q {
		if k != "login_hint" && k != "prompt" && k != "cancel" {
			data.Hidden[k] = v
		}
	}
	switch {
	case locked:
		data.Problem = "This account is disabled. Pick another one."
	case data.Hint != "" && q.Get("prompt") == "":
		data.Problem = "There is no such account in Contoso. Check the name, or pick one from the list."
	}
	for n := range tenant.Standard() {
		if p, ok := h.w.Tenant.Person(n + 1); ok {
			role := strings.TrimPrefix(p.Roles[0], "Broadcast.")
			data.People = append(data.People, account{p.Name, p.UPN, role, p.GivenName[:1] + p.Surname[:1]})
		}
	}
	h.render(rw, http.StatusOK, data)
}

func (h *Handler) say(rw http.ResponseWriter, problem string) {
	h.render(rw, http.StatusBadRequest, pageData{Problem: problem, Bad: true})
}

func (h *Handler) render(rw http.ResponseWriter, status int, data pageData) {
	rw.Header().Set("Content-Type", "text/html; charset=utf-8")
	rw.Header().Set("Cache-Control", "no-store")
	rw.Header().Set("X-Frame-Options", "DENY")
	rw.WriteHeader(status)
	if err := page.Execute(rw, data); err != nil {
		h.w.Log.Warn("sign-in page could not be written", "error", err)
	}
}
