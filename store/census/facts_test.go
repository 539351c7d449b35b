package census_test

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/audience"
	"github.com/fanfare/fanfare/broadcast/person"
	"github.com/fanfare/fanfare/store"
	"github.com/fanfare/fanfare/store/census"
	"github.com/fanfare/fanfare/store/db"
	"github.com/fanfare/fanfare/store/storetest"
)

// reports stores who reports to whom: pairs of numbers.
func reports(t testing.TB, st *store.Store, pairs ...[2]int) {
	t.Helper()
	page := make([]person.Report, len(pairs))
	for i, p := range pairs {
		page[i] = person.Report{EntraID: id(p[0])}
		if p[1] > 0 {
			page[i].Manager = id(p[1])
		}
	}
	must(t, st.SaveManagers(ctx, page, person.ManagerCursor{}))
}

func TestEverybodyBelowAManagerIsFound(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		people(t, st, 20)
		// 2 and 3 report to 1; 4, 5 to 2; 6 to 5; 7, 8, 9 report to each other in a circle.
		reports(t, st, [2]int{2, 1}, [2]int{3, 1}, [2]int{4, 2}, [2]int{5, 2}, [2]int{6, 5}, [2]int{7, 9}, [2]int{8, 7}, [2]int{9, 8}, [2]int{10, 10}, [2]int{99, 1})
		for of, want := range map[int]int{1: 5, 2: 3, 5: 1, 6: 0, 7: 2, 9: 2, 10: 0, 11: 0, 42: 0} {
			if got := the(st.CountBelow(ctx, id(of)))(t); got != want {
				t.Errorf("%d people below %d, want %d", got, of, want)
			}
		}
		if got := the(st.CountBelow(ctx, ""))(t); got != 0 {
			t.Errorf("%d people below nobody", got)
		}
		// Who left stays between their people and their manager until the directory says otherwise.
		must(t, st.SavePeople(ctx, []person.Patch{{EntraID: id(2), Deleted: new(true)}}, nil))
		if got := the(st.CountBelow(ctx, id(1)))(t); got != 4 {
			t.Errorf("%d people below the first, want 4 without number 2", got)
		}
		reports(t, st, [2]int{4, 0})
		if got := the(st.CountBelow(ctx, id(1)))(t); got != 3 {
			t.Errorf("%d people below the first, want 3", got)
		}
	})
}

// A page of the directory knows nothing of managers and time zones: it must not
// take them away.
func TestAPatchKeepsManagerAndTimeZone(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		people(t, st, 3)
		reports(t, st, [2]int{2, 1})
		must(t, st.SetTimeZone(ctx, id(2), "Europe/Berlin"))
		must(t, st.SetTimeZone(ctx, id(2), " "))
		must(t, st.SetTimeZone(ctx, id(77), "Europe/Berlin"))
		people(t, st, 3)
		if got := the(st.CountBelow(ctx, id(1)))(t); got != 1 {
			t.Errorf("%d people below the first", got)
		}
		if p := the(st.Person(ctx, id(2)))(t); p.TimeZone != "Europe/Berlin" || p.Manager.ID != id(1) {
			t.Errorf("%+v", p)
		}
	})
}

// Protocol G.2: guests, and members whose home is another tenant, are told apart,
// whatever a round says and in whichever order.
func TestB2BMembersAreToldFromGuests(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		member, guest := person.Member, person.GuestType
		foreign, own := "ada_partner.example#EXT#@contoso.example", "ada@contoso.example"
		for i, tc := range []struct {
			patches []person.Patch
			b2b     bool
			reason  broadcast.Reason
		}{
			{[]person.Patch{{Type: &member, UPN: &own, Guest: new(false)}}, false, ""},
			{[]person.Patch{{Type: &guest, UPN: &foreign, Guest: new(true)}}, false, broadcast.ReasonGuest},
			{[]person.Patch{{Type: &member, UPN: &foreign, Guest: new(true)}}, true, broadcast.ReasonGuest},
			{[]person.Patch{{Type: &guest, UPN: &foreign, Guest: new(true)}, {Type: &member, Guest: new(false)}}, true, broadcast.ReasonGuest},
			{[]person.Patch{{Type: &member, UPN: &foreign, Guest: new(true)}, {UPN: &own}}, false, ""},
			{[]person.Patch{{Type: &guest, UPN: &foreign, Guest: new(true)}, {UPN: &own}}, false, broadcast.ReasonGuest},
			{[]person.Patch{{Type: &guest, UPN: &own, Guest: new(true)}, {Type: &member, Guest: new(false)}}, false, ""},
		} {
			for _, p := range tc.patches {
				p.EntraID, p.Name, p.Enabled, p.Licensed = id(i), new("Ada"), new(true), new(true)
				must(t, st.SavePeople(ctx, []person.Patch{p}, nil))
			}
			if p := the(st.Person(ctx, id(i)))(t); p.B2B() != tc.b2b || p.Person.Excluded() != tc.reason {
				t.Errorf("%d: %+v; want B2B %v, %q", i, p.Person, tc.b2b, tc.reason)
			}
		}
	})
}

func TestValuesOfAFieldAreCountedAndFound(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		spelled := []string{"Österreich", "österreich ", " ÖSTERREICH", "Österreich", "Deutschland", "", "  ", "100%", "O'Neill"}
		for i, v := range spelled {
			p := patch(i + 1)
			p.Country = &v
			must(t, st.SavePeople(ctx, []person.Patch{p}, nil))
		}
		gone := patch(50)
		gone.Country = new("Atlantis")
		must(t, st.SavePeople(ctx, []person.Patch{gone}, nil))
		must(t, st.SavePeople(ctx, []person.Patch{{EntraID: id(50), Deleted: new(true)}}, nil))
		got := the(st.Values(ctx, audience.Country, 10))(t)
		if len(got) != 4 || got[0] != (audience.Value{Value: "Österreich", Count: 4}) {
			t.Errorf("values %v", got)
		}
		if few := the(st.Values(ctx, audience.Country, 2))(t); len(few) != 2 {
			t.Errorf("values %v, want 2", few)
		}
		if _, err := st.Values(ctx, "name; DROP TABLE people", 5); broadcast.AsError(err) == nil {
			t.Errorf("%v", err)
		}
		for want, of := range map[int][]string{
			4: {"ÖSTERREICH"}, 5: {" österreich", "Deutschland"}, 1: {"100%"}, 0: {"%", "", "Öster"}, 2: {"o'neill", "100%"},
		} {
			if got := count(t, st, audience.Country, of); got != want {
				t.Errorf("%q: %d people, want %d", of, got, want)
			}
		}
		for _, f := range audience.Fields() {
			the(st.Values(ctx, f, 5))(t)
		}
	})
}

// count is how many people have one of some values.
func count(t testing.TB, st *store.Store, field audience.Field, of []string) int {
	t.Helper()
	return the(census.CountOf(st.Census, func(tx *db.Tx, a db.Args) (string, error) {
		return census.HasValue(tx, "p", field, of, a, "values")
	}))(t)
}

// BenchmarkBelow reads the tree below one person of FANFARE_BENCH_PEOPLE (10,000).
func BenchmarkBelow(b *testing.B) {
	n, err := strconv.Atoi(os.Getenv("FANFARE_BENCH_PEOPLE"))
	if err != nil {
		n = 10_000
	}
	for _, kind := range storetest.Kinds() {
		b.Run(fmt.Sprintf("%s/%d", kind, n), func(b *testing.B) {
			st := storetest.Open(b, storetest.DSN(b, kind), time.Now)
			people(b, st, n)
			pairs := make([][2]int, 0, n)
			for i := 2; i <= n; i++ {
				pairs = append(pairs, [2]int{i, (i + 6) / 8})
			}
			for page := range slices.Chunk(pairs, 1000) {
				reports(b, st, page...)
			}
			for b.Loop() {
				if got := the(st.CountBelow(ctx, id(1)))(b); got != n-1 {
					b.Fatalf("%d people", got)
				}
			}
		})
	}
}
