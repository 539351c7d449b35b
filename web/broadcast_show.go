package web

import (
	"fmt"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/pace"
)

// showPage is one broadcast: what it says, to whom, how far it is, who did what.
type showPage struct {
	frame
	B       *broadcast.Broadcast
	Look    look
	History []broadcast.Move
	Now     progress
	Reach   *reachPart // only where it was asked for: counting groups asks Microsoft
	Outcome []outcome
	Ask     string // the dialog that is open: an event, or ""
	Asked   asked  // what they typed into it
	Trouble string // why the last move did not happen
	Mend    broadcast.Problems
}

// asked keeps what somebody typed into a dialog that was refused.
type asked struct{ Note, At, Problem string }

// outcome is how many people ended in a state for a reason.
type outcome struct {
	broadcast.ReasonCount
	Link string
}

// Can shows a button exactly when the use-case would let this person press it.
func (p showPage) Can(ev string) bool { return p.B.Can(p.Me, broadcast.Event(ev)) }

// OwnWork tells an approver why they see no Approve button.
func (p showPage) OwnWork() bool {
	return p.B.State == broadcast.InReview && p.Me.Has(broadcast.RoleApprover) && p.B.Edited(p.Me.ID)
}

// Follow tells whether figures still change: then the page listens to them.
func (p showPage) Follow() bool { return p.B.State.Live() || p.B.Tally.Left() > 0 }

// act is a button that moves the broadcast at once.
type act struct {
	ID           broadcast.ID
	Revision     int64 // 0 where the engine's own moves must not get in the way
	Event, Words string
	Class        string
}

// What somebody judged by reading is compared with what they read; pausing and
// resuming are right whatever the engine did meanwhile.
func actOf(p showPage, event, words, class string) act {
	a := act{ID: p.B.ID, Event: event, Words: words, Class: class}
	if event == string(broadcast.EventSubmit) {
		a.Revision = p.B.Revision
	}
	return a
}

// ask is a dialog that says what will happen before it does.
type ask struct {
	B             *broadcast.Broadcast
	Event         string
	Title, Button string
	Open          bool
	Typed         asked
	Reach         *reachPart
}

func askOf(p showPage, event, title, button string) ask {
	a := ask{B: p.B, Event: event, Title: title, Button: button, Open: p.Ask == event, Reach: p.Reach}
	if a.Open {
		a.Typed = p.Asked
	}
	return a
}

// CancelWords says what cancelling does to how many people.
func (a ask) CancelWords() string {
	t := a.B.Tally
	switch {
	case t.Total == 0:
		return "Nobody has received it, and nobody will. It stays on record, and can be duplicated."
	case t.Left() == 0:
		return "Everybody on the list has an outcome already; nothing is taken back."
	}
	return fmt.Sprintf("%s will not get it any more. %s received it already and keep it.", people(t.Left()), people(t.Sent))
}

// Unsent tells whether this is still its author's draft, which is discarded rather than cancelled.
func (p showPage) Unsent() bool {
	return p.B.State == broadcast.Draft || p.B.State == broadcast.Rejected
}

// Listed tells whether the list of recipients is frozen.
func (p showPage) Listed() bool { return p.B.Tally.Total > 0 }

func (d *Door) showBroadcast(c *gin.Context, a broadcast.Actor) error {
	p := showPage{Ask: c.Query("ask")}
	return d.show(c, a, http.StatusOK, broadcast.ID(c.Param("id")), p)
}

// show fills the page of a broadcast; p comes with what is special this time.
func (d *Door) show(c *gin.Context, a broadcast.Actor, status int, id broadcast.ID, p showPage) error {
	ctx := c.Request.Context()
	b, err := d.service.Get(ctx, a, id)
	if err != nil {
		return err
	}
	p.frame, p.B = d.frame(c, titleOf(b), "list"), b
	p.Scripts, p.Card = []string{"show.js"}, true
	if b.State.Live() {
		p.Refresh = 5
	}
	if p.Look, err = d.lookAt(a, *b); err != nil {
		return err
	}
	if p.History, err = d.service.History(ctx, a, id); err != nil {
		return err
	}
	p.Now = progressOf(b.State, b.Tally, pace.Estimate{})
	if p.Listed() {
		if p.Outcome, err = d.outcomes(c, a, id); err != nil {
			return err
		}
	} else if p.Ask != "" || c.Query("count") != "" {
		counted, err := d.reach(ctx, a, b.Audience)
		if err != nil {
			return err
		}
		p.Reach = &counted
	}
	d.render(c, status, "show", p)
	return nil
}

func (d *Door) outcomes(c *gin.Context, a broadcast.Actor, id broadcast.ID) ([]outcome, error) {
	counts, err := d.service.Reasons(c.Request.Context(), a, id)
	if err != nil {
		return nil, err
	}
	out := make([]outcome, len(counts))
	for i, n := range counts {
		out[i] = outcome{n, link("/broadcasts/"+string(id)+"/recipients", "state", string(n.State), "reason", string(n.Reason))}
	}
	return out, nil
}

func titleOf(b *broadcast.Broadcast) string {
	if b.Message.Title == "" {
		return "Untitled draft"
	}
	return b.Message.Title
}
