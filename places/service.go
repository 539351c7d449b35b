package places

import (
	"context"
	"iter"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/fanfare/fanfare/broadcast"
)

// Ledger is what is remembered of places.
type Ledger interface {
	// Hear stores what an event tells: the place, its channel, the accounts of the
	// people it names, and that a roster is to be read; in one transaction.
	Hear(ctx context.Context, e Event) error
	// Account reads how Teams calls a person and where they are served, without any
	// conversation; *Error NotFound if nothing told it.
	Account(ctx context.Context, id broadcast.EntraID) (broadcast.ConversationReference, error)
	// FindTeams and FindChannels find by the beginning of words, those of use first.
	FindTeams(ctx context.Context, text string, limit int) ([]TeamHit, error)
	FindChannels(ctx context.Context, text string, limit int) ([]ChannelHit, error)
}

// Lists is who is in teams.
type Lists interface {
	// Team reads a team and how far its roster is; *Error NotFound if nobody knows it.
	Team(ctx context.Context, teamID string) (TeamHit, error)
	// RosterPage reads members of a whole round after one, in the order of EntraID.
	RosterPage(ctx context.Context, teamID string, round int64, after broadcast.EntraID, limit int) ([]broadcast.EntraID, error)
	// AskRoster has a team's roster read soon; *Error NotFound for a team nobody knows.
	AskRoster(ctx context.Context, teamID string) error
	// Channel reads a channel with its team, whatever has become of either; *Error
	// NotFound if nobody knows it.
	Channel(ctx context.Context, id string) (ChannelHit, error)
}

// Messenger is how the bot speaks in a place, and opens chats.
type Messenger interface {
	Reply(ctx context.Context, to broadcast.ConversationReference, text string) error
	// Open gets or creates the conversation with a person who has the bot.
	Open(ctx context.Context, id broadcast.EntraID, known broadcast.ConversationReference) (broadcast.ConversationReference, error)
}

// Config is what the service is made of.
type Config struct {
	Ledger    Ledger
	Lists     Lists
	Messenger Messenger
}

// Service holds the use-cases of places.
type Service struct {
	ledger    Ledger
	lists     Lists
	messenger Messenger
}

// New makes the use-cases.
func New(c Config) *Service { return &Service{c.Ledger, c.Lists, c.Messenger} }

// Hear takes note of what an activity tells. It may be told twice, late or early.
func (s *Service) Hear(ctx context.Context, e Event) error { return s.ledger.Hear(ctx, e) }

// Mentioned takes note of somebody who spoke to the bot in front of others, and
// answers there. What concerns this person alone is left to their own chat.
func (s *Service) Mentioned(ctx context.Context, e Event, at broadcast.ConversationReference, text string) error {
	if err := s.ledger.Hear(ctx, e); err != nil {
		return err
	}
	return s.messenger.Reply(ctx, at, answer(e.Place.Kind, text))
}

func answer(where Kind, text string) string {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "why":
		return "Why you got an announcement is nobody else's business. Write **why** to me in our own chat, and I will tell you there."
	case "stop":
		if where == GroupChat {
			return "To take me out of this chat: open its list of apps and remove me. Announcements in your own chat are not affected; write **stop** to me there."
		}
		return "An owner can take me out of this team under **Manage team**, **Apps**. Announcements in your own chat are not affected; write **stop** to me there."
	}
	if where == GroupChat {
		return "I deliver your organisation's announcements to people's own chats; nobody reads what is written to me here. Write **help** to me in our own chat to see what I can tell you."
	}
	return "I deliver your organisation's announcements, to people's own chats and to channels like this one; nobody reads what is written to me here. Write **help** to me in our own chat to see what I can tell you."
}

// Open gets the conversation of somebody who has the bot, by the account that an
// activity or a roster revealed; with anyhow also without one, by the directory ID
// alone (protocol C.1). It sends nothing. The error is a *broadcast.Fault, or
// *Error NotFound if nothing is known and anyhow is false.
func (s *Service) Open(ctx context.Context, id broadcast.EntraID, anyhow bool) (broadcast.ConversationReference, error) {
	known, err := s.ledger.Account(ctx, id)
	if err != nil && (!anyhow || !broadcast.IsCode(err, broadcast.NotFound)) {
		return broadcast.ConversationReference{}, err
	}
	return s.messenger.Open(ctx, id, known)
}

// TeamHit is a team to choose from.
type TeamHit struct {
	Place
	Roster
}

const (
	usualHits   = 25
	mostHits    = 100
	longestText = 200
)

// Teams finds teams to choose from by the beginning of words of their name; all of
// them for no text. limit 0 is the usual.
func (s *Service) Teams(ctx context.Context, a broadcast.Actor, text string, limit int) ([]TeamHit, error) {
	if err := mayChoose(a, text); err != nil {
		return nil, err
	}
	return s.ledger.FindTeams(ctx, text, hits(limit))
}

// Named finds teams by the beginning of words of their name, or the one of an ID,
// for whoever has asked who may.
func (s *Service) Named(ctx context.Context, text string, limit int) ([]TeamHit, error) {
	if !strings.HasPrefix(text, "19:") {
		return s.ledger.FindTeams(ctx, text, hits(limit))
	}
	team, err := s.lists.Team(ctx, text)
	if broadcast.IsCode(err, broadcast.NotFound) {
		return nil, nil
	}
	return []TeamHit{team}, err
}

func mayChoose(a broadcast.Actor, text string) error {
	if !a.MayWrite() {
		return broadcast.Errorf(broadcast.Forbidden, "Your role does not allow that. Ask somebody with the role Author or Admin.")
	}
	if utf8.RuneCountInString(text) > longestText {
		return &broadcast.Error{Code: broadcast.Invalid, Field: "q", Message: "Look for at most 200 characters."}
	}
	return nil
}

func hits(limit int) int {
	if limit <= 0 {
		return usualHits
	}
	return min(limit, mostHits)
}

// Roster is how far a team's roster is.
type Roster struct {
	Round   int64     // the last whole one; 0 for none
	ReadAt  time.Time // when that came to its end
	Members int       // in it
	Problem string    // why it could not be read since; "" if nothing is wrong
}

// ReadRoster has a team's roster read soon, whenever it was read last.
func (s *Service) ReadRoster(ctx context.Context, a broadcast.Actor, teamID string) error {
	if err := mayChoose(a, ""); err != nil {
		return err
	}
	return s.lists.AskRoster(ctx, teamID)
}

// membersPage is how many members are held at a time.
const membersPage = 5_000

// Members yields everybody in a team, in the order of EntraID, as of the last time its
// roster was read to its end. It fails closed: with an *Error when no roster is whole
// yet, or when a newer one takes its place on the way (begin again then).
func (s *Service) Members(ctx context.Context, teamID string) iter.Seq2[broadcast.EntraID, error] {
	return func(yield func(broadcast.EntraID, error) bool) {
		team, err := s.lists.Team(ctx, teamID)
		if err == nil {
			err = team.unusable()
		}
		for after := broadcast.EntraID(""); err == nil; {
			var page []broadcast.EntraID
			if page, err = s.page(ctx, teamID, team.Round, after); err != nil {
				break
			}
			for _, id := range page {
				if !yield(id, nil) {
					return
				}
			}
			if len(page) < membersPage {
				return
			}
			after = page[len(page)-1]
		}
		yield("", err)
	}
}

// unusable is why this team's members are not known, or nil.
func (h TeamHit) unusable() error {
	switch {
	case !h.Readable():
		return broadcast.Errorf(broadcast.Conflict, "The bot is no longer in the team “%s”, so nobody can say who is. Add it to the team again, or choose another audience.", h.Words())
	case h.Round == 0:
		return broadcast.Errorf(broadcast.Conflict, "Who is in the team “%s” has not been read to its end yet. Try again in a minute.", h.Words())
	}
	return nil
}

// page is a page of a round that is still the whole one after it was read.
func (s *Service) page(ctx context.Context, teamID string, round int64, after broadcast.EntraID) ([]broadcast.EntraID, error) {
	page, err := s.lists.RosterPage(ctx, teamID, round, after, membersPage)
	if err != nil {
		return nil, err
	}
	now, err := s.lists.Team(ctx, teamID)
	if err == nil && now.Round != round {
		err = broadcast.Errorf(broadcast.Conflict, "Who is in this team was read anew just now. Try again.")
	}
	return page, err
}
