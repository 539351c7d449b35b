package simulator_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"image/png"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/fanfare/fanfare/simulator"
)

func (s *stage) act(n int, verb string, body any) reply {
	s.t.Helper()
	return s.control("POST", "/people/"+simulator.EntraID(n)+"/"+verb, body)
}

func TestPeopleAreListedSearchedAndPaged(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	type list struct {
		People []struct {
			Number    int
			EntraID   string `json:"entra_id"`
			Name, UPN string
			Kind      string
			Installed bool
			Unread    int
		}
		Next *int
	}
	get := func(query string) (l list) {
		if err := json.Unmarshal([]byte(s.control("GET", "/people?"+query, nil).body), &l); err != nil {
			t.Fatal(err)
		}
		return l
	}
	first := get("limit=3")
	if len(first.People) != 3 || first.People[0].Name != "Ada Author" || first.Next == nil || *first.Next != 3 {
		t.Fatalf("first page: %+v", first)
	}
	if second := get("limit=3&after=3"); second.People[0].Number != 4 {
		t.Errorf("second page: %+v", second)
	}
	if found := get("q=cora"); len(found.People) == 0 || found.People[0].EntraID != simulator.EntraID(3) {
		t.Errorf("search: %+v", found)
	}
	if end := get("after=990&limit=500"); end.Next != nil || len(end.People) != 10 {
		t.Errorf("the last page: %d, next %v", len(end.People), end.Next)
	}
	chat := s.chat(7)
	s.send(chat, card("hello"))
	if touched := get("with_chat=1"); len(touched.People) != 1 || touched.People[0].Number != 7 || touched.People[0].Unread != 1 || !touched.People[0].Installed {
		t.Errorf("with chat: %+v", touched)
	}
	if r := s.control("GET", "/people/"+simulator.EntraID(9999), nil); r.status != 404 {
		t.Errorf("nobody: %d", r.status)
	}
}

func TestWhatAPersonDoesReachesTheBot(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	if r := s.act(1, "say", map[string]any{"text": "hello?"}); r.status != 409 || !strings.Contains(r.body, "not installed") {
		t.Errorf("talking to an app that is not there: %d %s", r.status, r.body)
	}
	s.act(1, "install", nil)
	heard1 := func(kind, key string, value any) map[string]any {
		t.Helper()
		return s.bot.wait(t, 1, func(h heard) bool {
			return h.kind() == kind && (key == "" || fmt.Sprint(h.activity[key]) == fmt.Sprint(value))
		})[0].activity
	}
	heard1("installationUpdate", "action", "add")
	id := s.send(s.create(1).json(t)["id"].(string), card("news")).json(t)["id"].(string)

	if r := s.act(1, "say", map[string]any{"text": "help"}); r.status != 200 {
		t.Errorf("say: %d %s", r.status, r.body)
	}
	if m := heard1("message", "text", "help"); m["locale"] == nil || m["id"] == nil {
		t.Errorf("message: %v", m)
	}
	s.act(1, "click", map[string]any{"message_id": id, "action": map[string]any{"type": "Action.Submit", "data": map[string]any{"a": 1}}, "inputs": map[string]any{"b": "two"}})
	if m := heard1("message", "replyToId", id); fmt.Sprint(m["value"]) != "map[a:1 b:two]" || m["text"] != nil {
		t.Errorf("submit: %v", m)
	}
	s.act(1, "react", map[string]any{"message_id": id, "type": "heart"})
	if m := heard1("messageReaction", "replyToId", id); fmt.Sprint(m["reactionsAdded"]) != "[map[type:heart]]" {
		t.Errorf("reaction: %v", m)
	}
	s.act(1, "react", map[string]any{"message_id": id, "type": "heart", "removed": true})
	s.bot.wait(t, 1, func(h heard) bool { return h.activity["reactionsRemoved"] != nil })

	if r := s.act(1, "read", nil); r.json(t)["told"] != false {
		t.Errorf("read without the permission: %s", r.body)
	}
	s.sim.SetDials(func(d *simulator.Dials) { d.ReadReceipts = true })
	s.act(1, "read", nil)
	if m := heard1("event", "name", "application/vnd.microsoft.readReceipt"); m["value"].(map[string]any)["lastReadMessageId"].(string) < id {
		t.Errorf("receipt: %v", m)
	}
	s.act(1, "remove", nil)
	heard1("installationUpdate", "action", "remove")
}

// K row 34.
func TestExecuteIsJudgedAsTeamsJudges(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	id := s.send(s.chat(1), card("question")).json(t)["id"].(string)
	click := func(status int, answer string) map[string]any {
		s.bot.answers(func(h heard) (int, string) {
			if h.kind() != "invoke" {
				return 200, ""
			}
			if h.activity["name"] != "adaptiveCard/action" || h.activity["replyToId"] != id {
				return 500, ""
			}
			return status, answer
		})
		return s.act(1, "click", map[string]any{
			"message_id": id, "inputs": map[string]any{"choice": "yes"},
			"action": map[string]any{"type": "Action.Execute", "verb": "vote", "data": map[string]any{"broadcastId": "b"}},
		}).json(t)
	}
	for name, c := range map[string]struct {
		status       int
		answer, kind string
	}{
		"toast":         {200, `{"statusCode":200,"type":"application/vnd.microsoft.activity.message","value":"Thanks!"}`, "message"},
		"empty toast":   {200, `{"statusCode":200,"type":"application/vnd.microsoft.activity.message","value":""}`, "none"},
		"wrong type":    {200, `{"statusCode":200,"type":"text/plain","value":"Thanks!"}`, "error"},
		"no envelope":   {200, `{}`, "error"},
		"not JSON":      {200, `OK`, "error"},
		"nothing":       {200, ``, "error"},
		"500":           {500, `{"statusCode":200,"type":"application/vnd.microsoft.activity.message","value":"x"}`, "error"},
		"202":           {202, `{"statusCode":200,"type":"application/vnd.microsoft.activity.message","value":"x"}`, "error"},
		"bot's problem": {200, `{"statusCode":400,"type":"application/vnd.microsoft.error","value":{"code":"Closed","message":"The poll is closed."}}`, "error"},
		"not a card":    {200, `{"statusCode":200,"type":"application/vnd.microsoft.card.adaptive","value":{"type":"Other"}}`, "error"},
	} {
		got := click(c.status, c.answer)
		if got["kind"] != c.kind {
			t.Errorf("%s: %v, want %s", name, got, c.kind)
		}
		if name == "bot's problem" && got["value"] != "The poll is closed." {
			t.Errorf("%s: %v", name, got)
		}
	}
	got := click(200, `{"statusCode":200,"type":"application/vnd.microsoft.card.adaptive","value":{"type":"AdaptiveCard","version":"1.5","body":[{"type":"TextBlock","text":"voted"}]}}`)
	if got["kind"] != "card" || !strings.Contains(fmt.Sprint(s.messages(1)[0]["cards"]), "voted") {
		t.Errorf("card: %v, chat %v", got, s.messages(1)[0])
	}
	click(200, `{"statusCode":200,"type":"application/vnd.microsoft.activity.message","value":"Noted."}`)
	if notice := s.control("GET", "/people/"+simulator.EntraID(1), nil).json(t)["notice"]; notice != "Noted." {
		t.Errorf("notice: %v", notice)
	}
	var last heard
	for _, h := range s.bot.all() {
		if h.kind() == "invoke" {
			last = h
		}
	}
	if want := "map[action:map[data:map[broadcastId:b choice:yes] type:Action.Execute verb:vote] trigger:manual]"; fmt.Sprint(last.activity["value"]) != want {
		t.Errorf("invoke value %v", last.activity["value"])
	}
	if r := s.act(1, "click", map[string]any{"message_id": "1", "action": map[string]any{"type": "Action.Execute"}}); r.status != 404 {
		t.Errorf("a message that is not there: %d", r.status)
	}
}

func TestAWindowHearsOfEveryChange(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	chat := s.chat(1)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.server.PlainURL()+"/_simulator/people/"+simulator.EntraID(1)+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	lines := bufio.NewScanner(resp.Body)
	lines.Scan() // the greeting: from here on everything is told
	s.send(chat, card("news"))
	for lines.Scan() {
		if lines.Text() == "event: changed" {
			return
		}
	}
	t.Fatal("the stream ended without a change")
}

func TestDialsMergeAndRefuseNonsense(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	turn := func(body string) reply { return s.control("POST", "/dials", []byte(body)) }
	turn(`{"connector_rate":7,"person":{"` + simulator.EntraID(1) + `":"blocked"}}`)
	turn(`{"person":{"` + simulator.EntraID(2) + `":"refused"},"fail":[{"operation":"send","status":500}]}`)
	if d := s.sim.Dials(); d.ConnectorRate != 7 || len(d.Person) != 2 || len(d.Fail) != 1 {
		t.Errorf("merged: %+v", d)
	}
	turn(`{"fail":[]}`)
	if d := s.sim.Dials(); len(d.Fail) != 0 || d.ConnectorRate != 7 {
		t.Errorf("fail emptied: %+v", d)
	}
	for _, body := range []string{
		`{"conector_rate":7}`, `nonsense`, ``, `{"connector_rate":"many"}`, `{"person":{"` + simulator.EntraID(1) + `":"sad"}}`,
		`{"person":{"ada":"blocked"}}`, `{"fail":[{"status":500}]}`, `{"fail":[{"operation":"send","status":42}]}`,
	} {
		before := fmt.Sprint(s.sim.Dials())
		if r := turn(body); r.status != 400 || r.json(t)["error"] == "" || fmt.Sprint(s.sim.Dials()) != before {
			t.Errorf("%s: %d %s", body, r.status, r.body)
		}
	}
}

func TestStrangePagesMayNotUseTheTools(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	r := s.request("POST", "/_simulator/dials", "", []byte(`{}`), func(r *http.Request) {
		r.Header.Set("Origin", "https://evil.example")
		r.Header.Set("Sec-Fetch-Site", "cross-site")
	})
	if r.status != 403 {
		t.Fatalf("%d %s", r.status, r.body)
	}
}

func TestOnePortSpeaksBoth(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	silent, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(s.server.PlainURL(), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	for _, base := range []string{s.server.URL(), s.server.PlainURL()} {
		if r := s.request("GET", base+"/_simulator/report", "", nil); r.status != 200 {
			t.Errorf("%s: %d %s", base, r.status, r.body)
		}
	}
	bare := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{}}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.server.URL()+"/_simulator/report", nil)
	if err != nil {
		t.Fatal(err)
	}
	if resp, err := bare.Do(req); err == nil {
		_ = resp.Body.Close()
		t.Error("a client that does not trust the CA was served")
	}
}

func TestPicturesAndTheWindowAreServed(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	r := s.request("GET", "/pictures/summer-party.png", "", nil)
	img, err := png.Decode(bytes.NewReader([]byte(r.body)))
	if err != nil || img.Bounds().Dx() != 1024 || img.Bounds().Dy() != 512 || len(r.body) > 1<<20 {
		t.Errorf("picture: %d, %v, %d bytes", r.status, err, len(r.body))
	}
	if r := s.request("GET", "/pictures/other.txt", "", nil); r.status != 404 {
		t.Errorf("no picture: %d", r.status)
	}
	if r := s.request("GET", "/teams", "", nil); r.status != 200 || !strings.Contains(r.header.Get("Content-Type"), "text/html") {
		t.Errorf("window: %d", r.status)
	}
	if r := s.request("GET", "/", "", nil); r.header.Get("Location") != "/teams" {
		t.Errorf("front page: %d %v", r.status, r.header)
	}
}

func TestOptionsThatCannotBeAreRefused(t *testing.T) {
	t.Parallel()
	for _, o := range []simulator.Options{{People: -1}, {ConnectorRate: -1}, {GraphInstallRate: -1}, {EventDelay: -1}} {
		if _, err := simulator.New(o); err == nil {
			t.Errorf("%+v was accepted", o)
		}
	}
}
