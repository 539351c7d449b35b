package api

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/audience"
)

type recipientJSON struct {
	ID            int64                   `json:"id"`
	Kind          string                  `json:"kind"`     // "person" or "channel"
	EntraID       broadcast.EntraID       `json:"entra_id"` // of a channel: its own ID
	Name          string                  `json:"name"`
	UPN           string                  `json:"upn"`
	State         broadcast.DeliveryState `json:"state"`
	Reason        broadcast.Reason        `json:"reason"`
	ReasonText    string                  `json:"reason_text"`
	Code          string                  `json:"code"`   // Microsoft's, of the last attempt
	Detail        string                  `json:"detail"` // Microsoft's words
	Attempts      int                     `json:"attempts"`
	ActivityID    string                  `json:"activity_id"`
	MaybeRepeated bool                    `json:"maybe_repeated"`
	UpdatedAt     *time.Time              `json:"updated_at"`
}

// listRecipients is GET /broadcasts/{id}/recipients?state=&reason=&q=&after=&limit=.
// Walking with after = next visits every recipient once, whatever changes meanwhile.
func (d *Door) listRecipients(c *gin.Context, a broadcast.Actor) error {
	id, err := broadcastID(c)
	if err != nil {
		return err
	}
	q := &query{c: c}
	ask := broadcast.RecipientQuery{
		BroadcastID: id, State: oneOf(q, "state", broadcast.DeliveryStates()), Reason: oneOf(q, "reason", broadcast.Reasons()),
		Text: q.text("q"), After: q.number("after"), Limit: q.limit(),
	}
	if q.err != nil {
		return q.err
	}
	page, err := d.service.Recipients(c.Request.Context(), a, ask)
	if err != nil {
		return err
	}
	rows := make([]recipientJSON, len(page.Deliveries))
	for i, r := range page.Deliveries {
		rows[i] = recipientJSON{
			ID: r.ID, Kind: "person", EntraID: r.EntraID, Name: r.Name, UPN: r.UPN, State: r.State, Reason: r.Reason, ReasonText: r.Reason.Words(),
			Code: r.Code, Detail: r.Detail, Attempts: r.Attempts, ActivityID: r.ActivityID, MaybeRepeated: r.MaybeSent, UpdatedAt: moment(r.UpdatedAt),
		}
		if audience.IsChannel(string(r.EntraID)) {
			rows[i].Kind = "channel"
		}
	}
	c.JSON(http.StatusOK, gin.H{"recipients": rows, "next": nextOf(page.Next)})
	return nil
}

type reasonJSON struct {
	State  broadcast.DeliveryState `json:"state,omitempty"`
	Reason broadcast.Reason        `json:"reason"`
	Text   string                  `json:"reason_text"`
	Remedy string                  `json:"remedy"`
	Count  int                     `json:"count"`
}

// listReasons is GET /broadcasts/{id}/reasons: how many ended in which state, why,
// and what can be done about it.
func (d *Door) listReasons(c *gin.Context, a broadcast.Actor) error {
	b, err := d.find(c, a)
	if err != nil {
		return err
	}
	counts, err := d.service.Reasons(c.Request.Context(), a, b.ID)
	if err != nil {
		return err
	}
	rows := make([]reasonJSON, len(counts))
	for i, r := range counts {
		rows[i] = reasonJSON{r.State, r.Reason, r.Reason.Words(), r.Reason.Remedy(), r.Count}
	}
	c.JSON(http.StatusOK, gin.H{"reasons": rows})
	return nil
}
