package broadcast

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/fanfare/fanfare/broadcast/audience"
)

// MaxNote is how long a reason may be, in characters.
const MaxNote = 1000

// Ask is what somebody says when they move a broadcast.
type Ask struct {
	ID ID
	// Revision is what they were looking at; a newer one is a Conflict. 0 does not compare.
	Revision int64
	Note     string    // the reason, for people; required when sending back and recalling
	DueAt    time.Time // for schedule
	Reason   Reason    // for retry: only those who failed for it; "" for all
}

// Do makes one move of the state table for a person: submit, withdraw, approve,
// reject, schedule, unschedule, send, pause, resume, go, retry, recall or cancel.
// Everything that follows from it is stored with it or not at all.
func (s *Service) Do(ctx context.Context, a Actor, ev Event, ask Ask) (*Broadcast, error) {
	if ask.Note = strings.TrimSpace(ask.Note); utf8.RuneCountInString(ask.Note) > MaxNote {
		return nil, &Error{Invalid, "note", "The reason is longer than 1,000 characters. Shorten it."}
	}
	b, err := s.ledger.Broadcast(ctx, ask.ID)
	for err == nil {
		stored, moving := s.do(ctx, a, ev, ask, b)
		if !IsCode(moving, Conflict) || ask.Revision != 0 {
			return stored, moving
		}
		seen := b
		if b, err = s.ledger.Broadcast(ctx, ask.ID); err == nil && !b.onlyLearned(seen) {
			return nil, moving
		}
	}
	return nil, err
}

// onlyLearned tells whether nothing has happened to a broadcast since it was seen but
// that the engine learned something of it (Note): nobody's click is refused for that.
func (b *Broadcast) onlyLearned(seen *Broadcast) bool {
	return b.Revision != seen.Revision && b.State == seen.State && b.Hash() == seen.Hash()
}

func (s *Service) do(ctx context.Context, a Actor, ev Event, ask Ask, b *Broadcast) (*Broadcast, error) {
	next, move, err := b.apply(a, ev, ask.Note, s.now())
	if err != nil {
		return nil, err
	}
	if ask.Revision != 0 && ask.Revision != b.Revision {
		return nil, &Error{Code: Conflict, Field: "revision", Message: "Somebody changed this broadcast since you opened it. Reload the page and look at it again first."}
	}
	next.Reason, next.Halted = ask.Note, false
	if err = s.prepare(ctx, a, move, next, ask); err == nil && s.guard != nil {
		err = s.guard.Allows(ctx, a, ev, next)
	}
	if err != nil {
		return nil, err
	}
	move.Hash = next.Hash()
	c := Change{Before: b, After: next, Move: move, Works: worksAfter(move, next)}
	if ev == EventRecall {
		c.Child, c.ChildMove = recallOf(b, a, ask.Note, s.now())
		c.Works = worksAfter(c.ChildMove, c.Child)
	}
	return s.ledger.Change(ctx, c)
}

// prepare checks what a move needs beyond role and state, and notes who made it.
func (s *Service) prepare(ctx context.Context, a Actor, m Move, next *Broadcast, ask Ask) error {
	switch m.Event {
	case EventSubmit:
		next.SubmittedBy = a.ActorRef
		return s.submittable(ctx, next)
	case EventApprove:
		next.ApprovedBy, next.ApprovedHash = a.ActorRef, next.Hash()
	case EventReject:
		if ask.Note == "" {
			return &Error{Invalid, "note", "Say what should change, so that the author can mend it."}
		}
	case EventSchedule:
		if !ask.DueAt.After(s.now()) {
			return &Error{Invalid, "at", "Choose a time in the future."}
		}
		if x := next.Plan.ExpiresAt; !x.IsZero() && !ask.DueAt.Before(x) {
			return &Error{Invalid, "at", "It is not to be delivered after its expiry, and this time is later. Choose an earlier one."}
		}
		next.DueAt = ask.DueAt
	case EventUnschedule:
		next.DueAt = time.Time{}
	case EventSend:
		next.StartedAt = s.now()
		return s.sendable(ctx, next)
	case EventResume:
		return s.notHalted(ctx)
	case EventGo:
		next.Wave = 1
	case EventRetry:
		return s.prepareRetry(next, ask)
	case EventRecall:
		if ask.Note == "" {
			return &Error{Invalid, "note", "Say why it is taken back: the reason stays on record."}
		}
		next.RecalledAt = s.now()
	case EventCancel:
		if m.From.Live() || m.From == Failed {
			next.FinishedAt = s.now()
		}
	}
	return nil
}

// submittable is everything that must be right before a reviewer's time is
// taken: the message whole, the audience readable, and somebody in it.
func (s *Service) submittable(ctx context.Context, b *Broadcast) error {
	if err := s.Check(b.Proposal()); err != nil {
		return err
	}
	if b.Kind == KindEdit || b.Welcomes() {
		return nil // its list is its announcement's, or whoever comes
	}
	named := Audience{Include: slices.Clone(b.Audience.Include), Exclude: slices.Clone(b.Audience.Exclude)}
	if err := errors.Join(s.nameParts(ctx, named.Include, "audience"), s.nameParts(ctx, named.Exclude, "audience")); err != nil {
		return err
	}
	b.Audience = named
	if ring := []audience.Part{{Kind: audience.Group, ID: b.Plan.Canary.Group.ID}}; ring[0].ID != "" {
		if err := s.nameParts(ctx, ring, "plan.canary.group"); err != nil {
			return err
		}
		b.Plan.Canary.Group.Name = ring[0].Name
	}
	reach, err := s.reach(ctx, b.Audience)
	if err != nil {
		return err
	}
	if reach.Reachable()+reach.Channels == 0 {
		return &Error{Invalid, "audience", "Nobody would get this: " + nobody(reach) + " Choose another audience."}
	}
	return nil
}

// nameParts takes the parts' names from where they are known: a name that came with
// the draft could tell the reviewer another audience than the one that is meant.
func (s *Service) nameParts(ctx context.Context, parts []audience.Part, field string) error {
	for i, p := range parts {
		name, err := s.directory.NameOf(ctx, p)
		if IsCode(err, NotFound) {
			return &Error{Invalid, field, AsMessage(err)}
		}
		if err != nil {
			return err
		}
		parts[i].Name = name
	}
	return nil
}

func nobody(r Reach) string {
	if r.Total == 0 {
		return "the audience is empty."
	}
	return "all of its people are guests, disabled, without Teams, or have no bot."
}

// ApprovedAsIs refuses to send anything but what the approver read.
func (b *Broadcast) ApprovedAsIs() error {
	if b.ApprovedHash == "" || b.ApprovedHash != b.Hash() {
		return Errorf(Conflict, "This is not what was approved. Submit it for review again.")
	}
	return nil
}

// worksAfter is the work a move leads to, handed out in the move's own transaction.
func worksAfter(m Move, b *Broadcast) []Work {
	switch {
	case b.State == Resolving:
		return []Work{{Kind: KindResolve, BroadcastID: b.ID}}
	case m.Event == EventCancel && (m.From.Live() || m.From == Failed):
		return []Work{{Kind: KindCancel, BroadcastID: b.ID}}
	case m.Event == EventRetry:
		return []Work{{Kind: KindRetry, BroadcastID: b.ID}}
	case b.State == Sending:
		return b.Sittings()
	}
	return nil
}

// Sittings are the works that send this broadcast, one for each seat.
func (b *Broadcast) Sittings() []Work {
	works := make([]Work, Seats)
	for i := range works {
		works[i] = Work{Kind: KindSend, BroadcastID: b.ID, Seat: i + 1, Priority: b.Plan.Usual().Priority}
	}
	return works
}

// Advance makes a move for the engine, from wherever the broadcast stands now.
func (s *Service) Advance(ctx context.Context, id ID, ev Event, note string) error {
	b, err := s.ledger.Broadcast(ctx, id)
	if err != nil {
		return err
	}
	_, err = s.AdvanceFrom(ctx, b, ev, note)
	return err
}

// AdvanceFrom makes a move for the engine if the broadcast is still as seen: what
// was learned before somebody resumed it must not stop it again. It tells whether
// it moved; that somebody else was first is theirs to do, and no error.
func (s *Service) AdvanceFrom(ctx context.Context, seen *Broadcast, ev Event, note string) (bool, error) {
	next, move, err := seen.apply(EngineActor, ev, note, s.now())
	if IsCode(err, Conflict) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	next.Reason = note
	works := worksAfter(move, next)
	switch ev {
	case EventRelease:
		next.StartedAt = s.now()
	case EventFinish:
		next.FinishedAt = s.now()
	case EventGo:
		next.Wave = 1
	case EventResolved:
		if next.ListedAt.IsZero() {
			next.ListedAt, next.Expected = s.now(), next.Tally.Total
		}
	}
	return s.change(ctx, Change{Before: seen, After: next, Move: move, Works: works})
}

// OpenList lets a broadcast be sent while its list, frozen at expected people, is
// still being written; the resolver notes when it is complete (Note).
func (s *Service) OpenList(ctx context.Context, seen *Broadcast, expected int) (bool, error) {
	next, move, err := seen.apply(EngineActor, EventResolved, "", s.now())
	if err != nil {
		return false, err
	}
	next.Reason, next.Expected = "", expected
	return s.change(ctx, Change{Before: seen, After: next, Move: move, Works: next.Sittings()})
}

// change stores a move of the engine's and tells whether it was made: that
// somebody else was first is no error.
func (s *Service) change(ctx context.Context, c Change) (bool, error) {
	_, err := s.ledger.Change(ctx, c)
	if IsCode(err, Conflict) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	s.log.InfoContext(ctx, "broadcast moved", "broadcast", c.Before.ID, "event", c.Move.Event, "state", c.After.State, "note", c.Move.Note)
	return true, nil
}
