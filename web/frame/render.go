package frame

import (
	"bytes"
	"context"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/broadcast"
)

// Page is what every page has around it.
type Page struct {
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
	Halt    *broadcast.Halt
	Framed  bool   // shown inside Teams: nothing of it leads to another page there
	Here    string // where to come back to
}

// SignedIn tells whether anybody is.
func (p Page) SignedIn() bool { return p.Me.ID != "" }

// Admin tells whether this person sets things up.
func (p Page) Admin() bool { return p.Me.Has(broadcast.RoleAdmin) }

// Initials are the letters in the person's badge.
func (p Page) Initials() string {
	var out []rune
	for _, word := range strings.Fields(p.Me.Name) {
		out = append(out, []rune(word)[0])
	}
	if len(out) > 2 {
		out = []rune{out[0], out[len(out)-1]}
	}
	return strings.ToUpper(string(out))
}

// Page begins a page. What just worked comes in ?said= as a word of the
// table the door gave, so that nobody can put sentences of their own into a link.
func (f *Frame) Page(c *gin.Context, title, section string) Page {
	a, _ := f.o.Auth.Actor(c)
	p := Page{Title: title, Section: section, Me: a, Version: f.o.Version, BotName: f.o.BotName, Said: f.o.Said[c.Query("said")], Here: "/"}
	if c.Request.Method == http.MethodGet {
		p.Here = c.Request.URL.Path
	}
	if p.SignedIn() {
		p.Halt = f.standingHalt(c, a)
	}
	return p
}

// haltPatience is how long a page waits to learn whether everything is stopped: a
// page without the banner is better than no page.
const haltPatience = time.Second

func (f *Frame) standingHalt(c *gin.Context, a broadcast.Actor) *broadcast.Halt {
	ctx, cancel := context.WithTimeout(c.Request.Context(), haltPatience)
	defer cancel()
	h, err := f.o.Service.Halt(ctx, a)
	if err != nil && c.Request.Context().Err() == nil {
		f.o.Log.WarnContext(ctx, "whether everything is stopped could not be read", "error", err)
	}
	return h
}

// Pages are the parsed templates: one set per page, each with the layout and
// the parts; parts alone answer fetches.
type Pages struct {
	byName map[string]*template.Template
	parts  *template.Template
}

// LoadPages parses the templates, which speak with the functions given.
func LoadPages(templates fs.FS, functions template.FuncMap) (Pages, error) {
	p := Pages{byName: map[string]*template.Template{}}
	base, err := template.New("").Funcs(functions).ParseFS(templates, "templates/layout.html", "templates/parts_*.html")
	if err != nil {
		return p, err
	}
	names, err := fs.Glob(templates, "templates/page_*.html")
	if err != nil {
		return p, err
	}
	for _, name := range names {
		set, err := base.Clone()
		if err != nil {
			return p, err
		}
		if set, err = set.ParseFS(templates, name); err != nil {
			return p, err
		}
		p.byName[strings.TrimSuffix(strings.TrimPrefix(path.Base(name), "page_"), ".html")] = set
	}
	p.parts = base
	return p, nil
}

// Names is every page there is.
func (p Pages) Names() []string { return slices.Sorted(maps.Keys(p.byName)) }

// Page writes a whole page.
func (p Pages) Page(w io.Writer, name string, data any) error {
	set, ok := p.byName[name]
	if !ok {
		return fmt.Errorf("there is no page %q", name)
	}
	return set.ExecuteTemplate(w, "layout", data)
}

// Render writes a whole page, or nothing of it: half a page with status 200 would
// hide a defect.
func (f *Frame) Render(c *gin.Context, status int, name string, data any) {
	f.write(c, status, func(w io.Writer) error { return f.pages.Page(w, name, data) })
}

// RenderPart writes a fragment for our own modules.
func (f *Frame) RenderPart(c *gin.Context, status int, name string, data any) {
	f.write(c, status, func(w io.Writer) error { return f.pages.parts.ExecuteTemplate(w, name, data) })
}

func (f *Frame) write(c *gin.Context, status int, fill func(io.Writer) error) {
	var out bytes.Buffer
	if err := fill(&out); err != nil {
		f.o.Log.ErrorContext(c.Request.Context(), "page could not be rendered", "request_id", requestID(c), "path", c.FullPath(), "error", err)
		c.String(http.StatusInternalServerError, "Something went wrong on our side. Please tell your IT admin this number: %s", requestID(c))
		return
	}
	c.Data(status, "text/html; charset=utf-8", out.Bytes())
}

// Part renders a fragment into a string, for answers that carry more than HTML.
func (f *Frame) Part(name string, data any) (string, error) {
	var out strings.Builder
	err := f.pages.parts.ExecuteTemplate(&out, name, data)
	return out.String(), err
}
