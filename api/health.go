package api

import (
	"context"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/broadcast"
)

// health is GET /healthz: the process is up. It asks nobody else, so that a
// database in trouble does not make an orchestrator restart healthy processes.
func (d *Door) health(c *gin.Context, _ broadcast.Actor) error {
	c.JSON(http.StatusOK, gin.H{"status": "ok", "version": d.o.Version})
	return nil
}

// readyLimit bounds the check below the usual patience of load balancers.
const readyLimit = 3 * time.Second

// ready is GET /readyz: requests may be sent here.
func (d *Door) ready(c *gin.Context, _ broadcast.Actor) error {
	ctx, cancel := context.WithTimeout(c.Request.Context(), readyLimit)
	defer cancel()
	err := d.o.Ready(ctx)
	if err == nil {
		c.JSON(http.StatusOK, gin.H{"status": "ready"})
		return nil
	}
	d.log.WarnContext(ctx, "not ready", "error", err)
	sentence := "Fanfare cannot reach its database. The log has the cause."
	if e := broadcast.AsError(err); e != nil {
		sentence = e.Message
	}
	return &refusal{http.StatusServiceUnavailable, "not_ready", sentence}
}
