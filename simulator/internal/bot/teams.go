package bot

import (
	"time"

	"github.com/fanfare/fanfare/simulator/internal/tenant"
)

// admin is who adds apps to teams through Graph.
const admin = 3

// inTeam returns what every activity of a team carries (protocol D.3).
func (s *Sender) inTeam(team tenant.Team, by tenant.Person, kind string) fields {
	a := s.base(by, kind)
	a["conversation"] = fields{
		"isGroup": true, "conversationType": "channel", "tenantId": s.w.Tenant.TenantID, "id": team.ThreadID,
	}
	a["channelData"] = fields{
		"tenant": fields{"id": s.w.Tenant.TenantID}, "settings": fields{"selectedChannel": fields{"id": team.ThreadID}},
		"team": fields{"id": team.ThreadID, "name": team.Name, "aadGroupId": team.GroupID},
	}
	return a
}

// teamEvent is a conversationUpdate with an eventType.
func (s *Sender) teamEvent(team tenant.Team, by tenant.Person, eventType string) fields {
	a := s.inTeam(team, by, "conversationUpdate")
	a["channelData"].(fields)["eventType"] = eventType
	return a
}

// AddedToTeam tells the bot that it was added to a team through Graph: both events,
// in either order.
func (s *Sender) AddedToTeam(team tenant.Team) {
	if p, ok := s.w.Tenant.Person(admin); ok {
		s.MovedInTeam(team, p, true)
	}
}

// MovedInTeam tells the bot that a person added it to a team or removed it.
func (s *Sender) MovedInTeam(team tenant.Team, by tenant.Person, in bool) {
	eventType, members, action := "teamMemberAdded", "membersAdded", "add"
	if !in {
		eventType, members, action = "teamMemberRemoved", "membersRemoved", "remove"
	}
	update, installation := s.teamEvent(team, by, eventType), s.inTeam(team, by, "installationUpdate")
	update[members] = []fields{{"id": "28:" + s.w.Tenant.BotID}}
	installation["action"] = action
	limit := time.Duration(s.w.Dials.Now().EventDelayMS) * time.Millisecond
	s.jittered(limit, update)
	s.jittered(limit, installation)
}

// MemberMoved tells the bot that somebody joined or left a team.
func (s *Sender) MemberMoved(team tenant.Team, by, who tenant.Person, in bool) {
	eventType, members := "teamMemberAdded", "membersAdded"
	if !in {
		eventType, members = "teamMemberRemoved", "membersRemoved"
	}
	a := s.teamEvent(team, by, eventType)
	a[members] = []fields{{"id": s.w.Tenant.ChannelAccountID(who.Number), "aadObjectId": who.EntraID}}
	s.later(0, a)
}

// TeamChanged tells the bot what became of a team, or of a channel of it.
func (s *Sender) TeamChanged(team tenant.Team, by tenant.Person, eventType string, channel *tenant.Channel) {
	a := s.teamEvent(team, by, eventType)
	if channel != nil {
		a["channelData"].(fields)["channel"] = fields{"id": channel.ID, "name": channel.Name}
	}
	s.later(0, a)
}

// Spoke tells the bot what a person wrote in a channel; bots hear only what mentions
// them. The thread is the conversation (protocol C.2, D.4).
func (s *Sender) Spoke(team tenant.Team, channel string, by tenant.Person, id, text string) {
	a := s.local(by, s.inTeam(team, by, "message"))
	a["conversation"].(fields)["id"] = channel + ";messageid=" + id
	a["channelData"].(fields)["channel"] = fields{"id": channel}
	a["id"], a["text"], a["textFormat"] = id, "<at>Fanfare</at> "+text, "plain"
	mention := fields{"type": "mention", "text": "<at>Fanfare</at>", "mentioned": fields{"id": "28:" + s.w.Tenant.BotID, "name": "Fanfare"}}
	a["entities"] = append(a["entities"].([]fields), mention)
	s.later(0, a)
}
