package web

import (
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/audience"
	"github.com/fanfare/fanfare/rollout"
	"github.com/fanfare/fanfare/web/form"
)

// ringForm is the form of a ring of one group as a browser without script posts it.
func ringForm(revision int, name string, of broadcast.Group) url.Values {
	return url.Values{
		"revision": {fmt.Sprint(revision)}, "name": {name}, "audience": {"some"}, "include": {form.PartValue(audience.Part{Kind: audience.Group, ID: of.ID, Name: of.Name})},
		"most": {"5"}, "advance": {"by_hand"}, "settle": {"0"}, "do": {"save"},
	}
}

// plan is what rings there are.
func (w *world) plan() rollout.Plan {
	w.t.Helper()
	p, err := w.rollout.Plan(w.t.Context(), cora)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

func TestRingsAreMadeWithoutScript(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(40, 0)
	pilots, sales := w.group(1, "Pilots", "", 1, 2, 3), w.group(2, "Sales", "", 3, 4, 5, 6)
	cora, ada := w.admin(), w.author()
	cora.get("/rollout/rings?count=1").says(http.StatusOK, "Add a ring", "<strong>36 people</strong> who are in no other ring")
	ada.get("/rollout/rings").says(http.StatusOK, "Everyone").lacks("Add a ring")
	cora.get("/rollout/rings/new").says(http.StatusOK, "New ring", `value="5"`)

	// The chooser's buttons, and what is wrong, keep what was typed.
	search := ringForm(0, "Mine", sales)
	search.Set("do", "find-parts")
	search.Set("audience_search", "Pil")
	cora.post("/rollout/rings", search).says(http.StatusOK, "Pilots", `value="Mine"`, "Sales")
	bad := ringForm(0, "", sales)
	bad.Set("most", "many")
	cora.post("/rollout/rings", bad).says(http.StatusUnprocessableEntity, "Give the ring a name", "a whole number from 0 to 100", `value="many"`, "Sales", `href="#max_failed_percent"`)

	cora.post("/rollout/rings", ringForm(0, "Sales", sales)).says(http.StatusOK, "The rings are stored.", "Sales")
	// Somebody else still has the page of before: their words are kept.
	cora.post("/rollout/rings", ringForm(0, "Pilots", pilots)).says(http.StatusConflict, "Somebody else has changed the rings", `value="Pilots"`)
	cora.post("/rollout/rings", ringForm(1, "Pilots", pilots)).says(http.StatusOK, "The rings are stored.")
	cora.get("/rollout/rings?count=1").says(http.StatusOK, "<strong>4 people</strong>", "<strong>2 people</strong>")
	plan := w.plan()
	up := "/rollout/rings/" + plan.Rings[1].ID + "/up"
	cora.post(up, url.Values{"revision": {"1"}}).says(http.StatusConflict, "Somebody else has changed the rings")
	cora.post(up, url.Values{"revision": {"2"}}).says(http.StatusOK, "The rings are stored.")
	cora.post(up, url.Values{"revision": {"garbled"}}).says(http.StatusConflict)
	if plan = w.plan(); plan.Rings[0].Name != "Pilots" || plan.Rings[1].Name != "Sales" {
		t.Fatalf("%+v", plan.Rings)
	}
	cora.get("/rollout/rings/"+plan.Rings[0].ID).says(http.StatusOK, "Ring “Pilots”", "Pilots")
	cora.get("/rollout").says(http.StatusOK, "Start with “Pilots”…", "Who is in none of these")
	cora.get("/rollout/rings/"+plan.Rings[1].ID+"/open").says(http.StatusOK, "Rings open in their order: “Pilots” comes first.").lacks("Open “Sales”</button>")
	open := "/rollout/rings/" + plan.Rings[0].ID + "/open"
	cora.get(open).says(http.StatusOK, "Install the app for 3 people?", "Open “Pilots”")
	cora.post(open, nil).says(http.StatusOK, "The ring is open.", "Running", "Open “Sales”…")
	cora.post(open, nil).says(http.StatusConflict, "was opened meanwhile")
	cora.get("/rollout/rings/"+plan.Rings[0].ID).says(http.StatusConflict, "it stays as it is")
	cora.post("/rollout/rings/"+plan.Rings[0].ID+"/delete", url.Values{"revision": {"4"}}).says(http.StatusConflict, "was opened meanwhile")
	cora.get("/rollout?ring="+plan.Rings[0].ID).says(http.StatusOK, "Only the ring “Pilots”.", "Person001 Painted").lacks("Person004")

	last := url.Values{"revision": {fmt.Sprint(w.plan().Revision)}, "name": {"Everyone"}, "most": {"30"}, "do": {"save"}}
	cora.post("/rollout/rings/everyone", last).says(http.StatusOK, "The rings are stored.", "more than 30 %")
	cora.post("/rollout/rings/"+plan.Rings[1].ID+"/delete", url.Values{"revision": {fmt.Sprint(w.plan().Revision)}}).says(http.StatusOK, "The rings are stored.")
	if plan = w.plan(); len(plan.Rings) != 2 || plan.Rings[1].MaxFailedPercent != 30 {
		t.Errorf("%+v", plan.Rings)
	}
	ada.get("/rollout/by/department").says(http.StatusOK, "Rollout by department")
	ada.get("/rollout/by/shoe-size").says(http.StatusUnprocessableEntity, "not by")
	cora.get("/rollout/rings/nonsense").says(http.StatusNotFound, "There is no such ring")
}

func TestARingThatCannotBeReadIsShownSo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(10, 0)
	council := w.group(3, "Works Council", "", 1)
	cora := w.admin()
	cora.post("/rollout/rings", ringForm(0, "Council", council)).says(http.StatusOK, "The rings are stored.")
	hidden := w.dir.groups[council.ID]
	hidden.broken = true
	w.dir.groups[council.ID] = hidden
	cora.get("/rollout/rings?count=1").says(http.StatusOK, "The ring cannot be opened like this.", "Not counted: a ring before it cannot be read.")
	open := "/rollout/rings/" + w.plan().Rings[0].ID + "/open"
	cora.get(open).says(http.StatusOK, "“Council” cannot be opened", "Nobody gets the app for a list that is not whole.").lacks("Open “Council”</button>")
	cora.post(open, nil).says(http.StatusConflict, "stays shut")
}

// TestWhatStandsInTheWayIsToldApart: each with what can be done about it.
func TestWhatStandsInTheWayIsToldApart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(40, 0)
	cora := w.admin()
	cora.post("/rollout/start", nil).says(http.StatusOK, "The rollout runs.")
	taken, err := w.st.TakeInstallations(t.Context(), 10, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	reasons := []broadcast.Reason{broadcast.ReasonPolicy, broadcast.ReasonUnlicensed, broadcast.ReasonNoCatalogApp, broadcast.ReasonNoConsent, broadcast.ReasonMismatch, broadcast.ReasonNoTeams}
	var out []broadcast.InstallOutcome
	for i, r := range reasons {
		o := broadcast.InstallOutcome{EntraID: taken[i].EntraID, Fence: taken[i].Fence, State: broadcast.InstallationRefused, Reason: r, At: w.clock.Now()}
		if r == broadcast.ReasonNoCatalogApp || r == broadcast.ReasonNoConsent { // everybody's, so nobody is refused
			o.State, o.NotBefore = broadcast.InstallationWanted, w.clock.Now().Add(time.Minute)
		}
		out = append(out, o)
	}
	if err := w.st.RecordInstallations(t.Context(), out); err != nil {
		t.Fatal(err)
	}
	page := cora.get("/rollout")
	for _, r := range append(reasons, broadcast.ReasonGuest) {
		if r.Remedy() == "" {
			t.Errorf("%s has no remedy", r)
		}
		page.says(http.StatusOK, template.HTMLEscapeString(r.Words()), template.HTMLEscapeString(r.Remedy()))
	}
}
