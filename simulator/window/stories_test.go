package window_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

const announcement = `{"type":"AdaptiveCard","version":"1.5","$schema":"http://adaptivecards.io/schemas/adaptive-card.json","body":[
 {"type":"Image","url":"/pictures/summer.svg","altText":"Mountains in the evening sun","size":"stretch"},
 {"type":"TextBlock","text":"The office closes early on Friday","size":"large","weight":"bolder","wrap":true},
 {"type":"TextBlock","text":"Dear colleagues, on **Friday** the doors close at *2 pm*:\n\n- Berlin: 14:00\n- Lisbon: 13:00\n\nRead [the details](https://example.com/details). <img src=x onerror=alert(1)>","wrap":true},
 {"type":"Input.Text","id":"comment","label":"Anything we should know?","placeholder":"Optional"},
 {"type":"FactSet","facts":[{"title":"From","value":"Facilities"},{"title":"Valid","value":"This week"}]}],
 "actions":[{"type":"Action.Execute","title":"I have read it","verb":"acknowledge","id":"ack","style":"positive","data":{"broadcastId":"b-1"}},
 {"type":"Action.OpenUrl","title":"Read more","url":"https://example.com/friday"},
 {"type":"Action.Submit","title":"Ask a question","data":{"ask":true}},
 {"type":"Action.OpenUrl","title":"Evil","url":"javascript:alert(1)"}]}`

func card(json_ string) []json.RawMessage { return []json.RawMessage{json.RawMessage(json_)} }

// delivered is a tenant whose first person got one broadcast.
func delivered(t *testing.T) (*fake, string) {
	t.Helper()
	f := newFake(t, 12)
	f.deliver(1, fakeMessage{Summary: "The office closes early on Friday", Cards: card(announcement), BroadcastID: "b-1"})
	return f, f.url + "/teams?person=" + f.people[0].EntraID
}

// button is a selector for a card's button by its title.
func button(title string) string {
	return fmt.Sprintf(`button.ac-pushButton[title=%q], button.ac-pushButton[aria-label=%q]`, title, title)
}

func TestAPersonReadsACardAndItsButtonIsAnsweredWithAToast(t *testing.T) {
	t.Parallel()
	f, _ := delivered(t)
	f.click = func(map[string]any) (any, any) { return "message", "Thanks, Ada! Noted." }
	w := open(t, f.url+"/teams")
	w.sees("main", "Pick a person")
	w.click(`a[data-person$="000000000001"]`)
	w.sees(".card", "The office closes early on Friday")
	w.sees(".toast-line", "The office closes early on Friday")
	w.until(`location.search.endsWith("000000000001") && document.title.startsWith("Ada Author")`)
	w.until(`document.querySelector(".card img").naturalWidth > 0`)
	w.shoot("card")

	w.types(".card input", "See you on Monday")
	w.click(button("I have read it"))
	w.sees("#toasts", "Thanks, Ada! Noted.")
	var call struct {
		MessageID string `json:"message_id"`
		Action    map[string]any
		Inputs    map[string]string
	}
	if err := json.Unmarshal([]byte(strings.TrimPrefix(f.called("click"), "click ")), &call); err != nil {
		t.Fatal(err)
	}
	data, _ := call.Action["data"].(map[string]any)
	if call.MessageID == "" || call.Action["type"] != "Action.Execute" || call.Action["verb"] != "acknowledge" || call.Action["id"] != "ack" || data["broadcastId"] != "b-1" {
		t.Errorf("the click was sent as %+v", call)
	}
	if len(data) != 1 || call.Inputs["comment"] != "See you on Monday" {
		t.Errorf("data %v and inputs %v must stay apart, the simulator joins them", data, call.Inputs)
	}
}

func TestACardThatABotAnswersWithReplacesTheOldOne(t *testing.T) {
	t.Parallel()
	f, address := delivered(t)
	f.click = func(map[string]any) (any, any) {
		answer := `{"type":"AdaptiveCard","version":"1.5","body":[{"type":"TextBlock","text":"You have read it."}]}`
		f.people[0].Chat.Messages[0].Cards = card(answer)
		return "card", json.RawMessage(answer)
	}
	w := open(t, address)
	w.click(button("I have read it"))
	w.sees(".card", "You have read it.")
}

func TestAFailedClickIsSaidInASentence(t *testing.T) {
	t.Parallel()
	f, address := delivered(t)
	f.click = func(map[string]any) (any, any) { return "error", "Something went wrong" }
	w := open(t, address)
	w.click(button("I have read it"))
	w.sees(".toast.error[role=alert]", "Something went wrong")
}

func TestASubmittedAnswerIsConfirmed(t *testing.T) {
	t.Parallel()
	f, address := delivered(t)
	f.click = func(map[string]any) (any, any) { return "none", nil }
	w := open(t, address)
	w.click(button("Ask a question"))
	w.sees("#toasts", "Your response was sent to the app.")
}

func TestALinkIsShownBeforeItIsOpened(t *testing.T) {
	t.Parallel()
	_, address := delivered(t)
	w := open(t, address)
	w.click(button("Read more"))
	w.sees("dialog[open] .address", "https://example.com/friday")
	w.until(`(() => { const a = document.querySelector("dialog a"); return a.target === "_blank" && a.relList.contains("noopener") && a.relList.contains("noreferrer"); })()`)
	w.shoot("dialog")
	w.do(chromedp.KeyEvent(kb.Escape))
	w.gone("dialog")
	w.click(".card a.ac-anchor")
	w.sees("dialog[open] .address", "https://example.com/details")
}

func TestHostileCardsCannotRunAnything(t *testing.T) {
	t.Parallel()
	_, address := delivered(t)
	w := open(t, address)
	w.sees(".card", "<img src=x onerror=alert(1)>") // shown as the text it is in Teams
	w.click(button("Evil"))
	w.sees(".toast.error", "Teams does not open javascript: addresses.")
	w.gone("dialog")
}

func TestAPersonTypesToTheBot(t *testing.T) {
	t.Parallel()
	f, address := delivered(t)
	w := open(t, address)
	w.types("#compose", "help")
	w.do(enter())
	w.sees(".from-person", "help")
	if got := f.called("say"); got != `say {"text":"help"}` {
		t.Errorf("sent %s", got)
	}
	w.until(`document.getElementById("compose").value === ""`)
	f.deliver(1, fakeMessage{Text: "You can write **stop** at any time."})
	w.until(`[...document.querySelectorAll(".from-bot .text strong")].some((e) => e.innerText === "stop")`)
	w.shoot("talk")
}

func TestWhatCouldNotBeSentComesBack(t *testing.T) {
	t.Parallel()
	_, address := delivered(t)
	w := open(t, address)
	w.types("#compose", "refuse me")
	w.do(enter())
	w.sees(".toast.error", "The bot does not answer.")
	w.until(`document.getElementById("compose").value === "refuse me"`)
	w.tolerate() // the 502
}

func TestAPersonBlocksTheBotAndUnblocksIt(t *testing.T) {
	t.Parallel()
	f, address := delivered(t)
	w := open(t, address)
	w.click(`[data-verb="block"]`)
	w.sees(".chat .strip", "Ada Author blocked the bot")
	f.called("block")
	w.until(`document.getElementById("compose").disabled`)
	w.sees(`a[data-person$="000000000001"]`, "Blocked")
	w.until(`document.activeElement?.closest(".tools") !== null`)
	w.shoot("blocked")
	w.click(`[data-verb="unblock"]`)
	f.called("unblock")
	w.gone(".chat .strip")
}

func TestAPersonRemovesTheAppAndInstallsItAgain(t *testing.T) {
	t.Parallel()
	f, address := delivered(t)
	w := open(t, address)
	w.click(`[data-verb="remove"]`)
	w.sees(".chat .strip", "not installed")
	f.called("remove")
	w.click(`[data-verb="install"]`)
	f.called("install")
	w.gone(".chat .strip")
}

func TestDeletingAChatAsksFirst(t *testing.T) {
	t.Parallel()
	f, address := delivered(t)
	w := open(t, address)
	w.click(`[data-verb="delete-chat"]`)
	w.sees("dialog[open]", "Ada Author loses all its messages")
	w.do(chromedp.KeyEvent(kb.Escape))
	w.gone("dialog")
	w.sees(".card", "closes early")
	w.click(`[data-verb="delete-chat"]`)
	w.click("dialog .danger")
	f.called("delete-chat")
	w.sees(".log", "No messages yet.")
	w.sees(".log", "Send a broadcast")
}

func TestReactionsAreGivenAndTakenBack(t *testing.T) {
	t.Parallel()
	f, address := delivered(t)
	w := open(t, address)
	w.do(chromedp.WaitReady(chromedp.CSS(".reaction")))
	w.do(chromedp.Focus(chromedp.CSS(`.reaction[aria-label="heart"]`)), chromedp.KeyEvent(kb.Enter))
	w.sees(".pills", "❤️")
	w.until(`document.activeElement?.getAttribute("aria-label") === "heart"`)
	w.shoot("reacted")
	w.do(chromedp.Reload())
	w.sees(".pills", "❤️")
	w.click(".pill")
	w.gone(".pill")
	if got := f.called("react"); !strings.Contains(got, `"type":"heart"`) || !strings.Contains(got, `"removed":false`) {
		t.Errorf("sent %s", got)
	}
}

func TestUnreadMessagesAreMarkedUntilRead(t *testing.T) {
	t.Parallel()
	f, address := delivered(t)
	w := open(t, address)
	w.sees(".divider.new", "New")
	w.sees(".people-list .unread", "1")
	w.click(`[data-verb="read"]`)
	f.called("read")
	w.gone(".divider.new, .people-list .unread")
}

func TestNewEditedAndDeletedMessagesAppearByThemselves(t *testing.T) {
	t.Parallel()
	for name, noEvents := range map[string]bool{"by events": false, "by polling when the event stream is down": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t, 3)
			f.noEvents = noEvents
			w := open(t, f.url+"/teams?person="+f.people[0].EntraID)
			w.sees(".log", "Send a broadcast that includes Ada Author")
			f.deliver(1, fakeMessage{Summary: "News!", Cards: card(announcement)})
			w.sees(".card", "closes early")
			w.sees("#toasts[aria-live=polite]", "News!")
			f.person(1, func(p *fakePerson) { p.Chat.Messages[0].Edited = true })
			w.sees(".message .edited", "Edited")
			f.person(1, func(p *fakePerson) { p.Chat.Messages[0].Deleted = true })
			w.sees(".message", "This message has been deleted.")
			if noEvents {
				w.tolerate() // the 503 of the event stream
			}
		})
	}
}

func TestAnInputKeepsItsTextWhileOtherMessagesCome(t *testing.T) {
	t.Parallel()
	f, address := delivered(t)
	w := open(t, address)
	w.types(".card input", "half a sen")
	f.deliver(1, fakeMessage{Text: "Second message"})
	w.until(`[...document.querySelectorAll(".message")].some((e) => e.innerText.includes("Second message"))`)
	w.until(`document.activeElement === document.querySelector(".card input") && document.activeElement.value === "half a sen"`)
}

func TestPeopleAreSearchedFilteredAndPaged(t *testing.T) {
	t.Parallel()
	f := newFake(t, 120)
	f.person(77, func(p *fakePerson) { p.Kind, p.Blocked = "guest", true })
	f.deliver(77, fakeMessage{Text: "Hello"})
	w := open(t, f.url+"/teams")
	w.until(`document.querySelectorAll(".people-list li").length === 50`)
	w.click("#people-more")
	w.until(`document.querySelectorAll(".people-list li").length === 100`)
	w.until(`document.activeElement?.dataset.person?.endsWith("000000000051")`)
	w.click("#with-chat")
	w.until(`document.querySelectorAll(".people-list li").length === 1`)
	w.sees(".people-list", "Guest")
	w.sees(".people-list", "Blocked")
	w.click("#with-chat")
	w.types("#search", "person.12@")
	w.until(`document.querySelectorAll(".people-list li").length === 1`)
	w.types("#search", "nobody at all")
	w.sees("#people-empty", "Nobody found")
}

func TestThePeopleAreWalkedByKeyboard(t *testing.T) {
	t.Parallel()
	f, _ := delivered(t)
	w := open(t, f.url+"/teams")
	w.do(chromedp.WaitVisible(chromedp.CSS(".people-list a")), chromedp.Focus(chromedp.CSS("#search")))
	w.do(chromedp.KeyEvent(kb.ArrowDown), chromedp.KeyEvent(kb.ArrowDown), chromedp.KeyEvent(kb.ArrowUp), chromedp.KeyEvent(kb.Enter))
	w.sees(".chat-head", "Ada Author")
	w.do(chromedp.NavigateBack())
	w.sees("main", "Pick a person")
}

func TestDarkModeDressesPageAndCards(t *testing.T) {
	t.Parallel()
	_, address := delivered(t)
	w := open(t, address, scheme("dark"))
	w.sees(".card", "closes early")
	w.until(`getComputedStyle(document.querySelector(".ac-adaptiveCard")).backgroundColor === "rgb(41, 41, 41)"`)
	w.until(`getComputedStyle(document.body).backgroundColor === "rgb(26, 26, 26)"`)
	w.shoot("dark")
	w.do(scheme("light"))
	w.until(`getComputedStyle(document.querySelector(".ac-adaptiveCard")).backgroundColor === "rgb(255, 255, 255)"`)
}

func TestNothingScrollsSidewaysFromAPhoneToAWall(t *testing.T) {
	t.Parallel()
	f, address := delivered(t)
	f.deliver(1, fakeMessage{Text: "A word as long as " + strings.Repeat("Donaudampfschiff", 12)})
	for _, size := range [][2]int64{{320, 568}, {390, 844}, {768, 1024}, {1280, 400}, {3840, 2160}} {
		t.Run(fmt.Sprint(size[0]), func(t *testing.T) {
			t.Parallel()
			w := open(t, address, chromedp.EmulateViewport(size[0], size[1]))
			w.sees(".card", "closes early")
			w.until(`document.querySelectorAll(".message").length === 2`)
			wide := evaluate[[]string](w, `[...document.querySelectorAll("body, body *")].filter((e) => e.checkVisibility() && !e.closest(".sr-only, .skip") && !["hidden", "clip", "auto"].includes(getComputedStyle(e).overflowX) && (e.getBoundingClientRect().right > innerWidth + 1)).map((e) => e.tagName + "." + e.className)`)
			scrollable := evaluate[bool](w, `[...document.querySelectorAll("html, body, .scroller, .chat, .people")].some((e) => e.scrollWidth > e.clientWidth + 1)`)
			if len(wide) > 0 || scrollable {
				t.Errorf("wider than the screen: %v", wide)
			}
			w.shoot("chat")
			if size[0] < 720 {
				w.gone(".people")
				w.click(".chat-head .back")
				w.sees(".people", "Ben")
				w.gone("main")
				w.until(`document.activeElement?.dataset.person !== undefined`)
				w.shoot("people")
			}
		})
	}
}

func TestAnUnknownPersonIsSaidSo(t *testing.T) {
	t.Parallel()
	f := newFake(t, 3)
	w := open(t, f.url+"/teams?person=nobody")
	w.sees("main", "Nobody here has this ID.")
	w.sees(".people", "Ada Author")
	w.tolerate() // the 404s
}

func TestASimulatorThatIsGoneIsTold(t *testing.T) {
	t.Parallel()
	_, address := delivered(t)
	w := open(t, address)
	w.sees(".card", "closes early")
	w.do(chromedp.Evaluate[chromedp.Void](`window.fetch = () => Promise.reject(new TypeError("gone"))`))
	w.sees("#offline", "The simulator does not answer.")
}

func TestDaysAreDivided(t *testing.T) {
	t.Parallel()
	f := newFake(t, 3)
	f.deliver(1, fakeMessage{Text: "Old", At: time.Now().AddDate(0, 0, -1)})
	f.deliver(1, fakeMessage{Text: "Fresh"})
	w := open(t, f.url+"/teams?person="+f.people[0].EntraID)
	w.sees(".log", "Yesterday")
	w.sees(".log", "Today")
}
