package web

import (
	"context"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/web/sse"
	"github.com/fanfare/fanfare/web/words"
)

const (
	hintAge = time.Minute // how old the list's hint may be
	liveAge = time.Second // how old the rollout page's figures may be
)

// rolloutPage is how the app comes to people, and who stands in its way.
type rolloutPage struct {
	frame
	R        broadcast.Rollout
	Now      rolloutNow
	Reasons  []words.Share
	Excluded []words.Share
	Tabs     []tab
	Tab      tab
	Reason   broadcast.Reason
	Text     string
	Rows     []broadcast.InstallRow
	First    string
	Next     string
	Ask      string
}

// Running tells whether the app is being installed for everybody.
func (p rolloutPage) Running() bool { return p.R.State == broadcast.RolloutRunning }

// ToCome is how many people Start would want the app for.
func (p rolloutPage) ToCome() int { return p.R.Untouched + p.R.Refused + p.R.Wanted }

// rolloutNow is the live part, shaped like progress.
type rolloutNow struct {
	State   broadcast.RolloutState `json:"state"`
	Percent string                 `json:"percent"`
	Texts   map[string]string      `json:"texts"`
	Bars    []bar                  `json:"bars"`
	Ends    int                    `json:"ends"`
}

func rolloutOf(r broadcast.Rollout) rolloutNow {
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
	out := rolloutNow{State: r.State, Percent: words.Percent(r.Installed, whole), Ends: r.Refused + r.Removed + r.Blocked, Texts: map[string]string{
		"line": words.Num(r.Installed) + " of " + words.People(whole) + " have the app.", "addressed": words.Num(r.Addressed),
	}}
	before := 0
	for _, c := range counts {
		out.Texts[c.name] = words.Num(c.n)
		out.Bars = append(out.Bars, bar{c.name, c.words, words.Num(c.n), words.Percent(before, whole), words.Percent(c.n, whole)})
		before += c.n
	}
	return out
}

func (d *Door) showRollout(c *gin.Context, a broadcast.Actor) error {
	ctx := c.Request.Context()
	r, err := d.rollout.look(ctx, a, 0)
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
	p := rolloutPage{
		frame: d.frame(c, "Rollout", "rollout"), R: r, Now: rolloutOf(r), Reasons: words.Shares(r.Reasons), Excluded: words.Shares(r.Excluded),
		Reason: q.Reason, Text: q.Text, Rows: found.Rows, Ask: c.Query("ask"),
	}
	p.Scripts = []string{"rollout.js"}
	if p.Running() && r.Wanted > 0 {
		p.Refresh = 10
	}
	p.Tabs, p.Tab = pickTab(installTabs(r), string(q.State), func(name string) string {
		return link("/rollout", "state", name, "q", q.Text)
	})
	if found.Next != "" {
		p.Next = link("/rollout", "state", string(q.State), "reason", string(q.Reason), "q", q.Text, "after", string(found.Next))
	}
	if q.After != "" {
		p.First = link("/rollout", "state", string(q.State), "reason", string(q.Reason), "q", q.Text)
	}
	d.render(c, http.StatusOK, "rollout", p)
	return nil
}

func installTabs(r broadcast.Rollout) []tab {
	counts := map[broadcast.InstallationState]int{
		broadcast.InstallationWanted: r.Wanted, broadcast.InstallationInstalled: r.Installed, broadcast.InstallationRefused: r.Refused,
		broadcast.InstallationRemoved: r.Removed, broadcast.InstallationBlocked: r.Blocked,
	}
	tabs := []tab{{Words: "All"}}
	for _, s := range broadcast.InstallationStates() {
		tabs = append(tabs, tab{Name: string(s), Words: words.Install(s), Count: words.Num(counts[s])})
	}
	return tabs
}

func (d *Door) followRollout(c *gin.Context, a broadcast.Actor) error {
	return d.stream(c, func(ctx context.Context) (sse.News, error) {
		r, err := d.rollout.look(ctx, a, liveAge)
		return sse.News{Data: rolloutOf(r)}, err
	})
}

func (d *Door) startRollout(c *gin.Context, a broadcast.Actor) error {
	if err := d.service.StartRollout(c.Request.Context(), a); err != nil {
		return err
	}
	c.Redirect(http.StatusSeeOther, "/rollout?said=start")
	return nil
}

func (d *Door) pauseRollout(c *gin.Context, a broadcast.Actor) error {
	if err := d.service.PauseRollout(c.Request.Context(), a); err != nil {
		return err
	}
	c.Redirect(http.StatusSeeOther, "/rollout?said=hold")
	return nil
}
