package shape

import (
	"encoding/json"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/store/db"
)

// planJSON leaves out what is as usual; times are Unix milliseconds.
type planJSON struct {
	Priority         string    `json:"priority,omitempty"`
	ExpiresAt        int64     `json:"expires_at,omitempty"`
	CanaryPeople     int       `json:"canary_people,omitempty"`
	CanaryGroup      groupJSON `json:"canary_group,omitzero"`
	CanaryAuto       bool      `json:"canary_auto,omitempty"`
	MaxFailedPercent int       `json:"max_failed_percent,omitempty"`
	Late             string    `json:"late,omitempty"`
	LateUntil        int64     `json:"late_until,omitempty"`
	Repeats          string    `json:"repeats,omitempty"`
}

type groupJSON struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// WritePlan is a plan as it is stored.
func WritePlan(p broadcast.Plan) (string, error) {
	raw, err := json.Marshal(planJSON{
		Priority: string(p.Priority), ExpiresAt: db.Millis(p.ExpiresAt), CanaryPeople: p.Canary.People, CanaryGroup: groupJSON(p.Canary.Group),
		CanaryAuto: p.Canary.Auto, MaxFailedPercent: p.Canary.MaxFailedPercent, Late: string(p.Late), LateUntil: db.Millis(p.LateUntil), Repeats: string(p.Repeats),
	})
	return string(raw), err
}

// ReadPlan is a stored plan.
func ReadPlan(raw string) (broadcast.Plan, error) {
	var p planJSON
	err := json.Unmarshal([]byte(raw), &p)
	return broadcast.Plan{
		Priority: broadcast.Priority(p.Priority), ExpiresAt: db.Moment(p.ExpiresAt),
		Canary: broadcast.Canary{People: p.CanaryPeople, Group: broadcast.Group(p.CanaryGroup), Auto: p.CanaryAuto, MaxFailedPercent: p.MaxFailedPercent},
		Late:   broadcast.Late(p.Late), LateUntil: db.Moment(p.LateUntil), Repeats: broadcast.Repeats(p.Repeats),
	}, err
}
