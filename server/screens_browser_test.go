package server_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/fanfare/fanfare/simulator"
)

// phone and desk are the widths every page is looked at; 320 px is what WCAG's
// reflow asks for.
const (
	phone = 320
	desk  = 1280
)

// looks checks that a page does not scroll sideways on a phone, and keeps pictures
// of it in both sizes and both schemes when FANFARE_TEST_SCREENSHOTS names a folder.
func (b *tab) looks(name string) {
	b.t.Helper()
	folder := os.Getenv("FANFARE_TEST_SCREENSHOTS")
	for _, size := range []struct {
		name  string
		width int64
	}{{"desk", desk}, {"phone", phone}} {
		b.do(chromedp.EmulateViewport(size.width, 900))
		if over := evaluate[int](b, "document.documentElement.scrollWidth - innerWidth"); over > 0 {
			b.t.Errorf("%s at %d px scrolls sideways by %d px: %s", name, size.width, over, evaluate[string](b,
				`[...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > innerWidth + 1).map((e) => e.tagName + "." + e.className).slice(0, 8).join(" ")`))
		}
		if folder == "" {
			continue
		}
		for _, colours := range []string{"light", "dark"} {
			b.do(scheme(colours))
			picture, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
			if err == nil {
				err = os.WriteFile(filepath.Join(folder, "page-"+name+"-"+size.name+"-"+colours+".png"), picture, 0o600)
			}
			if err != nil {
				b.t.Errorf("no screenshot: %v", err)
			}
		}
		b.do(scheme("light"))
	}
	b.do(chromedp.EmulateViewport(desk, 900))
}

// painted is how large and how fast the organisation of the pictures is: small and
// quick when nobody looks at them.
func painted(t *testing.T) *world {
	t.Helper()
	people, rate := 130, "7" // quick, but measuring the speed takes a while
	if os.Getenv("FANFARE_TEST_SCREENSHOTS") != "" {
		people, rate = 1000, "45"
	}
	w := newWorld(t, "sqlite", func(o *simulator.Options) { o.People = people })
	w.env["FANFARE_CONNECTOR_RATE"], w.env["FANFARE_BOT_NAME"] = rate, "Contoso News"
	w.serve()
	return w
}

func TestEveryPageFitsAPhoneAndADesk(t *testing.T) {
	t.Parallel()
	w := painted(t)
	b := stranger(t, w.base+"/")
	b.sees("h1", "Fanfare")
	b.looks("sign-in")
	b.press("Sign in with Microsoft")
	b.sees("h1", "Pick an account")
	b.looks("entra")
	author, admin, approver := w.signIn(ada, "/"), w.signIn(cora, "/rollout"), w.signIn(ben, "/")
	author.looks("list-empty")
	admin.looks("rollout-idle")
	admin.goTo(w.base + "/setup")
	admin.sees("[data-setup-line]", "0 failed")
	admin.looks("setup")
	admin.goTo(w.base + "/rollout")
	w.rolledOut()
	id := author.composes(w)
	author.looks("editor")
	author.press("Submit for review")
	author.sees(".badge", "In review")
	approver.goTo(w.base + "/broadcasts/" + id)
	approver.sees("#reach", "will get it")
	approver.looks("review")
	w.must(200, "approver", "POST", "/broadcasts/"+id+"/approve", nil, nil)
	approver.goTo(w.base + "/broadcasts/" + id + "?ask=send")
	approver.sees("dialog[open] [data-headcount]", "people")
	approver.looks("send")
	approver.confirms("Send now")
	approver.watchesTheMiddle()
	approver.looks("progress")
	w.state(id, "sent")
	w.drawers(author, admin, id)
	w.looksAtTeams()
}

// composes writes the announcement of the pictures.
func (b *tab) composes(w *world) (id string) {
	b.t.Helper()
	b.goTo(w.base + "/broadcasts/new")
	b.ready()
	b.types("#title", "Office closed on Friday")
	b.types("#body", "Dear colleagues,\n\nthe lifts in **Berlin** and **Lisbon** are being renewed, so both offices stay closed on Friday.\n\n- Please work from home\n- Badges stop working on Thursday at 20:00\n\nQuestions? [Ask Facilities](https://intranet.example/facilities).")
	b.types("#image_url", w.http.PlainURL()+"/pictures/evening.png")
	b.types("#image_alt", "Hills in the evening sun")
	b.press("Add a button")
	b.types(`[id="buttons.0.title"]`, "Read the details")
	b.types(`[id="buttons.0.url"]`, "https://intranet.example/closed")
	b.press("Everyone in the organisation")
	b.sees("#reach", "will get it")
	b.until(`document.querySelector("[data-card] img")?.naturalWidth > 0`)
	b.sees("#save-state", "Saved")
	return b.draftID()
}

// watchesTheMiddle waits until a good part is sent, and keeps the picture of the
// README: progress while sending.
func (b *tab) watchesTheMiddle() {
	b.t.Helper()
	b.sees("[data-live]", "a second")
	b.until(`document.querySelector("[data-percent]").value > 60`)
	folder := os.Getenv("FANFARE_TEST_SCREENSHOTS")
	if folder == "" {
		return
	}
	b.do(evaluated(`document.querySelector(".note.good")?.remove()`))
	picture, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, "broadcast.png"), picture, 0o600)
	}
	if err != nil {
		b.t.Errorf("no screenshot: %v", err)
	}
}

// drawers are the pages around a broadcast that is done.
func (w *world) drawers(author, admin *tab, id string) {
	w.t.Helper()
	w.must(201, "author", "POST", "/broadcasts", map[string]any{"title": "A draft for later", "body": "More to come.", "audience": map[string]any{"everyone": true}}, nil)
	w.approved("Summer party: save the date")
	author.goTo(w.base + "/")
	author.looks("list")
	for path, name := range map[string]string{"": "sent", "/recipients": "recipients", "/recipients?state=skipped": "recipients-skipped", "/recipients?q=zzz": "recipients-none"} {
		author.goTo(w.base + "/broadcasts/" + id + path)
		author.sees("h1", "")
		author.looks(name)
	}
	admin.goTo(w.base + "/rollout")
	admin.sees("[data-live]", "have the app.")
	admin.looks("rollout")
	admin.goTo(w.base + "/people?q=a")
	admin.sees("table", "A message now")
	admin.looks("people")
	admin.goTo(w.base + "/people/" + simulator.EntraID(24) + "?show=all")
	admin.sees(".history", "App installed")
	admin.looks("person")
	admin.goTo(w.base + "/keys")
	admin.types("#name", "Intranet news")
	admin.press("Make a key")
	admin.sees(".secret", "Copy it now")
	admin.looks("keys")
	admin.forgive("404").goTo(w.base + "/nowhere")
	admin.looks("error")
	admin.goTo(w.base + "/rollout?ask=pause")
	admin.do(chromedp.Click(chromedp.CSS(".account summary"), chromedp.NodeVisible))
	admin.looks("menu")
	admin.press("Sign out")
	admin.sees("h1", "Fanfare")
	if got := evaluate[string](admin, "location.pathname"); got != "/sign-in" {
		w.t.Errorf("signing out ends at %s", got)
	}
}

func (w *world) looksAtTeams() {
	w.t.Helper()
	b := w.teams(24)
	b.sees(".card", "Office closed on Friday")
	b.until(`document.querySelector(".card img").naturalWidth > 0`)
	b.looks("teams")
}
