package web

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"net/http"
	"path"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/broadcast"
)

//go:embed templates
var templatesFS embed.FS

// frame is what every page has around it.
type frame struct {
	Title   string
	Section string // which entry of the navigation is current
	Me      broadcast.Actor
	Version string
	BotName string   // whom messages come from, as people see it in Teams
	Said    string   // what just worked, in a sentence
	Scripts []string // modules of this page, beside app.js
	Card    bool     // the page draws a card: load the renderer
	GoTo    string   // where the page goes on by itself, at once
	Refresh int      // seconds until the page loads itself anew where no script runs; 0 for never
}

// SignedIn tells whether anybody is.
func (f frame) SignedIn() bool { return f.Me.ID != "" }

// Admin tells whether this person sets things up.
func (f frame) Admin() bool { return f.Me.Has(broadcast.RoleAdmin) }

// Initials are the letters in the person's badge.
func (f frame) Initials() string {
	var out []rune
	for _, word := range strings.Fields(f.Me.Name) {
		out = append(out, []rune(word)[0])
	}
	if len(out) > 2 {
		out = []rune{out[0], out[len(out)-1]}
	}
	return strings.ToUpper(string(out))
}

// said is what a finished use-case says on the page it leads to.
var said = map[string]string{
	"saved":      "Draft saved.",
	"duplicate":  "This is a copy. Change what you like; the original stays as it is.",
	"submit":     "Submitted. Somebody with the role Approver can now review it.",
	"withdraw":   "Taken back. It is a draft again.",
	"approve":    "Approved. It can be sent now, or scheduled.",
	"reject":     "Sent back to the author with your reason.",
	"schedule":   "Scheduled. It starts by itself at that time.",
	"unschedule": "Taken off the schedule. It stays approved.",
	"send":       "Sending has begun.",
	"pause":      "Paused. Messages already under way may still arrive.",
	"resume":     "Going on.",
	"cancel":     "Cancelled.",
	"start":      "The rollout runs. People get the app one after another.",
	"hold":       "The rollout is paused.",
	"revoked":    "The key is revoked and works no longer.",
}

// frame begins a page. What just worked comes in ?said= as a word of the table
// above, so that nobody can put sentences of their own into a link.
func (d *Door) frame(c *gin.Context, title, section string) frame {
	a, _ := d.o.Auth.Actor(c)
	return frame{Title: title, Section: section, Me: a, Version: d.o.Version, BotName: d.o.BotName, Said: said[c.Query("said")]}
}

// pages are the parsed templates: one set per page, each with the layout and
// the parts; parts alone answer fetches.
type pages struct {
	byName map[string]*template.Template
	parts  *template.Template
}

func loadPages(st *static) (pages, error) {
	p := pages{byName: map[string]*template.Template{}}
	base, err := template.New("").Funcs(words(st)).ParseFS(templatesFS, "templates/layout.html", "templates/parts_*.html")
	if err != nil {
		return p, err
	}
	names, err := fs.Glob(templatesFS, "templates/page_*.html")
	if err != nil {
		return p, err
	}
	for _, name := range names {
		set, err := base.Clone()
		if err != nil {
			return p, err
		}
		if set, err = set.ParseFS(templatesFS, name); err != nil {
			return p, err
		}
		p.byName[strings.TrimSuffix(strings.TrimPrefix(path.Base(name), "page_"), ".html")] = set
	}
	p.parts = base
	return p, nil
}

func (p pages) page(w io.Writer, name string, data any) error {
	set, ok := p.byName[name]
	if !ok {
		return fmt.Errorf("there is no page %q", name)
	}
	return set.ExecuteTemplate(w, "layout", data)
}

// render writes a whole page, or nothing of it: half a page with status 200 would
// hide a defect.
func (d *Door) render(c *gin.Context, status int, name string, data any) {
	d.write(c, status, func(w io.Writer) error { return d.pages.page(w, name, data) })
}

// renderPart writes a fragment for our own modules.
func (d *Door) renderPart(c *gin.Context, status int, name string, data any) {
	d.write(c, status, func(w io.Writer) error { return d.pages.parts.ExecuteTemplate(w, name, data) })
}

func (d *Door) write(c *gin.Context, status int, fill func(io.Writer) error) {
	var out bytes.Buffer
	if err := fill(&out); err != nil {
		d.o.Log.ErrorContext(c.Request.Context(), "page could not be rendered", "request_id", requestID(c), "path", c.FullPath(), "error", err)
		c.String(http.StatusInternalServerError, "Something went wrong on our side. Please tell your IT admin this number: %s", requestID(c))
		return
	}
	c.Data(status, "text/html; charset=utf-8", out.Bytes())
}

// part renders a fragment into a string, for answers that carry more than HTML.
func (d *Door) part(name string, data any) (string, error) {
	var out strings.Builder
	err := d.pages.parts.ExecuteTemplate(&out, name, data)
	return out.String(), err
}
