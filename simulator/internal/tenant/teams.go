package tenant

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/fanfare/fanfare/simulator/internal/meter"
)

// Team is a Microsoft Team behind a group with Team set.
type Team struct {
	ThreadID, GroupID, Name string
	Group                   int
	Channels                []Channel // replaced, never changed: copies of the Team share it
	Installed, Archived     bool
	Deleted                 bool
	moved                   map[int]bool // who joined (true) or left since; replaced as well
	made                    int          // channels
}

// Has tells whether person n is a member.
func (team Team) Has(n int) bool {
	if in, moved := team.moved[n]; moved {
		return in
	}
	return Member(team.Group, n, true)
}

// Channel is a channel of a team; General has no name on the wire.
type Channel struct{ ID, Name string }

type teams struct {
	mu       sync.Mutex
	list     []*Team
	lastID   int64
	messages map[string][]Message // by channel ID
	writes   map[string]*meter.Thread
	reads    map[string]*meter.Thread
}

func (ts *teams) init() {
	ts.messages, ts.writes, ts.reads = map[string][]Message{}, map[string]*meter.Thread{}, map[string]*meter.Thread{}
	for i, g := range Groups {
		if !g.Team {
			continue
		}
		k := len(ts.list) + 1
		general := fmt.Sprintf("19:exampleteam%04d@thread.tacv2", k)
		ts.list = append(ts.list, &Team{
			ThreadID: general, GroupID: g.ID, Name: g.Name, Group: i, Installed: k == 1,
			Channels: []Channel{{ID: general}, {ID: fmt.Sprintf("19:examplenews%04d@thread.tacv2", k), Name: "News"}},
		})
	}
}

// Teams returns every team.
func (t *Tenant) Teams() []Team {
	t.teams.mu.Lock()
	defer t.teams.mu.Unlock()
	out := make([]Team, len(t.teams.list))
	for i, team := range t.teams.list {
		out[i] = *team
	}
	return out
}

// ChangeTeam lets something become of a team, found as by Team. What becomes of teams
// is not saved with the tenant.
func (t *Tenant) ChangeTeam(id string, change func(*Team)) (Team, bool) {
	found, ok := t.Team(id)
	if !ok {
		return found, false
	}
	t.teams.mu.Lock()
	defer t.teams.mu.Unlock()
	for _, team := range t.teams.list {
		if team.ThreadID == found.ThreadID {
			change(team)
			return *team, true
		}
	}
	return found, false
}

// Move lets person n join or leave; only within ChangeTeam.
func (team *Team) Move(n int, in bool) {
	moved := maps.Clone(team.moved)
	if moved == nil {
		moved = map[int]bool{}
	}
	moved[n] = in
	team.moved = moved
}

// AddChannel makes a channel with that name; only within ChangeTeam.
func (team *Team) AddChannel(name string) Channel {
	team.made++
	c := Channel{ID: fmt.Sprintf("19:examplemade%02d%s", team.made, strings.TrimPrefix(team.ThreadID, "19:exampleteam")), Name: name}
	team.Channels = append(slices.Clone(team.Channels), c)
	return c
}

// Posts returns what the bot wrote into a channel, the oldest first.
func (t *Tenant) Posts(channel string) []Message {
	t.teams.mu.Lock()
	defer t.teams.mu.Unlock()
	return slices.Clone(t.teams.messages[channel])
}

// Team returns the team with that thread ID, channel ID or group ID.
func (t *Tenant) Team(id string) (Team, bool) {
	t.teams.mu.Lock()
	defer t.teams.mu.Unlock()
	for _, team := range t.teams.list {
		if team.GroupID == id {
			return *team, true
		}
		for _, c := range team.Channels {
			if c.ID == id {
				return *team, true
			}
		}
	}
	return Team{}, false
}

// InstallInTeam sets whether the bot is in a team; false if it already was so.
func (t *Tenant) InstallInTeam(id string, installed bool) bool {
	t.teams.mu.Lock()
	defer t.teams.mu.Unlock()
	for _, team := range t.teams.list {
		if team.GroupID == id && team.Installed != installed {
			team.Installed = installed
			return true
		}
	}
	return false
}

// Post puts a message of the bot into a channel: as a reply into one of its threads, or
// to begin one (protocol C.2).
func (t *Tenant) Post(channel string, a *Activity, reply bool) (id int64, wait time.Duration, problem Problem) {
	ts := &t.teams
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if wait, ok := t.take(ts.writes, channel, meter.Writing); !ok {
		return 0, wait, TooFast
	}
	ts.lastID = max(t.Now().UnixMilli(), ts.lastID+1)
	m := Message{ID: ts.lastID, FromBot: true, Activity: a, Reply: reply}
	if a.Broadcast != "" && !reply {
		m.of = t.broadcast(a.Broadcast)
		m.of.threads.Add(1)
	}
	list := append(ts.messages[channel], m)
	ts.messages[channel] = list[max(0, len(list)-keep):]
	t.messages.Add(1)
	t.pace.Add(t.wall())
	return ts.lastID, 0, Fine
}

// LookTeam tells whether a team's members or channels may be read now (protocol
// E.1).
func (t *Tenant) LookTeam(thread string) (wait time.Duration, problem Problem) {
	t.teams.mu.Lock()
	defer t.teams.mu.Unlock()
	if wait, ok := t.take(t.teams.reads, thread, meter.Reading); !ok {
		return wait, TooFast
	}
	return 0, Fine
}

// take asks the limit of one thread; the caller holds the teams' lock and has
// checked that the thread exists.
func (t *Tenant) take(threads map[string]*meter.Thread, id string, scale meter.Scale) (wait time.Duration, ok bool) {
	if !t.Dials.Now().ThreadLimits {
		return 0, true
	}
	if threads[id] == nil {
		threads[id] = &meter.Thread{}
	}
	return threads[id].Take(t.Now(), scale)
}

// EditPost replaces or (nil) deletes a message of a channel.
func (t *Tenant) EditPost(channel, id string, a *Activity) Problem {
	t.teams.mu.Lock()
	defer t.teams.mu.Unlock()
	for i := range t.teams.messages[channel] {
		m := &t.teams.messages[channel][i]
		if strconv.FormatInt(m.ID, 10) != id || m.Deleted {
			continue
		}
		if a == nil {
			m.Deleted = true
			t.deletes.Add(1)
		} else {
			m.Edited, m.Activity = true, a
			t.updates.Add(1)
		}
		return Fine
	}
	return NoSuchMessage
}
