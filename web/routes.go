package web

import (
	"net/http"
	"slices"

	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/web/frame"
	"github.com/fanfare/fanfare/web/lists"
)

var (
	public   = frame.Who{Public: true}
	file     = frame.Who{Public: true, File: true}
	everyone = frame.Who{Roles: broadcast.Roles()} // everybody who is signed in with a role
	writers  = mayEvent(broadcast.EventEdit)
	admins   = frame.Who{Roles: []broadcast.Role{broadcast.RoleAdmin}}
)

// mayEvent is everybody who may cause an event in some state: the moves table
// has the say, so that no route forgets or invents a right.
func mayEvent(ev broadcast.Event) frame.Who {
	var w frame.Who
	for _, r := range broadcast.Moves() {
		for _, role := range r.Who {
			if r.Event == ev && role != broadcast.RoleEngine && !slices.Contains(w.Roles, role) {
				w.Roles = append(w.Roles, role)
			}
		}
	}
	return w
}

const (
	get  = http.MethodGet
	post = http.MethodPost
	put  = http.MethodPut
)

// at is one row of the table.
func at(method, path string, who frame.Who, do frame.Handler) frame.Route {
	return frame.Route{Method: method, Path: path, Who: who, Do: do}
}

// table is every route of this door.
func (d *Door) table() []frame.Route {
	return append([]frame.Route{
		at(get, "/sign-in", public, d.signIn),
		at(get, "/auth/start", public, d.pass(d.o.Auth.Start)),
		at(get, "/auth/callback", public, d.pass(d.o.Auth.Callback)),
		at(post, "/sign-out", public, d.pass(d.o.Auth.SignOut)),
		at(get, "/favicon.svg", file, d.favicon),
		at(get, "/favicon.ico", file, d.favicon),
		at(get, "/static/:version/*file", file, d.staticFile),

		at(get, "/", everyone, d.listBroadcasts),
		at(get, "/broadcasts/new", writers, d.newBroadcast),
		at(post, "/broadcasts", writers, d.saveBroadcast),
		at(get, "/broadcasts/:id", everyone, d.showBroadcast),
		at(get, "/broadcasts/:id/edit", writers, d.editBroadcast),
		at(post, "/broadcasts/:id/edit", writers, d.saveBroadcast),
		at(put, "/broadcasts/:id", writers, d.saveBroadcast),
		at(post, "/broadcasts/:id/duplicate", writers, d.duplicateBroadcast),
		at(get, "/broadcasts/:id/events", everyone, d.followBroadcast),
		at(get, "/broadcasts/:id/reach", everyone, d.reachOfBroadcast),
		at(get, "/broadcasts/:id/recipients", everyone, d.listRecipients),
		at(get, "/broadcasts/:id/recipients/:delivery", everyone, d.showAttempts),
		at(post, "/broadcasts/:id/correct", writers, d.correctBroadcast),

		at(post, "/preview", writers, d.preview),
		at(post, "/audience", writers, d.reachOfForm),
		at(get, "/audience/find", writers, d.findParts),
		at(get, "/groups", writers, d.findGroups),

		at(get, "/audience/lists", everyone, d.lists.Shelf),
		at(get, "/audience/lists/new", writers, d.lists.NewList),
		{Method: post, Path: "/audience/lists", Who: writers, Do: d.lists.MakeList, Most: lists.MaxUpload},
		at(get, "/audience/lists/:id", everyone, d.lists.ShowReport),
		at(get, "/audience/lists/:id/report.csv", everyone, d.lists.DownloadReport),
		at(post, "/audience/lists/:id/delete", writers, d.lists.DeleteList),
		at(post, "/audience/saved", writers, d.saveAudience),
		at(post, "/audience/saved/:id/rename", writers, d.lists.RenameAudience),
		at(post, "/audience/saved/:id/delete", writers, d.lists.DropAudience),

		at(get, "/welcome", admins, d.admin.ShowWelcome),
		at(post, "/welcome", admins, d.admin.WriteWelcome),
		at(get, "/rollout/upkeep", everyone, d.tend.ShowUpkeep),
		at(get, "/rollout/upkeep/events", everyone, d.tend.FollowUpkeep),
		at(get, "/rollout/teams", everyone, d.tend.ShowTeams),
		at(post, "/rollout/teams/:group", admins, d.tend.WantTeam),
		at(post, "/rollout/teams/:group/forget", admins, d.tend.ForgetTeam),

		at(get, "/setup", admins, d.admin.ShowSetup),
		at(post, "/setup", admins, d.admin.CheckSetup),
		at(get, "/setup/events", admins, d.admin.FollowSetup),
		at(get, "/setup/fanfare.zip", admins, d.admin.DownloadPackage),
		at(get, "/tab", public, d.showTab),
		at(get, "/people", everyone, d.people.List),
		at(get, "/people/:id", everyone, d.people.Show),
		at(get, "/scopes", admins, d.admin.ListScopes),
		at(get, "/scopes/:person", admins, d.admin.EditScope),
		at(post, "/scopes/:person", admins, d.admin.SaveScope),
		at(post, "/scopes/:person/delete", admins, d.admin.DropScope),

		at(post, "/halt/lift", admins, d.admin.LiftHalt),

		at(get, "/keys", everyone, d.admin.ListKeys),
		at(post, "/keys", everyone, d.admin.CreateKey),
		at(post, "/keys/:id/revoke", everyone, d.admin.RevokeKey),
	}, slices.Concat(d.rings(), d.tend.Routes(admins), d.moves())...)
}

// rings are the routes of the rollout.
func (d *Door) rings() []frame.Route {
	return []frame.Route{
		at(get, "/rollout", everyone, d.admin.ShowRollout),
		at(get, "/rollout/events", everyone, d.admin.FollowRollout),
		at(post, "/rollout/start", admins, d.admin.StartRollout),
		at(post, "/rollout/pause", admins, d.admin.PauseRollout),
		at(get, "/rollout/by/:field", everyone, d.admin.ShowBy),
		at(get, "/rollout/rings", everyone, d.admin.ListRings),
		at(post, "/rollout/rings", admins, d.admin.SaveRing),
		at(get, "/rollout/rings/new", admins, d.admin.NewRing),
		at(get, "/rollout/rings/:id", admins, d.admin.EditRing),
		at(post, "/rollout/rings/:id", admins, d.admin.SaveRing),
		at(post, "/rollout/rings/:id/up", admins, d.admin.RaiseRing),
		at(post, "/rollout/rings/:id/down", admins, d.admin.LowerRing),
		at(post, "/rollout/rings/:id/delete", admins, d.admin.DropRing),
		at(get, "/rollout/rings/:id/open", admins, d.admin.AskOpen),
		at(post, "/rollout/rings/:id/open", admins, d.admin.OpenRing),
	}
}

// moves are the routes that move a broadcast, one for each event a person may cause.
func (d *Door) moves() []frame.Route {
	events := []broadcast.Event{
		broadcast.EventSubmit, broadcast.EventWithdraw, broadcast.EventApprove, broadcast.EventReject,
		broadcast.EventSchedule, broadcast.EventUnschedule, broadcast.EventSend,
		broadcast.EventPause, broadcast.EventResume, broadcast.EventGo, broadcast.EventCancel,
		broadcast.EventRetry, broadcast.EventRecall,
	}
	out := make([]frame.Route, len(events))
	for i, ev := range events {
		out[i] = at(post, "/broadcasts/:id/"+string(ev), mayEvent(ev), d.moveBroadcast(ev))
	}
	return out
}

// Routes hangs every route of this door into r.
func (d *Door) Routes(r *gin.Engine) { d.Hang(r, d.table()) }

// NotFound and NoMethod answer what no route matches; the server wires them to
// everything that is not the API's.
func (d *Door) NotFound(c *gin.Context) {
	d.Headers(c)
	d.Fail(c, broadcast.Errorf(broadcast.NotFound, "There is no page at this address. It may have been mistyped."))
}

// NoMethod answers a method that a page does not have.
func (d *Door) NoMethod(c *gin.Context) {
	d.Headers(c)
	d.Fail(c, frame.ErrNoMethod)
}

// pass hands a request to the doorman, who answers it himself.
func (d *Door) pass(h gin.HandlerFunc) frame.Handler {
	return func(c *gin.Context, _ broadcast.Actor) error {
		h(c)
		return nil
	}
}
