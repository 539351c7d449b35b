package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/fanfare/fanfare/broadcast"
)

// postAs posts a body of a kind as it is.
func (c caller) postAs(kind, path, body string) answer {
	c.w.t.Helper()
	return c.w.send(http.MethodPost, "/api/v1"+path, http.Header{"Authorization": {"Bearer " + c.key}, "Content-Type": {kind}}, strings.NewReader(body))
}

func TestAListIsMadeAndUsedByTheAPI(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.as(broadcast.RoleAuthor)
	made := a.post("/audience/lists?name=Jubilees", []string{string(id(1)), strings.ToUpper(string(id(2))), string(id(1)), "nobody@contoso.com"}).ok(201)
	if made["rows"] != 4.0 || made["found"] != 3.0 || made["people"] != 2.0 || made["created_by"] == "" {
		t.Errorf("%v", made)
	}
	at := "/audience/lists/" + made["id"].(string)
	report := a.get(at + "?limit=2").ok(200)
	if rows := report["outcomes"].([]any); len(rows) != 2 || report["next"] != 2.0 {
		t.Errorf("%v", report)
	}
	rows := a.get(at + "?after=2").ok(200)["outcomes"].([]any)
	if twice, none := rows[0].(object), rows[1].(object); twice["problem"] != "twice" || twice["first_line"] != 1.0 || none["problem"] != "not_found" || none["entra_id"] != "" {
		t.Errorf("%v", rows)
	}
	if missing := a.get(at + "?show=missing").ok(200)["outcomes"].([]any); len(missing) != 1 {
		t.Errorf("%v", missing)
	}
	reach := a.post("/audience/reach", object{"include": []any{made["part"]}}).ok(200)
	if reach["total"] != 2.0 {
		t.Errorf("%v", reach)
	}
	csv := a.postAs("text/csv; charset=utf-8", "/audience/lists?name=CSV", "Name;ID\nA;"+string(id(1))+"\n").ok(201)
	if csv["people"] != 1.0 {
		t.Errorf("%v", csv)
	}
	if all := a.get("/audience/lists").ok(200)["lists"].([]any); len(all) != 2 {
		t.Errorf("%v", all)
	}
	a.get(at+"?show=some").refused(422, "invalid", "Show")
	a.post("/audience/lists", []string{"a@b.c"}).refused(422, "invalid", "Give it a name")
	a.post("/audience/lists?name=x", []string{}).refused(422, "invalid", "not a single row")
	a.postAs("application/xml", "/audience/lists?name=x", "<x/>").refused(415, "unsupported_media_type", "JSON array")
	a.postAs("text/csv", "/audience/lists?name=x", strings.Repeat("a@b.c\n", 1_900_000)).refused(413, "too_large", "larger than")
	w.as(broadcast.RoleAuditor).post("/audience/lists?name=x", []string{"a@b.c"}).refused(403, "forbidden", "role")
	w.as(broadcast.RoleApprover).get(at).ok(200)
	if gone := a.call(http.MethodDelete, at, nil); gone.StatusCode != 204 {
		t.Errorf("status %d", gone.StatusCode)
	}
	a.get(at).refused(404, "not_found", "no such list")
}

func TestAudiencesAreSavedByTheAPI(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.as(broadcast.RoleAuthor)
	in := object{"name": "Newsroom", "audience": object{"groups": []any{object{"id": tenPeople, "name": "Newsroom"}}}}
	saved := a.post("/audiences", in).ok(201)
	a.post("/audiences", in).refused(409, "conflict", "already a saved audience").names(t, "name")
	a.post("/audiences", object{"name": "x", "audience": object{}}).refused(422, "invalid", "Choose who").names(t, "audience")
	if all := a.get("/audiences").ok(200)["audiences"].([]any); len(all) != 1 || all[0].(object)["name"] != "Newsroom" {
		t.Errorf("%v", all)
	}
	w.as(broadcast.RoleAuditor).get("/audiences").refused(403, "forbidden", "role")
	at := "/audiences/" + saved["id"].(string)
	if gone := a.call(http.MethodDelete, at, nil); gone.StatusCode != 204 {
		t.Errorf("status %d", gone.StatusCode)
	}
	a.call(http.MethodDelete, at, nil).refused(404, "not_found", "no such saved audience")
}
