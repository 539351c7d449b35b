package bench_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fanfare/fanfare/store/storetest"
)

// TestHarness measures a few hundred people, for the harness's sake.
func TestHarness(t *testing.T) {
	t.Parallel()
	b := &bench{sink: startSink(t)}
	b.settings = startSimulator(t, b.sink)
	b.begin(fanoutPart)
	const people = 300
	for _, name := range []string{bare, loopSQLite} {
		kind := map[string]string{loopSQLite: storetest.SQLite}[name]
		b.add(name, people, b.contend(t, name, newDatabase(t, kind), people).values(people)...)
	}
	p := newProduct(t, newDatabase(t, storetest.SQLite), people, b, nil)
	p.start()
	for name, first := range map[string]bool{ourSQLite: false, ourSQLite + listed: true} {
		b.add(name, people, p.fanout(b, people, first).values(people)...)
	}
	for _, r := range b.rows {
		for _, unit := range []string{rate, peak, first} {
			if v, ok := r.median(unit); !ok || v <= 0 {
				t.Errorf("%s: %s is %v", r.name, unit, v)
			}
		}
	}
	if ratio, pairs := b.compare(ratio{ourSQLite, loopSQLite, rate, ""}); pairs != 1 || ratio <= 0 {
		t.Errorf("the ratio of %d pairs is %v", pairs, ratio)
	}
}

func TestALoopThatIsRefusedIsNoMeasurement(t *testing.T) {
	t.Parallel()
	s := startSink(t)
	s.reset(t, sinkSettings{People: 50})
	if err := loop(context.Background(), newPoster(s.serviceURL()), 51, nil); err == nil || !strings.Contains(err.Error(), "status 400") {
		t.Errorf("somebody was refused, and the loop says %v", err)
	}
	if r := s.seen(t); r.Sent != 50 || r.Bad != 1 || r.First == 0 || r.Last < r.First {
		t.Errorf("the sink saw %+v", r)
	}
}

func TestEachPartReplacesItsOwnSection(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "docs", "performance.md")
	write := func(p part, is float64) string {
		b := &bench{}
		b.begin(p)
		b.rows, b.units = []*row{{"a", []map[string]float64{{rate: is}}}, {"b", []map[string]float64{{rate: 2}}}}, []string{rate}
		b.publish(t, file)
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	one := part{name: "One", about: "first", ratios: []ratio{{"a", "b", rate, "≥ 2"}}}
	write(one, 8)
	write(part{name: "Two", about: "second"}, 5)
	got := write(one, 6)
	for _, want := range []string{"# Performance", "## The machine", "second", "| a | 1 | 6.000 |", "| a | 1 | 5.000 |", "| a / b | msg/s | 1 | 3.00 | ≥ 2 |"} {
		if strings.Count(got, want) != 1 {
			t.Errorf("%q stands %d times in:\n%s", want, strings.Count(got, want), got)
		}
	}
}

func TestMedians(t *testing.T) {
	t.Parallel()
	for want, of := range map[float64][]float64{0: nil, 3: {3}, 2: {3, 1, 2}, 2.5: {4, 1, 3, 2}} {
		if got := medianOf(of); got != want {
			t.Errorf("the median of %v is %v, not %v", of, want, got)
		}
	}
}
