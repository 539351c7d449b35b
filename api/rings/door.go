package rings

import (
	"fmt"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/who"
	"github.com/fanfare/fanfare/rollout"
)

// Options is what the door is made of. All of it is required.
type Options struct {
	Rollout *rollout.Service
	People  *who.Service
	// Read reads a request's JSON into v, strictly.
	Read func(c *gin.Context, v any) error
	Now  func() time.Time
}

// Door answers for the rollout.
type Door struct{ o Options }

// New makes the door.
func New(o Options) *Door { return &Door{o} }

// Show is GET /rollout: how far the installation has come.
func (d *Door) Show(c *gin.Context, a broadcast.Actor) error {
	ctx := c.Request.Context()
	r, err := d.o.Rollout.Glance(ctx, a)
	if err != nil {
		return err
	}
	fresh, err := d.o.People.Freshness(ctx, a)
	if err != nil {
		return err
	}
	out := rolloutOf(r, fresh)
	e, err := d.o.Rollout.Pace(ctx, r)
	if err != nil {
		return err
	}
	out.Progress = progressOf(e)
	c.JSON(http.StatusOK, out)
	return nil
}

// Start is POST /rollout/start: the first ring opens, or what was paused goes on.
func (d *Door) Start(c *gin.Context, a broadcast.Actor) error {
	if err := d.o.Rollout.Start(c.Request.Context(), a); err != nil {
		return err
	}
	return d.Show(c, a)
}

// Pause is POST /rollout/pause.
func (d *Door) Pause(c *gin.Context, a broadcast.Actor) error {
	if err := d.o.Rollout.Pause(c.Request.Context(), a); err != nil {
		return err
	}
	return d.Show(c, a)
}

// Advance is POST /rollout/advance: opens the next ring, which is named so that it opens
// once however many ask for it.
func (d *Door) Advance(c *gin.Context, a broadcast.Actor) error {
	var in struct {
		Ring string `json:"ring"`
	}
	if err := d.o.Read(c, &in); err != nil {
		return err
	}
	if in.Ring == "" {
		return &broadcast.Error{Code: broadcast.Invalid, Field: "ring", Message: "Say which ring is to be opened: the id of the first one that waits."}
	}
	if err := d.o.Rollout.Advance(c.Request.Context(), a, in.Ring); err != nil {
		return err
	}
	return d.Show(c, a)
}

// List is GET /rollout/rings: all rings, those that wait with who would be in them.
func (d *Door) List(c *gin.Context, a broadcast.Actor) error {
	r, err := d.o.Rollout.Forecast(c.Request.Context(), a)
	if err != nil {
		return err
	}
	c.JSON(http.StatusOK, gin.H{"revision": r.Revision, "rings": ringsOf(r.Rings)})
	return nil
}

// Set is PUT /rollout/rings: puts other rings in the place of those that wait.
func (d *Door) Set(c *gin.Context, a broadcast.Actor) error {
	var in plan
	if err := d.o.Read(c, &in); err != nil {
		return err
	}
	if in.Revision == nil {
		return &broadcast.Error{Code: broadcast.Invalid, Field: "revision", Message: "Say which revision you changed: the one that GET /rollout/rings gave you."}
	}
	given := make([]rollout.Ring, len(in.Rings))
	for i, r := range in.Rings {
		if r.Advance != "" && r.Advance != byHand && r.Advance != byItself {
			return &broadcast.Error{Code: broadcast.Invalid, Field: fmt.Sprintf("rings.%d.advance", i), Message: fmt.Sprintf("The next ring opens %q or %q, not %q.", byHand, byItself, r.Advance)}
		}
		given[i] = r.ring()
	}
	if _, err := d.o.Rollout.SetRings(c.Request.Context(), a, *in.Revision, given); err != nil {
		return err
	}
	return d.List(c, a)
}

// By is GET /rollout/by/:field: the counts of each department or country, those with most
// trouble first.
func (d *Door) By(c *gin.Context, a broadcast.Actor) error {
	shares, err := d.o.Rollout.By(c.Request.Context(), a, c.Param("field"))
	if err != nil {
		return err
	}
	rows := make([]share, len(shares))
	for i, s := range shares {
		rows[i] = share{s.Value, countsOf(s.Counts)}
	}
	c.JSON(http.StatusOK, gin.H{"shares": rows})
	return nil
}

// samplesSpan is how far back samples go.
const samplesSpan = 30 * 24 * time.Hour

// Samples is GET /rollout/samples: how many people were in which state in the last
// 30 days, oldest first.
func (d *Door) Samples(c *gin.Context, a broadcast.Actor) error {
	all, err := d.o.Rollout.Samples(c.Request.Context(), a, d.o.Now().Add(-samplesSpan))
	if err != nil {
		return err
	}
	rows := make([]sample, len(all))
	for i, s := range all {
		rows[i] = sample{moment(s.At), countsOf(s.Counts)}
	}
	c.JSON(http.StatusOK, gin.H{"samples": rows})
	return nil
}

// Moves is GET /rollout/history: who did what, newest first.
func (d *Door) Moves(c *gin.Context, a broadcast.Actor) error {
	moves, err := d.o.Rollout.Moves(c.Request.Context(), a)
	if err != nil {
		return err
	}
	rows := make([]move, len(moves))
	for i, m := range moves {
		rows[i] = move{moment(m.At), m.Event, m.Ring, m.Note, personOf(m.By)}
	}
	c.JSON(http.StatusOK, gin.H{"history": rows})
	return nil
}
