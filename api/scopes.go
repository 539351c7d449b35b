package api

import (
	"errors"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/fatigue"
	"github.com/fanfare/fanfare/scope"
)

// scopeJSON is whom somebody may reach; Audience is null where nothing is set, and
// Readable false where what is stored makes no sense and nobody is reached.
type scopeJSON struct {
	Person   *personJSON   `json:"person"` // id "default": all without one of their own
	Audience *audienceJSON `json:"audience"`
	Readable bool          `json:"readable"`
	By       *personJSON   `json:"by"`
	At       *time.Time    `json:"at"`
}

func scopeOf(s scope.Scope) scopeJSON {
	return scopeJSON{person(s.Person), boundOf(s.Audience), s.At.IsZero() || len(s.Audience.Include) > 0, person(s.By), moment(s.At)}
}

func boundOf(a broadcast.Audience) *audienceJSON {
	if len(a.Include) == 0 {
		return nil
	}
	j := audienceOf(a)
	return &j
}

type scopeChangeJSON struct {
	Person *personJSON   `json:"person"`
	From   *audienceJSON `json:"from"`
	To     *audienceJSON `json:"to"`
	By     *personJSON   `json:"by"`
	At     *time.Time    `json:"at"`
}

// listScopes is GET /scopes: all that are set, authors without, and the audit.
func (d *Door) listScopes(c *gin.Context, a broadcast.Actor) error {
	o, err := d.o.Scopes.Overview(c.Request.Context(), a)
	if err != nil {
		return err
	}
	scopes, others, changes := []scopeJSON{}, []*personJSON{}, []scopeChangeJSON{}
	for _, s := range o.Scopes {
		scopes = append(scopes, scopeOf(s))
	}
	for _, p := range o.Others {
		others = append(others, person(p))
	}
	for _, ch := range o.Changes {
		changes = append(changes, scopeChangeJSON{person(ch.Person), boundOf(ch.From), boundOf(ch.To), person(ch.By), moment(ch.At)})
	}
	c.JSON(http.StatusOK, gin.H{"scopes": scopes, "others": others, "changes": changes})
	return nil
}

func personOf(c *gin.Context) broadcast.EntraID { return broadcast.EntraID(c.Param("person")) }

// showScope is GET /scopes/:person; :person may be default.
func (d *Door) showScope(c *gin.Context, a broadcast.Actor) error {
	s, err := d.o.Scopes.Get(c.Request.Context(), a, personOf(c))
	if err != nil && !errors.Is(err, scope.ErrUnreadable) {
		return err
	}
	c.JSON(http.StatusOK, scopeOf(s))
	return nil
}

// setScope is PUT /scopes/:person with an audience as its body.
func (d *Door) setScope(c *gin.Context, a broadcast.Actor) error {
	var in audienceJSON
	if err := readJSON(c, &in); err != nil {
		return err
	}
	s, err := d.o.Scopes.Set(c.Request.Context(), a, personOf(c), in.audience())
	if err != nil {
		return err
	}
	c.JSON(http.StatusOK, scopeOf(s))
	return nil
}

// dropScope is DELETE /scopes/:person.
func (d *Door) dropScope(c *gin.Context, a broadcast.Actor) error {
	if err := d.o.Scopes.Drop(c.Request.Context(), a, personOf(c)); err != nil {
		return err
	}
	c.Status(http.StatusNoContent)
	return nil
}

// outsideJSON is who of a head-count is out of the caller's bounds.
type outsideJSON struct {
	Count    int          `json:"count"` // people
	Sample   []string     `json:"sample"`
	Channels []partJSON   `json:"channels"`
	Scope    audienceJSON `json:"scope"`
	Text     string       `json:"text"`
}

func outsideOf(f scope.Finding) *outsideJSON {
	if f.Within() {
		return nil
	}
	out := &outsideJSON{f.Count, append([]string{}, f.Sample...), []partJSON{}, audienceOf(f.Bound), f.Words(true)}
	for _, p := range f.Channels {
		out.Channels = append(out.Channels, partJSON(p))
	}
	return out
}

// fatigueJSON is how much the people of a head-count got lately.
type fatigueJSON struct {
	Week    []gotJSON `json:"last_7_days"`
	Month   []gotJSON `json:"last_30_days"`
	Over    int       `json:"over"`    // who would have got more than the limit in 7 days, with this one
	Limit   int       `json:"limit"`   // 0 for none
	Warning *string   `json:"warning"` // null where there is no reason for one
	Text    []string  `json:"text"`
}

type gotJSON struct {
	From   int  `json:"from"`
	To     *int `json:"to"` // null for no end
	People int  `json:"people"`
}

func fatigueOf(s fatigue.Strain) fatigueJSON {
	j := fatigueJSON{Week: gotOf(s.Week), Month: gotOf(s.Month), Over: s.Over, Limit: s.Limit.Number, Text: append([]string{}, s.Sentences()...)}
	if w := s.Warning(); w != "" {
		j.Warning = &w
	}
	return j
}

func gotOf(buckets []fatigue.Bucket) []gotJSON {
	out := []gotJSON{}
	for _, b := range buckets {
		j := gotJSON{From: b.From, People: b.People}
		if b.To > 0 {
			j.To = &b.To
		}
		out = append(out, j)
	}
	return out
}
