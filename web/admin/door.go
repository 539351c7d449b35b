package admin

import (
	"time"

	"github.com/fanfare/fanfare/auth"
	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/who"
	"github.com/fanfare/fanfare/rollout"
	"github.com/fanfare/fanfare/scope"
	"github.com/fanfare/fanfare/setup"
	"github.com/fanfare/fanfare/web/frame"
	"github.com/fanfare/fanfare/welcome"
)

// Options is what the admin's pages are made of.
type Options struct {
	Frame     *frame.Frame
	Service   *broadcast.Service
	Scopes    *scope.Service
	Welcome   *welcome.Service
	Keys      *auth.Keys
	People    *who.Service
	Rollout   *rollout.Service
	Now       func() time.Time
	PublicURL string // where people reach Fanfare; shown beside the API keys
	Setup     *setup.Desk
	App       TeamsApp
}

// TeamsApp makes the app package.
type TeamsApp interface {
	// Version is the package's; the error is why none can be made, in a sentence.
	Version() (string, error)
	Make() ([]byte, error)
}

// Door serves the admin's pages.
type Door struct {
	*frame.Frame
	service *broadcast.Service
	scopes  *scope.Service
	welcome *welcome.Service
	keys    *auth.Keys
	people  *who.Service
	rollout *rollout.Service
	now     func() time.Time
	url     string
	setup   *setup.Desk
	app     TeamsApp
}

// New makes the admin's part of the door.
func New(o Options) *Door {
	return &Door{Frame: o.Frame, service: o.Service, scopes: o.Scopes, welcome: o.Welcome, keys: o.Keys, people: o.People, rollout: o.Rollout, now: o.Now, url: o.PublicURL, setup: o.Setup, app: o.App}
}
