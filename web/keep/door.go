package keep

import (
	"time"

	"github.com/fanfare/fanfare/join"
	"github.com/fanfare/fanfare/pace"
	"github.com/fanfare/fanfare/upkeep"
	"github.com/fanfare/fanfare/web/frame"
)

// Options is what these pages are made of.
type Options struct {
	Frame  *frame.Frame
	Upkeep *upkeep.Service
	Joins  *join.Service
	Now    func() time.Time
}

// Door serves the pages.
type Door struct {
	*frame.Frame
	upkeep *upkeep.Service
	joins  *join.Service
	look   *frame.Glance[upkeep.Standing]
	now    func() time.Time
	pace   pace.Meter
}

// New makes this part of the door.
func New(o Options) *Door {
	return &Door{Frame: o.Frame, upkeep: o.Upkeep, joins: o.Joins, look: frame.NewGlance(o.Upkeep.Standing, o.Now), now: o.Now}
}
