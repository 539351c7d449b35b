package server_test

import (
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/fanfare/fanfare/simulator"
)

// What people do wrong, or what happens to them, in a browser: every sentence is
// seen, every word they wrote is still there.
func TestMistakesInTheBrowser(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite", func(o *simulator.Options) { o.People = 60 })
	w.serve()
	for name, story := range map[string]func(*world){
		"everything missing is named at once": (*world).namesWhatIsMissing,
		"two tabs keep both words":            (*world).keepsBothWords,
		"a second click on Send":              (*world).sendsOnce,
		"the session ends while writing":      (*world).keepsWordsOverSessions,
		"words typed before the scripts came": (*world).keepsEarlyWords,
		"a wrong role":                        (*world).turnsAway,
		"nobody's role":                       (*world).explainsNoRole,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			story(w.in(t))
		})
	}
}

func (w *world) namesWhatIsMissing() {
	b := w.signIn(ada, "/broadcasts/new").forgive("422")
	b.ready()
	b.types("#body", "Words worth keeping.")
	b.press("Add a button")
	b.types(`[id="buttons.0.title"]`, "Read more")
	b.types(`[id="buttons.0.url"]`, "http://intranet.example/closed")
	b.press("Submit for review")
	b.sees("#summary", "Please look at this")
	b.until(`document.activeElement.id === "summary"`)
	for _, field := range []string{"title", "audience", "buttons.0.url"} {
		b.sees(`[data-problem="`+field+`"]`, " ")
		b.until(`[...document.querySelectorAll("#summary a")].some((a) => a.getAttribute("href") === "#` + field + `")`)
	}
	b.sees(`[data-problem="buttons.0.url"]`, "https://")
	b.until(`document.getElementById("title").getAttribute("aria-invalid") === "true"`)
	b.shoot("problems")
	b.until(`document.getElementById("body").value === "Words worth keeping."`)
	b.types("#title", "Now complete")
	b.until(`document.querySelector('[data-problem="title"]').innerText === ""`)
	b.replaces(`[id="buttons.0.url"]`, "https://intranet.example/closed")
	b.press("Everyone in the organisation")
	b.sees("#reach", "will get it") // which moves what is below
	b.press("Submit for review")
	b.sees(".badge", "In review")
	b.sees("[data-card]", "Words worth keeping.")
}

func (w *world) keepsBothWords() {
	first := w.begins("Before")
	first.sees("#save-state", "Saved")
	id := first.draftID()
	second := first.beside(w.base + "/broadcasts/" + id + "/edit").forgive("409")
	first.replaces("#title", "From the first tab")
	w.until("the first tab's title is saved", func() bool { return w.title(id) == "From the first tab" })
	second.replaces("#title", "From the second tab")
	second.sees(".conflict", "changed this meanwhile")
	second.sees(".conflict", "From the first tab")
	second.sees(".conflict", "From the second tab")
	second.shoot("conflict")
	if got := w.title(id); got != "From the first tab" {
		w.t.Errorf("an overtaken save went through: %q", got)
	}
	second.press("Save mine over theirs")
	second.sees("#save-state", "Saved")
	w.until("the second tab's title is saved", func() bool { return w.title(id) == "From the second tab" })
	first.forgive("409").replaces("#body", "A late thought")
	first.sees(".conflict", "A late thought")
	first.press("Drop mine, take theirs")
	first.until(`document.getElementById("title").value === "From the second tab"`)
}

func (w *world) title(id string) string {
	w.t.Helper()
	var b struct {
		Message struct{ Title string }
		Title   string
	}
	w.must(200, "author", "GET", "/broadcasts/"+id, nil, &b)
	return b.Title + b.Message.Title
}

func (w *world) sendsOnce() {
	done := w.approved("Only once")
	b := w.signIn(ben, "/broadcasts/"+done.ID)
	late := b.beside(w.base + "/broadcasts/" + done.ID).forgive("409")
	b.press("Send now")
	b.sees("dialog[open]", "Send it now?")
	late.press("Send now")
	late.sees("dialog[open]", "Send it now?")
	b.until(`document.querySelector("dialog:modal")`)
	at := b.place("#ask-send .primary")
	b.do(chromedp.MouseClickXY(at[0], at[1]), chromedp.MouseClickXY(at[0], at[1], chromedp.ClickCount(2)))
	b.sees("[role=status]", "Sending has begun.")
	late.confirms("Send now")
	late.sees("[role=alert]", "cannot be sent")
	late.shoot("late")
	late.until("location.pathname === " + js("/broadcasts/"+done.ID)) // where it can be read again
	w.state(done.ID, "sent")
	var history struct {
		History []struct{ Event string }
	}
	w.must(200, "auditor", "GET", "/broadcasts/"+done.ID+"/history", nil, &history)
	sends := 0
	for _, m := range history.History {
		if m.Event == "send" {
			sends++
		}
	}
	if r := w.sim.Report(); sends != 1 || r.Repeats != 0 {
		w.t.Errorf("it was sent %d times, with %d repeats", sends, r.Repeats)
	}
}

func (w *world) keepsWordsOverSessions() {
	b := w.begins("Half a sentence").forgive("401")
	b.sees("#save-state", "Saved")
	id := b.draftID()
	b.do(call(network.ClearBrowserCookies, cdp.Empty{}))
	b.types("#body", " And a second one.")
	b.sees("#save-state", "Your session has ended")
	b.shoot("autosave")
	b.press("Save draft")
	b.sees("h1", "Sign in again")
	b.shoot("kept")
	b.beside(w.base + "/sign-in").passThrough(ada)
	w.until("the other tab is signed in", func() bool {
		n, err := ask[int](b, `fetch("/keys", {redirect: "manual"}).then((r) => r.status)`, chromedp.EvalAwaitPromise)
		return err == nil && n == 200
	})
	b.press("Send it again")
	b.sees("[role=status]", "Draft saved.")
	b.until(`document.getElementById("body").value === "Dear all, there is news. And a second one."`)
	b.gone("#restore")
	if got := evaluate[string](b, "location.pathname"); got != "/broadcasts/"+id+"/edit" {
		w.t.Errorf("the words went to %s, not to the draft %s", got, id)
	}
}

// keepsEarlyWords is somebody faster than the network, or a browser that restores
// what was typed before a crash.
func (w *world) keepsEarlyWords() {
	b := w.signIn(ada, "/")
	b.do(call(page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: `
		document.addEventListener("readystatechange", () => {
			const title = document.getElementById("title");
			if (document.readyState === "interactive" && title && !title.value) title.value = "Typed early";
		});`}))
	b.goTo(w.base + "/broadcasts/new")
	b.sees("[data-card]", "Typed early")
	b.sees("[data-toast]", "Typed early")
	b.sees("#save-state", "Saved")
	if got := w.title(b.draftID()); got != "Typed early" {
		w.t.Errorf("the server has %q", got)
	}
}

func (w *world) turnsAway() {
	b := w.signIn(dan, "/").forgive("403", "404")
	b.sees("h1", "Announcements")
	b.gone(`a[href="/broadcasts/new"]`)
	b.goTo(w.base + "/broadcasts/new")
	b.sees("main", "Your role does not allow that.")
	b.shoot("forbidden")
	b.press("Go to the announcements")
	b.sees("h1", "Announcements")
	b.goTo(w.base + "/rollout")
	b.sees("h1", "Rollout")
	b.gone(`[data-dialog="ask-start"]`)
	b.goTo(w.base + "/nowhere")
	b.sees("main", "There is no page at this address.")
}

func (w *world) explainsNoRole() {
	b := stranger(w.t, w.base+"/").forgive("403")
	b.press("Sign in with Microsoft")
	b.sees("h1", "Pick an account")
	b.types("#upn", "nobody.at.all@contoso.example")
	b.press("Sign in")
	b.sees("[role=alert]", "There is no such account in Contoso.")
	b.replaces("#upn", w.person(50).UPN)
	b.press("Sign in")
	b.sees("h1", "You have no role in Fanfare yet")
	b.sees("main", "Ask your IT admin")
	b.shoot("no-role")
	b.press("Sign in with another account")
	b.sees("h1", "Pick an account")
	b.press("Cancel")
	b.sees("h1", "You are not signed in")
}
