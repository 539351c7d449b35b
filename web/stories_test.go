package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
)

func TestTypingShowsTheCardTheNotificationAndTheHeadCount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(40, 20)
	b := w.author().open("/broadcasts/new")
	b.types("#title", "Office closed on Friday")
	b.sees(".toast", "Office closed on Friday")
	b.sees("[data-card] .ac-adaptiveCard", "Office closed on Friday")
	b.types("#body", "The **office** stays closed. <img src=x onerror=alert(1)>")
	b.until(`document.querySelector("[data-card] strong")?.textContent === "office"`)
	b.until(`document.querySelector("[data-card]").innerText.includes("<img src=x")`)
	b.types("#image_url", w.url+"/favicon.svg")
	b.types("#image_alt", "A trumpet")
	b.until(`document.querySelector("[data-card] img")?.naturalWidth > 0`)
	b.tolerate("/favicon.s") // a slow machine shows half of it, too
	b.click("#add-button")
	b.until(`document.activeElement.id === "buttons.0.title"`)
	b.types(`[id="buttons.0.title"]`, "Read more")
	b.types(`[id="buttons.0.url"]`, "https://intranet.example/closed")
	b.until(`[...document.querySelectorAll("[data-card] button")].some((x) => x.innerText.includes("Read more"))`)
	b.click(`input[value="everyone"]`)
	b.sees("#reach", "36 people")
	b.sees("#reach", "Guest account")
	b.sees("#save-state", "Saved")
	b.until(`/^[\d.]+ kB of 80\.0 kB$/.test(document.getElementById("size-words").textContent) && document.getElementById("size").value > 500`)
	b.do(size(1440, 1500))
	b.shoot("light")
	b.do(scheme("dark"))
	b.until(`getComputedStyle(document.querySelector("[data-card] .ac-adaptiveCard")).backgroundColor === "rgb(41, 41, 41)"`)
	b.shoot("dark")
	b.click(`.switch [data-theme="light"]`)
	b.until(`getComputedStyle(document.querySelector("[data-card] .ac-adaptiveCard")).backgroundColor === "rgb(255, 255, 255)"`)
	b.do(scheme("light"), size(320, 2400))
	b.shoot("phone")
}

func TestAutosaveKeepsWordsAcrossAReload(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.author()
	b := ada.open("/broadcasts/new")
	b.types("#title", "First words")
	b.sees("#save-state", "Saved")
	b.until(`location.pathname.endsWith("/edit")`)
	b.types("#title", ", more words")
	b.sees("#save-state", "Not saved yet")
	b.sees("#save-state", "Saved")
	b.until(`document.querySelector('[name="revision"]').value === "2"`)
	ada.get("/").says(http.StatusOK, "First words, more words")
	path := value[string](b, "location.pathname")
	again := ada.open(path)
	again.until(`document.getElementById("title").value === "First words, more words"`)
	again.until(`document.getElementById("restore").hidden`)
}

func TestTypingAloneNeverTakesAReviewAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(20, 10)
	ada := w.author()
	page := ada.post("/broadcasts", with(good(), "do", "submit")).says(http.StatusOK).path
	b := ada.open(page + "/edit")
	b.sees("main", "Saving a change makes it a draft again")
	b.types("#title", "Not ")
	b.sees("#save-state", "Not saved yet. Saving makes it a draft again.")
	b.until(`Object.keys(localStorage).some((k) => localStorage[k].includes("Not+"))`)
	b.do(evaluate(`window.typed = performance.now()`))
	b.until(`performance.now() - window.typed > 2000`) // longer than an autosave waits
	w.approver().get(page).says(http.StatusOK, "In review").lacks("Not Office")
	b.click(`.footer-bar button[value="save"]`)
	b.sees("main", "Draft saved.")
	w.approver().get(page).says(http.StatusOK, "Draft")
}

func TestTwoEditorsSeeBothVersionsAndLoseNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, cora := w.author(), w.admin()
	page := ada.draft(good())
	b := ada.open(page + "/edit")
	b.sees("[data-card] .ac-adaptiveCard", "Office closed")
	cora.post(page+"/edit", with(good(), "title", "Cora was faster", "revision", "1", "do", "save")).says(http.StatusOK)
	b.types("#body", " And Monday.")
	b.sees(".conflict", "Cora Admin changed this meanwhile")
	b.sees(".conflict", "Cora was faster")
	b.sees(".conflict", "And Monday.")
	b.sees("#save-state", "somebody else saved first")
	b.until(`document.activeElement.classList.contains("conflict")`)
	b.tolerate("409")
	b.shoot("conflict")
	b.click("[data-keep-mine]")
	b.sees("#save-state", "Saved")
	ada.get(page+"/edit").says(http.StatusOK, "And Monday.").lacks("Cora was faster")
}

// What is typed while a save is on its way is not called saved by that save's answer.
func TestSavedIsOnlySaidOfAllThatWasTyped(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.author().open("/broadcasts/new")
	b.types("#title", "Slow network")
	b.sees("#save-state", "Saved")
	b.do(evaluate(`{
		const send = window.fetch, line = document.getElementById("save-state");
		Object.assign(window, { held: 0, said: [] });
		window.fetch = async (...a) => {
			if (a[1]?.method === "PUT") await new Promise((go) => { window.held++; window.go = go; });
			return send(...a);
		};
		new MutationObserver(() => window.said.push(line.textContent)).observe(line, { childList: true });
	}`))
	b.types("#body", "First words.")
	b.until(`window.held === 1`)
	b.types("#body", " And more.")
	b.do(evaluate(`window.go()`))
	b.until(`window.held === 2`)
	b.until(`!window.said.some((words) => words.startsWith("Saved"))`)
	b.do(evaluate(`window.go()`))
	b.sees("#save-state", "Saved")
}

func TestNothingTypedIsLostWhileTheServerIsAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.author()
	page := ada.draft(good())
	b := ada.open(page + "/edit")
	b.sees("[data-card] .ac-adaptiveCard", "Office closed")
	w.away.Store(true)
	b.types("#body", " Typed in a tunnel.")
	b.sees("#save-state", "Connection lost. Your words are kept in this browser")

	// A second tab of the same browser finds them.
	second := newWindow(w, b.ctx)
	second.do(navigate(w.url + page + "/edit"))
	second.sees("#restore", "This browser kept words from")
	w.away.Store(false)
	second.click("[data-restore]")
	second.until(`document.getElementById("body").value.includes("Typed in a tunnel.")`)
	second.sees("#save-state", "Saved")
	ada.get(page+"/edit").says(http.StatusOK, "Typed in a tunnel.")

	// The first one comes back by itself: the same words, so nothing is in conflict.
	b.do(evaluate(`dispatchEvent(new Event("online"))`))
	b.sees("#save-state", "Saved")
	b.until(`!document.querySelector(".conflict")`)
	b.tolerate("502")
	second.tolerate("502")
}

func TestTheEditorIsDrivenByKeyboardAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(20, 10)
	w.group(1, "Sales Europe", "sales@contoso.example", 1, 2)
	w.group(2, "Sales Europe", "sales-2@contoso.example", 3)
	b := w.author().open("/broadcasts/new")
	b.until(`!document.querySelector(".tools").hidden`)
	b.do(focus("#title"), key("Tab", 0))
	b.until(`document.activeElement.dataset.tool === "bold"`)
	b.do(key("ArrowRight", 0))
	b.until(`document.activeElement.dataset.tool === "italic"`)
	b.do(key("Tab", 0))
	b.until(`document.activeElement.id === "body"`)
	b.types("#body", "word")
	b.do(evaluate(`document.getElementById("body").select()`), key("b", 2))
	b.until(`document.getElementById("body").value === "**word**"`)
	b.do(key("b", 2))
	b.until(`document.getElementById("body").value === "word"`)
	b.do(key("k", 2))
	b.until(`document.getElementById("body").value === "[word](https://)"`)

	b.do(focus("#audience_search"))
	b.types("#audience_search", "sales")
	b.sees("#hits", "sales-2@contoso.example")
	b.sees("#hits-status", "2 found.")
	b.shoot("groups")
	b.do(key("ArrowDown", 0), key("ArrowDown", 0), key("ArrowUp", 0), key("Enter", 0))
	b.sees("#include", "Sales Europe")
	b.sees("#hits-status", "is chosen.")
	b.until(`document.querySelector("[name=audience]:checked").value === "some"`)
	b.until(`document.activeElement.id === "audience_search" && document.querySelectorAll("#hits li").length === 0`)
	b.sees("#reach", "will get it")
	b.do(focus("#include button"), key("Enter", 0))
	b.until(`document.querySelectorAll("#include li").length === 0 && document.getElementById("reach").textContent === ""`)
}

func TestSomeAreIncludedAndOthersLeftOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(20, 10)
	w.group(1, "Sales Europe", "sales@contoso.example", 1, 2, 3, 4)
	b := w.author().open("/broadcasts/new")
	b.types("#title", "For most")
	b.types("#body", "Dear all")
	b.click(`input[name="audience"][value="everyone"]`)
	b.sees("#reach", "18 people")
	b.types("#audience_search", "sales")
	b.sees("#hits", "Sales Europe")
	b.click(`#hits li button + button`)
	b.sees("#exclude", "Sales Europe")
	b.sees("#reach", "14 people")
	b.types("#audience_search", "person006")
	b.sees("#hits", "Person006 Painted")
	b.shoot("hits")
	b.click(`#hits li button + button`)
	b.sees("#reach", "13 people")
	b.sees("[data-card]", "to Everyone")
	b.until(`!document.querySelector("[data-card]").innerText.includes("Sales")`) // nobody else's business
	b.do(size(320, 800), scheme("dark"))
	b.shoot("phone")
	b.do(size(1280, 800), scheme("light"))
	b.click(`#exclude li:last-child button`)
	b.sees("#reach", "14 people")

	b.types("#audience_search", "person007") // now some of them: the radio follows
	b.sees("#hits", "Person007 Painted")
	b.click(`#hits li button`)
	b.sees("#include", "Person007 Painted")
	b.until(`document.querySelector("[name=audience]:checked").value === "some"`)
	b.sees("#reach", "1 person")
	b.sees("#save-state", "Saved")
	b.do(evaluate(`location.reload()`))
	b.sees("#include", "Person007 Painted")
	b.sees("#exclude", "Sales Europe")
	b.sees("#reach", "1 person")
}

func TestMistakesAreNamedAndTheSummaryHasTheFocus(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.author().open("/broadcasts/new")
	b.types("#body", "No title, no audience")
	b.sees("#save-state", "Saved")
	b.click(`button.primary[value="submit"]`)
	b.sees("#summary", "Give the message a title")
	b.until(`document.activeElement.id === "summary"`)
	b.tolerate("422")
	b.shoot("summary")
	b.click(`#summary a[href="#title"]`)
	b.until(`document.activeElement.id === "title" && document.activeElement.getAttribute("aria-invalid") === "true"`)
	b.types("#title", "Here it is")
	b.until(`!document.getElementById("title").hasAttribute("aria-invalid") && document.getElementById("title-problem").textContent === ""`)
}

func TestTheReviewerApprovesExactlyWhatTheySee(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(40, 20)
	page := w.author().post("/broadcasts", with(good(), "do", "submit")).says(http.StatusOK).path
	b := w.approver().open(page)
	b.sees("[data-card] .ac-adaptiveCard", "Office closed on Friday")
	b.sees("#reach", "36 people")
	b.shoot("review")
	b.click(`[data-dialog="ask-approve"]`)
	b.sees("#ask-approve", "36 people")
	b.until(`document.querySelector("#ask-approve").matches(":modal")`)
	b.shoot("dialog")
	b.do(key("Escape", 0))
	b.until(`!document.querySelector("#ask-approve").open`)
	b.click(`[data-dialog="ask-reject"]`)
	b.click(`#ask-reject [data-close]`)
	b.until(`!document.querySelector("#ask-reject").open && location.pathname === ` + quote(page))
	b.click(`[data-dialog="ask-approve"]`)
	b.click("#ask-approve button.primary")
	b.sees("main", "Approved. It can be sent now, or scheduled.")
	b.until(`!location.search`)
	b.click(`[data-dialog="ask-schedule"]`)
	b.sees("#ask-schedule [data-zone]", "UTC")
	b.do(evaluate(`{ const at = document.getElementById("at"); at.value = "2031-01-31T09:00"; at.dispatchEvent(new Event("input")); }`))
	b.until(`document.querySelector('[name="at_moment"]').value === new Date("2031-01-31T09:00").toISOString()`)
	b.click("#ask-schedule button.primary")
	b.sees("main", "It starts by itself")
}

func TestProgressMovesByItself(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(20, 18)
	id := w.sending()
	b := w.approver().open("/broadcasts/" + string(id))
	b.sees(".line", "0 of 20 people reached, 18 to go.")
	w.deliver(id, 10, sentOutcome)
	b.sees(".line", "10 of 20 people reached, 8 to go.")
	b.until(`document.querySelector("[data-bar=sent]").getAttribute("width") === "50.0" && document.querySelector("progress").value === 60`)
	b.shoot("sending")
	w.deliver(id, 8, failedOutcome)
	if err := w.service.Advance(t.Context(), id, broadcast.EventFinish, ""); err != nil {
		t.Fatal(err)
	}
	b.sees(".line", "10 of 20 people reached.")
	b.sees(".badge", "Sent")
	b.sees("[data-region=outcomes]", "Refused by Teams")
	b.until(`!document.querySelector('form[action$="/pause"]')`)
	b.shoot("sent")
}

func TestTheRolloutMovesByItself(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(20, 0)
	b := w.admin().open("/rollout")
	b.click(`[data-dialog="ask-start"]`)
	b.sees("#ask-start", "Install the app for 18 people?")
	b.click("#ask-start button.primary")
	b.sees("main", "The rollout runs.")
	if err := w.st.BotAdded(t.Context(), entraID(1), address(1)); err != nil {
		t.Fatal(err)
	}
	w.clock.advance(2 * time.Second) // the figures of a moment ago are good enough until then
	b.sees(".line", "1 of 18 people have the app.")
	b.sees(`.tabs [data-text="wanted"]`, "17")
	if err := w.service.PauseRollout(t.Context(), cora); err != nil {
		t.Fatal(err)
	}
	w.clock.advance(2 * time.Second)
	b.sees("[data-region=head]", "Go on")
	b.sees("#progress-title", "Paused")
	b.until(`!document.querySelector("[data-said]")`)
}

func TestThePagesWorkWithoutScript(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(20, 18)
	page := w.author().post("/broadcasts", with(good(), "do", "submit")).says(http.StatusOK).path
	b := w.approver().open(page, noScript())
	b.do(size(1280, 1100))
	b.shoot("plain")
	b.sees(".card-plain", "Office closed on Friday") // nothing draws the card, so its words are shown
	b.click(`[data-dialog="ask-approve"]`)
	b.sees("#ask-approve", "18 people") // counted by the server, since nothing else can
	b.shoot("plain-dialog")
	b.click("#ask-approve button.primary")
	b.sees("main", "Ben Approver approved this.")
}

func TestNothingScrollsSidewaysFromAPhoneToAWall(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(60, 30)
	ada, cora := w.author(), w.admin()
	long := with(good(), "title", strings.Repeat("Donaudampfschifffahrtsgesellschaft", 4), "body", strings.Repeat("x", 300))
	draft := ada.draft(long)
	id := w.sending()
	w.deliver(id, 2, failedOutcome)
	cora.post("/rollout/start", nil)
	cora.post("/keys", url.Values{"name": {strings.Repeat("k", 80)}})
	b := cora.open("/")
	for _, path := range []string{"/", "/broadcasts/new", draft, draft + "/edit", "/broadcasts/" + string(id), "/broadcasts/" + string(id) + "/recipients", "/rollout", "/keys", "/nowhere"} {
		b.do(navigate(w.url + path))
		for _, width := range []int64{320, 390, 768, 1280, 3840} {
			b.do(size(width, 900))
			if over := value[int](b, `document.documentElement.scrollWidth - document.documentElement.clientWidth`); over > 0 {
				wide := value[string](b, `[...document.querySelectorAll("main *, header *")].filter((e) => e.getBoundingClientRect().right > innerWidth + 1).map((e) => e.tagName + "." + e.className).slice(0, 8).join(" ")`)
				t.Errorf("%s at %d px scrolls sideways by %d px: %s", path, width, over, wide)
			}
			if width == 320 || width == 1280 {
				b.do(size(width, 1600))
				b.shoot(strings.ReplaceAll(strings.Trim(path, "/"), "/", "_") + map[int64]string{320: "-phone", 1280: "-desk"}[width])
			}
		}
	}
	b.tolerate("404")
}
