package tenant

import (
	"time"

	"github.com/fanfare/fanfare/simulator/internal/dials"
	"github.com/fanfare/fanfare/simulator/internal/meter"
)

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
	problem, newest := Fine, t.newest()
	t.with(n, func(c *chat) {
		if c.installed {
			problem = AlreadyInstalled
			return
		}
		c.installed, c.ever, c.gone, c.version = true, true, false, newest
	})
	t.installs.Add(1)
	t.watch.changed(n)
	return problem
}

// Uninstall removes the bot; false if it was not there.
func (t *Tenant) Uninstall(n int) (was bool) {
	t.with(n, func(c *chat) { was, c.installed, c.ever = c.installed, false, c.ever || c.installed })
	t.installs.Add(1)
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

// DeleteChat is the person deleting the chat: the old conversation ID becomes
// unknown and its messages are gone (protocol E.3, K row 26).
func (t *Tenant) DeleteChat(n int) {
	t.with(n, func(c *chat) { t.clear(c) })
	t.watch.changed(n)
}

func (t *Tenant) clear(c *chat) {
	for len(c.messages) > 0 {
		m := c.messages[0]
		t.change(c, m.of, func() {
			if !m.Deleted {
				t.show(&m, -1)
			}
			c.messages = c.messages[1:]
			t.lose(c, &m, false)
		})
	}
	if c.rare != nil { // the lines that had left the chat's memory are gone as well
		for i := range c.rare.lost {
			l := &c.rare.lost[i]
			t.change(c, l.of, func() { l.Held, l.Edited = 0, 0 })
		}
	}
	c.gone, c.messages, c.unread = true, nil, 0
	c.generation++
}

// Installed tells whether the bot is installed for person n.
func (t *Tenant) Installed(n int) bool {
	installed := false
	if !t.peek(n, func(c *chat) { installed = c.installed }) {
		installed = t.Dials.Now().Kind(n) == dials.Preinstalled
	}
	return installed
}

// installCount is the last count and what it depended on.
type installCount struct {
	kinds    *dials.Kinds
	people   int
	installs int64
	count    int
}

// InstalledCount counts installations. It looks at everybody only if something
// about that changed: reports are asked for while a million people are sent to.
func (t *Tenant) InstalledCount() int {
	snap := t.Dials.Now()
	now := installCount{kinds: snap.Kinds, people: t.People(), installs: t.installs.Load()}
	if last := t.counted.Load(); last != nil && last.kinds == now.kinds && last.people == now.people && last.installs == now.installs {
		return last.count
	}
	for n := 1; n <= now.people; n++ {
		if snap.Kind(n) == dials.Preinstalled {
			now.count++
		}
	}
	for _, n := range t.Touched() {
		t.peek(n, func(c *chat) {
			switch pre := snap.Kind(n) == dials.Preinstalled; {
			case c.installed && !pre:
				now.count++
			case !c.installed && pre:
				now.count--
			}
		})
	}
	t.counted.Store(&now)
	return now.count
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
	if !t.Exists(n) {
		return "", 0, NoSuchPerson
	}
	snap := t.Dials.Now()
	t.with(n, func(c *chat) {
		if !c.installed && !(snap.NotificationOnly && c.ever) {
			problem = NotInstalled
			return
		}
		if snap.ThreadLimits {
			var ok bool
			if wait, ok = c.makes.Take(t.Now(), meter.Writing); !ok {
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

// Look tells whether a conversation's members may be read now; reading has a
// limit of its own (protocol E.1).
func (t *Tenant) Look(n int, generation uint32) (wait time.Duration, problem Problem) {
	if !t.Exists(n) {
		return 0, NoSuchPerson
	}
	t.with(n, func(c *chat) {
		if problem = t.usable(c, n, generation); problem == IsBlocked {
			problem = Fine
		}
		if problem != Fine || !t.Dials.Now().ThreadLimits {
			return
		}
		var ok bool
		if wait, ok = c.rarely().reads.Take(t.Now(), meter.Reading); !ok {
			problem = TooFast
		}
	})
	return wait, problem
}
