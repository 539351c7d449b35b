package window_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fanfare/fanfare/simulator"
)

// bot is a small bot of its own: it hears activities over HTTP and speaks through the Connector.
type bot struct {
	t      *testing.T
	base   string
	client *http.Client
	heard  chan map[string]any
	clicks atomic.Int32
}

// startSimulator runs the real simulator with 50 people and connects a bot to it.
func startSimulator(t *testing.T) (b *bot, window string) {
	t.Helper()
	options := simulator.DefaultOptions()
	options.People, options.EventDelay = 50, 10*time.Millisecond
	s, err := simulator.New(options)
	if err != nil {
		t.Fatal(err)
	}
	server, err := simulator.Listen(context.Background(), "127.0.0.1:0", s)
	if err != nil {
		t.Fatal(err)
	}
	b = &bot{t: t, base: server.URL(), heard: make(chan map[string]any, 100)}
	ears := httptest.NewServer(b)
	s.SetBotEndpoint(ears.URL)
	authorities := x509.NewCertPool()
	authorities.AppendCertsFromPEM(s.CACertPEM())
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: authorities, MinVersion: tls.VersionTLS12}}
	b.client = &http.Client{Transport: transport}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		ears.Close()
	})
	return b, server.PlainURL() + "/teams"
}

// ServeHTTP answers the first click with a toast and later ones with a card.
func (b *bot) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var activity map[string]any
	if err := json.NewDecoder(r.Body).Decode(&activity); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	b.heard <- activity
	if activity["type"] != "invoke" {
		return
	}
	if b.clicks.Add(1) == 1 {
		answer(w, map[string]any{"statusCode": 200, "type": "application/vnd.microsoft.activity.message", "value": "Thanks, noted!"})
		return
	}
	card := json.RawMessage(`{"type":"AdaptiveCard","version":"1.5","body":[{"type":"TextBlock","text":"You have read it."}]}`)
	answer(w, map[string]any{"statusCode": 200, "type": "application/vnd.microsoft.card.adaptive", "value": card})
}

// hears waits for an activity of that type and drops others.
func (b *bot) hears(kind string) map[string]any {
	b.t.Helper()
	deadline := time.NewTimer(waitFor)
	defer deadline.Stop()
	for {
		select {
		case activity := <-b.heard:
			if activity["type"] == kind {
				return activity
			}
		case <-deadline.C:
			b.t.Fatalf("the bot never heard of a %s", kind)
		}
	}
}

// asks does one request to the simulator and answers the status and the JSON of its body.
func (b *bot) asks(path, token, contentType string, body io.Reader) (status int, reply map[string]any) {
	b.t.Helper()
	r, err := http.NewRequest(http.MethodPost, b.base+path, body)
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Content-Type", contentType)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := b.client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if err := json.NewDecoder(res.Body).Decode(&reply); err != nil {
		b.t.Fatalf("%s: %d %v", path, res.StatusCode, err)
	}
	return res.StatusCode, reply
}

// sends puts an activity into a conversation through the Connector, as any bot does (protocol A, C.3).
func (b *bot) sends(conversation string, activity any) (status int) {
	b.t.Helper()
	form := url.Values{
		"grant_type": {"client_credentials"}, "scope": {"https://api.botframework.com/.default"},
		"client_id": {simulator.DefaultBotID}, "client_secret": {simulator.DefaultClientSecret},
	}
	status, reply := b.asks("/"+simulator.DefaultTenantID+"/oauth2/v2.0/token", "", "application/x-www-form-urlencoded", strings.NewReader(form.Encode()))
	token, _ := reply["access_token"].(string)
	if token == "" {
		b.t.Fatalf("no token: %d %v", status, reply)
	}
	body, err := json.Marshal(activity)
	if err != nil {
		b.t.Fatal(err)
	}
	path := fmt.Sprintf("/emea/%s/v3/conversations/%s/activities", simulator.DefaultTenantID, url.PathEscape(conversation))
	status, _ = b.asks(path, token, "application/json", bytes.NewReader(body))
	return status
}

func conversationOf(activity map[string]any) string {
	conversation, _ := activity["conversation"].(map[string]any)
	id, _ := conversation["id"].(string)
	return id
}

func TestTheWholeCircleWithTheRealSimulator(t *testing.T) {
	t.Parallel()
	b, window := startSimulator(t)
	w := open(t, window+"?person=ada.author@contoso.example")
	w.sees(".log", "No messages yet.")
	w.sees(`.people a[aria-current="page"]`, "Ada Author")
	w.click(`[data-verb="install"]`)
	chat := conversationOf(b.hears("installationUpdate"))
	w.gone(".chat .strip")

	card := strings.ReplaceAll(announcement, "/pictures/summer.svg", "/pictures/summer.png")
	news := map[string]any{"type": "message", "summary": "The office closes early on Friday", "attachments": []any{
		map[string]any{"contentType": "application/vnd.microsoft.card.adaptive", "content": json.RawMessage(card)},
	}}
	if status := b.sends(chat, news); status != http.StatusCreated {
		t.Fatalf("sending: %d", status)
	}
	w.sees(".card", "The office closes early on Friday")
	w.until(`document.querySelector(".card img").naturalWidth > 0`)
	w.sees(".people-list .unread", "1")
	w.shoot("news")

	w.types(".card input", "See you")
	w.click(button("I have read it"))
	w.sees("#toasts", "Thanks, noted!")
	value, _ := json.Marshal(b.hears("invoke")["value"])
	if !bytes.Contains(value, []byte(`"verb":"acknowledge"`)) || !bytes.Contains(value, []byte(`"comment":"See you"`)) {
		t.Errorf("the bot was invoked with %s", value)
	}
	w.click(button("Ask a question"))
	if b.hears("message")["value"] == nil {
		t.Error("a submitted card has no value")
	}
	w.click(button("I have read it"))
	w.sees(".card", "You have read it.")

	w.types("#compose", "help")
	w.do(enter())
	if text := b.hears("message")["text"]; text != "help" {
		t.Errorf("the bot heard %q", text)
	}
	w.sees(".from-person", "help")
	if status := b.sends(chat, map[string]any{"type": "message", "text": "Write **stop** to hear no more."}); status != http.StatusCreated {
		t.Fatalf("answering: %d", status)
	}
	w.until(`[...document.querySelectorAll(".from-bot .text strong")].some((e) => e.innerText === "stop")`)
	w.click(`.reaction[aria-label="like"]`)
	b.hears("messageReaction")
	w.click(`[data-verb="read"]`)
	w.gone(".people-list .unread")
	w.shoot("talk")

	w.click(`[data-verb="block"]`)
	w.sees(".chat .strip", "blocked the bot")
	if status := b.sends(chat, news); status != http.StatusForbidden {
		t.Errorf("sending to a person who blocked the bot: %d", status)
	}
	w.click(`[data-verb="unblock"]`)
	w.gone(".chat .strip")
	w.click(`[data-verb="delete-chat"]`)
	w.click("dialog .danger")
	w.sees(".log", "No messages yet.")
	if status := b.sends(chat, news); status != http.StatusNotFound {
		t.Errorf("sending to a deleted chat: %d", status)
	}
	w.click(`[data-verb="remove"]`)
	b.hears("installationUpdate")
	w.sees(".chat .strip", "not installed")
}
