package tenant

import (
	"sync"
	"sync/atomic"
)

// broadcasts interns the keys of broadcasts, so that a person's counter costs a
// pointer and a number.
type broadcasts struct {
	mu    sync.RWMutex
	byKey map[string]*broadcast
}

type broadcast struct {
	key                        string
	messages, reached, repeats atomic.Int64
}

func (b *broadcasts) get(key string) *broadcast {
	b.mu.RLock()
	found := b.byKey[key]
	b.mu.RUnlock()
	if found != nil {
		return found
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if found = b.byKey[key]; found == nil {
		found = &broadcast{key: key}
		b.byKey[key] = found
	}
	return found
}

// countCopy notes that one more copy of a broadcast arrived in a chat; the
// caller holds the chat's lock.
func (t *Tenant) countCopy(c *chat, key string) *broadcast {
	b := t.broadcasts.get(key)
	b.messages.Add(1)
	for i := range c.copies {
		if c.copies[i].of == b {
			c.copies[i].n++
			b.repeats.Add(1)
			t.repeats.Add(1)
			return b
		}
	}
	c.copies = append(c.copies, copies{of: b, n: 1})
	b.reached.Add(1)
	return b
}

// BroadcastKey returns which broadcast a message was a copy of.
func (m Message) BroadcastKey() string {
	if m.broadcast == nil {
		return ""
	}
	return m.broadcast.key
}

// Tally is how far one broadcast came.
type Tally struct {
	Messages int64 `json:"messages"`
	Reached  int64 `json:"reached"`
	Repeats  int64 `json:"repeats"`
}

// Totals are the tenant's counters since the last reset.
type Totals struct {
	Messages, Reached, Repeats, Updates, Deletes int64
	ByBroadcast                                  map[string]Tally
}

// Totals returns the counters.
func (t *Tenant) Totals() Totals {
	totals := Totals{
		Messages: t.messages.Load(), Reached: t.reached.Load(), Repeats: t.repeats.Load(),
		Updates: t.updates.Load(), Deletes: t.deletes.Load(), ByBroadcast: map[string]Tally{},
	}
	t.broadcasts.mu.RLock()
	defer t.broadcasts.mu.RUnlock()
	for key, b := range t.broadcasts.byKey {
		totals.ByBroadcast[key] = Tally{b.messages.Load(), b.reached.Load(), b.repeats.Load()}
	}
	return totals
}

// ResetTotals sets the counters to zero; chats and installations stay.
func (t *Tenant) ResetTotals() {
	t.broadcasts.mu.Lock()
	defer t.broadcasts.mu.Unlock()
	t.broadcasts.byKey = map[string]*broadcast{}
	t.epoch.Add(1)
	for _, n := range []*atomic.Int64{&t.messages, &t.reached, &t.repeats, &t.updates, &t.deletes} {
		n.Store(0)
	}
}
