package web

import (
	"testing"
)

// watchShifts has the page add up what moves without anybody having done anything.
const watchShifts = `window.shifted = 0; new PerformanceObserver((l) => { for (const e of l.getEntries()) if (!e.hadRecentInput) window.shifted += e.value; }).observe({type: "layout-shift", buffered: true})`

func TestTheSetUpPageChecksByItselfAndAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hold := make(chan struct{})
	w.graph.hold.Store(&hold)
	b := w.admin().open("/setup")
	b.do(evaluate(watchShifts))
	b.sees("[data-setup-line]", "Checking: ")
	b.sees(`[data-check="sign_in"]`, "OK")
	b.sees(`[data-check="credential"]`, "The secret has ended.")
	b.sees(`[data-check="graph_users"]`, "Not checked yet.")
	b.until(`document.querySelector("[data-setup-form] button").getAttribute("aria-disabled") === "true"`)
	b.until(`getComputedStyle(document.querySelector("[data-setup-progress]")).visibility === "visible"`)
	b.shoot("checking")
	close(hold)
	b.sees(`[data-check="graph_users"]`, "People can be read.")
	b.sees("[data-setup-line]", "Checked: ")
	b.until(`document.querySelectorAll("[data-waiting]").length === 0`)
	if shifted := value[float64](b, "window.shifted"); shifted > 0.1 {
		t.Errorf("the page jumped by %.3f", shifted)
	}

	// By keyboard, with what was found before in sight until something newer is known.
	w.graph.denied.Store(true)
	again := make(chan struct{})
	w.graph.hold.Store(&again)
	b.do(focus("[data-setup-form] button"), key("Enter", 0))
	b.until(`document.querySelector('[data-check="graph_users"]').hasAttribute("data-waiting")`)
	b.sees(`[data-check="graph_users"]`, "People can be read.")
	close(again)
	b.sees(`[data-check="graph_users"]`, "User.Read.All is missing")
	b.sees("[data-setup-form] button", "Check again")
	b.until(`document.activeElement === document.querySelector("[data-setup-form] button")`)
	b.until(`document.querySelector("[role=status]").textContent.startsWith("Checked: ")`)
	b.do(size(1280, 2400))
	b.shoot("light")
	b.do(scheme("dark"))
	b.shoot("dark")
	b.do(scheme("light"), size(320, 4200))
	b.until("document.documentElement.scrollWidth <= 320")
	b.shoot("phone")
}

func TestTheSetUpPageSaysWhenTheConnectionIsLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hold := make(chan struct{})
	w.graph.hold.Store(&hold)
	b := w.admin().open("/setup")
	b.sees("[data-setup-line]", "Checking: ")
	close(w.stopping) // the server stops: its streams end
	b.sees("[data-setup-line]", "The connection was lost")
	b.sees("[data-setup-form] button", "Check again")
	close(hold)
}

func TestTheTabLeadsToTheBrowser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.nobody().open("/tab", size(320, 700))
	b.sees("main", "Open Fanfare in the browser")
	b.until("document.documentElement.scrollWidth <= 320")
	b.until(`document.querySelectorAll("a[href]:not([target=_blank]):not(.skip)").length === 0`)
	b.shoot("tab")
}
