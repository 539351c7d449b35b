package rings

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/audience"
	"github.com/fanfare/fanfare/broadcast/who"
	"github.com/fanfare/fanfare/pace"
	"github.com/fanfare/fanfare/rollout"
)

// Reason is how many people one reason concerns.
type Reason struct {
	Reason broadcast.Reason `json:"reason"`
	Text   string           `json:"reason_text"`
	Remedy string           `json:"remedy"`
	Count  int              `json:"count"`
}

// ReasonsOf is a count by reason as a list, the largest first.
func ReasonsOf(counts map[broadcast.Reason]int) []Reason {
	out := []Reason{}
	for r, n := range counts {
		out = append(out, Reason{Reason: r, Text: r.Words(), Remedy: r.Remedy(), Count: n})
	}
	slices.SortFunc(out, func(a, b Reason) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Reason, b.Reason))
	})
	return out
}

type person struct {
	ID   broadcast.EntraID `json:"id"`
	Name string            `json:"name"`
}

func personOf(r broadcast.ActorRef) *person {
	if r == (broadcast.ActorRef{}) {
		return nil
	}
	return &person{r.ID, r.Name}
}

// moment is a time as JSON has it; null for never.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC().Truncate(time.Millisecond)
	return &t
}

// counts: installed, wanted, refused, removed, blocked and untouched add up to eligible.
type counts struct {
	Eligible  int      `json:"eligible"`
	Installed int      `json:"installed"`
	Addressed int      `json:"addressed"` // of installed: whose conversation is known
	Wanted    int      `json:"wanted"`
	Refused   int      `json:"refused"`
	Removed   int      `json:"removed"`
	Blocked   int      `json:"blocked"`
	Untouched int      `json:"untouched"`
	Reasons   []Reason `json:"reasons"`
	Excluded  []Reason `json:"excluded"` // who cannot have the app
}

func countsOf(c rollout.Counts) counts {
	return counts{
		Eligible: c.Eligible(), Installed: c.Installed, Addressed: c.Addressed, Wanted: c.Wanted, Refused: c.Refused, Removed: c.Removed, Blocked: c.Blocked,
		Untouched: c.Untouched, Reasons: ReasonsOf(c.Reasons), Excluded: ReasonsOf(c.Excluded),
	}
}

// directory is how reading the directory goes. Times are null for never.
type directory struct {
	FinishedAt   *time.Time `json:"finished_at"` // last read to its end
	ManagersAt   *time.Time `json:"managers_at"` // the same of who reports to whom
	Stale        bool       `json:"stale"`
	Problem      string     `json:"problem"` // why the last try failed, and what to do; "" if it did not
	FailingSince *time.Time `json:"failing_since"`
	FailedAt     *time.Time `json:"failed_at"`
}

// progress is how fast it goes and when those who are wanted now may have the app, with
// about 95 % confidence between low and high.
type progress struct {
	Rate    float64 `json:"rate"` // people per second
	EtaLow  int     `json:"eta_low_seconds"`
	EtaHigh int     `json:"eta_high_seconds"`
}

func progressOf(e pace.Estimate) *progress {
	if !e.Known {
		return nil
	}
	return &progress{math.Round(e.Rate*10) / 10, int(e.Low.Seconds()), int(e.High.Seconds())}
}

// state is the rollout as a whole.
type state struct {
	State     broadcast.RolloutState `json:"state"`
	Why       string                 `json:"why"` // why it paused by itself; "" if somebody did
	By        *person                `json:"by"`
	ChangedAt *time.Time             `json:"changed_at"`
	counts
	DirectoryAt *time.Time `json:"directory_at"` // when the directory was last read to its end
	Directory   directory  `json:"directory"`
	People      int        `json:"people"`
	Progress    *progress  `json:"progress"` // null until it is known
	Revision    int64      `json:"revision"`
	Rings       []ring     `json:"rings"`
}

func rolloutOf(r rollout.Rollout, f who.Freshness) state {
	return state{
		State: r.State, Why: r.Why, By: personOf(r.By), ChangedAt: moment(r.ChangedAt), counts: countsOf(r.Counts), DirectoryAt: moment(r.DirectoryAt),
		Directory: directory{moment(f.FinishedAt), moment(f.ManagersAt), f.Stale, f.Problem, moment(f.FailingSince), moment(f.FailedAt)},
		People:    r.People(), Revision: r.Revision, Rings: ringsOf(r.Rings),
	}
}

// part is a part of an audience, as everywhere in the API.
type part struct {
	Kind   audience.Kind  `json:"kind"`
	ID     string         `json:"id,omitempty"`
	Name   string         `json:"name,omitempty"`
	Field  audience.Field `json:"field,omitempty"`
	Values []string       `json:"values,omitempty"`
}

type meant struct {
	Include []part `json:"include"`
	Exclude []part `json:"exclude"`
}

// settings are what can be said of a ring.
type settings struct {
	ID               string `json:"id"` // "everyone" for the last one; "" for a new one
	Name             string `json:"name"`
	Audience         meant  `json:"audience"`
	Advance          string `json:"advance"` // "by_hand", or "by_itself": the next opens when this one is done
	MaxFailedPercent *int   `json:"max_failed_percent"`
	SettleMinutes    int    `json:"settle_minutes"`
}

const (
	byHand   = "by_hand"
	byItself = "by_itself"
)

type ring struct {
	settings
	State         rollout.RingState `json:"state"`
	OpenedAt      *time.Time        `json:"opened_at"`
	QuietSince    *time.Time        `json:"quiet_since"` // since when everybody in it was tried
	DoneAt        *time.Time        `json:"done_at"`
	Problem       string            `json:"problem"` // why its people cannot be read
	FailedPercent float64           `json:"failed_percent"`
	Counts        *counts           `json:"counts"` // null where they were not counted
}

func ringsOf(rings []rollout.Ring) []ring {
	out := make([]ring, len(rings))
	for i, r := range rings {
		most, advance := r.MaxFailedPercent, byHand
		if r.ByItself {
			advance = byItself
		}
		out[i] = ring{
			settings: settings{r.ID, r.Name, meant{parts(r.Audience.Include), parts(r.Audience.Exclude)}, advance, &most, int(r.Settle.Minutes())},
			State:    r.State, OpenedAt: moment(r.OpenedAt), QuietSince: moment(r.QuietSince), DoneAt: moment(r.DoneAt), Problem: r.Problem,
		}
		if out[i].FailedPercent = math.Round(10*r.FailedPercent()) / 10; r.Counted {
			c := countsOf(r.Counts)
			out[i].Counts = &c
		}
	}
	return out
}

func parts(all []audience.Part) []part {
	out := make([]part, len(all))
	for i, p := range all {
		out[i] = part(p)
	}
	return out
}

// plan is what an integrator wants the waiting rings to be.
type plan struct {
	Revision *int64  `json:"revision"`
	Rings    []given `json:"rings"`
}

// given is a ring as it is sent; what an answer has beside it may be sent back, and says
// nothing.
type given struct {
	settings
	State         any `json:"state"`
	OpenedAt      any `json:"opened_at"`
	QuietSince    any `json:"quiet_since"`
	DoneAt        any `json:"done_at"`
	Problem       any `json:"problem"`
	FailedPercent any `json:"failed_percent"`
	Counts        any `json:"counts"`
}

// defaultFailed is the share that may fail where nothing is said of it.
const defaultFailed = 5

func (s given) ring() rollout.Ring {
	r := rollout.Ring{ID: s.ID, Name: s.Name, ByItself: s.Advance == byItself, MaxFailedPercent: defaultFailed, Settle: time.Duration(s.SettleMinutes) * time.Minute}
	if s.MaxFailedPercent != nil {
		r.MaxFailedPercent = *s.MaxFailedPercent
	}
	for _, p := range s.Audience.Include {
		r.Audience.Include = append(r.Audience.Include, audience.Part(p))
	}
	for _, p := range s.Audience.Exclude {
		r.Audience.Exclude = append(r.Audience.Exclude, audience.Part(p))
	}
	return r
}

type share struct {
	Value string `json:"value"`
	counts
}

type sample struct {
	At *time.Time `json:"at"`
	counts
}

type move struct {
	At    *time.Time    `json:"at"`
	Event rollout.Event `json:"event"`
	Ring  string        `json:"ring"`
	Note  string        `json:"note"`
	By    *person       `json:"by"`
}
