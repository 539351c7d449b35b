package simulator_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/fanfare/fanfare/simulator"
)

// K row 22.
func TestCreateIsGetOrCreateByEitherID(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	conversation := s.chat(1)
	if !strings.HasPrefix(conversation, "a:") {
		t.Fatalf("conversation %q", conversation)
	}
	account := s.bot.wait(t, 1, func(h heard) bool { return h.from() == simulator.EntraID(1) })[0].activity["from"].(map[string]any)["id"].(string)
	if got := s.connector("POST", "/conversations", createBody(account)).json(t)["id"]; got != conversation {
		t.Errorf("by %s: %v, by GUID: %s", account, got, conversation)
	}
	body := func(change func(map[string]any)) map[string]any {
		b := createBody(simulator.EntraID(1))
		change(b)
		return b
	}
	for name, c := range map[string]struct {
		body map[string]any
		want int
		code string
	}{
		"forged account": {createBody("29:1AbCdEfGhIjKlMnOpQrStUvWxYz0123456789example"), 400, "BadArgument"},
		"name":           {createBody("ada.author@contoso.example"), 400, "BadArgument"},
		"nobody":         {createBody(""), 400, "BadArgument"},
		"not installed":  {createBody(simulator.EntraID(2)), 403, "ForbiddenOperationException"},
		"unknown person": {createBody(simulator.EntraID(5000)), 404, "ConversationNotFound"},
		"two members":    {body(func(b map[string]any) { b["members"] = []any{map[string]any{"id": "x"}, map[string]any{"id": "y"}} }), 400, "BadArgument"},
		"no tenant":      {body(func(b map[string]any) { delete(b, "tenantId"); delete(b, "channelData") }), 400, "BadArgument"},
		"other bot":      {body(func(b map[string]any) { b["bot"] = map[string]any{"id": "28:someone-else"} }), 400, "BadArgument"},
		"bare bot":       {body(func(b map[string]any) { b["bot"] = map[string]any{"id": simulator.DefaultBotID} }), 201, ""},
	} {
		if r := s.connector("POST", "/conversations", c.body); r.status != c.want || r.code() != c.code {
			t.Errorf("%s: %d %s, want %d %s", name, r.status, r.body, c.want, c.code)
		}
	}
	if n := s.sim.Report().Messages; n != 0 {
		t.Errorf("create sent %d messages", n)
	}
}

func TestBothAddressesAreTheSameChat(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	first := s.send(s.chat(1), card("one"))
	second := s.send("19:"+simulator.EntraID(1)+"_"+simulator.DefaultBotID+"@unq.gbl.spaces", card("two"))
	if first.status != 201 || second.status != 201 {
		t.Fatalf("%d %s, %d %s", first.status, first.body, second.status, second.body)
	}
	if got := s.messages(1); len(got) != 2 {
		t.Fatalf("chat holds %v", got)
	}
}

// messages are what person n sees.
func (s *stage) messages(n int) []map[string]any {
	s.t.Helper()
	chat := s.control("GET", "/people/"+simulator.EntraID(n), nil).json(s.t)["chat"].(map[string]any)
	var out []map[string]any
	for _, m := range chat["messages"].([]any) {
		out = append(out, m.(map[string]any))
	}
	return out
}

// K row 23.
func TestServiceURLsInAllTheirForms(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	conversation := url.PathEscape(s.chat(1))
	for prefix, want := range map[string]int{
		"/emea/" + simulator.DefaultTenantID: 201, "/emea": 201, "/amer/" + simulator.DefaultTenantID: 201, "/teams": 201,
		"/teams/" + simulator.DefaultTenantID: 201, "/emea/99999999-9999-4999-8999-999999999999": 404,
	} {
		r := s.request("POST", prefix+"/v3/conversations/"+conversation+"/activities", s.token(botScope), card(prefix))
		if r.status != want {
			t.Errorf("%s: %d %s", prefix, r.status, r.body)
		}
	}
	if r := s.send(s.chat(1)+"/activities/extra", card("x")); r.status != 400 {
		t.Errorf("an escaped slash is part of the ID: %d %s", r.status, r.body)
	}
}

// K rows 25 and 26.
func TestRefusalsOfAChat(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	chats := map[int]string{}
	for n := 1; n <= 5; n++ {
		chats[n] = s.chat(n)
	}
	act := func(n int, verb string) { s.control("POST", "/people/"+simulator.EntraID(n)+"/"+verb, nil) }
	act(1, "block")
	act(2, "block")
	act(3, "remove")
	act(4, "delete-chat")
	for n, want := range map[int]struct {
		status int
		code   string
	}{
		1: {403, "MessageWritesBlocked"}, 2: {403, "ConversationBlockedByUser"}, 3: {403, "BotNotInConversationRoster"},
		4: {404, "ConversationNotFound"}, 5: {201, ""},
	} {
		if r := s.send(chats[n], card("x")); r.status != want.status || r.code() != want.code {
			t.Errorf("person %d: %d %s, want %v", n, r.status, r.body, want)
		}
	}
	if r := s.send("a:1nonsense", card("x")); r.status != 400 || !strings.Contains(r.body, "Failed to decrypt conversation id") {
		t.Errorf("forged conversation: %d %s", r.status, r.body)
	}
	act(1, "unblock")
	if r := s.send(chats[1], card("x")); r.status != 201 {
		t.Errorf("unblocked: %d %s", r.status, r.body)
	}
	again := s.create(4).json(t)["id"].(string)
	if again == chats[4] {
		t.Error("a chat created again after its deletion has another ID")
	}
	if r := s.send(again, card("x")); r.status != 201 {
		t.Errorf("created again: %d %s", r.status, r.body)
	}
	if r := s.send(chats[4], card("x")); r.status != 404 {
		t.Errorf("the old ID stays unknown: %d", r.status)
	}
	s.sim.SetDials(func(d *simulator.Dials) { d.BotDisabledByAdmin = true })
	if r := s.send(chats[5], card("x")); r.status != 403 || r.code() != "BotDisabledByAdmin" {
		t.Errorf("disabled by admin: %d %s", r.status, r.body)
	}
}

// K row 33 as a dial.
func TestNotificationOnlyBotsSendAfterRemoval(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	chat := s.chat(1)
	s.control("POST", "/people/"+simulator.EntraID(1)+"/remove", nil)
	s.sim.SetDials(func(d *simulator.Dials) { d.NotificationOnly = true })
	if r := s.send(chat, card("x")); r.status != 201 {
		t.Fatalf("%d %s", r.status, r.body)
	}
}

// K row 29.
func TestWhatIsWrongWithAMessage(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	chat := s.chat(1)
	long := func(units int, ch string) map[string]any {
		return map[string]any{"type": "message", "text": strings.Repeat(ch, units)}
	}
	adaptive := func(content any) map[string]any {
		return map[string]any{"type": "message", "attachments": []any{map[string]any{"contentType": "application/vnd.microsoft.card.adaptive", "content": content}}}
	}
	for name, c := range map[string]struct {
		body any
		want int
	}{
		"51,000 letters":  {long(51_000, "x"), 201},
		"51,300 letters":  {long(51_300, "x"), 413},
		"51,000 umlauts":  {long(51_000, "ü"), 201},
		"51,000 < signs":  {long(51_000, "<"), 201},
		"26,000 emoji":    {long(26_000, "🎺"), 413},
		"25,000 emoji":    {long(25_000, "🎺"), 201},
		"not JSON":        {[]byte("{"), 400},
		"no type":         {map[string]any{"text": "x"}, 400},
		"empty":           {map[string]any{"type": "message"}, 400},
		"not a card":      {adaptive(map[string]any{"type": "Other"}), 400},
		"no content type": {map[string]any{"type": "message", "attachments": []any{map[string]any{}}}, 400},
		"typing":          {map[string]any{"type": "typing"}, 201},
	} {
		s.move(10_000) // out of the conversation's own limits
		if r := s.send(chat, c.body); r.status != c.want {
			t.Errorf("%s: %d %s", name, r.status, r.body)
		}
	}
	s.move(10_000)
	both := card("x")
	both["text"] = "and text"
	if r := s.send(chat, both); r.status != 201 || r.json(t)["id"] != nil {
		t.Errorf("card and text are split and no usable ID is told: %d %s", r.status, r.body)
	}
}

// K row 30.
func TestUpdateAndDeleteOwnMessages(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	chat := s.chat(1)
	id := s.send(chat, card("before")).json(t)["id"].(string)
	path := "/conversations/" + url.PathEscape(chat) + "/activities/"
	if r := s.connector("PUT", path+id, card("after")); r.status != 200 || r.json(t)["id"] != id {
		t.Errorf("update: %d %s", r.status, r.body)
	}
	if m := s.messages(1)[0]; m["edited"] != true || m["summary"] != "after" {
		t.Errorf("after the update: %v", m)
	}
	said := s.control("POST", "/people/"+simulator.EntraID(1)+"/say", map[string]any{"text": "hi"}).json(t)["id"].(string)
	for name, c := range map[string]struct {
		method, id string
		want       int
	}{
		"unknown": {"PUT", "123", 404}, "the person's": {"PUT", said, 403}, "delete": {"DELETE", id, 200}, "delete the person's": {"DELETE", said, 403},
	} {
		if r := s.connector(c.method, path+c.id, card("x")); r.status != c.want {
			t.Errorf("%s: %d %s", name, r.status, r.body)
		}
	}
	if r := s.connector("PUT", path+id, card("x")); r.status != 404 || r.code() != "ActivityNotFoundInConversation" {
		t.Errorf("update of a deleted one: %d %s", r.status, r.body)
	}
	if r := s.sim.Report(); r.Updates != 1 || r.Deletes != 1 || r.Messages != 1 {
		t.Errorf("report: %+v", r)
	}
}

// K row 24.
func TestTheTenantsLimitCoversAllOperations(t *testing.T) {
	t.Parallel()
	s := newStage(t, still, func(o *simulator.Options) { o.ConnectorRate = 50 })
	s.sim.SetDials(func(d *simulator.Dials) { d.ThreadLimits = false })
	chat := s.chat(1) // one request
	passed, header, bare := 1, 0, 0
	for i := range 80 {
		ask := func() reply { return s.send(chat, card("x")) }
		if i%2 == 0 {
			ask = func() reply { return s.connector("GET", "/conversations/"+url.PathEscape(chat)+"/members", nil) }
		}
		r := ask()
		switch {
		case r.status/100 == 2:
			passed++
		case r.status != 429 || r.code() != "Throttled":
			t.Fatalf("%d %s", r.status, r.body)
		case r.header.Get("Retry-After") != "":
			header++
		default:
			bare++
		}
	}
	if passed != 50 || header == 0 || bare == 0 {
		t.Fatalf("%d passed, %d refused with Retry-After, %d without", passed, header, bare)
	}
	s.move(1000)
	if r := s.send(chat, card("x")); r.status != 201 {
		t.Fatalf("a second later: %d", r.status)
	}
	if r := s.sim.Report(); r.PeakPerSecond != 81 || r.Requests["send"] != 41 || r.Throttled["send"]+r.Throttled["members"] != 31 {
		t.Fatalf("peak %d, throttled %v", r.PeakPerSecond, r.Throttled)
	}
}

func TestOneConversationHasItsOwnLimit(t *testing.T) {
	t.Parallel()
	s := newStage(t, still)
	chat, other := s.chat(1), s.chat(2)
	count := func(tries int) (passed int) {
		for range tries {
			if s.send(chat, card("x")).status == 201 {
				passed++
			}
		}
		return passed
	}
	if got := count(10); got != 7 {
		t.Errorf("%d in a second, want 7", got)
	}
	if r := s.send(other, card("x")); r.status != 201 {
		t.Errorf("another conversation: %d", r.status)
	}
	s.move(1000)
	if got := count(10); got != 1 {
		t.Errorf("%d in the next second, want 1 (8 in 2 s)", got)
	}
	total := 8
	for range 13 {
		s.move(2001)
		total += count(10)
	}
	if total != 60 {
		t.Errorf("%d in 29 s, want 60", total)
	}
}

// K rows 27 and 28.
func TestInjectedFaultsStrikeAsTold(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.sim.SetDials(func(d *simulator.Dials) { d.ThreadLimits = false })
	one, two := s.chat(1), s.chat(2)
	for name, c := range map[string]struct {
		fault  simulator.Fault
		status int
		look   func(reply) bool
	}{
		"412":     {simulator.Fault{Status: 412}, 412, func(r reply) bool { return r.code() == "PreconditionFailed" }},
		"html":    {simulator.Fault{Status: 502, Shape: "html"}, 502, func(r reply) bool { return strings.Contains(r.body, "<html>") }},
		"empty":   {simulator.Fault{Status: 503, Shape: "empty", RetryAfter: 7}, 503, func(r reply) bool { return r.body == "" && r.header.Get("Retry-After") == "7" }},
		"subcode": {simulator.Fault{Status: 403, Shape: "subcode", Code: "MessageWritesBlocked"}, 403, func(r reply) bool { return r.code() == "MessageWritesBlocked" }},
		"reset":   {simulator.Fault{Shape: "reset"}, -1, func(reply) bool { return true }},
		"slow":    {simulator.Fault{DelayMS: 5}, 201, func(reply) bool { return true }},
	} {
		c.fault.Operation, c.fault.Next, c.fault.Person = "send", 1, simulator.EntraID(1)
		s.sim.SetDials(func(d *simulator.Dials) { d.Fail = []simulator.Fault{c.fault} })
		if r := s.send(two, card(name)); r.status != 201 {
			t.Errorf("%s: another person: %d", name, r.status)
		}
		if r := s.send(one, card(name)); r.status != c.status || !c.look(r) {
			t.Errorf("%s: %d %q", name, r.status, r.body)
		}
		if r := s.send(one, card(name)); r.status != 201 {
			t.Errorf("%s: once is once: %d", name, r.status)
		}
	}
}

func TestAnAmbiguousFailureShowsAsARepeat(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	chat := s.chat(1)
	s.sim.SetDials(func(d *simulator.Dials) {
		d.Fail = []simulator.Fault{{Operation: "send", Status: 504, StoreFirst: true, Skip: 1, Next: 1}}
	})
	for i, want := range []int{201, 504, 201} {
		message := card("same")
		message["channelData"] = map[string]any{"broadcastId": []string{"a", "b", "b"}[i]}
		if r := s.send(chat, message); r.status != want {
			t.Fatalf("%d: %d, want %d", i, r.status, want)
		}
	}
	r := s.sim.Report()
	if r.Messages != 3 || r.Reached != 1 || r.Repeats != 1 || r.ByBroadcast["a"].Repeats != 0 {
		t.Fatalf("report: %+v", r)
	}
	if b := r.ByBroadcast["b"]; b.Messages != 2 || b.Reached != 1 || b.Repeats != 1 || b.Repeated != 1 || b.HoldingTwice != 1 || b.Unheard != 1 {
		t.Fatalf("tally: %+v", b)
	}
	if s.control("POST", "/reset-report", nil).status != 204 {
		t.Fatal("reset")
	}
	s.send(chat, card("after"))
	if r := s.sim.Report(); r.Messages != 1 || r.Reached != 1 || r.Repeats != 0 || len(r.ByBroadcast) != 1 {
		t.Fatalf("after the reset: %+v", r)
	}
}

func TestMembersTeamsAndChannels(t *testing.T) {
	t.Parallel()
	s := newStage(t, func(o *simulator.Options) { o.People = 8000 })
	chat := url.PathEscape(s.chat(1))
	for _, id := range []string{simulator.EntraID(1), "ada.author@contoso.example"} {
		if r := s.connector("GET", "/conversations/"+chat+"/members/"+url.PathEscape(id), nil); r.status != 200 || r.json(t)["aadObjectId"] != simulator.EntraID(1) {
			t.Errorf("member %s: %d %s", id, r.status, r.body)
		}
	}
	if r := s.connector("GET", "/conversations/"+chat+"/members/"+simulator.EntraID(2), nil); r.status != 404 {
		t.Errorf("not a member: %d", r.status)
	}
	const general = "19:exampleteam0001@thread.tacv2"
	team := s.connector("GET", "/teams/"+url.PathEscape(general), nil).json(t)
	if team["name"] != "Berlin Office" || team["aadGroupId"] != s.group("Berlin Office") {
		t.Errorf("team: %v", team)
	}
	channels := s.connector("GET", "/teams/"+url.PathEscape(general)+"/conversations", nil).json(t)["conversations"].([]any)
	if len(channels) != 2 || channels[0].(map[string]any)["name"] != nil {
		t.Errorf("channels: %v", channels)
	}
	seen, token, pages := map[any]bool{}, "", 0
	for {
		page := s.connector("GET", "/conversations/"+url.PathEscape(general)+"/pagedmembers?pageSize=600&continuationToken="+url.QueryEscape(token), nil).json(t)
		for _, m := range page["members"].([]any) {
			seen[m.(map[string]any)["objectId"]] = true
		}
		pages++
		if token, _ = page["continuationToken"].(string); token == "" {
			break
		}
	}
	if len(seen) != 8000/7 || pages != 3 {
		t.Errorf("%d members in %d pages", len(seen), pages)
	}
	post := s.send(general, card("to a channel")).json(t)["id"].(string)
	if r := s.send(general+";messageid="+post, card("a reply")); r.status != 201 {
		t.Errorf("reply in a thread: %d %s", r.status, r.body)
	}
	if r := s.send("19:exampleteam0002@thread.tacv2", card("x")); r.status != 403 {
		t.Errorf("a team without the bot: %d", r.status)
	}
	if r := s.request(http.MethodPost, "/teams/v3/conversations", s.token(botScope), map[string]any{
		"isGroup": true, "channelData": map[string]any{"channel": map[string]any{"id": general}, "tenant": map[string]any{"id": simulator.DefaultTenantID}},
		"activity": card("thread"),
	}); r.status != 201 || r.json(t)["activityId"] == nil {
		t.Errorf("a new thread: %d %s", r.status, r.body)
	}
}
