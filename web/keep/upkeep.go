package keep

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/pace"
	"github.com/fanfare/fanfare/upkeep"
	"github.com/fanfare/fanfare/web/frame"
	"github.com/fanfare/fanfare/web/sse"
	"github.com/fanfare/fanfare/web/words"
)

// liveAge is how old the figures may be while somebody looks at them.
const liveAge = time.Second

// UpkeepPage is whether installations are as they should be.
type UpkeepPage struct {
	frame.Page
	S        upkeep.Standing
	Now      UpkeepNow
	Found    []FoundLine
	Versions []upkeep.VersionCount
	Moves    []upkeep.Move
	Ask      string
}

// FoundLine is one finding of the pass, in words.
type FoundLine struct {
	People       int
	Words, Means string
	Bad          bool
}

// UpkeepNow is the live part, shaped like progress.
type UpkeepNow struct {
	State   string            `json:"state"`
	Percent string            `json:"percent"`
	Texts   map[string]string `json:"texts"`
	Bars    []frame.Bar       `json:"bars"`
	Ends    int               `json:"ends"`
}

// meanings are the findings in words, and what follows.
var meanings = map[upkeep.Finding]struct {
	words, means string
	bad          bool
}{
	upkeep.Fine:        {"As it should be", "", false},
	upkeep.Outdated:    {"Older version", "“Upgrade everybody” brings them to the newest one.", false},
	upkeep.Upgraded:    {"Upgraded", "They have the newest version now.", false},
	upkeep.NotUpgraded: {"Not upgraded", "They keep the older version; the next pass tries again.", true},
	upkeep.Found:       {"There after all", "Fanfare did not know, and does now: an event was missed.", false},
	upkeep.PutBack:     {"Vanished, and being put back", "Nobody removed it, as far as Teams told: it is installed again.", false},
	upkeep.Vanished:    {"Vanished, and left alone", "They may have removed it themselves without Fanfare hearing of it.", true},
	upkeep.Fresh:       {"Changed just now", "Looked at by the next pass.", false},
	upkeep.Unknown:     {"Could not be looked at", "The next pass tries again.", true},
}

// UpkeepOf words how far the pass is.
func UpkeepOf(s upkeep.Standing, e pace.Estimate) UpkeepNow {
	p := s.Pass
	if p == nil {
		out := UpkeepNow{State: "none", Texts: map[string]string{"line": "Nobody has been looked at yet.", "speed": ""}}
		out.add(0, 0, 0)
		return out
	}
	bad := 0
	for _, c := range s.Found {
		if meanings[c.Finding].bad {
			bad += c.People
		}
	}
	left := 0
	if p.Live() {
		left = max(0, p.Total-p.Looked)
	}
	out := UpkeepNow{State: strconv.Itoa(p.Number) + string(p.State) + p.Problem, Ends: p.Looked, Texts: map[string]string{
		"line": words.Num(p.Looked) + " of " + words.People(p.Looked+left) + " looked at.", "speed": "",
	}}
	if p.State == upkeep.Running && e.Known {
		out.Texts["speed"] = fmt.Sprintf("%.1f a second; %s to go.", e.Rate, words.Between(e.Low, e.High))
	}
	out.add(p.Looked-bad, bad, left)
	return out
}

// add adds the bar.
func (n *UpkeepNow) add(right, bad, left int) {
	whole, before := right+bad+left, 0
	n.Percent = words.Percent(right+bad, whole)
	for _, b := range []struct {
		name, words string
		n           int
	}{{"installed", "Right, or mended", right}, {"refused", "Needs a look", bad}, {"wanted", "Still to come", left}} {
		n.Texts[b.name] = words.Num(b.n)
		n.Bars = append(n.Bars, frame.Bar{Name: b.name, Words: b.words, Count: words.Num(b.n), From: words.Percent(before, whole), Width: words.Percent(b.n, whole)})
		before += b.n
	}
}

// FoundOf words what a pass found, in the order of upkeep.Findings.
func FoundOf(counts []upkeep.Count) []FoundLine {
	var out []FoundLine
	for _, f := range upkeep.Findings() {
		for _, c := range counts {
			if c.Finding != f || c.People == 0 {
				continue
			}
			m := meanings[f]
			line := FoundLine{People: c.People, Words: m.words, Means: m.means, Bad: m.bad}
			if c.Reason != "" {
				line.Words, line.Means = m.words+": "+c.Reason.Words(), c.Reason.Remedy()
			}
			out = append(out, line)
		}
	}
	return out
}

// WhatWords says what somebody did here.
func (p UpkeepPage) WhatWords(what string) string {
	said := map[string]string{
		upkeep.MoveCheck: "had everybody looked at", upkeep.MoveUpgrade: "had everybody upgraded", upkeep.MovePause: "paused it", upkeep.MoveResume: "went on with it",
		upkeep.MoveStop: "stopped it", upkeep.MoveOn: "switched putting back on", upkeep.MoveOff: "switched putting back off", upkeep.MovePutBack: "had the app put back where it vanished",
	}
	if w, ok := said[what]; ok {
		return w
	}
	return what
}

// Live tells whether a pass is under way.
func (p UpkeepPage) Live() bool { return p.S.Pass.Live() }

// Newest tells whether people have nothing but the catalogue's version.
func (p UpkeepPage) Newest() bool {
	return !slices.ContainsFunc(p.Versions, func(v upkeep.VersionCount) bool { return upkeep.Older(v.Version, p.S.Published) })
}

// ShowUpkeep shows whether installations are as they should be.
func (d *Door) ShowUpkeep(c *gin.Context, a broadcast.Actor) error {
	ctx := c.Request.Context()
	s, err := d.look.Look(ctx, a, 0)
	if err != nil {
		return err
	}
	p := UpkeepPage{Page: d.Page(c, "Upkeep", "rollout"), S: s, Now: UpkeepOf(s, d.estimate(s)), Found: FoundOf(s.Found), Ask: c.Query("ask")}
	if p.Versions, err = d.upkeep.Versions(ctx, a); err != nil {
		return err
	}
	if p.Moves, err = d.upkeep.Moves(ctx, a); err != nil {
		return err
	}
	p.Scripts = []string{"rollout.js"}
	if p.Live() {
		p.Refresh = 10
	}
	d.Render(c, http.StatusOK, "upkeep", p)
	return nil
}

// estimate is how long the pass will take, measured by those who look.
func (d *Door) estimate(s upkeep.Standing) pace.Estimate {
	if s.Pass == nil {
		return pace.Estimate{}
	}
	now := broadcast.Standing{Tally: broadcast.Tally{Total: s.Pass.Total, Ready: max(0, s.Pass.Total-s.Pass.Looked), Sent: s.Pass.Looked}}
	if s.Pass.State == upkeep.Running {
		now.State = broadcast.Sending
	}
	return d.pace.See(broadcast.ID(strconv.Itoa(s.Pass.Number)), now, d.now())
}

// FollowUpkeep streams how far the pass is.
func (d *Door) FollowUpkeep(c *gin.Context, a broadcast.Actor) error {
	return d.Stream(c, func(ctx context.Context) (sse.News, error) {
		s, err := d.look.Look(ctx, a, liveAge)
		return sse.News{Data: UpkeepOf(s, d.estimate(s))}, err
	})
}

// Steer answers a button of the page.
func (d *Door) Steer(said string, do func(context.Context, broadcast.Actor) error) frame.Handler {
	return func(c *gin.Context, a broadcast.Actor) error {
		if err := do(c.Request.Context(), a); err != nil {
			return err
		}
		c.Redirect(http.StatusSeeOther, "/rollout/upkeep?said="+said)
		return nil
	}
}

// Routes are what an admin can do on the page Upkeep.
func (d *Door) Routes(admins frame.Who) []frame.Route {
	u := d.upkeep
	begin := func(upgrade bool) func(context.Context, broadcast.Actor) error {
		return func(ctx context.Context, a broadcast.Actor) error { return u.Begin(ctx, a, upgrade) }
	}
	repair := func(on bool) func(context.Context, broadcast.Actor) error {
		return func(ctx context.Context, a broadcast.Actor) error { return u.Repair(ctx, a, on) }
	}
	var out []frame.Route
	for _, r := range []struct {
		path, said string
		do         func(context.Context, broadcast.Actor) error
	}{
		{"check", "looking", begin(false)},
		{"upgrade", "upgrading", begin(true)},
		{"pause", "keep-paused", u.Pause},
		{"resume", "resume", u.Resume},
		{"stop", "keep-stopped", u.Stop},
		{"repair-on", "repair-on", repair(true)},
		{"repair-off", "repair-off", repair(false)},
		{"put-back", "put-back", func(ctx context.Context, a broadcast.Actor) error {
			_, err := u.PutBack(ctx, a)
			return err
		}},
	} {
		out = append(out, frame.Route{Method: http.MethodPost, Path: "/rollout/upkeep/" + r.path, Who: admins, Do: d.Steer(r.said, r.do)})
	}
	return out
}
