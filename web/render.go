package web

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/web/static"
	"github.com/fanfare/fanfare/web/words"
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
	Halt    *broadcast.Halt
	Here    string // where to come back to
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
	"go":         "Going on: everybody else gets it now.",
	"retry":      "Those who failed are being tried again.",
	"recall":     "It is being taken back. Below you see how far that has come.",
	"correct":    "This is the message as people have it. Mend it; it is reviewed like any announcement and then replaces theirs.",
	"lift":       "Everything goes on. It stops again by itself if the cause is still there.",
}

// frame begins a page. What just worked comes in ?said= as a word of the table
// above, so that nobody can put sentences of their own into a link.
func (d *Door) frame(c *gin.Context, title, section string) frame {
	a, _ := d.o.Auth.Actor(c)
	f := frame{Title: title, Section: section, Me: a, Version: d.o.Version, BotName: d.o.BotName, Said: said[c.Query("said")], Here: "/"}
	if c.Request.Method == http.MethodGet {
		f.Here = c.Request.URL.Path
	}
	if f.SignedIn() {
		f.Halt = d.standingHalt(c, a)
	}
	return f
}

// haltPatience is how long a page waits to learn whether everything is stopped: a
// page without the banner is better than no page.
const haltPatience = time.Second

func (d *Door) standingHalt(c *gin.Context, a broadcast.Actor) *broadcast.Halt {
	ctx, cancel := context.WithTimeout(c.Request.Context(), haltPatience)
	defer cancel()
	h, err := d.service.Halt(ctx, a)
	if err != nil && c.Request.Context().Err() == nil {
		d.o.Log.WarnContext(ctx, "whether everything is stopped could not be read", "error", err)
	}
	return h
}

// vocabulary are the functions templates speak with.
func vocabulary(st *static.Files) template.FuncMap {
	return template.FuncMap{
		"static": st.Path, "num": words.Num, "people": words.People, "iso": words.ISO, "utc": words.UTC, "badge": words.Badge, "kind": words.Kind,
		"done": words.Done, "delivery": words.Delivery, "install": words.Install, "priority": words.Priority, "priorityMeans": words.PriorityMeans,
		"plan": words.Plan, "planInShort": words.PlanInShort, "priorities": broadcast.Priorities, "failedShare": func(t broadcast.Tally) string {
			return strings.TrimSuffix(words.Percent(t.Failed, t.Sent+t.Failed), ".0")
		},
		"list": words.List, "add": func(a, b int) int { return a + b }, "card": cardJSON, "kb": words.Kilobytes, "role": words.Role,
		"notes": func() []string { return []string{"listing", "late", "repeat"} }, "fieldID": fieldID, "groupNote": groupNote, "act": actOf, "ask": askOf,
		"blank": func() broadcast.Button { return broadcast.Button{} },
		"buttonRow": func(i int, b broadcast.Button, badTitle, badURL string) buttonRow {
			return buttonRow{i, b, badTitle, badURL}
		},
	}
}

// cardJSON lets a composed card stand in a script element of type
// application/json: html/template escapes it as data there.
func cardJSON(raw []byte) json.RawMessage {
	if len(raw) == 0 {
		return json.RawMessage("null")
	}
	return raw
}

// pages are the parsed templates: one set per page, each with the layout and
// the parts; parts alone answer fetches.
type pages struct {
	byName map[string]*template.Template
	parts  *template.Template
}

func loadPages(st *static.Files) (pages, error) {
	p := pages{byName: map[string]*template.Template{}}
	base, err := template.New("").Funcs(vocabulary(st)).ParseFS(templatesFS, "templates/layout.html", "templates/parts_*.html")
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
