package api

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/places"
)

type teamJSON struct {
	ID      string       `json:"id"`
	Name    string       `json:"name"`
	GroupID string       `json:"group_id"` // the Entra group behind it; "" until Teams told it
	State   places.State `json:"state"`
	AddedBy *personJSON  `json:"added_by"` // who added the bot; null if nobody told
	Members *int         `json:"members"`  // null until they were read to the end
	ReadAt  *time.Time   `json:"read_at"`
	Problem string       `json:"problem"` // why they could not be read since; "" if nothing is wrong
}

// findTeams is GET /teams?q=&limit=: teams the bot is in, to choose from.
func (d *Door) findTeams(c *gin.Context, a broadcast.Actor) error {
	q := &query{c: c}
	text, limit := q.text("q"), q.limit()
	if q.err != nil {
		return q.err
	}
	hits, err := d.o.Places.Teams(c.Request.Context(), a, text, limit)
	if err != nil {
		return err
	}
	rows := make([]teamJSON, len(hits))
	for i, h := range hits {
		rows[i] = teamJSON{ID: h.ID, Name: h.Words(), GroupID: h.EntraGroupID, State: h.State, AddedBy: person(h.AddedBy), ReadAt: moment(h.ReadAt), Problem: h.Problem}
		if h.Round > 0 {
			rows[i].Members = &h.Members
		}
	}
	c.JSON(http.StatusOK, gin.H{"teams": rows})
	return nil
}

// readRoster is POST /teams/{id}/read: has a team's members read anew, soon.
func (d *Door) readRoster(c *gin.Context, a broadcast.Actor) error {
	if err := d.o.Places.ReadRoster(c.Request.Context(), a, c.Param("id")); err != nil {
		return err
	}
	c.JSON(http.StatusAccepted, gin.H{"asked": true})
	return nil
}

type channelJSON struct {
	ID      string  `json:"id"`
	Name    string  `json:"name"`
	Label   string  `json:"label"` // team › channel
	Tail    string  `json:"tail"`  // the ID's end, which tells those of one label apart
	General bool    `json:"general"`
	Team    refJSON `json:"team"`
}

type refJSON struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// findChannels is GET /channels?q=&limit=: channels the bot can write to, to choose from.
func (d *Door) findChannels(c *gin.Context, a broadcast.Actor) error {
	q := &query{c: c}
	text, limit := q.text("q"), q.limit()
	if q.err != nil {
		return q.err
	}
	hits, err := d.o.Places.Channels(c.Request.Context(), a, text, limit)
	if err != nil {
		return err
	}
	rows := make([]channelJSON, len(hits))
	for i, h := range hits {
		rows[i] = channelJSON{h.Channel.ID, h.Channel.Words(), h.Label(), h.Tail(), h.General(), refJSON{h.Team.ID, h.Team.Words()}}
	}
	c.JSON(http.StatusOK, gin.H{"channels": rows})
	return nil
}
