package api

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/api/inbox"
	"github.com/fanfare/fanfare/api/keep"
	"github.com/fanfare/fanfare/api/rings"
	"github.com/fanfare/fanfare/api/welcome"
	"github.com/fanfare/fanfare/auth"
	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/lists"
	lookup "github.com/fanfare/fanfare/broadcast/who"
	"github.com/fanfare/fanfare/fatigue"
	joins "github.com/fanfare/fanfare/join"
	"github.com/fanfare/fanfare/pace"
	"github.com/fanfare/fanfare/places"
	"github.com/fanfare/fanfare/rollout"
	"github.com/fanfare/fanfare/scope"
	"github.com/fanfare/fanfare/setup"
	"github.com/fanfare/fanfare/teams"
	"github.com/fanfare/fanfare/upkeep"
	hello "github.com/fanfare/fanfare/welcome"
)

// Options is what the door is made of. All of it is required.
type Options struct {
	Service  *broadcast.Service
	People   *lookup.Service
	Places   *places.Service
	Lists    *lists.Service
	Scopes   *scope.Service
	Fatigue  fatigue.Limit
	Rollout  *rollout.Service
	Welcome  *hello.Service
	Upkeep   *upkeep.Service
	Joins    *joins.Service
	Keys     *auth.Keys
	Verifier *teams.Verifier
	Inbox    inbox.Store
	Zones    inbox.Zones
	// Ready tells whether this process can work: database there and with room to
	// write, schema right. The sentence of a *broadcast.Error is shown to whoever asks
	// (with the code DiskFull, if it has that one); others are only logged.
	Ready func(ctx context.Context) error
	// Setup checks what has to be right.
	Setup   *setup.Desk
	Version string
	Log     *slog.Logger
	Now     func() time.Time
}

// Door serves machines.
type Door struct {
	o       Options
	service *broadcast.Service
	inbox   *inbox.Inbox
	rings   *rings.Door
	welcome welcome.Door
	upkeep  *keep.Door
	pace    pace.Meter
	log     *slog.Logger
}

// New makes the door. Nothing runs until its routes are served and RunInbox is called.
func New(o Options) *Door {
	d := &Door{o: o, service: o.Service, upkeep: keep.New(o.Upkeep, o.Joins), log: o.Log}
	d.welcome = welcome.Door{Service: o.Welcome, Message: readMessage, Show: func(b *broadcast.Broadcast, a broadcast.Actor) any { return asJSON(b, a) }}
	d.inbox = inbox.New(inbox.Options{Store: o.Inbox, Service: o.Service, Places: o.Places, Zones: o.Zones, Now: o.Now, Log: o.Log})
	d.rings = rings.New(rings.Options{Rollout: o.Rollout, People: o.People, Read: readJSON, Now: o.Now})
	return d
}

// RunInbox handles what Teams posted until ctx is done, then finishes what is in
// hand and returns nil.
func (d *Door) RunInbox(ctx context.Context) error { return d.inbox.Run(ctx) }

// Owns tells whether a path belongs to this door, for the server's answers to
// what no route matches.
func Owns(path string) bool {
	return path == "/api" || strings.HasPrefix(path, "/api/") || path == "/healthz" || path == "/readyz"
}

// NotFound answers a path of ours that no route matches.
func (d *Door) NotFound(c *gin.Context) {
	d.headers(c)
	d.fail(c, broadcast.Errorf(broadcast.NotFound, "There is nothing at this address. The API's addresses begin with /api/v1/."))
}

// NoMethod answers a method that a path of ours does not have; gin names those it has in Allow.
func (d *Door) NoMethod(c *gin.Context) {
	d.headers(c)
	d.fail(c, errNoMethod)
}
