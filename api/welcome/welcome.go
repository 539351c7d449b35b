// Package welcome is the API's part for the welcome message: what is in use, what is in
// the making, putting it into use and stopping it. What it is made of otherwise (review,
// approval, recipients) goes through the addresses of broadcasts.
package welcome

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/welcome"
)

// Door serves it. Show is how the API writes a broadcast, Message reads one from a body
// and tells what is wrong with it.
type Door struct {
	Service *welcome.Service
	Show    func(b *broadcast.Broadcast, a broadcast.Actor) any
	Message func(c *gin.Context) (broadcast.Message, error)
}

// Get is GET /welcome: "current" is in use, "next" in the making, null for none.
func (d Door) Get(c *gin.Context, a broadcast.Actor) error {
	o, err := d.Service.Overview(c.Request.Context(), a)
	if err != nil {
		return err
	}
	past := make([]any, len(o.Past))
	for i := range o.Past {
		past[i] = d.Show(&o.Past[i], a)
	}
	c.JSON(http.StatusOK, gin.H{"current": d.shown(o.Current, a), "next": d.shown(o.Next, a), "past": past})
	return nil
}

func (d Door) shown(b *broadcast.Broadcast, a broadcast.Actor) any {
	if b == nil {
		return nil
	}
	return d.Show(b, a)
}

// Put is PUT /welcome: the words of the version in the making, which is begun if there
// is none. It is submitted and approved like any broadcast.
func (d Door) Put(c *gin.Context, a broadcast.Actor) error {
	if err := d.Service.May(a); err != nil {
		return err
	}
	m, err := d.Message(c)
	if err != nil {
		return err
	}
	b, err := d.Service.Put(c.Request.Context(), a, m)
	return d.answer(c, a, b, err)
}

// Use is POST /welcome/use: the approved version is in use from now on.
func (d Door) Use(c *gin.Context, a broadcast.Actor) error {
	b, err := d.Service.Use(c.Request.Context(), a)
	return d.answer(c, a, b, err)
}

// Stop is POST /welcome/stop: whoever comes from now on gets none.
func (d Door) Stop(c *gin.Context, a broadcast.Actor) error {
	b, err := d.Service.Stop(c.Request.Context(), a)
	return d.answer(c, a, b, err)
}

func (d Door) answer(c *gin.Context, a broadcast.Actor, b *broadcast.Broadcast, err error) error {
	if err != nil {
		return err
	}
	c.JSON(http.StatusOK, d.Show(b, a))
	return nil
}
