package admin

import (
	"errors"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/audience"
	"github.com/fanfare/fanfare/scope"
	"github.com/fanfare/fanfare/web/form"
	"github.com/fanfare/fanfare/web/frame"
)

// ScopesPage is whom each author may reach, and how that came to be.
type ScopesPage struct {
	frame.Page
	Default *scope.Scope // nil for none: everybody
	Own     []scope.Scope
	Others  []broadcast.ActorRef // authors who have the default
	Changes []scope.Change
	Text    string // whom they looked for
	Found   []audience.Hit
	Problem string
}

// ListScopes shows whom authors may reach.
func (d *Door) ListScopes(c *gin.Context, a broadcast.Actor) error {
	ctx := c.Request.Context()
	o, err := d.scopes.Overview(ctx, a)
	if err != nil {
		return err
	}
	p := ScopesPage{Page: d.Page(c, "Scopes", "scopes"), Own: o.Scopes, Others: o.Others, Changes: o.Changes, Text: c.Query("q")}
	if len(p.Own) > 0 && p.Own[0].Person.ID == scope.Default {
		p.Default, p.Own = &p.Own[0], p.Own[1:]
	}
	if p.Text != "" {
		if p.Found, p.Problem, err = d.findPeople(c, a, p.Text); err != nil {
			return err
		}
	}
	d.Render(c, http.StatusOK, "scopes", p)
	return nil
}

// findPeople finds persons to give a scope to.
func (d *Door) findPeople(c *gin.Context, a broadcast.Actor, text string) (people []audience.Hit, problem string, err error) {
	hits, err := d.service.FindParts(c.Request.Context(), a, text)
	if e := broadcast.AsError(err); e != nil {
		return nil, e.Message, nil
	}
	for _, h := range hits {
		if h.Kind == audience.Person {
			people = append(people, h)
		}
	}
	return people, "", err
}

// ScopePage is one scope in the making.
type ScopePage struct {
	frame.Page
	Person   broadcast.ActorRef
	Set      bool // there is one stored
	Form     form.Draft
	Problems broadcast.Problems
	Trouble  string
	Hits     []audience.Hit
	Searched bool
}

// Of is the sentence about a field, or "".
func (p ScopePage) Of(field string) string {
	for _, e := range p.Problems {
		if e.Field == field {
			return e.Message
		}
	}
	return ""
}

// IsDefault tells whether it is that of all authors without one of their own.
func (p ScopePage) IsDefault() bool { return p.Person.ID == scope.Default }

// EditScope shows the form.
func (d *Door) EditScope(c *gin.Context, a broadcast.Actor) error {
	now, err := d.scopes.Get(c.Request.Context(), a, broadcast.EntraID(c.Param("person")))
	if errors.Is(err, scope.ErrUnreadable) {
		return d.showScope(c, a, http.StatusOK, ScopePage{Set: true, Trouble: "What is stored cannot be read, so nobody is reached. Set it anew, or delete it."})
	}
	if err != nil {
		return err
	}
	return d.showScope(c, a, http.StatusOK, ScopePage{Form: form.Draft{Audience: now.Audience}})
}

func (d *Door) showScope(c *gin.Context, a broadcast.Actor, status int, p ScopePage) error {
	now, err := d.scopes.Get(c.Request.Context(), a, broadcast.EntraID(c.Param("person")))
	if err != nil && !errors.Is(err, scope.ErrUnreadable) {
		return err
	}
	p.Person, p.Set = now.Person, p.Set || !now.At.IsZero()
	title := "Whom " + p.Person.Name + " may reach"
	if p.IsDefault() {
		title = "Whom all other authors may reach"
	}
	p.Page = d.Page(c, title, "scopes")
	p.Scripts = []string{"scopes.js"}
	d.Render(c, status, "scope", p)
	return nil
}

// SaveScope bounds an author from now on, or does what the chooser's buttons ask for.
func (d *Door) SaveScope(c *gin.Context, a broadcast.Actor) error {
	if err := frame.ParseForm(c); err != nil {
		return err
	}
	ctx, person := c.Request.Context(), broadcast.EntraID(c.Param("person"))
	p := ScopePage{Form: form.ReadDraft(c.Request.PostForm, "")}
	if p.Form.Rearrange() {
		return d.rearrangedScope(c, a, p)
	}
	_, err := d.scopes.Set(ctx, a, person, p.Form.Audience)
	e := broadcast.AsError(err)
	switch {
	case err == nil:
		c.Redirect(http.StatusSeeOther, "/scopes?said=bounded")
		return nil
	case e == nil || e.Code == broadcast.NotFound || e.Code == broadcast.Forbidden:
		return err
	case !errors.As(err, &p.Problems) && e.Field != "":
		p.Problems = broadcast.Problems{e}
	case len(p.Problems) == 0:
		p.Trouble = e.Message
	}
	return d.showScope(c, a, e.Code.HTTPStatus(), p)
}

// rearrangedScope answers the chooser's buttons of people without script.
func (d *Door) rearrangedScope(c *gin.Context, a broadcast.Actor, p ScopePage) error {
	if p.Searched = p.Form.Do == "find-parts"; p.Searched {
		hits, err := d.service.FindParts(c.Request.Context(), a, p.Form.Search)
		if err != nil && broadcast.AsError(err) == nil {
			return err
		}
		if p.Hits = hits; err != nil {
			p.Trouble = broadcast.AsMessage(err)
		}
	}
	return d.showScope(c, a, http.StatusOK, p)
}

// DropScope forgets a scope.
func (d *Door) DropScope(c *gin.Context, a broadcast.Actor) error {
	if err := d.scopes.Drop(c.Request.Context(), a, broadcast.EntraID(c.Param("person"))); err != nil {
		return err
	}
	c.Redirect(http.StatusSeeOther, "/scopes?said=unbounded")
	return nil
}
