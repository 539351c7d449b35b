package api

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/api/rings"
	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/fatigue"
)

// me is GET /me: whom this key speaks for.
func (d *Door) me(c *gin.Context, a broadcast.Actor) error {
	c.JSON(http.StatusOK, gin.H{"id": a.ID, "name": a.Name, "roles": a.Roles})
	return nil
}

type reachJSON struct {
	Total    int            `json:"total"`    // ready + waiting + all excluded
	Ready    int            `json:"ready"`    // would get it at once
	Waiting  int            `json:"waiting"`  // would get it when they have the bot
	Excluded []rings.Reason `json:"excluded"` // would not get it, by reason
	Sample   []string       `json:"sample"`   // a few names of those who would
	Channels int            `json:"channels"` // would get a post; in none of the numbers above
	Closed   []rings.Reason `json:"closed"`   // channels nobody can post in, by reason
	Warning  string         `json:"warning"`  // how far the directory can be relied on; "" for well enough
	Outside  *outsideJSON   `json:"outside"`  // of total: whom the caller may not reach; null for nobody
	Fatigue  fatigueJSON    `json:"fatigue"`
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
	out := reachJSON{Total: r.Total, Ready: r.Ready, Waiting: r.Waiting, Excluded: rings.ReasonsOf(r.Excluded), Sample: []string{}, Channels: r.Channels, Closed: rings.ReasonsOf(r.Closed), Outside: outsideOf(found), Fatigue: fatigueOf(fatigue.Of(r.Got, d.o.Fatigue))}
	out.Sample = append(out.Sample, r.Sample...)
	fresh, err := d.o.People.Freshness(c.Request.Context(), a)
	if err != nil {
		return err
	}
	out.Warning = fresh.Warning()
	c.JSON(http.StatusOK, out)
	return nil
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

// listInstallations is GET /rollout/people?state=&reason=&q=&department=&country=&ring=&after=&limit=.
func (d *Door) listInstallations(c *gin.Context, a broadcast.Actor) error {
	q := &query{c: c}
	ask := broadcast.InstallQuery{
		State: oneOf(q, "state", broadcast.InstallationStates()), Reason: oneOf(q, "reason", broadcast.Reasons()),
		Text: q.text("q"), After: broadcast.EntraID(q.text("after")), Limit: q.limit(),
		Department: q.text("department"), Country: q.text("country"), Ring: q.text("ring"),
	}
	if q.err != nil {
		return q.err
	}
	page, err := d.o.Rollout.Installations(c.Request.Context(), a, ask)
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
