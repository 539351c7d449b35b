package inbox

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/fanfare/fanfare/places"
	"github.com/fanfare/fanfare/teams"
)

// What happens in teams, channels and group chats never goes the way of a personal
// chat: an address learned there would send a person's messages where all can read
// them. It is turned into a places.Event.

// placeWorthKeeping: whatever names a place or a person, but for what comes with every
// few keystrokes.
func placeWorthKeeping(a *teams.Activity) bool {
	if strings.EqualFold(a.Type, "typing") {
		return false
	}
	e, ok := eventOf(a, time.Time{})
	return ok && (e.Place.ID != "" || len(e.People) > 0)
}

func (h handler) handlePlace(ctx context.Context, a *teams.Activity, received time.Time) error {
	e, ok := eventOf(a, received)
	if !ok {
		return nil
	}
	// Somebody else's bot that mentions ours would be answered for ever.
	if a.Kind() == teams.Said && mentioned(a) && e.By.EntraID != "" {
		return hopeless(h.places.Mentioned(ctx, e, a.Reference(), a.Command()))
	}
	return hopeless(h.places.Hear(ctx, e))
}

// mentioned tells whether a message speaks to the bot. With the right permission Teams
// also sends what people say to each other.
func mentioned(a *teams.Activity) bool {
	return slices.ContainsFunc(a.Entities, func(e teams.Entity) bool {
		return strings.EqualFold(e.Type, "mention") && isBot(a, e.Mentioned)
	})
}

// isBot: the bot is who the activity was sent to (protocol D.1).
func isBot(a *teams.Activity, m teams.Account) bool { return m.ID != "" && m.ID == a.Recipient.ID }

// eventOf reads what an activity of a place means (protocol D.2 to D.5). received is
// when it came; it happened then at the latest.
func eventOf(a *teams.Activity, received time.Time) (places.Event, bool) {
	e := places.Event{Kind: placeKind(a), At: happened(a, received)}
	if e.Kind == "" {
		return e, false
	}
	e.Place = placeOf(a)
	if c := a.ChannelData.Channel; c.ID != "" && e.Place.Kind == places.Team {
		e.Channel = places.Channel{ID: c.ID, TeamID: e.Place.ID, Name: c.Name}
	}
	for _, m := range slices.Concat([]teams.Account{a.From}, a.MembersAdded, a.MembersRemoved) {
		id := m.EntraID()
		foreign := m.TenantID != "" && !slices.ContainsFunc(a.Tenants(), func(t string) bool { return strings.EqualFold(t, m.TenantID) })
		if id != "" && m.ID != "" && !isBot(a, m) && !foreign && !strings.HasPrefix(m.ID, "28:") {
			e.People = append(e.People, places.Member{EntraID: id, ChannelAccountID: m.ID, Name: m.Name})
		}
	}
	if len(e.People) > 0 && e.People[0].EntraID == a.From.EntraID() {
		e.By = e.People[0]
	}
	return e, true
}

// placeOf is the team or the group chat an activity comes from. Team events may name a
// channel as their conversation, so channelData counts (protocol D.3); a thread is its
// channel. Without a team in it nothing says of which team a channel is.
func placeOf(a *teams.Activity) places.Place {
	p := places.Place{ServiceURL: a.ServiceURL}
	team := a.ChannelData.Team
	conversation, _, _ := strings.Cut(a.Conversation.ID, ";messageid=")
	switch {
	case team.ID != "":
		p.Kind, p.ID, p.Name, p.EntraGroupID = places.Team, team.ID, team.Name, strings.ToLower(team.AADGroupID)
	case strings.EqualFold(a.Conversation.ConversationType, "groupChat"), strings.HasSuffix(conversation, "@thread.v2"):
		p.Kind, p.ID, p.Name = places.GroupChat, conversation, a.Conversation.Name
	}
	return p
}

// teamEvents are Teams' names of events, in lower case: its own documentation spells
// them both ways.
var teamEvents = map[string]places.EventKind{
	"teamrenamed": places.TeamRenamed, "teamarchived": places.TeamArchived, "teamunarchived": places.TeamUnarchived,
	"teamdeleted": places.TeamDeleted, "teamharddeleted": places.TeamHardDeleted, "teamrestored": places.TeamRestored,
	"channelcreated": places.ChannelCreated, "channelrenamed": places.ChannelRenamed,
	"channeldeleted": places.ChannelDeleted, "channelrestored": places.ChannelRestored,
}

// placeKind is what an activity of a place means; "" for nothing.
func placeKind(a *teams.Activity) places.EventKind {
	switch strings.ToLower(a.Type) {
	case "conversationupdate":
		if kind, known := teamEvents[strings.ToLower(a.ChannelData.EventType)]; known {
			return kind
		}
		bot := func(m teams.Account) bool { return isBot(a, m) }
		switch {
		case slices.ContainsFunc(a.MembersAdded, bot):
			return places.BotAdded
		case slices.ContainsFunc(a.MembersRemoved, bot):
			return places.BotRemoved
		case len(a.MembersAdded) > 0:
			return places.Joined
		case len(a.MembersRemoved) > 0:
			return places.Left
		}
	case "installationupdate":
		switch strings.ToLower(a.Action) {
		case "add":
			return places.BotAdded
		case "remove":
			return places.BotRemoved
		case "remove-upgrade": // its other half follows (protocol D.2)
			return ""
		}
	}
	return places.Heard
}

// happened is when Teams says something was, which is what its order goes by. It was no
// later than it came: a clock that is ahead must not outdate what follows.
func happened(a *teams.Activity, received time.Time) time.Time {
	at, err := time.Parse(time.RFC3339Nano, a.Timestamp)
	if err != nil || !received.IsZero() && at.After(received) {
		return received
	}
	return at.UTC().Truncate(time.Millisecond)
}
