package tenant

import (
	"time"

	"github.com/fanfare/fanfare/simulator/internal/dials"
	"github.com/fanfare/fanfare/simulator/internal/meter"
)

// chat is everything kept about a touched person, guarded by the shard's lock.
type chat struct {
	installed   bool
	ever        bool // was installed once
	blocked     int8 // 0: as the dials say, 1: yes, -1: no
	gone        bool // the person deleted the chat and nobody created it again
	reached     bool
	generation  uint32
	unread      int32
	lastID      int64
	epoch       int64
	messages    []Message
	copies      []copies
	thread      meter.Thread
	threadMakes meter.Thread
	notice      string
}

// copies counts how often one broadcast arrived.
type copies struct {
	of *broadcast
	n  int32
}

// Problem is why a chat cannot be used.
type Problem int

// The problems, in the order in which Teams notices them.
const (
	Fine Problem = iota
	NoSuchPerson
	NotInstalled
	IsBlocked
	ChatGone
	TooFast
	NoSuchMessage
	NotOwnMessage
	AlreadyInstalled
	IsGuest
	IsUnlicensed
	IsDisabled
	IsRefused
)

func (c *chat) isBlocked(kind dials.Kind) bool {
	return c.blocked > 0 || c.blocked == 0 && kind == dials.Blocked
}

// Install installs the bot for person n.
func (t *Tenant) Install(n int) Problem {
	p, ok := t.Person(n)
	switch {
	case !ok:
		return NoSuchPerson
	case p.Kind == dials.Guest:
		return IsGuest
	case !p.Enabled:
		return IsDisabled
	case p.Kind == dials.Unlicensed:
		return IsUnlicensed
	case p.Kind == dials.Refused:
		return IsRefused
	}
	problem := Fine
	t.with(n, func(c *chat) {
		if c.installed {
			problem = AlreadyInstalled
			return
		}
		c.installed, c.ever, c.gone = true, true, false
	})
	t.watch.changed(n)
	return problem
}

// Uninstall removes the bot; false if it was not there.
func (t *Tenant) Uninstall(n int) (was bool) {
	t.with(n, func(c *chat) { was, c.installed, c.ever = c.installed, false, c.ever || c.installed })
	t.watch.changed(n)
	return was
}

// Block sets whether person n blocks the bot.
func (t *Tenant) Block(n int, blocked bool) {
	t.with(n, func(c *chat) {
		c.blocked = -1
		if blocked {
			c.blocked = 1
		}
	})
	t.watch.changed(n)
}

// DeleteChat makes the old conversation ID unknown (protocol E.3).
func (t *Tenant) DeleteChat(n int) {
	t.with(n, func(c *chat) {
		c.gone, c.messages, c.unread = true, nil, 0
		c.generation++
	})
	t.watch.changed(n)
}

// Installed tells whether the bot is installed for person n.
func (t *Tenant) Installed(n int) bool {
	installed := false
	if !t.peek(n, func(c *chat) { installed = c.installed }) {
		installed = t.Dials.Now().Kind(n) == dials.Preinstalled
	}
	return installed
}

// InstalledCount counts installations.
func (t *Tenant) InstalledCount() int {
	snap, count := t.Dials.Now(), 0
	for n := 1; n <= t.People(); n++ {
		if snap.Kind(n) == dials.Preinstalled {
			count++
		}
	}
	for _, n := range t.Touched() {
		t.peek(n, func(c *chat) {
			switch pre := snap.Kind(n) == dials.Preinstalled; {
			case c.installed && !pre:
				count++
			case !c.installed && pre:
				count--
			}
		})
	}
	return count
}

// usable tells whether the bot may write to the chat now.
func (t *Tenant) usable(c *chat, n int, generation uint32) Problem {
	snap := t.Dials.Now()
	switch {
	case generation != anyGeneration && generation != c.generation:
		return ChatGone
	case !c.installed && !(snap.NotificationOnly && c.ever):
		return NotInstalled
	case c.isBlocked(snap.Kind(n)):
		return IsBlocked
	case c.gone:
		return ChatGone
	}
	return Fine
}

// Open is the Connector's get-or-create: it returns the conversation ID.
func (t *Tenant) Open(n int) (id string, wait time.Duration, problem Problem) {
	if _, ok := t.Person(n); !ok {
		return "", 0, NoSuchPerson
	}
	t.with(n, func(c *chat) {
		if !c.installed && !(t.Dials.Now().NotificationOnly && c.ever) {
			problem = NotInstalled
			return
		}
		if t.Dials.Now().ThreadLimits {
			var ok bool
			if wait, ok = c.threadMakes.Take(t.Now()); !ok {
				problem = TooFast
				return
			}
		}
		c.gone = false
		id = t.ConversationID(n, c.generation)
	})
	return id, wait, problem
}

// Present returns the address of the chat as events carry it.
func (t *Tenant) Present(n int) (id string) {
	t.with(n, func(c *chat) { id = t.ConversationID(n, c.generation) })
	return id
}

// Known tells whether a conversation address can be used for reading members.
func (t *Tenant) Known(n int, generation uint32) (problem Problem) {
	if _, ok := t.Person(n); !ok {
		return NoSuchPerson
	}
	t.with(n, func(c *chat) { problem = t.usable(c, n, generation) })
	return problem
}
