package web

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/fanfare/fanfare/auth"
	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/pace"
	"github.com/fanfare/fanfare/web/static"
)

// Options is what the door is made of.
type Options struct {
	Service *broadcast.Service
	Auth    *auth.Web
	Keys    *auth.Keys
	Links   broadcast.Links // plain-http addresses images may come from (the page's own policy)
	// SizeLimit is how large a payload may be, in the units of broadcast.Payload.
	SizeLimit int
	BotName   string // whom messages come from, as people see it in Teams
	PublicURL string // where people reach Fanfare; shown beside the API keys
	Version   string
	Log       *slog.Logger
	Now       func() time.Time
	// Stopping is closed when the server begins to stop: live streams end at once,
	// so that nobody waits for them.
	Stopping <-chan struct{}
}

// Door serves the pages.
type Door struct {
	o       Options
	service *broadcast.Service
	pages   pages
	static  *static.Files
	policy  string // Content-Security-Policy, the same on every page
	rollout *glance[broadcast.Rollout]
	brake   *glance[broadcast.Brake]
	pace    pace.Meter
}

// New prepares templates and static files; it fails only if those built into
// the binary are broken.
func New(o Options) (*Door, error) {
	st, err := static.Load()
	if err != nil {
		return nil, fmt.Errorf("reading the static files: %w", err)
	}
	p, err := loadPages(st)
	if err != nil {
		return nil, fmt.Errorf("parsing the templates: %w", err)
	}
	d := &Door{o: o, service: o.Service, pages: p, static: st, policy: policy(o.Links)}
	o.Auth.SayWith(d.say)
	d.rollout = &glance[broadcast.Rollout]{read: o.Service.Rollout, now: o.Now}
	d.brake = &glance[broadcast.Brake]{read: o.Service.Brake, now: o.Now}
	return d, nil
}
