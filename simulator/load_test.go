package simulator_test

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/fanfare/fanfare/simulator"
)

func TestAWholeOrganisationIsReachedOnceEach(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.sim.SetDials(func(d *simulator.Dials) { d.PreinstalledPerMille, d.GuestPerMille, d.DisabledPerMille = 1000, 0, 0 })
	s.fanOut(1000, card("to everybody"))
	r := s.sim.Report()
	if r.People != 1000 || r.Messages != r.Reached || r.Repeats != 0 || r.Reached < 950 || len(r.ByBroadcast) != 1 {
		t.Fatalf("%+v", r)
	}
}

// fanOut sends one message to everybody through their chat addresses.
func (s *stage) fanOut(people int, message any) {
	s.token(botScope)
	var next atomic.Int64
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for n := int(next.Add(1)); n <= people; n = int(next.Add(1)) {
				s.send(fmt.Sprintf("19:%s_%s@unq.gbl.spaces", simulator.EntraID(n), simulator.DefaultBotID), message)
			}
		})
	}
	all.Wait()
}

// BenchmarkFanOut measures a send over HTTPS, client included, and what a
// reached person costs in memory.
func BenchmarkFanOut(b *testing.B) {
	b.ReportAllocs()
	s := newStage(b, func(o *simulator.Options) { o.People = max(b.N, 1) })
	s.sim.SetDials(func(d *simulator.Dials) { d.PreinstalledPerMille, d.GuestPerMille = 1000, 0 })
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	b.ResetTimer()
	s.fanOut(b.N, card("to everybody"))
	b.StopTimer()
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "sends/s")
	b.ReportMetric(float64(int64(after.HeapAlloc)-int64(before.HeapAlloc))/float64(b.N), "heapB/person")
}
