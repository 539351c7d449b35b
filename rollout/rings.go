package rollout

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/audience"
)

// Plan reads what rings there are; they have no counts.
func (s *Service) Plan(ctx context.Context, a broadcast.Actor) (Plan, error) {
	if err := may(a, broadcast.Roles()...); err != nil {
		return Plan{}, err
	}
	return s.c.Ledger.Plan(ctx)
}

// RolledOutBy is the name of whoever pressed the button last; "" as long as nobody has.
func (s *Service) RolledOutBy(ctx context.Context) (string, error) {
	p, err := s.c.Ledger.Plan(ctx)
	if err != nil || p.State == broadcast.RolloutIdle {
		return "", err
	}
	return p.By.Name, nil
}

// lookAge is how old the members of a group may be while rings are looked at; one that
// opens reads them anew.
const lookAge = 10 * time.Minute

// Forecast is the rollout with the counts of every ring, also of those that wait: who
// would be in it if all were opened now. A ring whose people cannot be read says so
// in Problem and is not Counted, nor are those after it.
func (s *Service) Forecast(ctx context.Context, a broadcast.Actor) (Rollout, error) {
	r, err := s.Rollout(ctx, a)
	if err != nil {
		return r, err
	}
	next := slices.IndexFunc(r.Rings, func(g Ring) bool { return !g.Opened() })
	if next < 0 || next == len(r.Rings)-1 {
		return r, nil
	}
	waiting, readable := r.Rings[next:len(r.Rings)-1], 0
	for i := range waiting {
		if err := s.c.Directory.Gather(ctx, "", waiting[i].Audience, lookAge); err != nil {
			if waiting[i].Problem, err = s.unread(ctx, waiting[i], err); err != nil {
				return r, err
			}
			break
		}
		waiting[i].Problem, readable = "", i+1
	}
	counts, err := s.c.Counting.CountWaiting(ctx, waiting[:readable])
	if err != nil {
		return r, err
	}
	last := &r.Rings[len(r.Rings)-1]
	for i := range waiting {
		if waiting[i].Counted = i < readable; i < readable {
			waiting[i].Counts = counts[i]
			last.Counts = last.Counts.plus(counts[i], -1)
		}
	}
	last.Counted = readable == len(waiting)
	return r, nil
}

// unread is why the people of a ring cannot be read, for people. Passing trouble stays
// what it is.
func (s *Service) unread(ctx context.Context, r Ring, err error) (string, error) {
	e := broadcast.AsError(err)
	if e == nil {
		return "", err
	}
	s.c.Log.WarnContext(ctx, "the people of a ring cannot be read", "ring", r.ID, "error", err)
	return e.Message, nil
}

// SetRings puts other rings in the place of those that wait; the last one may be among
// them, for what it allows. Rings that were opened stay as they are and are left out.
// revision is that of the plan somebody looked at.
func (s *Service) SetRings(ctx context.Context, a broadcast.Actor, revision int64, rings []Ring) (Plan, error) {
	if err := may(a, broadcast.RoleAdmin); err != nil {
		return Plan{}, err
	}
	p, err := s.c.Ledger.Plan(ctx)
	if err != nil {
		return p, err
	}
	if wrong := mistakesOf(rings); len(wrong) > 0 {
		return p, wrong
	}
	waiting, err := s.waiting(ctx, p, rings)
	if err != nil {
		return p, err
	}
	if err := s.c.Rings.SetRings(ctx, revision, waiting, a.ActorRef, s.c.Now()); err != nil {
		return p, err
	}
	return s.c.Ledger.Plan(ctx)
}

// waiting are rings as they are stored: named, with IDs, the last one last.
func (s *Service) waiting(ctx context.Context, p Plan, rings []Ring) ([]Ring, error) {
	last := p.Rings[len(p.Rings)-1]
	if last.Opened() && len(rings) > 0 {
		return nil, broadcast.Errorf(broadcast.Conflict, "The last ring is open, so everybody gets the app already: there is nobody left for other rings.")
	}
	var out []Ring
	for i, r := range rings {
		if r.IsLast() {
			last.MaxFailedPercent, last.Settle = r.MaxFailedPercent, r.Settle
			continue
		}
		was, err := p.Ring(r.ID)
		switch {
		case err == nil && was.Opened():
			return nil, broadcast.Errorf(broadcast.Conflict, "The ring “%s” was opened, so it stays as it is: its people get the app already. Change those that wait, or add another one.", was.Name)
		case err != nil && r.ID != "":
			return nil, err
		case r.ID == "":
			r.ID = string(broadcast.NewID(s.c.Now()))
		}
		if slices.ContainsFunc(p.Rings, func(g Ring) bool { return g.Opened() && fold(g.Name) == fold(r.Name) }) {
			return nil, &broadcast.Error{Code: broadcast.Invalid, Field: fmt.Sprintf("rings.%d.name", i), Message: fmt.Sprintf("There is a ring “%s” already. Give this one a name of its own.", r.Name)}
		}
		r.Name = strings.TrimSpace(r.Name)
		if r.Audience, err = s.named(ctx, i, r.Audience); err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	if len(out)+len(p.Rings) > 2*MaxRings {
		return nil, broadcast.Errorf(broadcast.Invalid, "So many rings were opened that no more can be had.")
	}
	return append(out, last), nil
}

// named is an audience whose parts have the names by which they are known now.
func (s *Service) named(ctx context.Context, at int, a broadcast.Audience) (broadcast.Audience, error) {
	name := func(parts []audience.Part) (out []audience.Part, err error) {
		for _, p := range parts {
			switch p.Name, err = s.c.Directory.NameOf(ctx, p); {
			case broadcast.IsCode(err, broadcast.NotFound):
				return nil, &broadcast.Error{Code: broadcast.Invalid, Field: fmt.Sprintf("rings.%d.audience", at), Message: broadcast.AsMessage(err)}
			case err != nil:
				return nil, err
			}
			out = append(out, p)
		}
		return out, nil
	}
	in, err := name(a.Include)
	if err != nil {
		return a, err
	}
	out, err := name(a.Exclude)
	return broadcast.Audience{Include: in, Exclude: out}, err
}

// Advance opens the next ring: everybody in it gets the app. id is the ring somebody
// looked at, so that of two who press at once only one opens it.
func (s *Service) Advance(ctx context.Context, a broadcast.Actor, id string) error {
	if err := may(a, broadcast.RoleAdmin); err != nil {
		return err
	}
	p, err := s.c.Ledger.Plan(ctx)
	if err != nil {
		return err
	}
	ring, err := p.Ring(id)
	if err != nil {
		return err
	}
	switch next, waits := p.Next(); {
	case ring.Opened():
		return broadcast.Errorf(broadcast.Conflict, "The ring “%s” was opened meanwhile. Reload the page to see how it stands.", ring.Name)
	case p.State == broadcast.RolloutPaused:
		return broadcast.Errorf(broadcast.Conflict, "The rollout is paused. Let it go on first; then open the next ring.")
	case !waits || next.ID != ring.ID:
		return broadcast.Errorf(broadcast.Conflict, "Rings open in their order: “%s” comes first. Open that one, or change the order.", next.Name)
	}
	return s.open(ctx, a, p, ring, "")
}

// open reads who is in a ring, opens it and makes them wanted. It fails closed.
func (s *Service) open(ctx context.Context, a broadcast.Actor, p Plan, ring Ring, note string) error {
	rule, ok := ruleOf(ring.State, EventOpen, a)
	if !ok {
		return broadcast.Errorf(broadcast.Conflict, "The ring “%s” cannot be opened now. Reload the page to see how it stands.", ring.Name)
	}
	// Whoever came into an earlier ring meanwhile is in that one.
	if err := s.refresh(ctx, p.Rings); err != nil {
		return err
	}
	if err := s.c.Directory.Gather(ctx, ring.owner(), ring.Audience, 0); err != nil {
		why, err := s.unread(ctx, ring, err)
		if err != nil {
			return err
		}
		return broadcast.Errorf(broadcast.Conflict, "The ring “%s” stays shut, because not all of its people can be read. %s", ring.Name, why)
	}
	if err := s.c.Rings.MoveRing(ctx, RingMove{Ring: ring, From: p.State, Rule: rule, Note: note, By: a.ActorRef, At: s.c.Now()}); err != nil {
		return err
	}
	return s.fill(ctx)
}
