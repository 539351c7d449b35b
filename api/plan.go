package api

import (
	"time"

	"github.com/fanfare/fanfare/broadcast"
)

// planJSON is how a broadcast is sent. Reading, what is left out is as usual; writing,
// it is filled in.
type planJSON struct {
	Priority  broadcast.Priority `json:"priority"`
	ExpiresAt *string            `json:"expires_at"` // RFC 3339 with its offset; null for never
	Canary    *canaryJSON        `json:"canary"`     // null for no first wave
	Late      broadcast.Late     `json:"late"`
	LateUntil *string            `json:"late_until"`
	Repeats   broadcast.Repeats  `json:"repeats"`
}

type canaryJSON struct {
	People           int        `json:"people"`
	Group            *groupJSON `json:"group"`
	Auto             bool       `json:"auto"`
	MaxFailedPercent int        `json:"max_failed_percent"`
}

// plan is what the JSON means; nil is as usual.
func (j *planJSON) plan() (broadcast.Plan, broadcast.Problems) {
	if j == nil {
		return broadcast.Plan{}, nil
	}
	var bad broadcast.Problems
	read := func(field string, written *string) time.Time {
		if written == nil {
			return time.Time{}
		}
		at, err := time.Parse(time.RFC3339, *written)
		if err != nil {
			bad = append(bad, &broadcast.Error{Code: broadcast.Invalid, Field: field, Message: "Give the time with its offset, like 2026-01-31T09:00:00+01:00."})
		}
		return at
	}
	p := broadcast.Plan{
		Priority: j.Priority, Late: j.Late, Repeats: j.Repeats,
		ExpiresAt: read("plan.expires_at", j.ExpiresAt), LateUntil: read("plan.late_until", j.LateUntil),
	}
	if c := j.Canary; c != nil {
		p.Canary = broadcast.Canary{People: c.People, Auto: c.Auto, MaxFailedPercent: c.MaxFailedPercent}
		if c.Group != nil {
			p.Canary.Group = broadcast.Group(*c.Group)
		}
	}
	return p, bad
}

func planOf(p broadcast.Plan) planJSON {
	p = p.Usual()
	j := planJSON{Priority: p.Priority, ExpiresAt: written(p.ExpiresAt), Late: p.Late, LateUntil: written(p.LateUntil), Repeats: p.Repeats}
	if c := p.Canary; c.On() {
		j.Canary = &canaryJSON{People: c.People, Auto: c.Auto, MaxFailedPercent: c.MaxFailedPercent}
		if c.Group.ID != "" {
			j.Canary.Group = &groupJSON{c.Group.ID, c.Group.Name}
		}
	}
	return j
}

func written(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	s := t.UTC().Format(time.RFC3339)
	return &s
}
