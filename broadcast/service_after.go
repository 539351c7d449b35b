package broadcast

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// sendable is everything that must still be true when Send is pressed.
func (s *Service) sendable(ctx context.Context, b *Broadcast) error {
	if err := b.ApprovedAsIs(); err != nil {
		return err
	}
	if p := b.Plan.Problems(s.now()); len(p) > 0 {
		return p
	}
	if b.Kind != KindEdit {
		return nil
	}
	target, err := s.ledger.Broadcast(ctx, b.Target)
	if err != nil {
		return err
	}
	return target.settled()
}

// settled refuses to change messages that are still being sent.
func (b *Broadcast) settled() error {
	if b.State.Live() {
		return Errorf(Conflict, "The announcement is still being sent. Wait until it is finished, or cancel what is left of it first.")
	}
	if !b.RecalledAt.IsZero() {
		return Errorf(Conflict, "The announcement was recalled; there is nothing left to correct.")
	}
	return nil
}

// prepareRetry notes who is to be tried again.
func (s *Service) prepareRetry(next *Broadcast, ask Ask) error {
	if !next.RetryAt.IsZero() {
		return Errorf(Conflict, "Failed people are being tried again already. Wait a moment.")
	}
	if x := next.Plan.ExpiresAt; !x.IsZero() && !x.After(s.now()) {
		return Errorf(Conflict, "Its expiry has passed, so it is delivered to nobody any more.")
	}
	next.RetryAt, next.RetryReason = s.now(), ask.Reason
	return nil
}

// recallOf is the broadcast that takes another one back.
func recallOf(b *Broadcast, a Actor, why string, now time.Time) (*Broadcast, Move) {
	r := &Broadcast{
		ID: NewID(now), Kind: KindRecall, Target: b.ID, State: Resolving, Revision: 1, Message: b.Message, Audience: b.Audience,
		Plan: Plan{Priority: PriorityUrgent}, Wave: 1, Reason: why, Author: a.ActorRef, Editors: []EntraID{a.ID}, SubmittedBy: a.ActorRef,
		CreatedAt: now, UpdatedAt: now, StartedAt: now,
	}
	r.ApprovedHash = r.Hash() // it says nothing new, so nobody has to approve it
	return r, Move{BroadcastID: r.ID, Event: EventRecall, To: Resolving, By: a.ActorRef, At: now, Note: why, Hash: r.Hash()}
}

// Correct begins a correction: a draft that will replace the message of an
// announcement where it was received. One at a time: an unsent one is given back.
func (s *Service) Correct(ctx context.Context, a Actor, id ID) (*Broadcast, error) {
	if err := may(a, authors...); err != nil {
		return nil, err
	}
	b, err := s.ledger.Broadcast(ctx, id)
	if err != nil {
		return nil, err
	}
	if b.Kind != KindAnnouncement || b.StartedAt.IsZero() {
		return nil, Errorf(Conflict, "Only an announcement that was sent can be corrected. Edit this one instead.")
	}
	if !b.RecalledAt.IsZero() {
		return nil, b.settled()
	}
	page, err := s.ledger.List(ctx, ListQuery{Target: id, States: []State{Draft, InReview, Rejected, Approved, Scheduled, Resolving, Sending, Paused, Held}, Limit: 1})
	if err != nil {
		return nil, err
	}
	if len(page.Broadcasts) > 0 {
		return &page.Broadcasts[0], nil
	}
	return s.begin(ctx, a, &Broadcast{Kind: KindEdit, Target: id, Message: b.Message, Audience: b.Audience})
}

// Corrected makes a correction's words those of its announcement, when the
// correction begins to be sent: who is retried or joins late gets the new ones.
// ErrNotYet while the announcement is still being sent.
func (s *Service) Corrected(ctx context.Context, edit *Broadcast) error {
	b, err := s.ledger.Broadcast(ctx, edit.Target)
	if err != nil {
		return err
	}
	if b.State.Live() {
		return ErrNotYet
	}
	if err := b.settled(); err != nil {
		return err
	}
	note := fmt.Sprintf("Correction approved by %s", edit.ApprovedBy.Name)
	next, move, err := b.apply(EngineActor, EventCorrected, note, s.now())
	if err != nil {
		return err
	}
	next.Message, next.ApprovedBy = edit.Message, edit.ApprovedBy
	if next.ApprovedHash = next.Hash(); next.ApprovedHash == b.ApprovedHash {
		return nil
	}
	move.Hash = next.Hash()
	moved, err := s.change(ctx, Change{Before: b, After: next, Move: move})
	if err == nil && !moved {
		return ErrNotYet
	}
	return err
}

// Note stores that a broadcast's whole list is written, or that a retry is carried
// out: what the engine learned of a broadcast without moving it. It is stored only
// if the broadcast is still as seen.
func (s *Service) Note(ctx context.Context, seen *Broadcast, note func(next *Broadcast)) error {
	next := *seen
	note(&next)
	next.UpdatedAt = s.now()
	_, err := s.ledger.Change(ctx, Change{Before: seen, After: &next, Works: []Work{{Kind: KindSweep}}})
	return err
}

// Passes lists the corrections and recalls of an announcement, newest first.
func (s *Service) Passes(ctx context.Context, a Actor, id ID) ([]Broadcast, error) {
	if err := may(a, Roles()...); err != nil {
		return nil, err
	}
	page, err := s.ledger.List(ctx, ListQuery{Target: id, Limit: 100})
	return page.Broadcasts, err
}

// PauseAll stops everything: what went wrong with the broadcast that was seen
// concerns each of them (bad credentials, bot disabled). If that one has moved on,
// somebody knows and has acted: the news is old.
func (s *Service) PauseAll(ctx context.Context, seen *Broadcast, h Halt) error {
	why := fmt.Sprintf("%s. %s", h.Reason.Words(), h.Reason.Remedy())
	moved, err := s.pauseHalted(ctx, seen, why)
	if err != nil || !moved {
		return err
	}
	h.At = s.now()
	err = s.ledger.SetHalt(ctx, h)
	page, listing := s.ledger.List(ctx, ListQuery{States: []State{Sending}, Limit: 500})
	err = errors.Join(err, listing)
	for i := range page.Broadcasts {
		_, pausing := s.pauseHalted(ctx, &page.Broadcasts[i], why)
		err = errors.Join(err, pausing)
	}
	s.log.ErrorContext(ctx, "everything halted", "reason", h.Reason, "code", h.Code, "detail", h.Detail)
	return err
}

func (s *Service) pauseHalted(ctx context.Context, seen *Broadcast, why string) (bool, error) {
	next, move, err := seen.apply(EngineActor, EventPause, why, s.now())
	if IsCode(err, Conflict) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	next.Reason, next.Halted = why, true
	return s.change(ctx, Change{Before: seen, After: next, Move: move})
}

// Halt is the halt that stands, nil if none does.
func (s *Service) Halt(ctx context.Context, a Actor) (*Halt, error) {
	if err := may(a, Roles()...); err != nil {
		return nil, err
	}
	return s.ledger.Halt(ctx)
}

// LiftHalt lets everything go on: an admin says that the cause is mended. Exactly
// what the halt paused is resumed; it stops again if the cause is still there.
func (s *Service) LiftHalt(ctx context.Context, a Actor) error {
	if err := may(a, RoleAdmin); err != nil {
		return err
	}
	if err := s.ledger.LiftHalt(ctx, a.ActorRef, s.now()); err != nil {
		return err
	}
	page, err := s.ledger.List(ctx, ListQuery{States: []State{Paused}, Limit: 500})
	for i := range page.Broadcasts {
		if b := &page.Broadcasts[i]; b.Halted {
			_, resuming := s.Do(ctx, a, EventResume, Ask{ID: b.ID})
			if !IsCode(resuming, Conflict) { // somebody has just moved it: theirs to say
				err = errors.Join(err, resuming)
			}
		}
	}
	return err
}

// notHalted refuses to resume one broadcast while nothing may be sent at all.
func (s *Service) notHalted(ctx context.Context) error {
	h, err := s.ledger.Halt(ctx)
	if err != nil || h == nil {
		return err
	}
	return Errorf(Conflict, "Everything is stopped: %s. %s An admin lets everything go on at the top of the page.", h.Reason.Words(), h.Reason.Remedy())
}

// Brake is how far Teams slows everybody down right now.
func (s *Service) Brake(ctx context.Context, a Actor) (Brake, error) {
	if err := may(a, Roles()...); err != nil {
		return Brake{}, err
	}
	return s.ledger.Brake(ctx)
}
