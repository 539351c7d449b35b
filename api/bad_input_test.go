package api_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/fanfare/fanfare/broadcast"
)

// count is how many broadcasts there are.
func (w *world) count() int {
	w.t.Helper()
	page, err := w.service.List(w.t.Context(), person(broadcast.RoleAdmin), broadcast.ListQuery{Limit: 500})
	must(w.t, err)
	return len(page.Broadcasts)
}

func TestBadMessagesAreRefusedFieldByField(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	author := w.as(broadcast.RoleAuthor)
	with := func(change func(object)) object { p := party(); change(p); return p }
	for name, c := range map[string]struct {
		body  object
		field string
		says  string
	}{
		"empty title":       {with(func(o object) { o["title"] = "  " }), "title", "Give the message a title"},
		"no title":          {with(func(o object) { delete(o, "title") }), "title", "Give the message a title"},
		"long title":        {with(func(o object) { o["title"] = strings.Repeat("x", 151) }), "title", "at most 150"},
		"nothing to read":   {with(func(o object) { delete(o, "body"); delete(o, "image") }), "body", "Write some text"},
		"button not https":  {with(func(o object) { o["buttons"] = []object{{"title": "Go", "url": "http://intranet.example/"}} }), "buttons.0.url", "must begin with https://"},
		"button javascript": {with(func(o object) { o["buttons"] = []object{{"title": "Go", "url": "javascript:alert(1)"}} }), "buttons.0.url", "address"},
		"button untitled":   {with(func(o object) { o["buttons"] = []object{{"url": "https://a.example"}} }), "buttons.0.title", "needs a text"},
		"seven buttons":     {with(func(o object) { o["buttons"] = sevenButtons() }), "buttons", "at most 6"},
		"image not https":   {with(func(o object) { o["image"] = object{"url": "http://a.example/x.png", "alt": "x"} }), "image.url", "https://"},
		"image undescribed": {with(func(o object) { o["image"] = object{"url": "https://a.example/x.png"} }), "image.alt", "Describe the image"},
		"no audience":       {with(func(o object) { delete(o, "audience") }), "audience", "Choose who should get this"},
		"both audiences":    {with(func(o object) { o["audience"] = object{"everyone": true, "groups": []string{tenPeople}} }), "audience", "not both"},
		"no group's ID":     {with(func(o object) { o["audience"] = object{"groups": []string{"Sales"}} }), "audience", "not the ID of a group"},
		"oversize card":     {with(func(o object) { o["body"] = strings.Repeat("🎉", 19_999) }), "body", "as Teams counts it"},
	} {
		t.Run(name, func(t *testing.T) {
			p := author.post("/broadcasts", c.body).refused(http.StatusUnprocessableEntity, "invalid", c.says)
			p.names(t, c.field)
		})
	}
	if n := w.count(); n != 0 {
		t.Errorf("%d broadcasts were half made", n)
	}
}

func sevenButtons() []object {
	var out []object
	for range 7 {
		out = append(out, object{"title": "Go", "url": "https://a.example"})
	}
	return out
}

func TestAllMistakesAreToldAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.as(broadcast.RoleAuthor).post("/broadcasts", object{"buttons": []object{{"title": "", "url": "ftp://x"}}}).
		refused(http.StatusUnprocessableEntity, "invalid", "and 4 more")
	for _, field := range []string{"title", "body", "buttons.0.title", "buttons.0.url", "audience"} {
		p.names(t, field)
	}
}

func TestBadJSONIsRefusedWithThePlace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	author := w.as(broadcast.RoleAuthor)
	for name, c := range map[string]struct {
		body       string
		status     int
		code, says string
		field      string
	}{
		"empty":            {" \n", 400, "bad_json", "empty", ""},
		"broken off":       {`{"title": "x"`, 400, "bad_json", "ends in the middle", ""},
		"syntax":           {"{\n  \"title\": \"x\",\n  \"body\" \"y\"\n}", 400, "bad_json", "line 3, column 10", ""},
		"something after":  {`{"title":"x"} {"title":"y"}`, 400, "bad_json", "follows after the end", ""},
		"not UTF-8":        {"{\"title\":\"\xff\"}", 400, "bad_json", "UTF-8", ""},
		"unknown field":    {`{"titel":"x"}`, 422, "invalid", `no field "titel"`, "titel"},
		"inner unknown":    {`{"image":{"src":"x"}}`, 422, "invalid", `no field "src"`, "src"},
		"group's unknown":  {`{"audience":{"groups":[{"uid":"x"}]}}`, 422, "invalid", `no field "uid"`, "uid"},
		"wrong type":       {`{"title":7}`, 422, "invalid", "JSON number, where a string is wanted", "title"},
		"inner wrong type": {`{"audience":{"everyone":"yes"}}`, 422, "invalid", "true or false", "audience.everyone"},
		"an array":         {`[]`, 422, "invalid", "where an object is wanted", ""},
		"no array":         {`{"buttons":{}}`, 422, "invalid", "an array", "buttons"},
	} {
		t.Run(name, func(t *testing.T) {
			p := author.post("/broadcasts", c.body).refused(c.status, c.code, c.says)
			if c.field != "" {
				p.names(t, c.field)
			}
		})
	}
}

func TestOnlyJSONIsRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	author := w.as(broadcast.RoleAuthor)
	for _, h := range []http.Header{
		{},
		{"Content-Type": {"text/plain"}},
		{"Content-Type": {"application/x-www-form-urlencoded"}},
		{"Content-Type": {"application/json; charset=latin1"}},
		{"Content-Type": {"application/json"}, "Content-Encoding": {"gzip"}},
		{"Content-Type": {";;"}},
	} {
		h.Set("Authorization", "Bearer "+author.key)
		w.send(http.MethodPost, "/api/v1/broadcasts", h, strings.NewReader("{}")).refused(http.StatusUnsupportedMediaType, "unsupported_media_type", "application/json")
	}
	h := http.Header{"Authorization": {"Bearer " + author.key}, "Content-Type": {"application/json; charset=UTF-8"}}
	w.send(http.MethodPost, "/api/v1/broadcasts", h, strings.NewReader("{}")).refused(http.StatusUnprocessableEntity, "invalid", "title")
}

func TestTenMegabytesAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	author := w.as(broadcast.RoleAuthor)
	large := `{"title":"` + strings.Repeat("x", 10<<20) + `"}`
	author.post("/broadcasts", large).refused(http.StatusRequestEntityTooLarge, "too_large", "1024 kB")
	h := http.Header{"Authorization": {"Bearer " + author.key}, "Content-Type": {"application/json"}}
	w.send(http.MethodPost, "/api/v1/broadcasts", h, struct{ io.Reader }{strings.NewReader(large)}).refused(http.StatusRequestEntityTooLarge, "too_large", "1024 kB")
}

func TestUnknownBroadcasts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	author := w.as(broadcast.RoleAuthor)
	for _, bad := range []string{"01900000-0000-7000-8000-000000000000", "7", "x'%20OR%201=1", "01900000-0000-7000-8000-00000000000g"} {
		for _, path := range []string{"", "/recipients", "/history", "/card", "/reasons"} {
			author.get("/broadcasts/"+bad+path).refused(http.StatusNotFound, "not_found", "broadcast")
		}
		author.post("/broadcasts/"+bad+"/submit", nil).refused(http.StatusNotFound, "not_found", "broadcast")
	}
}

func TestMovesThatCannotBe(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	author, approver := w.as(broadcast.RoleAuthor), w.as(broadcast.RoleApprover)
	path, b := author.draft(party())
	author.post(path+"/send", nil).refused(http.StatusConflict, "conflict", "a draft, so it cannot be sent")
	author.post(path+"/submit", object{"revision": 99}).refused(http.StatusConflict, "conflict", "Somebody changed").names(t, "revision")
	author.post(path+"/submit", object{"revision": b["revision"]}).ok(http.StatusOK)
	author.post(path+"/approve", nil).refused(http.StatusForbidden, "forbidden", "Approver")
	approver.post(path+"/reject", nil).refused(http.StatusUnprocessableEntity, "invalid", "Say what should change").names(t, "note")
	approver.post(path+"/reject", object{"note": " \n "}).refused(http.StatusUnprocessableEntity, "invalid", "Say what should change").names(t, "note")
	approver.post(path+"/reject", object{"note": strings.Repeat("n", 1001)}).refused(http.StatusUnprocessableEntity, "invalid", "longer than 1,000 characters").names(t, "note")
	approver.post(path+"/reject", `{"note":`).refused(http.StatusBadRequest, "bad_json", "")
	approver.post(path+"/reject", object{"note": "Name the place."}).ok(http.StatusOK)
	if got := author.get(path).ok(http.StatusOK); got["state"] != "rejected" || got["reason"] != "Name the place." {
		t.Errorf("sent back: %v", got)
	}
}

// Who may not write is told so, not what is wrong with what they wrote.
func TestTheRoleComesBeforeTheMistakes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.as(broadcast.RoleAuditor).post("/broadcasts", object{}).refused(http.StatusForbidden, "forbidden", "Author or Admin")
}

func TestAudiencesNobodyIsIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	author := w.as(broadcast.RoleAuthor)
	for group, says := range map[string]string{emptyGroup: "Nobody would get this", hidden: "cannot be read"} {
		body := party()
		body["audience"] = object{"groups": []string{group}}
		path, _ := author.draft(body)
		author.post(path+"/submit", nil).refused(http.StatusUnprocessableEntity, "invalid", says).names(t, "audience")
		if got := author.get(path).ok(http.StatusOK); got["state"] != "draft" {
			t.Errorf("half done: %v", got["state"])
		}
	}
}

// What the reviewer reads is the directory's name, whatever the draft called it.
func TestAFalseGroupNameDoesNotReachTheReviewer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	author := w.as(broadcast.RoleAuthor)
	body := party()
	body["audience"] = object{"groups": []object{{"id": tenPeople, "name": "Just me"}}}
	path, _ := author.draft(body)
	got := author.post(path+"/submit", nil).ok(http.StatusOK)
	if groups := got["audience"].(object)["groups"].([]any); groups[0].(object)["name"] != "Newsroom" {
		t.Errorf("the reviewer reads %v", groups[0])
	}
}

func TestNobodyApprovesTheirOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	both := person(broadcast.RoleAuthor)
	both.Roles = []broadcast.Role{broadcast.RoleAuthor, broadcast.RoleApprover}
	secret, _, err := w.keys.Create(t.Context(), both, "both")
	must(t, err)
	c := caller{w, secret}
	path, _ := c.draft(party())
	c.post(path+"/submit", nil).ok(http.StatusOK)
	c.post(path+"/approve", nil).refused(http.StatusForbidden, "forbidden", "somebody else has to review it")
}
