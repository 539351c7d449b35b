package api_test

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/teams"
)

// to is an audience of some parts.
func to(parts ...object) object { return object{"include": parts} }

func toChannel(id string) object { return object{"kind": "channel", "id": id} }

// draftFor is a draft for an audience.
func (c caller) draftFor(audience object) string {
	c.w.t.Helper()
	body := party()
	body["audience"] = audience
	path, _ := c.draft(body)
	return path
}

func TestAChannelIsPartOfAnAudience(t *testing.T) {
	t.Parallel()
	inSquare(t, func(t *testing.T, s *square) {
		author := s.as(broadcast.RoleAuthor)
		s.happens(0, s.botAdded())
		s.happens(1, channel("channelCreated", opsNews, "News"))
		var found []string
		for _, p := range author.get("/audience/parts?q=ops").ok(http.StatusOK)["parts"].([]any) {
			p := p.(object)
			found = append(found, fmt.Sprint(p["kind"], " ", p["name"], " ", p["id"]))
		}
		if want := []string{"team Ops " + ops, "channel Ops › General " + ops, "channel Ops › News " + opsNews}; fmt.Sprint(found) != fmt.Sprint(want) {
			t.Errorf("found %q, want %q", found, want)
		}
		mixed := to(object{"kind": "everyone"}, object{"kind": "channel", "id": opsNews, "name": "Just me"}, toChannel(ops))
		reach := author.post("/audience/reach", mixed).ok(http.StatusOK)
		if reach["total"] != float64(people) || reach["channels"] != 2.0 || fmt.Sprint(reach["closed"]) != "[]" {
			t.Errorf("%v", reach)
		}
		// The reviewer reads the channel's own name, whatever the draft called it.
		path := author.draftFor(mixed)
		got := author.post(path+"/submit", nil).ok(http.StatusOK)["audience"].(object)
		if names := fmt.Sprint(got["include"]); !strings.Contains(names, "Ops › News") || strings.Contains(names, "Just me") || got["everyone"] != true {
			t.Errorf("%v", got)
		}
		alone := author.draftFor(to(toChannel(opsNews)))
		author.post(alone+"/submit", nil).ok(http.StatusOK)
	})
}

func TestChannelsNobodyCanPostInAreRefused(t *testing.T) {
	t.Parallel()
	inSquare(t, func(t *testing.T, s *square) {
		author := s.as(broadcast.RoleAuthor)
		s.happens(0, s.botAdded())
		s.happens(1, channel("channelCreated", opsNews, "News"))
		for id, says := range map[string]string{
			"": "is not the ID of a channel", "News": "is not the ID of a channel", string(id(7)): "is not the ID of a channel",
			"19:../x@thread.tacv2": "is not the ID of a channel", thread: "is not the ID of a channel",
			strings.Repeat("19:", 100_000): "is not the ID of a channel", "19:nobody@thread.tacv2": "Nobody knows the channel",
		} {
			author.post("/audience/reach", to(toChannel(id))).refused(http.StatusUnprocessableEntity, "invalid", says).names(t, "audience")
		}
		author.post("/audience/reach", object{"everyone": true, "exclude": []object{{"kind": "channel", "id": opsNews, "name": "Ops › News"}}}).
			refused(http.StatusUnprocessableEntity, "invalid", "Channel Ops › News cannot be left out").names(t, "audience")
		news, general := author.draftFor(to(toChannel(opsNews), object{"kind": "everyone"})), author.draftFor(to(toChannel(ops)))
		for n, step := range []struct {
			happens object
			path    string
			says    string
		}{
			{channel("channelDeleted", opsNews, "News"), news, "The channel “Ops › News” was deleted."},
			{team("teamArchived", "Ops", nil), general, "The team of the channel “Ops › General” is archived"},
			{team("teamMemberRemoved", "Ops", members("membersRemoved", object{"id": bot})), general, "The bot is no longer in the team of the channel “Ops › General”."},
			{team("teamDeleted", "Ops", nil), general, "The team of the channel “Ops › General” was deleted."},
		} {
			s.happens(2+n, step.happens)
			author.post(step.path+"/submit", nil).refused(http.StatusUnprocessableEntity, "invalid", step.says).names(t, "audience")
		}
		if parts := author.get("/audience/parts?q=ops").ok(http.StatusOK)["parts"]; fmt.Sprint(parts) != "[]" {
			t.Errorf("offered though closed: %v", parts)
		}
	})
}

// Everybody in a channel may press its buttons: the answer is about the announcement, and
// who pressed is not taken for somebody whose chat this is (protocol D.6).
func TestWhyIsAnsweredInAChannel(t *testing.T) {
	t.Parallel()
	inSquare(t, func(t *testing.T, s *square) {
		author := s.as(broadcast.RoleAuthor)
		s.happens(0, s.botAdded())
		path := author.draftFor(to(toChannel(ops)))
		id := broadcast.ID(strings.TrimPrefix(path, "/broadcasts/"))
		author.post(path+"/submit", nil).ok(http.StatusOK)
		approver := s.as(broadcast.RoleApprover)
		approver.post(path+"/approve", nil).ok(http.StatusOK)
		author.post(path+"/send", nil).ok(http.StatusOK)
		press := in(ops+";messageid=1", "channel", object{"team": opsTeam("Ops"), "channel": object{"id": ops}}, object{
			"type": "invoke", "name": "adaptiveCard/action", "from": s.who(9),
			"value": object{"action": object{"type": "Action.Execute", "verb": teams.VerbWhy, "data": object{"broadcastId": id}}},
		})
		got := s.posts(1, press).ok(http.StatusOK)
		if text := fmt.Sprint(got["value"]); !strings.Contains(text, "was written by Ada Author for: Channel Ops › General. Ben Approver approved it.") {
			t.Errorf("%v", got)
		}
		// The same from clients that only know Action.Submit.
		old := maps.Clone(press)
		old["type"], old["value"] = "message", object{"verb": teams.VerbWhy, "broadcastId": id}
		delete(old, "name")
		s.happens(2, old)
		s.notReachable(9)
		if said := s.said.all(); len(said) != 0 {
			t.Errorf("said for all to read: %v", said)
		}
	})
}
