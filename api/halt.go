package api

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/broadcast"
)

type haltJSON struct {
	Reason broadcast.Reason `json:"reason"`
	Text   string           `json:"reason_text"`
	Remedy string           `json:"remedy"`
	Code   string           `json:"code"`   // Microsoft's
	Detail string           `json:"detail"` // Microsoft's words
	At     *time.Time       `json:"at"`
}

type brakeJSON struct {
	PausedUntil *time.Time `json:"paused_until"` // nothing is sent before; null for no pause
	Outage      bool       `json:"outage"`       // the pause is because Teams does not answer as it should
	Slowed      float64    `json:"slowed"`       // share of the allowance that is held back, 0 to 1
}

// showHalt is GET /halt: whether everything is stopped, and how far Teams slows us down.
func (d *Door) showHalt(c *gin.Context, a broadcast.Actor) error {
	ctx := c.Request.Context()
	h, err := d.service.Halt(ctx, a)
	if err != nil {
		return err
	}
	brake, err := d.service.Brake(ctx, a)
	if err != nil {
		return err
	}
	out := brakeJSON{Slowed: brake.Slowed}
	if brake.PausedUntil.After(d.o.Now()) {
		out.PausedUntil, out.Outage = moment(brake.PausedUntil), brake.Outage
	}
	c.JSON(http.StatusOK, gin.H{"halt": haltOf(h), "brake": out})
	return nil
}

func haltOf(h *broadcast.Halt) *haltJSON {
	if h == nil {
		return nil
	}
	return &haltJSON{h.Reason, h.Reason.Words(), h.Reason.Remedy(), h.Code, h.Detail, moment(h.At)}
}

// liftHalt is POST /halt/lift: an admin says that the cause is mended.
func (d *Door) liftHalt(c *gin.Context, a broadcast.Actor) error {
	var in struct{}
	if err := readOptionalJSON(c, &in); err != nil {
		return err
	}
	if err := d.service.LiftHalt(c.Request.Context(), a); err != nil {
		return err
	}
	return d.showHalt(c, a)
}
