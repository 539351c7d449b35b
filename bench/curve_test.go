package bench_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/fanfare/fanfare/store/storetest"
)

// at names a row of one of our databases at a size.
func at(kind string, people int) string { return fmt.Sprintf("fanfare+%s/people=%d", kind, people) }

var sizes = []int{10_000, 100_000, 1_000_000}

var curvePart = part{
	name: "Curve",
	about: `What grows with the audience: the same send to ten thousand, a hundred thousand and a million people (at most
FANFARE_BENCH_MOST). Targets: peak memory at a million ≤ 100 MB on PostgreSQL, ≤ 220 MB on SQLite, and within 20 MB of that at
ten thousand; first message within 2 s.`,
	ratios: slices.Concat(growth(storetest.Postgres), growth(storetest.SQLite)),
	run: func(t *testing.T, b *bench) {
		most := number(t, "FANFARE_BENCH_MOST", 1_000_000)
		for round := range rounds(t, 1) {
			for _, kind := range storetest.Kinds() {
				for _, people := range sizes {
					if people > most {
						continue
					}
					t.Run(fmt.Sprintf("%d/%s/%d", round+1, kind, people), func(t *testing.T) {
						p := newProduct(t, newDatabase(t, kind), people, b, nil)
						p.start()
						b.add(at(kind, people), people, p.fanout(b, people, false).values(people)...)
					})
				}
			}
		}
	},
}

func growth(kind string) []ratio {
	small, large := at(kind, sizes[0]), at(kind, sizes[2])
	return []ratio{
		{large, small, cpuAll, "≤ 1.15"},
		{large, small, "own-us/msg", ""},
		{large, small, "db-us/msg", ""},
		{large, small, peak, "+ 20 MB"},
	}
}
