package keep

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/broadcast"
)

type joinJSON struct {
	GroupID  string     `json:"group_id"`
	Name     string     `json:"name"`
	State    string     `json:"state"`
	Reason   *string    `json:"reason"`
	Words    *string    `json:"reason_text"`
	Remedy   *string    `json:"remedy"`
	Detail   *string    `json:"detail"`
	Attempts int        `json:"attempts"`
	NextTry  *time.Time `json:"next_try_at"` // of one that is wanted
	By       *byJSON    `json:"by"`
	AskedAt  time.Time  `json:"asked_at"`
	At       time.Time  `json:"updated_at"`
}

// ListTeams is GET /installed-teams: where an admin wants the app, and how far that is.
func (d *Door) ListTeams(c *gin.Context, a broadcast.Actor) error {
	teams, err := d.joins.List(c.Request.Context(), a)
	if err != nil {
		return err
	}
	out := []joinJSON{}
	for _, t := range teams {
		j := joinJSON{
			GroupID: t.GroupID, Name: t.Name, State: string(t.State), Reason: text(string(t.Reason)), Detail: text(t.Detail), Attempts: t.Attempts,
			By: by(t.By), AskedAt: t.AskedAt, At: t.UpdatedAt,
		}
		if t.Reason != "" {
			j.Words, j.Remedy = text(t.Words()), text(t.Remedy())
		}
		if t.State == "wanted" {
			j.NextTry = moment(t.NotBefore)
		}
		out = append(out, j)
	}
	c.JSON(http.StatusOK, gin.H{"teams": out})
	return nil
}

type foundTeamJSON struct {
	GroupID     string  `json:"group_id"`
	Name        string  `json:"name"`
	Mail        *string `json:"mail"`
	Description *string `json:"description"`
}

// FindTeams is GET /installed-teams/find?q=: teams of the organisation to choose from.
func (d *Door) FindTeams(c *gin.Context, a broadcast.Actor) error {
	hits, err := d.joins.Find(c.Request.Context(), a, c.Query("q"))
	if err != nil {
		return err
	}
	out := []foundTeamJSON{}
	for _, h := range hits {
		out = append(out, foundTeamJSON{h.ID, h.Name, text(h.Mail), text(h.Description)})
	}
	c.JSON(http.StatusOK, gin.H{"teams": out})
	return nil
}

// InstallInTeam is PUT /installed-teams/:group: want the app there, or try once more.
func (d *Door) InstallInTeam(c *gin.Context, a broadcast.Actor) error {
	if err := d.joins.Want(c.Request.Context(), a, c.Param("group")); err != nil {
		return err
	}
	return d.ListTeams(c, a)
}

// ForgetTeam is DELETE /installed-teams/:group: the app stays where it is.
func (d *Door) ForgetTeam(c *gin.Context, a broadcast.Actor) error {
	if err := d.joins.Forget(c.Request.Context(), a, c.Param("group")); err != nil {
		return err
	}
	c.Status(http.StatusNoContent)
	return nil
}
