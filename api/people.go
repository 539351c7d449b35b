package api

import (
	"cmp"
	"net/http"
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/broadcast"
)

// me is GET /me: whom this key speaks for.
func (d *Door) me(c *gin.Context, a broadcast.Actor) error {
	c.JSON(http.StatusOK, gin.H{"id": a.ID, "name": a.Name, "roles": a.Roles})
	return nil
}

type reachJSON struct {
	Total    int          `json:"total"`    // ready + waiting + all excluded
	Ready    int          `json:"ready"`    // would get it at once
	Waiting  int          `json:"waiting"`  // would get it when they have the bot
	Excluded []reasonJSON `json:"excluded"` // would not get it, by reason
	Sample   []string     `json:"sample"`   // a few names of those who would
	Channels int          `json:"channels"` // would get a post; in none of the numbers above
	Closed   []reasonJSON `json:"closed"`   // channels nobody can post in, by reason
	Warning  string       `json:"warning"`  // how far the directory can be relied on; "" for well enough
	Outside  *outsideJSON `json:"outside"`  // of total: whom the caller may not reach; null for nobody
	Fatigue  fatigueJSON  `json:"fatigue"`
}

// reach is POST /audience/reach: who would get a message now.
func (d *Door) reach(c *gin.Context, a broadcast.Actor) error {
	var in audienceJSON
	if err := readJSON(c, &in); err != nil {
		return err
	}
	ctx, to := c.Request.Context(), in.audience()
	r, err := d.service.Reach(ctx, a, to)
	if err != nil {
		return err
	}
	found, err := d.o.Scopes.Look(ctx, a, to)
	if err != nil {
		return err
	}
	strain, err := d.o.Fatigue.Strain(ctx, a, to)
	if err != nil {
		return err
	}
	out := reachJSON{Total: r.Total, Ready: r.Ready, Waiting: r.Waiting, Excluded: counted(r.Excluded), Sample: []string{}, Channels: r.Channels, Closed: counted(r.Closed), Outside: outsideOf(found), Fatigue: fatigueOf(strain)}
	out.Sample = append(out.Sample, r.Sample...)
	fresh, err := d.o.People.Freshness(c.Request.Context(), a)
	if err != nil {
		return err
	}
	out.Warning = fresh.Warning()
	c.JSON(http.StatusOK, out)
	return nil
}

// counted is a count by reason as a list, the largest first.
func counted(counts map[broadcast.Reason]int) []reasonJSON {
	out := []reasonJSON{}
	for r, n := range counts {
		out = append(out, reasonJSON{Reason: r, Text: r.Words(), Remedy: r.Remedy(), Count: n})
	}
	slices.SortFunc(out, func(a, b reasonJSON) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Reason, b.Reason))
	})
	return out
}

type groupHitJSON struct {
	groupJSON
	Mail        string `json:"mail"`
	Description string `json:"description"`
	Kind        string `json:"kind"`
}

// findGroups is GET /groups?q=: groups to choose from.
func (d *Door) findGroups(c *gin.Context, a broadcast.Actor) error {
	q := &query{c: c}
	text := q.text("q")
	if q.err != nil {
		return q.err
	}
	hits, err := d.service.Groups(c.Request.Context(), a, text)
	if err != nil {
		return err
	}
	rows := make([]groupHitJSON, len(hits))
	for i, h := range hits {
		rows[i] = groupHitJSON{groupJSON(h.Group), h.Mail, h.Description, h.Kind}
	}
	c.JSON(http.StatusOK, gin.H{"groups": rows})
	return nil
}

type rolloutJSON struct {
	State       broadcast.RolloutState `json:"state"`
	By          *personJSON            `json:"by"`
	ChangedAt   *time.Time             `json:"changed_at"`
	Eligible    int                    `json:"eligible"`
	Installed   int                    `json:"installed"`
	Addressed   int                    `json:"addressed"` // of installed: whose conversation is known
	Wanted      int                    `json:"wanted"`
	Refused     int                    `json:"refused"`
	Removed     int                    `json:"removed"`
	Blocked     int                    `json:"blocked"`
	Untouched   int                    `json:"untouched"`
	Reasons     []reasonJSON           `json:"reasons"`
	DirectoryAt *time.Time             `json:"directory_at"` // when the directory was last read to its end
	Directory   directoryJSON          `json:"directory"`
	People      int                    `json:"people"`
	Excluded    []reasonJSON           `json:"excluded"` // of people: who cannot have the app
}

func (d *Door) showRollout(c *gin.Context, a broadcast.Actor) error {
	r, err := d.service.Rollout(c.Request.Context(), a)
	if err != nil {
		return err
	}
	fresh, err := d.o.People.Freshness(c.Request.Context(), a)
	if err != nil {
		return err
	}
	c.JSON(http.StatusOK, rolloutJSON{
		Directory: directoryOf(fresh),
		State:     r.State, By: person(r.By), ChangedAt: moment(r.ChangedAt), Eligible: r.Eligible, Installed: r.Installed,
		Addressed: r.Addressed, Wanted: r.Wanted, Refused: r.Refused, Removed: r.Removed, Blocked: r.Blocked,
		Untouched: r.Untouched, Reasons: counted(r.Reasons), DirectoryAt: moment(r.DirectoryAt), People: r.People, Excluded: counted(r.Excluded),
	})
	return nil
}

func (d *Door) startRollout(c *gin.Context, a broadcast.Actor) error {
	if err := d.service.StartRollout(c.Request.Context(), a); err != nil {
		return err
	}
	return d.showRollout(c, a)
}

func (d *Door) pauseRollout(c *gin.Context, a broadcast.Actor) error {
	if err := d.service.PauseRollout(c.Request.Context(), a); err != nil {
		return err
	}
	return d.showRollout(c, a)
}

type installationJSON struct {
	EntraID    broadcast.EntraID           `json:"entra_id"`
	Name       string                      `json:"name"`
	UPN        string                      `json:"upn"`
	State      broadcast.InstallationState `json:"state"`
	Reason     broadcast.Reason            `json:"reason"`
	ReasonText string                      `json:"reason_text"`
	Detail     string                      `json:"detail"`
	Attempts   int                         `json:"attempts"`
	UpdatedAt  *time.Time                  `json:"updated_at"`
}

// listInstallations is GET /rollout/people?state=&reason=&q=&after=&limit=.
func (d *Door) listInstallations(c *gin.Context, a broadcast.Actor) error {
	q := &query{c: c}
	ask := broadcast.InstallQuery{
		State: oneOf(q, "state", broadcast.InstallationStates()), Reason: oneOf(q, "reason", broadcast.Reasons()),
		Text: q.text("q"), After: broadcast.EntraID(q.text("after")), Limit: q.limit(),
	}
	if q.err != nil {
		return q.err
	}
	page, err := d.service.Installations(c.Request.Context(), a, ask)
	if err != nil {
		return err
	}
	rows := make([]installationJSON, len(page.Rows))
	for i, r := range page.Rows {
		rows[i] = installationJSON{r.EntraID, r.Name, r.UPN, r.State, r.Reason, r.Reason.Words(), r.Detail, r.Attempts, moment(r.UpdatedAt)}
	}
	c.JSON(http.StatusOK, gin.H{"people": rows, "next": nextOf(page.Next)})
	return nil
}
