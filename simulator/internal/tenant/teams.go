package tenant

import (
	"fmt"
	"strconv"
	"sync"
)

// Team is a Microsoft Team behind a group with Team set.
type Team struct {
	ThreadID, GroupID, Name string
	Group                   int
	Channels                []Channel
	Installed               bool
}

// Channel is a channel of a team; General has no name on the wire.
type Channel struct{ ID, Name string }

type teams struct {
	mu       sync.Mutex
	list     []*Team
	lastID   int64
	messages map[string][]Message // by channel ID
}

func (ts *teams) init() {
	ts.messages = map[string][]Message{}
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

// Post puts a message of the bot into a channel.
func (t *Tenant) Post(channel string, a *Activity) (id string) {
	ts := &t.teams
	ts.mu.Lock()
	defer ts.mu.Unlock()
	now := t.Now()
	ts.lastID = max(now.UnixMilli(), ts.lastID+1)
	list := append(ts.messages[channel], Message{ID: ts.lastID, At: now, FromBot: true, Activity: a})
	ts.messages[channel] = list[max(0, len(list)-keep):]
	t.messages.Add(1)
	return strconv.FormatInt(ts.lastID, 10)
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
