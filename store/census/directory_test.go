package census_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/person"
	"github.com/fanfare/fanfare/store"
	"github.com/fanfare/fanfare/store/storetest"
)

// known is why a person is excluded.
func known(t *testing.T, st *store.Store, n int) broadcast.Reason {
	t.Helper()
	got := the(st.KnownPeople(ctx, []broadcast.EntraID{id(n)}))(t)
	if len(got) != 1 {
		t.Fatalf("person %d is known %d times", n, len(got))
	}
	return got[0].Excluded
}

func TestDeletedPeopleComeBack(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		people(t, st, 2)
		must(t, st.SavePeople(ctx, []person.Patch{{EntraID: id(1), Deleted: new(true)}, {EntraID: id(9), Deleted: new(true)}}, nil))
		if got := known(t, st, 1); got != broadcast.ReasonDeleted {
			t.Fatalf("excluded for %q, want deleted", got)
		}
		if page := the(st.PeoplePage(ctx, "", 10))(t); len(page) != 1 || page[0].EntraID != id(2) {
			t.Fatalf("everybody is %v", page)
		}
		must(t, st.SavePeople(ctx, []person.Patch{patch(1)}, nil))
		if got := known(t, st, 1); got != "" {
			t.Fatalf("restored, but excluded for %q", got)
		}
		if reach := the(st.Reach(ctx, broadcast.Everyone()))(t); reach.Total != 2 {
			t.Fatalf("everybody is %d people, want 2", reach.Total)
		}
	})
}

func TestThePageAndItsCursorAreStoredTogether(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		if c := the(st.Cursor(ctx))(t); c != (person.Cursor{}) {
			t.Fatalf("a cursor before anything was read: %+v", c)
		}
		c := person.Cursor{Link: "https://graph/next", Round: 3, Full: true, FinishedAt: time.UnixMilli(5000).UTC()}
		must(t, st.SavePeople(ctx, []person.Patch{patch(1)}, &c))
		if got := the(st.Cursor(ctx))(t); got != c {
			t.Fatalf("cursor %+v, want %+v", got, c)
		}
		must(t, st.SavePeople(ctx, []person.Patch{patch(2)}, nil))
		if got := the(st.Cursor(ctx))(t); got != c {
			t.Fatalf("a page without a cursor moved it to %+v", got)
		}
		must(t, st.SavePeople(ctx, nil, &person.Cursor{Link: "last", Round: 3}))
		if got := the(st.Cursor(ctx))(t); got.Link != "last" || got.Full {
			t.Fatalf("cursor %+v", got)
		}
	})
}

func TestAFullReadForgetsWhomItDidNotSee(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		must(t, st.SavePeople(ctx, []person.Patch{patch(1), patch(2), patch(3)}, &person.Cursor{Round: 1, Full: true}))
		must(t, st.EndRound(ctx, person.Cursor{Link: "delta1", Round: 1}))
		// A page of nobody, and an end: that directory is not believed.
		if err := st.EndRound(ctx, person.Cursor{Link: "delta2", Round: 2}); err == nil {
			t.Fatal("a full read that saw nobody deleted everybody")
		}
		if c := the(st.Cursor(ctx))(t); c.Link != "delta1" {
			t.Fatalf("the refused round moved the cursor: %+v", c)
		}
		must(t, st.SavePeople(ctx, []person.Patch{patch(2), patch(3)}, &person.Cursor{Round: 2, Full: true}))
		must(t, st.SavePeople(ctx, []person.Patch{patch(4)}, nil)) // read on the side, in the same round
		must(t, st.EndRound(ctx, person.Cursor{Link: "delta2", Round: 2, FinishedAt: time.UnixMilli(9)}))
		var left []broadcast.EntraID
		for _, r := range the(st.PeoplePage(ctx, "", 10))(t) {
			left = append(left, r.EntraID)
		}
		if want := []broadcast.EntraID{id(2), id(3), id(4)}; !reflect.DeepEqual(left, want) {
			t.Fatalf("left are %v, want %v", left, want)
		}
		if r := the(st.Rollout(ctx))(t); r.People != 3 || r.DirectoryAt != time.UnixMilli(9).UTC() {
			t.Fatalf("%+v", r)
		}
	})
}

func TestPeoplePagesAreInOrderAndComplete(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		people(t, st, 25)
		must(t, st.SavePeople(ctx, []person.Patch{{EntraID: id(7), Enabled: new(false)}}, nil))
		var after broadcast.EntraID
		seen := 0
		for {
			page := the(st.PeoplePage(ctx, after, 10))(t)
			if len(page) == 0 {
				break
			}
			for _, r := range page {
				if r.EntraID <= after {
					t.Fatalf("%s after %s", r.EntraID, after)
				}
				if disabled := r.Excluded == broadcast.ReasonDisabled; disabled != (r.EntraID == id(7)) {
					t.Fatalf("%+v", r)
				}
				after = r.EntraID
				seen++
			}
		}
		if seen != 25 {
			t.Fatalf("saw %d of 25", seen)
		}
		if got := the(st.KnownPeople(ctx, []broadcast.EntraID{id(3), id(99), id(7)}))(t); len(got) != 2 {
			t.Fatalf("known: %v", got)
		}
	})
}
