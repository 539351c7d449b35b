package server_test

import (
	"testing"

	"github.com/fanfare/fanfare/simulator"
)

// fates gives everybody in a small organisation a good life, but those named.
func (w *world) fates(people int, fates map[int]string) {
	w.t.Helper()
	w.sim.SetDials(func(d *simulator.Dials) {
		d.Person = map[string]string{}
		for n := 1; n <= people; n++ {
			fate := fates[n]
			if fate == "" {
				fate = "none"
			}
			d.Person[simulator.EntraID(n)] = fate
		}
	})
}

// ring makes one in the browser, of a group.
func (b *tab) ring(name, group string) {
	b.t.Helper()
	b.press("Add a ring")
	b.sees("h1", "New ring")
	b.types("#name", name)
	b.replaces("#audience_search", group)
	b.sees("#hits", "Group ·")
	b.press(group)
	b.sees("#include", group)
	b.sees("#ring-count", "people now.")
}

// An admin defines two rings, starts, watches, advances; too many failures pause it; and
// what is mended goes on to everybody by itself.
func TestAnAdminRollsOutInRingsInTheBrowser(t *testing.T) {
	t.Parallel()
	const people = 144
	w := newWorld(t, "sqlite", func(o *simulator.Options) { o.People = people })
	w.fates(people, map[int]string{25: "refused", 37: "refused", 49: "refused", 30: "guest"})
	w.serve()
	b := w.signIn(cora, "/rollout")
	b.sees("main", "There is one: everyone at once.")
	b.press("Change the rings")
	b.sees("h1", "Rings")
	b.sees("li[data-name=Everyone] [data-people]", "143 people who are in no other ring")
	b.ring("Engineers", "Engineering")
	b.press("By itself, when this one is done")
	b.do(evaluated(`document.querySelector("#settle_minutes").value = "0"`))
	b.looks("ring")
	b.press("Save the ring")
	b.sees("[data-said]", "The rings are stored.")
	b.ring("Pilot", "Newsroom")
	b.do(evaluated(`document.querySelector("#settle_minutes").value = "0"`))
	b.types("#max_failed_percent", "0") // 50
	b.press("Save the ring")
	b.sees("li[data-name=Pilot] [data-people]", "9 people") // one of them is an engineer
	b.click(`button[aria-label="Move Pilot up"]`)
	b.sees("li[data-name=Pilot] [data-people]", "10 people")
	b.sees("li[data-name=Engineers] [data-people]", "11 people")
	b.looks("rings")

	b.goTo(w.base + "/rollout")
	b.press("Start with “Pilot”…")
	b.sees("h1", "Install the app for 10 people?")
	b.looks("ring-open")
	b.press("Open “Pilot”")
	b.sees("[data-said]", "The ring is open.")
	b.sees(`[data-ring="done"]`, "Done")
	b.sees(".line", "10 of 143 people have the app.")
	b.press("Open “Engineers”…")
	b.sees("h1", "Install the app for 11 people?")
	b.sees("main", "10 of 10 have the app.")
	b.press("Open “Engineers”")
	b.sees("#why-title", "The rollout has paused by itself")
	b.sees("main", "In the ring “Engineers” 3 of 11 installations failed: 27 %, and 5 % are allowed. Most often: App blocked by policy.")
	b.sees(`[data-ring="held"]`, "Held")
	b.looks("rollout-held")
	b.goTo(w.base + "/rollout/by/department")
	b.sees("tbody tr:first-child", "Engineering")
	b.looks("rollout-by")
	b.click(`tbody tr:first-child td a`)
	b.sees("main", "Only the department Engineering.")
	b.until(`document.querySelectorAll("table.rows:has(a[href^='/people/']) tbody tr").length === 3`)

	w.fates(people, nil)
	b.goTo(w.base + "/rollout")
	b.press("Go on…")
	b.confirms("Go on")
	b.sees(".line", "143 of 143 people have the app.")
	b.until(`document.querySelectorAll('[data-ring="done"]').length === 3`)
	b.sees("[data-region=moves]", "Fanfare opened the ring “Everyone”: “Engineers” was done.")
	b.goTo(w.base + "/rollout")
	b.looks("rollout-rings")
	b.goTo(w.base + "/rollout/rings")
	b.sees("main", "so there is nobody left for other rings.")
	if n := w.sim.Report().Installed; n != 143 {
		t.Errorf("%d have the app in Teams", n)
	}
}

// A person appears in the directory; after the next sync the ring they are in has them.
func TestNewJoinersHaveTheAppAfterOneSync(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kind string) {
		const people = 47
		w := newWorld(t, kind, func(o *simulator.Options) { o.People = people })
		w.env["FANFARE_SYNC_EVERY"] = "1s"
		w.fates(people+24, nil)
		w.serve()
		var p struct {
			Revision int
			Rings    []struct{ ID, State string }
		}
		sales := map[string]any{"include": []any{map[string]any{"kind": "group", "id": "60000000-0000-4000-8000-000000000002"}}}
		w.must(200, "admin", "PUT", "/rollout/rings", map[string]any{"revision": 0, "rings": []any{map[string]any{"name": "Sales", "audience": sales}}}, &p)
		w.must(200, "admin", "POST", "/rollout/start", nil, nil)
		w.until("Sales has it", func() bool { return w.lifeOf(36).Bot.State == "installed" && w.lifeOf(24).Bot.State == "installed" })
		w.post("/_simulator/hire", map[string]any{"count": 12})
		w.until("who joined Sales has it", func() bool {
			answer := w.call("auditor", "GET", "/people/"+simulator.EntraID(48), nil)
			return answer.status == 200 && w.lifeOf(48).Bot.State == "installed"
		})
		w.until("the others are known", func() bool { return w.call("auditor", "GET", "/people/"+simulator.EntraID(59), nil).status == 200 })
		if l := w.lifeOf(59); l.Bot.State != "" {
			t.Errorf("whose ring waits is %+v", l.Bot)
		}
		w.must(200, "admin", "POST", "/rollout/advance", map[string]any{"ring": p.Rings[1].ID}, nil)
		w.post("/_simulator/hire", map[string]any{"count": 12})
		w.until("everybody has it", func() bool {
			answer := w.call("auditor", "GET", "/people/"+simulator.EntraID(71), nil)
			return answer.status == 200 && w.lifeOf(71).Bot.State == "installed" && w.sim.Report().Installed == 71
		})
	})
}
