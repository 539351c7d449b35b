package lists

import (
	"encoding/csv"
	"net/http"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/lists"
	"github.com/fanfare/fanfare/web/frame"
)

// ReportPage is what became of a list's rows.
type ReportPage struct {
	frame.Page
	lists.Report
	Tabs   []frame.Tab
	Tab    frame.Tab
	Mine   bool // who looks may delete it
	Writer bool // who looks may choose it
	Ask    bool // deleting is to be confirmed
	Pager  Pager
}

// Pager is the addresses of other pages.
type Pager struct{ First, Next string }

// Sentence is how much of it was found.
func (p ReportPage) Sentence() string { return Sentence(p.List) }

// ShowReport shows a page of a report.
func (d *Door) ShowReport(c *gin.Context, a broadcast.Actor) error {
	id, filter := broadcast.ID(c.Param("id")), lists.Filter(c.Query("show"))
	if filter != lists.Missing {
		filter = lists.All
	}
	after, _ := strconv.Atoi(c.Query("after")) // garbled is the beginning
	r, err := d.lists.Report(c.Request.Context(), a, lists.ReportQuery{List: id, Filter: filter, After: max(after, 0)})
	if err != nil {
		return err
	}
	at := "/audience/lists/" + string(r.ID)
	p := ReportPage{Page: d.Page(c, "List: "+r.Name, "list"), Report: r, Mine: r.MayDelete(a), Writer: a.MayWrite(), Ask: c.Query("ask") == "delete"}
	p.Tabs, p.Tab = frame.PickTab(ReportTabs(r.List), string(filter), func(name string) string { return frame.Link(at, "show", name) })
	if after > 0 {
		p.Pager.First = p.Tab.Link
	}
	if r.Next > 0 {
		p.Pager.Next = frame.Link(at, "show", string(filter), "after", strconv.Itoa(r.Next))
	}
	d.Render(c, http.StatusOK, "list_report", p)
	return nil
}

// ReportTabs are the filters of a report.
func ReportTabs(l lists.List) []frame.Tab {
	return []frame.Tab{
		{Name: string(lists.All), Words: "All rows", Count: strconv.Itoa(l.Rows)},
		{Name: string(lists.Missing), Words: "Not found", Count: strconv.Itoa(l.Missing())},
	}
}

// DownloadReport writes the whole report as CSV, as Excel opens it: with a byte order
// mark. Half a file must not look like a whole one, so an error cuts the connection.
func (d *Door) DownloadReport(c *gin.Context, a broadcast.Actor) error {
	q := lists.ReportQuery{List: broadcast.ID(c.Param("id"))}
	if _, err := d.lists.Report(c.Request.Context(), a, q); err != nil {
		return err
	}
	c.Header("Content-Type", "text/csv; charset=utf-8")
	c.Header("Content-Disposition", `attachment; filename="list-report.csv"`)
	if _, err := c.Writer.WriteString("\uFEFF"); err != nil {
		return err
	}
	out := csv.NewWriter(c.Writer)
	_ = out.Write([]string{"Line", "Text", "Outcome", "Named before in line", "Name", "User principal name", "Object ID", "Cannot be written to because"}) // Error tells below
	for o, err := range d.lists.Outcomes(c.Request.Context(), a, q) {
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		first := ""
		if o.FirstLine > 0 {
			first = strconv.Itoa(o.FirstLine)
		}
		_ = out.Write([]string{strconv.Itoa(o.Line), safe(o.Text), o.Problem.Words(), first, safe(o.Name), safe(o.UPN), string(o.EntraID), string(o.Excluded)}) // Error tells below
	}
	out.Flush()
	return out.Error()
}

// safe keeps a cell from being run as a formula by whoever opens the file.
func safe(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}

// DeleteList forgets a list.
func (d *Door) DeleteList(c *gin.Context, a broadcast.Actor) error {
	if err := d.lists.Delete(c.Request.Context(), a, broadcast.ID(c.Param("id"))); err != nil {
		return err
	}
	c.Redirect(http.StatusSeeOther, "/audience/lists?said=unlisted")
	return nil
}
