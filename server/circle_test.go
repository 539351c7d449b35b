package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/fanfare/fanfare/simulator"
)

// The people every tenant has, by the names the account picker shows.
const (
	ada  = "Ada Author"
	ben  = "Ben Approver"
	cora = "Cora Admin"
	dan  = "Dan Auditor"
)

// signIn opens a page of the product as somebody who is not signed in yet: over
// the sign-in page and Entra's account picker, back to where they wanted to go.
func (w *world) signIn(name, path string, before ...step) *tab {
	w.t.Helper()
	b := stranger(w.t, w.base+path, before...)
	b.sees("h1", "Fanfare")
	b.passThrough(name)
	b.until("decodeURI(location.href) === " + js(w.base+path))
	return b
}

// passThrough goes from the sign-in page through the account picker.
func (b *tab) passThrough(name string) {
	b.t.Helper()
	b.press("Sign in with Microsoft")
	b.sees("h1", "Pick an account")
	query := evaluate[string](b, "location.search")
	for _, must := range []string{"response_type=code", "code_challenge_method=S256", "code_challenge=", "nonce=", "state="} {
		if !strings.Contains(query, must) {
			b.t.Errorf("the sign-in asks without %s: %s", must, query)
		}
	}
	b.do(mark(fmt.Sprintf(`[...document.querySelectorAll("button.who")].find((e) => e.innerText.includes(%s))`, js(name))))
	b.click("[data-test-mark]")
}

// mark gives the element a JavaScript expression finds a name for click.
func mark(expression string) step {
	return evaluated(`document.querySelectorAll("[data-test-mark]").forEach((e) => e.removeAttribute("data-test-mark")); (` + expression + `).setAttribute("data-test-mark", "")`)
}

func TestAPersonsWholeWay(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite", func(o *simulator.Options) { o.People = 150 })
	w.env["FANFARE_INSTALL_RATE"], w.env["FANFARE_CONNECTOR_RATE"] = "50", "8" // measuring the speed takes a while
	w.sim.SetDials(func(d *simulator.Dials) {
		d.Person = map[string]string{
			simulator.EntraID(30): "guest", simulator.EntraID(31): "disabled", simulator.EntraID(32): "unlicensed", simulator.EntraID(33): "refused",
			simulator.EntraID(40): "none", simulator.EntraID(41): "none", simulator.EntraID(42): "none",
		}
	})
	w.serve()
	w.watchRollout()
	id := w.writeAndSubmit()
	page := w.approveAndSend(id)
	w.lookForPeople(page)
	w.answerInTeams()
	w.leaveAndComeBack()
}

// The same circle on PostgreSQL, in short.
func TestAShortWayOnPostgreSQL(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "postgres", func(o *simulator.Options) { o.People = 60 })
	w.serve()
	b := w.begins("On the big database")
	b.press("Everyone in the organisation")
	b.sees("#reach", "will get it")
	b.press("Submit for review")
	b.sees(".badge", "In review")
	id := evaluate[string](b, `location.pathname.split("/")[2]`)
	b = w.signIn(ben, "/broadcasts/"+id)
	b.press("Approve")
	b.confirms("Approve")
	b.sees(".badge", "Approved")
	b.press("Send now")
	b.confirms("Send now")
	b.sees(".badge", "Sent")
	if got := w.read(id).Tally; int(w.sim.Report().Reached) != got.Sent || got.Sent < 50 {
		t.Errorf("the tally %+v, really reached %d", got, w.sim.Report().Reached)
	}
	w.teams(7).sees(".card", "On the big database")
}

// watchRollout is Cora, who starts the rollout and watches it to its end.
func (w *world) watchRollout() {
	b := w.signIn(cora, "/rollout")
	b.sees("h1", "Rollout")
	b.press("Start the rollout")
	b.sees("dialog[open]", "Install the app for")
	b.confirms("Start")
	b.sees("[role=status]", "The rollout runs.")
	b.records(`[data-text="installed"]`)
	b.shoot("rollout-running")
	b.until(`document.querySelector('[data-text="wanted"]').innerText === "0" && document.querySelector('[data-text="untouched"]').innerText === "0"`)
	b.grewLive("installed people")
	b.sees("[data-live]", "have the app.")
	b.shoot("rollout-done")
	w.until("every chat is known", func() bool {
		var r struct{ Installed, Addressed int }
		w.must(200, "admin", "GET", "/rollout", nil, &r)
		return r.Installed > 100 && r.Installed == r.Addressed
	})
}

// records notes every text an element shows from now on, in this very page: a
// reload would forget them.
func (b *tab) records(selector string) {
	b.t.Helper()
	b.do(evaluated(fmt.Sprintf(`(() => {
		const place = document.querySelector(%s);
		window.testTexts = [place.innerText];
		new MutationObserver(() => window.testTexts.push(place.innerText)).observe(place, {childList: true, characterData: true, subtree: true});
	})()`, js(selector))))
}

// grewLive expects that what records noted changed several times, and only upwards.
func (b *tab) grewLive(what string) {
	b.t.Helper()
	seen := evaluate[[]int](b, `window.testTexts.map((t) => Number(t.replaceAll(",", "")))`)
	distinct, last := 0, -1
	for _, n := range seen {
		if n < last {
			b.t.Errorf("%s went down: %v", what, seen)
		}
		if n > last {
			distinct++
		}
		last = n
	}
	if distinct < 3 {
		b.t.Errorf("%s did not grow before the eyes: %v", what, seen)
	}
}

// writeAndSubmit is Ada, who writes an announcement and hands it in.
func (w *world) writeAndSubmit() (id string) {
	b := w.signIn(ada, "/")
	b.press("Write the first announcement")
	b.sees("h1", "Write an announcement")
	b.ready()
	b.keepsCards()
	b.types("#title", "Office closed on Friday")
	b.types("#body", "Dear all,\n\nthe office **stays closed** on Friday.\n\n- Berlin: all day\n- Lisbon: from noon\n\nRead [the details](https://intranet.example/closed).")
	b.types("#image_url", w.http.PlainURL()+"/pictures/evening.png")
	b.types("#image_alt", "Hills in the evening")
	for i, button := range [][2]string{{"Read more", "https://intranet.example/closed"}, {"Ask us", "https://intranet.example/ask"}} {
		b.press("Add a button")
		b.types(fmt.Sprintf(`[id="buttons.%d.title"]`, i), button[0])
		b.types(fmt.Sprintf(`[id="buttons.%d.url"]`, i), button[1])
	}
	b.sees("[data-card] strong", "stays closed")
	b.sees("[data-card] li", "Lisbon: from noon")
	b.sees("[data-card] a", "the details")
	b.until(`document.querySelector("[data-card] img").naturalWidth === 1024`)
	b.sees("[data-card] button", "Ask us")
	b.press("Everyone in the organisation")
	b.sees("#reach", "will get it")
	b.sees("#reach .excluded", "Guest account")
	b.sees("#reach .excluded", "Account disabled")
	b.sees("#reach .excluded", "No Teams licence")
	b.sees("#save-state", "Saved")
	id = b.draftID()
	w.previewIsTheCard(b, id)
	b.shoot("editor")
	b.press("Submit for review")
	b.sees("[role=status]", "Submitted.")
	b.sees(".badge", "In review")
	return id
}

// draftID waits until the draft is saved and its address is its own.
func (b *tab) draftID() string {
	b.t.Helper()
	b.until(`location.pathname.endsWith("/edit")`)
	return evaluate[string](b, `location.pathname.split("/")[2]`)
}

// keepsCards notes what the page gives to Microsoft's renderer.
func (b *tab) keepsCards() {
	b.t.Helper()
	b.until("globalThis.AdaptiveCards")
	b.do(evaluated(`(() => {
		const real = AdaptiveCards.AdaptiveCard.prototype.parse;
		AdaptiveCards.AdaptiveCard.prototype.parse = function (json, context) {
			window.testCard = JSON.stringify(json);
			return real.call(this, json, context);
		};
	})()`))
}

// previewIsTheCard waits until the card on the screen is the one that will be sent.
func (w *world) previewIsTheCard(b *tab, id string) {
	w.t.Helper()
	var want any
	w.must(200, "author", "GET", "/broadcasts/"+id+"/card", nil, &want)
	var shown string
	defer func() {
		if w.t.Failed() {
			w.t.Logf("the page drew %s", shown)
		}
	}()
	w.until("the preview is the card that will be sent", func() bool {
		var got any
		shown = evaluate[string](b, "window.testCard")
		return json.Unmarshal([]byte(shown), &got) == nil && reflect.DeepEqual(got, want)
	})
}

// approveAndSend is Ben, who reads, approves, sends and watches.
func (w *world) approveAndSend(id string) *tab {
	b := w.signIn(ben, "/")
	b.press("Office closed on Friday")
	b.sees("[data-region=guide]", "Please read the card, the audience and how it is sent")
	b.sees("[data-card]", "Lisbon: from noon")
	b.sees("[data-card]", "Sent by Ada Author to Everyone")
	b.sees("#reach", "Guest account")
	b.shoot("review")
	b.press("Approve")
	b.sees("dialog[open]", "Only exactly this card to exactly this audience")
	b.sees("dialog[open] [data-headcount]", "people")
	b.confirms("Approve")
	b.sees("[role=status]", "Approved.")
	b.press("Send now")
	b.sees("dialog[open]", "goes to Everyone")
	b.shoot("send-dialog")
	b.confirms("Send now")
	b.sees("[role=status]", "Sending has begun.")
	b.records(`[data-text="sent"]`)
	b.sees("[data-live]", "a second")
	b.shoot("sending")
	b.sees(".badge", "Sent")
	b.sees("[data-live]", "reached.")
	b.grewLive("people reached")
	w.partsAddUp(b, id)
	b.shoot("sent")
	return b
}

// partsAddUp compares the figures on the page with each other, with the API and
// with what people really got.
func (w *world) partsAddUp(b *tab, id string) {
	w.t.Helper()
	tally := w.read(id).Tally
	b.until(fmt.Sprintf(`document.querySelector('[data-text="sent"]').innerText === "%d"`, tally.Sent))
	sum := evaluate[int](b, `[...document.querySelectorAll(".legend dd")].reduce((n, e) => n + Number(e.innerText.replaceAll(",", "")), 0)`)
	if sum != tally.Total || tally.Total != 150 {
		w.t.Errorf("the parts on the page make %d, the API's total is %d, the tenant has 150 people", sum, tally.Total)
	}
	if r := w.sim.Report(); int(r.Reached) != tally.Sent || r.Repeats != 0 {
		w.t.Errorf("the page says %d got it, the simulator %d, with %d repeats", tally.Sent, r.Reached, r.Repeats)
	}
}

// lookForPeople walks the list of recipients: search, filter, next page.
func (w *world) lookForPeople(b *tab) {
	b.press("All recipients")
	b.sees("h1", "Recipients")
	b.until(`document.querySelectorAll("tbody tr").length === 100`)
	b.press("Next page")
	b.until(`document.querySelectorAll("tbody tr").length === 50`)
	b.press("First page")
	b.until(`document.querySelectorAll("tbody tr").length === 100`)
	b.types("#q", w.person(40).Name)
	b.press("Search")
	b.sees("tbody", w.person(40).Name)
	b.until(`document.querySelectorAll("tbody tr").length < 5`)
	b.shoot("recipients-search")
	b.goTo(strings.Split(evaluate[string](b, "location.href"), "?")[0])
	b.press("Skipped")
	for _, reason := range []string{"Guest account", "Account disabled", "No Teams licence", "App blocked by policy"} {
		b.sees("tbody", reason)
	}
	b.until(`[...document.querySelectorAll("tbody .badge")].every((e) => e.innerText === "Skipped")`)
	b.shoot("recipients-skipped")
}

// human is a person as the simulator knows them.
type human struct {
	Number  int
	EntraID string `json:"entra_id"`
	Name    string
	UPN     string
}

func (w *world) person(number int) human {
	w.t.Helper()
	got, err := http.Get(w.http.PlainURL() + "/_simulator/people/" + simulator.EntraID(number))
	if err != nil {
		w.t.Fatal(err)
	}
	defer got.Body.Close()
	var h human
	if err := json.NewDecoder(got.Body).Decode(&h); err != nil {
		w.t.Fatal(err)
	}
	return h
}

// teams opens somebody's Teams window.
func (w *world) teams(number int) *tab {
	w.t.Helper()
	b := stranger(w.t, w.http.PlainURL()+"/teams?person="+simulator.EntraID(number))
	b.sees("h2", w.person(number).Name)
	return b
}

// answerInTeams is a recipient, who asks why, talks to the bot and blocks it.
func (w *world) answerInTeams() {
	b := w.teams(40)
	b.sees(".card", "Office closed on Friday")
	b.until(`document.querySelector(".card img").naturalWidth === 1024`)
	b.press("Why am I getting this?")
	b.sees("#toasts", ada)
	b.shoot("teams-why")
	b.types("#compose", "help")
	b.do(key("Enter", 13))
	b.sees(".from-person", "help")
	b.until(`document.querySelectorAll(".message.from-bot .text").length > 0`)
	b.shoot("teams-help")
	b.press("Block bot")
	b.sees(".strip", "blocked the bot")
	second := w.sent("Second news")
	page := w.signIn(dan, "/broadcasts/"+second.ID+"/recipients?state=skipped&q="+strings.Fields(w.person(40).Name)[0])
	page.until(fmt.Sprintf(`[...document.querySelectorAll("tbody tr")].some((r) => r.innerText.includes(%s) && r.innerText.includes("Blocked the bot"))`, js(w.person(40).Name)))
	if n := evaluate[int](b, `document.querySelectorAll(".card").length`); n != 1 {
		w.t.Errorf("whoever blocked the bot has %d cards", n)
	}
}

// sent takes an announcement to everyone from nothing to its end.
func (w *world) sent(title string) bulletin {
	w.t.Helper()
	b := w.approved(title)
	w.must(200, "author", "POST", "/broadcasts/"+b.ID+"/send", nil, &b)
	return w.state(b.ID, "sent", "failed", "paused")
}

// leaveAndComeBack is one person who removes the app, and one who deletes the
// chat: the first is left alone, the second is still reached.
func (w *world) leaveAndComeBack() {
	leaves, forgets := w.teams(41), w.teams(42)
	leaves.press("Remove app")
	leaves.sees(".strip", "not installed")
	admin := w.signIn(cora, "/rollout?state=removed")
	admin.sees(".legend [data-part=removed]", "1")
	w.until("the rollout page names who removed the app", func() bool {
		admin.goTo(w.base + "/rollout?state=removed")
		return strings.Contains(evaluate[string](admin, "document.body.innerText"), w.person(41).Name)
	})
	admin.sees("tbody", "Removed by the person")
	admin.shoot("rollout-removed")
	forgets.press("Delete chat")
	forgets.confirms("Delete chat")
	forgets.sees(".log", "No messages yet.")
	third := w.sent("Third news")
	forgets.sees(".card", "Third news")
	forgets.shoot("teams-again")
	var page struct {
		Recipients []struct{ State, Reason string }
	}
	w.must(200, "admin", "GET", "/broadcasts/"+third.ID+"/recipients?state=skipped&reason=removed", nil, &page)
	if len(page.Recipients) != 1 {
		w.t.Errorf("%d people were skipped because they removed the app, want 1", len(page.Recipients))
	}
}
