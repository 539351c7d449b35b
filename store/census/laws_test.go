package census_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/person"
	"github.com/fanfare/fanfare/store"
	"github.com/fanfare/fanfare/store/census"
	"github.com/fanfare/fanfare/store/storetest"
)

func TestLawRowTypesAreTheMigratedColumns(t *testing.T) {
	t.Parallel()
	storetest.RowsAreTables(t, census.Tables(), storetest.Census()...)
}

// TestLawExcludedIsTheDirectorysWord compares the generated column with
// Person.Excluded for every person there can be.
func TestLawExcludedIsTheDirectorysWord(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		want := map[broadcast.EntraID]broadcast.Reason{}
		var page []person.Patch
		for bits := range 16 {
			p := person.Person{Guest: bits&1 > 0, Enabled: bits&2 > 0, Licensed: bits&4 > 0, Deleted: bits&8 > 0}
			want[id(bits)] = p.Excluded()
			page = append(page, person.Patch{EntraID: id(bits), Guest: &p.Guest, Enabled: &p.Enabled, Licensed: &p.Licensed})
		}
		must(t, st.SavePeople(ctx, page, nil))
		for i := range page {
			page[i] = person.Patch{EntraID: page[i].EntraID, Deleted: new(i&8 > 0)}
		}
		must(t, st.SavePeople(ctx, page, nil))
		got := map[broadcast.EntraID]broadcast.Reason{}
		for _, r := range the(st.KnownPeople(ctx, slices.Collect(maps.Keys(want))))(t) {
			got[r.EntraID] = r.Excluded
		}
		if !maps.Equal(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	})
}
