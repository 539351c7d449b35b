package api

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/broadcast"
)

// handler answers one route for somebody. An error it returns is told by fail.
type handler func(c *gin.Context, a broadcast.Actor) error

// who may use a route. The zero value lets nobody in.
type who int

const (
	nobody  who = iota
	public      // everybody, without saying who they are
	teamsJS     // Teams itself: the handler checks its token before anything else
	keyed       // the holder of an API key; the use-case looks at the roles
)

type route struct {
	method, path string
	who          who
	do           handler
}

const (
	get  = http.MethodGet
	head = http.MethodHead
	post = http.MethodPost
	put  = http.MethodPut
	del  = http.MethodDelete
	v1   = "/api/v1"
)

// table is every route of this door.
func (d *Door) table() []route {
	return append([]route{
		{get, "/healthz", public, d.health},
		{head, "/healthz", public, d.health},
		{get, "/readyz", public, d.ready},
		{head, "/readyz", public, d.ready},

		{post, "/api/messages", teamsJS, d.receive},
		{get, "/api/messages", public, d.describeBot},
		{head, "/api/messages", public, d.describeBot},

		{get, v1 + "/me", keyed, d.me},

		{post, v1 + "/broadcasts", keyed, d.createBroadcast},
		{get, v1 + "/broadcasts", keyed, d.listBroadcasts},
		{get, v1 + "/broadcasts/:id", keyed, d.getBroadcast},
		{put, v1 + "/broadcasts/:id", keyed, d.editBroadcast},
		{get, v1 + "/broadcasts/:id/recipients", keyed, d.listRecipients},
		{get, v1 + "/broadcasts/:id/recipients/:delivery/attempts", keyed, d.listAttempts},
		{get, v1 + "/broadcasts/:id/passes", keyed, d.listPasses},
		{get, v1 + "/broadcasts/:id/reasons", keyed, d.listReasons},
		{get, v1 + "/broadcasts/:id/history", keyed, d.listHistory},
		{get, v1 + "/broadcasts/:id/card", keyed, d.showCard},

		{post, v1 + "/broadcasts/:id/correct", keyed, d.correct},

		{get, v1 + "/halt", keyed, d.showHalt},
		{post, v1 + "/halt/lift", keyed, d.liftHalt},

		{post, v1 + "/audience/reach", keyed, d.reach},
		{get, v1 + "/audience/parts", keyed, d.findParts},
		{get, v1 + "/groups", keyed, d.findGroups},
		{get, v1 + "/teams", keyed, d.findTeams},
		{post, v1 + "/teams/:id/read", keyed, d.readRoster},
		{get, v1 + "/channels", keyed, d.findChannels},

		{get, v1 + "/welcome", keyed, d.welcome.Get},
		{put, v1 + "/welcome", keyed, d.welcome.Put},
		{post, v1 + "/welcome/use", keyed, d.welcome.Use},
		{post, v1 + "/welcome/stop", keyed, d.welcome.Stop},

		{get, v1 + "/setup", keyed, d.checkSetup},
		{get, v1 + "/people", keyed, d.listPeople},
		{get, v1 + "/people/:id", keyed, d.showPerson},

		{post, v1 + "/audience/lists", keyed, d.makeList},
		{get, v1 + "/audience/lists", keyed, d.listLists},
		{get, v1 + "/audience/lists/:id", keyed, d.reportList},
		{del, v1 + "/audience/lists/:id", keyed, d.deleteList},
		{post, v1 + "/audiences", keyed, d.saveAudience},
		{get, v1 + "/audiences", keyed, d.listAudiences},
		{del, v1 + "/audiences/:id", keyed, d.deleteAudience},

		{get, v1 + "/scopes", keyed, d.listScopes},
		{get, v1 + "/scopes/:person", keyed, d.showScope},
		{put, v1 + "/scopes/:person", keyed, d.setScope},
		{del, v1 + "/scopes/:person", keyed, d.dropScope},

		{get, v1 + "/rollout", keyed, d.rings.Show},
		{post, v1 + "/rollout/start", keyed, d.rings.Start},
		{post, v1 + "/rollout/pause", keyed, d.rings.Pause},
		{post, v1 + "/rollout/advance", keyed, d.rings.Advance},
		{get, v1 + "/rollout/rings", keyed, d.rings.List},
		{put, v1 + "/rollout/rings", keyed, d.rings.Set},
		{get, v1 + "/rollout/by/:field", keyed, d.rings.By},
		{get, v1 + "/rollout/samples", keyed, d.rings.Samples},
		{get, v1 + "/rollout/history", keyed, d.rings.Moves},
		{get, v1 + "/rollout/people", keyed, d.listInstallations},
	}, append(d.kept(), d.moves()...)...)
}

// kept are the routes that keep installations right.
func (d *Door) kept() []route {
	return []route{
		{get, v1 + "/upkeep", keyed, d.upkeep.Show},
		{post, v1 + "/upkeep/check", keyed, d.upkeep.Check},
		{post, v1 + "/upkeep/upgrade", keyed, d.upkeep.Upgrade},
		{post, v1 + "/upkeep/pause", keyed, d.upkeep.Pause},
		{post, v1 + "/upkeep/resume", keyed, d.upkeep.Resume},
		{post, v1 + "/upkeep/stop", keyed, d.upkeep.Stop},
		{post, v1 + "/upkeep/put-back", keyed, d.upkeep.PutBack},
		{post, v1 + "/upkeep/repair/on", keyed, d.upkeep.RepairOn},
		{post, v1 + "/upkeep/repair/off", keyed, d.upkeep.RepairOff},

		{get, v1 + "/installed-teams", keyed, d.upkeep.ListTeams},
		{get, v1 + "/installed-teams/find", keyed, d.upkeep.FindTeams},
		{put, v1 + "/installed-teams/:group", keyed, d.upkeep.InstallInTeam},
		{del, v1 + "/installed-teams/:group", keyed, d.upkeep.ForgetTeam},
	}
}

// moves are the routes that move a broadcast, one for each event a machine may cause.
func (d *Door) moves() (out []route) {
	for _, ev := range []broadcast.Event{
		broadcast.EventSubmit, broadcast.EventWithdraw, broadcast.EventApprove, broadcast.EventReject, broadcast.EventSchedule, broadcast.EventUnschedule,
		broadcast.EventSend, broadcast.EventPause, broadcast.EventResume, broadcast.EventCancel, broadcast.EventGo, broadcast.EventRetry, broadcast.EventRecall,
	} {
		out = append(out, route{post, v1 + "/broadcasts/:id/" + string(ev), keyed, d.move(ev)})
	}
	return out
}

// Routes hangs every route of this door into r.
func (d *Door) Routes(r *gin.Engine) {
	for _, t := range d.table() {
		r.Handle(t.method, t.path, d.headers, d.guard(t.who, t.do))
	}
}
