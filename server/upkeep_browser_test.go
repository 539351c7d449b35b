package server_test

import (
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/fanfare/fanfare/simulator"
)

// An admin upgrades everybody by keyboard alone and watches, decides about an app that
// vanished, and has it installed in a team, whose channels can then be chosen.
func TestAnAdminKeepsInstallationsRightInTheBrowser(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite", func(o *simulator.Options) { o.People = 60 })
	w.env["FANFARE_UPKEEP_SETTLE"] = "1ms"
	w.serve()
	w.sim.SetDials(func(d *simulator.Dials) { d.SilentPerMille, d.RefusedPerMille = 0, 0 })
	w.rolledOut()
	people := w.installed()
	w.sim.SetDials(func(d *simulator.Dials) { d.PublishedVersion = "1.1.0" })

	admin := w.signIn(cora, "/rollout")
	admin.tabTo(`a[href="/rollout/upkeep"]`)
	admin.do(key("Enter", 13))
	admin.sees("h1", "Upkeep")
	admin.looks("upkeep-none")
	admin.tabTo(`[data-dialog="ask-upgrade"]`)
	admin.do(key("Enter", 13))
	admin.sees("dialog[open]", "An upgrade cannot be taken back.")
	admin.tabTo(`dialog[open] button.primary`)
	admin.do(key("Enter", 13))
	admin.sees("[data-said]", "upgraded where it is needed")
	w.until("everybody is upgraded", func() bool { return w.upkeep().found("upgraded") == people })
	admin.sees("#found-title + .reasons", "Upgraded")
	admin.sees("[data-region=outcomes]", "The catalogue has version 1.1.0.")
	admin.sees("[data-text=line]", "looked at.")
	admin.looks("upkeep")

	w.must(200, "admin", "POST", "/upkeep/repair/off", nil, nil)
	w.happens(7, "vanish")
	admin.press("Check everybody now")
	w.until("it is noticed", func() bool { return w.upkeep().Vanished == 1 })
	admin.goTo(w.base + "/rollout/upkeep")
	admin.sees("[data-region=back]", "1 person lost it")
	admin.press("Put it back…")
	admin.looks("upkeep-put-back")
	admin.confirms("Put it back")
	admin.sees("[data-said]", "The app is being put back.")
	w.until("it is back", func() bool { return w.sim.Report().Installed == people })

	admin.goTo(w.base + "/rollout")
	admin.tabTo(`a[href="/rollout/teams"]`)
	admin.do(key("Enter", 13))
	admin.sees("main", "No team yet")
	admin.tabTo("#q")
	admin.do(chromedp.KeyEvent("News"), key("Enter", 13))
	admin.sees(".found", "Newsroom")
	admin.looks("teams-found")
	admin.tabTo(`.found button`)
	admin.do(key("Enter", 13))
	admin.sees("[data-said]", "The app is being installed in the team.")
	w.until("Graph took it, and its event came", func() bool {
		var hits struct{ Teams []struct{ Name string } }
		w.must(200, "admin", "GET", "/teams?q=newsroom", nil, &hits)
		return len(hits.Teams) == 1
	})
	admin.goTo(w.base + "/rollout/teams")
	admin.sees(".badge", "Installed")
	admin.looks("teams")
}
