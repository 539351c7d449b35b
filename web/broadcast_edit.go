package web

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/broadcast"
)

// editPage is the editor in every state: empty, filled, wrong, overtaken.
type editPage struct {
	frame
	Form     draft
	State    broadcast.State
	Problems broadcast.Problems
	Trouble  string // what is wrong with the whole, in a sentence
	Theirs   *theirs
	Hits     []broadcast.GroupHit
	Searched bool
	Look     look
	Limits   limits
}

// theirs is the version somebody else saved meanwhile.
type theirs struct {
	*broadcast.Broadcast
	By string
	At time.Time
}

// limits is what the counters beside the fields count up to.
type limits struct{ Title, Body, Alt, Buttons, ButtonTitle, Size int }

// Of is the sentence about a field, or "".
func (p editPage) Of(field string) string { return sentenceAbout(p.Problems, field) }

func sentenceAbout(all broadcast.Problems, field string) string {
	for _, e := range all {
		if e.Field == field {
			return e.Message
		}
	}
	return ""
}

// buttonRow is one row of the buttons' part of the form.
type buttonRow struct {
	I int
	broadcast.Button
	BadTitle, BadURL string
}

// fieldID is the element to go to for a field's problem.
func fieldID(field string) string {
	if field == "" {
		return "editor"
	}
	return field
}

// Action is where the form is posted.
func (p editPage) Action() string {
	if p.Form.ID == "" {
		return "/broadcasts"
	}
	return "/broadcasts/" + string(p.Form.ID) + "/edit"
}

// Voids tells whether saving takes a review or an approval away.
func (p editPage) Voids() bool { return p.State == broadcast.InReview || p.State == broadcast.Approved }

func (d *Door) newBroadcast(c *gin.Context, a broadcast.Actor) error {
	return d.editor(c, a, http.StatusOK, editPage{State: broadcast.Draft})
}

func (d *Door) editBroadcast(c *gin.Context, a broadcast.Actor) error {
	b, err := d.service.Get(c.Request.Context(), a, broadcast.ID(c.Param("id")))
	if err != nil {
		return err
	}
	if !b.Can(a, broadcast.EventEdit) {
		c.Redirect(http.StatusSeeOther, "/broadcasts/"+string(b.ID))
		return nil
	}
	return d.editor(c, a, http.StatusOK, editPage{Form: draftOf(b), State: b.State})
}

// editor shows the form with the preview the words in it would give.
func (d *Door) editor(c *gin.Context, a broadcast.Actor, status int, p editPage) error {
	title := "Write an announcement"
	if p.Form.ID != "" {
		title = "Edit the announcement"
	}
	p.frame = d.frame(c, title, "list")
	p.Scripts, p.Card = []string{"editor.js"}, true
	p.Limits = limits{broadcast.MaxTitle, broadcast.MaxBody, broadcast.MaxImageAlt, broadcast.MaxButtons, broadcast.MaxButtonTitle, d.o.SizeLimit}
	if p.State == "" {
		p.State = broadcast.Draft
	}
	look, err := d.lookOf(c.Request.Context(), a, p.Form)
	if err != nil {
		return err
	}
	p.Look = look
	d.render(c, status, "edit", p)
	return nil
}

// saved is what autosave learns.
type saved struct {
	ID       broadcast.ID    `json:"id"`
	Revision int64           `json:"revision"`
	State    broadcast.State `json:"state"`
	SavedAt  time.Time       `json:"saved_at"`
}

// saveBroadcast stores the form as a draft, for the person's buttons and for
// autosave alike; "submit" hands it to review as well.
func (d *Door) saveBroadcast(c *gin.Context, a broadcast.Actor) error {
	form, err := readDraft(c)
	if err != nil {
		return err
	}
	if form.rearrange() {
		return d.showRearranged(c, a, form)
	}
	b, err := d.keep(c, a, form)
	if err != nil {
		return d.editAgain(c, a, form, err)
	}
	if wantsData(c) {
		c.JSON(http.StatusOK, saved{b.ID, b.Revision, b.State, d.o.Now()})
		return nil
	}
	if form.Do != "submit" {
		c.Redirect(http.StatusSeeOther, "/broadcasts/"+string(b.ID)+"/edit?said=saved")
		return nil
	}
	form.ID, form.Revision = b.ID, b.Revision
	if _, err := d.service.Do(c.Request.Context(), a, broadcast.EventSubmit, broadcast.Ask{ID: b.ID, Revision: b.Revision}); err != nil {
		return d.editAgain(c, a, form, err)
	}
	c.Redirect(http.StatusSeeOther, "/broadcasts/"+string(b.ID)+"?said=submit")
	return nil
}

func (d *Door) keep(c *gin.Context, a broadcast.Actor, form draft) (*broadcast.Broadcast, error) {
	if form.ID == "" {
		return d.service.Create(c.Request.Context(), a, broadcast.Proposal{Message: form.Message, Audience: form.Audience})
	}
	ctx := c.Request.Context()
	b, err := d.service.Edit(ctx, a, form.ID, form.Revision, broadcast.Proposal{Message: form.Message, Audience: form.Audience})
	if !broadcast.IsCode(err, broadcast.Conflict) {
		return b, err
	}
	// A save whose answer was lost on the way is tried again: the same words are no conflict.
	mine := broadcast.Broadcast{Message: form.Message.Trimmed(), Audience: form.Audience}
	if now, getErr := d.service.Get(ctx, a, form.ID); getErr == nil && now.Hash() == mine.Hash() && now.Can(a, broadcast.EventEdit) {
		return now, nil
	}
	return nil, err
}

// showRearranged answers the buttons of people without script: nothing is saved,
// nothing they typed is lost.
func (d *Door) showRearranged(c *gin.Context, a broadcast.Actor, form draft) error {
	p := editPage{Form: form, Searched: form.Do == "find-groups"}
	if p.Searched {
		hits, err := d.service.Groups(c.Request.Context(), a, form.Search)
		if err != nil && broadcast.AsError(err) == nil {
			return err
		}
		if err != nil {
			p.Trouble = broadcast.AsMessage(err)
		}
		p.Hits = hits
	}
	return d.editor(c, a, http.StatusOK, p)
}
