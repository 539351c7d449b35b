package simulator

import (
	"net/http"
	"slices"
	"strconv"

	"github.com/fanfare/fanfare/simulator/internal/tenant"
	"github.com/fanfare/fanfare/simulator/internal/world"
)

type teamView struct {
	ID        string        `json:"id"`
	GroupID   string        `json:"group_id"`
	Name      string        `json:"name"`
	Installed bool          `json:"installed"`
	Archived  bool          `json:"archived"`
	Deleted   bool          `json:"deleted"`
	Channels  []channelView `json:"channels"`
}

type channelView struct {
	ID    string        `json:"id"`
	Name  string        `json:"name"` // General's is empty
	Posts []messageView `json:"posts"`
}

// listTeams shows every team, its channels and what the bot wrote there.
func (s *Simulator) listTeams(rw http.ResponseWriter, _ *http.Request) {
	out := []teamView{}
	for _, team := range s.world.Tenant.Teams() {
		v := teamView{team.ThreadID, team.GroupID, team.Name, team.Installed, team.Archived, team.Deleted, []channelView{}}
		for _, c := range team.Channels {
			posts := []messageView{}
			for _, m := range s.world.Tenant.Posts(c.ID) {
				posts = append(posts, messageOf(m))
			}
			v.Channels = append(v.Channels, channelView{c.ID, c.Name, posts})
		}
		out = append(out, v)
	}
	world.JSON(rw, http.StatusOK, map[string]any{"teams": out})
}

// teamAct is what somebody does to a team, or in it.
type teamAct struct {
	By      string `json:"by"`      // who does it, by Entra ID; an administrator if empty
	Person  string `json:"person"`  // who joins or leaves
	Name    string `json:"name"`    // of the team or channel from now on
	Channel string `json:"channel"` // by ID
	Text    string `json:"text"`    // what is said to the bot
}

// plainActs change a team and are told by an event of the same meaning (protocol D.3).
var plainActs = map[string]struct {
	event  string
	change func(*tenant.Team)
}{
	"archive":     {"teamArchived", func(t *tenant.Team) { t.Archived = true }},
	"unarchive":   {"teamUnarchived", func(t *tenant.Team) { t.Archived = false }},
	"delete":      {"teamDeleted", func(t *tenant.Team) { t.Deleted = true }},
	"hard-delete": {"teamHardDeleted", func(t *tenant.Team) { t.Deleted = true }},
	"restore":     {"teamrestored", func(t *tenant.Team) { t.Deleted = false }}, // as Teams' own example spells it
}

// actInTeam is somebody doing something to a team: install, remove, join, leave,
// rename, archive, unarchive, delete, hard-delete, restore, add-channel,
// rename-channel, delete-channel or say.
func (s *Simulator) actInTeam(rw http.ResponseWriter, r *http.Request) {
	var in teamAct
	if !readBody(rw, r, &in) {
		return
	}
	team, ok := s.world.Tenant.Team(r.PathValue("id"))
	if in.By == "" {
		in.By = tenant.EntraID(3)
	}
	by, known := s.world.Tenant.Find(in.By)
	if !ok || !known {
		problem(rw, http.StatusNotFound, "There is no such team or person at Contoso.")
		return
	}
	verb := r.PathValue("verb")
	if act, plain := plainActs[verb]; plain {
		team, _ = s.world.Tenant.ChangeTeam(team.ThreadID, act.change)
		s.tell(team, func() { s.bot.TeamChanged(team, by, act.event, nil) })
		noContent(rw)
		return
	}
	if sentence := s.act(verb, team, by, in); sentence != "" {
		problem(rw, http.StatusBadRequest, sentence)
		return
	}
	noContent(rw)
}

// tell sends an event only of a team the bot is in.
func (s *Simulator) tell(team tenant.Team, send func()) {
	if team.Installed {
		send()
	}
}

// act does what is more than a word; it returns what is wrong with it.
func (s *Simulator) act(verb string, team tenant.Team, by tenant.Person, in teamAct) string {
	who, found := s.world.Tenant.Find(in.Person)
	at := slices.IndexFunc(team.Channels, func(c tenant.Channel) bool { return c.ID == in.Channel })
	change := func(f func(*tenant.Team)) { team, _ = s.world.Tenant.ChangeTeam(team.ThreadID, f) }
	switch {
	case verb == "install", verb == "remove":
		if s.world.Tenant.InstallInTeam(team.GroupID, verb == "install") {
			s.bot.MovedInTeam(team, by, verb == "install")
		}
	case (verb == "join" || verb == "leave") && found:
		change(func(t *tenant.Team) { t.Move(who.Number, verb == "join") })
		s.tell(team, func() { s.bot.MemberMoved(team, by, who, verb == "join") })
	case verb == "rename" && in.Name != "":
		change(func(t *tenant.Team) { t.Name = in.Name })
		s.tell(team, func() { s.bot.TeamChanged(team, by, "teamRenamed", nil) })
	case verb == "add-channel" && in.Name != "":
		var made tenant.Channel
		change(func(t *tenant.Team) { made = t.AddChannel(in.Name) })
		s.tell(team, func() { s.bot.TeamChanged(team, by, "channelCreated", &made) })
	case (verb == "rename-channel" && in.Name != "" || verb == "delete-channel") && at > 0: // General stays
		s.changeChannel(verb, team, by, in)
	case verb == "say" && at >= 0 && in.Text != "":
		id := strconv.FormatInt(s.world.Now().UnixMilli(), 10)
		s.tell(team, func() { s.bot.Spoke(team, in.Channel, by, id, in.Text) })
	default:
		return "There is no such act in a team, or it lacks a name, a person, a channel or a text."
	}
	return ""
}

func (s *Simulator) changeChannel(verb string, team tenant.Team, by tenant.Person, in teamAct) {
	event, changed := "channelRenamed", tenant.Channel{ID: in.Channel, Name: in.Name}
	team, _ = s.world.Tenant.ChangeTeam(team.ThreadID, func(t *tenant.Team) {
		t.Channels = slices.Clone(t.Channels)
		at := slices.IndexFunc(t.Channels, func(c tenant.Channel) bool { return c.ID == in.Channel })
		switch {
		case at < 0:
		case verb == "rename-channel":
			t.Channels[at].Name = in.Name
		default:
			event, changed = "channelDeleted", t.Channels[at]
			t.Channels = slices.Delete(t.Channels, at, at+1)
		}
	})
	s.tell(team, func() { s.bot.TeamChanged(team, by, event, &changed) })
}
