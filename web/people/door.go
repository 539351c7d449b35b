package people

import (
	"github.com/fanfare/fanfare/broadcast/who"
	"github.com/fanfare/fanfare/web/frame"
)

// Door serves the pages about people.
type Door struct {
	*frame.Frame
	people *who.Service
}

// New makes this part of the door.
func New(f *frame.Frame, s *who.Service) *Door { return &Door{f, s} }
