package api_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/simulator"
)

// posted waits for what Teams posted number n (from 0) and returns it.
func (w *world) posted(n int) delivery {
	w.t.Helper()
	eventually(w.t, "Teams posts to the bot", func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return len(w.deliveries) > n
	})
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.deliveries[n]
}

// good is a real activity of Teams with its real token, already delivered once.
func (w *world) good() delivery {
	w.t.Helper()
	w.inTeams(7, "install", nil)
	d := w.posted(0)
	if d.status != http.StatusOK {
		w.t.Fatalf("a good activity got %d", d.status)
	}
	return d
}

// repost posts a body with a token, as Teams would.
func (w *world) repost(authorization string, body io.Reader) answer {
	w.t.Helper()
	h := http.Header{"Content-Type": {"application/json; charset=utf-8"}}
	if authorization != "" {
		h.Set("Authorization", authorization)
	}
	return w.send(http.MethodPost, "/api/messages", h, body)
}

// changed is the activity with some fields replaced; nil removes one.
func (d delivery) changed(t *testing.T, fields object) io.Reader {
	t.Helper()
	var a object
	must(t, json.Unmarshal(d.body, &a))
	for k, v := range fields {
		if v == nil {
			delete(a, k)
			continue
		}
		a[k] = v
	}
	raw, err := json.Marshal(a)
	must(t, err)
	return bytes.NewReader(raw)
}

// stored is everything that waits in the inbox.
func (w *world) stored() []broadcast.Inbound {
	w.t.Helper()
	got, err := w.store.TakeActivities(w.t.Context(), 1000, time.Millisecond)
	must(w.t, err)
	return got
}

func TestForgedTokensAreRefusedAndNothingIsStored(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sim.SetDials(func(d *simulator.Dials) { d.BotToken = "missing" })
	w.inTeams(7, "install", nil)
	w.posted(1) // conversationUpdate and installationUpdate
	n := 2
	for _, forgery := range []string{"wrong_aud", "wrong_iss", "expired", "future", "serviceurl", "no_endorsement", "alg_none", "hs256", "missing", "graph_token"} {
		w.sim.SetDials(func(d *simulator.Dials) { d.BotToken = forgery })
		w.inTeams(7, "say", object{"text": "hello"})
		if got := w.posted(n).status; got != http.StatusUnauthorized && got != http.StatusForbidden {
			t.Errorf("%s: status %d, want 401 or 403", forgery, got)
		}
		n++
	}
	if left := w.stored(); len(left) != 0 {
		t.Errorf("%d forged activities were stored", len(left))
	}
}

func TestStrangersLearnNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.good()
	for name, token := range map[string]string{"none": "", "not bearer": "Basic abc", "garbage": "Bearer abc", "cut": d.authorization[:len(d.authorization)-3]} {
		for _, body := range []string{string(d.body), "", "{", strings.Repeat("x", 1000), `{"type":"message"}`} {
			p := w.repost(token, strings.NewReader(body)).refused(http.StatusUnauthorized, "unauthenticated", "Only Microsoft Teams")
			if strings.Contains(p.Detail, "kid") || strings.Contains(p.Detail, "signature") {
				t.Errorf("%s: the cause is told to a stranger: %s", name, p.Detail)
			}
		}
	}
}

// Nothing of the body is read before the token is good: a client that waits for
// "100 Continue" never sends one byte of it.
func TestTheBodyIsNotReadWithoutAToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var read atomic.Bool
	body := io.NopCloser(readerFunc(func(p []byte) (int, error) { read.Store(true); return 0, io.EOF }))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.app.URL+"/api/messages", body)
	must(t, err)
	req.ContentLength = 1000
	req.Header.Set("Expect", "100-continue")
	req.Header.Set("X-From-Test", "1")
	client := &http.Client{Transport: &http.Transport{ExpectContinueTimeout: time.Minute, DisableKeepAlives: true}}
	res, err := client.Do(req)
	must(t, err)
	defer res.Body.Close()
	if res.StatusCode != http.StatusUnauthorized || read.Load() {
		t.Errorf("status %d, body read: %v", res.StatusCode, read.Load())
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestABodyOfTenMegabytesIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.good()
	large := strings.Repeat(" ", 10<<20)
	w.repost(d.authorization, strings.NewReader(large)).refused(http.StatusRequestEntityTooLarge, "too_large", "256 kB")
	// Without a length in advance: read up to the limit, not further.
	w.repost(d.authorization, struct{ io.Reader }{strings.NewReader(large)}).refused(http.StatusRequestEntityTooLarge, "too_large", "256 kB")
}

func TestABodyThatIsNoActivityIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.good()
	for _, body := range []string{"", "{", "[]", "null", `{"id":"1"}`, "\xff\xfe"} {
		w.repost(d.authorization, strings.NewReader(body)).refused(http.StatusBadRequest, "bad_activity", "not a Bot Framework activity")
	}
}

func TestAGoodTokenDoesNotCoverAnotherActivity(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.good()
	w.posted(1)
	before := len(w.stored())
	for name, fields := range map[string]object{
		"another service URL": {"id": "x", "serviceUrl": "https://evil.example/"},
		"no service URL":      {"id": "x", "serviceUrl": nil},
		"another channel":     {"id": "x", "channelId": "webchat"},
		"another tenant":      {"id": "x", "channelData": object{"tenant": object{"id": "99999999-9999-4999-8999-999999999999"}}},
		"no tenant":           {"id": "x", "channelData": nil, "conversation": object{"id": "a:1", "conversationType": "personal"}},
	} {
		a := w.repost(d.authorization, d.changed(t, fields))
		if a.StatusCode != http.StatusForbidden {
			t.Errorf("%s: status %d", name, a.StatusCode)
		}
	}
	if got := len(w.stored()); got != before {
		t.Errorf("%d activities stored, before %d", got, before)
	}
}

func TestARepeatedActivityIsStoredOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.good()
	w.posted(1)
	before := len(w.stored())
	for range 3 {
		if a := w.repost(d.authorization, bytes.NewReader(d.body)); a.StatusCode != http.StatusOK || len(a.raw) != 0 {
			t.Errorf("status %d, body %q; want an empty 200", a.StatusCode, a.raw)
		}
	}
	for range 3 { // without an ID, equal bytes are the same activity
		if a := w.repost(d.authorization, d.changed(t, object{"id": nil})); a.StatusCode != http.StatusOK {
			t.Errorf("without an ID: status %d", a.StatusCode)
		}
	}
	if got := len(w.stored()); got != before+1 {
		t.Errorf("%d activities stored, want %d", got, before+1)
	}
}

func TestWhatWeDoNotKnowGets200(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.good()
	for _, fields := range []object{
		{"id": "1", "type": "somethingNew", "surprise": object{"a": 1}},
		{"id": "2", "type": "event", "name": "application/vnd.microsoft.readReceipt", "value": 7},
		{"id": "3", "type": "typing"},
		{"id": "4", "type": "conversationUpdate", "conversation": object{"id": "19:team@thread.tacv2", "conversationType": "channel"}},
	} {
		if a := w.repost(d.authorization, d.changed(t, fields)); a.StatusCode != http.StatusOK || len(a.raw) != 0 {
			t.Errorf("%v: status %d: %s", fields, a.StatusCode, a.raw)
		}
	}
}

func TestUnreadableKeysMeanTryAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sim.SetDials(func(d *simulator.Dials) { d.Fail = []simulator.Fault{{Operation: "bot.*", Status: 500}} })
	w.inTeams(7, "install", nil)
	if got := w.posted(0).status; got != http.StatusServiceUnavailable {
		t.Errorf("status %d, want 503", got)
	}
}

func TestALostDatabaseMeansTryAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.good()
	must(t, w.store.Close())
	p := w.repost(d.authorization, d.changed(t, object{"id": "new"})).refused(http.StatusServiceUnavailable, "unavailable", "Send it again")
	if strings.Contains(p.Detail, "sql") {
		t.Errorf("the cause is told: %s", p.Detail)
	}
}

func TestLookingAtTheBotsAddressDoesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if a := w.send(http.MethodGet, "/api/messages", http.Header{}, nil); a.StatusCode != http.StatusOK || !strings.Contains(string(a.raw), "Fanfare's bot endpoint") {
		t.Errorf("GET: %d %s", a.StatusCode, a.raw)
	}
	if a := w.send(http.MethodHead, "/api/messages", http.Header{}, nil); a.StatusCode != http.StatusOK || len(a.raw) != 0 {
		t.Errorf("HEAD: %d %s", a.StatusCode, a.raw)
	}
	a := w.send(http.MethodPut, "/api/messages", http.Header{}, nil)
	a.refused(http.StatusMethodNotAllowed, "method_not_allowed", "Allow header")
	if !strings.Contains(a.Header.Get("Allow"), http.MethodPost) {
		t.Errorf("Allow: %q", a.Header.Get("Allow"))
	}
}

// announce puts a real card into person n's chat and returns its message ID,
// its actions and the broadcast behind it.
func (w *world) announce(n int) (messageID string, why object, b *broadcast.Broadcast) {
	w.t.Helper()
	w.inTeams(n, "install", nil)
	b, err := w.service.Create(w.t.Context(), person(broadcast.RoleAuthor), broadcast.Proposal{Message: broadcast.Message{Title: "Summer party", Body: "Come!"}, Audience: broadcast.Everyone()})
	must(w.t, err)
	payload, err := w.teams.Compose(b, "")
	must(w.t, err)
	at, err := w.teams.Open(w.t.Context(), id(n), broadcast.ConversationReference{ServiceURL: w.painted.URL() + "/teams/"})
	must(w.t, err)
	messageID, err = w.teams.Send(w.t.Context(), at, payload)
	must(w.t, err)
	begun := *b
	begun.State, begun.StartedAt = broadcast.Sending, time.Now()
	b, err = w.store.Change(w.t.Context(), broadcast.Change{Before: b, After: &begun})
	must(w.t, err)
	why = find(payload.Card, func(o object) bool { return o["type"] == "Action.Execute" && o["verb"] == "why" })
	if why == nil {
		w.t.Fatalf("no why button in %s", payload.Card)
	}
	return messageID, why, b
}

// find looks through JSON for an object.
func find(raw []byte, fits func(object) bool) object {
	var v any
	if json.Unmarshal(raw, &v) != nil {
		return nil
	}
	var walk func(any) object
	walk = func(v any) object {
		switch v := v.(type) {
		case object:
			if fits(v) {
				return v
			}
			for _, inner := range v {
				if got := walk(inner); got != nil {
					return got
				}
			}
		case []any:
			for _, inner := range v {
				if got := walk(inner); got != nil {
					return got
				}
			}
		}
		return nil
	}
	return walk(v)
}

func TestTheWhyButtonIsAnsweredInPlace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	message, why, _ := w.announce(7)
	got := w.inTeams(7, "click", object{"message_id": message, "action": why})
	if text, _ := got["value"].(string); got["kind"] != "message" || !strings.Contains(text, "“Summer party” was written by Ada Author for: Everyone.") {
		t.Errorf("the click got %v", got)
	}
	secret, err := w.service.Create(t.Context(), person(broadcast.RoleAuthor), broadcast.Proposal{Message: broadcast.Message{Title: "Not yet", Body: "Wait."}, Audience: broadcast.Everyone()})
	must(t, err)
	why["data"] = object{"broadcastId": secret.ID}
	if text, _ := w.inTeams(7, "click", object{"message_id": message, "action": why})["value"].(string); strings.Contains(text, "Not yet") || !strings.Contains(text, "no longer on record") {
		t.Errorf("what was never sent is told: %q", text)
	}
	why["verb"] = "dance"
	if got := w.inTeams(7, "click", object{"message_id": message, "action": why}); got["kind"] != "error" {
		t.Errorf("an unknown button got %v", got)
	}
}

func TestAnUnknownInvokeIsNotImplemented(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.good()
	a := w.repost(d.authorization, d.changed(t, object{"type": "invoke", "name": "task/fetch", "value": object{}}))
	if a.StatusCode != http.StatusNotImplemented {
		t.Errorf("status %d", a.StatusCode)
	}
}
