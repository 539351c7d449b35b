package places_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fanfare/fanfare/places"
	"github.com/fanfare/fanfare/store/storetest"
)

// BenchmarkHear is what an event costs from eight lanes at once: one that says nothing
// new, one by somebody not known yet, and one that somebody joined a team.
func BenchmarkHear(b *testing.B) {
	for _, kind := range storetest.Kinds() {
		st := storetest.Open(b, storetest.DSN(b, kind), nil)
		at := time.Now()
		var n atomic.Int64
		event := map[string]func() places.Event{
			"nothing new": func() places.Event { return heard(1, urlA, at) },
			"new person":  func() places.Event { return heard(int(1_000+n.Add(1)), urlA, at) },
			"joined": func() places.Event {
				e := heard(int(1_000_000+n.Add(1)), urlA, at)
				e.Kind, e.Place.ID = places.Joined, fmt.Sprintf("19:t%d@thread.tacv2", n.Load()%8)
				return e
			},
		}
		must(b, st.Hear(ctx, heard(1, urlA, at)))
		for _, name := range []string{"nothing new", "new person", "joined"} {
			b.Run(kind+"/"+name, func(b *testing.B) {
				b.SetParallelism(4)
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						must(b, st.Hear(ctx, event[name]()))
					}
				})
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
			})
		}
	}
}
