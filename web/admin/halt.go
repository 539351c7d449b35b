package admin

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/web/frame"
)

// LiftHalt lets everything go on after a stop of the whole service: the button of
// the banner that stands on every page meanwhile.
func (d *Door) LiftHalt(c *gin.Context, a broadcast.Actor) error {
	if err := frame.ParseForm(c); err != nil {
		return err
	}
	back := frame.LocalPath(c.Request.PostForm.Get("back"))
	if err := d.service.LiftHalt(c.Request.Context(), a); err != nil {
		return err
	}
	c.Redirect(http.StatusSeeOther, frame.Link(back, "said", "lift"))
	return nil
}
