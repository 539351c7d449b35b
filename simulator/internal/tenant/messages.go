package tenant

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/fanfare/fanfare/simulator/internal/dials"
	"github.com/fanfare/fanfare/simulator/internal/meter"
)

// Activity is a message of the bot, parsed once and shared by everybody who
// received the same bytes.
type Activity struct {
	Type, Text, Summary string
	Cards               []json.RawMessage
	// Broadcast says which broadcast this is: channelData.broadcastId, or the
	// first "broadcastId" in the attachments, or their hash. Empty: no broadcast.
	Broadcast string
}

// Message is one line of a chat. Its ID is the time at which it came, in
// milliseconds (protocol C.3).
type Message struct {
	ID       int64
	Activity *Activity
	of       *broadcast
	FromBot  bool
	Edited   bool
	Deleted  bool
	Reply    bool // in a channel: within a thread, and does not begin one
	unheard  bool
}

// At is when the message came.
func (m Message) At() time.Time { return time.UnixMilli(m.ID) }

// BroadcastKey returns which broadcast a message was a copy of.
func (m Message) BroadcastKey() string {
	if m.of == nil {
		return ""
	}
	return m.of.key
}

// keep is how many messages of one chat are remembered.
const keep = 50

// Delivery is a message of the bot to one person.
type Delivery struct {
	Number     int
	Generation uint32 // of the conversation's address
	Activity   *Activity
	// Copy: it counts as a copy of its broadcast, which a reply does not.
	Copy bool
	// Unheard: the bot will get no answer, or a late or another one.
	Unheard bool
}

// Deliver puts a message of the bot into a chat and returns its ID.
func (t *Tenant) Deliver(d Delivery) (id int64, wait time.Duration, problem Problem) {
	n := d.Number
	if !t.Exists(n) {
		return 0, 0, NoSuchPerson
	}
	snap := t.Dials.Now()
	t.with(n, func(c *chat) {
		if problem = t.usable(c, n, d.Generation); problem != Fine {
			return
		}
		if c.generation == 1 && snap.Kind(n) == dials.ChatDeleted {
			t.clear(c)
			problem = ChatGone
			return
		}
		if snap.ThreadLimits {
			var ok bool
			if wait, ok = c.sends.Take(t.Now(), meter.Writing); !ok {
				problem = TooFast
				return
			}
		}
		if d.Activity.Type != "message" {
			return // typing and the like leave no trace
		}
		id = t.deliver(c, d)
	})
	if problem == Fine {
		t.watch.changed(n)
	}
	return id, wait, problem
}

func (t *Tenant) deliver(c *chat, d Delivery) int64 {
	wall := t.wall()
	m := Message{FromBot: true, Activity: d.Activity, unheard: d.Unheard}
	if d.Copy && d.Activity.Broadcast != "" {
		m.of = t.broadcast(d.Activity.Broadcast)
		m.of.stored(wall)
	}
	t.change(c, m.of, func() { t.store(c, &m) })
	t.show(&m, 1)
	c.unread++
	t.messages.Add(1)
	t.pace.Add(wall)
	if !c.reached {
		c.reached = true
		t.reached.Add(1)
	}
	return m.ID
}

// store adds a line to a chat under the next ID.
func (t *Tenant) store(c *chat, m *Message) {
	c.lastID = max(t.Now().UnixMilli(), c.lastID+1)
	m.ID = c.lastID
	if len(c.messages) >= keep {
		t.lose(c, &c.messages[0], true)
		c.messages = append(c.messages[:0], c.messages[1:]...)
	}
	c.messages = append(c.messages, *m)
}

// Say puts a line of the person into the chat and returns its ID.
func (t *Tenant) Say(n int, text string) (id string) {
	t.with(n, func(c *chat) {
		c.gone = false
		m := Message{Activity: &Activity{Type: "message", Text: text}}
		t.store(c, &m)
		id = strconv.FormatInt(m.ID, 10)
	})
	t.watch.changed(n)
	return id
}

// Edit replaces one of the bot's messages; a nil activity deletes it (protocol
// C.5).
func (t *Tenant) Edit(n int, generation uint32, id string, a *Activity) (problem Problem) {
	if !t.Exists(n) {
		return NoSuchPerson
	}
	t.with(n, func(c *chat) {
		if problem = t.usable(c, n, generation); problem != Fine {
			return
		}
		m := c.find(id)
		switch {
		case m == nil || m.Deleted:
			problem = NoSuchMessage
		case !m.FromBot:
			problem = NotOwnMessage
		default:
			t.change(c, m.of, func() { t.edit(m, a) })
		}
	})
	if problem == Fine {
		t.watch.changed(n)
	}
	return problem
}

func (t *Tenant) edit(m *Message, a *Activity) {
	of := m.of
	if of == nil {
		of = &broadcast{} // nobody asks for it
	}
	of.lastChanged.Store(t.wall().UnixNano())
	t.show(m, -1)
	if a == nil {
		m.Deleted = true
		of.deletes.Add(1)
		t.deletes.Add(1)
		return
	}
	m.Edited, m.Activity = true, a
	t.show(m, 1)
	of.updates.Add(1)
	t.updates.Add(1)
}

// ReplaceCards shows other cards to this person in place of the message's: the
// answer of an Action.Execute.
func (t *Tenant) ReplaceCards(n int, id string, cards []json.RawMessage) {
	t.with(n, func(c *chat) {
		if m := c.find(id); m != nil {
			changed := *m.Activity
			changed.Cards = cards
			m.Activity = &changed
		}
	})
	t.watch.changed(n)
}

func (c *chat) find(id string) *Message {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return nil
	}
	for i := range c.messages {
		if c.messages[i].ID == n {
			return &c.messages[i]
		}
	}
	return nil
}

// Message returns one message of a chat.
func (t *Tenant) Message(n int, id string) (m Message, ok bool) {
	t.peek(n, func(c *chat) {
		if found := c.find(id); found != nil {
			m, ok = *found, true
		}
	})
	return m, ok
}

// SetNotice keeps the last toast a person saw.
func (t *Tenant) SetNotice(n int, notice string) {
	t.with(n, func(c *chat) { c.rarely().notice = notice })
	t.watch.changed(n)
}

// Read marks everything as read and returns the newest message's ID.
func (t *Tenant) Read(n int) (last string) {
	t.with(n, func(c *chat) {
		c.unread = 0
		last = strconv.FormatInt(c.lastID, 10)
	})
	return last
}

// View is what a person sees of the bot in Teams.
type View struct {
	Installed, Blocked bool
	Unread             int
	ConversationID     string
	Messages           []Message
	Notice             string
}

// View returns a copy of person n's chat.
func (t *Tenant) View(n int, messages bool) View {
	kind := t.Dials.Now().Kind(n)
	var v View
	touched := t.peek(n, func(c *chat) {
		v = View{
			Installed: c.installed, Blocked: c.isBlocked(kind), Unread: int(c.unread),
			ConversationID: t.ConversationID(n, c.generation),
		}
		if c.rare != nil {
			v.Notice = c.rare.notice
		}
		if messages {
			v.Messages = append([]Message(nil), c.messages...)
		}
	})
	if !touched {
		c := chat{}
		v = View{Installed: t.Installed(n), Blocked: c.isBlocked(kind), ConversationID: t.ConversationID(n, 1)}
	}
	return v
}
