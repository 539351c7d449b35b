package admin

import (
	"context"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/who"
	"github.com/fanfare/fanfare/web/frame"
	"github.com/fanfare/fanfare/web/sse"
	"github.com/fanfare/fanfare/web/words"
)

// liveAge is how old the rollout page's figures may be.
const liveAge = time.Second

// RolloutPage is how the app comes to people, and who stands in its way.
type RolloutPage struct {
	frame.Page
	R        broadcast.Rollout
	Now      RolloutNow
	Reasons  []words.Share
	Excluded []words.Share
	Tabs     []frame.Tab
	Tab      frame.Tab
	Reason   broadcast.Reason
	Text     string
	Rows     []broadcast.InstallRow
	First    string
	Next     string
	Ask      string
	Fresh    who.Freshness
}

// Running tells whether the app is being installed for everybody.
func (p RolloutPage) Running() bool { return p.R.State == broadcast.RolloutRunning }

// ToCome is how many people Start would want the app for.
func (p RolloutPage) ToCome() int { return p.R.Untouched + p.R.Refused + p.R.Wanted }

// RolloutNow is the live part, shaped like progress.
type RolloutNow struct {
	State   broadcast.RolloutState `json:"state"`
	Percent string                 `json:"percent"`
	Texts   map[string]string      `json:"texts"`
	Bars    []frame.Bar            `json:"bars"`
	Ends    int                    `json:"ends"`
}

// RolloutOf words how far the rollout has come.
func RolloutOf(r broadcast.Rollout) RolloutNow {
	counts := []struct {
		name, words string
		n           int
	}{
		{"installed", "Installed", r.Installed},
		{"removed", "Removed by people", r.Removed},
		{"blocked", "Blocked by people", r.Blocked},
		{"refused", "Refused", r.Refused},
		{"wanted", "To be installed", r.Wanted},
		{"untouched", "Not asked for yet", r.Untouched},
	}
	// The states can hold people who are no longer eligible, so the bar's whole is their sum.
	whole := 0
	for _, c := range counts {
		whole += c.n
	}
	out := RolloutNow{State: r.State, Percent: words.Percent(r.Installed, whole), Ends: r.Refused + r.Removed + r.Blocked, Texts: map[string]string{
		"line": words.Num(r.Installed) + " of " + words.People(whole) + " have the app.", "addressed": words.Num(r.Addressed),
	}}
	before := 0
	for _, c := range counts {
		out.Texts[c.name] = words.Num(c.n)
		out.Bars = append(out.Bars, frame.Bar{Name: c.name, Words: c.words, Count: words.Num(c.n), From: words.Percent(before, whole), Width: words.Percent(c.n, whole)})
		before += c.n
	}
	return out
}

// ShowRollout shows how the app comes to people.
func (d *Door) ShowRollout(c *gin.Context, a broadcast.Actor) error {
	ctx := c.Request.Context()
	r, err := d.rollout.Look(ctx, a, 0)
	if err != nil {
		return err
	}
	q := broadcast.InstallQuery{
		State: broadcast.InstallationState(c.Query("state")), Reason: broadcast.Reason(c.Query("reason")),
		Text: c.Query("q"), After: broadcast.EntraID(c.Query("after")),
	}
	found, err := d.service.Installations(ctx, a, q)
	if err != nil {
		return err
	}
	p := RolloutPage{
		Page: d.Page(c, "Rollout", "rollout"), R: r, Now: RolloutOf(r), Reasons: words.Shares(r.Reasons), Excluded: words.Shares(r.Excluded),
		Reason: q.Reason, Text: q.Text, Rows: found.Rows, Ask: c.Query("ask"),
	}
	if p.Fresh, err = d.people.Freshness(ctx, a); err != nil {
		return err
	}
	p.Scripts = []string{"rollout.js"}
	if p.Running() && r.Wanted > 0 {
		p.Refresh = 10
	}
	p.Tabs, p.Tab = frame.PickTab(InstallTabs(r), string(q.State), func(name string) string {
		return frame.Link("/rollout", "state", name, "q", q.Text)
	})
	if found.Next != "" {
		p.Next = frame.Link("/rollout", "state", string(q.State), "reason", string(q.Reason), "q", q.Text, "after", string(found.Next))
	}
	if q.After != "" {
		p.First = frame.Link("/rollout", "state", string(q.State), "reason", string(q.Reason), "q", q.Text)
	}
	d.Render(c, http.StatusOK, "rollout", p)
	return nil
}

// InstallTabs has a tab for each state an installation may be in.
func InstallTabs(r broadcast.Rollout) []frame.Tab {
	counts := map[broadcast.InstallationState]int{
		broadcast.InstallationWanted: r.Wanted, broadcast.InstallationInstalled: r.Installed, broadcast.InstallationRefused: r.Refused,
		broadcast.InstallationRemoved: r.Removed, broadcast.InstallationBlocked: r.Blocked,
	}
	tabs := []frame.Tab{{Words: "All"}}
	for _, s := range broadcast.InstallationStates() {
		tabs = append(tabs, frame.Tab{Name: string(s), Words: words.Install(s), Count: words.Num(counts[s])})
	}
	return tabs
}

// FollowRollout streams the rollout's figures.
func (d *Door) FollowRollout(c *gin.Context, a broadcast.Actor) error {
	return d.Stream(c, func(ctx context.Context) (sse.News, error) {
		r, err := d.rollout.Look(ctx, a, liveAge)
		return sse.News{Data: RolloutOf(r)}, err
	})
}

// StartRollout wants the app for everybody.
func (d *Door) StartRollout(c *gin.Context, a broadcast.Actor) error {
	if err := d.service.StartRollout(c.Request.Context(), a); err != nil {
		return err
	}
	c.Redirect(http.StatusSeeOther, "/rollout?said=start")
	return nil
}

// PauseRollout stops installing.
func (d *Door) PauseRollout(c *gin.Context, a broadcast.Actor) error {
	if err := d.service.PauseRollout(c.Request.Context(), a); err != nil {
		return err
	}
	c.Redirect(http.StatusSeeOther, "/rollout?said=hold")
	return nil
}
