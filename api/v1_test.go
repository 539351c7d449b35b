package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
)

// party is a message with everything in it.
func party() object {
	return object{
		"title": "Summer party", "body": "Come **all**!", "image": object{"url": "https://pictures.example/party.png", "alt": "A garden"},
		"buttons":  []object{{"title": "Sign up", "url": "https://intranet.example/party"}},
		"audience": object{"everyone": true},
	}
}

// draft creates a broadcast and returns its path.
func (c caller) draft(body object) (path string, b object) {
	c.w.t.Helper()
	a := c.post("/broadcasts", body)
	b = a.ok(http.StatusCreated)
	path = "/broadcasts/" + b["id"].(string)
	if got := a.Header.Get("Location"); got != "/api/v1"+path {
		c.w.t.Errorf("Location: %q", got)
	}
	return path, b
}

func tallyAddsUp(t *testing.T, b object) {
	t.Helper()
	tally := b["tally"].(object)
	sum := 0.0
	for _, part := range []string{"pending", "ready", "sent", "failed", "skipped", "cancelled", "expired"} {
		sum += tally[part].(float64)
	}
	if sum != tally["total"].(float64) {
		t.Errorf("the parts do not add up: %v", tally)
	}
}

func TestFromDraftToSending(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	author, approver := w.as(broadcast.RoleAuthor), w.as(broadcast.RoleApprover)
	path, b := author.draft(party())
	if b["state"] != "draft" || fmt.Sprint(b["can"]) != "[edit submit cancel]" || b["due_at"] != nil || b["approved_by"] != nil || b["author"].(object)["name"] != "Ada Author" {
		t.Errorf("created: %v", b)
	}
	if b = author.post(path+"/submit", nil).ok(http.StatusOK); b["state"] != "in_review" {
		t.Errorf("submitted: %v", b)
	}
	b = approver.get(path).ok(http.StatusOK)
	if fmt.Sprint(b["can"]) != "[approve reject cancel]" {
		t.Errorf("the approver can %v", b["can"])
	}
	b = approver.post(path+"/approve", object{"revision": b["revision"]}).ok(http.StatusOK)
	if b["state"] != "approved" || b["approved_by"].(object)["name"] != "Ben Approver" {
		t.Errorf("approved: %v", b)
	}
	b = author.post(path+"/send", "").ok(http.StatusOK)
	if b["state"] != "resolving" || b["started_at"] == nil {
		t.Errorf("sent: %v", b)
	}
	tallyAddsUp(t, b)
	author.post(path+"/send", nil).refused(http.StatusConflict, "conflict", "so it cannot be sent")
	w.resolve(b["id"].(string))
	b = author.get(path).ok(http.StatusOK)
	tallyAddsUp(t, b)
	if total := b["tally"].(object)["total"]; total != float64(people) {
		t.Errorf("total %v, want %d", total, people)
	}
	if b = author.post(path+"/cancel", object{"note": "Rain."}).ok(http.StatusOK); b["state"] != "cancelled" || b["reason"] != "Rain." {
		t.Errorf("cancelled: %v", b)
	}
	history := author.get(path + "/history").ok(http.StatusOK)["history"].([]any)
	if last := history[len(history)-1].(object); len(history) != 5 || last["event"] != "cancel" || last["note"] != "Rain." || last["by"].(object)["name"] != "Ada Author" {
		t.Errorf("history: %v", history)
	}
}

// resolve writes the broadcast's recipients, as the engine would.
func (w *world) resolve(broadcastID string) {
	w.t.Helper()
	page, err := w.store.PeoplePage(w.t.Context(), "", 1000)
	must(w.t, err)
	must(w.t, w.store.AddDeliveries(w.t.Context(), broadcast.ID(broadcastID), page, 1))
}

func TestRecipientsArePagedFilteredAndExplained(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	author := w.as(broadcast.RoleAuthor)
	broadcastID := string(w.stored1(broadcast.Resolving))
	w.resolve(broadcastID)
	path := "/broadcasts/" + broadcastID + "/recipients"
	seen, after := map[string]bool{}, any("")
	for pages := 0; after != nil; pages++ {
		page := author.get(path + "?limit=7&after=" + number(after)).ok(http.StatusOK)
		for _, r := range page["recipients"].([]any) {
			seen[r.(object)["entra_id"].(string)] = true
		}
		if after = page["next"]; pages > people {
			t.Fatal("paging never ends")
		}
	}
	if len(seen) != people {
		t.Errorf("paging shows %d people, want %d", len(seen), people)
	}
	skipped := author.get(path + "?state=skipped&reason=guest").ok(http.StatusOK)["recipients"].([]any)
	if len(skipped) != 1 {
		t.Fatalf("skipped guests: %v", skipped)
	}
	guest := skipped[0].(object)
	if guest["reason"] != "guest" || guest["reason_text"] != "Guest account" || guest["upn"] != "person.40@contoso.example" || guest["updated_at"] == nil || guest["maybe_repeated"] != false {
		t.Errorf("the guest: %v", guest)
	}
	if found := author.get(path + "?q=person%2012").ok(http.StatusOK)["recipients"].([]any); len(found) != 1 {
		t.Errorf("found: %v", found)
	}
	if nobody := author.get(path + "?q=Nobody+of+that+name").ok(http.StatusOK); len(nobody["recipients"].([]any)) != 0 || nobody["next"] != nil {
		t.Errorf("an unknown person: %v", nobody)
	}
	reasons := author.get("/broadcasts/" + broadcastID + "/reasons").ok(http.StatusOK)["reasons"].([]any)
	if len(reasons) == 0 || reasons[0].(object)["remedy"] == "" {
		t.Errorf("reasons: %v", reasons)
	}
	author.get(path+"?state=delivered").refused(http.StatusUnprocessableEntity, "invalid", "delivered").names(t, "state")
	author.get(path+"?reason=bad+luck").refused(http.StatusUnprocessableEntity, "invalid", "bad luck").names(t, "reason")
	author.get(path+"?after=x").refused(http.StatusUnprocessableEntity, "invalid", "whole number").names(t, "after")
	author.get(path+"?limit=-1").refused(http.StatusUnprocessableEntity, "invalid", "whole number").names(t, "limit")
	author.get(path+"?q="+strings.Repeat("x", 201)).refused(http.StatusUnprocessableEntity, "invalid", "at most 200").names(t, "q")
	author.get(path+"?q=a%00b").refused(http.StatusUnprocessableEntity, "invalid", "not text").names(t, "q")
}

// number is a JSON number as a query has it.
func number(v any) string {
	if f, ok := v.(float64); ok {
		return fmt.Sprintf("%.0f", f)
	}
	return fmt.Sprint(v)
}

func TestBroadcastsAreListedNewestFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	author := w.as(broadcast.RoleAuthor)
	for n := range 5 {
		body := party()
		body["title"] = fmt.Sprintf("Number %d", n)
		path, _ := author.draft(body)
		if n == 2 {
			author.post(path+"/submit", nil).ok(http.StatusOK)
		}
		w.clock.advance(time.Second)
	}
	page := author.get("/broadcasts?limit=3").ok(http.StatusOK)
	rows := page["broadcasts"].([]any)
	if len(rows) != 3 || rows[0].(object)["title"] != "Number 4" || page["next"] == nil {
		t.Fatalf("first page: %v", page)
	}
	page = author.get("/broadcasts?limit=3&after=" + page["next"].(string)).ok(http.StatusOK)
	if rows = page["broadcasts"].([]any); len(rows) != 2 || page["next"] != nil {
		t.Errorf("second page: %v", page)
	}
	for query, want := range map[string]int{"state=in_review": 1, "state=in_review,draft": 5, "state=draft&state=in_review": 5, "q=number+3": 1, "state=sent": 0} {
		if got := len(author.get("/broadcasts?" + query).ok(http.StatusOK)["broadcasts"].([]any)); got != want {
			t.Errorf("%s: %d, want %d", query, got, want)
		}
	}
	author.get("/broadcasts?state=gone").refused(http.StatusUnprocessableEntity, "invalid", "gone").names(t, "state")
	author.get("/broadcasts?after=x").refused(http.StatusUnprocessableEntity, "invalid", "last broadcast").names(t, "after")
}

func TestAnEditReplacesEverythingAndVoidsTheApproval(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	author, approver := w.as(broadcast.RoleAuthor), w.as(broadcast.RoleApprover)
	path, _ := author.draft(party())
	author.post(path+"/submit", nil).ok(http.StatusOK)
	b := approver.post(path+"/approve", nil).ok(http.StatusOK)
	edit := object{"revision": b["revision"], "title": "Autumn party", "body": "Come later", "audience": object{"groups": []any{tenPeople, object{"id": emptyGroup, "name": "Empty"}}}}
	b = author.call(http.MethodPut, path, edit).ok(http.StatusOK)
	audience := b["audience"].(object)
	if b["state"] != "draft" || b["approved_by"] != nil || b["image"] != nil || len(b["buttons"].([]any)) != 0 || audience["everyone"] != false || len(audience["groups"].([]any)) != 2 {
		t.Errorf("edited: %v", b)
	}
	author.call(http.MethodPut, path, edit).refused(http.StatusConflict, "conflict", "Somebody changed this broadcast").names(t, "revision")
	delete(edit, "revision")
	author.call(http.MethodPut, path, edit).refused(http.StatusUnprocessableEntity, "invalid", "which revision").names(t, "revision")
}

func TestSchedulingTakesATimeInTheFuture(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	author := w.as(broadcast.RoleAuthor)
	path := "/broadcasts/" + string(w.stored1(broadcast.Approved))
	for _, at := range []any{nil, "", "tomorrow", "2020-01-01T09:00:00Z", "2090-01-01 09:00"} {
		author.post(path+"/schedule", object{"at": at}).refused(http.StatusUnprocessableEntity, "invalid", "").names(t, "at")
	}
	due := w.clock.Now().Add(time.Hour).In(time.FixedZone("", 2*3600)).Truncate(time.Second)
	b := author.post(path+"/schedule", object{"at": due.Format(time.RFC3339)}).ok(http.StatusOK)
	if b["state"] != "scheduled" || b["due_at"] != due.UTC().Format(time.RFC3339) {
		t.Errorf("scheduled: %v", b)
	}
	author.post(path+"/cancel", object{"at": due.Format(time.RFC3339)}).refused(http.StatusUnprocessableEntity, "invalid", "at once").names(t, "at")
	if b = author.post(path+"/unschedule", nil).ok(http.StatusOK); b["state"] != "approved" || b["due_at"] != nil {
		t.Errorf("unscheduled: %v", b)
	}
}

func TestTheCardIsTheOneThatIsSent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	author := w.as(broadcast.RoleAuthor)
	path, _ := author.draft(party())
	card := author.get(path + "/card").ok(http.StatusOK)
	if card["type"] != "AdaptiveCard" {
		t.Errorf("card: %v", card)
	}
}

func TestReachSaysWhoIsLeftOutAndWhy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	author := w.as(broadcast.RoleAuthor)
	r := author.post("/audience/reach", object{"everyone": true}).ok(http.StatusOK)
	excluded := r["excluded"].([]any)
	if r["total"] != float64(people) || len(excluded) != 1 || excluded[0].(object)["reason"] != "guest" || excluded[0].(object)["count"] != 1.0 || excluded[0].(object)["remedy"] == "" {
		t.Errorf("everyone: %v", r)
	}
	if r = author.post("/audience/reach", object{"groups": []string{tenPeople}}).ok(http.StatusOK); r["total"] != 10.0 {
		t.Errorf("ten people: %v", r)
	}
	but := object{"everyone": true, "exclude": []object{{"kind": "group", "id": tenPeople}}}
	if r = author.post("/audience/reach", but).ok(http.StatusOK); r["total"] != float64(people-10) {
		t.Errorf("everyone but ten: %v", r)
	}
	author.post("/audience/reach", object{"include": []object{{"kind": "planet"}}}).refused(http.StatusUnprocessableEntity, "invalid", "no kind of audience").names(t, "audience")
	author.post("/audience/reach", object{"groups": []string{hidden}}).refused(http.StatusUnprocessableEntity, "invalid", "cannot be read").names(t, "audience")
}

func TestGroupsAndMe(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	author := w.as(broadcast.RoleAuthor)
	parts := author.get("/audience/parts?q=News").ok(http.StatusOK)["parts"].([]any)
	if first := parts[0].(object); first["kind"] != "group" || first["id"] != tenPeople || first["note"] == "" {
		t.Errorf("%v", parts)
	}
	groups := author.get("/groups?q=News").ok(http.StatusOK)["groups"].([]any)
	if len(groups) != 1 || groups[0].(object)["id"] != tenPeople || groups[0].(object)["kind"] != "Microsoft 365" {
		t.Errorf("groups: %v", groups)
	}
	me := author.get("/me").ok(http.StatusOK)
	if me["name"] != "Ada Author" || fmt.Sprint(me["roles"]) != "[author]" {
		t.Errorf("me: %v", me)
	}
}

func TestTheRolloutIsTheAdmins(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin := w.as(broadcast.RoleAdmin)
	r := admin.get("/rollout").ok(http.StatusOK)
	if r["state"] != "idle" || r["people"] != float64(people) || r["directory_at"] == nil {
		t.Errorf("rollout: %v", r)
	}
	r = admin.post("/rollout/start", nil).ok(http.StatusOK)
	if r["state"] != "running" || r["by"].(object)["name"] != "Cora Admin" || r["wanted"] != float64(people-1) {
		t.Errorf("started: %v", r)
	}
	rows := admin.get("/rollout/people?state=wanted&limit=5").ok(http.StatusOK)
	if len(rows["people"].([]any)) != 5 || rows["next"] == nil {
		t.Errorf("people: %v", rows)
	}
	if r = admin.post("/rollout/pause", nil).ok(http.StatusOK); r["state"] != "paused" {
		t.Errorf("paused: %v", r)
	}
	admin.get("/rollout/people?state=lost").refused(http.StatusUnprocessableEntity, "invalid", "lost").names(t, "state")
}

func TestAFailedBroadcastThatIsCancelledIsFinished(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	author := w.as(broadcast.RoleAuthor)
	path, b := author.draft(party())
	kept, err := w.store.Broadcast(t.Context(), broadcast.ID(b["id"].(string)))
	must(t, err)
	failed := *kept
	failed.State = broadcast.Failed
	_, err = w.store.Change(t.Context(), broadcast.Change{Before: kept, After: &failed})
	must(t, err)
	if got := author.post(path+"/cancel", nil).ok(http.StatusOK); got["state"] != "cancelled" || got["finished_at"] == nil {
		t.Errorf("cancelled: %v", got)
	}
}
