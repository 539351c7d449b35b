package admin

import (
	"github.com/fanfare/fanfare/auth"
	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/scope"
	"github.com/fanfare/fanfare/web/frame"
)

// Options is what the admin's pages are made of.
type Options struct {
	Frame     *frame.Frame
	Service   *broadcast.Service
	Scopes    *scope.Service
	Keys      *auth.Keys
	Rollout   *frame.Glance[broadcast.Rollout]
	PublicURL string // where people reach Fanfare; shown beside the API keys
}

// Door serves the admin's pages.
type Door struct {
	*frame.Frame
	service *broadcast.Service
	scopes  *scope.Service
	keys    *auth.Keys
	rollout *frame.Glance[broadcast.Rollout]
	url     string
}

// New makes the admin's part of the door.
func New(o Options) *Door {
	return &Door{Frame: o.Frame, service: o.Service, scopes: o.Scopes, keys: o.Keys, rollout: o.Rollout, url: o.PublicURL}
}
