package admin

import (
	"net/http"
	"slices"
	"strconv"

	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/rollout"
	"github.com/fanfare/fanfare/web/frame"
)

// RingsPage is what rings there are, and their order.
type RingsPage struct {
	frame.Page
	R       rollout.Rollout
	Counted bool // who is in those that wait was counted
	Trouble string
}

// Changeable tells whether there can be other rings.
func (p RingsPage) Changeable() bool {
	return p.Admin() && !p.R.Rings[len(p.R.Rings)-1].Opened()
}

// First tells whether a waiting ring is the first that waits, and LastBut whether only the
// last one comes after it: they have one way to go.
func (p RingsPage) First(id string) bool {
	next, waits := p.R.Next()
	return waits && next.ID == id
}

// LastBut tells whether only the last ring comes after one.
func (p RingsPage) LastBut(id string) bool {
	n := len(p.R.Rings)
	return n > 1 && p.R.Rings[n-2].ID == id
}

// ListRings shows the rings. Counting those that wait may ask Microsoft, so it comes
// after the page, as a page of its own that our module takes the figures from.
func (d *Door) ListRings(c *gin.Context, a broadcast.Actor) error {
	return d.showRings(c, a, http.StatusOK, "")
}

func (d *Door) showRings(c *gin.Context, a broadcast.Actor, status int, trouble string) error {
	ctx := c.Request.Context()
	p := RingsPage{Page: d.Page(c, "Rings", "rollout"), Counted: c.Query("count") != "", Trouble: trouble}
	var err error
	if p.Counted {
		p.R, err = d.rollout.Forecast(ctx, a)
	} else {
		p.R.Plan, err = d.rollout.Plan(ctx, a)
	}
	if err != nil {
		return err
	}
	p.Scripts = []string{"rings.js"}
	d.Render(c, status, "rings", p)
	return nil
}

// waiting are the rings of a plan that can still be changed.
func waiting(p rollout.Plan) []rollout.Ring {
	return slices.DeleteFunc(slices.Clone(p.Rings), rollout.Ring.Opened)
}

// revision is that of the plan somebody looked at; garbled is one that no plan has.
func revision(c *gin.Context) int64 {
	n, err := strconv.ParseInt(c.PostForm("revision"), 10, 64)
	if err != nil {
		return -1
	}
	return n
}

// rearrange changes the waiting rings at the place of the one in the address.
func (d *Door) rearrange(change func(rings []rollout.Ring, i int) []rollout.Ring) frame.Handler {
	return func(c *gin.Context, a broadcast.Actor) error {
		if err := frame.ParseForm(c); err != nil {
			return err
		}
		ctx := c.Request.Context()
		p, err := d.rollout.Plan(ctx, a)
		if err != nil {
			return err
		}
		ring, err := p.Ring(c.Param("id"))
		if err != nil {
			return err
		}
		rings := waiting(p)
		i := slices.IndexFunc(rings, func(r rollout.Ring) bool { return r.ID == ring.ID })
		if i < 0 {
			return broadcast.Errorf(broadcast.Conflict, "The ring “%s” was opened meanwhile, so it stays where it is.", ring.Name)
		}
		if _, err := d.rollout.SetRings(ctx, a, revision(c), change(rings, i)); err != nil {
			return err
		}
		c.Redirect(http.StatusSeeOther, "/rollout/rings?said=ringed")
		return nil
	}
}

// RaiseRing puts a ring before the one above it.
func (d *Door) RaiseRing(c *gin.Context, a broadcast.Actor) error {
	return d.rearrange(func(rings []rollout.Ring, i int) []rollout.Ring {
		if i > 0 && !rings[i].IsLast() {
			rings[i-1], rings[i] = rings[i], rings[i-1]
		}
		return rings
	})(c, a)
}

// LowerRing puts a ring after the one below it, unless that is the last.
func (d *Door) LowerRing(c *gin.Context, a broadcast.Actor) error {
	return d.rearrange(func(rings []rollout.Ring, i int) []rollout.Ring {
		if i+1 < len(rings) && !rings[i+1].IsLast() {
			rings[i+1], rings[i] = rings[i], rings[i+1]
		}
		return rings
	})(c, a)
}

// DropRing deletes a ring that waits; its people are then in a later one.
func (d *Door) DropRing(c *gin.Context, a broadcast.Actor) error {
	return d.rearrange(func(rings []rollout.Ring, i int) []rollout.Ring {
		if rings[i].IsLast() {
			return rings
		}
		return slices.Delete(rings, i, i+1)
	})(c, a)
}

// OpenPage asks before a ring is opened.
type OpenPage struct {
	frame.Page
	R      rollout.Rollout
	Ring   rollout.Ring
	Before *rollout.Ring // the ring before; nil for none
}

// Ready tells whether it can be opened now.
func (p OpenPage) Ready() bool {
	next, waits := p.R.Next()
	return waits && next.ID == p.Ring.ID && p.R.State != broadcast.RolloutPaused && p.Ring.Problem == ""
}

// Next is the ring that opens first.
func (p OpenPage) Next() rollout.Ring {
	next, _ := p.R.Next()
	return next
}

// AskOpen shows who would get the app if a ring was opened now.
func (d *Door) AskOpen(c *gin.Context, a broadcast.Actor) error {
	r, err := d.rollout.Forecast(c.Request.Context(), a)
	if err != nil {
		return err
	}
	p := OpenPage{Page: d.Page(c, "Open a ring", "rollout"), R: r}
	if p.Ring, err = r.Ring(c.Param("id")); err != nil {
		return err
	}
	if before, ok := r.Before(p.Ring.ID); ok {
		p.Before = &before
	}
	d.Render(c, http.StatusOK, "ring_open", p)
	return nil
}

// OpenRing opens it.
func (d *Door) OpenRing(c *gin.Context, a broadcast.Actor) error {
	if err := d.rollout.Advance(c.Request.Context(), a, c.Param("id")); err != nil {
		return err
	}
	c.Redirect(http.StatusSeeOther, "/rollout?said=opened")
	return nil
}
