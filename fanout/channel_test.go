package fanout_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/audience"
	"github.com/fanfare/fanfare/places"
	"github.com/fanfare/fanfare/simulator"
	"github.com/fanfare/fanfare/store/storetest"
)

// The simulator's first team, which the bot is in, and its second, which it is not.
const (
	opsGeneral = "19:exampleteam0001@thread.tacv2"
	opsNews    = "19:examplenews0001@thread.tacv2"
	strange    = "19:exampleteam0002@thread.tacv2"
)

func channel(id string) audience.Part {
	return audience.Part{Kind: audience.Channel, ID: id, Name: "Ops › " + id[3:14]}
}

// added tells the ledger of a team and its channels as Teams would.
func (w *world) added(team string, channels ...string) {
	w.Helper()
	for _, c := range append([]string{team}, channels...) {
		w.no(w.st.Hear(w.Context(), places.Event{
			Kind: places.BotAdded, At: w.clock.now(), Channel: places.Channel{ID: c, TeamID: team},
			Place: places.Place{Kind: places.Team, ID: team, Name: "Ops", ServiceURL: w.base + "/emea/"},
		}))
	}
}

// posted is what the bot wrote into a channel and nobody took away.
func (w *world) posted(channel string) (texts []string) {
	w.Helper()
	for _, p := range w.posts(channel) {
		if !p.Deleted {
			texts = append(texts, p.Activity)
		}
	}
	return texts
}

type post struct {
	Activity        string
	Edited, Deleted bool
}

func (w *world) posts(channel string) (out []post) {
	w.Helper()
	resp := must((&http.Client{Transport: w.wire}).Get(w.base + "/_simulator/teams"))
	defer func() { _ = resp.Body.Close() }()
	var got struct {
		Teams []struct {
			Channels []struct {
				ID    string
				Posts []struct {
					Cards           []json.RawMessage
					Edited, Deleted bool
				}
			}
		}
	}
	w.no(json.NewDecoder(resp.Body).Decode(&got))
	for _, team := range got.Teams {
		for _, c := range team.Channels {
			for _, p := range c.Posts {
				if c.ID == channel {
					out = append(out, post{string(slices.Concat(p.Cards...)), p.Edited, p.Deleted})
				}
			}
		}
	}
	return out
}

// to is a broadcast to some people and channels, approved and about to be resolved.
func (w *world) to(title string, parts ...audience.Part) broadcast.ID {
	w.Helper()
	return w.resolving(title, func(b *broadcast.Broadcast) { b.Audience = audience.Of(parts...) })
}

// resolved is that with its list.
func (w *world) resolved(bid broadcast.ID) broadcast.ID {
	w.Helper()
	w.no(w.resolver().Resolve(w.Context(), bid))
	w.in(bid, broadcast.Sending)
	return bid
}

func TestAChannelGetsOneThreadBesideItsPeople(t *testing.T) {
	t.Parallel()
	each(t, 12, func(w *world) {
		w.added(opsGeneral, opsNews)
		w.people.members = recipients(1, 12)
		bid := w.to("For all", somebody.Include[0], channel(opsNews), channel(opsGeneral), channel(opsNews))
		w.resolved(bid)
		for range 2 { // what was done and comes again does nothing
			w.no(w.resolver().Resolve(w.Context(), bid))
			w.no(w.send(w.Context(), bid))
		}
		b := w.in(bid, broadcast.Sent)
		if want := (broadcast.Tally{Total: 14, Sent: 14}); w.tally(bid) != want || b.Expected != 14 {
			w.Errorf("%+v, expected %d", b.Tally, b.Expected)
		}
		for _, c := range []string{opsNews, opsGeneral} {
			if got := w.posts(c); len(got) != 1 || !strings.Contains(got[0].Activity, "For all") {
				w.Errorf("%s holds %+v", c, got)
			}
			if d := w.deliveries(bid)[broadcast.EntraID(c)]; d.ActivityID == "" || d.State != broadcast.DeliverySent {
				w.Errorf("%+v", d)
			}
		}
		w.onceEach(12)
		w.nobodysInstallation()
	})
}

// nobodysInstallation asserts that no channel was taken for a person.
func (w *world) nobodysInstallation() {
	w.Helper()
	for _, table := range []string{"installations", "accounts", "people", "received"} {
		var n int
		w.no(storetest.SQL(w.T, w.dsn).QueryRow(`SELECT count(*) FROM ` + table + ` WHERE entra_id LIKE '19:%'`).Scan(&n))
		if n != 0 {
			w.Errorf("%d channels are in %s", n, table)
		}
	}
}

func TestAChannelAloneIsAnAudience(t *testing.T) {
	t.Parallel()
	each(t, 1, func(w *world) {
		w.added(opsGeneral, opsNews)
		bid := w.resolved(w.to("Alone", channel(opsNews)))
		w.no(w.send(w.Context(), bid))
		w.no(w.sweeper(nil).Late(w.Context(), bid))
		if b := w.in(bid, broadcast.Sent); b.Tally != (broadcast.Tally{Total: 1, Sent: 1}) || len(w.posted(opsNews)) != 1 {
			w.Errorf("%+v, %q", b.Tally, w.posted(opsNews))
		}
	})
}

// What is wrong in a channel is nobody's will: it has failed, says why, and can be tried
// again; and nothing is opened for it.
func TestAChannelThatCannotBeWrittenToHasFailed(t *testing.T) {
	t.Parallel()
	each(t, 1, func(w *world) {
		gone := "19:neverwas@thread.tacv2"
		w.added(opsGeneral, opsNews, gone)
		w.added(strange) // an event that came too late
		bid := w.resolved(w.to("Closed", channel(opsNews), channel(gone), channel(strange)))
		w.no(w.send(w.Context(), bid))
		w.in(bid, broadcast.Sent)
		for id, want := range map[string]broadcast.Delivery{
			opsNews: {State: broadcast.DeliverySent},
			gone:    {State: broadcast.DeliveryFailed, Reason: broadcast.ReasonChannelGone},
			strange: {State: broadcast.DeliveryFailed, Reason: broadcast.ReasonNotInTeam},
		} {
			if d := w.deliveries(bid)[broadcast.EntraID(id)]; d.State != want.State || d.Reason != want.Reason {
				w.Errorf("%s: %s %s (%s %s)", id, d.State, d.Reason, d.Code, d.Detail)
			}
		}
		if made := w.sim.Report().Requests["create"]; made != 0 {
			w.Errorf("%d conversations were opened", made)
		}
		w.nobodysInstallation()
		w.teamDoes(strange, "install", nil)
		must(w.service.Do(w.Context(), admin, broadcast.EventRetry, broadcast.Ask{ID: bid, Reason: broadcast.ReasonNotInTeam}))
		w.no(w.sweeper(nil).Retry(w.Context(), bid))
		w.no(w.send(w.Context(), bid))
		if got := w.tally(bid); got != (broadcast.Tally{Total: 3, Sent: 2, Failed: 1}) || len(w.posted(strange)) != 1 {
			w.Errorf("after the bot was added: %+v", got)
		}
	})
}

// teamDoes lets something become of a simulated team.
func (w *world) teamDoes(team, verb string, body any) {
	w.Helper()
	resp := must((&http.Client{Transport: w.wire}).Post(w.base+"/_simulator/teams/"+team+"/"+verb, "application/json", strings.NewReader(string(must(json.Marshal(body))))))
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode >= 300 {
		w.Errorf("%s: %s", verb, resp.Status)
	}
}

func TestAChannelIsTriedAgainLikeAnybody(t *testing.T) {
	t.Parallel()
	each(t, 1, func(w *world) {
		w.added(opsGeneral)
		w.fail(simulator.Fault{Operation: "send", Status: 429, RetryAfter: 1, Next: 1}, simulator.Fault{Operation: "send", Status: 502, Next: 1})
		bid := w.resolved(w.to("Again", channel(opsGeneral)))
		w.no(w.send(w.Context(), bid))
		w.clock.forward(time.Minute)
		w.no(w.send(w.Context(), bid))
		w.in(bid, broadcast.Sent)
		if got := w.posted(opsGeneral); len(got) != 1 {
			w.Errorf("%q", got)
		}
	})
}

func TestAThreadIsCorrectedAndTakenBack(t *testing.T) {
	t.Parallel()
	each(t, 3, func(w *world) {
		w.added(opsGeneral, opsNews)
		w.people.members = recipients(1, 3)
		bid := w.resolved(w.to("First words", somebody.Include[0], channel(opsNews), channel(opsGeneral)))
		w.no(w.send(w.Context(), bid))
		w.in(bid, broadcast.Sent)
		pass := func(kind broadcast.BroadcastKind, title string) broadcast.ID {
			id := w.resolving(title, func(b *broadcast.Broadcast) { b.Kind, b.Target, b.Audience = kind, bid, w.read(bid).Audience })
			w.no(w.resolver().Resolve(w.Context(), id))
			w.no(w.send(w.Context(), id))
			w.in(id, broadcast.Sent)
			return id
		}
		edit := pass(broadcast.KindEdit, "Better words")
		if got := w.posts(opsNews); len(got) != 1 || !got[0].Edited || !strings.Contains(got[0].Activity, "Better words") {
			w.Errorf("after the correction %+v", got)
		}
		w.teamDoes(opsGeneral, "delete-channel", map[string]string{"channel": opsNews})
		recall := pass(broadcast.KindRecall, "First words")
		if got := w.posted(opsGeneral); len(got) != 0 {
			w.Errorf("after the recall %q", got)
		}
		if got := w.tally(edit); got != (broadcast.Tally{Total: 5, Sent: 5}) {
			w.Errorf("corrected %+v", got)
		}
		if d := w.deliveries(recall)[opsNews]; d.State != broadcast.DeliverySkipped || d.Reason != broadcast.ReasonMessageGone {
			w.Errorf("what went with its channel is %s %s", d.State, d.Reason)
		}
		w.nobodysInstallation()
	})
}

func TestChannelsAreNotOfTheFirstWave(t *testing.T) {
	t.Parallel()
	each(t, 4, func(w *world) {
		w.added(opsGeneral)
		w.people.members = recipients(1, 4)
		bid := w.resolving("In waves", func(b *broadcast.Broadcast) {
			b.Audience, b.Wave, b.Plan.Canary.People = audience.Of(somebody.Include[0], channel(opsGeneral)), 0, 50
		})
		w.resolved(bid)
		w.no(w.send(w.Context(), bid))
		if got := w.tally(bid); got.Sent != 4 || got.Ready != 1 || len(w.posted(opsGeneral)) != 0 {
			w.Errorf("the first wave is %+v", got)
		}
		w.no(w.sweeper(&desk{}).Sweep(w.Context()))
		w.in(bid, broadcast.Held)
		must(w.service.Do(w.Context(), admin, broadcast.EventGo, broadcast.Ask{ID: bid}))
		w.no(w.send(w.Context(), bid))
		if w.in(bid, broadcast.Sent); len(w.posted(opsGeneral)) != 1 {
			w.Errorf("after the go: %q", w.posted(opsGeneral))
		}
	})
}

// Like a group that cannot be read: nobody gets what was approved for more.
func TestAClosedChannelStopsTheBroadcastBeforeAnybodyIsListed(t *testing.T) {
	t.Parallel()
	each(t, 2, func(w *world) {
		w.added(opsGeneral)
		w.people.members = recipients(1, 2)
		bid := w.to("Too late", somebody.Include[0], channel(opsGeneral))
		w.no(w.st.Hear(w.Context(), places.Event{Kind: places.BotRemoved, At: w.clock.now(), Place: places.Place{Kind: places.Team, ID: opsGeneral}}))
		w.no(w.resolver().Resolve(w.Context(), bid))
		if b := w.in(bid, broadcast.Failed); !strings.Contains(b.Reason, "“Ops › General”") || w.tally(bid).Total != 0 {
			w.Errorf("%q, %+v", b.Reason, b.Tally)
		}
	})
}

func TestACancelledBroadcastLeavesItsChannelsAlone(t *testing.T) {
	t.Parallel()
	each(t, 2, func(w *world) {
		w.added(opsGeneral)
		bid := w.resolved(w.to("Cancelled", channel(opsGeneral)))
		must(w.service.Do(w.Context(), admin, broadcast.EventCancel, broadcast.Ask{ID: bid}))
		w.no(w.send(w.Context(), bid))
		w.no(w.sweeper(nil).Cancel(w.Context(), bid))
		if got := w.tally(bid); got != (broadcast.Tally{Total: 1, Cancelled: 1}) || len(w.posted(opsGeneral)) != 0 {
			w.Errorf("%+v", got)
		}
	})
}
