package places_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/places"
	"github.com/fanfare/fanfare/simulator"
	"github.com/fanfare/fanfare/store/storetest"
)

// gate is the wire, at which a test can step in before the nth page is asked for.
type gate struct {
	places.Wire
	pages  int
	most   int // members on one page
	before func(n int)
}

func (g *gate) Members(ctx context.Context, serviceURL, teamID, cursor string) (places.Page, error) {
	g.pages++
	g.before(g.pages)
	if err := ctx.Err(); err != nil {
		return places.Page{}, err
	}
	page, err := g.Wire.Members(ctx, serviceURL, teamID, cursor)
	g.most = max(g.most, len(page.Members))
	return page, err
}

// TestAReaderThatIsKilledIsFollowedByOneThatGoesOn: ten thousand members, never more
// than a page of them in hand. The first reader stalls in the middle as if its machine
// were gone; the second, another process, goes on behind it; and what the first still
// has to say when it wakes is refused.
func TestAReaderThatIsKilledIsFollowedByOneThatGoesOn(t *testing.T) {
	t.Parallel()
	const members = 10_000
	each(t, members, func(w *world) {
		w.hears(places.BotAdded, berlin)
		stalled, wake := make(chan struct{}), make(chan struct{})
		first := &gate{Wire: w.wire, before: func(n int) {
			if n == 11 {
				close(stalled)
				<-wake
			}
		}}
		done := make(chan error, 1)
		go func() { done <- w.reader(w.st, first).Work(w.Context(), time.Minute) }()
		<-stalled
		if team := w.team(); team.Round != 0 || team.Members != 0 {
			w.Errorf("a half-read roster is taken for a whole one: %+v", team)
		}
		if _, err := w.members(); !broadcast.IsCode(err, broadcast.Conflict) {
			w.Errorf("members of a half-read roster: %v", err)
		}
		other := w.replica()
		w.no(w.reader(other, &gate{Wire: w.wire, before: func(int) { w.Error("a roster in hand was taken") }}).Work(w.Context(), time.Minute))
		w.pass(2 * time.Minute) // the lease is over
		second := &gate{Wire: w.wire, before: func(int) {}}
		w.no(w.reader(other, second).Work(w.Context(), time.Minute))
		close(wake)
		w.no(<-done)

		if second.pages != 10 || first.most > 500 || second.most > 500 {
			w.Errorf("the second read %d pages of up to %d people, want the 10 that were left", second.pages, second.most)
		}
		got, err := w.members()
		w.no(err)
		if team := w.team(); len(got) != members || team.Members != members || team.Round != 1 {
			w.Fatalf("%d members, %+v", len(got), team)
		}
		if at := must(w.st.Account(w.Context(), person(70_000))); at.ChannelAccountID == "" || at.ServiceURL != w.base+"/emea/" {
			w.Errorf("%+v", at)
		}
		if team, channels := w.requests("team"), w.requests("channels"); team != 1 || channels != 1 {
			w.Errorf("details read %d times, channels %d", team, channels)
		}
	})
}

// TestAReaderThatStopsGivesItsRosterBack: the next one need not wait for a lease.
func TestAReaderThatStopsGivesItsRosterBack(t *testing.T) {
	t.Parallel()
	each(t, 1_200, func(w *world) {
		w.hears(places.BotAdded, berlin)
		ctx, stop := context.WithCancel(w.Context())
		first := &gate{Wire: w.wire, before: func(n int) {
			if n == 2 {
				stop()
			}
		}}
		w.no(w.reader(w.st, first).Work(ctx, time.Minute))
		second := &gate{Wire: w.wire, before: func(int) {}}
		w.no(w.reader(w.replica(), second).Work(w.Context(), time.Minute))
		if second.pages != 2 || w.team().Members != 1_200 {
			w.Errorf("%d pages, %+v", second.pages, w.team())
		}
	})
}

func TestThrottlingPausesEverybodyAndCostsNoAttempt(t *testing.T) {
	t.Parallel()
	each(t, 600, func(w *world) {
		w.hears(places.BotAdded, berlin)
		w.fail(simulator.Fault{Operation: "pagedmembers", Status: 429, RetryAfter: 7, Next: 2}, simulator.Fault{Operation: "channels", Status: 429, Next: 1})
		w.read()
		if !slices.Equal(w.turn.pauses, []time.Duration{0, 7 * time.Second, 7 * time.Second}) {
			w.Errorf("paused %v", w.turn.pauses)
		}
		if team := w.team(); team.Members != 600 || team.Problem != "" {
			w.Errorf("%+v", team)
		}
	})
}

func TestTroubleOfTeamsIsWaitedOutWhereItStands(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]simulator.Fault{
		"500": {Status: 500}, "502": {Status: 502, Shape: "html"}, "503": {Status: 503}, "504": {Status: 504}, "cut": {Shape: "cut"}, "412": {Status: 412},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, storetest.SQLite, 1_100)
			w.hears(places.BotAdded, berlin)
			f.Operation, f.Skip, f.Next = "pagedmembers", 1, 3 // the second page, three times
			w.fail(f)
			for range 3 {
				w.read()
				if team := w.team(); team.Round != 0 || team.Problem == "" {
					w.Fatalf("%+v", team)
				}
				w.pass(time.Minute)
			}
			w.read()
			if team := w.team(); team.Members != 1_100 || team.Problem != "" {
				w.Errorf("%+v", team)
			}
			if n := w.requests("pagedmembers"); n != 6 { // three pages, and three tries in vain
				w.Errorf("%d pages were asked for", n)
			}
		})
	}
}

// A continuation token is Teams' to forget.
func TestAForgottenCursorBeginsAnew(t *testing.T) {
	t.Parallel()
	each(t, 1_100, func(w *world) {
		w.hears(places.BotAdded, berlin)
		w.fail(simulator.Fault{Operation: "pagedmembers", Status: 400, Code: "BadArgument", Skip: 2, Next: 1})
		w.read()
		w.pass(time.Minute)
		w.read()
		got, err := w.members()
		w.no(err)
		if team := w.team(); len(got) != 1_100 || team.Members != 1_100 || team.Round != 2 {
			w.Errorf("%d members, %+v", len(got), team)
		}
	})
}

func TestAWholeRosterStaysUntilTheNextOneIsWhole(t *testing.T) {
	t.Parallel()
	each(t, 600, func(w *world) {
		w.hears(places.BotAdded, berlin)
		w.read()
		before, err := w.members()
		w.no(err)
		w.sim.SetDials(func(d *simulator.Dials) {
			d.Fail = []simulator.Fault{{Operation: "pagedmembers", Status: 503, Skip: 1}}
		})
		w.pass(25 * time.Hour) // the sweep has it read once a day
		w.read()
		half, err := w.members()
		w.no(err)
		if team := w.team(); !slices.Equal(half, before) || team.Round != 1 || team.Problem == "" {
			w.Errorf("%d members while the next round is half read, %+v", len(half), team)
		}
		w.fail()
		w.pass(time.Hour)
		w.read()
		if team := w.team(); team.Round != 2 || team.Members != len(before) || team.Problem != "" {
			w.Errorf("%+v", team)
		}
	})
}

// TestMembershipEventsAskForAReading: soon, together, and not again and again.
func TestMembershipEventsAskForAReading(t *testing.T) {
	t.Parallel()
	each(t, 20, func(w *world) {
		w.hears(places.BotAdded, berlin)
		w.read()
		w.pass(time.Hour)
		for range 5 {
			w.hears(places.Joined, berlin, places.Member{EntraID: person(1), ChannelAccountID: "29:1"})
		}
		w.read()
		if n := w.requests("pagedmembers"); n != 1 {
			w.Errorf("read %d times before the burst was over", n)
		}
		w.pass(15 * time.Second)
		w.read()
		w.hears(places.Left, berlin)
		w.pass(time.Minute)
		w.read()
		if n := w.requests("pagedmembers"); n != 2 {
			w.Errorf("read %d times, want 2: one for the burst, and the next not at once", n)
		}
		w.pass(5 * time.Minute)
		w.read()
		w.read()
		if n := w.requests("pagedmembers"); n != 3 {
			w.Errorf("read %d times, want 3", n)
		}
		w.pass(23 * time.Hour)
		w.read()
		if n := w.requests("pagedmembers"); n != 3 {
			w.Errorf("read %d times, want 3: a day is not over", n)
		}
	})
}

// What the bot was not told it learns from refusals; not from the first ones, which may
// only come too early (protocol C.7).
func TestRefusalsTellThatTheBotIsGone(t *testing.T) {
	t.Parallel()
	for want, f := range map[places.State]simulator.Fault{
		places.Removed: {Operation: "team", Status: 403, Code: "BotNotInConversationRoster"},
		places.Deleted: {Operation: "team", Status: 404, Code: "ConversationNotFound"},
	} {
		t.Run(string(want), func(t *testing.T) {
			t.Parallel()
			each(t, 10, func(w *world) {
				w.hears(places.BotAdded, berlin)
				w.fail(f)
				for n := range 4 { // the first three within ten minutes of being added
					if got := w.team().State; got != places.Here {
						w.Fatalf("%s after %d refusals", got, n)
					}
					w.pass(150 * time.Second)
					w.read()
				}
				if got := w.team().State; got != want {
					w.Fatalf("%s, want %s", got, want)
				}
				asked := w.requests("team")
				w.pass(48 * time.Hour)
				w.read()
				if n := w.requests("team"); n != asked {
					w.Error("a team the bot is not in is asked for")
				}
				w.fail()
				w.hears(places.BotAdded, berlin) // and back
				w.pass(time.Minute)
				w.read()
				if team := w.team(); team.State != places.Here || team.Members != 10 {
					w.Errorf("%+v", team)
				}
			})
		})
	}
}

func TestWhatConcernsEveryCallLetsReadersRest(t *testing.T) {
	t.Parallel()
	each(t, 10, func(w *world) {
		w.hears(places.BotAdded, berlin)
		w.sim.SetDials(func(d *simulator.Dials) { d.BotDisabledByAdmin = true })
		r := w.reader(w.st, w.wire)
		var f *broadcast.Fault
		if err := r.Work(w.Context(), time.Minute); !errors.As(err, &f) || f.Scope != broadcast.ScopeService {
			w.Fatalf("%v", err)
		}
		w.no(r.Work(w.Context(), time.Minute))
		if n := w.requests("team"); n != 1 {
			w.Errorf("asked %d times", n)
		}
		w.sim.SetDials(func(d *simulator.Dials) { d.BotDisabledByAdmin = false })
		w.pass(2 * time.Minute)
		w.no(r.Work(w.Context(), time.Minute))
		if w.team().Members != 10 {
			w.Errorf("%+v", w.team())
		}
	})
}

func TestATeamDeletedForGoodIsForgottenAndItsPeopleAreNot(t *testing.T) {
	t.Parallel()
	each(t, 10, func(w *world) {
		w.hears(places.BotAdded, berlin)
		w.read()
		w.pass(time.Second)
		w.hears(places.TeamDeleted, berlin)
		if _, err := w.members(); !broadcast.IsCode(err, broadcast.Conflict) {
			w.Errorf("a deleted team has members: %v", err)
		}
		w.hears(places.TeamHardDeleted, berlin)
		if team := w.team(); team.State != places.Deleted || team.Members != 0 || team.Round != 0 {
			w.Errorf("%+v", team)
		}
		var rows int
		w.no(storetest.SQL(w, w.dsn).QueryRow(`SELECT count(*) FROM rosters`).Scan(&rows))
		if at := must(w.st.Account(w.Context(), person(7))); rows != 0 || at.ChannelAccountID == "" {
			w.Errorf("%d rows; account %+v", rows, at)
		}
	})
}
