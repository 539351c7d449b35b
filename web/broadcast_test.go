package web

import (
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/web/form"
)

func TestAnAnnouncementIsWrittenReviewedAndSent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(40, 20)
	ada, ben := w.author(), w.approver()

	a := ada.post("/broadcasts", with(good(), "do", "submit")).says(http.StatusOK, "Submitted.", "In review", "It waits for somebody with the role Approver")
	a.lacks(`data-dialog="ask-approve"`)
	page := a.path

	a = ben.get(page).says(http.StatusOK, "Office closed on Friday", `data-dialog="ask-approve"`, `data-dialog="ask-reject"`, "AdaptiveCard")
	ben.post(page+"/approve", url.Values{"revision": {a.revision()}}).says(http.StatusOK, "Approved.", "Ben Approver")

	a = ada.get(page+"?ask=send").says(http.StatusOK, "Send it now?", "36 people", `<dialog id="ask-send" aria-labelledby="ask-send-title" open>`)
	send := url.Values{"revision": {a.revision()}}
	ada.post(page+"/send", send).says(http.StatusOK, "Sending has begun.", "Working out who gets it")
	ada.post(page+"/send", send).says(http.StatusConflict, "so it cannot be sent. Reload the page")

	ben.get("/?tab=sending").says(http.StatusOK, "Office closed on Friday", "Preparing")
	ben.get("/?tab=drafts").says(http.StatusOK, "Nothing found").lacks("Office closed")
}

func TestNobodyApprovesTheirOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(10, 5)
	page := w.author().post("/broadcasts", with(good(), "do", "submit")).says(http.StatusOK).path
	ada := w.author()
	ada.get(page).says(http.StatusOK).lacks(`data-dialog="ask-approve"`)
	ada.post(page+"/approve", url.Values{"revision": {"2"}}).says(http.StatusForbidden, "Your role does not allow that.")
}

func TestTheReviewerReadsTheGroupsOwnName(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(20, 10)
	all := w.group(1, "All employees", "", 1, 2, 3)
	form := with(good(), "audience", "some", "include", partValue(broadcast.Group{ID: all.ID, Name: "Just the three of us"}), "do", "submit")
	page := w.author().post("/broadcasts", form).says(http.StatusOK).path
	w.approver().get(page).says(http.StatusOK, "All employees").lacks("Just the three of us")
}

func TestSendingBackNeedsAReasonAndKeepsWhatWasTyped(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(10, 5)
	ada, ben := w.author(), w.approver()
	page := ada.post("/broadcasts", with(good(), "do", "submit")).says(http.StatusOK).path
	revision := ben.get(page).revision()

	ben.post(page+"/reject", url.Values{"revision": {revision}, "note": {"  "}}).
		says(http.StatusUnprocessableEntity, "Say what should change", `<dialog id="ask-reject" aria-labelledby="ask-reject-title" open>`)
	long := strings.Repeat("Wrong date. ", 100)
	ben.post(page+"/reject", url.Values{"revision": {revision}, "note": {long}}).says(http.StatusUnprocessableEntity, "longer than 1,000 characters", long[:500])
	ben.post(page+"/reject", url.Values{"revision": {revision}, "note": {"The date is wrong."}}).says(http.StatusOK, "Sent back", "The date is wrong.")
	ada.get(page).says(http.StatusOK, "The date is wrong.", "Edit", "Submit for review")
}

func TestARefusedFormKeepsEveryWordAndNamesTheFields(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(10, 5)
	form := url.Values{
		"title": {""}, "body": {"Kept <b>words</b>"}, "image_url": {"http://insecure.example/x.png"}, "audience": {"some"},
		"button_title": {"Go", ""}, "button_url": {"ftp://x", "https://only.example"}, "do": {"submit"},
	}
	w.author().post("/broadcasts", form).says(http.StatusUnprocessableEntity,
		"Kept &lt;b&gt;words&lt;/b&gt;", "Give the message a title", "Describe the image in a few words", "must begin with https://",
		"Button 2 needs a text", "Choose who should get this", `href="#buttons.0.url"`, `value="ftp://x"`, `aria-invalid="true"`,
	)
	w.author().get("/").says(http.StatusOK, "Untitled draft") // what could be kept is kept
}

func TestAStaleRevisionShowsBothVersions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, cora := w.author(), w.admin()
	page := ada.draft(good())
	old := ada.get(page + "/edit").revision()
	cora.post(page+"/edit", with(good(), "title", "Cora's title", "revision", old, "do", "save")).says(http.StatusOK, "Draft saved.")

	mine := with(good(), "title", "Ada's title", "revision", old, "do", "save")
	a := ada.post(page+"/edit", mine).says(http.StatusConflict, "Cora Admin changed this meanwhile", "Cora&#39;s title", "Ada&#39;s title", "Save mine over theirs")
	if a.revision() != old {
		t.Errorf("the form moved to revision %s by itself: the next save would overwrite unseen", a.revision())
	}
	var answer overtaken
	if err := json.Unmarshal([]byte(ada.fetch(put, page, mine).says(http.StatusConflict).body), &answer); err != nil {
		t.Fatal(err)
	}
	if answer.Revision != 2 || !strings.Contains(answer.Panel, "Cora&#39;s title") {
		t.Errorf("autosave was told %+v", answer)
	}
	ada.post(page+"/edit", with(mine, "revision_keep", "2")).says(http.StatusOK, "Draft saved.", "Ada&#39;s title")
}

func TestAutosaveMakesOneDraftAndGoesOnWithIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.author()
	var first, second saved
	if err := json.Unmarshal([]byte(ada.fetch(post, "/broadcasts", url.Values{"title": {"Half"}}).says(http.StatusOK).body), &first); err != nil {
		t.Fatal(err)
	}
	next := url.Values{"title": {"Half a title"}, "revision": {"1"}}
	if err := json.Unmarshal([]byte(ada.fetch(put, "/broadcasts/"+string(first.ID), next).says(http.StatusOK).body), &second); err != nil {
		t.Fatal(err)
	}
	if first.Revision != 1 || second.Revision != 2 || second.ID != first.ID || second.SavedAt.IsZero() {
		t.Errorf("first %+v, second %+v", first, second)
	}
	if n := strings.Count(ada.get("/").body, "Half"); n != 1 {
		t.Errorf("%d drafts, want 1", n)
	}
	long := url.Values{"title": {strings.Repeat("x", 200)}, "revision": {"2"}}
	ada.fetch(put, "/broadcasts/"+string(first.ID), long).says(http.StatusUnprocessableEntity, `"field":"title"`, "at most 150 fit")
}

func TestAnEndedSessionLosesNoWords(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.author()
	w.clock.advance(9 * time.Hour)
	a := ada.post("/broadcasts", with(good(), "do", "save")).says(http.StatusUnauthorized, "Your session has ended", `value="The **office** stays closed."`, `action="/broadcasts"`)
	a.lacks("Ada Author")
	ada.fetch(post, "/broadcasts", good()).says(http.StatusUnauthorized, "Your session has ended")
	if a := ada.get("/keys"); a.path != "/sign-in" || !strings.Contains(a.body, "/auth/start?next=%2Fkeys") {
		t.Errorf("a page without a session led to %s:\n%s", a.path, a.body)
	}
	// Signed in again, the kept form goes through.
	w.clock.advance(-9 * time.Hour) // the painted Entra has a clock of its own
	w.author().post("/broadcasts", with(good(), "do", "save")).says(http.StatusOK, "Draft saved.")
}

func TestBadInputGetsASentence(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(10, 5)
	ada := w.author()
	unreadable := w.group(1, "Broken", "", 1)
	g := w.dir.groups[unreadable.ID]
	g.broken = true
	w.dir.groups[unreadable.ID] = g

	ada.post("/broadcasts", url.Values{"body": {strings.Repeat("x", 10<<20)}}).says(http.StatusRequestEntityTooLarge, "larger than 1 MB")
	ada.fetch(post, "/preview", url.Values{"body": {strings.Repeat("x", 10<<20)}}).says(http.StatusRequestEntityTooLarge, "larger than 1 MB")
	for _, path := range []string{"/broadcasts", "/broadcasts/x/approve", "/keys"} {
		w.approver().post(path+"?x=%zz", url.Values{"title": {"x"}}).lacks("on our side")
		ada.post(path+"?x=%zz", url.Values{"title": {"x"}}).lacks("on our side")
	}
	ada.post("/broadcasts?x=%zz", url.Values{"title": {"x"}}).says(http.StatusBadRequest, "garbled")
	ada.get("/broadcasts/0190a1b2-c3d4-7000-8000-000000000001").says(http.StatusNotFound, "Go to the announcements")
	ada.get("/broadcasts/not-an-id").says(http.StatusNotFound)
	ada.get("/nowhere").says(http.StatusNotFound, "There is no page at this address")
	ada.post("/rollout", nil).says(http.StatusMethodNotAllowed, "does not take that kind of request")

	page := ada.draft(with(good(), "audience", "some", "include", partValue(unreadable)))
	ada.post(page+"/submit", url.Values{}).says(http.StatusUnprocessableEntity, "The group “Broken” cannot be read", "Mend it in the editor")
	ada.fetch(get, page+"/reach", nil).says(http.StatusOK, "cannot be read", `"known":false`)
	big := with(good(), "body", strings.Repeat("ä ", 9_990), "do", "submit")
	for i := range 6 {
		big.Add("button_title", "b")
		big.Add("button_url", "https://x.example/"+strings.Repeat("y", 1_900+i))
	}
	ada.post("/broadcasts", big).says(http.StatusUnprocessableEntity, "There are 7 buttons")
	ada.get(page+"/recipients?state=nonsense").says(http.StatusUnprocessableEntity, "There is no state")
}

func TestSchedulingTakesThePersonsOwnZone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(10, 5)
	ada, ben := w.author(), w.approver()
	page := ada.post("/broadcasts", with(good(), "do", "submit")).says(http.StatusOK).path
	a := ben.post(page+"/approve", url.Values{}).says(http.StatusOK)

	past := url.Values{"revision": {a.revision()}, "at": {"2020-01-31T09:00"}}
	ada.post(page+"/schedule", past).says(http.StatusUnprocessableEntity, "Choose a time in the future.", `value="2020-01-31T09:00"`)
	ada.post(page+"/schedule", with(past, "at", "soon")).says(http.StatusUnprocessableEntity, "This is not a date and time.")
	day := w.clock.Now().AddDate(1, 0, 0).Format("2006-01-02")
	// 09:00 as typed is 08:00 UTC in the person's zone, and that is what counts.
	ada.post(page+"/schedule", with(past, "at", day+"T09:00", "at_moment", day+"T08:00:00.000Z")).says(http.StatusOK, "Scheduled.", day+"T08:00:00Z")
	ada.post(page+"/unschedule", url.Values{}).says(http.StatusOK, "Taken off the schedule.")
}

func TestADuplicateIsANewDraftWithTheSameWords(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.author()
	page := ada.draft(good())
	a := ada.post(page+"/duplicate", nil).says(http.StatusOK, "This is a copy.", "Office closed on Friday", "https://intranet.example/closed")
	if strings.HasPrefix(a.path, page) {
		t.Error("the duplicate is the original")
	}
}

func TestTheEditorWorksWithoutScript(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(20, 10)
	sales := w.group(1, "Sales", "sales@contoso.example", 1, 2, 3)
	other := w.group(2, "Sales", "sales-us@contoso.example", 4)
	ada := w.author()
	form := func(do string) url.Values { return with(good(), "do", do) }

	ada.post("/broadcasts", form("add-button")).says(http.StatusOK, `id="buttons.1.title"`, "Office closed on Friday")
	ada.post("/broadcasts", form("drop-button:0")).says(http.StatusOK).lacks("https://intranet.example/closed")
	ada.post("/broadcasts", form("drop-button:7")).says(http.StatusOK, "https://intranet.example/closed")
	a := ada.post("/broadcasts", with(form("find-parts"), "audience_search", "sal")).says(http.StatusOK, "sales@contoso.example", "sales-us@contoso.example")
	a.says(http.StatusOK, `value="include:`+html.EscapeString(partValue(sales))+`"`, `value="exclude:`)
	a = ada.post("/broadcasts", form("include:"+partValue(other))).says(http.StatusOK, `name="include" value="`+html.EscapeString(partValue(other))+`"`)
	a.lacks(`value="everyone" checked`)
	a = ada.post("/broadcasts", form("exclude:"+partValue(other))).says(http.StatusOK, `name="exclude" value="`+html.EscapeString(partValue(other))+`"`)
	a.says(http.StatusOK, `value="everyone" checked`)
	key := broadcast.InGroups(other).Include[0].Key()
	ada.post("/broadcasts", with(form("drop-include:"+key), "audience", "some", "include", partValue(other))).says(http.StatusOK).lacks(`name="include"`)
	ada.post("/broadcasts", with(form("drop-exclude:"+key), "exclude", partValue(other))).says(http.StatusOK).lacks(`name="exclude"`)
	ada.post("/broadcasts", with(form("find-parts"), "audience_search", "zzz")).says(http.StatusOK, "Nothing begins like that.")
	ada.get("/").says(http.StatusOK, "No announcements yet") // none of this saved anything
}

func partValue(g broadcast.Group) string { return form.PartValue(broadcast.InGroups(g).Include[0]) }

func TestPreviewIsTheServersOwnCard(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.author()
	var a lookAnswer
	if err := json.Unmarshal([]byte(ada.fetch(post, "/preview", good()).says(http.StatusOK).body), &a); err != nil {
		t.Fatal(err)
	}
	if a.Limit != cardLimit || a.Units < 500 || !strings.Contains(string(a.Card), "Office closed on Friday") || !strings.Contains(string(a.Card), "Ada Author") {
		t.Errorf("preview %d of %d: %s", a.Units, a.Limit, a.Card)
	}
	ada.fetch(post, "/preview", url.Values{}).says(http.StatusOK, `"card":`) // an empty form is a beginning, not a mistake
	ada.fetch(post, "/preview", with(good(), "title", strings.Repeat("x", 151))).says(http.StatusOK, "at most 150 fit", `"field":"title"`)
}

func TestTheHeadCountSaysWhoIsLeftOutAndWhy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(40, 20)
	g := w.group(1, "Sales", "", 1, 2, 9)
	ada := w.author()
	ada.fetch(post, "/audience", url.Values{"audience": {"everyone"}}).says(http.StatusOK, `"count":36`, `"known":true`, "Guest account", "16 as soon as they have the app")
	ada.fetch(post, "/audience", url.Values{"audience": {"some"}, "include": {partValue(g)}}).says(http.StatusOK, `"count":2`)
	ada.fetch(post, "/audience", url.Values{"audience": {"everyone"}, "exclude": {partValue(g)}}).says(http.StatusOK, `"count":34`)
	ada.fetch(post, "/audience", url.Values{"audience": {"some"}, "include": {"{"}}).says(http.StatusOK, "There is no kind of audience", `"known":false`)
	ada.fetch(post, "/audience", url.Values{"audience": {"some"}}).says(http.StatusOK, "Choose who should get this", `"known":false`)
	ada.fetch(get, "/groups?q=sa", nil).says(http.StatusOK, `"name":"Sales"`, `"note":"Microsoft 365"`)
}
