package web

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/auth"
	"github.com/fanfare/fanfare/broadcast"
)

// maxForm is how large a posted form may be: many times the longest message.
const maxForm = 1 << 20

// policy is the Content-Security-Policy. Nothing inline and nothing foreign runs
// or styles; images may come from any https address because messages name them.
func policy(links broadcast.Links) string {
	img := []string{"'self'", "https:", "data:"}
	for _, host := range links.PlainHTTP {
		img = append(img, "http://"+host)
	}
	return strings.Join([]string{
		"default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src " + strings.Join(img, " "),
		"connect-src 'self'", "font-src 'self'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'",
	}, "; ")
}

// headers sets what every answer of this door carries.
func (d *Door) headers(c *gin.Context) {
	h := c.Writer.Header()
	h.Set("Content-Security-Policy", d.policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=()")
	h.Set("Cache-Control", "no-store") // pages are one person's; files set their own
	if strings.HasPrefix(d.o.PublicURL, "https://") {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
	c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, maxForm)
}

// guard lets only those in who may, and turns a handler's error into an answer.
func (d *Door) guard(w who, do handler) gin.HandlerFunc {
	return func(c *gin.Context) {
		defer d.recover(c)
		if w.public {
			d.answer(c, broadcast.Actor{}, do)
			return
		}
		a, ok := d.o.Auth.Actor(c)
		if !ok {
			d.askWho(c)
			return
		}
		if !slices.ContainsFunc(w.roles, func(r broadcast.Role) bool { return a.Has(r) }) {
			d.fail(c, broadcast.Errorf(broadcast.Forbidden, "Your role does not allow that. Ask your IT admin if you need it for your work."))
			return
		}
		d.answer(c, a, do)
	}
}

func (d *Door) answer(c *gin.Context, a broadcast.Actor, do handler) {
	if err := do(c, a); err != nil {
		d.fail(c, err)
	}
}

// recover turns a defect into the page for defects instead of a cut connection.
func (d *Door) recover(c *gin.Context) {
	switch v := recover(); v {
	case nil:
	case http.ErrAbortHandler:
		c.Abort()
	default:
		d.fail(c, fmt.Errorf("handler panicked: %v\n%s", v, debug.Stack()))
	}
}

// askWho answers a request without a session: a page leads to the sign-in and
// back, a fetch learns that it has to ask the person, and a posted form keeps
// their words until they are signed in again.
func (d *Door) askWho(c *gin.Context) {
	switch {
	case wantsData(c):
		c.AbortWithStatusJSON(http.StatusUnauthorized, failure{Error: signedOut})
	case c.Request.Method == http.MethodGet || c.Request.Method == http.MethodHead:
		to := "/sign-in"
		if at := c.Request.URL.RequestURI(); at != "/" {
			to += "?next=" + url.QueryEscape(at)
		}
		c.Redirect(http.StatusSeeOther, to)
	default:
		d.keepWords(c)
	}
	c.Abort()
}

const signedOut = "Your session has ended. Sign in again in another tab; what you wrote here is kept."

type field struct{ Name, Value string }

type signedOutPage struct {
	frame
	Action string
	Fields []field
}

// keepWords shows a page that holds what was posted, to be sent once more after
// signing in. The form came from our own page: cross-origin posts end before this.
func (d *Door) keepWords(c *gin.Context) {
	if err := parseForm(c); err != nil {
		d.fail(c, err)
		return
	}
	p := signedOutPage{frame: d.frame(c, "Sign in again", ""), Action: c.Request.URL.RequestURI()}
	for name, values := range c.Request.PostForm {
		for _, v := range values {
			p.Fields = append(p.Fields, field{name, v})
		}
	}
	slices.SortStableFunc(p.Fields, func(a, b field) int { return strings.Compare(a.Name, b.Name) })
	d.render(c, http.StatusUnauthorized, "signed_out", p)
}

type signInPage struct {
	frame
	Start string // where the button leads
	Asked bool   // they were on their way to some page
}

// signIn is the one page for people who are nobody yet.
func (d *Door) signIn(c *gin.Context, _ broadcast.Actor) error {
	next := localPath(c.Query("next"))
	if _, ok := d.o.Auth.Actor(c); ok {
		c.Redirect(http.StatusSeeOther, next)
		return nil
	}
	d.render(c, http.StatusOK, "sign_in", signInPage{
		frame: d.frame(c, "Sign in", ""),
		Start: "/auth/start?next=" + url.QueryEscape(next), Asked: next != "/",
	})
	return nil
}

// localPath is raw if it is a path of ours, else the list: a link must not lead
// people who just signed in to somebody else's site.
func localPath(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(raw, "/") || strings.HasPrefix(raw, "//") || strings.ContainsAny(raw, "\\\r\n\t") {
		return "/"
	}
	return raw
}

type sayPage struct {
	frame
	Page auth.Page
}

// say shows the doorman's few pages in the house's own layout.
func (d *Door) say(c *gin.Context, p auth.Page) {
	d.headers(c)
	f := d.frame(c, p.Title, "")
	if p.GoOn {
		f.GoTo = p.Next
	}
	f.Me = broadcast.Actor{} // whoever the doorman talks to is not in, or on their way out
	d.render(c, p.Status, "say", sayPage{f, p})
}

func (d *Door) staticFile(c *gin.Context, _ broadcast.Actor) error {
	return d.sendFile(c, c.Param("version"), strings.TrimPrefix(c.Param("file"), "/"))
}

func (d *Door) favicon(c *gin.Context, _ broadcast.Actor) error {
	return d.sendFile(c, "", "favicon.svg")
}

func (d *Door) sendFile(c *gin.Context, version, name string) error {
	if !d.static.Serve(c.Writer, c.Request, version, name) {
		return broadcast.Errorf(broadcast.NotFound, "There is no file at this address.")
	}
	return nil
}

// wantsData tells a fetch of our modules (or an event stream) from a page.
func wantsData(c *gin.Context) bool {
	accept := c.GetHeader("Accept")
	return strings.Contains(accept, "application/json") || strings.Contains(accept, "text/event-stream")
}

// requestID names this request in the log and on the page for defects.
func requestID(c *gin.Context) string {
	const header = "X-Request-Id"
	if id := c.Writer.Header().Get(header); id != "" {
		return id
	}
	id := rand.Text()[:12]
	c.Header(header, id)
	return id
}
