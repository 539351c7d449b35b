package places

import (
	"time"

	"github.com/fanfare/fanfare/broadcast"
)

// EventKind is what an activity of a place means (protocol D.2, D.3).
type EventKind string

// Heard: somebody wrote, reacted or clicked there. BotAdded and BotRemoved: our bot.
// Joined and Left: somebody else. The others are named as Teams names them.
const (
	Heard           EventKind = "heard"
	BotAdded        EventKind = "bot_added"
	BotRemoved      EventKind = "bot_removed"
	Joined          EventKind = "joined"
	Left            EventKind = "left"
	TeamRenamed     EventKind = "team_renamed"
	TeamArchived    EventKind = "team_archived"
	TeamUnarchived  EventKind = "team_unarchived"
	TeamDeleted     EventKind = "team_deleted"
	TeamHardDeleted EventKind = "team_hard_deleted"
	TeamRestored    EventKind = "team_restored"
	ChannelCreated  EventKind = "channel_created"
	ChannelRenamed  EventKind = "channel_renamed"
	ChannelDeleted  EventKind = "channel_deleted"
	ChannelRestored EventKind = "channel_restored"
)

// Event is what an activity tells of a place.
type Event struct {
	Kind    EventKind
	Place   Place    // its kind and ID, and what else the activity tells
	Channel Channel  // whose ID and name the activity tells; zero for none
	By      Member   // who did it
	People  []Member // whom it names, By included
	At      time.Time
}

// Member is a person as Teams names them to this bot.
type Member struct {
	EntraID          broadcast.EntraID
	ChannelAccountID string // 29:…; means something to this bot only
	Name             string
}
