package server_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/fanfare/fanfare/simulator"
)

// An admin bounds an author by keyboard alone; the author is told while choosing, and
// refused with what they wrote still there; the admin sees who did what, and deletes it.
func TestAnAdminBoundsAnAuthorInTheBrowser(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite", func(o *simulator.Options) { o.People = 60 })
	w.serve()
	admin := w.signIn(cora, "/")
	admin.tabTo(".account summary")
	admin.do(key("Enter", 13))
	admin.tabTo(`.menu a[href="/scopes"]`)
	admin.do(key("Enter", 13))
	admin.sees("h1", "Scopes")
	admin.sees("main", "Everybody. Nothing bounds them until you set something.")
	admin.looks("scopes-none")
	admin.tabTo("#q")
	admin.do(chromedp.KeyEvent("Ada Au"), key("Enter", 13))
	admin.sees(".found", "Ada Author")
	admin.tabTo(".found a")
	admin.do(key("Enter", 13))
	admin.sees("h1", "Whom Ada Author may reach")
	admin.tabTo("#audience_search")
	admin.do(chromedp.KeyEvent("Engineering"))
	admin.sees("#hits", "Group")
	admin.tabTo(`#hits button`)
	admin.do(key("Enter", 13))
	admin.sees("#include", "Engineering")
	admin.sees("#scope-count", "people now.")
	admin.looks("scope")
	admin.tabTo(`button[value="save"]`)
	admin.do(key("Enter", 13))
	admin.sees("[data-said]", "It counts from now on")
	admin.sees(".changes", "set the scope of Ada Author: from none to “Engineering”")
	admin.looks("scopes")

	author := w.begins("For everyone").forgive("422")
	author.press("Everyone in the organisation")
	author.sees("[data-outside]", "are outside what you may reach (Engineering): for example")
	author.looks("editor-outside")
	author.press("Submit for review")
	author.sees("#summary", "Leave them out, or ask an admin.")
	author.sees("#audience-problem", "are outside what you may reach")
	author.until(`document.getElementById("body").value === "Dear all, there is news."`)

	admin.goTo(w.base + "/scopes")
	admin.press("Change") // the default's
	admin.sees("h1", "Whom all other authors may reach")
	admin.forgive("422").press("Save the scope")
	admin.sees("#summary", "Choose who should get this")
	admin.goTo(w.base + "/scopes/" + simulator.StandardPeople()[0].EntraID)
	admin.press("Delete this scope…")
	admin.looks("scope-delete")
	admin.press("Yes, delete it")
	admin.sees("[data-said]", "Deleted.")
	admin.sees(".changes", "deleted the scope of Ada Author: from “Engineering” to none")
	author.press("Submit for review")
	author.sees(".badge", "In review")
}

// Who has had much already is said while an audience is chosen, and at review.
func TestTooMuchIsSaidInTheBrowser(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite", func(o *simulator.Options) { o.People = 60 })
	w.env["FANFARE_FATIGUE_NUMBER"] = "1"
	w.serve()
	b := w.approved("News")
	w.must(200, "approver", "POST", "/broadcasts/"+b.ID+"/send", nil, nil)
	everybody := fmt.Sprintf("%d of them got 1.", w.state(b.ID, "sent").Tally.Sent) // some are counted before the others are sent to
	w.until("it is counted", func() bool {
		return strings.Contains(string(w.call("author", "POST", "/audience/reach", everyoneHere).body), everybody)
	})
	author := w.begins("Again")
	author.press("Everyone in the organisation")
	author.sees("[data-got]", "In the last 7 days")
	author.sees("[data-too-much]", "would have got more than 1 announcement within 7 days")
	author.looks("editor-too-much")
}
