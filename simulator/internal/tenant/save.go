package tenant

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync/atomic"
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
	UserType   *string `json:",omitempty"`
	Manager    *int    `json:",omitempty"`
}

type savedChat struct {
	Number     int    `json:"n"`
	Installed  bool   `json:"i,omitempty"`
	Ever       bool   `json:"v,omitempty"`
	Blocked    int8   `json:"b,omitempty"`
	Gone       bool   `json:"g,omitempty"`
	Reached    bool   `json:"r,omitempty"`
	Generation uint32 `json:"gen"`
	Unread     int32  `json:"u,omitempty"`
	LastID     int64  `json:"l,omitempty"`
	Notice     string `json:"o,omitempty"`
	Version    string `json:"w,omitempty"`
	// Copies are all that ever came; Lost those without a line in the chat.
	Copies   map[string]int    `json:"c,omitempty"`
	Lost     map[string]Copies `json:"x,omitempty"`
	Messages []savedMs         `json:"m,omitempty"`
}

type savedMs struct {
	ID       int64  `json:"id"`
	Bot      bool   `json:"bot,omitempty"`
	Edited   bool   `json:"e,omitempty"`
	Deleted  bool   `json:"d,omitempty"`
	Unheard  bool   `json:"h,omitempty"`
	Activity int    `json:"a"`
	Of       string `json:"of,omitempty"`
	Void     bool   `json:"v,omitempty"` // of before a reset: not counted
	Reply    bool   `json:"r,omitempty"`
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
		t.with(n, func(c *chat) { chats = append(chats, t.savedChat(c, n, place)) })
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
		head.Channels[channel] = t.savedMessages(list, place)
	}
}

func (t *Tenant) saveDirectory(head *savedHead) {
	t.directory.mu.RLock()
	defer t.directory.mu.RUnlock()
	head.Log, head.Overrides = slices.Clone(t.directory.log), map[int]savedPerson{}
	for n, o := range t.directory.overrides {
		head.Overrides[n] = savedPerson{o.deleted, o.department, o.enabled, o.userType, o.manager}
	}
}

func (t *Tenant) savedChat(c *chat, n int, place func(*Activity) int) savedChat {
	s := savedChat{
		Number: n, Installed: c.installed, Ever: c.ever, Blocked: c.blocked, Gone: c.gone, Reached: c.reached,
		Generation: c.generation, Unread: c.unread, LastID: c.lastID, Copies: map[string]int{}, Version: t.versions.at(c.version),
		Messages: t.savedMessages(c.messages, place),
	}
	for _, m := range c.messages {
		if m.of != nil && m.of.epoch == t.epoch.Load() {
			s.Copies[m.of.key]++
		}
	}
	if c.rare == nil {
		return s
	}
	s.Notice, s.Lost = c.rare.notice, map[string]Copies{}
	for _, l := range c.rare.lost {
		s.Copies[l.of.key] += int(l.Got)
		s.Lost[l.of.key] = l.Copies
	}
	return s
}

func (t *Tenant) savedMessages(list []Message, place func(*Activity) int) []savedMs {
	var out []savedMs
	for _, m := range list {
		void := m.of != nil && m.of.epoch != t.epoch.Load()
		out = append(out, savedMs{m.ID, m.FromBot, m.Edited, m.Deleted, m.unheard, place(m.Activity), m.BroadcastKey(), void, m.Reply})
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
	for key, tally := range head.Totals.ByBroadcast { // the rest followed from the chats
		b := t.broadcast(key)
		b.messages.Store(tally.Messages)
		b.updates.Store(tally.Updates)
		b.deletes.Store(tally.Deletes)
		b.threads.Store(tally.Threads)
		for moment, saved := range map[*atomic.Int64]*time.Time{
			&b.firstStored: tally.FirstStored, &b.lastStored: tally.LastStored, &b.lastChanged: tally.LastChanged,
		} {
			if saved != nil {
				moment.Store(saved.UnixNano())
			}
		}
	}
	t.installs.Add(1)
	t.directory.mu.Lock()
	t.directory.log, t.directory.overrides = head.Log, map[int]*override{}
	for n, o := range head.Overrides {
		t.directory.overrides[n] = &override{o.Deleted, o.Department, o.Enabled, o.UserType, o.Manager}
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
	version := uint16(0)
	if s.Version != "" { // a file of an older simulator tells none
		version = t.versions.place(s.Version)
	}
	t.with(s.Number, func(c *chat) {
		c.version = version
		c.installed, c.ever, c.blocked, c.gone, c.reached = s.Installed, s.Ever, s.Blocked, s.Gone, s.Reached
		c.generation, c.unread, c.lastID, c.messages = s.Generation, s.Unread, s.LastID, messages
		if s.Notice != "" {
			c.rarely().notice = s.Notice
		}
		for key, total := range s.Copies {
			t.loadCopies(c, t.broadcast(key), s.Lost[key], total)
		}
	})
	return nil
}

// loadCopies lets a broadcast's counters follow a loaded chat. A file of an
// older simulator tells only how many copies came.
func (t *Tenant) loadCopies(c *chat, b *broadcast, gone Copies, total int) {
	if gone.Got = max(gone.Got, int32(total)-c.copiesOf(b).Got); gone.Got > 0 {
		r := c.rarely()
		r.lost = append(r.lost, lost{b, gone})
	}
	t.follow(b, Copies{}, c.copiesOf(b))
	for i := range c.messages {
		if m := &c.messages[i]; m.of == b && !m.Deleted {
			t.show(m, 1)
		}
	}
}

func (t *Tenant) loadMessages(list []savedMs, activities []*Activity) ([]Message, error) {
	var out []Message
	for _, m := range list {
		if m.Activity < 0 || m.Activity >= len(activities) {
			return nil, fmt.Errorf("loading the simulator: message %d has no content", m.ID)
		}
		loaded := Message{
			ID: m.ID, FromBot: m.Bot, Edited: m.Edited, Deleted: m.Deleted, unheard: m.Unheard, Activity: activities[m.Activity], Reply: m.Reply,
		}
		switch {
		case m.Void:
			loaded.of = &broadcast{key: m.Of, epoch: -1}
		case m.Of != "":
			loaded.of = t.broadcast(m.Of)
		}
		out = append(out, loaded)
	}
	return out, nil
}
