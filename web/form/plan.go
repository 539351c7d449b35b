package form

import (
	"cmp"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/fanfare/fanfare/broadcast"
)

// Plan is the part "How it is sent" of the editor's form: what somebody chose
// and typed, right or wrong.
type Plan struct {
	Priority   string
	Expires    Time
	First      string // "everybody", "people" or "group"
	People     string
	Ring       broadcast.Group
	RingSearch string // for people without script
	GoOn       string // "hold" or "auto"
	MaxFailed  string
	Late       string
	LateUntil  Time
	Repeats    string
	RingHits   []broadcast.GroupHit
	RingLooked bool
}

// Time is a time as typed, and (with script) the moment it means in the
// person's own zone; without script it is UTC, and the page says so.
type Time struct{ Typed, Moment string }

const layout = "2006-01-02T15:04" // how a browser's field for date and time writes it

func timeOf(t time.Time) Time {
	if t.IsZero() {
		return Time{}
	}
	return Time{t.UTC().Format(layout), t.UTC().Format(time.RFC3339)}
}

// Read is the moment; zero for none.
func (t Time) Read(field string) (time.Time, *broadcast.Error) {
	if t.Typed == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339, t.Moment)
	if err != nil {
		at, err = time.Parse(layout, t.Typed)
	}
	if err != nil {
		return time.Time{}, &broadcast.Error{Code: broadcast.Invalid, Field: field, Message: "This is not a date and time. Write it like 2027-01-31T09:00."}
	}
	return at.UTC(), nil
}

// What the fields hold that matter only once their choice is made.
const (
	usualWave    = "50"
	usualPercent = "5"
)

// PlanOf is the form as it shows a plan.
func PlanOf(p broadcast.Plan) Plan {
	u := p.Usual()
	f := Plan{
		Priority: string(u.Priority), Expires: timeOf(p.ExpiresAt), First: "everybody", People: usualWave, GoOn: "hold", MaxFailed: usualPercent,
		Late: string(u.Late), LateUntil: timeOf(p.LateUntil), Repeats: string(u.Repeats), Ring: p.Canary.Group,
	}
	switch c := p.Canary; {
	case c.Group.ID != "":
		f.First = "group"
	case c.People != 0:
		f.First, f.People = "people", strconv.Itoa(c.People)
	}
	if p.Canary.Auto {
		f.GoOn, f.MaxFailed = "auto", strconv.Itoa(p.Canary.MaxFailedPercent)
	}
	return f
}

func readPlan(v url.Values) Plan {
	f := PlanOf(broadcast.Plan{})
	for field, to := range map[string]*string{
		"priority": &f.Priority, "first": &f.First, "go_on": &f.GoOn, "late": &f.Late, "repeats": &f.Repeats,
	} {
		*to = cmp.Or(v.Get(field), *to)
	}
	for field, to := range map[string]*string{"first_people": &f.People, "max_failed": &f.MaxFailed} {
		if v.Has(field) {
			*to = strings.TrimSpace(v.Get(field))
		}
	}
	f.Expires = Time{v.Get("expires_at"), v.Get("expires_at_moment")}
	f.LateUntil = Time{v.Get("late_until"), v.Get("late_until_moment")}
	f.RingSearch = v.Get("ring_search")
	if rings := v["ring"]; len(rings) > 0 {
		f.choose(rings[len(rings)-1])
	}
	return f
}

func (f *Plan) choose(raw string) {
	if chosen := ringOf(raw); chosen.ID != "" {
		f.Ring = chosen
	}
}

// Plan is what the form means. Wrong is what cannot be read and so cannot be kept;
// missing is what only a draft may lack.
func (f Plan) Plan() (p broadcast.Plan, wrong, missing broadcast.Problems) {
	bad := func(e *broadcast.Error) {
		if e != nil {
			wrong = append(wrong, e)
		}
	}
	lack := func(field, message string) {
		missing = append(missing, &broadcast.Error{Code: broadcast.Invalid, Field: field, Message: message})
	}
	number := func(field, typed, what string) int {
		n, err := strconv.Atoi(typed)
		if typed != "" && err != nil {
			bad(&broadcast.Error{Code: broadcast.Invalid, Field: field, Message: what + " is a whole number."})
		}
		return n
	}
	var e *broadcast.Error
	p.Priority, p.Repeats, p.Late = broadcast.Priority(f.Priority), broadcast.Repeats(f.Repeats), broadcast.Late(f.Late)
	p.ExpiresAt, e = f.Expires.Read("plan.expires_at")
	bad(e)
	if p.Late == broadcast.LateUntilDate {
		p.LateUntil, e = f.LateUntil.Read("plan.late_until")
		bad(e)
	}
	switch f.First {
	case "people":
		if p.Canary.People = number("plan.canary.people", f.People, "The size of the first wave"); f.People == "" || f.People == "0" {
			lack("plan.canary.people", "Say how many people the first wave has.")
		}
	case "group":
		if p.Canary.Group = f.Ring; f.Ring.ID == "" {
			lack("plan.canary.group", "Choose the group that gets it first.")
		}
	}
	if f.GoOn == "auto" && f.First != "everybody" {
		percent := number("plan.canary.max_failed_percent", f.MaxFailed, "The share of failures")
		if p.Canary.On() {
			p.Canary.Auto, p.Canary.MaxFailedPercent = true, percent
		}
		if f.MaxFailed == "" {
			lack("plan.canary.max_failed_percent", "Say above which share of failures it is held.")
		}
	}
	return withoutUsual(p), wrong, missing
}

// withoutUsual leaves out what was chosen as it is anyway: who looks at a plan and
// changes nothing must not change its fingerprint.
func withoutUsual(p broadcast.Plan) broadcast.Plan {
	u := broadcast.Plan{}.Usual()
	if p.Priority == u.Priority {
		p.Priority = ""
	}
	if p.Late == u.Late {
		p.Late = ""
	}
	if p.Repeats == u.Repeats {
		p.Repeats = ""
	}
	return p
}
