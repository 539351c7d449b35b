package auth

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/gin-gonic/gin"
	"golang.org/x/oauth2"
)

// Start is GET /auth/start?next=&login_hint=&prompt=: off to Entra. next is a
// local path; prompt may be select_account, for people who came in as somebody else.
func (w *Web) Start(c *gin.Context) {
	if w.elsewhere(c) {
		return
	}
	d, err := w.entra.discover(c.Request.Context())
	if err != nil {
		w.fail(c, err)
		return
	}
	a := w.newAttempt(c.Query("next"))
	if err := w.keepAttempt(c, a); err != nil {
		w.fail(c, err)
		return
	}
	options := []oauth2.AuthCodeOption{
		oauth2.S256ChallengeOption(a.Verifier), oidc.Nonce(a.Nonce),
		oauth2.SetAuthURLParam("response_mode", "query"),
	}
	if hint := c.Query("login_hint"); hint != "" && len(hint) <= 200 {
		options = append(options, oauth2.SetAuthURLParam("login_hint", hint))
	}
	if c.Query("prompt") == "select_account" {
		options = append(options, oauth2.SetAuthURLParam("prompt", "select_account"))
	}
	noStore(c)
	c.Redirect(http.StatusFound, d.oauth2.AuthCodeURL(a.State, options...))
}

// elsewhere sends a browser that came by another name (localhost for 127.0.0.1)
// to the public one first: Entra answers there, and cookies do not follow. Once
// only, because a proxy may rewrite the Host header.
func (w *Web) elsewhere(c *gin.Context) bool {
	q := c.Request.URL.Query()
	if strings.EqualFold(c.Request.Host, w.public.Host) || q.Has("here") {
		return false
	}
	q.Set("here", "1")
	c.Redirect(http.StatusFound, w.o.PublicURL+"/auth/start?"+q.Encode())
	return true
}

// Callback is GET /auth/callback: Entra's answer.
func (w *Web) Callback(c *gin.Context) {
	noStore(c)
	q := c.Request.URL.Query()
	a, known := w.takeAttempt(c, q.Get("state"))
	if !known {
		w.fail(c, errStrayAnswer)
		return
	}
	if code := q.Get("error"); code != "" {
		w.fail(c, &oauth2.RetrieveError{ErrorCode: code, ErrorDescription: q.Get("error_description")})
		return
	}
	ctx, cancel := detached(c.Request.Context())
	defer cancel()
	who, err := w.entra.redeem(ctx, q.Get("code"), a)
	if err != nil {
		w.fail(c, err)
		return
	}
	actor := who.actor()
	if len(actor.Roles) == 0 {
		w.o.Log.InfoContext(ctx, "sign-in without a role", "person", actor.ID)
		w.show(c, noRolePage(who))
		return
	}
	if err := w.begin(c, actor, who.UPN); err != nil {
		w.fail(c, err)
		return
	}
	w.o.Log.InfoContext(ctx, "signed in", "person", actor.ID, "roles", actor.Roles)
	c.Redirect(http.StatusSeeOther, a.Next)
}

// SignOut is POST /sign-out: forgets the session, then goes on to Entra's own
// sign-out. The way on is a page, not a redirect: a redirect after a form would
// need Entra's address in the form-action of every page's content policy.
func (w *Web) SignOut(c *gin.Context) {
	noStore(c)
	if a, ok := w.Actor(c); ok {
		w.o.Log.InfoContext(c.Request.Context(), "signed out", "person", a.ID)
	}
	if err := w.end(c); err != nil {
		w.fail(c, err)
		return
	}
	page := Page{
		Status: http.StatusOK, Title: "You are signed out",
		Text: "You are signed out of Fanfare.", Next: "/sign-in", NextText: "Sign in again",
	}
	if d, err := w.entra.discover(c.Request.Context()); err == nil && d.endSession != "" {
		page.Next = d.endSession + "?" + url.Values{"post_logout_redirect_uri": {w.o.PublicURL + "/sign-in"}}.Encode()
		page.NextText, page.GoOn = "Sign out of Microsoft too", true
	}
	w.show(c, page)
}

var errStrayAnswer = errors.New("sign-in answer without an attempt")

// fail tells a person why they are not in, and the operator the cause.
func (w *Web) fail(c *gin.Context, err error) {
	page := pageFor(err)
	cause := err.Error()
	var entraSays *oauth2.RetrieveError
	if errors.As(err, &entraSays) { // its Error() holds the raw answer, which may hold anything
		cause = entraSays.ErrorCode + ": " + shorten(entraSays.ErrorDescription)
		if entraSays.Response != nil {
			cause = entraSays.Response.Status + " " + cause
		}
	}
	w.o.Log.WarnContext(c.Request.Context(), "sign-in failed", "cause", cause, "status", page.Status)
	w.show(c, page)
}

func shorten(s string) string {
	const most = 300
	if len(s) <= most {
		return s
	}
	cut := most
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}

func noStore(c *gin.Context) {
	c.Header("Cache-Control", "no-store")
	c.Header("Referrer-Policy", "no-referrer") // the address holds a code
}
