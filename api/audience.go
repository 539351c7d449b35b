package api

import (
	"net/http"
	"slices"

	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/audience"
)

// audienceJSON is who is meant. Everyone and Groups are the short way to name what is
// included; an answer has them beside the parts.
type audienceJSON struct {
	Everyone bool        `json:"everyone"`
	Groups   []groupJSON `json:"groups"`
	Include  []partJSON  `json:"include"`
	Exclude  []partJSON  `json:"exclude"`
}

type partJSON struct {
	Kind   audience.Kind  `json:"kind"`
	ID     string         `json:"id,omitempty"`
	Name   string         `json:"name,omitempty"`
	Field  audience.Field `json:"field,omitempty"`
	Values []string       `json:"values,omitempty"`
}

func (j audienceJSON) audience() broadcast.Audience {
	var a broadcast.Audience
	include := func(p audience.Part) {
		if !slices.ContainsFunc(a.Include, p.Same) {
			a.Include = append(a.Include, p)
		}
	}
	for _, p := range j.Include {
		include(audience.Part(p))
	}
	if j.Everyone {
		include(audience.Part{Kind: audience.Everyone})
	}
	for _, g := range j.Groups {
		include(audience.Part{Kind: audience.Group, ID: g.ID, Name: g.Name})
	}
	for _, p := range j.Exclude {
		a.Exclude = append(a.Exclude, audience.Part(p))
	}
	return a
}

func audienceOf(a broadcast.Audience) audienceJSON {
	j := audienceJSON{Everyone: a.Has(audience.Everyone), Groups: []groupJSON{}, Include: []partJSON{}, Exclude: []partJSON{}}
	for _, p := range a.Include {
		if j.Include = append(j.Include, partJSON(p)); p.Kind == audience.Group {
			j.Groups = append(j.Groups, groupJSON{p.ID, p.Name})
		}
	}
	for _, p := range a.Exclude {
		j.Exclude = append(j.Exclude, partJSON(p))
	}
	return j
}

type partHitJSON struct {
	partJSON
	Note string `json:"note"` // what tells it from others that are called alike
}

// findParts is GET /audience/parts?q=: what an audience can be made of.
func (d *Door) findParts(c *gin.Context, a broadcast.Actor) error {
	q := &query{c: c}
	text := q.text("q")
	if q.err != nil {
		return q.err
	}
	hits, err := d.service.FindParts(c.Request.Context(), a, text)
	if err != nil {
		return err
	}
	rows := make([]partHitJSON, len(hits))
	for i, h := range hits {
		rows[i] = partHitJSON{partJSON(h.Part), h.Note}
	}
	c.JSON(http.StatusOK, gin.H{"parts": rows})
	return nil
}
