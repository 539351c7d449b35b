package web

import (
	"net/http"
	"slices"

	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/broadcast"
)

// handler answers one route for somebody. An error it returns is told by fail.
type handler func(c *gin.Context, a broadcast.Actor) error

// who may use a route. The zero value lets nobody in.
type who struct {
	public bool
	file   bool // public, and not worth looking up a session for
	roles  []broadcast.Role
}

var (
	public   = who{public: true}
	file     = who{public: true, file: true}
	everyone = who{roles: broadcast.Roles()} // everybody who is signed in with a role
	writers  = mayEvent(broadcast.EventEdit)
	admins   = who{roles: []broadcast.Role{broadcast.RoleAdmin}}
)

// mayEvent is everybody who may cause an event in some state: the moves table
// has the say, so that no route forgets or invents a right.
func mayEvent(ev broadcast.Event) who {
	var w who
	for _, r := range broadcast.Moves() {
		for _, role := range r.Who {
			if r.Event == ev && role != broadcast.RoleEngine && !slices.Contains(w.roles, role) {
				w.roles = append(w.roles, role)
			}
		}
	}
	return w
}

type route struct {
	method, path string
	who          who
	do           handler
}

const (
	get  = http.MethodGet
	post = http.MethodPost
	put  = http.MethodPut
)

// table is every route of this door.
func (d *Door) table() []route {
	return append([]route{
		{get, "/sign-in", public, d.signIn},
		{get, "/auth/start", public, d.pass(d.o.Auth.Start)},
		{get, "/auth/callback", public, d.pass(d.o.Auth.Callback)},
		{post, "/sign-out", public, d.pass(d.o.Auth.SignOut)},
		{get, "/favicon.svg", file, d.favicon},
		{get, "/favicon.ico", file, d.favicon},
		{get, "/static/:version/*file", file, d.staticFile},

		{get, "/", everyone, d.listBroadcasts},
		{get, "/broadcasts/new", writers, d.newBroadcast},
		{post, "/broadcasts", writers, d.saveBroadcast},
		{get, "/broadcasts/:id", everyone, d.showBroadcast},
		{get, "/broadcasts/:id/edit", writers, d.editBroadcast},
		{post, "/broadcasts/:id/edit", writers, d.saveBroadcast},
		{put, "/broadcasts/:id", writers, d.saveBroadcast},
		{post, "/broadcasts/:id/duplicate", writers, d.duplicateBroadcast},
		{get, "/broadcasts/:id/events", everyone, d.followBroadcast},
		{get, "/broadcasts/:id/reach", everyone, d.reachOfBroadcast},
		{get, "/broadcasts/:id/recipients", everyone, d.listRecipients},
		{get, "/broadcasts/:id/recipients/:delivery", everyone, d.showAttempts},
		{post, "/broadcasts/:id/correct", writers, d.correctBroadcast},

		{post, "/preview", writers, d.preview},
		{post, "/audience", writers, d.reachOfForm},
		{get, "/groups", writers, d.findGroups},

		{get, "/rollout", everyone, d.showRollout},
		{get, "/rollout/events", everyone, d.followRollout},
		{post, "/rollout/start", admins, d.startRollout},
		{post, "/rollout/pause", admins, d.pauseRollout},

		{post, "/halt/lift", admins, d.liftHalt},

		{get, "/keys", everyone, d.listKeys},
		{post, "/keys", everyone, d.createKey},
		{post, "/keys/:id/revoke", everyone, d.revokeKey},
	}, d.moves()...)
}

// moves are the routes that move a broadcast, one for each event a person may cause.
func (d *Door) moves() []route {
	events := []broadcast.Event{
		broadcast.EventSubmit, broadcast.EventWithdraw, broadcast.EventApprove, broadcast.EventReject,
		broadcast.EventSchedule, broadcast.EventUnschedule, broadcast.EventSend,
		broadcast.EventPause, broadcast.EventResume, broadcast.EventGo, broadcast.EventCancel,
		broadcast.EventRetry, broadcast.EventRecall,
	}
	out := make([]route, len(events))
	for i, ev := range events {
		out[i] = route{post, "/broadcasts/:id/" + string(ev), mayEvent(ev), d.moveBroadcast(ev)}
	}
	return out
}

// Routes hangs every route of this door into r.
func (d *Door) Routes(r *gin.Engine) {
	session := d.o.Auth.Middleware()
	for _, t := range d.table() {
		if t.who.file {
			r.Handle(t.method, t.path, d.headers, d.guard(t.who, t.do))
			continue
		}
		r.Handle(t.method, t.path, d.headers, session, d.guard(t.who, t.do))
	}
}

// NotFound and NoMethod answer what no route matches; the server wires them to
// everything that is not the API's.
func (d *Door) NotFound(c *gin.Context) {
	d.headers(c)
	d.fail(c, broadcast.Errorf(broadcast.NotFound, "There is no page at this address. It may have been mistyped."))
}

// NoMethod answers a method that a page does not have.
func (d *Door) NoMethod(c *gin.Context) {
	d.headers(c)
	d.fail(c, errNoMethod)
}

// pass hands a request to the doorman, who answers it himself.
func (d *Door) pass(h gin.HandlerFunc) handler {
	return func(c *gin.Context, _ broadcast.Actor) error {
		h(c)
		return nil
	}
}
