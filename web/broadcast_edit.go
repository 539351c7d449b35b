package web

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/audience"
	"github.com/fanfare/fanfare/broadcast/message"
	"github.com/fanfare/fanfare/web/form"
	"github.com/fanfare/fanfare/web/frame"
	"github.com/fanfare/fanfare/web/words"
)

// editPage is the editor in every state: empty, filled, wrong, overtaken.
type editPage struct {
	frame.Page
	Form     draft
	B        *broadcast.Broadcast // as it is stored; empty for a new one
	Problems broadcast.Problems
	Trouble  string // what is wrong with the whole, in a sentence
	Theirs   *theirs
	Hits     []audience.Hit
	Searched bool
	Look     look
	Limits   limits
	Shelf    shelf
}

// theirs is the version somebody else saved meanwhile.
type theirs struct {
	*broadcast.Broadcast
	By string
	At time.Time
}

// InShort is their plan in one line.
func (t theirs) InShort() []words.Sentence { return words.PlanInShort(t.Broadcast) }

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
func (p editPage) Voids() bool {
	return p.State() == broadcast.InReview || p.State() == broadcast.Approved
}

// State is where the stored broadcast stands.
func (p editPage) State() broadcast.State { return p.B.State }

// Correction tells whether this changes an announcement that people have: then its
// audience is given, and of its plan only the priority is to be chosen.
func (p editPage) Correction() bool { return p.B.Kind == broadcast.KindEdit }

// Welcomes tells whether it goes to whoever comes: then there is no audience and no plan
// to choose.
func (p editPage) Welcomes() bool { return p.B.Welcomes() }

// InShort is the typed plan in one line.
func (p editPage) InShort() []words.Sentence {
	b := p.Form.Into(p.B)
	return words.PlanInShort(&b)
}

// PlanOpen tells whether the part about sending is unfolded: somebody is at work in
// it, or something in it is wrong.
func (p editPage) PlanOpen() bool {
	return p.Form.Plan.RingLooked || strings.HasSuffix(p.Form.Verb(), "-ring") ||
		slices.ContainsFunc(p.Problems, func(e *broadcast.Error) bool { return strings.HasPrefix(e.Field, "plan.") })
}

// draft is what somebody typed.
type draft = form.Draft

// readDraft reads the form the editor posts and its modules send.
func readDraft(c *gin.Context) (draft, error) {
	if err := frame.ParseForm(c); err != nil {
		return draft{}, err
	}
	return form.ReadDraft(c.Request.PostForm, c.Param("id")), nil
}

func (d *Door) newBroadcast(c *gin.Context, a broadcast.Actor) error {
	return d.editor(c, a, http.StatusOK, editPage{Form: draft{Plan: form.PlanOf(broadcast.Plan{})}})
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
	return d.editor(c, a, http.StatusOK, editPage{Form: form.DraftOf(b), B: b})
}

// editor shows the form with the preview the words in it would give.
func (d *Door) editor(c *gin.Context, a broadcast.Actor, status int, p editPage) error {
	if p.B == nil {
		kept, err := d.kept(c.Request.Context(), a, p.Form.ID)
		if err != nil {
			return err
		}
		p.B = kept
	}
	title := "Write an announcement"
	switch {
	case p.Correction():
		title = "Correct what people have"
	case p.Welcomes():
		title = "Write the welcome message"
	case p.Form.ID != "":
		title = "Edit the announcement"
	}
	p.Page = d.Page(c, title, sectionOf(p.B))
	p.Scripts, p.Card = []string{"editor.js"}, true
	p.Limits = limits{message.MaxTitle, message.MaxBody, message.MaxImageAlt, message.MaxButtons, message.MaxButtonTitle, d.o.SizeLimit}
	look, err := d.lookAt(a, p.Form.Into(p.B), p.Form.LookIn)
	if err != nil {
		return err
	}
	p.Look = look
	if !p.Correction() && !p.Welcomes() {
		if p.Shelf.Saved, err = d.savedOptions(c.Request.Context(), a); err != nil {
			return err
		}
	}
	d.Render(c, status, "edit", p)
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
	if form.Rearrange() {
		return d.showRearranged(c, a, form)
	}
	b, err := d.keep(c, a, form)
	if err != nil {
		return d.editAgain(c, a, form, err)
	}
	if frame.WantsData(c) {
		c.JSON(http.StatusOK, saved{b.ID, b.Revision, b.State, d.o.Now()})
		return nil
	}
	if form.Do != "submit" {
		c.Redirect(http.StatusSeeOther, "/broadcasts/"+string(b.ID)+"/edit?said=saved")
		return nil
	}
	form.ID, form.Revision = b.ID, b.Revision
	if _, _, missing := form.Plan.Plan(); len(missing) > 0 && b.Kind == broadcast.KindAnnouncement {
		return d.editAgain(c, a, form, missing)
	}
	if _, err := d.service.Do(c.Request.Context(), a, broadcast.EventSubmit, broadcast.Ask{ID: b.ID, Revision: b.Revision}); err != nil {
		return d.editAgain(c, a, form, err)
	}
	c.Redirect(http.StatusSeeOther, "/broadcasts/"+string(b.ID)+"?said=submit")
	return nil
}

func (d *Door) keep(c *gin.Context, a broadcast.Actor, form draft) (*broadcast.Broadcast, error) {
	plan, wrong, _ := form.Plan.Plan()
	if len(wrong) > 0 {
		return nil, wrong
	}
	ctx, typed := c.Request.Context(), broadcast.Proposal{Message: form.Message, Audience: form.Audience, Plan: plan}
	if form.ID == "" {
		return d.service.Create(ctx, a, typed)
	}
	b, err := d.service.Edit(ctx, a, form.ID, form.Revision, typed)
	if !broadcast.IsCode(err, broadcast.Conflict) {
		return b, err
	}
	// A save whose answer was lost on the way is tried again: the same words are no conflict.
	form.Message = form.Message.Trimmed()
	if now, getErr := d.service.Get(ctx, a, form.ID); getErr == nil {
		if mine := form.Into(now); now.Hash() == mine.Hash() && now.Can(a, broadcast.EventEdit) {
			return now, nil
		}
	}
	return nil, err
}

// showRearranged answers the buttons of people without script: nothing is saved,
// nothing they typed is lost.
func (d *Door) showRearranged(c *gin.Context, a broadcast.Actor, form draft) error {
	p := editPage{Form: form, Searched: form.Do == "find-parts"}
	p.Form.Plan.RingLooked = form.Do == "find-ring"
	ctx, err := c.Request.Context(), error(nil)
	switch {
	case p.Searched:
		p.Hits, err = d.service.FindParts(ctx, a, form.Search)
	case form.Do == "use-audience":
		p.Shelf, err = d.useSaved(ctx, a, &p.Form)
	case form.Do == "save-audience":
		p.Shelf, err = d.keepSaved(ctx, a, p.Form)
	case p.Form.Plan.RingLooked:
		p.Form.Plan.RingHits, err = d.service.Groups(ctx, a, form.Plan.RingSearch)
	}
	if err != nil && broadcast.AsError(err) == nil {
		return err
	}
	if err != nil {
		p.Trouble = broadcast.AsMessage(err)
	}
	return d.editor(c, a, http.StatusOK, p)
}
