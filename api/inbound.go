package api

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/teams"
)

func isInvoke(a *teams.Activity) bool { return strings.EqualFold(a.Type, "invoke") }

// worthKeeping tells whether handleInbound will do anything with an activity.
func worthKeeping(a *teams.Activity) bool {
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
func (d *Door) handleInbound(ctx context.Context, in broadcast.Inbound) error {
	a, err := teams.ParseActivity(in.Body)
	if err != nil {
		return fmt.Errorf("%w: %w", errHopeless, err)
	}
	if !a.Personal() {
		return d.handlePlace(ctx, a, in.ReceivedAt)
	}
	id, _ := a.Person()
	at := a.Reference()
	switch a.Kind() {
	case teams.BotAdded:
		err = d.service.BotAdded(ctx, id, at)
	case teams.BotRemoved:
		err = d.service.BotRemoved(ctx, id)
	case teams.Said:
		err = d.service.Said(ctx, id, at, a.Command())
	case teams.Acted: // an Action.Submit, from clients without Action.Execute
		if act, ok := a.Act(); ok && act.Verb == teams.VerbWhy {
			err = d.service.AskedWhy(ctx, id, at, act.BroadcastID)
			break
		}
		err = d.service.Seen(ctx, id, at)
	default:
		err = d.service.Seen(ctx, id, at)
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
