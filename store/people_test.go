package store_test

import (
	"reflect"
	"testing"

	"github.com/fanfare/fanfare/broadcast"
	noun "github.com/fanfare/fanfare/broadcast/person"
	"github.com/fanfare/fanfare/store"
	"github.com/fanfare/fanfare/store/storetest"
)

func TestAPatchLeavesWhatItDoesNotSay(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		people(t, st, 2)
		must(t, st.SavePeople(ctx, []noun.Patch{{EntraID: id(1), Guest: new(true)}}, nil))
		if got := known(t, st, 1); got != broadcast.ReasonGuest {
			t.Fatalf("excluded for %q, want guest: the licence and the account are still there", got)
		}
		must(t, st.SavePeople(ctx, []noun.Patch{{EntraID: id(1), Guest: new(false), Name: new("Änne Bär")}, {EntraID: id(1), Office: new("Köln\x00")}}, nil))
		if got := known(t, st, 1); got != "" {
			t.Fatalf("excluded for %q", got)
		}
		bid := resolved(t, st, everybody(1, 2))
		if d := delivery(t, st, bid, 1); d.Name != "Änne Bär" || d.UPN != "person.1@contoso.example" {
			t.Fatalf("%+v", d)
		}
	})
}

// known is why a person is excluded.
func known(t *testing.T, st *store.Store, n int) broadcast.Reason {
	t.Helper()
	got := the(st.KnownPeople(ctx, []broadcast.EntraID{id(n)}))(t)
	if len(got) != 1 {
		t.Fatalf("person %d is known %d times", n, len(got))
	}
	return got[0].Excluded
}

func TestPeopleAreFoundByTheBeginningOfAnyWord(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		names := []string{"Änne-Marie O'Neil", "Bernd Straße", "Carla 李明"}
		var page []noun.Patch
		for i, name := range names {
			p := patch(i + 1)
			p.Name, p.UPN = &name, new([]string{"am.oneil@contoso.example", "b_strasse@contoso.example", "carla@fabrikam.example"}[i])
			page = append(page, p)
		}
		must(t, st.SavePeople(ctx, page, nil))
		bid := resolved(t, st, everybody(1, 3))
		find := func(text string) (found []int) {
			for _, d := range the(st.Recipients(ctx, broadcast.RecipientQuery{BroadcastID: bid, Text: text, Limit: 10}))(t).Deliveries {
				for n := 1; n <= 3; n++ {
					if d.EntraID == id(n) {
						found = append(found, n)
					}
				}
			}
			return found
		}
		check := func(text string, want ...int) {
			t.Helper()
			if got := find(text); !reflect.DeepEqual(got, want) {
				t.Errorf("%q finds %v, want %v", text, got, want)
			}
		}
		check("änn", 1)
		check("ÄNNE mar", 1)
		check("neil", 1)
		check("nne")
		check("stra", 2)
		check("李", 3)
		check("contoso", 1, 2)
		check("am.oneil@contoso.example", 1)
		check("carla contoso")
		check("%", 1, 2, 3) // no word at all: does not narrow
		check("zzz")
		// A new name is found, the old one no longer.
		must(t, st.SavePeople(ctx, []noun.Patch{{EntraID: id(2), Name: new("Bernd Gasse")}}, nil))
		check("gass", 2)
		check("straße")
		check("strasse", 2) // still in the UPN
	})
}
