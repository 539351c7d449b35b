package server_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/fanfare/fanfare/simulator"
)

// in is the same world for a part of a story.
func (w *world) in(t *testing.T) *world {
	t.Helper()
	c := *w
	c.t = t
	return &c
}

// begins opens the editor as Ada, with a title and a text.
func (w *world) begins(title string) *tab {
	w.t.Helper()
	b := w.signIn(ada, "/broadcasts/new")
	b.ready()
	b.types("#title", title)
	b.types("#body", "Dear all, there is news.")
	return b
}

// ready waits until the editor's scripts run.
func (b *tab) ready() {
	b.t.Helper()
	b.sees(".preview .switch", "Light")
}

// findsGroups searches and returns what the list of groups shows, one text each.
func (b *tab) findsGroups(text, status string) []string {
	b.t.Helper()
	b.replaces("#audience_search", text)
	b.sees("#hits-status", status)
	return evaluate[[]string](b, `[...document.querySelectorAll("#hits li > button:first-child")].map((e) => e.innerText).filter((t) => t.includes("Group ·"))`)
}

func TestGroupsAreFoundToldApartAndCounted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite", nil)
	w.serve()
	b := w.begins("For some only")
	hits := b.findsGroups("Mark", "found.")
	if len(hits) != 2 || hits[0] == hits[1] || !strings.HasPrefix(hits[0], "Marketing") || !strings.HasPrefix(hits[1], "Marketing") {
		t.Errorf("two groups of one name look like %q", hits)
	}
	b.press("Marketing")
	b.sees("#include", "Marketing")
	b.sees("#reach", "will get it")
	alone := evaluate[int](b, `parseInt(document.querySelector(".reach-count strong").innerText)`)
	b.findsGroups("Sales", "found.")
	b.press("Sales")
	b.until(`document.querySelectorAll("#include .chip").length === 2 && parseInt(document.querySelector(".reach-count strong").innerText) > ` + strconv.Itoa(alone))
	both := evaluate[int](b, `parseInt(document.querySelector(".reach-count strong").innerText)`)
	if alone < 1 || both <= alone {
		t.Errorf("one group reaches %d people, two reach %d", alone, both)
	}
	b.findsGroups("Nowhere", "Nothing begins with “Nowhere”.")
	b.shoot("groups")
	b.sees("#save-state", "Saved")
	id := b.draftID()
	b.press("Submit for review")
	b.sees(".badge", "In review")
	b.sees("[data-card]", "Sent by Ada Author to Marketing, Sales")
	w.must(200, "approver", "POST", "/broadcasts/"+id+"/approve", nil, nil)
	w.must(200, "approver", "POST", "/broadcasts/"+id+"/send", nil, nil)
	if got := w.state(id, "sent").Tally; got.Sent+got.Skipped != got.Total || got.Sent != both {
		t.Errorf("the head-count said %d people would get it, the end is %+v", both, got)
	}
}

// What cannot be known is said where it is chosen, and again where it would be used.
func TestHiddenAndEmptyGroupsAreExplained(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite", func(o *simulator.Options) { o.People = 60 })
	w.serve()
	for group, want := range map[string][2]string{
		"Works Council": {"cannot be read", "Member.Read.Hidden"},
		"Empty":         {"0 people", "Nobody would get this: the audience is empty."},
	} {
		t.Run(group, func(t *testing.T) {
			t.Parallel()
			w := w.in(t)
			b := w.begins("For " + group).forgive("422")
			b.findsGroups(group, "found.")
			b.press(group)
			b.sees("#reach", want[0])
			b.shoot("count")
			b.press("Submit for review")
			b.sees("#summary", want[1])
			b.sees("#audience-problem", want[1])
			b.until(`document.activeElement.id === "summary"`)
			b.until(`document.getElementById("body").value === "Dear all, there is news."`)
			b.sees("#include", group)
			b.shoot("submit")
		})
	}
}
