package broadcast

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// MaxNote is how long a reason may be, in characters.
const MaxNote = 1000

// Ask is what somebody says when they move a broadcast.
type Ask struct {
	ID ID
	// Revision is what they were looking at; a newer one is a Conflict. 0 does not compare.
	Revision int64
	Note     string    // the reason, for people; required when sending back
	DueAt    time.Time // for schedule
}

// Do makes one move of the state table for a person: submit, withdraw, approve,
// reject, schedule, unschedule, send, pause, resume or cancel. Everything that
// follows from it is stored with it or not at all.
func (s *Service) Do(ctx context.Context, a Actor, ev Event, ask Ask) (*Broadcast, error) {
	if ask.Note = strings.TrimSpace(ask.Note); utf8.RuneCountInString(ask.Note) > MaxNote {
		return nil, &Error{Invalid, "note", "The reason is longer than 1,000 characters. Shorten it."}
	}
	b, err := s.ledger.Broadcast(ctx, ask.ID)
	if err != nil {
		return nil, err
	}
	next, move, err := b.apply(a, ev, ask.Note, s.now())
	if err != nil {
		return nil, err
	}
	if ask.Revision != 0 && ask.Revision != b.Revision {
		return nil, &Error{Code: Conflict, Field: "revision", Message: "Somebody changed this broadcast since you opened it. Reload the page and look at it again first."}
	}
	next.Reason = ask.Note
	if err := s.prepare(ctx, a, move, next, ask); err != nil {
		return nil, err
	}
	move.Hash = next.Hash()
	return s.ledger.Change(ctx, Change{Before: b, After: next, Move: move, Works: worksAfter(move, next)})
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
		next.DueAt = ask.DueAt
	case EventUnschedule:
		next.DueAt = time.Time{}
	case EventSend:
		next.StartedAt = s.now()
		return next.ApprovedAsIs()
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
	if err := s.Check(b.Message, b.Audience); err != nil {
		return err
	}
	if err := s.nameGroups(ctx, &b.Audience); err != nil {
		return err
	}
	reach, err := s.reach(ctx, b.Audience)
	if err != nil {
		return err
	}
	if reach.Reachable() == 0 {
		return &Error{Invalid, "audience", "Nobody would get this: " + nobody(reach) + " Choose another audience."}
	}
	return nil
}

// nameGroups takes the groups' names from the directory: a name that came with
// the draft could tell the reviewer another audience than the one that is meant.
func (s *Service) nameGroups(ctx context.Context, to *Audience) error {
	named := slices.Clone(to.Groups)
	for i, g := range named {
		hits, err := s.directory.Groups(ctx, g.ID, 1)
		if err != nil {
			return err
		}
		if len(hits) == 0 || !strings.EqualFold(hits[0].ID, g.ID) {
			return &Error{Invalid, "audience", fmt.Sprintf("The group “%s” is not in the directory any more. Take it out of the audience.", cmp.Or(g.Name, g.ID))}
		}
		named[i].Name = hits[0].Name
	}
	to.Groups = named
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
	case m.Event == EventResume:
		return []Work{{Kind: KindSweep}}
	}
	return nil
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
	case EventResolved:
		works = append(works, Work{Kind: KindSweep})
	}
	_, err = s.ledger.Change(ctx, Change{Before: seen, After: next, Move: move, Works: works})
	if IsCode(err, Conflict) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	s.log.InfoContext(ctx, "broadcast moved", "broadcast", seen.ID, "event", ev, "state", next.State, "note", note)
	return true, nil
}

// PauseAll stops every broadcast that is being sent: what went wrong with the one
// that was seen concerns each of them (bad credentials, bot disabled). If that one
// has moved on, somebody knows and has acted: the news is old.
func (s *Service) PauseAll(ctx context.Context, seen *Broadcast, why string) error {
	if moved, err := s.AdvanceFrom(ctx, seen, EventPause, why); err != nil || !moved {
		return err
	}
	page, err := s.ledger.List(ctx, ListQuery{States: []State{Sending}, Limit: 500})
	for i := range page.Broadcasts {
		err = errors.Join(err, s.Advance(ctx, page.Broadcasts[i].ID, EventPause, why))
	}
	s.log.ErrorContext(ctx, "everything paused", "why", why)
	return err
}
