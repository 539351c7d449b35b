package web

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/join"
	"github.com/fanfare/fanfare/pace"
	"github.com/fanfare/fanfare/upkeep"
	"github.com/fanfare/fanfare/web/keep"
)

// keepSamples are the pages Upkeep and Teams in each of their states.
func keepSamples() []sample {
	running := upkeep.Pass{
		Number: 7, State: upkeep.Running, Cause: upkeep.Asked, Upgrades: true, Version: "1.2.0", By: cora.ActorRef, BegunAt: noon, Total: 1000, Looked: 640,
	}
	with := func(change func(*upkeep.Pass)) *upkeep.Pass {
		p := running
		change(&p)
		return &p
	}
	var found []upkeep.Count
	for i, f := range upkeep.Findings() {
		c := upkeep.Count{Finding: f, People: 500 >> i}
		if f == upkeep.Unknown || f == upkeep.NotUpgraded {
			c.Reason = broadcast.ReasonPolicy
		}
		found = append(found, c)
	}
	var out []sample
	for name, pass := range map[string]*upkeep.Pass{
		"none": nil, "running": &running,
		"resting":   with(func(p *upkeep.Pass) { p.Problem, p.RestTill = nasty, noon.Add(time.Hour) }),
		"paused":    with(func(p *upkeep.Pass) { p.State = upkeep.Paused }),
		"done":      with(func(p *upkeep.Pass) { p.State, p.Cause, p.EndedAt, p.Looked = upkeep.Done, upkeep.Due, noon, 1000 }),
		"published": with(func(p *upkeep.Pass) { p.State, p.Cause, p.EndedAt = upkeep.Stopped, upkeep.Published, noon }),
	} {
		for _, a := range []broadcast.Actor{cora, ada} {
			s := upkeep.Standing{Pass: pass, Repairs: name != "paused", Since: noon}
			p := keep.UpkeepPage{Page: framed(a, "Upkeep", "rollout")}
			if pass != nil {
				s.Found, s.Published, s.AskedAt, s.Vanished = found, "1.2.0", noon, 12
				p.Versions = []upkeep.VersionCount{{Version: "1.2.0", People: 600}, {Version: "1.1.0", People: 30}, {People: 10}}
				p.Moves = []upkeep.Move{{What: upkeep.MovePutBack, By: cora.ActorRef, At: noon}, {What: nasty, By: cora.ActorRef, At: noon}}
			}
			if name == "resting" {
				s.Trouble = nasty
			}
			if name == "done" {
				p.Ask = "back"
			}
			p.S, p.Now, p.Found, p.Scripts = s, keep.UpkeepOf(s, pace.Estimate{Known: true, Rate: 12.3, Low: time.Minute, High: 2 * time.Minute}), keep.FoundOf(s.Found), []string{"rollout.js"}
			out = append(out, sample{"upkeep-" + name + "-" + a.Name[:3], "upkeep", p})
		}
	}
	hit := broadcast.GroupHit{Group: broadcast.Group{ID: "g", Name: "Newsroom"}, Mail: "newsroom@contoso.example", Description: nasty}
	for _, a := range []broadcast.Actor{cora, ada} {
		empty := keep.TeamsPage{Page: framed(a, "The app in teams", "rollout")}
		full := empty
		full.Text, full.Found = "New", []keep.FoundTeam{{GroupHit: hit}, {GroupHit: hit, Listed: true}}
		for _, s := range join.States() {
			t := join.Team{GroupID: "g", Name: "Newsroom", State: s, By: cora.ActorRef, AskedAt: noon, UpdatedAt: noon}
			if s != join.Installed {
				t.Reason, t.Detail = broadcast.ReasonCredentials, nasty
			}
			full.Teams = append(full.Teams, t)
		}
		lost := empty
		lost.Text, lost.Problem = "New", "Microsoft is not answering right now."
		for name, p := range map[string]keep.TeamsPage{"empty": empty, "full": full, "lost": lost} {
			out = append(out, sample{"teams-" + name + "-" + a.Name[:3], "teams", p})
		}
	}
	return out
}

// teamFinder knows the Newsroom and no other team.
type teamFinder struct{}

const newsroom = "60000000-0000-4000-8000-00000000000c"

func (teamFinder) Teams(_ context.Context, text string, _ int) ([]broadcast.GroupHit, error) {
	if text != newsroom && !strings.HasPrefix("newsroom", strings.ToLower(text)) {
		return nil, nil
	}
	return []broadcast.GroupHit{{Group: broadcast.Group{ID: newsroom, Name: "Newsroom"}, Mail: "newsroom@contoso.example", Kind: "Team"}}, nil
}

func TestUpkeepIsSteeredOnItsPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(10, 5)
	cora, ada := w.as(2), w.as(0)
	ada.get("/rollout").says(http.StatusOK, `href="/rollout/upkeep"`, `href="/rollout/teams"`)
	ada.get("/rollout/upkeep").says(http.StatusOK, "Nobody has been looked at yet", "Nobody did anything yet").lacks("Check everybody now", "ask-upgrade")
	cora.get("/rollout/upkeep?ask=upgrade").says(http.StatusOK, "Bring everybody to the newest version?", `aria-labelledby="ask-upgrade-title" open`)
	cora.post("/rollout/upkeep/check", nil).says(http.StatusOK, "Everybody is being looked at.", "Looking", "asked for by Cora Admin", "had everybody looked at").lacks("Check everybody now")
	cora.post("/rollout/upkeep/check", nil).says(http.StatusConflict, "Everybody is being looked at already")
	cora.post("/rollout/upkeep/pause", nil).says(http.StatusOK, "Paused. What is mended stays.", "Go on", "paused it")
	cora.post("/rollout/upkeep/resume", nil).says(http.StatusOK, "Going on.", "Looking")
	cora.post("/rollout/upkeep/stop", nil).says(http.StatusOK, "Stopped before the end", "Check everybody now")
	cora.post("/rollout/upkeep/repair-off", nil).says(http.StatusOK, "Fanfare leaves all of them alone until an admin decides.", "switched putting back off")
	cora.post("/rollout/upkeep/repair-on", nil).says(http.StatusOK, "only where a removal by the person would have been heard")
	cora.post("/rollout/upkeep/put-back", nil).says(http.StatusOK, "The app is being put back.")
}

func TestAnAdminChoosesTeamsForTheApp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(10, 5)
	cora, ada := w.as(2), w.as(0)
	ada.get("/rollout/teams?q=new").says(http.StatusOK, "No team yet").lacks("Install the app in")
	cora.get("/rollout/teams?q=zzz").says(http.StatusOK, "No team has a name that begins with “zzz”.")
	cora.get("/rollout/teams?q=new").says(http.StatusOK, "newsroom@contoso.example", "Install the app in Newsroom")
	cora.post("/rollout/teams/"+newsroom, nil).says(http.StatusOK, "The app is being installed in the team.", "To be installed", "by Cora Admin")
	cora.get("/rollout/teams?q=new").says(http.StatusOK, "already on the list")
	cora.post("/rollout/teams/"+newsroom[:35]+"d", nil).says(http.StatusNotFound, "There is no such team in the directory.")
	cora.post("/rollout/teams/"+newsroom+"/forget", nil).says(http.StatusOK, "Taken off the list.", "No team yet")
	cora.get("/rollout/teams?q="+strings.Repeat("x", 121)).says(http.StatusOK, "Look for at most 120 characters.")
}
