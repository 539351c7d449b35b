package simulator

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fanfare/fanfare/simulator/internal/dials"
)

// outagePrefix marks the names of faults that Outage set.
const outagePrefix = "outage-"

// Outage begins a fault of that kind at once and ends it after a time: the
// Connector answers 503, tears connections or hangs (Fault.Shape), as f says; an
// empty Operation is all of the Connector, an empty answer is 503. It strikes
// before all other faults. Outages that are over are taken off the dials.
func (s *Simulator) Outage(f Fault, lasts time.Duration) (Fault, error) {
	if f.Operation == "" {
		f.Operation = "connector.*"
	}
	if f.Plain() && f.DelayMS == 0 && f.DelayUpToMS == 0 {
		f.Status = 503
	}
	f.FromMS, f.ForMS = 0, lasts.Milliseconds()
	if f.ForMS <= 0 {
		return f, fmt.Errorf("an outage lasts at least a millisecond")
	}
	f.Name = outagePrefix + fmt.Sprint(s.outages.Add(1))
	if err := dials.CheckFault(f, exists); err != nil {
		return f, err
	}
	over := s.world.Dials.Over()
	s.SetDials(func(d *Dials) {
		d.Fail = slices.DeleteFunc(d.Fail, func(old Fault) bool { return over[old] && isOutage(old) })
		d.Fail = append([]Fault{f}, d.Fail...)
	})
	return f, nil
}

// EndOutages ends all outages at once; other faults stay.
func (s *Simulator) EndOutages() {
	s.SetDials(func(d *Dials) { d.Fail = slices.DeleteFunc(d.Fail, isOutage) })
}

func isOutage(f Fault) bool { return strings.HasPrefix(f.Name, outagePrefix) }
