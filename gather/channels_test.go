package gather_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/audience"
	"github.com/fanfare/fanfare/places"
)

// team is one the bot is in, with a channel called News; of, its ID without ends.
func (w *world) team(of, name string) (general, news audience.Part) {
	w.Helper()
	e := places.Event{Kind: places.BotAdded, At: w.clock.Now(), Place: places.Place{Kind: places.Team, ID: "19:" + of + "@thread.tacv2", Name: name, ServiceURL: "https://smba.example/"}}
	w.no(w.st.Hear(w.Context(), e))
	e.Kind, e.Channel = places.ChannelCreated, places.Channel{ID: "19:" + of + "news@thread.tacv2", Name: "News"}
	w.no(w.st.Hear(w.Context(), e))
	return audience.Part{Kind: audience.Channel, ID: e.Place.ID}, audience.Part{Kind: audience.Channel, ID: e.Channel.ID}
}

// heard is something that becomes of a channel's team, or of the channel.
func (w *world) heard(kind places.EventKind, team, channel string) {
	w.Helper()
	w.clock.Pass(time.Minute)
	w.no(w.st.Hear(w.Context(), places.Event{Kind: kind, At: w.clock.Now(), Place: places.Place{Kind: places.Team, ID: team}, Channel: places.Channel{ID: channel}}))
}

func TestChannelsAreFoundAndToldApart(t *testing.T) {
	each(t, func(w *world) {
		general, news := w.team("ops1", "Ops")
		w.team("ops2", "Ops")
		w.team("hr", "Human Resources")
		find := func(text string) (out []string) {
			hits, err := w.Find(w.Context(), text)
			w.no(err)
			for _, h := range hits {
				if h.Kind == audience.Channel {
					out = append(out, h.Words()+strings.TrimPrefix(h.Note, "Channel · one post, whoever reads there"))
				}
			}
			return out
		}
		for text, want := range map[string][]string{
			"general":   {"Channel Human Resources › General", "Channel Ops › General · ID ends in ops1", "Channel Ops › General · ID ends in ops2"},
			"hum news":  {"Channel Human Resources › News"},
			"ops new":   {"Channel Ops › News · ID ends in s1news", "Channel Ops › News · ID ends in s2news"},
			general.ID:  {"Channel Ops › General"},
			news.ID:     {"Channel Ops › News"},
			"19:x":      nil,
			"newspaper": nil,
		} {
			if got := find(text); !slices.Equal(got, want) {
				w.Errorf("%q finds %q, want %q", text, got, want)
			}
		}
		w.heard(places.BotRemoved, general.ID, "")
		if got := find(news.ID); len(got) != 0 {
			w.Errorf("offered though closed: %q", got)
		}
	})
}

func TestAChannelThatIsClosedCountsForNobody(t *testing.T) {
	each(t, func(w *world) {
		_, news := w.team("ops", "Ops")
		a := audience.Of(news, ten)
		if r := w.reach(a); r.Total != 1 || r.Channels != 1 {
			w.Fatalf("%+v", r)
		}
		if name, err := w.NameOf(w.Context(), news); err != nil || name != "Ops › News" {
			w.Errorf("%q, %v", name, err)
		}
		for _, step := range []struct {
			shuts, opens places.EventKind
			channel, why string
		}{
			{places.TeamArchived, places.TeamUnarchived, "", "is archived"},
			{places.ChannelDeleted, places.ChannelRestored, news.ID, "The channel “Ops › News” was deleted"},
			{places.TeamDeleted, places.TeamRestored, "", "The team of the channel “Ops › News” was deleted"},
			{places.BotRemoved, places.BotAdded, "", "no longer in the team"},
		} {
			w.heard(step.shuts, "19:ops@thread.tacv2", step.channel)
			w.no(w.Gather(w.Context(), "", a, time.Hour)) // looked at a minute ago
			for _, owner := range []string{"", "a broadcast"} {
				if err := w.Gather(w.Context(), owner, a, 0); !broadcast.IsCode(err, broadcast.Invalid) || !strings.Contains(broadcast.AsMessage(err), step.why) {
					w.Errorf("after %s: %v", step.shuts, err)
				}
			}
			if _, err := w.NameOf(w.Context(), news); !broadcast.IsCode(err, broadcast.NotFound) || !strings.Contains(broadcast.AsMessage(err), step.why) {
				w.Errorf("after %s it is called %v", step.shuts, err)
			}
			w.heard(step.opens, "19:ops@thread.tacv2", step.channel)
			w.no(w.Gather(w.Context(), "", a, 0))
		}
		// What a broadcast has looked at it does not look at again: its list is frozen.
		const never = time.Duration(1<<63 - 1)
		w.no(w.Gather(w.Context(), "another", a, never))
		w.heard(places.BotRemoved, "19:ops@thread.tacv2", "")
		w.no(w.Gather(w.Context(), "another", a, never))
		if err := w.Gather(w.Context(), "", audience.Of(audience.Part{Kind: audience.Channel, ID: "19:none@thread.tacv2", Name: "None"}), 0); !strings.Contains(broadcast.AsMessage(err), "Nobody knows the channel “None”") {
			w.Errorf("%v", err)
		}
	})
}
