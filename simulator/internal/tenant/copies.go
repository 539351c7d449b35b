package tenant

import "sync/atomic"

// Copies is what one person got of one broadcast.
type Copies struct {
	// Got is how many copies ever came; of those the person holds Held now.
	Got  int32 `json:"got"`
	Held int32 `json:"held"`
	// Edited of the held ones were updated by the bot; Deleted were recalled.
	Edited  int32 `json:"edited"`
	Deleted int32 `json:"deleted"`
	// Unheard were stored while the bot got no answer, or a late one.
	Unheard int32 `json:"unheard"`
}

// lost are copies of which the chat has no line any more: it was deleted by the
// person, or has grown too long.
type lost struct {
	of *broadcast
	Copies
}

// copiesOf counts a person's copies; the caller holds the chat's lock. Chats are
// short, so counting is cheaper than keeping count.
func (c *chat) copiesOf(b *broadcast) (out Copies) {
	if c.rare != nil {
		for i := range c.rare.lost {
			if c.rare.lost[i].of == b {
				out = c.rare.lost[i].Copies
			}
		}
	}
	for i := range c.messages {
		if c.messages[i].of == b {
			out.add(&c.messages[i])
		}
	}
	return out
}

func (s *Copies) add(m *Message) {
	s.Got++
	switch {
	case m.Deleted:
		s.Deleted++
	case m.Edited:
		s.Held, s.Edited = s.Held+1, s.Edited+1
	default:
		s.Held++
	}
	if m.unheard {
		s.Unheard++
	}
}

// lose keeps count of a line that leaves the chat; held tells whether the
// person still has it.
func (t *Tenant) lose(c *chat, m *Message, held bool) {
	if m.of == nil || m.of.epoch != t.epoch.Load() {
		return
	}
	var one Copies
	one.add(m)
	if !held {
		one.Held, one.Edited = 0, 0
	}
	r := c.rarely()
	for i := range r.lost {
		if l := &r.lost[i]; l.of == m.of {
			l.Got, l.Held, l.Edited = l.Got+one.Got, l.Held+one.Held, l.Edited+one.Edited
			l.Deleted, l.Unheard = l.Deleted+one.Deleted, l.Unheard+one.Unheard
			return
		}
	}
	r.lost = append(r.lost, lost{m.of, one})
}

// change runs do, which may change the person's copies of a broadcast, and lets
// the broadcast's counters follow; the caller holds the chat's lock.
func (t *Tenant) change(c *chat, b *broadcast, do func()) {
	if b == nil || b.epoch != t.epoch.Load() {
		do()
		return
	}
	was := c.copiesOf(b)
	do()
	t.follow(b, was, c.copiesOf(b))
}

// follow moves the counters of a broadcast by what changed for one person.
func (t *Tenant) follow(b *broadcast, was, is Copies) {
	step(&b.reached, was.Got > 0, is.Got > 0)
	step(&b.repeated, was.Got > 1, is.Got > 1)
	step(&b.holding, was.Held > 0, is.Held > 0)
	step(&b.holdingTwice, was.Held > 1, is.Held > 1)
	step(&b.edited, was.Edited > 0, is.Edited > 0)
	step(&b.unedited, was.Held > was.Edited, is.Held > is.Edited)
	step(&b.deleted, was.Deleted > 0, is.Deleted > 0)
	if n := int64(is.Unheard - was.Unheard); n != 0 {
		b.unheard.Add(n)
	}
	if n := int64(max(is.Got, 1) - max(was.Got, 1)); n != 0 {
		b.repeats.Add(n)
		t.repeats.Add(n)
	}
}

func step(counter *atomic.Int64, was, is bool) {
	switch {
	case is && !was:
		counter.Add(1)
	case was && !is:
		counter.Add(-1)
	}
}

// show counts that a copy begins (1) or ends (-1) to show an activity's words.
func (t *Tenant) show(m *Message, by int64) {
	if m.of == nil || m.of.epoch != t.epoch.Load() {
		return
	}
	b := m.of
	if key := m.Activity.Broadcast; key != "" && key != b.key {
		b = t.broadcast(key)
	}
	b.shown.Add(by)
}

// EachCopies calls do with the copies of everybody above a number who ever got
// the broadcast, in the order of their numbers, until it answers false.
func (t *Tenant) EachCopies(key string, above int, do func(n int, copies Copies) bool) {
	b := t.known(key)
	if b == nil {
		return
	}
	for n := max(above, 0) + 1; n <= t.People(); n++ {
		var copies Copies
		t.peek(n, func(c *chat) { copies = c.copiesOf(b) })
		if copies.Got > 0 && !do(n, copies) {
			return
		}
	}
}

// CopiesOf returns person n's copies of a broadcast.
func (t *Tenant) CopiesOf(key string, n int) (copies Copies) {
	if b := t.known(key); b != nil {
		t.peek(n, func(c *chat) { copies = c.copiesOf(b) })
	}
	return copies
}
