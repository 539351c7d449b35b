package tenant

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
)

// A saved tenant is JSON, one value after another: a head, then a line for each
// touched person. Messages name their activity by its place in the head, so
// that a million copies are still one.
type savedHead struct {
	Version    int                  `json:"version"`
	People     int                  `json:"people"`
	BotID      string               `json:"bot_id"`
	Totals     Totals               `json:"totals"`
	Overrides  map[int]savedPerson  `json:"overrides,omitempty"`
	Log        []Change             `json:"log,omitempty"`
	Teams      []bool               `json:"teams"`
	Activities []Activity           `json:"activities"`
	Channels   map[string][]savedMs `json:"channels,omitempty"`
}

type savedPerson struct {
	Deleted    string
	Department *string
	Enabled    *bool
}

type savedChat struct {
	Number     int            `json:"n"`
	Installed  bool           `json:"i,omitempty"`
	Ever       bool           `json:"v,omitempty"`
	Blocked    int8           `json:"b,omitempty"`
	Gone       bool           `json:"g,omitempty"`
	Reached    bool           `json:"r,omitempty"`
	Generation uint32         `json:"gen"`
	Unread     int32          `json:"u,omitempty"`
	LastID     int64          `json:"l,omitempty"`
	Notice     string         `json:"o,omitempty"`
	Copies     map[string]int `json:"c,omitempty"`
	Messages   []savedMs      `json:"m,omitempty"`
}

type savedMs struct {
	ID       int64     `json:"id"`
	At       time.Time `json:"at"`
	Bot      bool      `json:"bot,omitempty"`
	Edited   bool      `json:"e,omitempty"`
	Deleted  bool      `json:"d,omitempty"`
	Activity int       `json:"a"`
	Of       string    `json:"of,omitempty"`
}

const savedVersion = 1

// Save writes everything that happened, so that Load in another process goes on
// from there. Nothing should be on its way meanwhile.
func (t *Tenant) Save(out io.Writer) error {
	places := map[*Activity]int{}
	head := savedHead{Version: savedVersion, BotID: t.BotID, People: t.People(), Totals: t.Totals(), Channels: map[string][]savedMs{}}
	place := func(a *Activity) int {
		i, ok := places[a]
		if !ok {
			i = len(head.Activities)
			places[a], head.Activities = i, append(head.Activities, *a)
		}
		return i
	}
	t.saveTeams(&head, place)
	t.saveDirectory(&head)
	numbers := t.Touched()
	slices.Sort(numbers)
	chats := make([]savedChat, 0, len(numbers))
	for _, n := range numbers {
		t.with(n, func(c *chat) { chats = append(chats, c.saved(n, place)) })
	}
	buffered := bufio.NewWriter(out)
	encoder := json.NewEncoder(buffered)
	if err := encoder.Encode(head); err != nil {
		return fmt.Errorf("saving the simulator: %w", err)
	}
	for i := range chats {
		if err := encoder.Encode(chats[i]); err != nil {
			return fmt.Errorf("saving the simulator: %w", err)
		}
	}
	return buffered.Flush()
}

func (t *Tenant) saveTeams(head *savedHead, place func(*Activity) int) {
	t.teams.mu.Lock()
	defer t.teams.mu.Unlock()
	for _, team := range t.teams.list {
		head.Teams = append(head.Teams, team.Installed)
	}
	for channel, list := range t.teams.messages {
		head.Channels[channel] = savedMessages(list, place)
	}
}

func (t *Tenant) saveDirectory(head *savedHead) {
	t.directory.mu.RLock()
	defer t.directory.mu.RUnlock()
	head.Log, head.Overrides = slices.Clone(t.directory.log), map[int]savedPerson{}
	for n, o := range t.directory.overrides {
		head.Overrides[n] = savedPerson{o.deleted, o.department, o.enabled}
	}
}

func (c *chat) saved(n int, place func(*Activity) int) savedChat {
	s := savedChat{
		Number: n, Installed: c.installed, Ever: c.ever, Blocked: c.blocked, Gone: c.gone, Reached: c.reached,
		Generation: c.generation, Unread: c.unread, LastID: c.lastID, Notice: c.notice, Copies: map[string]int{},
		Messages: savedMessages(c.messages, place),
	}
	for _, copied := range c.copies {
		s.Copies[copied.of.key] = int(copied.n)
	}
	return s
}

func savedMessages(list []Message, place func(*Activity) int) []savedMs {
	var out []savedMs
	for _, m := range list {
		out = append(out, savedMs{m.ID, m.At, m.FromBot, m.Edited, m.Deleted, place(m.Activity), m.BroadcastKey()})
	}
	return out
}

// Load replaces everything by what was saved. It must be called before anybody
// uses the tenant.
func (t *Tenant) Load(in io.Reader) error {
	decoder := json.NewDecoder(bufio.NewReader(in))
	var head savedHead
	if err := decoder.Decode(&head); err != nil {
		return fmt.Errorf("loading the simulator: %w", err)
	}
	if head.Version != savedVersion || head.BotID != t.BotID {
		return fmt.Errorf("loading the simulator: the file is of version %d and of bot %s", head.Version, head.BotID)
	}
	activities := make([]*Activity, len(head.Activities))
	for i := range head.Activities {
		activities[i] = &head.Activities[i]
	}
	for {
		var s savedChat
		err := decoder.Decode(&s)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("loading the simulator: %w", err)
		}
		if err := t.loadChat(s, activities); err != nil {
			return err
		}
	}
	return t.loadHead(head, activities)
}

func (t *Tenant) loadHead(head savedHead, activities []*Activity) error {
	t.people.Store(int64(max(head.People, t.People())))
	t.messages.Store(head.Totals.Messages)
	t.reached.Store(head.Totals.Reached)
	t.repeats.Store(head.Totals.Repeats)
	t.updates.Store(head.Totals.Updates)
	t.deletes.Store(head.Totals.Deletes)
	for key, tally := range head.Totals.ByBroadcast {
		b := t.broadcasts.get(key)
		b.messages.Store(tally.Messages)
		b.reached.Store(tally.Reached)
		b.repeats.Store(tally.Repeats)
	}
	t.directory.mu.Lock()
	t.directory.log, t.directory.overrides = head.Log, map[int]*override{}
	for n, o := range head.Overrides {
		t.directory.overrides[n] = &override{o.Deleted, o.Department, o.Enabled}
	}
	t.directory.mu.Unlock()
	t.directory.changed.Store(len(head.Overrides) > 0)
	t.teams.mu.Lock()
	defer t.teams.mu.Unlock()
	for i, installed := range head.Teams[:min(len(head.Teams), len(t.teams.list))] {
		t.teams.list[i].Installed = installed
	}
	for channel, list := range head.Channels {
		messages, err := t.loadMessages(list, activities)
		if err != nil {
			return err
		}
		t.teams.messages[channel] = messages
		for _, m := range messages {
			t.teams.lastID = max(t.teams.lastID, m.ID)
		}
	}
	return nil
}

func (t *Tenant) loadChat(s savedChat, activities []*Activity) error {
	messages, err := t.loadMessages(s.Messages, activities)
	if err != nil {
		return err
	}
	t.with(s.Number, func(c *chat) {
		c.installed, c.ever, c.blocked, c.gone, c.reached = s.Installed, s.Ever, s.Blocked, s.Gone, s.Reached
		c.generation, c.unread, c.lastID, c.notice, c.messages = s.Generation, s.Unread, s.LastID, s.Notice, messages
		for key, n := range s.Copies {
			c.copies = append(c.copies, copies{of: t.broadcasts.get(key), n: int32(n)})
		}
	})
	return nil
}

func (t *Tenant) loadMessages(list []savedMs, activities []*Activity) ([]Message, error) {
	var out []Message
	for _, m := range list {
		if m.Activity < 0 || m.Activity >= len(activities) {
			return nil, fmt.Errorf("loading the simulator: message %d has no content", m.ID)
		}
		loaded := Message{ID: m.ID, At: m.At, FromBot: m.Bot, Edited: m.Edited, Deleted: m.Deleted, Activity: activities[m.Activity]}
		if m.Of != "" {
			loaded.broadcast = t.broadcasts.get(m.Of)
		}
		out = append(out, loaded)
	}
	return out, nil
}
