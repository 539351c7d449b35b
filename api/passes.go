package api

import (
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/broadcast"
)

// correct is POST /broadcasts/{id}/correct: a draft that will replace the message
// where it was received. One at a time: an unsent one is answered again.
func (d *Door) correct(c *gin.Context, a broadcast.Actor) error {
	id, err := broadcastID(c)
	if err != nil {
		return err
	}
	var in struct{}
	if err := readOptionalJSON(c, &in); err != nil {
		return err
	}
	edit, err := d.service.Correct(c.Request.Context(), a, id)
	if err != nil {
		return err
	}
	c.Header("Location", v1+"/broadcasts/"+string(edit.ID))
	c.JSON(http.StatusCreated, asJSON(edit, a))
	return nil
}

// listPasses is GET /broadcasts/{id}/passes: its corrections and recalls, newest first.
func (d *Door) listPasses(c *gin.Context, a broadcast.Actor) error {
	b, err := d.find(c, a)
	if err != nil {
		return err
	}
	passes, err := d.service.Passes(c.Request.Context(), a, b.ID)
	if err != nil {
		return err
	}
	rows := make([]broadcastJSON, len(passes))
	for i := range passes {
		rows[i] = asJSON(&passes[i], a)
	}
	c.JSON(http.StatusOK, gin.H{"passes": rows})
	return nil
}

type attemptJSON struct {
	Number    int        `json:"number"`
	At        *time.Time `json:"at"`
	Status    int        `json:"status"` // HTTP's; 0 for a network error
	Code      string     `json:"code"`
	Detail    string     `json:"detail"`
	MaybeSent bool       `json:"maybe_sent"`
}

// listAttempts is GET /broadcasts/{id}/recipients/{delivery}/attempts: the failed
// tries at one recipient, oldest first.
func (d *Door) listAttempts(c *gin.Context, a broadcast.Actor) error {
	b, err := d.find(c, a)
	if err != nil {
		return err
	}
	delivery, err := strconv.ParseInt(c.Param("delivery"), 10, 64)
	if err != nil || delivery <= 0 {
		return broadcast.Errorf(broadcast.NotFound, "There is no recipient with this ID. The recipients' list has them.")
	}
	attempts, err := d.service.Attempts(c.Request.Context(), a, b.ID, delivery)
	if err != nil {
		return err
	}
	rows := make([]attemptJSON, len(attempts))
	for i, t := range attempts {
		rows[i] = attemptJSON{t.Number, moment(t.At), t.Status, t.Code, t.Detail, t.MaybeSent}
	}
	c.JSON(http.StatusOK, gin.H{"attempts": rows})
	return nil
}
