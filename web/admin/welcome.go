package admin

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/web/frame"
	"github.com/fanfare/fanfare/welcome"
)

// WelcomePage is how the welcome message stands.
type WelcomePage struct {
	frame.Page
	welcome.Overview
	Look WelcomeLook // of what the first one would begin with
}

// WelcomeLook is the card, and what to read where no script draws it.
type WelcomeLook struct {
	Card    []byte
	Message broadcast.Message
}

// ShowWelcome shows what people are welcomed with, and what is in the making.
func (d *Door) ShowWelcome(c *gin.Context, a broadcast.Actor) error {
	o, err := d.welcome.Overview(c.Request.Context(), a)
	if err != nil {
		return err
	}
	p := WelcomePage{Page: d.Page(c, "Welcome message", "welcome"), Overview: o, Look: WelcomeLook{Message: o.Starter}}
	if o.None() {
		starter, err := d.service.Preview(a, broadcast.Broadcast{Kind: broadcast.KindWelcome, Message: o.Starter}, "")
		if err != nil {
			return err
		}
		p.Scripts, p.Card, p.Look.Card = []string{"welcome.js"}, true, starter.Card
	}
	d.Render(c, http.StatusOK, "welcome", p)
	return nil
}

// WriteWelcome goes on with what is in the making, or begins a new version.
func (d *Door) WriteWelcome(c *gin.Context, a broadcast.Actor) error {
	b, err := d.welcome.Write(c.Request.Context(), a)
	if err != nil {
		return err
	}
	to := "/broadcasts/" + string(b.ID)
	if b.Can(a, broadcast.EventEdit) {
		to += "/edit"
	}
	c.Redirect(http.StatusSeeOther, to)
	return nil
}
