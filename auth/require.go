package auth

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/gin-gonic/gin"
)

// Require lets only signed-in people pass. A page request is led to /sign-in and
// back; a fetch or an event stream gets 401 with a sentence, because following a
// redirect to a page would only confuse it.
func (w *Web) Require() gin.HandlerFunc {
	return func(c *gin.Context) {
		if _, ok := w.Actor(c); ok {
			c.Next()
			return
		}
		w.Refuse(c)
	}
}

// Refuse ends a request of somebody who is not signed in, or no longer.
func (w *Web) Refuse(c *gin.Context) {
	c.Abort()
	c.Header("Cache-Control", "no-store")
	if !wantsPage(c.Request) {
		c.Header("Content-Type", "application/problem+json")
		c.JSON(http.StatusUnauthorized, gin.H{
			"type": "about:blank", "title": http.StatusText(http.StatusUnauthorized), "status": http.StatusUnauthorized,
			"code": "signed_out", "detail": "You are signed out. Sign in again; nothing you wrote is lost.",
		})
		return
	}
	c.Redirect(http.StatusSeeOther, "/sign-in?next="+url.QueryEscape(nextOf(c.Request)))
}

// wantsPage tells a browser going to a page from a script asking for data.
func wantsPage(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Dest") {
	case "document":
		return true
	case "empty", "image", "script", "style", "font":
		return false
	}
	return strings.Contains(r.Header.Get("Accept"), "text/html")
}

// nextOf is where to come back to: the page itself, or for a form the page it
// stood on, because a POST cannot be repeated after signing in.
func nextOf(r *http.Request) string {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return localPath(r.URL.RequestURI())
	}
	from, err := url.Parse(r.Referer())
	if err != nil || !strings.EqualFold(from.Host, r.Host) {
		return "/"
	}
	return localPath(from.RequestURI())
}
