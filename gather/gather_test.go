package gather_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/audience"
	noun "github.com/fanfare/fanfare/broadcast/person"
	"github.com/fanfare/fanfare/gather"
	"github.com/fanfare/fanfare/places"
	"github.com/fanfare/fanfare/store"
	"github.com/fanfare/fanfare/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

var id = storetest.ID

// world is an organisation of 40: every fourth is a guest; those above 20 are in
// Marketing, the others in R&D; each is managed by the one of half their number.
type world struct {
	*testing.T
	dsn   string
	st    *store.Store
	clock *storetest.Clock
	graph *storetest.Groups
	*gather.Gatherer
}

func each(t *testing.T, f func(w *world)) {
	t.Helper()
	t.Parallel()
	for _, kind := range storetest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			dsn, clock := storetest.DSN(t, kind), storetest.NewClock()
			st := storetest.Open(t, dsn, clock.Now)
			w := &world{T: t, dsn: dsn, st: st, clock: clock, graph: storetest.NewGroups(map[string][]int{})}
			w.Gatherer = &gather.Gatherer{Reader: w.graph, Teams: places.New(places.Config{Ledger: st, Lists: st}), Sets: st, Names: st, Now: clock.Now}
			var patches []noun.Patch
			var reports []noun.Report
			for n := 1; n <= 40; n++ {
				name, yes, guest, department, country := fmt.Sprintf("Person %d Müller", n), true, n%4 == 0, "R&D", " Österreich"
				if n > 20 {
					department, country = "Marketing", "österreich"
				}
				patches = append(patches, noun.Patch{EntraID: id(n), Name: &name, Enabled: &yes, Licensed: &yes, Guest: &guest, Department: &department, Country: &country})
				if n > 1 {
					reports = append(reports, noun.Report{EntraID: id(n), Manager: id(n / 2)})
				}
			}
			w.no(st.SavePeople(t.Context(), patches, &noun.Cursor{Link: "delta", Round: 1, FinishedAt: clock.Now()}))
			w.no(st.SaveManagers(t.Context(), reports, noun.ManagerCursor{FinishedAt: clock.Now()}))
			f(w)
		})
	}
}

func (w *world) no(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// sets is how many sets are remembered.
func (w *world) sets() (n int) {
	w.Helper()
	w.no(storetest.SQL(w.T, w.dsn).QueryRow(`SELECT count(*) FROM audience_sets`).Scan(&n))
	return n
}

func (w *world) reach(a broadcast.Audience) broadcast.Reach {
	w.Helper()
	w.no(w.Gather(w.Context(), "", a, 0))
	r, err := w.st.Reach(w.Context(), a)
	w.no(err)
	return r
}

var (
	everyone  = audience.Part{Kind: audience.Everyone}
	marketing = audience.Part{Kind: audience.Attribute, Field: audience.Department, Values: []string{" marketing"}}
	austria   = audience.Part{Kind: audience.Attribute, Field: audience.Country, Values: []string{"ÖSTERREICH"}}
	boss      = audience.Part{Kind: audience.Reports, ID: string(id(5))} // 5, 10, 11, 20, 21, 22, 23, 40
	ten       = audience.Part{Kind: audience.Person, ID: strings.ToUpper(string(id(10)))}
	sales     = audience.Part{Kind: audience.Group, ID: "sales"}
)

func TestPartsAreAddedAndTakenAway(t *testing.T) {
	each(t, func(w *world) {
		w.graph.Of["sales"] = []int{1, 2, 3, 3, 22}
		for name, c := range map[string]struct {
			a    broadcast.Audience
			want int // people, guests among them
		}{
			"everyone":                    {audience.Of(everyone), 40},
			"everyone and some of them":   {audience.Of(everyone, sales, marketing), 40},
			"everyone but a group":        {audience.Audience{Include: []audience.Part{everyone}, Exclude: []audience.Part{sales}}, 36},
			"a group, somebody twice":     {audience.Of(sales), 4},
			"a department":                {audience.Of(marketing), 20},
			"any case of any letter":      {audience.Of(austria), 40},
			"a manager's people":          {audience.Of(boss), 8},
			"one person":                  {audience.Of(ten), 1},
			"overlaps count once":         {audience.Of(sales, boss, ten, marketing), 3 + 4 + 20},
			"left out wins":               {audience.Audience{Include: []audience.Part{boss, ten}, Exclude: []audience.Part{ten, sales}}, 6},
			"left out of everything":      {audience.Audience{Include: []audience.Part{ten}, Exclude: []audience.Part{boss}}, 0},
			"nobody has this value":       {audience.Of(audience.Part{Kind: audience.Attribute, Field: audience.Office, Values: []string{"Mars"}}), 0},
			"a manager of nobody":         {audience.Of(audience.Part{Kind: audience.Reports, ID: string(id(39))}), 1},
			"somebody nobody knows":       {audience.Of(audience.Part{Kind: audience.Person, ID: string(id(99))}), 1},
			"an empty group but sombodys": {audience.Of(audience.Part{Kind: audience.Group, ID: "empty"}, ten), 1},
		} {
			r := w.reach(c.a)
			sum := r.Ready + r.Waiting
			for _, n := range r.Excluded {
				sum += n
			}
			if r.Total != c.want || sum != r.Total {
				w.Errorf("%s: %+v, want %d", name, r, c.want)
			}
		}
		if r := w.reach(audience.Of(audience.Part{Kind: audience.Person, ID: string(id(99))})); r.Excluded[broadcast.ReasonDeleted] != 1 {
			w.Errorf("who is not in the directory is %+v", r.Excluded)
		}
	})
}

func TestATeamsMembersAreThoseOfItsWholeRoster(t *testing.T) {
	each(t, func(w *world) {
		const ops = "19:ops@thread.tacv2"
		team := audience.Part{Kind: audience.Team, ID: ops}
		at := w.clock.Now()
		w.no(w.st.Hear(w.Context(), places.Event{Kind: places.BotAdded, At: at, Place: places.Place{Kind: places.Team, ID: ops, Name: "Ops Vienna", ServiceURL: "https://smba.example/"}}))
		if err := w.Gather(w.Context(), "", audience.Of(team), 0); !broadcast.IsCode(err, broadcast.Conflict) {
			w.Fatalf("%v: its roster was not read yet", err)
		}
		w.clock.Pass(time.Minute)
		r, err := w.st.TakeRoster(w.Context(), time.Minute)
		w.no(err)
		members := []places.Member{{EntraID: id(1), ChannelAccountID: "29:1"}, {EntraID: id(2), ChannelAccountID: "29:2"}}
		w.no(w.st.SavePage(w.Context(), *r, places.Page{Members: members}, time.Minute))
		if reach := w.reach(audience.Of(team)); reach.Total != 2 {
			w.Errorf("%+v", reach)
		}
		if name, err := w.NameOf(w.Context(), team); err != nil || name != "Ops Vienna" {
			w.Errorf("%q, %v", name, err)
		}
		if hits, err := w.Find(w.Context(), "vien"); err != nil || len(hits) != 1 || !hits[0].Same(team) || hits[0].Note != "Team · 2 members" {
			w.Errorf("%+v, %v", hits, err)
		}
		w.no(w.st.Hear(w.Context(), places.Event{Kind: places.BotRemoved, At: w.clock.Now().Add(time.Second), Place: places.Place{Kind: places.Team, ID: ops}}))
		w.clock.Pass(time.Minute)
		if err := w.Gather(w.Context(), "", audience.Of(team), 0); broadcast.AsError(err) == nil {
			w.Errorf("%v: the bot is no longer in it", err)
		}
		if hits, err := w.Find(w.Context(), "vien"); err != nil || len(hits) != 0 {
			w.Errorf("%+v, %v", hits, err)
		}
		if _, err := w.NameOf(w.Context(), audience.Part{Kind: audience.Team, ID: "19:none@thread.tacv2"}); !broadcast.IsCode(err, broadcast.NotFound) {
			w.Errorf("%v", err)
		}
	})
}

func TestAGroupThatCannotBeReadCountsForNobody(t *testing.T) {
	each(t, func(w *world) {
		w.graph.Of["sales"], w.graph.Of["works council"] = []int{1, 2}, []int{3, 4}
		council := audience.Part{Kind: audience.Group, ID: "works council"}
		w.graph.Fails[council.ID] = broadcast.Errorf(broadcast.Invalid, "It cannot be read.")
		for _, a := range []broadcast.Audience{audience.Of(sales, council), {Include: []audience.Part{everyone}, Exclude: []audience.Part{council}}} {
			if err := w.Gather(w.Context(), "b", a, 0); broadcast.AsError(err) == nil {
				w.Fatalf("%v", err)
			}
			if r, err := w.st.Reach(w.Context(), a); err == nil {
				w.Errorf("%s was counted as %+v without its second part", a.Words(), r)
			}
		}
		delete(w.graph.Fails, council.ID)
		if r := w.reach(audience.Of(sales, council)); r.Total != 4 {
			w.Errorf("%+v", r)
		}
	})
}

func TestWhatABroadcastReadStaysWhileHeadCountsReadAnew(t *testing.T) {
	each(t, func(w *world) {
		a := audience.Of(sales)
		w.graph.Of["sales"] = []int{1, 2, 3}
		const never = time.Duration(1<<63 - 1)
		w.no(w.Gather(w.Context(), "a broadcast", a, never))
		w.no(w.Gather(w.Context(), "", a, 10*time.Minute))
		w.graph.Of["sales"] = []int{1}
		w.clock.Pass(9 * time.Minute)
		w.no(w.Gather(w.Context(), "", a, 10*time.Minute))
		if n := w.graph.Reads["sales"]; n != 2 {
			w.Errorf("%d readings: a head-count is to share what was read ten minutes ago", n)
		}
		w.clock.Pass(2 * time.Minute)
		if r := w.reach(a); r.Total != 1 {
			w.Errorf("%+v", r)
		}
		w.no(w.Gather(w.Context(), "a broadcast", a, never))
		if n := w.graph.Reads["sales"]; n != 3 {
			w.Errorf("%d readings: a broadcast reads once", n)
		}
		// The loose set goes first, then the head-count's, then the broadcast's.
		for _, step := range []struct {
			after time.Duration
			left  int
		}{{0, 3}, {time.Hour + time.Minute, 1}, {7 * 24 * time.Hour, 0}} {
			w.clock.Pass(step.after)
			for more := true; more; {
				var err error
				more, err = w.st.DropSets(w.Context(), 1)
				w.no(err)
			}
			if n := w.sets(); n != step.left {
				w.Errorf("%d sets are left after %v, want %d", n, step.after, step.left)
			}
		}
	})
}

func TestPartsAreFoundByTheirNames(t *testing.T) {
	each(t, func(w *world) {
		w.graph.Of["market"] = nil
		names := func(text string) (out []string) {
			hits, err := w.Find(w.Context(), text)
			w.no(err)
			for _, h := range hits {
				out = append(out, h.Words()+" | "+h.Note)
			}
			return out
		}
		if got := names("market"); !slices.Equal(got, []string{"Group market | Group · Security", "Department Marketing | Department · 20 people"}) {
			w.Errorf("%q", got)
		}
		if got := names("person 5 mü"); len(got) != 2 || !strings.HasPrefix(got[0], "Person 5 Müller | Person · ") || !strings.HasPrefix(got[1], "Person 5 Müller and everybody below | Manager") {
			w.Errorf("%q", got)
		}
		if got := names("öster"); len(got) != 1 || got[0] != "Country Österreich | Country · 40 people" {
			w.Errorf("%q", got)
		}
		for _, text := range []string{"", "%", "_", "'\"", strings.Repeat("x", 10_000)} {
			if got := names(text); len(got) != 0 {
				w.Errorf("%.20q finds %q", text, got)
			}
		}
	})
}

func TestNamesComeFromWhereTheyAreKnown(t *testing.T) {
	each(t, func(w *world) {
		w.graph.Of["sales"] = nil
		for want, p := range map[string]audience.Part{"Group sales": sales, "Person 10 Müller": ten, "Person 5 Müller": boss, "": marketing} {
			p.Name = "Somebody else"
			if got, err := w.NameOf(w.Context(), p); err != nil || got != want {
				w.Errorf("%q, %v, want %q", got, err, want)
			}
		}
		for _, p := range []audience.Part{{Kind: audience.Group, ID: "gone"}, {Kind: audience.Person, ID: string(id(99)), Name: "Zoe"}} {
			if _, err := w.NameOf(w.Context(), p); !broadcast.IsCode(err, broadcast.NotFound) {
				w.Errorf("%v", err)
			}
		}
	})
}
