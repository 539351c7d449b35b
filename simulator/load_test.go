package simulator_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
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
	raw, err := json.Marshal(message)
	if err != nil {
		s.t.Fatal(err)
	}
	var next atomic.Int64
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for n := int(next.Add(1)); n <= people; n = int(next.Add(1)) {
				s.send(fmt.Sprintf("19:%s_%s@unq.gbl.spaces", simulator.EntraID(n), simulator.DefaultBotID), raw)
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

// nobody is a caller who does not read the answer.
type nobody struct{ header http.Header }

func (n nobody) Header() http.Header         { return n.header }
func (n nobody) Write(b []byte) (int, error) { return len(b), nil }
func (n nobody) WriteHeader(int)             {}

// BenchmarkSend measures what the simulator itself adds to a send, without
// network, TLS and net/http: to whoever measures a fan-out, this is in the way.
func BenchmarkSend(b *testing.B) {
	b.ReportAllocs()
	s := newStage(b, func(o *simulator.Options) { o.People = 10_000 })
	s.sim.SetDials(func(d *simulator.Dials) { d.PreinstalledPerMille, d.GuestPerMille, d.ThreadLimits = 1000, 0, false })
	raw, err := json.Marshal(card("to everybody"))
	if err != nil {
		b.Fatal(err)
	}
	body := bytes.NewReader(raw)
	r := httptest.NewRequest(http.MethodPost, "/", body)
	r.Header.Set("Authorization", "Bearer "+s.token(botScope))
	r.Header.Set("Content-Type", "application/json")
	people := make([]*url.URL, 10_000)
	for i := range people {
		people[i] = &url.URL{Path: "/emea/" + simulator.DefaultTenantID + "/v3/conversations/19:" + simulator.EntraID(i+1) + "_" +
			simulator.DefaultBotID + "@unq.gbl.spaces/activities"}
	}
	n := 0
	for b.Loop() {
		body.Reset(raw)
		r.URL = people[n%len(people)]
		n++
		s.sim.ServeHTTP(nobody{http.Header{}}, r)
	}
	if got := s.sim.Report().Reached; got < int64(min(b.N, len(people)))*9/10 {
		b.Fatalf("%d of %d reached", got, b.N)
	}
}
