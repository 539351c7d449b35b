package api_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	noun "github.com/fanfare/fanfare/broadcast/person"
)

func TestPeopleAreFoundWalkedAndExplained(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	auditor := w.as(broadcast.RoleAuditor)
	seen := map[string]bool{}
	for path := "/people?limit=15"; path != ""; {
		a := auditor.get(path).ok(http.StatusOK)
		for _, p := range a["people"].([]any) {
			seen[p.(object)["entra_id"].(string)] = true
		}
		if path = ""; a["next"] != nil {
			path = "/people?limit=15&after=" + a["next"].(string)
		}
	}
	if len(seen) != people {
		t.Errorf("walking finds %d people, want %d", len(seen), people)
	}
	found := func(text string) int {
		t.Helper()
		return len(auditor.get("/people?q=" + url.QueryEscape(text)).ok(http.StatusOK)["people"].([]any))
	}
	for text, want := range map[string]int{"person 4": 2, string(id(7)): 1, "%": 0, "_": 0, "'": 0, string(id(999)): 0, "person.7@contoso.example": 1} {
		if got := found(text); got != want {
			t.Errorf("%q finds %d people, want %d", text, got, want)
		}
	}
	auditor.get("/people?q="+strings.Repeat("x", 10_000)).refused(http.StatusUnprocessableEntity, "invalid", "at most 200")
	auditor.get("/people?limit=-1").refused(http.StatusUnprocessableEntity, "invalid", "whole number")
	for _, bad := range []string{"x", string(id(999)), strings.Repeat("0", 5_000), "%27%20OR%201=1"} {
		auditor.get("/people/"+bad).refused(http.StatusNotFound, "not_found", "Nobody with this ID")
	}
	auditor.get("/people/"+string(id(1))+"?all=perhaps").refused(http.StatusUnprocessableEntity, "invalid", "perhaps")
}

// TestWhyDidAdaNotGetIt is answered by one address.
func TestWhyDidAdaNotGetIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	author, approver := w.as(broadcast.RoleAuthor), w.as(broadcast.RoleApprover)
	must(t, w.store.BotAdded(ctx, id(1), broadcast.ConversationReference{ServiceURL: "https://smba.example/", ConversationID: "a:1"}))
	must(t, w.store.BotGone(ctx, id(2), broadcast.InstallationRemoved))
	must(t, w.store.SaveManagers(ctx, []noun.Report{{EntraID: id(1), Manager: id(2)}}, noun.ManagerCursor{FinishedAt: w.clock.Now()}))
	must(t, w.store.SetTimeZone(ctx, id(1), "Europe/Berlin"))
	path, b := author.draft(party())
	author.post(path+"/submit", nil).ok(http.StatusOK)
	approver.post(path+"/approve", nil).ok(http.StatusOK)
	author.post(path+"/send", "").ok(http.StatusOK)
	w.resolve(b["id"].(string))

	ada := author.get("/people/" + string(id(1))).ok(http.StatusOK)
	if ada["name"] != "Person 1" || ada["time_zone"] != "Europe/Berlin" || ada["manager"].(object)["name"] != "Person 2" || ada["outlook"].(object)["sentence"] != "Would get it." || ada["bot"].(object)["addressed"] != true {
		t.Errorf("%v", ada)
	}
	if h := ada["history"].([]any); len(h) != 2 || h[0].(object)["event"] != "addressed" || h[1].(object)["text"] != "App installed" {
		t.Errorf("history %v", h)
	}
	gone := author.get("/people/" + strings.ToUpper(string(id(2)))).ok(http.StatusOK)
	got := gone["broadcasts"].([]any)
	if len(got) != 1 || gone["next"] != nil {
		t.Fatalf("broadcasts %v", got)
	}
	row := got[0].(object)
	if row["title"] != "Summer party" || row["state"] != "skipped" || row["reason"] != "removed" || row["listed"] != true || !strings.Contains(row["remedy"].(string), "Only the person") {
		t.Errorf("%v", row)
	}
	guest := author.get("/people/" + string(id(40))).ok(http.StatusOK)
	if o := guest["outlook"].(object); o["state"] != "skipped" || o["reason"] != "guest" || !strings.HasPrefix(o["sentence"].(string), "Would not get it: guest account. What to do: ") {
		t.Errorf("%v", o)
	}
}

func TestAStaleDirectoryIsSaidWithTheHeadCount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	author, admin := w.as(broadcast.RoleAuthor), w.as(broadcast.RoleAdmin)
	warning := func(c caller) string {
		t.Helper()
		return fmt.Sprint(c.post("/audience/reach", object{"everyone": true}).ok(http.StatusOK)["warning"])
	}
	directory := func() object {
		t.Helper()
		return author.get("/rollout").ok(http.StatusOK)["directory"].(object)
	}
	if got := warning(author); got != "" || directory()["stale"] != false || directory()["finished_at"] == nil {
		t.Errorf("%q, %v", got, directory())
	}
	must(t, w.store.SavePeople(t.Context(), nil, &noun.Cursor{FinishedAt: w.clock.Now().Add(-72 * time.Hour)}))
	if got := warning(author); !strings.Contains(got, "last read 3 days ago") || directory()["stale"] != true {
		t.Errorf("%q, %v", got, directory())
	}
	must(t, w.store.SyncEnded(t.Context(), "Grant the permission."))
	if got := warning(admin); !strings.HasSuffix(got, "Grant the permission.") || directory()["problem"] != "Grant the permission." || directory()["failing_since"] == nil {
		t.Errorf("%q, %v", got, directory())
	}
	if got := warning(author); !strings.HasSuffix(got, "Ask an administrator to look at the Rollout page, which says why.") {
		t.Errorf("%q", got)
	}
}
