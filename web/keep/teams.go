package keep

import (
	"net/http"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/join"
	"github.com/fanfare/fanfare/web/frame"
)

// TeamsPage is the app for teams.
type TeamsPage struct {
	frame.Page
	Teams   []join.Team
	Text    string
	Found   []FoundTeam
	Problem string // why nothing could be found
}

// FoundTeam is a team to choose.
type FoundTeam struct {
	broadcast.GroupHit
	Listed bool // already on the list
}

// StateWords is how a team stands, in a word.
func (TeamsPage) StateWords(s join.State) string {
	return map[join.State]string{join.Wanted: "To be installed", join.Installed: "Installed", join.Refused: "Refused"}[s]
}

// ShowTeams shows the teams an admin wants the app in, and finds others.
func (d *Door) ShowTeams(c *gin.Context, a broadcast.Actor) error {
	ctx := c.Request.Context()
	teams, err := d.joins.List(ctx, a)
	if err != nil {
		return err
	}
	p := TeamsPage{Page: d.Page(c, "The app in teams", "rollout"), Teams: teams, Text: strings.TrimSpace(c.Query("q"))}
	if slices.ContainsFunc(teams, func(t join.Team) bool { return t.State == join.Wanted }) {
		p.Refresh = 10
	}
	if p.Admin() && p.Text != "" {
		hits, err := d.joins.Find(ctx, a, p.Text)
		if err != nil {
			p.Problem = broadcast.AsMessage(err)
		}
		for _, h := range hits {
			p.Found = append(p.Found, FoundTeam{h, slices.ContainsFunc(teams, func(t join.Team) bool { return strings.EqualFold(t.GroupID, h.ID) })})
		}
	}
	d.Render(c, http.StatusOK, "teams", p)
	return nil
}

// WantTeam wants the app in a team, or tries once more.
func (d *Door) WantTeam(c *gin.Context, a broadcast.Actor) error {
	if err := d.joins.Want(c.Request.Context(), a, c.Param("group")); err != nil {
		return err
	}
	c.Redirect(http.StatusSeeOther, "/rollout/teams?said=team-wanted")
	return nil
}

// ForgetTeam takes a team off the list.
func (d *Door) ForgetTeam(c *gin.Context, a broadcast.Actor) error {
	if err := d.joins.Forget(c.Request.Context(), a, c.Param("group")); err != nil {
		return err
	}
	c.Redirect(http.StatusSeeOther, "/rollout/teams?said=team-forgotten")
	return nil
}
