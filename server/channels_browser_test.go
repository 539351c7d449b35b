package server_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/fanfare/fanfare/simulator"
)

// The simulator's first team.
const berlin = "19:exampleteam0001@thread.tacv2"

// inTeams has the bot in both of the simulator's teams, and both known.
func (w *world) inTeams() {
	w.t.Helper()
	w.post("/_simulator/teams/"+url.PathEscape(berlin)+"/rename", object{"name": "Berlin Office"}) // it is in this one
	w.inTeam("install", nil)
	w.until("both teams' channels are known", func() bool {
		var page struct{ Channels []object }
		w.must(200, "author", "GET", "/channels?q=news", nil, &page)
		return len(page.Channels) == 3 // the second team is called Newsroom
	})
}

type posted struct {
	Text            string
	Reply           bool
	Edited, Deleted bool
}

// postedIn is what the bot wrote into a channel.
func (w *world) postedIn(channel string) (out []posted) {
	w.t.Helper()
	for _, team := range w.asks("/_simulator/teams")["teams"].([]any) {
		for _, c := range team.(object)["channels"].([]any) {
			for _, p := range c.(object)["posts"].([]any) {
				if p := p.(object); c.(object)["id"] == channel {
					out = append(out, posted{fmt.Sprint(p["cards"]), p["reply"] == true, p["edited"] == true, p["deleted"] == true})
				}
			}
		}
	}
	return out
}

// An author looks for General, tells two teams' apart, and sends to one of them and to
// some people; what was posted there is corrected and taken back.
func TestAnAnnouncementIsPostedInAChannel(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite", func(o *simulator.Options) { o.People = 60 })
	w.serve()
	w.rolledOut()
	w.inTeams()
	author := w.begins("For the newsroom")
	author.replaces("#audience_search", "General")
	author.sees("#hits", "Channel Newsroom › General")
	hits := evaluate[[]string](author, `[...document.querySelectorAll("#hits li")].map((e) => e.innerText)`)
	if len(hits) != 2 || !strings.HasPrefix(hits[0], "Channel Berlin Office › General") || strings.Contains(strings.Join(hits, ""), "Leave out") {
		t.Errorf("%q", hits)
	}
	author.looks("editor-channels-found")
	author.press("Channel Newsroom › General")
	author.sees("#include", "Channel Newsroom › General")
	author.sees(".reach-count", "1 channel will get it")
	author.press("Everyone in the organisation")
	author.sees(".reach-count", "people and 1 channel will get it")
	author.until(`document.querySelector("#include li").checkVisibility()`)
	author.looks("editor-channel-everyone")
	author.press("Some of them")
	author.replaces("#audience_search", "Engineering")
	author.sees("#hits", "Department")
	author.press("Department Engineering")
	author.sees(".reach-count", "people and 1 channel will get it")
	author.sees("#save-state", "Saved")
	id := author.draftID()
	author.do(chromedp.Reload()) // the choice comes back as it was
	author.ready()
	author.sees("#include", "Channel Newsroom › General")
	author.sees("#include", "Department Engineering")
	author.press("Submit for review")
	author.sees(".badge", "In review")

	approver := w.signIn(ben, "/broadcasts/"+id)
	approver.sees("#reach", "people and 1 channel will get it")
	approver.press("Approve…")
	approver.sees("dialog[open] [data-headcount]", "people and 1 channel")
	approver.looks("approve-channel")
	approver.confirms("Approve")
	approver.press("Send now…")
	approver.confirms("Send now")
	b := w.state(id, "sent")
	if b.Tally.Sent+b.Tally.Skipped != b.Tally.Total || b.Tally.Sent < 3 {
		t.Errorf("%+v", b.Tally)
	}
	if got := w.postedIn(newsroom); len(got) != 1 || got[0].Reply || !strings.Contains(got[0].Text, "For the newsroom") {
		t.Errorf("the channel holds %+v", got)
	}
	if got := w.sim.Report().ByBroadcast[id]; got.Threads != 1 || got.Reached != int64(b.Tally.Sent-1) || got.Repeats != 0 || len(w.postedIn(berlin)) != 0 {
		t.Errorf("%+v", got)
	}
	author.goTo(w.base + "/broadcasts/" + id)
	author.sees("[data-region=audience]", "people and 1 channel.")
	author.sees("[data-text=line]", " recipients reached.")
	author.looks("show-channel")
	author.press("See every recipient")
	author.replaces("#q", "newsroom gen")
	author.do(chromedp.KeyEvent("\r"))
	author.sees("table", "Newsroom › General")
	author.until(`document.querySelectorAll("tbody tr").length === 1`)
	author.looks("recipients-channel")

	var edit bulletin
	w.must(201, "author", "POST", "/broadcasts/"+id+"/correct", nil, &edit)
	w.must(200, "author", "PUT", "/broadcasts/"+edit.ID, object{"revision": edit.Revision, "title": "For the whole newsroom", "body": "Sorry.", "audience": everyoneHere}, &edit)
	w.reviewed(edit)
	w.moves(edit.ID, "send", nil)
	w.state(edit.ID, "sent")
	if got := w.postedIn(newsroom); len(got) != 1 || !got[0].Edited || !strings.Contains(got[0].Text, "For the whole newsroom") {
		t.Errorf("after the correction %+v", got)
	}
	w.must(200, "approver", "POST", "/broadcasts/"+id+"/recall", object{"note": "Wrong."}, nil)
	w.until("the thread is gone", func() bool { return w.postedIn(newsroom)[0].Deleted })
}
