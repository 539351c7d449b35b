package api_test

import (
	"net/http"
	"testing"

	"github.com/fanfare/fanfare/broadcast"
)

// rings are those of a plan, by name.
func rings(r object) map[string]object {
	out := map[string]object{}
	for _, one := range r["rings"].([]any) {
		out[one.(object)["name"].(string)] = one.(object)
	}
	return out
}

func TestAProgramRollsOutInRings(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin, author := w.as(broadcast.RoleAdmin), w.as(broadcast.RoleAuthor)
	first := author.get("/rollout/rings").ok(http.StatusOK)
	if all := first["rings"].([]any); len(all) != 1 || all[0].(object)["id"] != "everyone" || all[0].(object)["counts"].(object)["eligible"] != float64(people-1) {
		t.Fatalf("%v", first)
	}
	newsroom := object{"include": []any{object{"kind": "group", "id": tenPeople}}}
	p := admin.call(http.MethodPut, "/rollout/rings", object{"revision": first["revision"], "rings": []any{
		object{"name": "Newsroom", "audience": newsroom, "advance": "by_itself", "max_failed_percent": 0, "settle_minutes": 90},
		object{"id": "everyone", "name": "Everyone", "max_failed_percent": 20},
	}}).ok(http.StatusOK)
	got := rings(p)["Newsroom"]
	if got["state"] != "waiting" || got["advance"] != "by_itself" || got["max_failed_percent"] != float64(0) || got["settle_minutes"] != float64(90) || got["counts"].(object)["untouched"] != float64(10) {
		t.Errorf("%v", got)
	}
	if rings(p)["Everyone"]["max_failed_percent"] != float64(20) || rings(p)["Everyone"]["counts"].(object)["eligible"] != float64(people-11) {
		t.Errorf("%v", rings(p)["Everyone"])
	}
	// What was read may be sent back as it is.
	admin.call(http.MethodPut, "/rollout/rings", object{"revision": p["revision"], "rings": p["rings"]}).ok(http.StatusOK)
	admin.call(http.MethodPut, "/rollout/rings", object{"revision": first["revision"], "rings": []any{}}).refused(http.StatusConflict, "conflict", "Somebody else has changed the rings")

	r := admin.post("/rollout/advance", object{"ring": got["id"]}).ok(http.StatusOK)
	if r["state"] != "running" || r["wanted"] != float64(10) || rings(r)["Newsroom"]["state"] != "open" || rings(r)["Newsroom"]["counts"].(object)["wanted"] != float64(10) {
		t.Errorf("%v", r)
	}
	admin.post("/rollout/advance", object{"ring": got["id"]}).refused(http.StatusConflict, "conflict", "was opened meanwhile")
	must(t, w.store.BotAdded(t.Context(), id(1), broadcast.ConversationReference{ServiceURL: "https://smba.example/", ConversationID: "a:1"}))
	if r := admin.post("/rollout/start", nil).ok(http.StatusOK); r["installed"] != float64(1) {
		t.Errorf("%v", r)
	}
	rows := author.get("/rollout/people?ring=" + got["id"].(string) + "&state=installed").ok(http.StatusOK)["people"].([]any)
	if len(rows) != 1 {
		t.Errorf("%v", rows)
	}
	if shares := author.get("/rollout/by/department").ok(http.StatusOK)["shares"].([]any); len(shares) == 0 || shares[0].(object)["eligible"] == nil {
		t.Errorf("%v", shares)
	}
	if moves := author.get("/rollout/history").ok(http.StatusOK)["history"].([]any); len(moves) < 3 || moves[0].(object)["by"].(object)["name"] != "Cora Admin" {
		t.Errorf("%v", moves)
	}
	author.get("/rollout/samples").ok(http.StatusOK)
}

func TestWhatRingsCannotBeIsToldFieldByField(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin := w.as(broadcast.RoleAdmin)
	put := func(body any) answer { t.Helper(); return admin.call(http.MethodPut, "/rollout/rings", body) }
	shut := object{"include": []any{object{"kind": "group", "id": hidden}}}
	for field, body := range map[string]object{
		"revision":                   {"rings": []any{}},
		"color":                      {"revision": 0, "rings": []any{object{"name": "X", "color": "red"}}},
		"rings.0.name":               {"revision": 0, "rings": []any{object{"audience": shut}}},
		"rings.0.audience":           {"revision": 0, "rings": []any{object{"name": "X"}}},
		"rings.0.max_failed_percent": {"revision": 0, "rings": []any{object{"name": "X", "audience": shut, "max_failed_percent": 200}}},
		"rings.0.settle_minutes":     {"revision": 0, "rings": []any{object{"name": "X", "audience": shut, "settle_minutes": -1}}},
		"rings.0.advance":            {"revision": 0, "rings": []any{object{"name": "X", "audience": shut, "advance": "sometimes"}}},
		"rings.1.name":               {"revision": 0, "rings": []any{object{"name": "X", "audience": shut}, object{"name": "x", "audience": shut}}},
	} {
		put(body).refused(http.StatusUnprocessableEntity, "invalid", "").names(t, field)
	}
	admin.get("/rollout/by/salary").refused(http.StatusUnprocessableEntity, "invalid", "salary").names(t, "by")
	admin.post("/rollout/advance", object{}).refused(http.StatusUnprocessableEntity, "invalid", "which ring").names(t, "ring")
	admin.post("/rollout/advance", object{"ring": "x"}).refused(http.StatusNotFound, "not_found", "no such ring")
	// A group nobody can read: the ring is stored, says so, and stays shut.
	p := put(object{"revision": 0, "rings": []any{object{"name": "Council", "audience": shut}}}).ok(http.StatusOK)
	council := rings(p)["Council"]
	if council["counts"] != nil || council["problem"] == "" {
		t.Errorf("%v", council)
	}
	admin.post("/rollout/advance", object{"ring": council["id"]}).refused(http.StatusConflict, "conflict", "“Works Council” cannot be read")
	if r := admin.get("/rollout").ok(http.StatusOK); r["state"] != "idle" || r["wanted"] != float64(0) {
		t.Errorf("%v", r)
	}
}
