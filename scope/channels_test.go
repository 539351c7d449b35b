package scope_test

import (
	"strings"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/audience"
	"github.com/fanfare/fanfare/places"
)

const ops, opsNews, hrNews = "19:ops@thread.tacv2", "19:opsnews@thread.tacv2", "19:hrnews@thread.tacv2"

func channel(id, name string) audience.Part {
	return audience.Part{Kind: audience.Channel, ID: id, Name: name}
}

var (
	toOpsNews = channel(opsNews, "Ops › News")
	toHRNews  = channel(hrNews, "HR › News")
	inOps     = audience.Part{Kind: audience.Team, ID: ops, Name: "Ops"}
)

// teams are two the bot is in; the members of Ops are persons 1 and 2.
func (w *world) teams() {
	w.Helper()
	for team, c := range map[string]places.Channel{ops: {ID: opsNews, Name: "News"}, "19:hr@thread.tacv2": {ID: hrNews, Name: "News"}} {
		name := map[bool]string{true: "Ops", false: "HR"}[team == ops]
		for _, kind := range []places.EventKind{places.BotAdded, places.ChannelCreated} {
			e := places.Event{Kind: kind, At: w.clock.Now(), Place: places.Place{Kind: places.Team, ID: team, Name: name, ServiceURL: "https://smba.example/"}}
			if kind == places.ChannelCreated {
				e.Channel = c
			}
			w.no(w.st.Hear(w.Context(), e))
		}
		w.clock.Pass(time.Minute)
		r, err := w.st.TakeRoster(w.Context(), time.Minute)
		w.no(err)
		w.no(w.st.SavePage(w.Context(), *r, places.Page{Members: []places.Member{{EntraID: id(1), ChannelAccountID: "29:1"}, {EntraID: id(2), ChannelAccountID: "29:2"}}}, time.Minute))
	}
}

func TestAChannelHasToBeNamedByTheScopeOrItsTeam(t *testing.T) {
	each(t, func(w *world) {
		w.teams()
		but := func(in []audience.Part, out ...audience.Part) broadcast.Audience {
			return broadcast.Audience{Include: in, Exclude: out}
		}
		for name, c := range map[string]struct {
			bound, meant broadcast.Audience
			want         string // in the refusal; "" for none
		}{
			"everyone, said so":             {audience.Of(everyone), audience.Of(toOpsNews), ""},
			"named":                         {audience.Of(inSales, toOpsNews), audience.Of(toOpsNews), ""},
			"its team named":                {audience.Of(inOps), audience.Of(toOpsNews, one), ""},
			"only channels":                 {audience.Of(toOpsNews), audience.Of(toOpsNews), ""},
			"its team and that left out":    {but([]audience.Part{inOps, inSales}, inOps), audience.Of(toOpsNews), "The channel “Ops › News” is outside what you may reach (Team Ops, Group a except Team Ops). Leave it out, or ask an admin."},
			"the channel of another team":   {audience.Of(inOps), audience.Of(toOpsNews, toHRNews), "The channel “HR › News” is outside what you may reach (Team Ops). Leave it out"},
			"not named":                     {audience.Of(inSales), audience.Of(inSales, toOpsNews), "The channel “Ops › News” is outside"},
			"everyone but some":             {but([]audience.Part{everyone}, inUnion), audience.Of(toOpsNews), "The channel “Ops › News” is outside"},
			"two":                           {audience.Of(inSales), audience.Of(toHRNews, toOpsNews), "The channels “HR › News”, “Ops › News” are outside what you may reach (Group a). Leave them out"},
			"people and a channel":          {audience.Of(toHRNews), audience.Of(one, toOpsNews), "The channel “Ops › News” is outside what you may reach (Channel HR › News). Leave it out, or ask an admin. The only person you chose is outside"},
			"somebody, to channels only":    {audience.Of(toOpsNews), audience.Of(one), "The only person you chose is outside"},
			"a channel nobody knows of one": {audience.Of(inOps), audience.Of(channel("19:none@thread.tacv2", "X")), "The channel “X” is outside"},
		} {
			w.set(ada.ID, c.bound)
			for _, ev := range []broadcast.Event{broadcast.EventSubmit, broadcast.EventSchedule, broadcast.EventSend} {
				if c.want == "" {
					w.allowed(ada, ev, draft(ada, c.meant))
				} else {
					w.refused(ada, ev, draft(ada, c.meant), c.want)
				}
			}
			f, err := w.Look(w.Context(), ada, c.meant)
			if w.no(err); f.Within() != (c.want == "") || !strings.Contains(f.Words(true), c.want) {
				w.Errorf("%s: while choosing, %q", name, f.Words(true))
			}
			w.clock.Pass(time.Hour)
		}
		w.set(ada.ID, audience.Of(inSales))
		w.allowed(cora, broadcast.EventSubmit, draft(ada, audience.Of(toOpsNews))) // and stands for it
		w.allowed(ada, broadcast.EventSend, draft(ada, audience.Of(toOpsNews)))
	})
}

// What becomes of a channel in a scope lets nobody reach more, nor less of others.
func TestADeletedChannelInAScopeKeepsTheRest(t *testing.T) {
	each(t, func(w *world) {
		w.teams()
		w.set(ada.ID, audience.Of(toOpsNews, inSales))
		w.no(w.st.Hear(w.Context(), places.Event{Kind: places.ChannelDeleted, At: w.clock.Now(), Place: places.Place{Kind: places.Team, ID: ops}, Channel: places.Channel{ID: opsNews, TeamID: ops}}))
		w.clock.Pass(time.Hour)
		w.allowed(ada, broadcast.EventSubmit, draft(ada, audience.Of(inSales)))
		w.refused(ada, broadcast.EventSubmit, draft(ada, audience.Of(everyone)), "36 of the 40 people")
		if _, err := w.Set(w.Context(), cora, ada.ID, audience.Of(toOpsNews)); broadcast.AsError(err) == nil {
			w.Errorf("a scope of a channel that is gone: %v", err)
		}
	})
}

// The resolver asks once more, about the people it has gathered and about channels.
func TestAScopeThatLostAChannelStopsTheRelease(t *testing.T) {
	each(t, func(w *world) {
		w.teams()
		w.set(ada.ID, audience.Of(inOps, inSales))
		b := draft(ada, audience.Of(toOpsNews, inSales))
		w.no(w.gatherer.Gather(w.Context(), string(b.ID), b.Audience, 0))
		w.allowed(broadcast.EngineActor, broadcast.EventRelease, b)
		w.set(ada.ID, audience.Of(inSales))
		w.refused(broadcast.EngineActor, broadcast.EventRelease, b, "The channel “Ops › News” is outside what Ada Author may reach (Group a). Have it left out, or ask an admin.")
		w.no(w.gatherer.Gather(w.Context(), string(b.ID)+"/late", b.Audience.People(), 0))
		w.allowed(broadcast.EngineActor, broadcast.EventLate, b) // no channel comes late
	})
}
