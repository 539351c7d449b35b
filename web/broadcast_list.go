package web

import (
	"net/http"
	"net/url"

	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/broadcast"
)

type tab struct {
	Name, Words string
	States      []broadcast.State
	Current     bool
	Link        string
	Count       string // "" where no count is cheap enough
}

// listTabs sorts the states into what people look for.
func listTabs() []tab {
	return []tab{
		{Name: "", Words: "All"},
		{Name: "drafts", Words: "Drafts", States: []broadcast.State{broadcast.Draft, broadcast.Rejected}},
		{Name: "review", Words: "In review", States: []broadcast.State{broadcast.InReview}},
		{Name: "approved", Words: "Approved", States: []broadcast.State{broadcast.Approved, broadcast.Scheduled}},
		{Name: "sending", Words: "Sending", States: []broadcast.State{broadcast.Resolving, broadcast.Sending, broadcast.Paused, broadcast.Held}},
		{Name: "sent", Words: "Sent", States: []broadcast.State{broadcast.Sent}},
		{Name: "stopped", Words: "Stopped", States: []broadcast.State{broadcast.Failed, broadcast.Cancelled}},
	}
}

type listPage struct {
	frame
	Tabs       []tab
	Tab        tab
	Text       string
	Broadcasts []broadcast.Broadcast
	First      string // link to the first page, "" on it
	Next       string // link to the next page, "" at the end
	Rollout    hint
}

// hint says on the list that nobody can be reached yet.
type hint struct{ Show, Running bool }

func (d *Door) listBroadcasts(c *gin.Context, a broadcast.Actor) error {
	p := listPage{frame: d.frame(c, "Announcements", "list"), Text: c.Query("q")}
	p.Tabs, p.Tab = pickTab(listTabs(), c.Query("tab"), func(name string) string {
		return link("/", "tab", name, "q", p.Text)
	})
	found, err := d.service.List(c.Request.Context(), a, broadcast.ListQuery{
		States: p.Tab.States, Text: p.Text, After: broadcast.ID(c.Query("after")),
	})
	if err != nil {
		return err
	}
	p.Broadcasts = found.Broadcasts
	if found.Next != "" {
		p.Next = link("/", "tab", p.Tab.Name, "q", p.Text, "after", string(found.Next))
	}
	if c.Query("after") != "" {
		p.First = p.Tab.Link
	}
	if p.Rollout, err = d.rolloutHint(c, a); err != nil {
		return err
	}
	d.render(c, http.StatusOK, "list", p)
	return nil
}

// rolloutHint tells writers and admins that the bot has to come first. The
// figures are up to a minute old: they cost a count over everybody.
func (d *Door) rolloutHint(c *gin.Context, a broadcast.Actor) (hint, error) {
	if !a.MayWrite() {
		return hint{}, nil
	}
	r, err := d.rollout.look(c.Request.Context(), a, hintAge)
	if err != nil {
		return hint{}, err
	}
	return hint{Show: r.Addressed == 0, Running: r.State == broadcast.RolloutRunning}, nil
}

// pickTab marks the current tab and gives each its link; an unknown name is the first.
func pickTab(tabs []tab, name string, to func(string) string) ([]tab, tab) {
	current := 0
	for i := range tabs {
		tabs[i].Link = to(tabs[i].Name)
		if tabs[i].Name == name {
			current = i
		}
	}
	tabs[current].Current = true
	return tabs, tabs[current]
}

// link is a path with those of the name-value pairs that are not empty.
func link(path string, pairs ...string) string {
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}
