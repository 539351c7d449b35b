package simulator_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/fanfare/fanfare/simulator"
)

const (
	newsroom      = "19:exampleteam0002@thread.tacv2"
	newsroomGroup = "60000000-0000-4000-8000-00000000000c"
)

func (s *stage) inTeam(verb string, body map[string]any) reply {
	s.t.Helper()
	return s.control(http.MethodPost, "/teams/"+url.PathEscape(newsroom)+"/"+verb, body)
}

// eventOf waits for the event of a kind that a team's act causes.
func (s *stage) eventOf(t *testing.T, eventType string) map[string]any {
	t.Helper()
	got := s.bot.wait(t, 1, func(h heard) bool {
		data, _ := h.activity["channelData"].(map[string]any)
		return data["eventType"] == eventType
	})
	return got[len(got)-1].activity
}

// TestWhatBecomesOfATeamIsToldAsTeamsTellsIt: protocol D.3, and F.6 followed by both
// events of D.2 and D.3.
func TestWhatBecomesOfATeamIsToldAsTeamsTellsIt(t *testing.T) {
	t.Parallel()
	s := newStage(t, func(o *simulator.Options) { o.People = 50 })
	if got := s.inTeam("rename", map[string]any{"name": "Nobody hears this"}); got.status != http.StatusNoContent {
		t.Fatalf("%+v", got)
	}
	if got := s.graph(http.MethodPost, "/teams/"+newsroomGroup+"/installedApps", bind()); got.status != http.StatusCreated || got.body != "" {
		t.Fatalf("%+v", got)
	}
	added := s.eventOf(t, "teamMemberAdded")
	if text := fmt.Sprint(added); !strings.Contains(text, "28:"+simulator.DefaultBotID) || !strings.Contains(text, newsroomGroup) || !strings.Contains(text, "conversationType:channel") {
		t.Errorf("%v", added)
	}
	s.bot.wait(t, 1, func(h heard) bool { return h.kind() == "installationUpdate" && h.activity["action"] == "add" })

	for _, act := range []struct {
		verb, event string
		body        map[string]any
		piece       string
	}{
		{"rename", "teamRenamed", map[string]any{"name": "Press"}, "name:Press"},
		{"archive", "teamArchived", nil, newsroom},
		{"unarchive", "teamUnarchived", nil, newsroom},
		{"add-channel", "channelCreated", map[string]any{"name": "Ideas"}, "name:Ideas"},
		{"rename-channel", "channelRenamed", map[string]any{"channel": "19:examplenews0002@thread.tacv2", "name": "Olds"}, "name:Olds"},
		{"delete-channel", "channelDeleted", map[string]any{"channel": "19:examplenews0002@thread.tacv2"}, "19:examplenews0002"},
		{"join", "teamMemberAdded", map[string]any{"person": simulator.EntraID(40)}, simulator.EntraID(40)},
		{"leave", "teamMemberRemoved", map[string]any{"person": simulator.EntraID(2)}, simulator.EntraID(2)},
	} {
		if got := s.inTeam(act.verb, act.body); got.status != http.StatusNoContent {
			t.Fatalf("%s: %+v", act.verb, got)
		}
		s.quiet()
		if got := s.eventOf(t, act.event); !strings.Contains(fmt.Sprint(got), act.piece) {
			t.Errorf("%s: %v lacks %q", act.verb, got, act.piece)
		}
	}
	roster := s.connector(http.MethodGet, "/conversations/"+url.PathEscape(newsroom)+"/pagedmembers", nil)
	if !strings.Contains(roster.body, simulator.EntraID(40)) || strings.Contains(roster.body, simulator.EntraID(2)) {
		t.Errorf("the roster does not show who moved: %s", roster.body)
	}
	channels := s.connector(http.MethodGet, "/teams/"+url.PathEscape(newsroom)+"/conversations", nil)
	if !strings.Contains(channels.body, "Ideas") || strings.Contains(channels.body, "examplenews0002") {
		t.Errorf("%s", channels.body)
	}
	s.inTeam("delete", nil)
	if got := s.connector(http.MethodGet, "/teams/"+url.PathEscape(newsroom), nil); got.status != http.StatusNotFound {
		t.Errorf("a deleted team answers %d", got.status)
	}
	s.inTeam("restore", nil)
	if got := s.connector(http.MethodGet, "/teams/"+url.PathEscape(newsroom), nil); got.status != http.StatusOK || !strings.Contains(got.body, "Press") {
		t.Errorf("%+v", got)
	}
	s.inTeam("remove", nil)
	s.bot.wait(t, 1, func(h heard) bool { return h.kind() == "installationUpdate" && h.activity["action"] == "remove" })
	if got := s.inTeam("dance", nil); got.status != http.StatusBadRequest {
		t.Errorf("%+v", got)
	}
}

// TestAMentionIsHeardInItsThread, and the bot's answer is seen in the channel.
func TestAMentionIsHeardInItsThread(t *testing.T) {
	t.Parallel()
	s := newStage(t, func(o *simulator.Options) { o.People = 50 })
	const news = "19:examplenews0001@thread.tacv2"
	got := s.control(http.MethodPost, "/teams/"+url.PathEscape("19:exampleteam0001@thread.tacv2")+"/say", map[string]any{"by": simulator.EntraID(7), "channel": news, "text": "help"})
	if got.status != http.StatusNoContent {
		t.Fatalf("%+v", got)
	}
	message := s.bot.wait(t, 1, func(h heard) bool { return h.kind() == "message" })[0].activity
	conversation := message["conversation"].(map[string]any)["id"].(string)
	if message["text"] != "<at>Fanfare</at> help" || !strings.HasPrefix(conversation, news+";messageid=") || !strings.Contains(fmt.Sprint(message["entities"]), "mention") {
		t.Errorf("%v", message)
	}
	if got := s.send(conversation, map[string]any{"type": "message", "text": "Here I am."}); got.status != http.StatusCreated {
		t.Fatalf("%+v", got)
	}
	if got := s.control(http.MethodGet, "/teams", nil); !strings.Contains(got.body, "Here I am.") {
		t.Errorf("%s", got.body)
	}
}

// TestAThreadIsToldFromAReply, in the report and in the channel; each is changed and
// deleted by its own ID (protocol C.2, C.5).
func TestAThreadIsToldFromAReply(t *testing.T) {
	t.Parallel()
	s := newStage(t, func(o *simulator.Options) { o.People = 50 })
	const news = "19:examplenews0001@thread.tacv2"
	a := card("Once")
	a["channelData"] = map[string]any{"broadcastId": "b1"}
	root := s.send(news, a).json(t)["id"].(string)
	inThread := "/conversations/" + url.PathEscape(news+";messageid="+root) + "/activities/"
	if got := s.connector(http.MethodPost, strings.TrimSuffix(inThread, "/"), a); got.status != http.StatusCreated {
		t.Errorf("%+v", got)
	}
	if got := s.connector(http.MethodPost, "/conversations/"+url.PathEscape(news)+"/activities/"+root, a); got.status != http.StatusCreated {
		t.Errorf("%+v", got)
	}
	if got := s.sim.Report().ByBroadcast["b1"]; got.Threads != 1 || got.Messages != 0 {
		t.Errorf("one thread and two replies are %+v", got)
	}
	if got := s.connector(http.MethodPut, inThread+root, card("Twice")); got.status != http.StatusOK {
		t.Errorf("%+v", got)
	}
	if got := s.connector(http.MethodDelete, "/conversations/"+url.PathEscape(news)+"/activities/"+root, nil); got.status != http.StatusOK {
		t.Errorf("%+v", got)
	}
	if got := s.connector(http.MethodDelete, inThread+root, nil); got.status != http.StatusNotFound || !strings.Contains(got.body, "ActivityNotFoundInConversation") {
		t.Errorf("what is gone is deleted again: %+v", got)
	}
	if got := s.control(http.MethodGet, "/teams", nil); strings.Count(got.body, `"reply":true`) != 2 {
		t.Errorf("%s", got.body)
	}
}
