package admin

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/audience"
	"github.com/fanfare/fanfare/rollout"
	"github.com/fanfare/fanfare/web/form"
	"github.com/fanfare/fanfare/web/frame"
)

// RingPage is one ring in the making: as they typed it, until it can be understood.
type RingPage struct {
	frame.Page
	ID       string // "" for a new one
	Revision int64
	Form     form.Draft // its audience
	Name     string
	ByItself bool
	Most     string // percent
	Settle   string // minutes
	Problems broadcast.Problems
	Trouble  string
	Hits     []audience.Hit
	Searched bool
}

// IsLast tells whether it is the last ring, of which only what it allows can be said.
func (p RingPage) IsLast() bool { return p.ID == rollout.Last }

// Of is the sentence about a field, or "".
func (p RingPage) Of(field string) string {
	for _, e := range p.Problems {
		if e.Field == field {
			return e.Message
		}
	}
	return ""
}

// Settles are the stretches a ring can be watched for, with the one it has.
func (p RingPage) Settles() []time.Duration {
	all := []time.Duration{0, 15 * time.Minute, time.Hour, 4 * time.Hour, 24 * time.Hour, 3 * 24 * time.Hour, 7 * 24 * time.Hour}
	if n, err := strconv.Atoi(p.Settle); err == nil && n > 0 && time.Duration(n)*time.Minute <= rollout.MaxSettle && !slices.Contains(all, time.Duration(n)*time.Minute) {
		all = append(all, time.Duration(n)*time.Minute)
	}
	slices.Sort(all)
	return all
}

// Chosen tells whether a stretch is the one it has.
func (p RingPage) Chosen(d time.Duration) bool { return p.Settle == strconv.Itoa(int(d.Minutes())) }

// What a new ring is to begin with.
const (
	usualMost   = "5"
	usualSettle = "1440"
)

// NewRing shows the form of another ring.
func (d *Door) NewRing(c *gin.Context, a broadcast.Actor) error {
	plan, err := d.rollout.Plan(c.Request.Context(), a)
	if err != nil {
		return err
	}
	return d.showRing(c, http.StatusOK, RingPage{Revision: plan.Revision, Most: usualMost, Settle: usualSettle})
}

// EditRing shows the form of a ring that waits.
func (d *Door) EditRing(c *gin.Context, a broadcast.Actor) error {
	plan, err := d.rollout.Plan(c.Request.Context(), a)
	if err != nil {
		return err
	}
	r, err := plan.Ring(c.Param("id"))
	if err != nil {
		return err
	}
	if r.Opened() {
		return broadcast.Errorf(broadcast.Conflict, "The ring “%s” was opened, so it stays as it is: its people get the app already. Change those that wait, or add another one.", r.Name)
	}
	return d.showRing(c, http.StatusOK, RingPage{
		ID: r.ID, Revision: plan.Revision, Form: form.Draft{Audience: r.Audience}, Name: r.Name, ByItself: r.ByItself,
		Most: strconv.Itoa(r.MaxFailedPercent), Settle: strconv.Itoa(int(r.Settle.Minutes())),
	})
}

func (d *Door) showRing(c *gin.Context, status int, p RingPage) error {
	title := "New ring"
	if p.ID != "" {
		title = "Ring “" + p.Name + "”"
	}
	if p.IsLast() {
		title = "The last ring: everyone"
	}
	p.Page = d.Page(c, title, "rollout")
	p.Scripts = []string{"scopes.js"}
	d.Render(c, status, "ring", p)
	return nil
}

// SaveRing stores a ring, or does what the chooser's buttons ask for.
func (d *Door) SaveRing(c *gin.Context, a broadcast.Actor) error {
	if err := frame.ParseForm(c); err != nil {
		return err
	}
	f := c.Request.PostForm
	p := RingPage{
		ID: c.Param("id"), Revision: revision(c), Form: form.ReadDraft(f, ""), Name: f.Get("name"), ByItself: f.Get("advance") == "by_itself", Most: strings.TrimSpace(f.Get("most")), Settle: f.Get("settle"),
	}
	if p.Form.Rearrange() {
		return d.rearrangedRing(c, a, p)
	}
	plan, err := d.rollout.Plan(c.Request.Context(), a)
	if err != nil {
		return err
	}
	rings, at := p.among(waiting(plan))
	_, err = d.rollout.SetRings(c.Request.Context(), a, p.Revision, rings)
	e := broadcast.AsError(err)
	switch {
	case err == nil:
		c.Redirect(http.StatusSeeOther, "/rollout/rings?said=ringed")
		return nil
	case e == nil || e.Code == broadcast.NotFound || e.Code == broadcast.Forbidden:
		return err
	case !errors.As(err, &p.Problems) && e.Field != "":
		p.Problems = broadcast.Problems{e}
	case len(p.Problems) == 0:
		p.Trouble = e.Message
	}
	for i, problem := range p.Problems { // this form knows one ring
		own := *problem
		own.Field = strings.TrimPrefix(own.Field, "rings."+strconv.Itoa(at)+".")
		p.Problems[i] = &own
	}
	return d.showRing(c, e.Code.HTTPStatus(), p)
}

// among puts what was typed in its place among the rings that wait, a new one before the
// last; garbled numbers are ones that nothing allows.
func (p RingPage) among(rings []rollout.Ring) (all []rollout.Ring, at int) {
	number := func(typed string) int {
		n, err := strconv.Atoi(typed)
		if err != nil {
			return -1
		}
		return n
	}
	typed := rollout.Ring{
		ID: p.ID, Name: p.Name, Audience: p.Form.Audience, ByItself: p.ByItself, MaxFailedPercent: number(p.Most), Settle: time.Duration(number(p.Settle)) * time.Minute,
	}
	if p.IsLast() {
		typed.Settle = 0
	}
	at = slices.IndexFunc(rings, func(r rollout.Ring) bool { return r.ID == p.ID })
	if at >= 0 {
		rings[at] = typed
		return rings, at
	}
	at = max(0, len(rings)-1)
	return slices.Insert(rings, at, typed), at
}

// rearrangedRing answers the chooser's buttons of people without script.
func (d *Door) rearrangedRing(c *gin.Context, a broadcast.Actor, p RingPage) error {
	if p.Searched = p.Form.Do == "find-parts"; p.Searched {
		hits, err := d.service.FindParts(c.Request.Context(), a, p.Form.Search)
		if err != nil && broadcast.AsError(err) == nil {
			return err
		}
		if p.Hits = hits; err != nil {
			p.Trouble = broadcast.AsMessage(err)
		}
	}
	return d.showRing(c, http.StatusOK, p)
}
