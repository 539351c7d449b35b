package web

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/web/form"
	"github.com/fanfare/fanfare/web/frame"
)

// moveBroadcast is the handler of every button that moves a broadcast.
func (d *Door) moveBroadcast(ev broadcast.Event) frame.Handler {
	return func(c *gin.Context, a broadcast.Actor) error {
		ask, typed, err := readAsk(c)
		if err != nil {
			return d.moveRefused(c, a, ev, typed, err)
		}
		b, err := d.service.Do(c.Request.Context(), a, ev, ask)
		if err != nil {
			return d.moveRefused(c, a, ev, typed, err)
		}
		done := string(ev)
		if _, special := said["welcome-"+done]; special && b.Welcomes() && !b.StartedAt.IsZero() {
			done = "welcome-" + done
		}
		c.Redirect(http.StatusSeeOther, "/broadcasts/"+string(ask.ID)+"?said="+done)
		return nil
	}
}

// readAsk reads a dialog.
func readAsk(c *gin.Context) (broadcast.Ask, asked, error) {
	if err := frame.ParseForm(c); err != nil {
		return broadcast.Ask{}, asked{}, err
	}
	f := c.Request.PostForm
	typed := asked{Note: strings.TrimSpace(f.Get("note")), At: f.Get("at"), Reason: broadcast.Reason(f.Get("reason"))}
	revision, _ := strconv.ParseInt(f.Get("revision"), 10, 64) // 0 does not compare
	ask := broadcast.Ask{ID: broadcast.ID(c.Param("id")), Revision: revision, Note: typed.Note, Reason: typed.Reason}
	if ask.Reason != "" && !slices.Contains(broadcast.Reasons(), ask.Reason) {
		return ask, typed, broadcast.Errorf(broadcast.Invalid, "There is no reason %q. Choose one from the list.", ask.Reason)
	}
	at, wrong := form.Time{Typed: typed.At, Moment: f.Get("at_moment")}.Read("at")
	if wrong != nil {
		return ask, typed, wrong
	}
	ask.DueAt = at
	return ask, typed, nil
}

// moveRefused shows the broadcast as it stands now, with the reason, and the
// dialog with what was typed where that can be mended there.
func (d *Door) moveRefused(c *gin.Context, a broadcast.Actor, ev broadcast.Event, typed asked, err error) error {
	e := broadcast.AsError(err)
	if e == nil || e.Code == broadcast.NotFound || frame.WantsData(c) {
		return err
	}
	p := showPage{Asked: typed}
	switch {
	case e.Field == "note" || e.Field == "at":
		p.Ask, p.Asked.Problem = string(ev), e.Message
	case e.Code == broadcast.Invalid && e.Field != "":
		p.Trouble = "It cannot be " + ev.Participle() + " like this:"
		p.Mend = allProblems(err)
	default:
		p.Trouble = e.Message
	}
	return d.show(c, a, e.Code.HTTPStatus(), broadcast.ID(c.Param("id")), p)
}

func allProblems(err error) broadcast.Problems {
	var out broadcast.Problems
	for _, p := range frame.ProblemsOf(err) {
		out = append(out, &broadcast.Error{Code: broadcast.Invalid, Field: p.Field, Message: p.Message})
	}
	return out
}

// duplicateBroadcast begins a new draft with the same words and audience.
func (d *Door) duplicateBroadcast(c *gin.Context, a broadcast.Actor) error {
	ctx := c.Request.Context()
	b, err := d.service.Get(ctx, a, broadcast.ID(c.Param("id")))
	if err != nil {
		return err
	}
	copied, err := d.service.Create(ctx, a, b.Proposal())
	if err != nil {
		return err
	}
	c.Redirect(http.StatusSeeOther, "/broadcasts/"+string(copied.ID)+"/edit?said=duplicate")
	return nil
}
