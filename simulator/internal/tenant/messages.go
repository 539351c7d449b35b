package tenant

import (
	"encoding/json"
	"strconv"
	"time"
)

// Activity is a message of the bot, parsed once and shared by everybody who
// received the same bytes.
type Activity struct {
	Type, Text, Summary string
	Cards               []json.RawMessage
	// Broadcast says which broadcast this is: channelData.broadcastId, or the
	// hash of the attachments. Empty: no broadcast.
	Broadcast string
}

// Message is one line of a chat.
type Message struct {
	ID        int64
	At        time.Time
	FromBot   bool
	Edited    bool
	Deleted   bool
	Activity  *Activity
	broadcast *broadcast
}

// keep is how many messages of one chat are remembered.
const keep = 50

// Deliver puts a message of the bot into a chat and returns its ID. With count,
// it counts as a copy of its broadcast.
func (t *Tenant) Deliver(n int, generation uint32, a *Activity, count bool) (id string, wait time.Duration, problem Problem) {
	if _, ok := t.Person(n); !ok {
		return "", 0, NoSuchPerson
	}
	t.with(n, func(c *chat) {
		if problem = t.usable(c, n, generation); problem != Fine {
			return
		}
		if t.Dials.Now().ThreadLimits {
			var ok bool
			if wait, ok = c.thread.Take(t.Now()); !ok {
				problem = TooFast
				return
			}
		}
		if a.Type != "message" {
			return // typing and the like leave no trace
		}
		id = strconv.FormatInt(t.store(c, a, true, count), 10)
	})
	if problem == Fine {
		t.watch.changed(n)
	}
	return id, wait, problem
}

func (t *Tenant) store(c *chat, a *Activity, fromBot, count bool) int64 {
	now := t.Now()
	c.lastID = max(now.UnixMilli(), c.lastID+1)
	m := Message{ID: c.lastID, At: now, FromBot: fromBot, Activity: a}
	if fromBot {
		c.unread++
		t.messages.Add(1)
		if !c.reached {
			c.reached = true
			t.reached.Add(1)
		}
		if count && a.Broadcast != "" {
			m.broadcast = t.countCopy(c, a.Broadcast)
		}
	}
	if len(c.messages) >= keep {
		c.messages = append(c.messages[:0], c.messages[1:]...)
	}
	c.messages = append(c.messages, m)
	return m.ID
}

// Say puts a line of the person into the chat and returns its ID.
func (t *Tenant) Say(n int, text string) (id string) {
	t.with(n, func(c *chat) {
		c.gone = false
		id = strconv.FormatInt(t.store(c, &Activity{Type: "message", Text: text}, false, false), 10)
	})
	t.watch.changed(n)
	return id
}

// Edit replaces one of the bot's messages; a nil activity deletes it.
func (t *Tenant) Edit(n int, generation uint32, id string, a *Activity) (problem Problem) {
	if _, ok := t.Person(n); !ok {
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
		case a == nil:
			m.Deleted = true
			t.deletes.Add(1)
		default:
			m.Edited, m.Activity = true, a
			t.updates.Add(1)
		}
	})
	if problem == Fine {
		t.watch.changed(n)
	}
	return problem
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
	for i := range c.messages {
		if strconv.FormatInt(c.messages[i].ID, 10) == id {
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
	t.with(n, func(c *chat) { c.notice = notice })
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
			Installed: c.installed, Blocked: c.isBlocked(kind), Unread: int(c.unread), Notice: c.notice,
			ConversationID: t.ConversationID(n, c.generation),
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
