package bench_test

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
)

// value is one measured number.
type value struct {
	unit string
	is   float64
}

// ratio is a comparison worth telling: of one row to another, round by round.
type ratio struct {
	of, to, unit string
	target       string // what measure.md asks for, "" for nothing
}

// row is all rounds of one line.
type row struct {
	name   string
	rounds []map[string]float64
}

// figures are a part's, as they come.
type figures struct {
	part  part
	load  string // of the machine, before
	units []string
	rows  []*row
}

// begin says what benchstat wants to know first.
func (f *figures) begin(p part) {
	fmt.Printf("goos: %s\ngoarch: %s\npkg: github.com/fanfare/fanfare/bench\ncpu: %s\n", runtime.GOOS, runtime.GOARCH, field("/proc/cpuinfo", "model name"))
	*f = figures{part: p, load: loadNow()}
}

// add prints a line in the format of Go's benchmarks and keeps it. n is how many
// messages, rows or seconds the values are of.
func (f *figures) add(name string, n int, values ...value) {
	var b strings.Builder
	fmt.Fprintf(&b, "Benchmark%s/%s-%d\t%8d", f.part.name, name, runtime.GOMAXPROCS(0), n)
	round := map[string]float64{}
	for _, v := range values {
		fmt.Fprintf(&b, "\t%s %s", short(v.is), v.unit)
		round[v.unit] = v.is
		if !slices.Contains(f.units, v.unit) {
			f.units = append(f.units, v.unit)
		}
	}
	fmt.Fprintln(os.Stdout, b.String())
	r := f.row(name)
	if r == nil {
		r = &row{name: name}
		f.rows = append(f.rows, r)
	}
	r.rounds = append(r.rounds, round)
}

func (f *figures) row(name string) *row {
	for _, r := range f.rows {
		if r.name == name {
			return r
		}
	}
	return nil
}

// compare is the median over the rounds of one row's value by the other's.
func (f *figures) compare(r ratio) (median float64, pairs int) {
	of, to := f.row(r.of), f.row(r.to)
	if of == nil || to == nil {
		return 0, 0
	}
	var all []float64
	for i := range min(len(of.rounds), len(to.rounds)) {
		if base := to.rounds[i][r.unit]; base > 0 {
			all = append(all, of.rounds[i][r.unit]/base)
		}
	}
	return medianOf(all), len(all)
}

// median is a row's in one unit; false if it was never measured.
func (r *row) median(unit string) (float64, bool) {
	var all []float64
	for _, round := range r.rounds {
		if v, ok := round[unit]; ok {
			all = append(all, v)
		}
	}
	return medianOf(all), len(all) > 0
}

func medianOf(all []float64) float64 {
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	middle := len(all) / 2
	if len(all)%2 == 0 {
		return (all[middle-1] + all[middle]) / 2
	}
	return all[middle]
}

// short is a number with as many digits as anybody should believe.
func short(f float64) string {
	switch {
	case f >= 100 || f == 0:
		return fmt.Sprintf("%.0f", f)
	case f >= 10:
		return fmt.Sprintf("%.1f", f)
	case f >= 0.1:
		return fmt.Sprintf("%.3f", f)
	}
	return fmt.Sprintf("%.5f", f)
}
