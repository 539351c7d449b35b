package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/web/frame"
)

// finish ends a broadcast whose people all have an outcome.
func (w *world) finish(id broadcast.ID) {
	w.t.Helper()
	if err := w.service.Advance(w.t.Context(), id, broadcast.EventFinish, ""); err != nil {
		w.t.Fatal(err)
	}
}

func pageOf(id broadcast.ID) string { return "/broadcasts/" + string(id) }

func TestAPlanIsKeptAndReadByTheApprover(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(20, 10)
	sales := w.group(1, "Sales", "", 1, 2)
	ada := w.author()
	day := w.clock.Now().AddDate(0, 0, 3).Format("2006-01-02")
	form := with(good(), "priority", "urgent", "expires_at", day+"T09:00", "expires_at_moment", day+"T08:00:00.000Z",
		"first", "group", "ring", sales.ID+" Anything", "go_on", "auto", "max_failed", "7", "late", "until_date", "late_until", day+"T12:00", "repeats", "avoid")
	page := ada.draft(form)
	ada.get(page+"/edit").says(http.StatusOK, "Urgent · “Anything” first · expires", `value="urgent" checked`, `name="expires_at_moment" value="`+day+`T08:00:00Z"`,
		`value="`+sales.ID+` Anything"`, `value="auto" checked`, `name="max_failed" inputmode="numeric" value="7"`, `value="until_date" checked`, `value="avoid" checked`)
	a := ada.post(page+"/submit", nil).says(http.StatusOK, "In review")
	w.approver().get(page).says(http.StatusOK, "Urgent: it overtakes everything else", "First those of them who are in “Sales” get it; then it goes on by itself, or is held if more than 7 % of them failed.",
		"Whoever is not reached by ", day+"T08:00:00Z", "does not get it any more", day+"T12:00:00Z", "What Teams does not confirm is not sent again", `data-priority="Urgent"`)
	a.lacks("how it is usually sent")
	// The plan is part of what is approved.
	w.approver().post(page+"/approve", nil).says(http.StatusOK, "Approved.")
	revision := ada.get(page+"/edit").says(http.StatusOK, "Saving a change makes it a draft again").revision()
	ada.post(page+"/edit", with(form, "priority", "bulk", "revision", revision, "do", "save")).says(http.StatusOK, "Draft saved.", "Bulk ·")
	w.approver().get(page).says(http.StatusOK, "Draft").lacks("approved this.")
}

func TestSavingWhatOneOnlyLookedAtVoidsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(20, 10)
	ada := w.author()
	page := ada.post("/broadcasts", with(good(), "do", "submit")).says(http.StatusOK).path
	revision := ada.get(page + "/edit").revision()
	usual := with(good(), "priority", "normal", "first", "everybody", "first_people", "50", "go_on", "hold", "max_failed", "5", "late", "until_finished", "repeats", "risk")
	ada.post(page+"/edit", with(usual, "revision", revision, "do", "save")).says(http.StatusOK)
	w.approver().get(page).says(http.StatusOK, "In review")
}

func TestAPlanThatCannotWorkIsToldFieldByField(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(20, 10)
	ada := w.author()
	wrong := with(good(), "expires_at", "next week", "first", "people", "first_people", "a few", "go_on", "auto", "max_failed", "some", "do", "save")
	ada.post("/broadcasts", wrong).says(http.StatusUnprocessableEntity, "This is not a date and time.", `value="next week"`, "The size of the first wave is a whole number.", `value="a few"`, "The share of failures is a whole number.",
		`href="#plan.expires_at"`, `<details class="sheet fold" id="plan" open>`)
	ada.get("/").says(http.StatusOK, "No announcements yet") // what cannot be read cannot be kept
	lacking := with(good(), "expires_at", "2020-01-01T09:00", "first", "people", "first_people", "", "late", "until_date", "do", "submit")
	ada.post("/broadcasts", lacking).says(http.StatusUnprocessableEntity, "Say how many people the first wave has.")
	ada.post("/broadcasts", with(lacking, "first", "everybody")).says(http.StatusUnprocessableEntity, "Choose a later one.", "Choose a date in the future until which late joiners get this.")
	ada.post("/broadcasts", with(good(), "first", "group", "do", "submit")).says(http.StatusUnprocessableEntity, "Choose the group that gets it first.")
}

func TestTheFirstWavesGroupIsChosenWithoutScript(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sales, press := w.group(1, "Sales", "sales@contoso.example", 1), w.group(2, "Press", "", 2)
	ada := w.author()
	form := func(do string) url.Values { return with(good(), "do", do, "first", "group") }
	ada.post("/broadcasts", with(form("find-ring"), "ring_search", "sal")).says(http.StatusOK, `value="add-ring:`+sales.ID+` Sales"`, "sales@contoso.example", `id="plan" open`, "Office closed on Friday")
	ada.post("/broadcasts", form("add-ring:"+sales.ID+" Sales")).says(http.StatusOK, `name="ring" value="`+sales.ID+` Sales"`, "“Sales” first")
	a := ada.post("/broadcasts", with(form("add-ring:"+press.ID+" Press"), "ring", sales.ID+" Sales")).says(http.StatusOK, `name="ring" value="`+press.ID+` Press"`)
	a.lacks(`name="ring" value="` + sales.ID)
	ada.post("/broadcasts", with(form("drop-ring"), "ring", sales.ID+" Sales")).says(http.StatusOK).lacks(`name="ring"`)
	ada.post("/broadcasts", with(form("find-ring"), "ring_search", "zzz")).says(http.StatusOK, "No group begins like that.")
}

func TestAHeldAnnouncementShowsItsFirstWaveAndWaitsForAGo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(20, 18)
	id := w.sending("first", "people", "first_people", "5")
	w.deliver(id, 4, sentOutcome)
	w.deliver(id, 1, failedOutcome)
	if err := w.service.Advance(t.Context(), id, broadcast.EventHold, ""); err != nil {
		t.Fatal(err)
	}
	ben := w.approver()
	ben.get("/?tab=sending").says(http.StatusOK, "Held", "Office closed")
	ben.get(pageOf(id)+"?ask=go").says(http.StatusOK, "The first wave is over", "4 of 5 people reached, 1 failed (20 %)", "Let everybody else have it?", "goes on to <strong>13 people</strong>", "Held after the first wave.")
	w.as(3).get(pageOf(id)).says(http.StatusOK, "Somebody who may send has to let it go on").lacks("ask-go")
	ben.post(pageOf(id)+"/go", nil).says(http.StatusOK, "Going on: everybody else gets it now.", "let it go on to everybody")
	ben.post(pageOf(id)+"/go", nil).says(http.StatusConflict, "so it cannot be let go on. Reload the page")
	w.deliver(id, 13, sentOutcome)
}

func TestFailedPeopleAreTriedAgainByReason(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(20, 18)
	id := w.sending()
	w.deliver(id, 12, sentOutcome)
	w.deliver(id, 4, failedOutcome)
	w.deliver(id, 2, doubtful)
	w.finish(id)
	ada := w.author()
	here := pageOf(id) + "/recipients"
	ada.get(pageOf(id)).says(http.StatusOK, "Try failed people again…", `data-choose="rejected_by_teams"`, `data-choose="unconfirmed"`)
	ada.get(here+"?state=failed&reason=unconfirmed").says(http.StatusOK, "Try 2 people again…", "ask=retry&amp;reason=unconfirmed")
	ada.get(here + "?state=sent").lacks("again…")
	ada.get(pageOf(id)+"?ask=retry&reason=unconfirmed").says(http.StatusOK, `<dialog id="ask-retry" aria-labelledby="ask-retry-title" open>`, "Everybody who failed: <strong>6 people</strong>",
		`value="unconfirmed" checked`, "Not confirmed by Teams: <strong>2 people</strong>", "Retry only if getting it twice does no harm.")
	ada.post(pageOf(id)+"/retry", url.Values{"reason": {"bad luck"}}).says(http.StatusUnprocessableEntity, "There is no reason")
	ada.post(pageOf(id)+"/retry", url.Values{"reason": {"unconfirmed"}}).says(http.StatusOK, "Those who failed are being tried again.", "Getting those who failed ready again", "had those who failed tried again")
	ada.post(pageOf(id)+"/retry", nil).says(http.StatusConflict, "being tried again already")
	w.as(3).get(pageOf(id)).says(http.StatusOK).lacks("ask-retry", "Try these again")
}

func TestEveryFailedTryCanBeLookedAt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(20, 18)
	id := w.sending()
	w.deliver(id, 1, failedOutcome)
	w.deliver(id, 1, sentOutcome)
	auditor := w.as(3)
	a := auditor.get(pageOf(id)+"/recipients?state=failed").says(http.StatusOK, "1 failed try", "Show them")
	tries := regexp.MustCompile(`data-tries="([^"]+)"`).FindStringSubmatch(a.body)
	if tries == nil {
		t.Fatalf("no way to the tries in %s", a.main())
	}
	auditor.get(tries[1]).says(http.StatusOK, "<h1>Failed tries</h1>", "answer 400", "BadArgument", "Unknown &lt;thing&gt;", "← Recipients")
	var answer attemptsAnswer
	if err := json.Unmarshal([]byte(auditor.fetch(get, tries[1], nil).says(http.StatusOK).body), &answer); err != nil || !strings.Contains(answer.HTML, "BadArgument") || strings.Contains(answer.HTML, "<html") {
		t.Errorf("the fragment is %q (%v)", answer.HTML, err)
	}
	auditor.get(pageOf(id) + "/recipients?state=sent").says(http.StatusOK).lacks("failed tr")
	auditor.get(pageOf(id)+"/recipients/999999").says(http.StatusOK, "No failed try is on record.")
	auditor.get(pageOf(id)+"/recipients/me").says(http.StatusNotFound, "no such recipient")
}

func TestARecallSaysWhatItCanAndCannotDo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(20, 18)
	id := w.sending()
	w.deliver(id, 15, sentOutcome)
	w.deliver(id, 3, doubtful)
	w.finish(id)
	ada := w.author()
	ada.get(pageOf(id)+"?ask=recall").says(http.StatusOK, "Take this message back?", "deleted in the chats of <strong>15 people</strong>", "3 people may keep a copy", "It cannot be brought back")
	ada.post(pageOf(id)+"/recall", url.Values{"note": {" "}}).says(http.StatusUnprocessableEntity, "Say why it is taken back", `<dialog id="ask-recall" aria-labelledby="ask-recall-title" open>`)
	a := ada.post(pageOf(id)+"/recall", url.Values{"note": {"Wrong building."}}).says(http.StatusOK, "It is being taken back.", "Corrections and recalls", "recalled it", "Wrong building.")
	a.lacks("ask-recall", "/correct")
	recall := regexp.MustCompile(`href="(/broadcasts/[^"]+)">Recall</a>`).FindStringSubmatch(a.body)
	if recall == nil {
		t.Fatalf("no way to the recall in %s", a.main())
	}
	ada.get(recall[1]).says(http.StatusOK, "What it changes", "It deletes “Office closed on Friday”", `href="`+pageOf(id)+`"`, "Looking up who received it", "Urgent").lacks("ask-recall", "Count the people")
	ada.get("/").says(http.StatusOK, `<span class="label">Recall</span>`)
}

func TestACorrectionIsReviewedLikeAnAnnouncement(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(20, 18)
	id := w.sending()
	ada := w.author()
	w.deliver(id, 18, sentOutcome)
	w.finish(id)
	a := ada.post(pageOf(id)+"/correct", nil).says(http.StatusOK, "Correct what people have", "Mend it; it is reviewed", "Office closed on Friday", "It takes the place of the message", `value="bulk"`)
	a.lacks(`name="audience"`, `name="expires_at"`, `name="first"`)
	edit := strings.TrimSuffix(a.path, "/edit")
	if again := ada.post(pageOf(id)+"/correct", nil); again.path != a.path {
		t.Errorf("a second correction was begun at %s", again.path)
	}
	form := url.Values{"title": {"Office open on Friday"}, "body": {"It was a mistake."}, "priority": {"urgent"}, "revision": {a.revision()}, "do": {"submit"}}
	ada.post(edit+"/edit", form).says(http.StatusOK, "Submitted.", "What people have now", "Office closed on Friday", "What they will have", "In the chats of 18 people", "Urgent: it overtakes")
	ben := w.approver()
	ben.get(edit+"?ask=approve").says(http.StatusOK, "Only exactly this card can take the place of the message in the chats of <strong>18 people</strong>").lacks("everybody gets it")
	ben.post(edit+"/approve", nil).says(http.StatusOK, "Approved.")
	ben.get(edit+"?ask=send").says(http.StatusOK, "takes the place of the message in the chats of <strong>18 people</strong>")
	ben.post(edit+"/send", nil).says(http.StatusOK, "Looking up who received it")
	ada.get(pageOf(id)).says(http.StatusOK, ">Correction</a>", "Preparing")
	ada.get("/").says(http.StatusOK, `<span class="label">Correction</span>`)
	w.as(3).post(pageOf(id)+"/correct", nil).says(http.StatusForbidden)
}

func TestAHaltStandsOnEveryPageUntilAnAdminLiftsIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(20, 18)
	id := w.sending()
	halt := broadcast.Halt{Reason: broadcast.ReasonBotDisabled, Code: "BotDisabledByAdmin", Detail: "…"}
	b, err := w.st.Broadcast(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.service.PauseAll(t.Context(), b, halt); err != nil {
		t.Fatal(err)
	}
	ada, cora := w.author(), w.admin()
	for _, path := range []string{"/", "/rollout", "/keys", "/broadcasts/new", pageOf(id), "/broadcasts/none"} {
		a := ada.get(path)
		for _, piece := range []string{"Everything is stopped: Bot disabled by an administrator", "Allow the bot in the Teams admin centre", "Somebody with the role Admin", "BotDisabledByAdmin"} {
			if !strings.Contains(a.body, piece) {
				t.Errorf("%s does not say %q", path, piece)
			}
		}
		a.lacks("/halt/lift")
	}
	ada.post(pageOf(id)+"/resume", nil).says(http.StatusConflict, "Everything is stopped")
	cora.get(pageOf(id)).says(http.StatusOK, "Everything is mended: go on", `name="back" value="`+pageOf(id)+`"`)
	a := cora.post("/halt/lift", url.Values{"back": {pageOf(id)}}).says(http.StatusOK, "Everything goes on.", "Sending").lacks("Everything is stopped")
	if a.path != pageOf(id) {
		t.Errorf("it led to %s", a.path)
	}
	cora.post("/halt/lift", nil).says(http.StatusConflict, "Nothing is stopped any more")
}

func TestAStreamTellsHowTeamsSlowsUsDown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(20, 18)
	var brake atomic.Pointer[broadcast.Brake]
	brake.Store(&broadcast.Brake{})
	w.door.brake = frame.NewGlance(func(context.Context, broadcast.Actor) (broadcast.Brake, error) { return *brake.Load(), nil }, time.Now)
	id := w.sending()
	l := w.author().listen(pageOf(id) + "/events")
	if _, p := l.next(); p.Texts["speed"] != "Measuring the speed…" {
		t.Fatalf("first: %+v", p)
	}
	brake.Store(&broadcast.Brake{PausedUntil: w.clock.Now().Add(12 * time.Second)})
	if _, p := l.next(); p.Texts["speed"] != "Teams is holding us up: nothing is sent for another 12 seconds." {
		t.Errorf("braked: %v", fmt.Sprint(p.Texts))
	}
}
