package places

import (
	"strings"
	"time"

	"github.com/fanfare/fanfare/broadcast"
)

// Kind is what sort of place the bot was added to.
type Kind string

// A team has channels and a roster that can be read; a group chat is only known.
const (
	Team      Kind = "team"
	GroupChat Kind = "group_chat"
)

// Kinds is every kind. The database CHECK repeats it.
func Kinds() []Kind { return []Kind{Team, GroupChat} }

// State is where our bot stands in a place, or a channel in its team.
type State string

// Here: the bot is in it. Archived: it is, but nobody may write. Deleted: somebody
// deleted the place. Removed: somebody removed the bot.
const (
	Here     State = "here"
	Archived State = "archived"
	Deleted  State = "deleted"
	Removed  State = "removed"
)

// States is every state of a place. The database CHECK repeats it.
func States() []State { return []State{Here, Archived, Deleted, Removed} }

// ChannelStates is every state of a channel. The database CHECK repeats it.
func ChannelStates() []State { return []State{Here, Deleted} }

// Place is a team or a group chat the bot was added to.
type Place struct {
	Kind         Kind
	ID           string // 19:…; a team's is that of its General channel as well
	Name         string // "" until something told it
	EntraGroupID string // of a team: the group behind it; "" until something told it
	ServiceURL   string
	AddedBy      broadcast.ActorRef // who added the bot; zero if nobody told
	State        State
	// When what is known of the name, the state and the service URL was so.
	NamedAt, StateAt, URLAt time.Time
}

// Readable tells whether there is a roster that may be read.
func (p Place) Readable() bool {
	return p.Kind == Team && (p.State == Here || p.State == Archived)
}

// Words is the place's name as people know it.
func (p Place) Words() string {
	switch {
	case p.Name != "":
		return p.Name
	case p.Kind == Team:
		return "Team " + tail(p.ID)
	}
	return "Group chat " + tail(p.ID)
}

// stateAfter is what events make of a place's state.
var stateAfter = map[EventKind]State{
	BotAdded: Here, BotRemoved: Removed, TeamArchived: Archived, TeamUnarchived: Here,
	TeamDeleted: Deleted, TeamHardDeleted: Deleted, TeamRestored: Here,
}

// After is the place after an event. An older one than what is known says nothing; a
// repeated one changes nothing. An event from a place nobody knows means that the bot
// is there, and that the event that said so never came.
func (p Place) After(e Event) Place {
	if p.ID == "" {
		p = Place{Kind: e.Place.Kind, ID: e.Place.ID, State: Here}
	}
	if p.EntraGroupID == "" {
		p.EntraGroupID = e.Place.EntraGroupID
	}
	if e.Place.Name != "" && !e.At.Before(p.NamedAt) {
		if p.Name != e.Place.Name {
			p.NamedAt = e.At
		}
		p.Name = e.Place.Name
	}
	if e.Place.ServiceURL != "" && e.Place.ServiceURL != p.ServiceURL && !e.At.Before(p.URLAt) {
		p.ServiceURL, p.URLAt = e.Place.ServiceURL, e.At
	}
	return p.moved(e)
}

func (p Place) moved(e Event) Place {
	to, moves := stateAfter[e.Kind]
	// Somebody wrote where the bot no longer was: it is back, and we missed it.
	if back := e.Kind == Heard && (p.State == Removed || p.State == Deleted) && e.At.After(p.StateAt); back {
		to, moves = Here, true
	}
	late := e.At.Before(p.StateAt)
	if e.Kind == BotAdded && e.By.EntraID != "" && (!late || p.AddedBy.ID == "") {
		p.AddedBy = broadcast.ActorRef{ID: e.By.EntraID, Name: e.By.Name}
	}
	if !moves || late {
		return p
	}
	// Being added says that the bot is there, and not that anybody may write again.
	if e.Kind == BotAdded && p.State == Archived {
		to = Archived
	}
	p.State, p.StateAt = to, e.At
	return p
}

// Asks tells whether after an event that made the place what it is now its roster
// has to be read.
func (p Place) Asks(before Place, e Event) bool {
	switch {
	case !p.Readable():
		return false
	case before.ID == "", before.State != p.State && !before.Readable():
		return true
	}
	return e.Kind == Joined || e.Kind == Left
}

// Channel is a channel of a team.
type Channel struct {
	ID, TeamID string
	Name       string // General has none on the wire (protocol C)
	State      State
	// Listed: Teams' list of the team's channels had it. One that is in no list may be
	// private, and is not taken for deleted because it is missing there.
	Listed bool
	At     time.Time // when what is known of it was so
}

// General tells whether it is the channel every team has.
func (c Channel) General() bool { return c.ID == c.TeamID }

// Words is the channel's name as people know it.
func (c Channel) Words() string {
	switch {
	case c.Name != "":
		return c.Name
	case c.General():
		return "General"
	}
	return "Channel " + c.Tail()
}

// Tail is the end of the channel's ID, which tells channels of one name apart.
func (c Channel) Tail() string { return tail(c.ID) }

func tail(id string) string {
	const shown = 6
	local, _, _ := strings.Cut(strings.TrimPrefix(id, "19:"), "@")
	return local[max(0, len(local)-shown):]
}

// After is the channel after an event that names it.
func (c Channel) After(e Event) Channel {
	fresh := c.ID == ""
	if fresh {
		c = Channel{ID: e.Channel.ID, TeamID: e.Place.ID, State: Here}
	}
	if e.At.Before(c.At) {
		return c
	}
	named, state := c.Name, c.State
	if e.Channel.Name != "" && !c.General() {
		c.Name = e.Channel.Name
	}
	switch e.Kind {
	case ChannelDeleted:
		c.State = Deleted
	case ChannelCreated, ChannelRenamed, ChannelRestored, Heard:
		c.State = Here
	}
	if fresh || c.Name != named || c.State != state {
		c.At = e.At
	}
	return c
}

// Relist is what changes in a team's channels when Teams lists them as of a moment:
// who is in the list is there, and who was in an older one and is not in this is gone.
// What an event has said since stays.
func Relist(known, listed []Channel, at time.Time) []Channel {
	was, seen := map[string]Channel{}, map[string]bool{}
	for _, c := range known {
		was[c.ID] = c
	}
	var changed []Channel
	note := func(before, now Channel) {
		if before.Name != now.Name || before.State != now.State {
			now.At = at
		}
		if before != now {
			changed = append(changed, now)
		}
	}
	for _, c := range listed {
		if seen[c.ID] {
			continue
		}
		seen[c.ID] = true
		before := was[c.ID]
		now := before
		if now.ID == "" {
			now = Channel{ID: c.ID, TeamID: c.TeamID, State: Here, At: at}
		}
		now.Listed = true
		if !now.At.After(at) {
			now.Name, now.State = c.Name, Here
		}
		note(before, now)
	}
	for _, before := range known {
		if now := before; now.Listed && now.State == Here && !now.General() && !seen[now.ID] && !now.At.After(at) {
			now.State = Deleted
			note(before, now)
		}
	}
	return changed
}
