package admin

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/who"
	"github.com/fanfare/fanfare/pace"
	"github.com/fanfare/fanfare/rollout"
	"github.com/fanfare/fanfare/web/frame"
	"github.com/fanfare/fanfare/web/sse"
	"github.com/fanfare/fanfare/web/words"
)

// RolloutPage is how the app comes to people, and who stands in its way.
type RolloutPage struct {
	frame.Page
	R        rollout.Rollout
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
	Chart    *Chart // nil for nothing to show
	Moves    []rollout.Move
	Query    broadcast.InstallQuery
}

// Running tells whether the app is being installed for everybody.
func (p RolloutPage) Running() bool { return p.R.State == broadcast.RolloutRunning }

// ToCome is how many people Start would want the app for.
func (p RolloutPage) ToCome() int { return p.R.Untouched + p.R.Refused + p.R.Wanted }

// NextRing is the ring that opens next; nil if all were opened, or if there is only the last.
func (p RolloutPage) NextRing() *rollout.Ring {
	next, waits := p.R.Next()
	if !waits || !p.R.InRings() {
		return nil
	}
	return &next
}

// Begins tells whether the next ring is the first: opening it starts the rollout.
func (p RolloutPage) Begins() bool { return p.NextRing() != nil && !p.R.Rings[0].Opened() }

// Filter is whom the list of people is narrowed to beside their state, in words; "" for nobody.
func (p RolloutPage) Filter() string {
	ring := p.Query.Ring
	for _, r := range p.R.Rings {
		if r.ID == ring {
			ring = r.Name
		}
	}
	switch {
	case p.Query.Department != "":
		return "the department " + p.Query.Department
	case p.Query.Country != "":
		return "the country " + p.Query.Country
	case ring != "":
		return "the ring “" + ring + "”"
	}
	return ""
}

// RolloutNow is the live part, shaped like progress.
type RolloutNow struct {
	State   broadcast.RolloutState `json:"state"`
	Stamp   string                 `json:"stamp"` // the page's buttons and notes are read anew when it changes
	Percent string                 `json:"percent"`
	Texts   map[string]string      `json:"texts"`
	Bars    []frame.Bar            `json:"bars"`
	Ends    int                    `json:"ends"`
}

// RolloutOf words how far the rollout has come.
func RolloutOf(r rollout.Rollout, e pace.Estimate) RolloutNow {
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
	out := RolloutNow{State: r.State, Stamp: fmt.Sprint(r.State, r.Revision), Percent: words.Percent(r.Installed, whole), Ends: r.Refused + r.Removed + r.Blocked, Texts: map[string]string{
		"line": words.Num(r.Installed) + " of " + words.People(whole) + " have the app.", "addressed": words.Num(r.Addressed), "speed": words.Speed(e),
	}}
	for _, ring := range r.Rings {
		for name, text := range RingTexts(ring) {
			out.Texts[name] = text
		}
	}
	before := 0
	for _, c := range counts {
		out.Texts[c.name] = words.Num(c.n)
		out.Bars = append(out.Bars, frame.Bar{Name: c.name, Words: c.words, Count: words.Num(c.n), From: words.Percent(before, whole), Width: words.Percent(c.n, whole)})
		before += c.n
	}
	return out
}

// RingColumns are the live figures of a ring in their order: the name of RingTexts, and
// the heading.
func RingColumns() []frame.Tab {
	return []frame.Tab{{Name: "installed", Words: "Installed"}, {Name: "wanted", Words: "To come"}, {Name: "refused", Words: "Refused"}, {Name: "left", Words: "Removed or blocked"}, {Name: "failed", Words: "Failed"}}
}

// RingTexts are a ring's live figures, by the name of their element.
func RingTexts(r rollout.Ring) map[string]string {
	failed := "–"
	if r.Counts.Settled() > 0 {
		failed = fmt.Sprintf("%.1f %%", r.FailedPercent())
	}
	c, of := r.Counts, func(name string) string { return "ring-" + r.ID + "-" + name }
	return map[string]string{
		of("installed"): words.Num(c.Installed) + " of " + words.Num(c.Eligible()), of("wanted"): words.Num(c.Left()), of("refused"): words.Num(c.Refused),
		of("left"): words.Num(c.Removed + c.Blocked), of("failed"): failed,
	}
}

// ShowRollout shows how the app comes to people.
func (d *Door) ShowRollout(c *gin.Context, a broadcast.Actor) error {
	ctx := c.Request.Context()
	r, err := d.rollout.Glance(ctx, a)
	if err != nil {
		return err
	}
	q := broadcast.InstallQuery{
		State: broadcast.InstallationState(c.Query("state")), Reason: broadcast.Reason(c.Query("reason")), Text: c.Query("q"),
		After: broadcast.EntraID(c.Query("after")), Department: c.Query("department"), Country: c.Query("country"), Ring: c.Query("ring"),
	}
	found, err := d.rollout.Installations(ctx, a, q)
	if err != nil {
		return err
	}
	p := RolloutPage{
		Page: d.Page(c, "Rollout", "rollout"), R: r, Reasons: words.Shares(r.Reasons), Excluded: words.Shares(r.Excluded),
		Reason: q.Reason, Text: q.Text, Rows: found.Rows, Ask: c.Query("ask"), Query: q,
	}
	if err := d.watch(ctx, a, &p); err != nil {
		return err
	}
	p.Scripts = []string{"rollout.js"}
	if p.Running() && r.Wanted > 0 {
		p.Refresh = 10
	}
	link := func(state, reason string, after broadcast.EntraID) string {
		return frame.Link("/rollout", "state", state, "reason", reason, "q", q.Text, "department", q.Department, "country", q.Country, "ring", q.Ring, "after", string(after))
	}
	p.Tabs, p.Tab = frame.PickTab(InstallTabs(r), string(q.State), func(name string) string { return link(name, "", "") })
	if found.Next != "" {
		p.Next = link(string(q.State), string(q.Reason), found.Next)
	}
	if q.After != "" {
		p.First = link(string(q.State), string(q.Reason), "")
	}
	d.Render(c, http.StatusOK, "rollout", p)
	return nil
}

// chartSpan is how far back the chart looks.
const chartSpan = 30 * 24 * time.Hour

// watch fills in what is shown beside the people: how it goes, and how it went.
func (d *Door) watch(ctx context.Context, a broadcast.Actor, p *RolloutPage) error {
	e, err := d.rollout.Pace(ctx, p.R)
	if err != nil {
		return err
	}
	p.Now = RolloutOf(p.R, e)
	if p.Fresh, err = d.people.Freshness(ctx, a); err != nil {
		return err
	}
	samples, err := d.rollout.Samples(ctx, a, d.now().Add(-chartSpan))
	if err != nil {
		return err
	}
	p.Chart = ChartOf(samples, d.now())
	p.Moves, err = d.rollout.Moves(ctx, a)
	return err
}

// InstallTabs has a tab for each state an installation may be in.
func InstallTabs(r rollout.Rollout) []frame.Tab {
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
		r, err := d.rollout.Glance(ctx, a)
		if err != nil {
			return sse.News{}, err
		}
		e, err := d.rollout.Pace(ctx, r)
		return sse.News{Data: RolloutOf(r, e)}, err
	})
}

// StartRollout wants the app for everybody.
func (d *Door) StartRollout(c *gin.Context, a broadcast.Actor) error {
	if err := d.rollout.Start(c.Request.Context(), a); err != nil {
		return err
	}
	c.Redirect(http.StatusSeeOther, "/rollout?said=start")
	return nil
}

// PauseRollout stops installing.
func (d *Door) PauseRollout(c *gin.Context, a broadcast.Actor) error {
	if err := d.rollout.Pause(c.Request.Context(), a); err != nil {
		return err
	}
	c.Redirect(http.StatusSeeOther, "/rollout?said=hold")
	return nil
}

// ByPage is how it stands by department or country.
type ByPage struct {
	frame.Page
	Field  string
	Shares []rollout.Share
	More   int // how many are not shown
}

// sharesShown is how many departments or countries are shown: those with most trouble.
const sharesShown = 100

// Link is the list of people of a share in a state.
func (p ByPage) Link(value, state string) string {
	return frame.Link("/rollout", p.Field, value, "state", state)
}

// ShowBy shows which departments or countries have most trouble.
func (d *Door) ShowBy(c *gin.Context, a broadcast.Actor) error {
	field := c.Param("field")
	shares, err := d.rollout.By(c.Request.Context(), a, field)
	if err != nil {
		return err
	}
	p := ByPage{Page: d.Page(c, "Rollout by "+field, "rollout"), Field: field, Shares: shares[:min(len(shares), sharesShown)]}
	p.More = len(shares) - len(p.Shares)
	d.Render(c, http.StatusOK, "rollout_by", p)
	return nil
}
