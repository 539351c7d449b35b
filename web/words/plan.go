package words

import (
	"cmp"
	"fmt"
	"time"

	"github.com/fanfare/fanfare/broadcast"
)

// Sentence is one sentence with a moment in it, if At is set: the page shows it in
// the reader's own zone.
type Sentence struct {
	Before string
	At     time.Time
	After  string
}

func plain(format string, args ...any) Sentence {
	return Sentence{Before: fmt.Sprintf(format, args...)}
}

// Priority is a priority as a label where it is none of the usual: "Urgent".
func Priority(p broadcast.Priority) string {
	switch p {
	case broadcast.PriorityUrgent:
		return "Urgent"
	case broadcast.PriorityBulk:
		return "Bulk"
	}
	return ""
}

// PriorityMeans says what a priority does.
func PriorityMeans(p broadcast.Priority) string {
	switch p {
	case broadcast.PriorityUrgent:
		return "overtakes everything else that is being sent"
	case broadcast.PriorityBulk:
		return "steps aside for everything more pressing, but never stands still"
	}
	return "shares the way fairly with what else is being sent"
}

// Plan is how a broadcast is sent, in sentences: an approver reads exactly these.
func Plan(b *broadcast.Broadcast) []Sentence {
	p := b.Plan.Usual()
	out := []Sentence{plain("%s: it %s.", cmp.Or(Priority(p.Priority), "Normal priority"), PriorityMeans(p.Priority))}
	if b.Kind.Changes() {
		return out
	}
	out = append(out, wave(p.Canary))
	if n := len(b.Audience.Channels()); n > 0 && p.Canary.On() {
		out = append(out, plain("No channel is in the first wave: %s after it.", map[bool]string{true: "it gets its post", false: "they get their posts"}[n == 1]))
	}
	if p.ExpiresAt.IsZero() {
		out = append(out, plain("It has no expiry: everybody gets it, however long that takes."))
	} else {
		out = append(out, Sentence{"Whoever is not reached by ", p.ExpiresAt, " does not get it any more."})
	}
	switch p.Late {
	case broadcast.LateNever:
		out = append(out, plain("People who get the app only later do not get it."))
	case broadcast.LateUntilDate:
		out = append(out, Sentence{"People who get the app by ", p.LateUntil, " get it too, even after it is finished."})
	default:
		out = append(out, plain("People who get the app while it is being sent get it too."))
	}
	if p.Repeats == broadcast.RepeatsAvoid {
		return append(out, plain("What Teams does not confirm is not sent again: nobody gets it twice, a few may miss it."))
	}
	return append(out, plain("What Teams does not confirm is sent again: nobody misses it, a few may get it twice."))
}

// wave says who gets it first, and what follows.
func wave(c broadcast.Canary) Sentence {
	if !c.On() {
		return plain("Everybody gets it at once, without a first wave.")
	}
	first := fmt.Sprintf("First %s get it", People(c.People))
	if c.People == 1 {
		first = "First 1 person gets it"
	}
	if c.Group.ID != "" {
		first = fmt.Sprintf("First those of them who are in “%s” get it", cmp.Or(c.Group.Name, c.Group.ID))
	}
	switch {
	case !c.Auto:
		return plain("%s; then it is held until somebody lets it go on.", first)
	case c.MaxFailedPercent == 0:
		return plain("%s; then it goes on by itself, or is held if anybody failed.", first)
	}
	return plain("%s; then it goes on by itself, or is held if more than %d %% of them failed.", first, c.MaxFailedPercent)
}

// PlanInShort is what is not as usual about how a broadcast is sent, for one line.
func PlanInShort(b *broadcast.Broadcast) []Sentence {
	if b.Kind.Changes() {
		return []Sentence{plain("%s", cmp.Or(Priority(b.Plan.Priority), "As usual: normal priority"))}
	}
	var out []Sentence
	p := b.Plan
	if w := Priority(p.Priority); w != "" {
		out = append(out, plain("%s", w))
	}
	if c := p.Canary; c.Group.ID != "" {
		out = append(out, plain("“%s” first", cmp.Or(c.Group.Name, c.Group.ID)))
	} else if c.People > 0 {
		out = append(out, plain("%s first", People(c.People)))
	}
	if !p.ExpiresAt.IsZero() {
		out = append(out, Sentence{Before: "expires ", At: p.ExpiresAt})
	}
	switch p.Late {
	case broadcast.LateNever:
		out = append(out, plain("no late joiners"))
	case broadcast.LateUntilDate:
		out = append(out, Sentence{Before: "late joiners until ", At: p.LateUntil})
	}
	if p.Repeats == broadcast.RepeatsAvoid {
		out = append(out, plain("no repeats"))
	}
	if len(out) == 0 {
		return []Sentence{plain("As usual: normal priority, everybody at once, no expiry")}
	}
	return out
}
