package broadcast

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// BotAdded is the event that the bot was added for a person: by Graph, by an
// admin's policy or by the person, all the same (protocol D.1).
func (s *Service) BotAdded(ctx context.Context, id EntraID, at ConversationReference) error {
	return s.ledger.BotAdded(ctx, id, at)
}

// BotRemoved is the event that a person (or a policy) removed the app.
func (s *Service) BotRemoved(ctx context.Context, id EntraID) error {
	return s.ledger.BotGone(ctx, id, InstallationRemoved)
}

// Seen refreshes the address of a person we heard from.
func (s *Service) Seen(ctx context.Context, id EntraID, at ConversationReference) error {
	return s.ledger.Seen(ctx, id, at)
}

// Said answers what a person typed to the bot. It always answers: silence reads
// as a broken bot.
func (s *Service) Said(ctx context.Context, id EntraID, at ConversationReference, text string) error {
	if err := s.ledger.Seen(ctx, id, at); err != nil {
		return err
	}
	return s.messenger.Reply(ctx, at, s.answer(ctx, id, text))
}

func (s *Service) answer(ctx context.Context, id EntraID, text string) string {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "why":
		last, err := s.ledger.LastSent(ctx, id)
		if err != nil {
			return "You have not received an announcement here yet. When you do, write **why** and I will tell you who sent it and to whom."
		}
		return s.Why(ctx, last)
	case "stop":
		return "To stop my messages: open the menu of this chat and choose **Block**, or remove the app under **Apps**. You can undo both at any time. Important announcements will then no longer reach you here."
	}
	return "I deliver your organisation's announcements to this chat; nobody reads what is written here.\n\nWrite **why** to learn why you got the latest announcement, or **stop** to learn how to stop them."
}

// AskedWhy answers the button "Why am I getting this?" where Teams sends it as a
// message (protocol D.6, Action.Submit).
func (s *Service) AskedWhy(ctx context.Context, id EntraID, at ConversationReference, about ID) error {
	if err := s.ledger.Seen(ctx, id, at); err != nil {
		return err
	}
	return s.messenger.Reply(ctx, at, s.Why(ctx, about))
}

// toldParts is how many parts of its audience an answer names.
const toldParts = 20

// Why tells a recipient who sent a broadcast, to whom, and who approved it. Of one
// that was never sent it tells nothing: the ID comes from the one who asks.
func (s *Service) Why(ctx context.Context, id ID) string {
	b, err := s.ledger.Broadcast(ctx, id)
	if err != nil || b.StartedAt.IsZero() {
		return "This announcement is no longer on record."
	}
	why := fmt.Sprintf("“%s” was written by %s for: %s.", b.Message.Title, b.Author.Name, b.Told(toldParts))
	if b.ApprovedBy.Name != "" {
		why += fmt.Sprintf(" %s approved it.", b.ApprovedBy.Name)
	}
	return why
}

// People is what the ledger remembers of our bot at people.
type People interface {
	// BotAdded stores a person's address, marks the bot installed and makes what is
	// pending for them ready, handing the chunks to the engine, in one transaction.
	// It brings removed and blocked people back: the event is their own doing.
	BotAdded(ctx context.Context, id EntraID, at ConversationReference) error
	// BotGone marks the bot removed or blocked and skips what waits for the person,
	// except deliveries in a worker's hands, in one transaction.
	BotGone(ctx context.Context, id EntraID, state InstallationState) error
	// Address reads where a person can be written to; *Error NotFound if unknown.
	Address(ctx context.Context, id EntraID) (ConversationReference, error)
	// Seen refreshes a known person's service URL and conversation (protocol C.8).
	Seen(ctx context.Context, id EntraID, at ConversationReference) error
	// LastSent is the newest broadcast that was sent to a person; *Error NotFound if none.
	LastSent(ctx context.Context, id EntraID) (ID, error)
}

// Inbound is one activity Teams posted to the bot, verified and not yet handled.
type Inbound struct {
	ID             int64
	ConversationID string
	ActivityID     string
	Body           []byte
	ReceivedAt     time.Time
	Attempts       int
}
