package web

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/web/frame"
)

// listTabs sorts the states into what people look for.
func listTabs() []frame.Tab {
	return []frame.Tab{
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
	frame.Page
	Tabs       []frame.Tab
	Tab        frame.Tab
	Text       string
	Broadcasts []broadcast.Broadcast
	First      string // link to the first page, "" on it
	Next       string // link to the next page, "" at the end
	Rollout    hint
}

// hint says on the list that nobody can be reached yet.
type hint struct{ Show, Running bool }

func (d *Door) listBroadcasts(c *gin.Context, a broadcast.Actor) error {
	p := listPage{Page: d.Page(c, "Announcements", "list"), Text: c.Query("q")}
	p.Tabs, p.Tab = frame.PickTab(listTabs(), c.Query("tab"), func(name string) string {
		return frame.Link("/", "tab", name, "q", p.Text)
	})
	found, err := d.service.List(c.Request.Context(), a, broadcast.ListQuery{
		States: p.Tab.States, Text: p.Text, After: broadcast.ID(c.Query("after")),
	})
	if err != nil {
		return err
	}
	p.Broadcasts = found.Broadcasts
	if found.Next != "" {
		p.Next = frame.Link("/", "tab", p.Tab.Name, "q", p.Text, "after", string(found.Next))
	}
	if c.Query("after") != "" {
		p.First = p.Tab.Link
	}
	if p.Rollout, err = d.rolloutHint(c, a); err != nil {
		return err
	}
	d.Render(c, http.StatusOK, "list", p)
	return nil
}

// hintAge is how old the list's hint may be: its figures cost a count over everybody.
const hintAge = time.Minute

// rolloutHint tells writers and admins that the bot has to come first.
func (d *Door) rolloutHint(c *gin.Context, a broadcast.Actor) (hint, error) {
	if !a.MayWrite() {
		return hint{}, nil
	}
	r, err := d.rollout.Look(c.Request.Context(), a, hintAge)
	if err != nil {
		return hint{}, err
	}
	return hint{Show: r.Addressed == 0, Running: r.State == broadcast.RolloutRunning}, nil
}
