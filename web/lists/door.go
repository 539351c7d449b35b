package lists

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/lists"
	"github.com/fanfare/fanfare/web/frame"
)

// Door serves the pages of lists.
type Door struct {
	*frame.Frame
	lists *lists.Service
}

// New makes this part of the door.
func New(f *frame.Frame, l *lists.Service) *Door { return &Door{f, l} }

// ShelfPage is what there is to choose from: lists, and saved audiences.
type ShelfPage struct {
	frame.Page
	Lists   []lists.List
	Saved   []lists.Saved
	Writer  bool
	Rename  broadcast.ID // the saved audience whose new name is asked for
	Drop    broadcast.ID // the saved audience that is to be deleted, once that is confirmed
	Problem string
}

// Shelf shows lists and saved audiences.
func (d *Door) Shelf(c *gin.Context, a broadcast.Actor) error {
	return d.shelf(c, a, http.StatusOK, ShelfPage{Rename: broadcast.ID(c.Query("rename")), Drop: broadcast.ID(c.Query("drop"))})
}

func (d *Door) shelf(c *gin.Context, a broadcast.Actor, status int, p ShelfPage) (err error) {
	ctx := c.Request.Context()
	p.Page, p.Writer = d.Page(c, "Lists and saved audiences", "list"), a.MayWrite()
	if p.Lists, err = d.lists.Lists(ctx, a); err != nil {
		return err
	}
	if p.Writer {
		if p.Saved, err = d.lists.SavedAudiences(ctx, a); err != nil {
			return err
		}
	}
	d.Render(c, status, "lists", p)
	return nil
}

// RenameAudience gives a saved audience another name.
func (d *Door) RenameAudience(c *gin.Context, a broadcast.Actor) error {
	if err := frame.ParseForm(c); err != nil {
		return err
	}
	id := broadcast.ID(c.Param("id"))
	err := d.lists.RenameAudience(c.Request.Context(), a, id, c.Request.PostForm.Get("name"))
	if e := broadcast.AsError(err); e != nil && e.Field == "name" {
		return d.shelf(c, a, e.Code.HTTPStatus(), ShelfPage{Rename: id, Problem: e.Message})
	}
	if err != nil {
		return err
	}
	c.Redirect(http.StatusSeeOther, "/audience/lists?said=renamed")
	return nil
}

// DropAudience forgets a saved audience.
func (d *Door) DropAudience(c *gin.Context, a broadcast.Actor) error {
	if err := d.lists.DropAudience(c.Request.Context(), a, broadcast.ID(c.Param("id"))); err != nil {
		return err
	}
	c.Redirect(http.StatusSeeOther, "/audience/lists?said=dropped")
	return nil
}
