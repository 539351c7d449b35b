package simulator

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fanfare/fanfare/simulator/internal/tenant"
	"github.com/fanfare/fanfare/simulator/internal/world"
)

// personView is a person in the recipient's window.
type personView struct {
	Number     int      `json:"number"`
	EntraID    string   `json:"entra_id"`
	Name       string   `json:"name"`
	UPN        string   `json:"upn"`
	Kind       string   `json:"kind"`
	Department string   `json:"department"`
	Title      string   `json:"title"`
	Office     string   `json:"office"`
	Roles      []string `json:"roles,omitempty"`
	Installed  bool     `json:"installed"`
	Blocked    bool     `json:"blocked"`
	Unread     int      `json:"unread"`
}

type chatView struct {
	ConversationID string        `json:"conversation_id"`
	Messages       []messageView `json:"messages"`
}

type messageView struct {
	ID          string            `json:"id"`
	At          time.Time         `json:"at"`
	From        string            `json:"from"`
	Text        string            `json:"text"`
	Summary     string            `json:"summary"`
	Cards       []json.RawMessage `json:"cards"`
	Edited      bool              `json:"edited"`
	Deleted     bool              `json:"deleted"`
	Reply       bool              `json:"reply"` // in a channel: within a thread
	BroadcastID string            `json:"broadcast_id"`
}

type personHandler func(rw http.ResponseWriter, r *http.Request, p tenant.Person)

// person finds who is meant by the path's Entra ID or user principal name.
func (s *Simulator) person(do personHandler) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		p, ok := s.world.Tenant.Find(r.PathValue("id"))
		if !ok {
			n, isNumber := tenant.Number(r.PathValue("id"))
			if !isNumber || n > s.world.Tenant.People() || !strings.HasSuffix(r.URL.Path, "/directory") {
				problem(rw, http.StatusNotFound, "There is no such person at Contoso.")
				return
			}
			p = tenant.Person{Number: n, EntraID: tenant.EntraID(n)} // deleted, but may be restored
		}
		do(rw, r, p)
	}
}

func (s *Simulator) look(p tenant.Person) personView {
	v := s.world.Tenant.View(p.Number, false)
	return personView{
		Number: p.Number, EntraID: p.EntraID, Name: p.Name, UPN: p.UPN, Kind: p.KindName(), Department: p.Department,
		Title: p.Title, Office: p.Office, Roles: p.Roles, Installed: v.Installed, Blocked: v.Blocked, Unread: v.Unread,
	}
}

// maxList is the largest page of the people's list.
const maxList = 500

func (s *Simulator) listPeople(rw http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	after, limit := atoi(q.Get("after"), 0), min(max(atoi(q.Get("limit"), 50), 1), maxList)
	text := strings.ToLower(strings.TrimSpace(q.Get("q")))
	list, last := []personView{}, 0
	more := false
	consider := func(n int) (goOn bool) {
		p, ok := s.world.Tenant.Person(n)
		if !ok || !matches(p, text) {
			return true
		}
		if len(list) == limit {
			more = true
			return false
		}
		list, last = append(list, s.look(p)), n
		return true
	}
	if q.Get("with_chat") == "1" {
		numbers := s.world.Tenant.Touched()
		slices.Sort(numbers)
		for _, n := range numbers {
			if n > after && !consider(n) {
				break
			}
		}
	} else {
		for n := max(after, 0) + 1; n <= s.world.Tenant.People() && consider(n); n++ {
			if n%4096 == 0 && r.Context().Err() != nil {
				return
			}
		}
	}
	answer := map[string]any{"people": list, "next": nil}
	if more {
		answer["next"] = last
	}
	world.JSON(rw, http.StatusOK, answer)
}

func atoi(text string, fallback int) int {
	if n, err := strconv.Atoi(text); err == nil {
		return n
	}
	return fallback
}

func matches(p tenant.Person, text string) bool {
	if text == "" {
		return true
	}
	for _, field := range []string{p.Name, p.UPN, p.Department, p.EntraID} {
		if strings.Contains(strings.ToLower(field), text) {
			return true
		}
	}
	return false
}

func (s *Simulator) onePerson(rw http.ResponseWriter, _ *http.Request, p tenant.Person) {
	v := s.world.Tenant.View(p.Number, true)
	chat := chatView{ConversationID: v.ConversationID, Messages: []messageView{}}
	for _, m := range v.Messages {
		chat.Messages = append(chat.Messages, messageOf(m))
	}
	answer := struct {
		personView
		Chat   chatView `json:"chat"`
		Notice *string  `json:"notice"`
	}{personView: s.look(p), Chat: chat}
	if v.Notice != "" {
		answer.Notice = &v.Notice
	}
	world.JSON(rw, http.StatusOK, answer)
}

func messageOf(m tenant.Message) messageView {
	out := messageView{
		ID: strconv.FormatInt(m.ID, 10), At: m.At(), From: "person", Cards: []json.RawMessage{},
		Edited: m.Edited, Deleted: m.Deleted, Reply: m.Reply, BroadcastID: m.BroadcastKey(),
	}
	if m.FromBot {
		out.From = "bot"
	}
	if !m.Deleted {
		out.Text, out.Summary = m.Activity.Text, m.Activity.Summary
		out.Cards = append(out.Cards, m.Activity.Cards...)
	}
	return out
}

// personEvents is a stream with an event "changed" whenever the chat changes.
func (s *Simulator) personEvents(rw http.ResponseWriter, r *http.Request, p tenant.Person) {
	changes, stop := s.world.Tenant.Watch(p.Number)
	defer stop()
	rw.Header().Set("Content-Type", "text/event-stream")
	rw.Header().Set("Cache-Control", "no-cache")
	stream := http.NewResponseController(rw)
	beat := time.NewTicker(20 * time.Second)
	defer beat.Stop()
	line := ": hello\n\n"
	for {
		if _, err := fmt.Fprint(rw, line); err != nil || stream.Flush() != nil {
			return
		}
		select {
		case <-changes:
			line = "event: changed\ndata: {}\n\n"
		case <-beat.C:
			line = ": still here\n\n"
		case <-r.Context().Done():
			return
		case <-s.closing:
			return
		}
	}
}
