package inbox

import (
	"context"
	"errors"
	"fmt"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/places"
	"github.com/fanfare/fanfare/teams"
)

// handler does what an activity asks for.
type handler struct {
	service *broadcast.Service
	places  *places.Service
	zones   Zones
}

// Zones remembers where people's clocks are.
type Zones interface {
	// SetTimeZone keeps an IANA name; it writes nothing when nothing is new.
	SetTimeZone(ctx context.Context, id broadcast.EntraID, zone string) error
}

// WorthKeeping tells whether handling will do anything with an activity.
func WorthKeeping(a *teams.Activity) bool {
	if !a.Personal() {
		return placeWorthKeeping(a)
	}
	id, _ := a.Person()
	return id != ""
}

// errHopeless marks an activity that another try would not help.
var errHopeless = errors.New("not worth another try")

// handleInbound does what a stored activity means (protocol D). It may run twice
// for one activity; every use-case here bears that.
func (h handler) handle(ctx context.Context, in broadcast.Inbound) error {
	a, err := teams.ParseActivity(in.Body)
	if err != nil {
		return fmt.Errorf("%w: %w", errHopeless, err)
	}
	if !a.Personal() {
		return h.handlePlace(ctx, a, in.ReceivedAt)
	}
	id, _ := a.Person()
	at := a.Reference()
	if a.LocalTimezone != "" { // before anything that would be done twice if it failed
		if err := h.zones.SetTimeZone(ctx, id, a.LocalTimezone); err != nil {
			return err
		}
	}
	switch a.Kind() {
	case teams.BotAdded:
		err = h.service.BotAdded(ctx, id, at)
	case teams.BotRemoved:
		err = h.service.BotRemoved(ctx, id)
	case teams.Said:
		err = h.service.Said(ctx, id, at, a.Command())
	case teams.Acted: // an Action.Submit, from clients without Action.Execute
		if act, ok := a.Act(); ok && act.Verb == teams.VerbWhy {
			err = h.service.AskedWhy(ctx, id, at, act.BroadcastID)
			break
		}
		err = h.service.Seen(ctx, id, at)
	default:
		err = h.service.Seen(ctx, id, at)
	}
	return hopeless(err)
}

// hopeless marks errors that stay: mistakes, final refusals, and an answer that
// may have arrived, because saying it twice is worse than once too few.
func hopeless(err error) error {
	var fault *broadcast.Fault
	switch {
	case broadcast.AsError(err) != nil,
		errors.As(err, &fault) && (fault.Class == broadcast.Permanent || fault.MaybeSent):
		return fmt.Errorf("%w: %w", errHopeless, err)
	}
	return err
}
