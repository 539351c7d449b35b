package web

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/auth"
	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/web/frame"
)

type signInPage struct {
	frame.Page
	Start string // where the button leads
	Asked bool   // they were on their way to some page
}

// signIn is the one page for people who are nobody yet.
func (d *Door) signIn(c *gin.Context, _ broadcast.Actor) error {
	next := frame.LocalPath(c.Query("next"))
	if _, ok := d.o.Auth.Actor(c); ok {
		c.Redirect(http.StatusSeeOther, next)
		return nil
	}
	d.Render(c, http.StatusOK, "sign_in", signInPage{
		Page:  d.Page(c, "Sign in", ""),
		Start: "/auth/start?next=" + url.QueryEscape(next), Asked: next != "/",
	})
	return nil
}

type sayPage struct {
	frame.Page
	Says auth.Page
}

// say shows the doorman's few pages in the house's own layout.
func (d *Door) say(c *gin.Context, p auth.Page) {
	d.Headers(c)
	f := d.Page(c, p.Title, "")
	if p.GoOn {
		f.GoTo = p.Next
	}
	f.Me = broadcast.Actor{} // whoever the doorman talks to is not in, or on their way out
	d.Render(c, p.Status, "say", sayPage{f, p})
}

type tabPage struct {
	frame.Page
	Open string
}

// showTab is the app's own tab inside Teams: it says where announcements are, and
// leads to the browser. It shows nothing of anybody's, so anybody may see it.
func (d *Door) showTab(c *gin.Context, _ broadcast.Actor) error {
	d.LetTeamsShow(c)
	p := tabPage{Page: d.Page(c, "Announcements", ""), Open: d.o.PublicURL}
	p.Me, p.Halt, p.Framed = broadcast.Actor{}, nil, true
	d.Render(c, http.StatusOK, "tab", p)
	return nil
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
