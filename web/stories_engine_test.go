package web

import (
	"net/http"
	"strings"
	"testing"

	"github.com/fanfare/fanfare/broadcast"
)

// gallery takes pictures of what the window shows, on a phone and a desk, by day and
// by night; and looks that nothing scrolls sideways.
func (b *window) gallery(name string) {
	b.t.Helper()
	for _, look := range []string{"light", "dark"} {
		for width, place := range map[int64]string{320: "phone", 1280: "desk"} {
			b.do(scheme(look), size(width, 1900))
			if over := value[int](b, `document.documentElement.scrollWidth - document.documentElement.clientWidth`); over > 0 {
				b.t.Errorf("%s at %d px scrolls sideways by %d px", name, width, over)
			}
			b.shoot(name + "-" + look + "-" + place)
		}
	}
	b.do(scheme("light"), size(1280, 800))
}

func TestAPlanIsChosenInTheEditor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(20, 10)
	w.group(1, "Sales Europe", "sales@contoso.example", 1, 2)
	ada := w.author()
	page := ada.draft(good())
	b := ada.open(page + "/edit")
	b.sees("#plan-short", "As usual")
	b.until(`!document.querySelector("[name=priority]").checkVisibility()`)
	b.gallery("folded")
	b.click("#plan summary")
	b.click(`input[name="priority"][value="urgent"]`)
	b.until(`!document.getElementById("then").checkVisibility()`)
	b.click(`input[name="first"][value="people"]`)
	b.until(`document.getElementById("plan.canary.people").checkVisibility() && document.getElementById("then").checkVisibility()`)
	b.sees("#plan-short", "Urgent · 50 people first")
	b.click(`input[name="first"][value="group"]`)
	b.types(`[id="plan.canary.group"]`, "sales")
	b.click("#ring-hits button")
	b.sees("#ring-chips", "Sales Europe")
	b.click(`input[name="go_on"][value="auto"]`)
	b.do(evaluate(`{ const at = document.getElementById("plan.expires_at"); at.value = "2031-01-31T09:00"; at.dispatchEvent(new Event("input", {bubbles: true})); }`))
	b.click(`input[name="repeats"][value="avoid"]`)
	b.sees("#plan-short", "“Sales Europe” first · expires")
	b.sees("#plan-short", "no repeats")
	b.sees("#save-state", "Saved")
	b.do(evaluate(`document.getElementById("plan").scrollIntoView()`))
	b.gallery("unfolded")

	again := ada.open(page + "/edit")
	again.sees("#plan-short", "Urgent · “Sales Europe” first · expires")
	again.until(`document.getElementById("plan.expires_at").value === "2031-01-31T09:00" && document.querySelector("[name=expires_at_moment]").value === new Date("2031-01-31T09:00").toISOString().replace(".000", "")`)
	again.until(`document.getElementById("restore").hidden && document.getElementById("save-state").textContent === ""`) // looking at it changes nothing
	again.click("#plan summary")
	again.until(`document.querySelector("[name=go_on]:checked").value === "auto" && document.querySelector("[name=repeats]:checked").value === "avoid"`)
	again.click("#ring-chips button")
	again.until(`document.querySelectorAll("#ring-chips li").length === 0 && document.activeElement.name === "ring_search"`)
	again.click(`button.primary[value="submit"]`)
	again.sees("#summary", "Choose the group that gets it first.")
	again.until(`document.getElementById("plan").open`)
	again.tolerate("422")
	again.gallery("plan-wrong")
	again.click(`input[name="first"][value="everybody"]`)
	again.click(`button.primary[value="submit"]`)
	again.sees("main", "Submitted.")

	ben := w.approver().open(page)
	ben.sees("[data-region=plan]", "Urgent: it overtakes everything else")
	ben.until(`document.querySelector("[data-region=plan] time").title !== ""`)
	ben.gallery("review")
}

func TestAHeldAnnouncementIsLetGoOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(20, 18)
	id := w.sending("first", "people", "first_people", "5")
	b := w.approver().open(pageOf(id))
	b.sees(".line", "Only the first wave gets it for now.")
	w.deliver(id, 4, sentOutcome)
	w.deliver(id, 1, failedOutcome)
	if err := w.service.Advance(t.Context(), id, broadcast.EventHold, ""); err != nil {
		t.Fatal(err)
	}
	b.sees("[data-region=guide]", "4 of 5 people reached, 1 failed")
	b.gallery("held")
	b.click(`[data-dialog="ask-go"]`)
	b.sees("#ask-go", "13 people")
	b.gallery("go")
	b.click("#ask-go button.primary")
	b.sees("main", "Going on: everybody else gets it now.")
	w.deliver(id, 13, sentOutcome)
	b.sees(".line", "17 of 20 people reached")
}

func TestPeopleAreTriedAgainByReason(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(20, 18)
	id := w.sending()
	w.deliver(id, 12, sentOutcome)
	w.deliver(id, 4, failedOutcome)
	w.deliver(id, 2, doubtful)
	w.finish(id)
	b := w.author().open(pageOf(id))
	b.gallery("failed")
	b.click(`[data-choose="unconfirmed"]`)
	b.until(`document.querySelector("#ask-retry").matches(":modal") && document.querySelector("#ask-retry [value=unconfirmed]").checked`)
	b.sees("#ask-retry", "2 people")
	b.gallery("retry")
	b.click("#ask-retry button.primary")
	b.sees("main", "Those who failed are being tried again.")
	b.sees(".line", "Getting those who failed ready again…")
}

func TestAMessageIsTakenBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(20, 18)
	id := w.sending()
	w.deliver(id, 16, sentOutcome)
	w.deliver(id, 2, doubtful)
	w.finish(id)
	b := w.author().open(pageOf(id))
	b.click(`[data-dialog="ask-recall"]`)
	b.sees("#ask-recall", "deleted in the chats of 16 people")
	b.sees("#ask-recall", "2 people may keep a copy")
	b.gallery("recall")
	b.types("#note-recall", "Wrong building.")
	b.click("#ask-recall button.danger")
	b.sees("main", "It is being taken back.")
	b.sees("[data-region=passes]", "Recall")
	b.gallery("recalled")
	b.click("[data-region=passes] a")
	b.sees("[data-region=changes]", "It deletes “Office closed on Friday”")
	b.gallery("recall-page")
	recall := broadcast.ID(strings.TrimPrefix(value[string](b, "location.pathname"), "/broadcasts/"))
	first := w.approver().open(pageOf(id))
	for next, more := int64(0), true; more; more = next != 0 {
		var err error
		if next, err = w.st.ListPass(t.Context(), recall, id, next); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.service.Advance(t.Context(), recall, broadcast.EventResolved, ""); err != nil {
		t.Fatal(err)
	}
	w.deliver(recall, 16, sentOutcome)
	w.finish(recall)
	b.sees(".line", "Taken back from 16 of 18 people.")
	b.sees("[data-region=outcomes]", "Message has no ID")
	b.gallery("recall-done")
	first.sees("[data-region=passes]", "Taken back: 16 of 18 · 2 could not be found")
}

func TestWhatPeopleHaveIsCorrected(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(20, 18)
	id := w.sending()
	w.deliver(id, 18, sentOutcome)
	w.finish(id)
	b := w.author().open(pageOf(id))
	b.click(`form[action$="/correct"] button`)
	b.sees("h1", "Correct what people have")
	b.sees("[data-card] .ac-adaptiveCard", "Office closed on Friday")
	b.types("#title", ", but only the kitchen")
	b.sees("#save-state", "Saved")
	b.gallery("correct")
	b.click(`button.primary[value="submit"]`)
	b.sees("[data-region=changes]", "What they will have")
	b.sees("[data-region=changes]", "but only the kitchen")
	b.gallery("correction")
	w.approver().get("/").says(http.StatusOK, "Correction")
	list := w.approver().open("/")
	list.gallery("list")
}

func TestTheBannerStandsUntilItIsLifted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(20, 18)
	id := w.sending()
	author, admin := w.author().open(pageOf(id)), w.admin().open(pageOf(id))
	b, err := w.st.Broadcast(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.service.PauseAll(t.Context(), b, broadcast.Halt{Reason: broadcast.ReasonBotDisabled, Code: "BotDisabledByAdmin"}); err != nil {
		t.Fatal(err)
	}
	// It comes by itself to whoever looks at something that was being sent.
	author.sees(".halt", "Everything is stopped: Bot disabled by an administrator")
	author.sees(".halt", "Tell your IT admin")
	author.gallery("author")
	admin.sees(".halt", "Everything is mended: go on")
	admin.gallery("admin")
	admin.click(".halt button")
	admin.sees("main", "Everything goes on.")
	admin.until(`!document.querySelector(".halt") && location.pathname === ` + quote(pageOf(id)))
	author.until(`!document.querySelector(".halt")`)
}

func TestFailedTriesAreUnfolded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(20, 18)
	id := w.sending()
	w.deliver(id, 3, failedOutcome)
	w.deliver(id, 2, doubtful)
	w.deliver(id, 5, sentOutcome)
	b := w.author().open(pageOf(id) + "/recipients?state=failed")
	b.click(`[data-tries] summary`)
	b.until(`document.querySelectorAll(".tries").length === 1 && document.querySelector(".tries time").title`)
	b.sees(".tries", "answer 400")
	b.gallery("tries")
	plain := w.author().open(pageOf(id)+"/recipients?state=failed", noScript())
	plain.click("[data-tries] summary")
	plain.click("[data-tries][open] a")
	plain.sees("h1", "Failed tries")
	if !strings.Contains(value[string](plain, "location.pathname"), "/recipients/") {
		t.Error("the link leads nowhere")
	}
}
