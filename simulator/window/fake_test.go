package window_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fanfare/fanfare/simulator/window"
)

// fakePerson and fakeMessage are the JSON of the simulator's API, field by field.
type fakePerson struct {
	Number     int       `json:"number"`
	EntraID    string    `json:"entra_id"`
	Name       string    `json:"name"`
	UPN        string    `json:"upn"`
	Kind       string    `json:"kind"`
	Department string    `json:"department"`
	Installed  bool      `json:"installed"`
	Blocked    bool      `json:"blocked"`
	Unread     int       `json:"unread"`
	Chat       *fakeChat `json:"chat,omitempty"`
	Notice     *string   `json:"notice"`
}

type fakeChat struct {
	ConversationID string        `json:"conversation_id"`
	Messages       []fakeMessage `json:"messages"`
}

type fakeMessage struct {
	ID          string            `json:"id"`
	At          time.Time         `json:"at"`
	From        string            `json:"from"`
	Text        string            `json:"text"`
	Summary     string            `json:"summary"`
	Cards       []json.RawMessage `json:"cards"`
	Edited      bool              `json:"edited"`
	Deleted     bool              `json:"deleted"`
	BroadcastID string            `json:"broadcast_id"`
}

// fake answers the simulator's JSON API from memory, so that a story can bring about in one line what
// the simulator would only do after a while (a deleted message, a broken event stream, 120 people).
// simulator_test.go holds the story with the real one.
type fake struct {
	t   *testing.T
	url string

	mu       sync.Mutex
	people   []*fakePerson
	calls    []string // verb and body of every POST, in order
	watchers map[chan struct{}]string
	noEvents bool // the event stream answers 503
	nextID   int
	click    func(body map[string]any) (kind, value any)
}

func newFake(t *testing.T, people int) *fake {
	t.Helper()
	f := &fake{t: t, watchers: map[chan struct{}]string{}, nextID: 1767323045000}
	first := []string{"Ada", "Ben", "Cora", "Dan", "Emil", "Fatima", "Grace", "Hugo", "Ines", "Jun"}
	last := []string{"Author", "Approver", "Admin", "Auditor", "Example", "Okafor", "Lindqvist", "Moreau"}
	rooms := []string{"Sales", "Engineering", "Human Resources", "Finance", "Legal"}
	for i := range people {
		n := i + 1
		f.people = append(f.people, &fakePerson{
			Number: n, EntraID: fmt.Sprintf("0b1ec700-0001-4000-8000-%012d", n),
			Name: first[i%len(first)] + " " + last[(i+i/len(first))%len(last)],
			UPN:  fmt.Sprintf("person.%d@contoso.example", n), Kind: "member", Department: rooms[i%len(rooms)],
			Installed: i%3 != 2,
		})
	}
	mux := http.NewServeMux()
	mux.Handle("/teams", window.Handler())
	mux.Handle("/teams/", window.Handler())
	mux.HandleFunc("GET /_simulator/people", f.list)
	mux.HandleFunc("GET /_simulator/people/{id}", f.one)
	mux.HandleFunc("GET /_simulator/people/{id}/events", f.events)
	mux.HandleFunc("POST /_simulator/people/{id}/{verb}", f.act)
	mux.HandleFunc("GET /pictures/{name}", picture)
	server := httptest.NewServer(mux)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	f.url = server.URL
	return f
}

func picture(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "image/svg+xml")
	_, _ = fmt.Fprint(w, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1024 400"><rect width="1024" height="400" fill="#f4b860"/>`+
		`<circle cx="800" cy="120" r="80" fill="#fff3c4"/><path d="M0 400L300 150L520 330L700 220L1024 400z" fill="#3c5a78"/></svg>`)
}

// person changes one person under the lock and tells the watchers.
func (f *fake) person(n int, change func(*fakePerson)) *fakePerson {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.people[n-1]
	change(p)
	f.tell(p.EntraID)
	return p
}

// deliver puts a message of the bot into the person's chat.
func (f *fake) deliver(n int, m fakeMessage) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.people[n-1]
	f.append(p, &m)
	p.Unread++
	f.tell(p.EntraID)
	return m.ID
}

func (f *fake) append(p *fakePerson, m *fakeMessage) {
	f.nextID++
	m.ID = strconv.Itoa(f.nextID)
	if m.From == "" {
		m.From = "bot"
	}
	if m.At.IsZero() {
		m.At = time.Now()
	}
	if p.Chat == nil {
		p.Chat = &fakeChat{ConversationID: "a:1" + p.EntraID}
	}
	p.Chat.Messages = append(p.Chat.Messages, *m)
}

func (f *fake) tell(entraID string) {
	for c, id := range f.watchers {
		if id == entraID {
			select {
			case c <- struct{}{}:
			default:
			}
		}
	}
}

// called waits until a POST came and answers it as "verb body"; the whole list is shown if none does.
func (f *fake) called(verb string) string {
	f.t.Helper()
	deadline := time.NewTimer(waitFor)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		f.mu.Lock()
		i := slices.IndexFunc(f.calls, func(c string) bool { return strings.HasPrefix(c, verb+" ") })
		all := slices.Clone(f.calls)
		f.mu.Unlock()
		if i >= 0 {
			return all[i]
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			f.t.Fatalf("no POST …/%s came, only %q", verb, all)
		}
	}
}

func (f *fake) list(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	q := strings.ToLower(r.FormValue("q"))
	after, _ := strconv.Atoi(r.FormValue("after"))
	limit, _ := strconv.Atoi(r.FormValue("limit"))
	page := struct {
		People []fakePerson `json:"people"`
		Next   *int         `json:"next"`
	}{People: []fakePerson{}}
	for _, p := range f.people {
		if p.Number <= after || (r.FormValue("with_chat") == "1" && p.Chat == nil) || !strings.Contains(strings.ToLower(p.Name+" "+p.UPN), q) {
			continue
		}
		if len(page.People) == limit {
			page.Next = &page.People[limit-1].Number
			break
		}
		short := *p
		short.Chat, short.Notice = nil, nil
		page.People = append(page.People, short)
	}
	answer(w, page)
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

func (f *fake) find(w http.ResponseWriter, r *http.Request) *fakePerson {
	i := slices.IndexFunc(f.people, func(p *fakePerson) bool { return p.EntraID == r.PathValue("id") })
	if i < 0 {
		http.Error(w, `{"error":"no such person"}`, http.StatusNotFound)
		return nil
	}
	return f.people[i]
}

func (f *fake) one(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if p := f.find(w, r); p != nil {
		answer(w, p)
	}
}

func (f *fake) events(w http.ResponseWriter, r *http.Request) {
	c := make(chan struct{}, 1)
	f.mu.Lock()
	broken := f.noEvents
	f.watchers[c] = r.PathValue("id")
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		delete(f.watchers, c)
		f.mu.Unlock()
	}()
	if broken {
		http.Error(w, "no events today", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.WriteHeader(http.StatusOK)
	_ = http.NewResponseController(w).Flush()
	for {
		select {
		case <-r.Context().Done():
			return
		case <-c:
			_, _ = fmt.Fprint(w, "event: changed\ndata: {}\n\n")
			_ = http.NewResponseController(w).Flush()
		}
	}
}

func (f *fake) act(w http.ResponseWriter, r *http.Request) {
	var body map[string]any
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.find(w, r)
	if p == nil {
		return
	}
	verb := r.PathValue("verb")
	raw, _ := json.Marshal(body)
	f.calls = append(f.calls, verb+" "+string(raw))
	switch verb {
	case "say":
		text, _ := body["text"].(string)
		if text == "refuse me" {
			w.WriteHeader(http.StatusBadGateway)
			answer(w, map[string]string{"error": "The bot does not answer."})
			return
		}
		f.append(p, &fakeMessage{From: "person", Text: text})
	case "click":
		kind, value := f.click(body)
		defer answer(w, map[string]any{"kind": kind, "value": value})
	case "install":
		p.Installed = true
	case "remove":
		p.Installed = false
	case "block", "unblock":
		p.Blocked = verb == "block"
	case "delete-chat":
		p.Chat, p.Unread = nil, 0
	case "read":
		p.Unread = 0
	}
	f.tell(p.EntraID)
}
