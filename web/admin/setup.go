package admin

import (
	"context"
	"fmt"
	"net/http"
	"strconv"

	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/setup"
	"github.com/fanfare/fanfare/web/frame"
	"github.com/fanfare/fanfare/web/sse"
)

// SetupPage is what has to be right, and the app package.
type SetupPage struct {
	frame.Page
	Parts   []SetupPart
	Line    string
	Checks  int
	Auto    bool   // nothing was checked yet: the page begins by itself
	Version string // of the app package
	Problem string // why there is none
}

// SetupPart is the checks under one heading.
type SetupPart struct {
	Title string
	Rows  []SetupRow
}

// SetupRow is one check.
type SetupRow struct{ setup.Result }

// Word is how it came out.
func (r SetupRow) Word() string {
	switch r.State {
	case setup.OK:
		return "OK"
	case setup.Warning:
		return "Warning"
	case setup.Failed:
		return "Failed"
	case setup.Unknown:
		return "Not known"
	}
	return "Waiting"
}

// SetupPageOf words a report.
func SetupPageOf(page frame.Page, r setup.Report) SetupPage {
	p := SetupPage{Page: page, Line: lineOf(r), Checks: len(r.Results), Auto: r.Left() == len(r.Results)}
	for _, title := range r.Parts() {
		part := SetupPart{Title: title}
		for _, one := range r.Results {
			if one.Part == title {
				part.Rows = append(part.Rows, SetupRow{one})
			}
		}
		p.Parts = append(p.Parts, part)
	}
	return p
}

func lineOf(r setup.Report) string {
	switch done := len(r.Results) - r.Left(); {
	case r.At.IsZero():
		return "Nothing has been checked yet."
	case r.Left() > 0:
		return fmt.Sprintf("Checking: %d of %d done.", done, len(r.Results))
	}
	return "Checked: " + r.Summary()
}

// ShowSetup shows what is checked; the page itself begins the checks.
func (d *Door) ShowSetup(c *gin.Context, _ broadcast.Actor) error {
	d.showSetup(c, d.setup.Blank())
	return nil
}

// CheckSetup makes the checks and answers when they are done, for a browser without
// scripts. Nothing is kept of them, so any replica may answer.
func (d *Door) CheckSetup(c *gin.Context, _ broadcast.Actor) error {
	d.showSetup(c, d.setup.Run(c.Request.Context()))
	return nil
}

func (d *Door) showSetup(c *gin.Context, r setup.Report) {
	p := SetupPageOf(d.Page(c, "Set-up", "setup"), r)
	p.Scripts = []string{"setup.js"}
	version, err := d.app.Version()
	if err != nil {
		p.Problem = err.Error()
	}
	p.Version = version
	d.Render(c, http.StatusOK, "setup", p)
}

// setupNow is the live part: the rows that have ended.
type setupNow struct {
	Line string            `json:"line"`
	Done int               `json:"done"`
	Rows map[string]string `json:"rows"`
}

// FollowSetup makes the checks and streams what each found. They end with the stream.
func (d *Door) FollowSetup(c *gin.Context, _ broadcast.Actor) error {
	ctx, cancel := context.WithCancel(c.Request.Context())
	round := d.setup.Begin(ctx)
	defer round.Wait()
	defer cancel()
	return d.Stream(c, func(context.Context) (sse.News, error) {
		r := round.Look()
		now := setupNow{Line: lineOf(r), Done: len(r.Results) - r.Left(), Rows: map[string]string{}}
		for _, one := range r.Results {
			if !one.Done() {
				continue
			}
			html, err := d.Part("check", SetupRow{one})
			if err != nil {
				return sse.News{}, err
			}
			now.Rows[one.Name] = html
		}
		return sse.News{Data: now, Last: r.Left() == 0}, nil
	})
}

// DownloadPackage answers with the Teams app package.
func (d *Door) DownloadPackage(c *gin.Context, _ broadcast.Actor) error {
	raw, err := d.app.Make()
	if err != nil {
		return broadcast.Errorf(broadcast.Invalid, "No app package can be made: %v.", err)
	}
	c.Header("Content-Disposition", `attachment; filename="fanfare.zip"`)
	c.Header("Content-Length", strconv.Itoa(len(raw)))
	c.Data(http.StatusOK, "application/zip", raw)
	return nil
}
