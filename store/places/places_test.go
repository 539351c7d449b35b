package places_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/places"
	"github.com/fanfare/fanfare/store"
	room "github.com/fanfare/fanfare/store/places"
	"github.com/fanfare/fanfare/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

// ctx is every test's context: a test that hangs is stopped by go test.
var (
	ctx  = context.Background()
	must = storetest.Must
	id   = storetest.ID
)

func the[T any](v T, err error) func(testing.TB) T { return storetest.The(v, err) }

const (
	ops   = "19:ops@thread.tacv2"
	urlA  = "https://smba.example/emea/"
	urlB  = "https://smba.example/amer/"
	lease = time.Minute
)

func member(n int) places.Member {
	return places.Member{EntraID: id(n), ChannelAccountID: fmt.Sprintf("29:%d", n), Name: fmt.Sprintf("Person %d", n)}
}

// heard is that person n wrote in Ops at a time, served at an address.
func heard(n int, url string, at time.Time) places.Event {
	return places.Event{Kind: places.Heard, Place: places.Place{Kind: places.Team, ID: ops, ServiceURL: url}, By: member(n), People: []places.Member{member(n)}, At: at}
}

func TestLawRowTypesAreTheMigratedColumns(t *testing.T) {
	t.Parallel()
	storetest.RowsAreTables(t, room.Tables(), storetest.Places()...)
}

// TestAnAccountIsLentToWhomNoEventGaveAnAddress: it makes nobody reachable, changes
// nobody's state, and never moves a chat whose address an event told.
func TestAnAccountIsLentToWhomNoEventGaveAnAddress(t *testing.T) {
	t.Parallel()
	storetest.EachAt(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		told := broadcast.ConversationReference{ServiceURL: "https://smba.example/de/", ConversationID: "a:1", ChannelAccountID: "29:1"}
		must(t, st.BotAdded(ctx, id(1), told))
		read := broadcast.ConversationReference{ServiceURL: "https://smba.example/fallback/", ConversationID: "19:2@unq.gbl.spaces"}
		must(t, st.BotAdded(ctx, id(2), read)) // as Graph tells it: without an account
		must(t, st.BotAdded(ctx, id(3), told))
		must(t, st.BotGone(ctx, id(3), broadcast.InstallationRemoved))
		must(t, st.BotAdded(ctx, id(4), told))
		must(t, st.BotGone(ctx, id(4), broadcast.InstallationBlocked))
		e := heard(1, urlA, clock.Now())
		for n := 2; n <= 5; n++ {
			e.People = append(e.People, member(n))
		}
		e.Kind = places.Joined
		must(t, st.Hear(ctx, e))

		if got := the(st.Address(ctx, id(1)))(t); got != told {
			t.Errorf("a told address became %+v", got)
		}
		if want, got := (broadcast.ConversationReference{ServiceURL: urlA, ConversationID: read.ConversationID, ChannelAccountID: "29:2"}), the(st.Address(ctx, id(2)))(t); got != want {
			t.Errorf("an address read through Graph is %+v, want %+v", got, want)
		}
		for n := 3; n <= 5; n++ {
			if at, err := st.Address(ctx, id(n)); !broadcast.IsCode(err, broadcast.NotFound) {
				t.Errorf("person %d is reachable at %+v: %v", n, at, err)
			}
		}
		for n, want := range map[int]string{1: told.ServiceURL, 2: urlA, 3: urlA, 4: urlA, 5: urlA} {
			if at := the(st.Account(ctx, id(n)))(t); at.ChannelAccountID != fmt.Sprintf("29:%d", n) || at.ServiceURL != want || at.ConversationID != "" {
				t.Errorf("person %d: account %+v", n, at)
			}
		}
		states := map[broadcast.EntraID]broadcast.InstallationState{}
		for _, r := range the(st.Installations(ctx, broadcast.InstallQuery{Limit: 10}))(t).Rows {
			states[r.EntraID] = r.State
		}
		for n, want := range map[int]broadcast.InstallationState{1: "installed", 2: "installed", 3: "removed", 4: "blocked", 5: ""} {
			if states[id(n)] != want {
				t.Errorf("person %d: %q, want %q", n, states[id(n)], want)
			}
		}
		if work := the(st.TakeInstallations(ctx, 10, lease))(t); len(work) != 0 {
			t.Errorf("somebody is to be installed because they were seen: %+v", work)
		}
	})
}

func TestAChatReadThroughGraphKeepsTheServiceURLARosterTold(t *testing.T) {
	t.Parallel()
	storetest.EachAt(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		must(t, st.BotAdded(ctx, id(1), broadcast.ConversationReference{})) // the app is there; no conversation
		job := the(st.TakeInstallations(ctx, 10, lease))(t)
		if len(job) != 1 || !job[0].NeedsChat {
			t.Fatalf("%+v", job)
		}
		must(t, st.Hear(ctx, heard(1, urlA, clock.Now())))
		must(t, st.RecordInstallations(ctx, []broadcast.InstallOutcome{{
			EntraID: id(1), Fence: job[0].Fence, State: broadcast.InstallationInstalled, At: clock.Now(),
			Address: &broadcast.ConversationReference{ServiceURL: "https://smba.example/fallback/", ConversationID: "19:1@unq.gbl.spaces"},
		}}))
		want := broadcast.ConversationReference{ServiceURL: urlA, ConversationID: "19:1@unq.gbl.spaces", ChannelAccountID: "29:1"}
		if got := the(st.Address(ctx, id(1)))(t); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	})
}

func TestAnOlderSightingMovesNoAccountBack(t *testing.T) {
	t.Parallel()
	storetest.EachAt(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		now := clock.Now()
		must(t, st.Hear(ctx, heard(1, urlB, now)))
		must(t, st.Hear(ctx, heard(1, urlA, now.Add(-time.Minute))))
		if got := the(st.Account(ctx, id(1)))(t); got.ServiceURL != urlB {
			t.Errorf("%+v", got)
		}
		must(t, st.Hear(ctx, heard(1, urlA, now.Add(time.Minute))))
		if got := the(st.Account(ctx, id(1)))(t); got.ServiceURL != urlA {
			t.Errorf("%+v", got)
		}
	})
}

// TestWhatIsKnownIsNotWritten: nearly every activity in a channel says nothing new, and
// costs a look. While somebody else holds the tables, only looking is possible.
func TestWhatIsKnownIsNotWritten(t *testing.T) {
	t.Parallel()
	for kind, hold := range map[string]string{
		storetest.SQLite:   `BEGIN IMMEDIATE`,
		storetest.Postgres: `BEGIN; LOCK TABLE places, channels, accounts, installations, roster_reads IN SHARE MODE`,
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			dsn := storetest.DSN(t, kind)
			st := storetest.Open(t, dsn, nil)
			at := time.Now()
			known, news := heard(1, urlA, at), heard(2, urlA, at)
			known.Channel = places.Channel{ID: "19:news@thread.tacv2", TeamID: ops}
			must(t, st.Hear(ctx, known))
			holder := the(storetest.SQL(t, dsn).Conn(ctx))(t)
			the(holder.ExecContext(ctx, hold))(t)
			for n := range 20 {
				known.At = at.Add(time.Duration(n) * time.Second)
				must(t, st.Hear(ctx, known))
			}
			soon, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
			defer cancel()
			if err := st.Hear(soon, news); err == nil {
				t.Error("the tables are not held: this test shows nothing")
			}
			the(holder.ExecContext(ctx, `ROLLBACK`))(t)
			must(t, holder.Close())
			must(t, st.Hear(ctx, news))
		})
	}
}

// TestEventsOfOneTeamAtTheSameTimeEndAsTheNewestSays: lanes and replicas handle them side
// by side.
func TestEventsOfOneTeamAtTheSameTimeEndAsTheNewestSays(t *testing.T) {
	t.Parallel()
	for _, kind := range storetest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			dsn := storetest.DSN(t, kind)
			replicas := []*store.Store{storetest.Open(t, dsn, nil), storetest.Open(t, dsn, nil)}
			start := time.Now().Add(-time.Hour)
			var all sync.WaitGroup
			errs := make([]error, 40)
			for n := range errs {
				all.Go(func() {
					e := heard(n, urlA, start.Add(time.Duration(n)*time.Second))
					e.Kind = []places.EventKind{places.TeamRenamed, places.BotAdded, places.BotRemoved, places.Joined}[n%4]
					e.Place.Name = fmt.Sprintf("Name %02d", n)
					for m := range 20 { // the same people, in different orders
						e.People = append(e.People, member((m*7+n)%20))
					}
					errs[n] = replicas[n%2].Hear(ctx, e)
				})
			}
			all.Wait()
			for _, err := range errs {
				must(t, err)
			}
			team := the(replicas[0].Team(ctx, ops))(t)
			if team.Name != "Name 39" || team.State != places.Removed || team.AddedBy.ID == "" {
				t.Errorf("%+v", team)
			}
		})
	}
}

func TestTeamsAndChannelsAreFoundByTheBeginningOfAWord(t *testing.T) {
	t.Parallel()
	storetest.EachAt(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		for i, name := range []string{"Sales Europe", "sales america", "Café & Küche, O'Hare", "100% _Ops_", "Deleted Sales", "Removed Sales", "Archived Sales"} {
			e := places.Event{Kind: places.BotAdded, Place: places.Place{Kind: places.Team, ID: fmt.Sprintf("19:t%d@thread.tacv2", i), Name: name, ServiceURL: urlA}, At: clock.Now()}
			must(t, st.Hear(ctx, e))
			e.Kind, e.Channel = places.ChannelCreated, places.Channel{ID: fmt.Sprintf("19:c%d@thread.tacv2", i), Name: "News"}
			must(t, st.Hear(ctx, e))
			e.At, e.Channel = e.At.Add(time.Second), places.Channel{}
			switch i {
			case 4:
				e.Kind = places.TeamDeleted
			case 5:
				e.Kind = places.BotRemoved
			case 6:
				e.Kind = places.TeamArchived
			}
			must(t, st.Hear(ctx, e))
		}
		teams := func(text string, limit int) (out []string) {
			for _, h := range the(st.FindTeams(ctx, text, limit))(t) {
				out = append(out, h.Name)
			}
			return out
		}
		for text, want := range map[string][]string{
			"sales": {"sales america", "Sales Europe", "Archived Sales", "Removed Sales"}, "SAL eur": {"Sales Europe"}, "ales": nil, "küc": {"Café & Küche, O'Hare"},
			"hare caf": {"Café & Küche, O'Hare"}, "100 op": {"100% _Ops_"}, "sales x": nil,
		} {
			if got := teams(text, 10); !slices.Equal(got, want) {
				t.Errorf("%q finds %q, want %q", text, got, want)
			}
		}
		if got := teams("% _", 10); len(got) != 6 { // no words at all
			t.Errorf("%q", got)
		}
		if got := teams("", 2); !slices.Equal(got, []string{"100% _Ops_", "Café & Küche, O'Hare"}) {
			t.Errorf("%q", got)
		}
		var labels []string
		for _, h := range the(st.FindChannels(ctx, "sales ne", 10))(t) {
			labels = append(labels, h.Label())
		}
		if !slices.Equal(labels, []string{"sales america › News", "Sales Europe › News"}) {
			t.Errorf("%q", labels)
		}
	})
}

// TestTwoReadersNeverHoldOneRoster, and who lost it can store nothing.
func TestTwoReadersNeverHoldOneRoster(t *testing.T) {
	t.Parallel()
	storetest.EachAt(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		must(t, st.Hear(ctx, heard(1, urlA, clock.Now())))
		first := the(st.TakeRoster(ctx, lease))(t)
		if first == nil || first.Team.ID != ops || first.Round != 1 {
			t.Fatalf("%+v", first)
		}
		if again := the(st.TakeRoster(ctx, lease))(t); again != nil {
			t.Fatalf("taken twice: %+v", again)
		}
		must(t, st.SavePage(ctx, *first, places.Page{Members: []places.Member{member(1), member(1)}, Next: "c1"}, lease))
		clock.Pass(2 * lease)
		second := the(st.TakeRoster(ctx, lease))(t)
		if second == nil || second.Cursor != "c1" || second.Round != 1 {
			t.Fatalf("%+v", second)
		}
		for what, err := range map[string]error{
			"a page": st.SavePage(ctx, *first, places.Page{Members: []places.Member{member(2)}}, lease),
			"a team": st.SaveTeam(ctx, *first, places.Place{Name: "Stale"}, nil),
			"back":   st.PutBack(ctx, *first, places.Trouble{Anew: true}),
		} {
			if err != places.ErrNotOurs {
				t.Errorf("%s was stored by who lost the roster: %v", what, err)
			}
		}
		// The bot is removed: nobody is to read any more, and who does is told so.
		clock.Pass(time.Second)
		gone := heard(1, urlA, clock.Now())
		gone.Kind = places.BotRemoved
		must(t, st.Hear(ctx, gone))
		if err := st.SavePage(ctx, *second, places.Page{Members: []places.Member{member(2)}}, lease); err != places.ErrNotOurs {
			t.Errorf("%v", err)
		}
		clock.Pass(48 * time.Hour)
		if r := the(st.TakeRoster(ctx, lease))(t); r != nil {
			t.Errorf("%+v", r)
		}
	})
}

func TestARosterWithNobodyInItIsNotBelieved(t *testing.T) {
	t.Parallel()
	storetest.EachAt(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		must(t, st.Hear(ctx, heard(1, urlA, clock.Now())))
		read := func(people ...places.Member) error {
			t.Helper()
			clock.Pass(25 * time.Hour)
			r := the(st.TakeRoster(ctx, lease))(t)
			return st.SavePage(ctx, *r, places.Page{Members: people}, lease)
		}
		must(t, read(member(1), member(2)))
		if err := read(); err == nil {
			t.Fatal("a team without anybody was believed")
		}
		if team := the(st.Team(ctx, ops))(t); team.Round != 1 || team.Members != 2 {
			t.Errorf("%+v", team)
		}
		clock.Pass(2 * lease)
		must(t, read(member(2), member(3)))
		team := the(st.Team(ctx, ops))(t)
		if got := the(st.RosterPage(ctx, ops, team.Round, "", 10))(t); !slices.Equal(got, []broadcast.EntraID{id(2), id(3)}) {
			t.Errorf("%v in %+v", got, team)
		}
	})
}

func TestTheSweepFindsRostersThatAreDue(t *testing.T) {
	t.Parallel()
	storetest.EachAt(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		due := func() bool {
			return slices.Contains(the(st.Unfinished(ctx, 10))(t), broadcast.Work{Kind: broadcast.KindRoster})
		}
		if due() {
			t.Error("due before there is a team")
		}
		must(t, st.Hear(ctx, heard(1, urlA, clock.Now())))
		if !due() {
			t.Error("a new team's roster is not due")
		}
		r := the(st.TakeRoster(ctx, lease))(t)
		if due() {
			t.Error("due while it is in hand")
		}
		must(t, st.SavePage(ctx, *r, places.Page{Members: []places.Member{member(1)}}, lease))
		clock.Pass(23 * time.Hour)
		if due() {
			t.Error("due before the day is over")
		}
		must(t, st.AskRoster(ctx, ops))
		if !due() {
			t.Error("not due though asked for")
		}
		if err := st.AskRoster(ctx, "19:nobody"); !broadcast.IsCode(err, broadcast.NotFound) {
			t.Errorf("%v", err)
		}
	})
}

// On SQLite one process is alone: what the one before had in hand is in nobody's.
func TestARestartTakesRostersUpAtOnce(t *testing.T) {
	t.Parallel()
	dsn := storetest.DSN(t, storetest.SQLite)
	st := storetest.Open(t, dsn, nil)
	must(t, st.Hear(ctx, heard(1, urlA, time.Now())))
	first := the(st.TakeRoster(ctx, lease))(t)
	must(t, st.SavePage(ctx, *first, places.Page{Members: []places.Member{member(1)}, Next: "c1"}, lease))
	must(t, st.Close())
	again := the(storetest.Open(t, dsn, nil).TakeRoster(ctx, lease))(t)
	if again == nil || again.Cursor != "c1" || again.Fence == first.Fence {
		t.Errorf("%+v", again)
	}
}

// A channel nobody knows was made while nobody told: the list of channels names it.
func TestAnUnknownChannelAsksForTheList(t *testing.T) {
	t.Parallel()
	storetest.EachAt(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		e := heard(1, urlA, clock.Now())
		must(t, st.Hear(ctx, e))
		r := the(st.TakeRoster(ctx, lease))(t)
		must(t, st.SavePage(ctx, *r, places.Page{Members: []places.Member{member(1)}}, lease))
		clock.Pass(time.Hour)
		e.Channel, e.At = places.Channel{ID: "19:made@thread.tacv2", TeamID: ops}, clock.Now()
		must(t, st.Hear(ctx, e))
		if r = the(st.TakeRoster(ctx, lease))(t); r == nil {
			t.Fatal("nobody reads the list of channels")
		}
		must(t, st.SaveTeam(ctx, *r, places.Place{Kind: places.Team, ID: ops, Name: "Ops"}, []places.Channel{{ID: ops, TeamID: ops}, {ID: "19:made@thread.tacv2", TeamID: ops, Name: "Made"}}))
		var labels []string
		for _, h := range the(st.FindChannels(ctx, "", 10))(t) {
			labels = append(labels, h.Label())
		}
		if !slices.Equal(labels, []string{"Ops › General", "Ops › Made"}) {
			t.Errorf("%q", labels)
		}
	})
}
