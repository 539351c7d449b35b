package people

import (
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/who"
	"github.com/fanfare/fanfare/web/frame"
)

// ListPage is where people are looked up.
type ListPage struct {
	frame.Page
	Text    string
	People  []who.Person
	First   string
	Next    string
	Warning string // how far the directory can be relied on
}

// List shows the people a text finds. Without one it shows the search alone: the
// first of a hundred thousand help nobody.
func (d *Door) List(c *gin.Context, a broadcast.Actor) error {
	ctx := c.Request.Context()
	p := ListPage{Page: d.Page(c, "People", "people"), Text: strings.TrimSpace(c.Query("q"))}
	fresh, err := d.people.Freshness(ctx, a)
	if err != nil {
		return err
	}
	p.Warning = fresh.Warning()
	if p.Text == "" {
		d.Render(c, http.StatusOK, "people", p)
		return nil
	}
	found, err := d.people.Find(ctx, a, who.Query{Text: p.Text, After: broadcast.EntraID(c.Query("after"))})
	if err != nil {
		return err
	}
	p.People = found.People
	if found.Next != "" {
		p.Next = frame.Link("/people", "q", p.Text, "after", string(found.Next))
	}
	if c.Query("after") != "" {
		p.First = frame.Link("/people", "q", p.Text)
	}
	d.Render(c, http.StatusOK, "people", p)
	return nil
}
