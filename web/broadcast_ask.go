package web

import (
	"fmt"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/web/words"
)

// act is a button that moves the broadcast at once.
type act struct {
	ID           broadcast.ID
	Revision     int64 // 0 where the engine's own moves must not get in the way
	Event, Words string
	Class        string
}

// What somebody judged by reading is compared with what they read; pausing and
// resuming are right whatever the engine did meanwhile.
func actOf(p showPage, event, words, class string) act {
	a := act{ID: p.B.ID, Event: event, Words: words, Class: class}
	if event == string(broadcast.EventSubmit) {
		a.Revision = p.B.Revision
	}
	return a
}

// ask is a dialog that says what will happen before it does, and to how many people.
type ask struct {
	B             *broadcast.Broadcast
	Event         string
	Title, Button string
	Open          bool
	Typed         asked
	Reach         *reachPart
	Target        *broadcast.Broadcast
	Whole         int
	Outcome       []outcome
	Warning       string
}

func askOf(p showPage, event, title, button string) ask {
	a := ask{
		B: p.B, Event: event, Title: title, Button: button, Open: p.Ask == event,
		Reach: p.Reach, Target: p.Target, Whole: p.Whole, Outcome: p.Outcome, Warning: p.Warning,
	}
	if a.Open {
		a.Typed = p.Asked
	}
	return a
}

// Compares tells whether the move is refused when the broadcast has changed since
// this was read. What only stops or goes on is right in any case.
func (a ask) Compares() bool {
	switch broadcast.Event(a.Event) {
	case broadcast.EventCancel, broadcast.EventGo, broadcast.EventRetry, broadcast.EventRecall:
		return false
	}
	return true
}

func (a ask) count(n int) string { return words.Count(a.B.Audience, n) }

// Left is how many it has not reached yet.
func (a ask) Left() int { return a.Whole - a.B.Tally.Done() }

// CancelWords says what cancelling does to how many.
func (a ask) CancelWords() string {
	t := a.B.Tally
	switch {
	case a.B.Welcomes() && !a.B.StartedAt.IsZero():
		return "Whoever comes from now on gets no welcome message, until another one is put into use. " + words.People(t.Sent) + " keep theirs."
	case a.Whole == 0:
		return "Nobody has received it, and nobody will. It stays on record, and can be duplicated."
	case a.Left() == 0:
		return "Everybody on the list has an outcome already; nothing is taken back."
	case a.B.Kind == broadcast.KindEdit:
		return fmt.Sprintf("%s keep the old words. %s have the corrected ones already and keep them.", a.count(a.Left()), a.count(t.Sent))
	case a.B.Kind == broadcast.KindRecall:
		return fmt.Sprintf("%s keep the message. From %s it is gone already.", a.count(a.Left()), a.count(t.Sent))
	}
	return fmt.Sprintf("%s will not get it any more. %s received it already and keep it.", a.count(a.Left()), a.count(t.Sent))
}

// Choices are the reasons people failed for, to be tried again by.
func (a ask) Choices() []outcome {
	var out []outcome
	for _, o := range a.Outcome {
		if o.Failed() {
			out = append(out, o)
		}
	}
	return out
}

// Unnamed is how many people may keep a copy that a recall or a correction cannot
// find, because Teams never told us its ID.
func (a ask) Unnamed() int { return unnamed(a.B, a.Outcome) }

// unnamed counts sends that were not confirmed: those of people who may have it
// twice, and those that were given up because of it.
func unnamed(b *broadcast.Broadcast, ended []outcome) int {
	n := b.Tally.MaybeRepeated
	for _, o := range ended {
		if o.Reason == broadcast.ReasonUnconfirmed {
			n += o.Count
		}
	}
	return n
}
