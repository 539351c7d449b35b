package frame

import (
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"

	"github.com/fanfare/fanfare/auth"
	"github.com/fanfare/fanfare/broadcast"
)

// Options is what the frame is made of.
type Options struct {
	Service   *broadcast.Service
	Auth      *auth.Web
	Links     broadcast.Links // plain-http addresses images may come from (the pages' own policy)
	BotName   string          // whom messages come from, as people see it in Teams
	PublicURL string          // where people reach Fanfare
	Version   string
	Log       *slog.Logger
	// Stopping is closed when the server begins to stop: live streams end at once,
	// so that nobody waits for them.
	Stopping <-chan struct{}

	Templates fs.FS             // the folder that holds templates/
	Functions template.FuncMap  // what templates speak with
	Said      map[string]string // what a finished use-case says on the page it leads to
}

// Frame carries the pages of the door.
type Frame struct {
	o      Options
	pages  Pages
	policy string // Content-Security-Policy, the same on every page
}

// New parses the templates; it fails only if those built into the binary are broken.
func New(o Options) (*Frame, error) {
	p, err := LoadPages(o.Templates, o.Functions)
	if err != nil {
		return nil, fmt.Errorf("parsing the templates: %w", err)
	}
	return &Frame{o: o, pages: p, policy: policy(o.Links)}, nil
}
