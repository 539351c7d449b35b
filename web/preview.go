package web

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"slices"

	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/fatigue"
	"github.com/fanfare/fanfare/scope"
	"github.com/fanfare/fanfare/web/form"
	"github.com/fanfare/fanfare/web/frame"
	"github.com/fanfare/fanfare/web/words"
)

// look is how a message will look: the very card the server would send, and how
// much of the limit it takes.
type look struct {
	Card       []byte
	Units      int
	Limit      int
	Problem    string            // why there is no card, in a sentence
	Message    broadcast.Message // what to read where no script draws the card
	Locale     string            // of the variant that is looked at; "" for the default
	Named      bool              // who sees it like this has to be said: there are others
	Translated bool              // there are variants
	problems   []frame.Problem
}

// High is from where on the size is shown as a warning.
func (l look) High() int { return l.Limit * 9 / 10 }

// kept is the stored broadcast a form belongs to; an empty one for a new one. A
// draft's author is named on the card, whoever looks at it.
func (d *Door) kept(ctx context.Context, a broadcast.Actor, id broadcast.ID) (*broadcast.Broadcast, error) {
	if id == "" {
		return &broadcast.Broadcast{Kind: broadcast.KindAnnouncement, State: broadcast.Draft}, nil
	}
	return d.service.Get(ctx, a, id)
}

// lookAt looks at a message in the locale of one of its variants; in any other it looks
// at the default.
func (d *Door) lookAt(a broadcast.Actor, b broadcast.Broadcast, locale string) (look, error) {
	if !slices.Contains(b.Message.Locales(), locale) {
		locale = ""
	}
	l := look{Limit: d.o.SizeLimit, Message: b.Message.Trimmed().In(locale), Locale: locale}
	payload, err := d.service.Preview(a, b, locale)
	if e := broadcast.AsError(err); e != nil {
		l.Problem, l.problems = e.Message, frame.ProblemsOf(err)
		return l, nil
	}
	if err != nil {
		return l, err
	}
	l.Card, l.Units = payload.Card, payload.Units
	return l, nil
}

type lookAnswer struct {
	Card     json.RawMessage `json:"card"`
	Title    string          `json:"title"` // what the notification says
	Units    int             `json:"units"`
	Limit    int             `json:"limit"`
	Plan     string          `json:"plan"` // the plan in one line, as HTML
	Problem  string          `json:"problem,omitempty"`
	Problems []frame.Problem `json:"problems,omitempty"`
}

// preview answers the editor while somebody types.
func (d *Door) preview(c *gin.Context, a broadcast.Actor) error {
	form, err := readDraft(c)
	if err != nil {
		return err
	}
	kept, err := d.kept(c.Request.Context(), a, form.ID)
	if err != nil {
		return err
	}
	b := form.Into(kept)
	l, err := d.lookAt(a, b, form.LookIn)
	if err != nil {
		return err
	}
	plan, err := d.Part("sentences-inline", words.PlanInShort(&b))
	if err != nil {
		return err
	}
	c.JSON(http.StatusOK, lookAnswer{cardJSON(l.Card), l.Message.Title, l.Units, l.Limit, plan, l.Problem, l.problems})
	return nil
}

// reachPart is a head-count as people read it.
type reachPart struct {
	Reach    broadcast.Reach
	Excluded []words.Share
	Closed   []words.Share // channels
	Problem  string
	Warning  string // how far the directory can be relied on, where the page does not say it
	Outside  string // who of them is out of bounds, in a sentence
	Got      []string
	TooMuch  string // that they get too much, in a sentence
}

func (d *Door) reach(ctx context.Context, a broadcast.Actor, to broadcast.Audience, of *broadcast.Broadcast) (reachPart, error) {
	r, err := d.service.Reach(ctx, a, to)
	if e := broadcast.AsError(err); e != nil {
		return reachPart{Problem: e.Message}, nil
	}
	if err != nil {
		return reachPart{}, err
	}
	p := reachPart{Reach: r, Excluded: words.Shares(r.Excluded), Closed: words.Shares(r.Closed)}
	strain := fatigue.Of(r.Got, d.o.Fatigue)
	p.Got, p.TooMuch = strain.Sentences(), strain.Warning()
	p.Outside, err = d.outside(ctx, a, to, of)
	return p, err
}

// outside says who of an audience is out of bounds: for whoever is choosing it, or, of
// a broadcast, for those whose scopes count.
func (d *Door) outside(ctx context.Context, a broadcast.Actor, to broadcast.Audience, of *broadcast.Broadcast) (string, error) {
	look := func() (scope.Finding, error) { return d.o.Scopes.Look(ctx, a, to) }
	if of != nil {
		look = func() (scope.Finding, error) { return d.o.Scopes.LookAt(ctx, of) }
	}
	f, err := look()
	if e := broadcast.AsError(err); e != nil {
		return e.Message, nil
	}
	return f.Words(f.Person.ID == a.ID), err
}

type reachAnswer struct {
	HTML  string `json:"html"`
	Count int    `json:"count"` // people and channels that would get it
	Known bool   `json:"known"` // false when the audience cannot be counted as it stands
	Words string `json:"words"` // the count in a sentence, for a form that asks for no more
	Noun  string `json:"noun"`  // the count with its nouns: "1,204 people and 2 channels"
}

// reachOfForm counts the audience somebody is choosing.
func (d *Door) reachOfForm(c *gin.Context, a broadcast.Actor) error {
	form, err := readDraft(c)
	if err != nil {
		return err
	}
	p, err := d.reach(c.Request.Context(), a, form.Audience, nil)
	if err != nil {
		return err
	}
	if p.Problem == "" {
		if p.Warning, err = d.stale(c.Request.Context(), a); err != nil {
			return err
		}
	}
	return d.answerReach(c, p)
}

// stale warns of a directory that is not to be relied on; "" if it is.
func (d *Door) stale(ctx context.Context, a broadcast.Actor) (string, error) {
	fresh, err := d.o.People.Freshness(ctx, a)
	return fresh.Warning(), err
}

// reachOfBroadcast counts the audience of a stored broadcast.
func (d *Door) reachOfBroadcast(c *gin.Context, a broadcast.Actor) error {
	b, err := d.service.Get(c.Request.Context(), a, broadcast.ID(c.Param("id")))
	if err != nil {
		return err
	}
	p, err := d.reach(c.Request.Context(), a, b.Audience, b)
	if err != nil {
		return err
	}
	return d.answerReach(c, p)
}

func (d *Door) answerReach(c *gin.Context, p reachPart) error {
	if !frame.WantsData(c) {
		d.RenderPart(c, http.StatusOK, "reach", p)
		return nil
	}
	html, err := d.Part("reach", p)
	if err != nil {
		return err
	}
	c.JSON(http.StatusOK, reachAnswer{html, p.Reach.Reachable() + p.Reach.Channels, p.Problem == "", cmp.Or(p.Problem, words.Meant(p.Reach)+" now."), words.Reached(p.Reach)})
	return nil
}

type partAnswer struct {
	Value string `json:"value"` // what the form sends
	Key   string `json:"key"`
	Name  string `json:"name"`
	Note  string `json:"note"` // what tells it from another of the same name
}

// findParts answers the search for what an audience can be made of.
func (d *Door) findParts(c *gin.Context, a broadcast.Actor) error {
	hits, err := d.service.FindParts(c.Request.Context(), a, c.Query("q"))
	if err != nil {
		return err
	}
	out := make([]partAnswer, len(hits))
	for i, h := range hits {
		out[i] = partAnswer{form.PartValue(h.Part), h.Key(), h.Words(), h.Note}
	}
	c.JSON(http.StatusOK, out)
	return nil
}

type groupAnswer struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Note string `json:"note"` // what tells it from another of the same name
}

// findGroups answers the group search.
func (d *Door) findGroups(c *gin.Context, a broadcast.Actor) error {
	hits, err := d.service.Groups(c.Request.Context(), a, c.Query("q"))
	if err != nil {
		return err
	}
	out := make([]groupAnswer, len(hits))
	for i, h := range hits {
		out[i] = groupAnswer{h.ID, h.Name, groupNote(h)}
	}
	c.JSON(http.StatusOK, out)
	return nil
}

// groupNote tells groups of the same name apart.
func groupNote(h broadcast.GroupHit) string {
	note := h.Kind
	for _, more := range []string{h.Mail, h.Description} {
		if more != "" && note != "" {
			note += " · "
		}
		note += more
	}
	return note
}
