package frame

import (
	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/broadcast"
)

// Handler answers one route for somebody. An error it returns is told by Fail.
type Handler func(c *gin.Context, a broadcast.Actor) error

// Who may use a route. The zero value lets nobody in.
type Who struct {
	Public bool
	File   bool // public, and not worth looking up a session for
	Roles  []broadcast.Role
}

// Route is one way in, and who may use it.
type Route struct {
	Method, Path string
	Who          Who
	Do           Handler
	Most         int64 // bytes a body may have; 0 for what is usual
}

// Hang hangs routes into r.
func (f *Frame) Hang(r *gin.Engine, routes []Route) {
	session := f.o.Auth.Middleware()
	for _, t := range routes {
		headers := f.Headers
		if t.Most > 0 {
			headers = func(c *gin.Context) { f.headers(c, t.Most) }
		}
		if t.Who.File {
			r.Handle(t.Method, t.Path, headers, f.Guard(t.Who, t.Do))
			continue
		}
		r.Handle(t.Method, t.Path, headers, session, f.Guard(t.Who, t.Do))
	}
}
