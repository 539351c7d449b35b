package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
)

// planned is a plan with nothing as usual.
func (w *world) planned() object {
	return object{
		"priority": "urgent", "expires_at": w.clock.Now().Add(48 * time.Hour).UTC().Format(time.RFC3339),
		"canary": object{"group": tenPeople, "auto": true, "max_failed_percent": 5},
		"late":   "until_date", "late_until": w.clock.Now().Add(72 * time.Hour).UTC().Format(time.RFC3339), "repeats": "avoid",
	}
}

func TestAPlanIsReadKeptAndWritten(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	author := w.as(broadcast.RoleAuthor)
	path, b := author.draft(party())
	usual := fmt.Sprint(b["plan"])
	if usual != "map[canary:<nil> expires_at:<nil> late:until_finished late_until:<nil> priority:normal repeats:risk]" || b["kind"] != "announcement" || b["target"] != nil || b["progress"] != nil {
		t.Errorf("as usual: %v in %v", usual, b)
	}
	edit := party()
	edit["revision"], edit["plan"] = b["revision"], b["plan"]
	if b = author.call(http.MethodPut, path, edit).ok(http.StatusOK); b["revision"] != 1.0 {
		t.Errorf("writing back what was read changed it: %v", b)
	}
	plan := w.planned()
	edit["plan"] = plan
	b = author.call(http.MethodPut, path, edit).ok(http.StatusOK)
	got := b["plan"].(object)
	canary := got["canary"].(object)
	if b["revision"] != 2.0 || got["priority"] != "urgent" || got["expires_at"] != plan["expires_at"] || got["late_until"] != plan["late_until"] || got["late"] != "until_date" || got["repeats"] != "avoid" ||
		canary["group"].(object)["id"] != tenPeople || canary["people"] != 0.0 || canary["auto"] != true || canary["max_failed_percent"] != 5.0 {
		t.Errorf("planned: %v", got)
	}
	edit["revision"], edit["plan"] = b["revision"], got
	if b = author.call(http.MethodPut, path, edit).ok(http.StatusOK); b["revision"] != 2.0 {
		t.Errorf("writing back what was read changed it: %v", b)
	}
	b = author.post(path+"/submit", nil).ok(http.StatusOK)
	if name := b["plan"].(object)["canary"].(object)["group"].(object)["name"]; name != "Newsroom" {
		t.Errorf("the first wave's group is called %v: the reviewer must read the directory's name", name)
	}
}

func TestAPlanThatCannotWorkIsRefusedFieldByField(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	author := w.as(broadcast.RoleAuthor)
	for field, plan := range map[string]any{
		"plan.priority":                  object{"priority": "asap"},
		"plan.expires_at":                object{"expires_at": "2020-01-01T00:00:00Z"},
		"plan.late":                      object{"late": "sometimes"},
		"plan.late_until":                object{"late": "until_date"},
		"plan.repeats":                   object{"repeats": "maybe"},
		"plan.canary.people":             object{"canary": object{"people": 10_001}},
		"plan.canary.group":              object{"canary": object{"people": 5, "group": object{"id": tenPeople}}},
		"plan.canary.max_failed_percent": object{"canary": object{"people": 5, "max_failed_percent": 101}},
		"prio":                           object{"prio": "urgent"},
	} {
		body := party()
		body["plan"] = plan
		author.post("/broadcasts", body).refused(http.StatusUnprocessableEntity, "invalid", "").names(t, field)
	}
	body := party()
	body["plan"] = object{"expires_at": "tomorrow", "late": "until_date", "late_until": "later"}
	p := author.post("/broadcasts", body).refused(http.StatusUnprocessableEntity, "invalid", "with its offset")
	p.names(t, "plan.expires_at")
	p.names(t, "plan.late_until")
	body["plan"] = object{"expires_at": 5}
	author.post("/broadcasts", body).refused(http.StatusUnprocessableEntity, "invalid", "a string is wanted").names(t, "plan.expires_at")
}

// sending brings a broadcast to where its messages go out, to ten people with the bot.
func (w *world) sending(body object) (path string, id broadcast.ID) {
	w.t.Helper()
	for n := 1; n <= 10; n++ {
		at := broadcast.ConversationReference{ServiceURL: w.painted.URL() + "/teams/", ConversationID: fmt.Sprintf("a:%d", n)}
		must(w.t, w.store.BotAdded(w.t.Context(), botOf(n), at))
	}
	body["audience"] = object{"groups": []string{tenPeople}}
	author := w.as(broadcast.RoleAuthor)
	path, b := author.draft(body)
	author.post(path+"/submit", nil).ok(http.StatusOK)
	w.as(broadcast.RoleApprover).post(path+"/approve", nil).ok(http.StatusOK)
	author.post(path+"/send", nil).ok(http.StatusOK)
	id = broadcast.ID(b["id"].(string))
	var people []broadcast.EntraID
	for n := 1; n <= 10; n++ {
		people = append(people, botOf(n))
	}
	known, err := w.store.KnownPeople(w.t.Context(), people)
	must(w.t, err)
	must(w.t, w.store.AddDeliveries(w.t.Context(), id, known, 1))
	must(w.t, w.service.Advance(w.t.Context(), id, broadcast.EventResolved, ""))
	return path, id
}

func botOf(n int) broadcast.EntraID { return id(n) }

// deliver gives everybody who is ready an outcome: failed for the first n, with a try
// on record, sent for the others.
func (w *world) deliver(id broadcast.ID, failed int) {
	w.t.Helper()
	chunk, err := w.store.TakeNext(w.t.Context(), id, time.Minute, 0)
	must(w.t, err)
	var outcomes []broadcast.Outcome
	for i, d := range chunk.Deliveries {
		o := broadcast.Outcome{DeliveryID: d.ID, EntraID: d.EntraID, State: broadcast.DeliverySent, ActivityID: fmt.Sprint("act", d.ID), Attempts: 1, At: w.clock.Now()}
		if i < failed {
			o.State, o.ActivityID, o.Reason, o.Status, o.Code, o.Detail = broadcast.DeliveryFailed, "", broadcast.ReasonRejected, 400, "BadArgument", "Unknown thing"
		}
		outcomes = append(outcomes, o)
	}
	must(w.t, w.store.FinishChunk(w.t.Context(), chunk, outcomes))
}

func TestThoseWhoFailedAreTriedAgainByReason(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	author := w.as(broadcast.RoleAuthor)
	path, id := w.sending(party())
	w.deliver(id, 3)
	must(t, w.service.Advance(t.Context(), id, broadcast.EventFinish, ""))
	failed := author.get(path + "/recipients?state=failed").ok(http.StatusOK)["recipients"].([]any)
	if len(failed) != 3 {
		t.Fatalf("failed: %v", failed)
	}
	tries := author.get(path + "/recipients/" + number(failed[0].(object)["id"]) + "/attempts").ok(http.StatusOK)["attempts"].([]any)
	if len(tries) != 1 || tries[0].(object)["status"] != 400.0 || tries[0].(object)["code"] != "BadArgument" || tries[0].(object)["detail"] != "Unknown thing" || tries[0].(object)["at"] == nil {
		t.Errorf("tries: %v", tries)
	}
	author.get(path+"/recipients/x/attempts").refused(http.StatusNotFound, "not_found", "no recipient")
	if got := author.get(path + "/recipients?state=expired").ok(http.StatusOK)["recipients"].([]any); len(got) != 0 {
		t.Errorf("expired: %v", got)
	}
	author.post(path+"/retry", object{"reason": "bad luck"}).refused(http.StatusUnprocessableEntity, "invalid", "bad luck").names(t, "reason")
	author.post(path+"/cancel", object{"reason": "rejected_by_teams"}).refused(http.StatusUnprocessableEntity, "invalid", "Only retry").names(t, "reason")
	b := author.post(path+"/retry", object{"reason": "rejected_by_teams"}).ok(http.StatusOK)
	if b["state"] != "sending" || b["retrying"] != true {
		t.Errorf("retried: %v", b)
	}
	author.post(path+"/retry", nil).refused(http.StatusConflict, "conflict", "already")
}

func TestWhatPeopleHaveIsCorrectedAndRecalled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	author := w.as(broadcast.RoleAuthor)
	path, id := w.sending(party())
	author.post(path+"/recall", object{"note": "Wrong"}).refused(http.StatusConflict, "conflict", "so it cannot be recalled")
	w.deliver(id, 2)
	must(t, w.service.Advance(t.Context(), id, broadcast.EventFinish, ""))

	a := author.post(path+"/correct", nil)
	edit := a.ok(http.StatusCreated)
	editPath := "/broadcasts/" + edit["id"].(string)
	if a.Header.Get("Location") != "/api/v1"+editPath || edit["kind"] != "edit" || edit["target"] != string(id) || edit["state"] != "draft" || edit["title"] != "Summer party" {
		t.Errorf("correction at %q: %v", a.Header.Get("Location"), edit)
	}
	if again := author.post(path+"/correct", nil).ok(http.StatusCreated); again["id"] != edit["id"] {
		t.Errorf("a second correction was begun: %v", again)
	}
	change := party()
	delete(change, "audience") // its announcement's
	change["revision"], change["title"] = edit["revision"], "Autumn party"
	if edit = author.call(http.MethodPut, editPath, change).ok(http.StatusOK); edit["title"] != "Autumn party" || len(edit["audience"].(object)["groups"].([]any)) != 1 {
		t.Errorf("edited: %v", edit)
	}
	author.post(path+"/recall", nil).refused(http.StatusUnprocessableEntity, "invalid", "Say why").names(t, "note")
	b := author.post(path+"/recall", object{"note": "Wrong building"}).ok(http.StatusOK)
	if b["state"] != "sent" || b["recalled_at"] == nil {
		t.Errorf("recalled: %v", b)
	}
	passes := author.get(path + "/passes").ok(http.StatusOK)["passes"].([]any)
	if len(passes) != 2 || passes[0].(object)["kind"] != "recall" || passes[0].(object)["state"] != "resolving" || passes[0].(object)["reason"] != "Wrong building" || passes[1].(object)["kind"] != "edit" {
		t.Errorf("passes: %v", passes)
	}
	author.post(path+"/recall", object{"note": "Again"}).refused(http.StatusConflict, "conflict", "recalled already")
	author.post(path+"/correct", nil).refused(http.StatusConflict, "conflict", "recalled")
	author.post(editPath+"/correct", nil).refused(http.StatusConflict, "conflict", "Edit this one instead")
}

func TestAHeldBroadcastWaitsForAGo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	author := w.as(broadcast.RoleAuthor)
	body := party()
	body["plan"] = object{"canary": object{"people": 5}}
	path, id := w.sending(body)
	author.post(path+"/go", nil).refused(http.StatusConflict, "conflict", "so it cannot be let go on")
	must(t, w.service.Advance(t.Context(), id, broadcast.EventHold, ""))
	b := author.get(path).ok(http.StatusOK)
	if b["state"] != "held" || b["wave"] != 0.0 || !strings.Contains(fmt.Sprint(b["can"]), "go") {
		t.Errorf("held: %v", b)
	}
	if b = author.post(path+"/go", nil).ok(http.StatusOK); b["state"] != "sending" || b["wave"] != 1.0 {
		t.Errorf("let go: %v", b)
	}
}

func TestProgressIsToldOnceItWasMeasured(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	author := w.as(broadcast.RoleAuthor)
	path, id := w.sending(party())
	read := func() object { w.t.Helper(); return author.get(path).ok(http.StatusOK) }
	if b := read(); b["progress"] != nil || b["expected"] != 10.0 || b["listed"] != true {
		t.Errorf("before: %v", b)
	}
	var b object
	for range 4 {
		w.clock.advance(5 * time.Second)
		w.deliverOne(id)
		b = read()
	}
	p, ok := b["progress"].(object)
	if !ok || p["rate"] != 0.2 || p["eta_low_seconds"].(float64) > 30 || p["eta_high_seconds"].(float64) < 30 {
		t.Errorf("progress: %v", b["progress"])
	}
}

// deliverOne delivers to one person.
func (w *world) deliverOne(id broadcast.ID) {
	w.t.Helper()
	chunk, err := w.store.TakeNext(w.t.Context(), id, time.Minute, 0)
	must(w.t, err)
	d := chunk.Deliveries[0]
	must(w.t, w.store.FinishChunk(w.t.Context(), chunk, []broadcast.Outcome{{DeliveryID: d.ID, EntraID: d.EntraID, State: broadcast.DeliverySent, ActivityID: "a", Attempts: 1, At: w.clock.Now()}}))
}
