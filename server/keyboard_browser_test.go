package server_test

import (
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/fanfare/fanfare/simulator"
)

// tabTo presses Tab until the focus is on what matches. On the way every stop has
// to be seen: drawn with a ring, and not under what sticks to the window's edges.
func (b *tab) tabTo(selector string) {
	b.t.Helper()
	const most = 60
	for range most {
		b.do(key("Tab", 9))
		hidden := evaluate[string](b, `(() => {
			const e = document.activeElement;
			if (e === document.body) return "";
			const shown = e.matches("input[type=radio]") ? e.closest("label") : e;
			const r = shown.getBoundingClientRect();
			const there = document.elementFromPoint(Math.min(r.x + r.width / 2, innerWidth - 1), Math.min(r.y + Math.min(r.height, 60) / 2, innerHeight - 1));
			const name = e.tagName + "#" + e.id + " “" + e.innerText.slice(0, 30) + "”";
			if (!(there && (shown.contains(there) || there.contains(shown) && there !== document.documentElement))) return name + " has the focus under something else";
			if (getComputedStyle(e).outlineStyle === "none") return name + " has the focus without a ring";
			return "";
		})()`)
		if hidden != "" {
			b.shoot("hidden-focus")
			b.t.Error(hidden)
		}
		if evaluate[bool](b, "document.activeElement.matches("+js(selector)+")") {
			return
		}
	}
	b.shoot("failed")
	b.t.Fatalf("%d times Tab do not lead to %s", most, selector)
}

func TestWrittenAndSubmittedByKeyboardAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite", func(o *simulator.Options) { o.People = 40 })
	w.serve()
	b := w.signIn(ada, "/")
	b.tabTo(".skip")
	b.tabTo(`main a[href="/broadcasts/new"]`)
	b.do(key("Enter", 13))
	b.sees("h1", "Write an announcement")
	b.ready()
	b.tabTo("#title")
	b.do(chromedp.KeyEvent("Without a mouse"))
	b.tabTo("#body")
	b.do(chromedp.KeyEvent("One line."), key("Enter", 13), chromedp.KeyEvent("Another."))
	b.tabTo("#add-button")
	b.do(key("Enter", 13))
	b.until(`document.activeElement.id === "buttons.0.title"`)
	b.do(chromedp.KeyEvent("Read more"))
	b.tabTo(`[name="button_url"]`)
	b.do(chromedp.KeyEvent("https://intranet.example/keys"))
	b.tabTo(`[name="audience"]`)
	b.do(key(" ", 32))
	b.sees("#reach", "will get it")
	b.sees("[data-card] button", "Read more")
	b.sees("#save-state", "Saved")
	b.tabTo(`button[value="submit"]`)
	b.do(key("Enter", 13))
	b.sees(".badge", "In review")
	b.sees("[data-card]", "Another.")
}

// A reviewer's dialogs: opened, read, left with Escape and confirmed by keyboard.
func TestApprovedByKeyboardAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite", func(o *simulator.Options) { o.People = 40 })
	w.serve()
	var made bulletin
	w.must(201, "author", "POST", "/broadcasts", map[string]any{"title": "For the keyboard", "body": "Text.", "audience": map[string]any{"everyone": true}}, &made)
	w.must(200, "author", "POST", "/broadcasts/"+made.ID+"/submit", nil, nil)
	b := w.signIn(ben, "/broadcasts/"+made.ID)
	b.sees("#reach", "will get it")
	b.tabTo(`[data-dialog="ask-approve"]`)
	b.do(key("Enter", 13))
	b.sees("dialog[open]", "Approve this announcement?")
	b.do(key("Escape", 27))
	b.gone("dialog")
	b.until(`document.activeElement.matches('[data-dialog="ask-approve"]')`)
	b.do(key("Enter", 13))
	b.tabTo("dialog[open] .primary")
	b.do(key("Enter", 13))
	b.sees(".badge", "Approved")
}
