package api

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"runtime/debug"

	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/broadcast"
)

// headers sets what every answer of this door carries. Answers are data: nothing
// in them may run or be framed, should a browser ever show one.
func (d *Door) headers(c *gin.Context) {
	h := c.Writer.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	requestID(c)
}

// guard lets only those in who may, and turns a handler's error into an answer.
func (d *Door) guard(w who, do handler) gin.HandlerFunc {
	return func(c *gin.Context) {
		defer d.recover(c)
		a, err := d.admit(c, w)
		if err == nil {
			err = do(c, a)
		}
		if err != nil {
			d.fail(c, err)
		}
	}
}

func (d *Door) admit(c *gin.Context, w who) (broadcast.Actor, error) {
	switch w {
	case public, teamsJS:
		return broadcast.Actor{}, nil
	case keyed:
		return d.o.Keys.Actor(c.Request.Context(), c.GetHeader("Authorization"))
	}
	return broadcast.Actor{}, broadcast.Errorf(broadcast.Forbidden, "Nobody may use this address.")
}

// recover turns a defect into an answer instead of a cut connection.
func (d *Door) recover(c *gin.Context) {
	switch v := recover(); v {
	case nil:
	case http.ErrAbortHandler:
		c.Abort()
	default:
		d.fail(c, fmt.Errorf("handler panicked: %v\n%s", v, debug.Stack()))
	}
}

// requestID names this request in the log and in problems; a name the server
// gave it already stays.
func requestID(c *gin.Context) string {
	const header = "X-Request-Id"
	if id := c.Writer.Header().Get(header); id != "" {
		return id
	}
	id := rand.Text()[:12]
	c.Header(header, id)
	return id
}
