package web

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/auth"
	"github.com/fanfare/fanfare/broadcast"
)

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
