package api_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/places"
	"github.com/fanfare/fanfare/simulator"
)

var quiet = slog.New(slog.DiscardHandler)

// free is an allowance without a limit.
type free struct{}

func (free) Wait(ctx context.Context) error             { return ctx.Err() }
func (free) Pause(context.Context, time.Duration) error { return nil }

// Way 1 to a person's IDs: the roster of a team the bot is in.
func TestTheRosterOfATeamRevealsItsMembers(t *testing.T) {
	t.Parallel()
	inSquare(t, func(t *testing.T, s *square) {
		s.happens(0, in(berlin, "channel", object{"eventType": "teamMemberAdded", "team": object{"id": berlin, "name": "Berlin Office"}}, object{"membersAdded": []object{{"id": bot}}, "from": object{"id": bot}}))
		s.read()
		team := s.team(berlin)
		if team.Round != 1 || team.Members == 0 || team.ReadAt.IsZero() || team.Problem != "" || team.EntraGroupID == "" {
			t.Fatalf("%+v", team)
		}
		var got []broadcast.EntraID
		for member, err := range s.places.Members(t.Context(), berlin) {
			must(t, err)
			got = append(got, member)
		}
		if len(got) != team.Members || !slices.IsSorted(got) {
			t.Fatalf("%d members, want %d in order: %v", len(got), team.Members, got)
		}
		for n := 1; n <= people; n++ {
			at := s.account(n)
			if in := slices.Contains(got, id(n)); in != strings.HasPrefix(at.ChannelAccountID, "29:") || in && at.ServiceURL != s.url {
				t.Errorf("person %d in the team: %v; account %+v", n, in, at)
			}
			if n != 7 { // who installed the app for this test's token
				s.notReachable(n)
			}
		}
		author := s.as(broadcast.RoleAuthor)
		author.post("/teams/"+url.PathEscape(berlin)+"/read", nil).ok(http.StatusAccepted)
		author.post("/teams/nobody/read", nil).refused(http.StatusNotFound, "not_found", "never added to it")
		s.read()
		if again := s.team(berlin); again.Round != 2 || again.Members != team.Members {
			t.Errorf("read again when asked: %+v", again)
		}
		if got := s.channels("ber"); !slices.Equal(got, []string{"Berlin Office › General", "Berlin Office › News"}) {
			t.Errorf("channels %v", got)
		}
	})
}

// Way 2: somebody does something in a channel.
func TestWhoDoesSomethingInAChannelIsKnown(t *testing.T) {
	t.Parallel()
	inSquare(t, func(t *testing.T, s *square) {
		data := object{"team": object{"id": ops}, "channel": object{"id": opsNews}}
		s.happens(0, in(thread, "channel", data, object{"type": "message", "text": "<p>Good morning</p>", "from": s.who(11)}))
		s.happens(1, in(thread, "channel", data, object{"type": "messageReaction", "reactionsAdded": []object{{"type": "like"}}, "from": s.who(12)}))
		s.happens(2, in(thread, "channel", data, object{"type": "somethingNew", "surprise": object{"a": []int{1}}, "from": s.who(13)}))
		for n := 11; n <= 13; n++ {
			s.known(n)
		}
		if team := s.team(ops); team.State != places.Here || team.ServiceURL != s.url {
			t.Errorf("%+v", team)
		}
		if said := s.said.all(); len(said) != 0 {
			t.Errorf("nobody spoke to the bot, and it said %v", said)
		}
	})
}

// Way 3: somebody mentions the bot, and is answered where they spoke.
func TestWhoMentionsTheBotIsKnownAndAnsweredInTheThread(t *testing.T) {
	t.Parallel()
	inSquare(t, func(t *testing.T, s *square) {
		here := berlinNews + ";messageid=1767323050111"
		mention := func(n int, text string) object {
			return in(here, "channel", object{"team": object{"id": berlin}, "channel": object{"id": berlinNews}}, object{
				"type": "message", "text": "<at>Newsroom</at> " + text, "from": s.who(n),
				"entities": []object{{"type": "clientInfo", "locale": "de-DE"}, {"type": "mention", "text": "<at>Newsroom</at>", "mentioned": object{"id": bot, "name": "Newsroom"}}},
			})
		}
		s.happens(0, mention(11, "hello"))
		s.happens(1, mention(12, "Why"))
		s.happens(2, mention(13, "stop"))
		s.known(11)
		said := s.said.all()
		if len(said) != 3 {
			t.Fatalf("said %v", said)
		}
		for i, piece := range []string{"announcements", "nobody else's business", "Manage team"} {
			if !strings.HasSuffix(said[i].path, "/v3/conversations/"+here+"/activities") || !strings.Contains(said[i].text, piece) {
				t.Errorf("answer %d: %+v, want %q in the thread", i, said[i], piece)
			}
		}
		another := mention(14, "hi")
		another["from"] = object{"id": "28:another-bot", "name": "Echo"}
		s.happens(3, another)
		if len(s.said.all()) != 3 {
			t.Error("another bot was answered")
		}
	})
}

// Way 4, in a personal chat: installing is the only one that gives a conversation.
func TestAPersonalConversationUpdateGivesTheConversation(t *testing.T) {
	t.Parallel()
	inSquare(t, func(t *testing.T, s *square) {
		personal := func(n int, fields object) object {
			a := in(fmt.Sprintf("a:chat-%d", n), "personal", nil, fields)
			delete(a["conversation"].(object), "isGroup")
			a["from"] = s.who(n)
			return a
		}
		s.happens(0, personal(11, members("membersAdded", object{"id": bot})))
		s.happens(0, personal(12, members("membersAdded", object{"id": bot}, s.who(12))))
		for n := 11; n <= 12; n++ {
			at, err := s.store.Address(t.Context(), id(n))
			must(t, err)
			if want := (broadcast.ConversationReference{ServiceURL: s.url, ConversationID: fmt.Sprintf("a:chat-%d", n), ChannelAccountID: fmt.Sprintf("29:person-%d", n)}); at != want {
				t.Errorf("person %d: %+v", n, at)
			}
		}
		s.happens(1, personal(11, members("membersRemoved", s.who(11)))) // deleted from the tenant
		s.notReachable(11)
	})
}

// Way 4, in a team: every event, what it reveals and what becomes of the team.
func TestATeamsConversationUpdatesTellWhatBecomesOfIt(t *testing.T) {
	t.Parallel()
	inSquare(t, func(t *testing.T, s *square) {
		s.happens(0, s.botAdded())
		hit := s.team(ops)
		if hit.Name != "Ops" || hit.EntraGroupID != strings.ToLower(opsGroup) || hit.State != places.Here || hit.AddedBy.ID != id(3) || hit.AddedBy.Name != "Person 3" {
			t.Fatalf("%+v", hit)
		}
		s.known(3)
		s.happens(1, team("teamMemberAdded", "Ops", members("membersAdded", s.who(11), s.who(12))))
		s.happens(2, team("teamMemberRemoved", "Ops", members("membersRemoved", s.who(13))))
		for n := 11; n <= 13; n++ {
			s.known(n) // who left is not forgotten
		}
		n := 2
		for _, step := range []struct {
			event    object
			state    places.State
			name     string
			channels string
		}{
			{channel("channelCreated", opsNews, "News"), places.Here, "Ops", "Ops › General, Ops › News"},
			{channel("channelRenamed", opsNews, "Outages"), places.Here, "Ops", "Ops › General, Ops › Outages"},
			{channel("channelDeleted", opsNews, "Outages"), places.Here, "Ops", "Ops › General"},
			{channel("channelrestored", opsNews, "Outages"), places.Here, "Ops", "Ops › General, Ops › Outages"},
			{team("teamRenamed", "Operations", nil), places.Here, "Operations", "Operations › General, Operations › Outages"},
			{team("teamArchived", "Operations", nil), places.Archived, "Operations", ""},
			{team("teamUnarchived", "Operations", nil), places.Here, "Operations", "Operations › General, Operations › Outages"},
			{team("teamDeleted", "Operations", nil), places.Deleted, "Operations", ""},
			{team("teamrestored", "Operations", nil), places.Here, "Operations", "Operations › General, Operations › Outages"},
			{team("teamMemberRemoved", "Operations", members("membersRemoved", object{"id": bot})), places.Removed, "Operations", ""},
			{team("", "Operations", object{"type": "installationUpdate", "action": "add"}), places.Here, "Operations", "Operations › General, Operations › Outages"},
			{team("", "Operations", object{"type": "installationUpdate", "action": "remove-upgrade"}), places.Here, "Operations", "Operations › General, Operations › Outages"},
			{team("", "Operations", object{"type": "installationUpdate", "action": "remove"}), places.Removed, "Operations", ""},
			{team("teamHardDeleted", "Operations", nil), places.Deleted, "Operations", ""},
			{team("teamTurnedPurple", "Operations", nil), places.Here, "Operations", "Operations › General, Operations › Outages"}, // no event comes from where the bot is not
		} {
			n++
			s.happens(n, step.event)
			if hit := s.team(ops); hit.State != step.state || hit.Name != step.name {
				t.Errorf("after %v: %s, %q", step.event, hit.State, hit.Name)
			}
			if got := strings.Join(s.channels("o"), ", "); got != step.channels {
				t.Errorf("after %v: channels %q, want %q", step.event, got, step.channels)
			}
		}
	})
}

// Way 4, in a group chat.
func TestAGroupChatsConversationUpdatesRevealWhoIsThere(t *testing.T) {
	t.Parallel()
	inSquare(t, func(t *testing.T, s *square) {
		chat := func(fields object) object { return in(lunch, "groupChat", nil, fields) }
		s.happens(0, chat(object{"membersAdded": []object{{"id": bot}, s.who(11)}, "from": s.who(12)}))
		s.happens(1, chat(object{"membersAdded": []object{s.who(13)}}))
		s.happens(2, chat(object{"membersRemoved": []object{s.who(14)}}))
		s.happens(3, chat(object{"type": "message", "text": "<at>Newsroom</at>", "from": s.who(15), "entities": []object{{"type": "mention", "mentioned": object{"id": bot}}}}))
		for n := 11; n <= 15; n++ {
			s.known(n)
		}
		// The simulator knows no group chats: what was said is all there is to see.
		if said := s.said.all(); len(said) == 0 || !strings.Contains(said[0].path, lunch) {
			t.Errorf("said %v", said)
		}
		s.happens(4, chat(object{"type": "installationUpdate", "action": "remove"}))
		if _, err := s.store.Team(t.Context(), lunch); !broadcast.IsCode(err, broadcast.NotFound) {
			t.Errorf("a group chat is offered as a team: %v", err)
		}
	})
}

// Way 5: Graph installs the app, and the events that causes come by themselves.
func TestInstallingThroughGraphBringsTheEvent(t *testing.T) {
	t.Parallel()
	inSquare(t, func(t *testing.T, s *square) {
		ctx := context.WithValue(t.Context(), oauth2.HTTPClient, s.client)
		graph := (&clientcredentials.Config{
			ClientID: simulator.DefaultBotID, ClientSecret: simulator.DefaultClientSecret, Scopes: []string{"https://graph.microsoft.com/.default"},
			TokenURL: s.painted.URL() + "/" + simulator.DefaultTenantID + "/oauth2/v2.0/token",
		}).Client(ctx)
		body := `{"teamsApp@odata.bind":"https://graph.microsoft.com/v1.0/appCatalogs/teamsApps/` + simulator.DefaultTeamsAppID + `"}`
		res, err := graph.Post(s.painted.URL()+"/v1.0/users/"+string(id(15))+"/teamwork/installedApps", "application/json", strings.NewReader(body))
		must(t, err)
		defer res.Body.Close()
		if res.StatusCode != http.StatusCreated {
			t.Fatalf("status %d", res.StatusCode)
		}
		var at broadcast.ConversationReference
		eventually(t, "the event tells the conversation", func() bool {
			at, err = s.store.Address(t.Context(), id(15))
			return err == nil
		})
		if !strings.HasPrefix(at.ConversationID, "a:") || !strings.HasPrefix(at.ChannelAccountID, "29:") || at.ServiceURL != s.url {
			t.Errorf("%+v", at)
		}
	})
}

// An address learned in a channel would send one person's messages there, for all to
// read; and what is done to a team is not done to whoever did it.
func TestAChannelIsNobodysAddress(t *testing.T) {
	t.Parallel()
	inSquare(t, func(t *testing.T, s *square) {
		before, err := s.store.Address(t.Context(), id(7))
		must(t, err)
		for n, a := range []object{
			in(ops, "channel", nil, object{"type": "message", "text": "<at>Newsroom</at> why"}),
			team("teamMemberAdded", "Ops", members("membersAdded", object{"id": bot})),
			team("", "Ops", object{"type": "installationUpdate", "action": "remove"}),
			in(ops, "", nil, object{"type": "installationUpdate", "action": "remove"}),
			in(thread, "channel", nil, object{"type": "messageReaction"}),
			in(thread, "channel", nil, object{"type": "message", "value": object{"verb": "why", "broadcastId": "b"}}),
			in(lunch, "groupChat", nil, object{"type": "message", "text": "hello"}),
			in(lunch, "groupChat", nil, object{"type": "installationUpdate", "action": "remove"}),
		} {
			a["from"] = s.who(7)
			s.happens(n, a)
		}
		if at, err := s.store.Address(t.Context(), id(7)); err != nil || at != before {
			t.Errorf("%+v, want %+v: %v", at, before, err)
		}
		if said := s.said.all(); len(said) != 0 {
			t.Errorf("said %v", said)
		}
	})
}

// Repeats, in either order and late, end the same.
func TestRepeatsAndAnyOrderDoNoHarm(t *testing.T) {
	t.Parallel()
	story := func(s *square) []object {
		return []object{
			s.botAdded(),
			team("", "Ops", object{"type": "installationUpdate", "action": "add"}),
			team("teamRenamed", "Operations", nil),
			channel("channelCreated", opsNews, "News"),
			channel("channelRenamed", opsNews, "Outages"),
			team("teamArchived", "Operations", nil),
			team("teamUnarchived", "Operations", nil),
			team("teamMemberRemoved", "Operations", members("membersRemoved", object{"id": bot})),
			s.botAdded(),
			team("teamRenamed", "Ops & Dev", nil),
		}
	}
	for name, order := range map[string]func(n int) []int{
		"twice":    func(n int) []int { return append(upTo(n), upTo(n)...) },
		"reversed": func(n int) []int { out := upTo(n); slices.Reverse(out); return out },
		"shuffled": func(int) []int { return []int{5, 9, 0, 3, 7, 1, 8, 2, 6, 4, 9, 0} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inSquare(t, func(t *testing.T, s *square) {
				all := story(s)
				for _, n := range order(len(all)) {
					s.happens(n, all[n])
				}
				hit := s.team(ops)
				if hit.State != places.Here || hit.Name != "Ops & Dev" || hit.AddedBy.ID != id(3) {
					t.Errorf("%+v", hit)
				}
				if got := s.channels("ops"); !slices.Equal(got, []string{"Ops & Dev › General", "Ops & Dev › Outages"}) {
					t.Errorf("channels %v", got)
				}
			})
		})
	}
}

func upTo(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

func TestAnActivityOfAnotherTenantIsForgedAndSaysNothing(t *testing.T) {
	t.Parallel()
	inSquare(t, func(t *testing.T, s *square) {
		forged := s.botAdded()
		forged["channelData"].(object)["tenant"] = object{"id": otherTenant}
		if got := s.posts(0, forged).StatusCode; got != http.StatusForbidden {
			t.Errorf("status %d", got)
		}
		halfForged := s.botAdded()
		halfForged["conversation"].(object)["tenantId"] = otherTenant
		if got := s.posts(0, halfForged).StatusCode; got != http.StatusForbidden {
			t.Errorf("status %d", got)
		}
		elsewhere := s.botAdded()
		elsewhere["serviceUrl"] = "https://evil.example/"
		if got := s.posts(0, elsewhere).StatusCode; got != http.StatusForbidden {
			t.Errorf("status %d", got)
		}
		s.settle()
		if _, err := s.store.Team(t.Context(), ops); !broadcast.IsCode(err, broadcast.NotFound) {
			t.Errorf("a forged team is known: %v", err)
		}
		// People of other tenants are in shared channels; they are not in our directory.
		guest := s.who(12)
		guest["tenantId"] = otherTenant
		s.happens(1, team("teamMemberAdded", "Ops", members("membersAdded", guest, object{"id": "29:anonymous"}, s.who(13))))
		s.known(13)
		if at := s.account(12); at.ChannelAccountID != "" {
			t.Errorf("somebody of another tenant is known: %+v", at)
		}
	})
}

// Service URLs are refreshed by every activity, of the place and of who is in it; that
// of a personal chat only by what comes from that chat (protocol C.8).
func TestEveryActivityRefreshesServiceURLs(t *testing.T) {
	t.Parallel()
	inSquare(t, func(t *testing.T, s *square) {
		s.happens(0, s.botAdded())
		s.happens(1, team("teamMemberAdded", "Ops", members("membersAdded", s.who(7), s.who(11))))
		before, err := s.store.Address(t.Context(), id(7))
		must(t, err)
		old := s.url
		s.sim.SetDials(func(d *simulator.Dials) { d.ServiceRegion = "amer" })
		s.inTeams(9, "install", nil) // brings a token for the new service URL
		s.token = s.posted(2)
		s.url = s.token.field(t, "serviceUrl")
		if s.url == old {
			t.Fatal("the service URL did not change")
		}
		s.settle()
		s.happens(2, in(thread, "channel", object{"team": object{"id": ops}, "channel": object{"id": opsNews}}, object{"type": "message", "text": "hi", "from": s.who(11)}))
		if got := s.team(ops).ServiceURL; got != s.url {
			t.Errorf("the team is served at %s", got)
		}
		s.known(11)
		s.happens(3, in(thread, "channel", object{"team": object{"id": ops}}, object{"type": "message", "text": "hi", "from": s.who(7)}))
		if at, err := s.store.Address(t.Context(), id(7)); err != nil || at != before {
			t.Errorf("a channel moved a personal chat to %+v: %v", at, err)
		}
		s.inTeams(7, "say", object{"text": "help"})
		eventually(t, "the chat itself moves it", func() bool {
			at, err := s.store.Address(t.Context(), id(7))
			return err == nil && at.ServiceURL == s.url
		})
		// What was said before the move and comes after it moves nothing back.
		now := s.url
		s.token, s.url = s.posted(0), old
		s.happens(-5, team("teamRenamed", "Oops", nil))
		if hit := s.team(ops); hit.ServiceURL != now || hit.Name != "Ops" {
			t.Errorf("%+v", hit)
		}
	})
}

func TestChannelsOfOneNameAreToldApart(t *testing.T) {
	t.Parallel()
	inSquare(t, func(t *testing.T, s *square) {
		const again = "19:examplenews0008@thread.tacv2"
		s.happens(0, in(berlin, "channel", object{"eventType": "teamMemberAdded", "team": object{"id": berlin, "name": "Berlin Office"}}, members("membersAdded", object{"id": bot})))
		s.read()
		s.happens(1, s.botAdded())
		s.happens(2, channel("channelCreated", opsNews, "News"))
		s.happens(3, channel("channelCreated", again, "News")) // one of the two is private
		got := s.as(broadcast.RoleAuthor).get("/channels?q=new").ok(http.StatusOK)["channels"].([]any)
		var seen []string
		for _, c := range got {
			c := c.(object)
			seen = append(seen, fmt.Sprint(c["label"], " ", c["tail"]))
		}
		slices.Sort(seen)
		if want := []string{"Berlin Office › News ws0001", "Ops › News ws0007", "Ops › News ws0008"}; !slices.Equal(seen, want) {
			t.Errorf("%v, want %v", seen, want)
		}
		if got := s.channels("ops gen"); !slices.Equal(got, []string{"Ops › General"}) {
			t.Errorf("%v", got)
		}
		teams := s.as(broadcast.RoleAdmin).get("/teams?q=off&limit=5").ok(http.StatusOK)["teams"].([]any)
		if len(teams) != 1 || teams[0].(object)["name"] != "Berlin Office" || teams[0].(object)["members"] == nil || teams[0].(object)["state"] != "here" {
			t.Errorf("%v", teams)
		}
		s.as(broadcast.RoleAuthor).get("/teams?q="+strings.Repeat("x", 201)).refused(http.StatusUnprocessableEntity, "invalid", "at most 200")
	})
}
