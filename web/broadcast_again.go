package web

import (
	"errors"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/web/frame"
)

// overtaken is what autosave learns when somebody else saved first: the panel
// that compares both versions, and the revision to save upon.
type overtaken struct {
	frame.Failure
	Panel    string `json:"panel"`
	Revision int64  `json:"revision"`
}

// editAgain shows the form once more, with their words and what is wrong with
// them. What only we can mend goes to fail.
func (d *Door) editAgain(c *gin.Context, a broadcast.Actor, form draft, err error) error {
	e := broadcast.AsError(err)
	if e == nil || e.Code == broadcast.NotFound || e.Code == broadcast.Forbidden {
		return err
	}
	p := editPage{Form: form}
	var many broadcast.Problems
	switch {
	case errors.As(err, &many):
		p.Problems = many
	case e.Code == broadcast.Invalid && e.Field != "":
		p.Problems = broadcast.Problems{e}
	default:
		p.Trouble = e.Message
	}
	if e.Code == broadcast.Conflict && e.Field == "revision" && form.ID != "" {
		other, err := d.theirs(c, a, form.ID)
		if err != nil {
			return err
		}
		p.Theirs, p.B = other, other.Broadcast
	}
	if frame.WantsData(c) {
		return d.tellAutosave(c, p, err)
	}
	return d.editor(c, a, e.Code.HTTPStatus(), p)
}

// theirs reads the newer version and who made it.
func (d *Door) theirs(c *gin.Context, a broadcast.Actor, id broadcast.ID) (*theirs, error) {
	ctx := c.Request.Context()
	b, err := d.service.Get(ctx, a, id)
	if err != nil {
		return nil, err
	}
	history, err := d.service.History(ctx, a, id)
	if err != nil {
		return nil, err
	}
	t := &theirs{Broadcast: b, By: b.Author.Name, At: b.UpdatedAt}
	if len(history) > 0 {
		last := history[len(history)-1]
		if t.By, t.At = last.By.Name, last.At; last.By.ID == a.ID {
			t.By = "You, in another window,"
		}
	}
	return t, nil
}

func (d *Door) tellAutosave(c *gin.Context, p editPage, cause error) error {
	status, f := frame.Told(c, cause)
	if p.Theirs == nil {
		c.JSON(status, f)
		return nil
	}
	panel, err := d.Part("conflict", p)
	if err != nil {
		return err
	}
	c.JSON(http.StatusConflict, overtaken{f, panel, p.Theirs.Revision})
	return nil
}
