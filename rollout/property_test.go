package rollout_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/audience"
	"github.com/fanfare/fanfare/rollout"
	"github.com/fanfare/fanfare/store"
	"github.com/fanfare/fanfare/store/storetest"
)

// TestWhateverGroupsOverlapEachPersonIsInOneRing: the forecast and what comes of it put
// everybody into the first ring that has them, and the counts of all rings add up to
// the organisation, whatever happens to people meanwhile.
func TestWhateverGroupsOverlapEachPersonIsInOneRing(t *testing.T) {
	t.Parallel()
	for _, kind := range storetest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			dsn, tries := storetest.DSN(t, kind), 0
			storetest.Open(t, dsn, nil)
			rapid.Check(t, func(r *rapid.T) {
				tries++
				clock := storetest.NewClock()
				st, err := store.Open(t.Context(), store.Options{DSN: dsn, TenantID: fmt.Sprint("try ", tries), Now: clock.Now}) // each try is a tenant
				if err != nil {
					t.Fatal(err)
				}
				defer st.Close()
				overlapping(r, newWorld(t, st, dsn, clock))
			})
		})
	}
}

const people = 60 // the last is a guest

func overlapping(r *rapid.T, w *world) {
	w.hire(1, people)
	someone := rapid.IntRange(1, people)
	var rings []rollout.Ring
	var members [][]int
	for i := range rapid.IntRange(1, 4).Draw(r, "rings") {
		in, out := rapid.SliceOfN(someone, 0, 40).Draw(r, "in"), rapid.SliceOfN(someone, 0, 10).Draw(r, "out")
		a, b := fmt.Sprintf("a%07d-0000-4000-8000-000000000000", i), fmt.Sprintf("b%07d-0000-4000-8000-000000000000", i)
		w.graph.Of[a], w.graph.Of[b] = in, out
		ring := rollout.Ring{Name: fmt.Sprintf("Ring %d", i), Audience: audience.Audience{Include: group(a).Include, Exclude: group(b).Include}, MaxFailedPercent: 100}
		if rapid.Bool().Draw(r, "by marketing") {
			ring.Audience.Include = append(ring.Audience.Include, marketing.Include...)
			for n := 41; n <= people; n++ {
				in = append(in, n)
			}
		}
		rings = append(rings, ring)
		members = append(members, slices.DeleteFunc(slices.Clone(in), func(n int) bool { return slices.Contains(out, n) }))
	}
	want := first(members)
	w.set(rings...)
	f, err := w.Forecast(w.Context(), cora)
	w.no(err)
	for i, ring := range f.Rings {
		if ring.Counts.Eligible() != len(want[i]) {
			r.Fatalf("the forecast has %d in %s, want %v", ring.Counts.Eligible(), ring.Name, want[i])
		}
	}
	for i, ring := range f.Rings {
		w.no(w.Advance(w.Context(), cora, ring.ID))
		w.install(rapid.SliceOfN(someone, 0, 5).Draw(r, "refused")...)
		if gone := someone.Draw(r, "gone"); slices.Contains(want[i], gone) {
			w.no(w.st.BotGone(w.Context(), id(gone), broadcast.InstallationRemoved))
		}
		if rapid.Bool().Draw(r, "sync") {
			w.clock.Pass(time.Minute)
			w.no(w.Refresh(w.Context()))
		}
	}
	now, err := w.Rollout(w.Context(), cora)
	w.no(err)
	sum := 0
	for i, ring := range now.Rings {
		if sum += ring.Counts.Eligible(); ring.Counts.Eligible() != len(want[i]) || ring.Counts.Untouched != 0 {
			r.Fatalf("%s has %+v, want %v", ring.Name, ring.Counts, want[i])
		}
		page, err := w.Installations(w.Context(), cora, broadcast.InstallQuery{Ring: ring.ID})
		w.no(err)
		var in []broadcast.EntraID
		for _, n := range want[i] {
			in = append(in, id(n))
		}
		if got := ids(page); !slices.Equal(got, in) {
			r.Fatalf("in %s are %v, want %v", ring.Name, got, in)
		}
	}
	if sum != people-1 || sum != now.Eligible() || now.People() != people {
		r.Fatalf("the rings add up to %d, the organisation has %d", sum, now.Eligible())
	}
}

func ids(p broadcast.InstallPage) (out []broadcast.EntraID) {
	for _, row := range p.Rows {
		out = append(out, row.EntraID)
	}
	return out
}

// first puts each person who can have the app into the first ring that has them, and the
// others into the last.
func first(members [][]int) [][]int {
	out := make([][]int, len(members)+1)
	for n := 1; n < people; n++ {
		at := slices.IndexFunc(members, func(in []int) bool { return slices.Contains(in, n) })
		if at < 0 {
			at = len(members)
		}
		out[at] = append(out[at], n)
	}
	return out
}
