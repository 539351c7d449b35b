package web

import (
	"context"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/broadcast"
)

// correctBroadcast begins a correction of what people have, or leads back to the one
// that was begun already.
func (d *Door) correctBroadcast(c *gin.Context, a broadcast.Actor) error {
	edit, err := d.service.Correct(c.Request.Context(), a, broadcast.ID(c.Param("id")))
	if err != nil {
		return d.moveRefused(c, a, broadcast.EventCorrected, asked{}, err)
	}
	c.Redirect(http.StatusSeeOther, "/broadcasts/"+string(edit.ID)+"/edit?said=correct")
	return nil
}

// relate adds what belongs together: an announcement's corrections and recalls, or
// the announcement this one changes; and the first wave while everything waits for it.
func (d *Door) relate(ctx context.Context, a broadcast.Actor, p *showPage) (err error) {
	switch {
	case p.Changes():
		p.Target, err = d.service.Get(ctx, a, p.B.Target)
	case p.Begun():
		p.Passes, err = d.service.Passes(ctx, a, p.B.ID)
	}
	if err == nil && p.B.State == broadcast.Held {
		p.First, err = d.service.CanaryTally(ctx, a, p.B.ID)
	}
	return err
}
