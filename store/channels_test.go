package store_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/audience"
	"github.com/fanfare/fanfare/places"
	"github.com/fanfare/fanfare/store"
	"github.com/fanfare/fanfare/store/storetest"
)

const serviceURL = "https://smba.example/emea/"

func channelID(team, n int) string { return fmt.Sprintf("19:team%dchannel%d@thread.tacv2", team, n) }

// team is one the bot is in, with so many channels besides General; its name is not its
// alone.
func team(t testing.TB, st *store.Store, n, channels int) (parts []audience.Part) {
	t.Helper()
	e := places.Event{Kind: places.BotAdded, At: at(0), Place: places.Place{Kind: places.Team, ID: channelID(n, 0), Name: "Ops", ServiceURL: serviceURL}}
	for i := range channels + 1 {
		if e.Channel = (places.Channel{ID: channelID(n, i), TeamID: e.Place.ID}); i > 0 {
			e.Kind, e.Channel.Name = places.ChannelCreated, fmt.Sprintf("News %d", i)
		}
		must(t, st.Hear(ctx, e))
		parts = append(parts, audience.Part{Kind: audience.Channel, ID: e.Channel.ID})
	}
	return parts
}

// meant keeps what an audience means for an owner, as package gather does.
func meant(t testing.TB, st *store.Store, owner string, a broadcast.Audience, people ...broadcast.Recipient) {
	t.Helper()
	for _, p := range a.Parts() {
		switch p.Kind {
		case audience.Everyone:
		case audience.Channel:
			gathered(t, st, owner, p, broadcast.Recipient{EntraID: broadcast.EntraID(p.ID)})
		default:
			gathered(t, st, owner, p, people...)
		}
	}
}

// listedTo is a broadcast to an audience with its list, being sent.
func listedTo(t testing.TB, st *store.Store, a broadcast.Audience, people ...broadcast.Recipient) broadcast.ID {
	t.Helper()
	b := draft(t, st)
	next := *b
	next.Audience, next.State, next.StartedAt = a, broadcast.Resolving, time.Now()
	the(st.Change(ctx, broadcast.Change{Before: b, After: &next, Move: broadcast.Move{BroadcastID: b.ID, Event: "test", By: author, At: time.Now()}}))(t)
	meant(t, st, string(b.ID), a, people...)
	want := the(st.CountAudience(ctx, b.ID))(t)
	for range 2 { // what is listed again is not listed twice
		for after, more := broadcast.EntraID(""), true; more; more = after != "" {
			after = the(st.ListAudience(ctx, b.ID, after))(t)
		}
	}
	move(t, st, b.ID, broadcast.Sending)
	if got := honest(t, st, b.ID); got.Total != want {
		t.Errorf("%d are on the list, and %d were counted", got.Total, want)
	}
	return b.ID
}

func TestChannelsAreListedWithTheirAddressesAfterThePeople(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		people(t, st, 3)
		installed(t, st, 3)
		all := append(team(t, st, 1, 2), team(t, st, 2, 0)...)
		bid := listedTo(t, st, audience.Of(append(all, audience.Part{Kind: audience.Everyone}, all[0])...))
		c := next(t, st, bid, 0)
		must(t, st.FinishChunk(ctx, c, outcomesOf(c)))
		if c = next(t, st, bid, 0); len(c.Deliveries) != 4 {
			t.Fatalf("%d in the chunk of the channels", len(c.Deliveries))
		}
		for _, d := range c.Deliveries {
			if want := (broadcast.ConversationReference{ServiceURL: serviceURL, ConversationID: string(d.EntraID)}); d.Address != want || d.State != broadcast.DeliveryReady {
				t.Errorf("%+v", d)
			}
		}
		must(t, st.FinishChunk(ctx, c, outcomesOf(c)))
		if got := honest(t, st, bid); got != (broadcast.Tally{Total: 7, Sent: 7}) {
			t.Errorf("%+v", got)
		}
	})
}

func outcomesOf(c broadcast.Chunk) (out []broadcast.Outcome) {
	for _, d := range c.Deliveries {
		out = append(out, sent(d))
	}
	return out
}

// The team's service URL is the one it has when the chunk is taken (protocol C.8).
func TestAChannelIsWrittenToWhereItsTeamIsNow(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		parts := team(t, st, 1, 1)
		unknown := audience.Part{Kind: audience.Channel, ID: "19:unknown@thread.tacv2"}
		bid := listedTo(t, st, audience.Of(parts[1], unknown))
		const moved = "https://smba.example/amer/"
		must(t, st.Hear(ctx, places.Event{Kind: places.Heard, At: at(9), Place: places.Place{Kind: places.Team, ID: parts[0].ID, ServiceURL: moved}}))
		for _, d := range next(t, st, bid, 0).Deliveries {
			want := broadcast.ConversationReference{ServiceURL: moved, ConversationID: string(d.EntraID)}
			if string(d.EntraID) == unknown.ID {
				want.ServiceURL = ""
			}
			if d.Address != want {
				t.Errorf("%+v", d)
			}
		}
	})
}

func TestRecipientsAreFoundByTheNamesOfChannels(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		people(t, st, 12)
		installed(t, st, 12)
		all := team(t, st, 1, 3)
		bid := listedTo(t, st, audience.Of(append(all, audience.Part{Kind: audience.Everyone})...))
		names := func(q broadcast.RecipientQuery) (out []string) {
			q.BroadcastID = bid
			for _, d := range listed(t, st, q) {
				out = append(out, d.Name)
			}
			return out
		}
		for text, want := range map[string][]string{
			"ops news":  {"Ops › News 1", "Ops › News 2", "Ops › News 3"},
			"GEN":       {"Ops › General"},
			"person 12": {"Person 12"},
			"news 3":    {"Ops › News 3"},
			"mars":      nil,
		} {
			for limit := 1; limit < 4; limit++ {
				if got := names(broadcast.RecipientQuery{Text: text, Limit: limit}); !slices.Equal(got, want) {
					t.Errorf("%q by %d finds %q", text, limit, got)
				}
			}
			if got := names(broadcast.RecipientQuery{Text: text, State: broadcast.DeliverySent, Limit: 5}); len(got) > 0 {
				t.Errorf("%q finds as sent %q", text, got)
			}
		}
		for _, text := range []string{"", "% _"} { // no words at all
			if got := names(broadcast.RecipientQuery{Text: text, Limit: 7}); len(got) != 16 || got[15] != "Ops › News 3" {
				t.Errorf("%q", got)
			}
		}
	})
}

// What has become of a channel since it was gathered is said by the next head-count.
func TestAHeadCountTellsWhyChannelsAreClosed(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		people(t, st, 2)
		var a broadcast.Audience
		for n := range 4 {
			a.Include = append(a.Include, team(t, st, n, 1)...)
		}
		meant(t, st, "", a)
		happens := func(n int, kind places.EventKind, channel string) {
			must(t, st.Hear(ctx, places.Event{
				Kind: kind, At: at(5), Place: places.Place{Kind: places.Team, ID: channelID(n, 0)}, Channel: places.Channel{ID: channel, TeamID: channelID(n, 0)},
			}))
		}
		happens(1, places.TeamArchived, "")
		happens(2, places.BotRemoved, "")
		happens(3, places.ChannelDeleted, channelID(3, 1))
		got := the(st.Reach(ctx, a))(t)
		if got.Total != 0 || got.Channels != 3 || got.Closed[broadcast.ReasonTeamArchived] != 2 || got.Closed[broadcast.ReasonNotInTeam] != 2 || got.Closed[broadcast.ReasonChannelGone] != 1 {
			t.Errorf("%+v", got)
		}
		a.Include = append(a.Include, audience.Part{Kind: audience.Everyone})
		if got := the(st.Reach(ctx, a))(t); got.Total != 2 || got.Channels != 3 {
			t.Errorf("%+v", got)
		}
	})
}

// TestCountsAddUpWithChannelsInThem: whatever an audience is made of, and whatever
// becomes of each, everybody and every channel counts once.
func TestCountsAddUpWithChannelsInThem(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		people(t, st, 8)
		installed(t, st, 5)
		channels := append(team(t, st, 1, 3), team(t, st, 2, 3)...)
		rapid.Check(t, func(r *rapid.T) {
			a := broadcast.Audience{Include: rapid.SliceOfN(rapid.SampledFrom(channels), 0, 10).Draw(r, "channels")}
			members := everybody(1, rapid.IntRange(0, 8).Draw(r, "members"))
			of := len(members)
			switch rapid.SampledFrom([]string{"nobody", "a group", "everyone"}).Draw(r, "people") {
			case "nobody":
				of = 0
			case "a group":
				a.Include = append(a.Include, group("g"))
			default:
				of = 8
				a.Include = append([]audience.Part{{Kind: audience.Everyone}}, a.Include...)
			}
			bid := listedTo(t, st, a, members...)
			meant(t, st, "", a, members...)
			reach := the(st.Reach(ctx, a))(t)
			if got := honest(t, st, bid); reach.Total != of || got.Total != of+len(a.Channels()) || reach.Channels != len(a.Channels()) || got.Pending != reach.Waiting || got.Ready != reach.Ready+reach.Channels {
				r.Fatalf("%+v of %d people, listed as %+v", reach, of, got)
			}
			for c := next(t, st, bid, 0); c.Number > 0; c = next(t, st, bid, 0) {
				var out []broadcast.Outcome
				for _, d := range c.Deliveries {
					o := sent(d)
					if rapid.Bool().Draw(r, "fails") {
						o.State, o.Reason, o.ActivityID = broadcast.DeliveryFailed, broadcast.ReasonNotInTeam, ""
					}
					out = append(out, o)
				}
				must(t, st.FinishChunk(ctx, c, out))
				honest(t, st, bid)
			}
		})
	})
}
