package web

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/fanfare/fanfare/auth"
	"github.com/fanfare/fanfare/broadcast"
	listed "github.com/fanfare/fanfare/broadcast/lists"
	"github.com/fanfare/fanfare/broadcast/who"
	"github.com/fanfare/fanfare/fatigue"
	"github.com/fanfare/fanfare/join"
	"github.com/fanfare/fanfare/pace"
	"github.com/fanfare/fanfare/rollout"
	"github.com/fanfare/fanfare/scope"
	"github.com/fanfare/fanfare/setup"
	"github.com/fanfare/fanfare/upkeep"
	"github.com/fanfare/fanfare/web/admin"
	"github.com/fanfare/fanfare/web/frame"
	"github.com/fanfare/fanfare/web/keep"
	"github.com/fanfare/fanfare/web/lists"
	"github.com/fanfare/fanfare/web/people"
	"github.com/fanfare/fanfare/web/static"
	"github.com/fanfare/fanfare/welcome"
)

// Options is what the door is made of.
type Options struct {
	Service *broadcast.Service
	People  *who.Service
	Lists   *listed.Service
	Scopes  *scope.Service
	Fatigue fatigue.Limit
	Rollout *rollout.Service
	Welcome *welcome.Service
	Upkeep  *upkeep.Service
	Joins   *join.Service
	Auth    *auth.Web
	Keys    *auth.Keys
	Links   broadcast.Links // plain-http addresses images may come from (the page's own policy)
	// SizeLimit is how large a payload may be, in the units of broadcast.Payload.
	SizeLimit int
	BotName   string // whom messages come from, as people see it in Teams
	PublicURL string // where people reach Fanfare; shown beside the API keys
	Version   string
	Setup     *setup.Desk    // checks what has to be right
	App       admin.TeamsApp // makes the app package
	Log       *slog.Logger
	Now       func() time.Time
	// Stopping is closed when the server begins to stop: live streams end at once,
	// so that nobody waits for them.
	Stopping <-chan struct{}
}

// Door serves the pages.
type Door struct {
	*frame.Frame
	o       Options
	service *broadcast.Service
	admin   *admin.Door
	people  *people.Door
	lists   *lists.Door
	tend    *keep.Door
	static  *static.Files
	rollout *frame.Glance[rollout.Rollout]
	brake   *frame.Glance[broadcast.Brake]
	pace    pace.Meter
}

// New prepares templates and static files; it fails only if those built into
// the binary are broken.
func New(o Options) (*Door, error) {
	st, err := static.Load()
	if err != nil {
		return nil, fmt.Errorf("reading the static files: %w", err)
	}
	f, err := frame.New(frame.Options{
		Service: o.Service, Auth: o.Auth, Links: o.Links, BotName: o.BotName, PublicURL: o.PublicURL, Version: o.Version, Log: o.Log, Stopping: o.Stopping,
		Templates: templates, Functions: vocabulary(st), Said: said,
	})
	if err != nil {
		return nil, err
	}
	d := &Door{Frame: f, o: o, service: o.Service, static: st}
	d.rollout = frame.NewGlance(o.Rollout.Glance, o.Now)
	d.brake = frame.NewGlance(o.Service.Brake, o.Now)
	d.admin = admin.New(admin.Options{Frame: f, Service: o.Service, Scopes: o.Scopes, Welcome: o.Welcome, Keys: o.Keys, People: o.People, Rollout: o.Rollout, Now: o.Now, PublicURL: o.PublicURL, Setup: o.Setup, App: o.App})
	d.people = people.New(f, o.People)
	d.lists = lists.New(f, o.Lists)
	d.tend = keep.New(keep.Options{Frame: f, Upkeep: o.Upkeep, Joins: o.Joins, Now: o.Now})
	o.Auth.SayWith(d.say)
	return d, nil
}
