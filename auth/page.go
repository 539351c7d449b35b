package auth

import (
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/gin-gonic/gin"
	"golang.org/x/oauth2"
)

// Page is something auth has to tell a person: a sentence and a way on.
type Page struct {
	Status   int
	Title    string
	Text     string
	Next     string // where to go on; "" for nowhere
	NextText string
	GoOn     bool // go there by itself (a refresh; no script)
}

// show ends the request with a page.
func (w *Web) show(c *gin.Context, p Page) {
	c.Abort()
	w.say(c, p)
}

const startAgain = "/auth/start"

// entraWords says what Entra's error codes mean for the person (protocol H.1).
var entraWords = map[string]Page{
	"access_denied":           {Status: http.StatusForbidden, Title: "You are not signed in", Text: "The sign-in was cancelled, or your account may not use Fanfare. Try again, or ask your IT admin to assign you to Fanfare in Entra ID."},
	"login_required":          {Status: http.StatusUnauthorized, Title: "Please sign in", Text: "Microsoft wants to see you sign in again."},
	"interaction_required":    {Status: http.StatusUnauthorized, Title: "Please sign in", Text: "Microsoft wants to see you sign in again."},
	"consent_required":        {Status: http.StatusForbidden, Title: "Fanfare waits for consent", Text: "Ask your IT admin to grant consent to Fanfare's sign-in app in Entra ID, then try again."},
	"temporarily_unavailable": {Status: http.StatusServiceUnavailable, Title: "Microsoft's sign-in has trouble", Text: "Microsoft's sign-in is not available right now. Try again in a minute."},
	"server_error":            {Status: http.StatusBadGateway, Title: "Microsoft's sign-in has trouble", Text: "Microsoft's sign-in failed on its side. Try again in a minute."},
	"invalid_grant":           {Status: http.StatusBadRequest, Title: "That took too long", Text: "This sign-in was used already, or took longer than ten minutes. Sign in again."},
	"invalid_client":          {Status: http.StatusBadGateway, Title: "Fanfare cannot sign anybody in", Text: "Microsoft refused Fanfare's sign-in secret. Tell your IT admin: it has probably expired and must be renewed in Fanfare's configuration."},
	"unauthorized_client":     {Status: http.StatusBadGateway, Title: "Fanfare cannot sign anybody in", Text: "Microsoft does not accept Fanfare's sign-in app. Tell your IT admin to check the app registration."},
}

// pageFor is the one table of why a sign-in did not work.
func pageFor(err error) Page {
	var entraSays *oauth2.RetrieveError
	var expired *oidc.TokenExpiredError
	page := Page{Status: http.StatusBadGateway, Title: "The sign-in did not work", Text: "Something went wrong between Fanfare and Microsoft's sign-in. Try again; if it keeps happening, tell your IT admin the time it happened."}
	switch {
	case errors.Is(err, errStrayAnswer):
		page = Page{Status: http.StatusBadRequest, Title: "That took too long", Text: "This sign-in was started too long ago, or in another browser. Sign in again."}
	case errors.Is(err, errEntraDown):
		page = Page{Status: http.StatusServiceUnavailable, Title: "Microsoft's sign-in cannot be reached", Text: "Fanfare cannot reach Microsoft's sign-in right now. Try again in a minute."}
	case errors.Is(err, errForeignTenant):
		page = Page{Status: http.StatusForbidden, Title: "That is another organisation's account", Text: "Fanfare is open to people of its own organisation only. Sign in with your account here.", Next: startAgain + "?prompt=select_account"}
	case errors.As(err, &expired):
		page = Page{Status: http.StatusBadRequest, Title: "That took too long", Text: "Microsoft's answer had expired before it arrived. Sign in again; if it keeps happening, the clock of Fanfare's server is wrong."}
	case errors.As(err, &entraSays):
		if known, ok := entraWords[entraSays.ErrorCode]; ok {
			page = known
		}
	}
	if page.Next == "" {
		page.Next = startAgain
	}
	page.NextText = "Sign in again"
	return page
}

func noRolePage(c claims) Page {
	name := c.Name
	if c.UPN != "" {
		name = strings.TrimSpace(fmt.Sprintf("%s (%s)", c.Name, c.UPN))
	}
	return Page{
		Status: http.StatusForbidden, Title: "You have no role in Fanfare yet",
		Text: fmt.Sprintf("You are signed in as %s, but have no role in Fanfare. Ask your IT admin for one of the app roles %s. If you have another account, sign in with that one.",
			name, strings.Join(AppRoles(), ", ")),
		Next: startAgain + "?prompt=select_account", NextText: "Sign in with another account",
	}
}

var plainTemplate = template.Must(template.New("page").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{.Title}} · Fanfare</title>{{if .GoOn}}<meta http-equiv="refresh" content="0;url={{.Next}}">{{end}}</head>
<body><main><h1>{{.Title}}</h1><p>{{.Text}}</p>{{if .Next}}<p><a href="{{.Next}}">{{.NextText}}</a></p>{{end}}</main></body></html>
`))

// plainPage is how auth speaks when no room with a layout does it.
func plainPage(c *gin.Context, p Page) {
	var b strings.Builder
	if err := plainTemplate.Execute(&b, p); err != nil {
		c.String(p.Status, "%s", p.Text)
		return
	}
	c.Data(p.Status, "text/html; charset=utf-8", []byte(b.String()))
}
