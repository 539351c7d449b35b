package web

import (
	"net/http"
	"strconv"

	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/broadcast"
)

// recipientsPage is who gets a broadcast, and what became of it.
type recipientsPage struct {
	frame
	B          *broadcast.Broadcast
	Tabs       []tab
	Tab        tab
	Reasons    []broadcast.ReasonCount // of the current tab
	Reason     broadcast.Reason
	Text       string
	Deliveries []broadcast.Delivery
	First      string
	Next       string
}

func (d *Door) listRecipients(c *gin.Context, a broadcast.Actor) error {
	ctx, id := c.Request.Context(), broadcast.ID(c.Param("id"))
	b, err := d.service.Get(ctx, a, id)
	if err != nil {
		return err
	}
	after, _ := strconv.ParseInt(c.Query("after"), 10, 64) // garbled is the first page
	q := broadcast.RecipientQuery{
		BroadcastID: id, State: broadcast.DeliveryState(c.Query("state")), Reason: broadcast.Reason(c.Query("reason")),
		Text: c.Query("q"), After: after,
	}
	found, err := d.service.Recipients(ctx, a, q)
	if err != nil {
		return err
	}
	reasons, err := d.service.Reasons(ctx, a, id)
	if err != nil {
		return err
	}
	p := recipientsPage{
		frame: d.frame(c, "Recipients of “"+titleOf(b)+"”", "list"), B: b,
		Reason: q.Reason, Text: q.Text, Deliveries: found.Deliveries, Reasons: reasonsOf(reasons, q.State),
	}
	here := "/broadcasts/" + string(id) + "/recipients"
	p.Tabs, p.Tab = pickTab(recipientTabs(b.Tally), string(q.State), func(name string) string {
		return link(here, "state", name, "q", q.Text)
	})
	if found.Next != 0 {
		p.Next = link(here, "state", string(q.State), "reason", string(q.Reason), "q", q.Text, "after", strconv.FormatInt(found.Next, 10))
	}
	if after != 0 {
		p.First = link(here, "state", string(q.State), "reason", string(q.Reason), "q", q.Text)
	}
	d.render(c, http.StatusOK, "recipients", p)
	return nil
}

// recipientTabs has a tab for each state that has people in it.
func recipientTabs(t broadcast.Tally) []tab {
	tabs := []tab{{Words: "All", Count: num(t.Total)}}
	for _, s := range shown {
		if n := t.Of(s); n > 0 {
			tabs = append(tabs, tab{Name: string(s), Words: deliveryWords(s), Count: num(n)})
		}
	}
	return tabs
}

func reasonsOf(all []broadcast.ReasonCount, s broadcast.DeliveryState) []broadcast.ReasonCount {
	var out []broadcast.ReasonCount
	for _, r := range all {
		if s == "" || r.State == s {
			out = append(out, r)
		}
	}
	return out
}
