package api

import (
	"context"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/broadcast"
)

// The codes of what can ail a process. Ready names a full disk by returning a
// *broadcast.Error with the code DiskFull.
const (
	DiskFull        broadcast.Code = "disk_full"
	databaseUnknown broadcast.Code = "database_unreachable"
	notReady        broadcast.Code = "not_ready"
	halted          broadcast.Code = "halted"
)

// ailment is what is wrong, for programs and for people.
type ailment struct {
	Code broadcast.Code `json:"code"`
	Text string         `json:"text"`
}

// How long the database may take to answer: within the patience of those who ask
// whether the process lives (often a second), and whether it is ready.
const (
	liveLimit  = 300 * time.Millisecond
	readyLimit = 3 * time.Second
)

// health is GET /healthz: the process is up, and says what ails it. It is healthy
// whatever that is: a database in trouble must not make an orchestrator restart
// processes that wait for it.
func (d *Door) health(c *gin.Context, _ broadcast.Actor) error {
	out := gin.H{"status": "ok", "version": d.o.Version}
	sick, stopped := d.look(c, liveLimit)
	if problems := join(sick, stopped); len(problems) > 0 {
		out["status"], out["problems"] = "degraded", problems
	}
	c.JSON(http.StatusOK, out)
	return nil
}

// ready is GET /readyz: requests may be sent here. While everything is halted they
// still may: that is where people read why, and let it go on.
func (d *Door) ready(c *gin.Context, _ broadcast.Actor) error {
	sick, stopped := d.look(c, readyLimit)
	switch {
	case sick != nil:
		return &refusal{http.StatusServiceUnavailable, string(sick.Code), sick.Text}
	case stopped != nil:
		c.JSON(http.StatusOK, gin.H{"status": "degraded", "problems": join(stopped)})
	default:
		c.JSON(http.StatusOK, gin.H{"status": "ready"})
	}
	return nil
}

func join(all ...*ailment) []ailment {
	var out []ailment
	for _, a := range all {
		if a != nil {
			out = append(out, *a)
		}
	}
	return out
}

// watcher is who asks on behalf of load balancers: somebody who may read.
var watcher = broadcast.Actor{ActorRef: broadcast.ActorRef{ID: "health", Name: "Health check"}, Roles: []broadcast.Role{broadcast.RoleAuditor}}

// look finds out whether this process can work, and whether everything is stopped.
func (d *Door) look(c *gin.Context, limit time.Duration) (sick, stopped *ailment) {
	ctx, cancel := context.WithTimeout(c.Request.Context(), limit)
	defer cancel()
	err := d.o.Ready(ctx)
	var h *broadcast.Halt
	if err == nil {
		h, err = d.service.Halt(ctx, watcher)
	}
	if err != nil {
		d.log.WarnContext(ctx, "not ready", "error", err)
		return ailmentOf(err), nil
	}
	if h != nil {
		return nil, &ailment{halted, "Everything is stopped: " + h.Reason.Words() + ". " + h.Reason.Remedy() + " Nothing is sent until an admin lets it go on."}
	}
	return nil, nil
}

// ailmentOf is an error as strangers may read it; its own words stay in the log.
func ailmentOf(err error) *ailment {
	e := broadcast.AsError(err)
	switch {
	case e == nil:
		return &ailment{databaseUnknown, "Fanfare cannot reach its database. It goes on by itself when the database is back; the log has the cause."}
	case e.Code == DiskFull:
		return &ailment{e.Code, e.Message}
	}
	return &ailment{notReady, e.Message}
}

// checkSetup is GET /setup: what `fanfare doctor` finds, from inside the server.
func (d *Door) checkSetup(c *gin.Context, a broadcast.Actor) error {
	if err := d.o.Setup.May(a); err != nil {
		return err
	}
	c.JSON(http.StatusOK, d.o.Setup.Run(c.Request.Context()).JSON())
	return nil
}
