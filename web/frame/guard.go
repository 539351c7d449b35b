package frame

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

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

// Headers sets what every answer of this door carries.
func (f *Frame) Headers(c *gin.Context) { f.headers(c, maxForm) }

// headers also bounds the body.
func (f *Frame) headers(c *gin.Context, most int64) {
	h := c.Writer.Header()
	h.Set("Content-Security-Policy", f.policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=()")
	h.Set("Cache-Control", "no-store") // pages are one person's; files set their own
	if strings.HasPrefix(f.o.PublicURL, "https://") {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
	c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, most)
}

// teamsHosts are where Teams and its kin run, in all clouds: the only ones that may
// show a page of ours inside one of theirs.
const teamsHosts = "https://teams.microsoft.com https://*.teams.microsoft.com https://*.cloud.microsoft https://*.office.com https://*.microsoft365.com https://*.teams.microsoft.us"

// LetTeamsShow lets Teams show this answer in a tab, and nobody else.
func (f *Frame) LetTeamsShow(c *gin.Context) {
	h := c.Writer.Header()
	h.Del("X-Frame-Options") // knows only all or nobody; the policy below has the say
	h.Set("Content-Security-Policy", strings.Replace(f.policy, "frame-ancestors 'none'", "frame-ancestors "+teamsHosts, 1))
}

// Guard lets only those in who may, and turns a handler's error into an answer.
func (f *Frame) Guard(w Who, do Handler) gin.HandlerFunc {
	return func(c *gin.Context) {
		defer f.recover(c)
		if w.Public {
			f.answer(c, broadcast.Actor{}, do)
			return
		}
		a, ok := f.o.Auth.Actor(c)
		if !ok {
			f.askWho(c)
			return
		}
		if !slices.ContainsFunc(w.Roles, func(r broadcast.Role) bool { return a.Has(r) }) {
			f.Fail(c, broadcast.Errorf(broadcast.Forbidden, "Your role does not allow that. Ask your IT admin if you need it for your work."))
			return
		}
		f.answer(c, a, do)
	}
}

func (f *Frame) answer(c *gin.Context, a broadcast.Actor, do Handler) {
	if err := do(c, a); err != nil {
		f.Fail(c, err)
	}
}

// recover turns a defect into the page for defects instead of a cut connection.
func (f *Frame) recover(c *gin.Context) {
	switch v := recover(); v {
	case nil:
	case http.ErrAbortHandler:
		c.Abort()
	default:
		f.Fail(c, fmt.Errorf("handler panicked: %v\n%s", v, debug.Stack()))
	}
}

// askWho answers a request without a session: a page leads to the sign-in and
// back, a fetch learns that it has to ask the person, and a posted form keeps
// their words until they are signed in again.
func (f *Frame) askWho(c *gin.Context) {
	switch {
	case WantsData(c):
		c.AbortWithStatusJSON(http.StatusUnauthorized, Failure{Error: signedOut})
	case c.Request.Method == http.MethodGet || c.Request.Method == http.MethodHead:
		to := "/sign-in"
		if at := c.Request.URL.RequestURI(); at != "/" {
			to += "?next=" + url.QueryEscape(at)
		}
		c.Redirect(http.StatusSeeOther, to)
	default:
		f.keepWords(c)
	}
	c.Abort()
}

const signedOut = "Your session has ended. Sign in again in another tab; what you wrote here is kept."

// Field is one field of a form that is kept.
type Field struct{ Name, Value string }

// SignedOutPage keeps what was posted without a session.
type SignedOutPage struct {
	Page
	Action string
	Fields []Field
}

// keepWords shows a page that holds what was posted, to be sent once more after
// signing in. The form came from our own page: cross-origin posts end before this.
func (f *Frame) keepWords(c *gin.Context) {
	if err := ParseForm(c); err != nil {
		f.Fail(c, err)
		return
	}
	p := SignedOutPage{Page: f.Page(c, "Sign in again", ""), Action: c.Request.URL.RequestURI()}
	for name, values := range c.Request.PostForm {
		for _, v := range values {
			p.Fields = append(p.Fields, Field{name, v})
		}
	}
	slices.SortStableFunc(p.Fields, func(a, b Field) int { return strings.Compare(a.Name, b.Name) })
	f.Render(c, http.StatusUnauthorized, "signed_out", p)
}

// LocalPath is raw if it is a path of ours, else the list: a link must not lead
// people who just signed in to somebody else's site.
func LocalPath(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(raw, "/") || strings.HasPrefix(raw, "//") || strings.ContainsAny(raw, "\\\r\n\t") {
		return "/"
	}
	return raw
}

// WantsData tells a fetch of our modules (or an event stream) from a page.
func WantsData(c *gin.Context) bool {
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
