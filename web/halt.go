package web

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/broadcast"
)

// liftHalt lets everything go on after a stop of the whole service: the button of
// the banner that stands on every page meanwhile.
func (d *Door) liftHalt(c *gin.Context, a broadcast.Actor) error {
	if err := parseForm(c); err != nil {
		return err
	}
	back := localPath(c.Request.PostForm.Get("back"))
	if err := d.service.LiftHalt(c.Request.Context(), a); err != nil {
		return err
	}
	c.Redirect(http.StatusSeeOther, link(back, "said", "lift"))
	return nil
}
