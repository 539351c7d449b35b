package web

import (
	"net/http"
	"strconv"

	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/web/frame"
	"github.com/fanfare/fanfare/web/words"
)

// recipientsPage is who gets a broadcast, and what became of it.
type recipientsPage struct {
	frame.Page
	B          *broadcast.Broadcast
	Tabs       []frame.Tab
	Tab        frame.Tab
	Reasons    []broadcast.ReasonCount // of the current tab
	Reason     broadcast.Reason
	Text       string
	Deliveries []broadcast.Delivery
	First      string
	Next       string
	Retry      *retryLink
}

// retryLink leads to the dialog that tries again those who are shown.
type retryLink struct{ Link, Words string }

// Failures says how many tries at a person failed, "" if none did.
func (p recipientsPage) Failures(d broadcast.Delivery) string {
	n := d.Attempts
	if d.State == broadcast.DeliverySent {
		n--
	}
	switch {
	case n <= 0:
		return ""
	case n == 1:
		return "1 failed try"
	}
	return words.Num(n) + " failed tries"
}

// retryOf is where failed people are tried again: all, or those with one reason.
func retryOf(b *broadcast.Broadcast, a broadcast.Actor, q broadcast.RecipientQuery, failed []broadcast.ReasonCount) *retryLink {
	if q.State != broadcast.DeliveryFailed || !b.Can(a, broadcast.EventRetry) {
		return nil
	}
	n := b.Tally.Failed
	if q.Reason != "" {
		n = 0
		for _, r := range failed {
			if r.Reason == q.Reason {
				n += r.Count
			}
		}
	}
	if n == 0 {
		return nil
	}
	return &retryLink{frame.Link("/broadcasts/"+string(b.ID), "ask", "retry", "reason", string(q.Reason)), "Try " + words.Count(b.Audience, n) + " again…"}
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
		Page: d.Page(c, "Recipients of “"+titleOf(b)+"”", "list"), B: b,
		Reason: q.Reason, Text: q.Text, Deliveries: found.Deliveries, Reasons: reasonsOf(reasons, q.State),
	}
	p.Scripts, p.Retry = []string{"tries.js"}, retryOf(b, a, q, p.Reasons)
	here := "/broadcasts/" + string(id) + "/recipients"
	p.Tabs, p.Tab = frame.PickTab(recipientTabs(b), string(q.State), func(name string) string {
		return frame.Link(here, "state", name, "q", q.Text)
	})
	if found.Next != 0 {
		p.Next = frame.Link(here, "state", string(q.State), "reason", string(q.Reason), "q", q.Text, "after", strconv.FormatInt(found.Next, 10))
	}
	if after != 0 {
		p.First = frame.Link(here, "state", string(q.State), "reason", string(q.Reason), "q", q.Text)
	}
	d.Render(c, http.StatusOK, "recipients", p)
	return nil
}

// recipientTabs has a tab for each state that has people in it.
func recipientTabs(b *broadcast.Broadcast) []frame.Tab {
	t := b.Tally
	tabs := []frame.Tab{{Words: "All", Count: words.Num(t.Total)}}
	for _, s := range shown {
		if n := t.Of(s); n > 0 {
			tabs = append(tabs, frame.Tab{Name: string(s), Words: words.Delivery(b.Kind, s), Count: words.Num(n)})
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

// attemptsPage is every failed try at one recipient.
type attemptsPage struct {
	frame.Page
	B        *broadcast.Broadcast
	Attempts []broadcast.Attempt
}

type attemptsAnswer struct {
	HTML string `json:"html"`
}

// showAttempts answers the list of recipients when somebody unfolds a person's failed
// tries; without script it is a page of its own.
func (d *Door) showAttempts(c *gin.Context, a broadcast.Actor) error {
	ctx := c.Request.Context()
	delivery, err := strconv.ParseInt(c.Param("delivery"), 10, 64)
	if err != nil {
		return broadcast.Errorf(broadcast.NotFound, "There is no such recipient.")
	}
	p := attemptsPage{Page: d.Page(c, "Failed tries", "list")}
	if p.B, err = d.service.Get(ctx, a, broadcast.ID(c.Param("id"))); err != nil {
		return err
	}
	if p.Attempts, err = d.service.Attempts(ctx, a, p.B.ID, delivery); err != nil {
		return err
	}
	if !frame.WantsData(c) {
		d.Render(c, http.StatusOK, "attempts", p)
		return nil
	}
	html, err := d.Part("attempts", p.Attempts)
	if err != nil {
		return err
	}
	c.JSON(http.StatusOK, attemptsAnswer{html})
	return nil
}
