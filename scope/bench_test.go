package scope_test

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast/audience"
	noun "github.com/fanfare/fanfare/broadcast/person"
	"github.com/fanfare/fanfare/gather"
	"github.com/fanfare/fanfare/places"
	"github.com/fanfare/fanfare/scope"
	"github.com/fanfare/fanfare/store/storetest"
)

// BenchmarkLook measures what an author waits for who chooses everyone and may reach
// nearly all of them: the first time their scope is read, and then.
func BenchmarkLook(b *testing.B) {
	const people = 100_000
	for _, kind := range storetest.Kinds() {
		b.Run(kind, func(b *testing.B) {
			st := storetest.Open(b, storetest.DSN(b, kind), nil)
			for from := 0; from < people; from += 5_000 {
				var page []noun.Patch
				for n := from; n < from+5_000; n++ {
					name, department, yes := fmt.Sprint("Person ", n), fmt.Sprint("Department ", n%10), true
					page = append(page, noun.Patch{EntraID: id(n), Name: &name, Department: &department, Enabled: &yes, Licensed: &yes})
				}
				if err := st.SavePeople(b.Context(), page, nil); err != nil {
					b.Fatal(err)
				}
			}
			directory := &gather.Gatherer{Reader: storetest.NewGroups(nil), Teams: places.New(places.Config{Ledger: st, Lists: st}), Sets: st, Names: st, Now: st.Now}
			s := scope.NewService(scope.Config{Ledger: st, Vouchers: st, Census: st, Directory: directory, Now: st.Now, Log: slog.New(slog.DiscardHandler)})
			bound := audience.Part{Kind: audience.Attribute, Field: audience.Department}
			for n := range 9 {
				bound.Values = append(bound.Values, fmt.Sprint("Department ", n))
			}
			began := time.Now()
			if _, err := s.Set(b.Context(), cora, scope.Default, audience.Of(bound)); err != nil {
				b.Fatal(err)
			}
			b.Logf("set, with its people read: %v", time.Since(began))
			for b.Loop() {
				if f, err := s.Look(b.Context(), ada, audience.Of(everyone)); err != nil || f.Count != people/10 {
					b.Fatalf("%+v, %v", f, err)
				}
			}
		})
	}
}
