package broadcast

import (
	"cmp"
	"context"
	"slices"
)

// may refuses an actor who holds none of the roles.
func may(a Actor, roles ...Role) error {
	if a.Has(roles...) {
		return nil
	}
	return Errorf(Forbidden, "Your role does not allow that. Ask somebody with the role %s.", roleWords(roles))
}

// MayWrite are the roles that write broadcasts; doors use it to show or hide.
func (a Actor) MayWrite() bool { return a.Has(authors...) }

// Check tells everything that keeps a proposal from being sent, as far as can be
// known without asking Microsoft.
func (s *Service) Check(p Proposal) error {
	m := p.Message.Trimmed()
	bad := append(problemsOf(m.Mistakes(s.links)), audienceProblems(p.Audience)...)
	if bad = append(bad, p.Plan.Problems(s.now())...); len(bad) > 0 {
		return bad
	}
	return s.fits(&Broadcast{ID: NewID(s.now()), Message: m, Audience: p.Audience})
}

// Create starts a draft. A draft may be unfinished; only what would be cut off
// or garbled is refused.
func (s *Service) Create(ctx context.Context, a Actor, p Proposal) (*Broadcast, error) {
	if err := may(a, authors...); err != nil {
		return nil, err
	}
	return s.begin(ctx, a, &Broadcast{Kind: KindAnnouncement, Message: p.Message, Audience: p.Audience, Plan: p.Plan})
}

// begin stores a new draft of any kind.
func (s *Service) begin(ctx context.Context, a Actor, b *Broadcast) (*Broadcast, error) {
	b.Message, b.Plan = b.own(b.Message.Trimmed()), b.Plan.tidy()
	if p := problemsOf(b.Message.Unfit()); len(p) > 0 {
		return nil, p
	}
	now := s.now()
	b.ID, b.State, b.Revision, b.Wave = NewID(now), Draft, 1, 1
	b.Author, b.Editors, b.CreatedAt, b.UpdatedAt = a.ActorRef, []EntraID{a.ID}, now, now
	move := Move{BroadcastID: b.ID, Event: EventCreate, To: Draft, By: a.ActorRef, At: now, Hash: b.Hash()}
	if err := s.ledger.Create(ctx, b, move); err != nil {
		return nil, err
	}
	return b, nil
}

// Edit replaces message, audience and plan if nobody else changed the broadcast
// since revision. Whatever was submitted or approved becomes a draft again; an edit
// that changes nothing does nothing. A correction has its announcement's audience.
func (s *Service) Edit(ctx context.Context, a Actor, id ID, revision int64, p Proposal) (*Broadcast, error) {
	b, err := s.ledger.Broadcast(ctx, id)
	if err != nil {
		return nil, err
	}
	next, move, err := b.apply(a, EventEdit, "", s.now())
	if err != nil {
		return nil, err
	}
	if b.Revision != revision {
		return nil, s.stale()
	}
	p.Message = b.own(p.Message.Trimmed())
	if bad := problemsOf(p.Message.Unfit()); len(bad) > 0 {
		return nil, bad
	}
	next.Message, next.Audience, next.Plan = p.Message, p.Audience, p.Plan.tidy()
	if b.Kind == KindEdit {
		next.Audience, next.Plan = b.Audience, Plan{Priority: next.Plan.Priority}
	}
	if b.Welcomes() {
		next.Audience, next.Plan = b.Audience, b.Plan
	}
	if next.Hash() == b.Hash() {
		return b, nil
	}
	next.ApprovedBy, next.ApprovedHash, next.SubmittedBy, next.Reason = ActorRef{}, "", ActorRef{}, ""
	if !slices.Contains(next.Editors, a.ID) {
		next.Editors = append(slices.Clone(next.Editors), a.ID)
	}
	move.Hash = next.Hash()
	return s.ledger.Change(ctx, Change{Before: b, After: next, Move: move})
}

func (s *Service) stale() *Error {
	return &Error{Conflict, "revision", "Somebody changed this broadcast since you opened it. Your words are still here: compare them with the newer version, then save again."}
}

// Get reads one broadcast.
func (s *Service) Get(ctx context.Context, a Actor, id ID) (*Broadcast, error) {
	if err := may(a, Roles()...); err != nil {
		return nil, err
	}
	return s.ledger.Broadcast(ctx, id)
}

// List reads a page of broadcasts, newest first.
func (s *Service) List(ctx context.Context, a Actor, q ListQuery) (ListPage, error) {
	if err := may(a, Roles()...); err != nil {
		return ListPage{}, err
	}
	q.Limit = pageSize(q.Limit, 50)
	q.Shelf = cmp.Or(q.Shelf, ShelfList)
	return s.ledger.List(ctx, q)
}

// History reads a broadcast's audit trail, oldest first.
func (s *Service) History(ctx context.Context, a Actor, id ID) ([]Move, error) {
	if err := may(a, Roles()...); err != nil {
		return nil, err
	}
	return s.ledger.History(ctx, id)
}

// Preview composes the very payload that would be sent to people of a variant's
// locale ("" for the default), from a message that may still be unfinished.
func (s *Service) Preview(a Actor, b Broadcast, locale string) (Payload, error) {
	if err := may(a, Roles()...); err != nil {
		return Payload{}, err
	}
	if b.Author == (ActorRef{}) {
		b.Author = a.ActorRef
	}
	b.Message, b.Plan = b.Message.Trimmed(), b.Plan.tidy()
	if p := problemsOf(b.Message.Unfit()); len(p) > 0 {
		return Payload{}, p
	}
	p, err := s.messenger.Compose(&b, locale)
	return p, in(locale, err)
}

// pageSize bounds what a caller asks for; 0 means the usual.
func pageSize(asked, usual int) int {
	if asked <= 0 {
		return usual
	}
	return min(asked, 500)
}
