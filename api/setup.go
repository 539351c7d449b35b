package api

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/broadcast"
)

// checkSetup is GET /setup: what `fanfare doctor` finds, from inside the server.
func (d *Door) checkSetup(c *gin.Context, a broadcast.Actor) error {
	if err := d.o.Setup.May(a); err != nil {
		return err
	}
	c.JSON(http.StatusOK, d.o.Setup.Run(c.Request.Context()).JSON())
	return nil
}
