package web

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/web/frame"
	"github.com/fanfare/fanfare/web/words"
)

// showPage is one broadcast: what it says, to whom, how far it is, who did what.
type showPage struct {
	frame.Page
	B       *broadcast.Broadcast
	Target  *broadcast.Broadcast  // of a correction or a recall: its announcement
	Passes  []broadcast.Broadcast // of an announcement: its corrections and recalls
	Looks   []look                // in each language; the first is for everybody else
	History []broadcast.Move
	Now     progress
	Whole   int             // people it is about
	First   broadcast.Tally // of the first wave, while it is held
	Reach   *reachPart      // only where it was asked for: counting groups asks Microsoft
	Outcome []outcome
	Ask     string // the dialog that is open: an event, or ""
	Asked   asked  // what they typed into it
	Trouble string // why the last move did not happen
	Mend    broadcast.Problems
	Warning string // before it is sent: how far the directory can be relied on
}

// asked keeps what somebody typed into a dialog that was refused.
type asked struct {
	Note, At, Problem string
	Reason            broadcast.Reason
}

// outcome is how many people ended in a state for a reason.
type outcome struct {
	broadcast.ReasonCount
	Link string
}

// Failed tells whether these are people to be tried again.
func (o outcome) Failed() bool { return o.State == broadcast.DeliveryFailed }

// Can shows a button exactly when the use-case would let this person press it.
func (p showPage) Can(ev string) bool { return p.B.Can(p.Me, broadcast.Event(ev)) }

// CanCorrect tells whether this person may begin to correct what was received.
func (p showPage) CanCorrect() bool {
	return p.Me.MayWrite() && p.Announcement() && p.B.Kind != broadcast.KindPost && !p.B.StartedAt.IsZero() && p.B.RecalledAt.IsZero()
}

// Announcement tells whether this is sent to an audience.
func (p showPage) Announcement() bool { return !p.Changes() && !p.Welcomes() }

// Changes tells whether this changes what people have.
func (p showPage) Changes() bool { return p.B.Kind.Changes() }

// Welcomes tells whether this goes to whoever comes.
func (p showPage) Welcomes() bool { return p.B.Welcomes() }

// sectionOf is the part of the menu a broadcast belongs to.
func sectionOf(b *broadcast.Broadcast) string {
	if b.Welcomes() {
		return "welcome"
	}
	return "list"
}

// Noun is what this is, in a sentence.
func (p showPage) Noun() string {
	return cmp.Or(strings.ToLower(words.Kind(p.B.Kind)), "announcement")
}

// PassesLive tells whether a correction or a recall of it is under way.
func (p showPage) PassesLive() bool {
	return slices.ContainsFunc(p.Passes, func(b broadcast.Broadcast) bool { return b.State.Live() })
}

// Begun tells whether it was ever sent.
func (p showPage) Begun() bool { return !p.B.StartedAt.IsZero() }

// OwnWork tells an approver why they see no Approve button.
func (p showPage) OwnWork() bool {
	return p.B.State == broadcast.InReview && p.Me.Has(broadcast.RoleApprover) && p.B.Edited(p.Me.ID)
}

// Follow tells whether figures still change: then the page listens to them.
func (p showPage) Follow() bool { return p.B.State.Live() || p.B.Tally.Left() > 0 }

// Unsent tells whether this is still its author's draft, which is discarded rather than cancelled.
func (p showPage) Unsent() bool {
	return p.B.State == broadcast.Draft || p.B.State == broadcast.Rejected
}

// Listed tells whether anybody is on the list of recipients.
func (p showPage) Listed() bool { return p.B.Tally.Total > 0 }

func (d *Door) showBroadcast(c *gin.Context, a broadcast.Actor) error {
	p := showPage{Ask: c.Query("ask"), Asked: asked{Reason: broadcast.Reason(c.Query("reason"))}}
	return d.show(c, a, http.StatusOK, broadcast.ID(c.Param("id")), p)
}

// show fills the page of a broadcast; p comes with what is special this time.
func (d *Door) show(c *gin.Context, a broadcast.Actor, status int, id broadcast.ID, p showPage) error {
	ctx := c.Request.Context()
	b, err := d.service.Get(ctx, a, id)
	if err != nil {
		return err
	}
	p.Page, p.B = d.Page(c, titleOf(b), sectionOf(b)), b
	p.Scripts, p.Card = []string{"show.js"}, true
	if p.Looks, err = d.looks(a, b); err != nil {
		return err
	}
	if p.History, err = d.service.History(ctx, a, id); err != nil {
		return err
	}
	if err := d.relate(ctx, a, &p); err != nil {
		return err
	}
	if b.State.Live() || p.PassesLive() {
		p.Refresh = 5
	}
	p.stand()
	if p.Announcement() && !p.Begun() {
		if p.Warning, err = d.stale(ctx, a); err != nil {
			return err
		}
	}
	if p.Listed() {
		if p.Outcome, err = d.outcomes(c, a, id); err != nil {
			return err
		}
	} else if p.Announcement() && (p.Ask != "" || c.Query("count") != "") {
		counted, err := d.reach(ctx, a, b.Audience, b)
		if err != nil {
			return err
		}
		p.Reach = &counted
	}
	d.Render(c, status, "show", p)
	return nil
}

// stand words how far it is.
func (p *showPage) stand() {
	now := words.Now{Standing: standingOf(p.B), Kind: p.B.Kind, To: p.B.Audience}
	p.Now, p.Whole = progressOf(now), now.Whole()
}

func (d *Door) outcomes(c *gin.Context, a broadcast.Actor, id broadcast.ID) ([]outcome, error) {
	counts, err := d.service.Reasons(c.Request.Context(), a, id)
	if err != nil {
		return nil, err
	}
	out := make([]outcome, len(counts))
	for i, n := range counts {
		out[i] = outcome{n, frame.Link("/broadcasts/"+string(id)+"/recipients", "state", string(n.State), "reason", string(n.Reason))}
	}
	return out, nil
}

func titleOf(b *broadcast.Broadcast) string {
	if b.Message.Title == "" {
		return "Untitled draft"
	}
	return b.Message.Title
}
