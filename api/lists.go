package api

import (
	"mime"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/lists"
	"github.com/fanfare/fanfare/sheet"
)

// listJSON is an uploaded list. Part is what an audience includes or excludes it by.
type listJSON struct {
	ID        broadcast.ID `json:"id"`
	Name      string       `json:"name"`
	Part      partJSON     `json:"part"`
	Rows      int          `json:"rows"`
	Found     int          `json:"found"`
	People    int          `json:"people"`
	By        string       `json:"created_by"`
	CreatedAt time.Time    `json:"created_at"`
}

func listOf(l lists.List) listJSON {
	return listJSON{l.ID, l.Name, partJSON(l.Part()), l.Rows, l.Found, l.People, l.By.Name, l.CreatedAt}
}

// outcomeJSON is what became of a row. Problem is "" for somebody found.
type outcomeJSON struct {
	Line      int               `json:"line"`
	Text      string            `json:"text"`
	EntraID   broadcast.EntraID `json:"entra_id"`
	Name      string            `json:"name"`
	Problem   lists.Problem     `json:"problem"`
	FirstLine int               `json:"first_line,omitempty"`
	Excluded  broadcast.Reason  `json:"excluded,omitempty"`
}

// makeList takes a JSON array of identifiers, or CSV or a workbook as the body itself;
// the name is in the address.
func (d *Door) makeList(c *gin.Context, a broadcast.Actor) error {
	if err := lists.MayWrite(a); err != nil {
		return err
	}
	raw, err := readBody(c, sheet.MaxBytes)
	if err != nil {
		return err
	}
	rows, err := rowsOf(c, raw)
	if err != nil {
		return err
	}
	l, err := d.o.Lists.Make(c.Request.Context(), a, c.Query("name"), rows)
	if err != nil {
		return err
	}
	c.Header("Location", v1+"/audience/lists/"+string(l.ID))
	c.JSON(http.StatusCreated, listOf(l))
	return nil
}

func rowsOf(c *gin.Context, raw []byte) ([]lists.Row, error) {
	kind, _, err := mime.ParseMediaType(c.GetHeader("Content-Type"))
	if err != nil || kind != "application/json" {
		switch kind {
		case "text/csv", "text/plain", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet":
			return sheet.Read(raw)
		}
		return nil, &refusal{http.StatusUnsupportedMediaType, "unsupported_media_type", "Send a JSON array of identifiers (application/json), text/csv, or an Excel workbook (application/vnd.openxmlformats-officedocument.spreadsheetml.sheet)."}
	}
	var texts []string
	if err := decode(c, raw, &texts); err != nil {
		return nil, err
	}
	rows := make([]lists.Row, len(texts))
	for i, text := range texts {
		rows[i] = lists.Row{Line: i + 1, Text: text}
	}
	return rows, nil
}

func (d *Door) listLists(c *gin.Context, a broadcast.Actor) error {
	all, err := d.o.Lists.Lists(c.Request.Context(), a)
	if err != nil {
		return err
	}
	out := make([]listJSON, len(all))
	for i, l := range all {
		out[i] = listOf(l)
	}
	c.JSON(http.StatusOK, map[string]any{"lists": out})
	return nil
}

// reportList is a list with a page of what became of its rows.
func (d *Door) reportList(c *gin.Context, a broadcast.Actor) error {
	q := query{c: c}
	ask := lists.ReportQuery{List: broadcast.ID(c.Param("id")), After: int(min(q.number("after"), 1<<31)), Limit: q.limit()}
	switch show := q.text("show"); show {
	case "", string(lists.Missing):
		ask.Filter = lists.Filter(show)
	default:
		q.bad("show", "Show %q, or leave it out for all rows.", lists.Missing)
	}
	if q.err != nil {
		return q.err
	}
	r, err := d.o.Lists.Report(c.Request.Context(), a, ask)
	if err != nil {
		return err
	}
	out := struct {
		listJSON
		Outcomes []outcomeJSON `json:"outcomes"`
		Next     int           `json:"next,omitempty"`
	}{listOf(r.List), make([]outcomeJSON, len(r.Outcomes)), r.Next}
	for i, o := range r.Outcomes {
		out.Outcomes[i] = outcomeJSON{o.Line, o.Text, o.EntraID, o.Name, o.Problem, o.FirstLine, o.Excluded}
	}
	c.JSON(http.StatusOK, out)
	return nil
}

func (d *Door) deleteList(c *gin.Context, a broadcast.Actor) error {
	return d.gone(c, d.o.Lists.Delete(c.Request.Context(), a, broadcast.ID(c.Param("id"))))
}

func (d *Door) gone(c *gin.Context, err error) error {
	if err == nil {
		c.Status(http.StatusNoContent)
	}
	return err
}

// savedJSON is an audience kept under a name.
type savedJSON struct {
	ID        broadcast.ID `json:"id"`
	Name      string       `json:"name"`
	Audience  audienceJSON `json:"audience"`
	By        string       `json:"created_by"`
	CreatedAt time.Time    `json:"created_at"`
}

func savedOf(s lists.Saved) savedJSON {
	return savedJSON{s.ID, s.Name, audienceOf(s.Audience), s.By.Name, s.CreatedAt}
}

func (d *Door) saveAudience(c *gin.Context, a broadcast.Actor) error {
	if err := lists.MayWrite(a); err != nil {
		return err
	}
	var in struct {
		Name     string       `json:"name"`
		Audience audienceJSON `json:"audience"`
	}
	if err := readJSON(c, &in); err != nil {
		return err
	}
	s, err := d.o.Lists.SaveAudience(c.Request.Context(), a, in.Name, in.Audience.audience())
	if err != nil {
		return err
	}
	c.JSON(http.StatusCreated, savedOf(s))
	return nil
}

func (d *Door) listAudiences(c *gin.Context, a broadcast.Actor) error {
	all, err := d.o.Lists.SavedAudiences(c.Request.Context(), a)
	if err != nil {
		return err
	}
	out := make([]savedJSON, len(all))
	for i, s := range all {
		out[i] = savedOf(s)
	}
	c.JSON(http.StatusOK, map[string]any{"audiences": out})
	return nil
}

func (d *Door) deleteAudience(c *gin.Context, a broadcast.Actor) error {
	return d.gone(c, d.o.Lists.DropAudience(c.Request.Context(), a, broadcast.ID(c.Param("id"))))
}
