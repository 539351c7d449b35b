package rings_test

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/audience"
	noun "github.com/fanfare/fanfare/broadcast/person"
	"github.com/fanfare/fanfare/rollout"
	"github.com/fanfare/fanfare/store/storetest"
)

// BenchmarkRings measures what a ring of half the organisation costs: being opened, being
// counted, and what the sweep does each second while nothing changes. FANFARE_BENCH_PEOPLE
// is how many people there are.
func BenchmarkRings(b *testing.B) {
	people := 20_000
	if n, err := strconv.Atoi(os.Getenv("FANFARE_BENCH_PEOPLE")); err == nil {
		people = n
	}
	for _, kind := range storetest.Kinds() {
		b.Run(kind, func(b *testing.B) {
			st := storetest.Open(b, storetest.DSN(b, kind), nil)
			for from := 0; from < people; from += 5_000 {
				var page []noun.Patch
				for n := from; n < from+5_000; n++ {
					name, department, yes := fmt.Sprint("Person ", n), fmt.Sprint("Department ", n%10), true
					page = append(page, noun.Patch{EntraID: broadcast.EntraID(fmt.Sprintf("%08d-0000-4000-8000-000000000000", n)), Name: &name, Department: &department, Enabled: &yes, Licensed: &yes})
				}
				must(b, st.SavePeople(ctx, page, nil))
			}
			half := audience.Part{Kind: audience.Attribute, Field: audience.Department}
			for n := range 5 {
				half.Values = append(half.Values, fmt.Sprint("Department ", n))
			}
			took := func(what string, f func() error) {
				began := time.Now()
				must(b, f())
				b.Logf("%s: %v", what, time.Since(began).Round(time.Millisecond))
			}
			ring := rollout.Ring{ID: "r", Name: "Half", Audience: audience.Of(half), State: rollout.Waiting}
			must(b, st.SetRings(ctx, 0, []rollout.Ring{ring, rollout.LastRing()}, broadcast.ActorRef{}, st.Now()))
			took("set", func() error {
				set, err := st.NewSet(ctx, rollout.Owner("r"), half)
				if err != nil {
					return err
				}
				if err := st.FillSet(ctx, set, half); err != nil {
					return err
				}
				return st.KeepSet(ctx, set)
			})
			must(b, st.MoveRing(ctx, rollout.RingMove{Ring: ring, From: broadcast.RolloutIdle, Rule: rollout.Moves()[0], At: st.Now()}))
			took("fill", func() error { _, err := st.FillRings(ctx, time.Hour); return err })
			took("refill", func() error {
				must(b, st.RefillRing(ctx, "r", ""))
				_, err := st.FillRings(ctx, time.Hour)
				return err
			})
			var r rollout.Rollout
			took("count", func() (err error) { r, err = st.Rollout(ctx); return err })
			if r.Wanted != people/2 || r.Rings[0].Counts.Wanted != people/2 || r.Untouched != people/2 {
				b.Fatalf("%+v", r)
			}
			took("by", func() error { _, err := st.CountBy(ctx, "department"); return err })
			took("ends", func() error { _, err := st.Ends(ctx, 12, 5*time.Second); return err })
			took("page", func() error {
				_, err := st.Installations(ctx, broadcast.InstallQuery{Ring: "r", Department: "Department 3", Limit: 100})
				return err
			})
			must(b, st.SaveSample(ctx, rollout.Sample{At: st.Now(), Counts: r.Counts}, st.Now().Add(time.Hour)))
			for b.Loop() { // a second of the sweep in which nothing changes
				if _, err := st.FillRings(ctx, time.Second); err != nil {
					b.Fatal(err)
				}
				if _, err := st.TakeLook(ctx, time.Second); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
