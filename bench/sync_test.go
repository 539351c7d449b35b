package bench_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/fanfare/fanfare/store/storetest"
)

const (
	personRate  = "people/s"
	syncTimeout = 15 * time.Minute
)

var syncPart = part{
	name: "Sync",
	about: `The whole directory is read from the simulator, in pages of 150 people, with who reports to whom in pages of 999: "first" by a
server that knows nobody, "again" by the same one once its delta link is lost, when nothing has changed. Whole is from the start of the
process, or from the loss of the link, until everybody and their managers are stored. Memory should not grow with the directory.
CPU is that of the server and its database; the simulator's, which makes the pages up, is not in it but shares the machine.`,
	ratios: []ratio{
		{readBy(storetest.Postgres, "first", 10), readBy(storetest.Postgres, "first", 1), peak, "+ 20 MB"},
		{readBy(storetest.SQLite, "first", 10), readBy(storetest.SQLite, "first", 1), peak, "+ 20 MB"},
	},
	run: func(t *testing.T, b *bench) {
		people := number(t, "FANFARE_BENCH_PEOPLE", 100_000)
		for round := range rounds(t, 1) {
			for _, tenths := range []int{1, 10} {
				n := people * tenths / 10
				settings := simulatorOf(t, b.sink, n)
				for _, kind := range storetest.Kinds() {
					t.Run(fmt.Sprintf("%d/%s/%d", round+1, kind, n), func(t *testing.T) {
						env := settings
						env["FANFARE_SYNC_EVERY"] = "3s" // to notice soon that the link is lost
						p := emptyProduct(t, newDatabase(t, kind), b, env)
						p.sync(b, kind, tenths, n)
					})
				}
			}
		}
	},
}

// readBy names a reading of so many tenths of the people.
func readBy(kind, which string, tenths int) string {
	return fmt.Sprintf("%s+%s/%d%%", which, kind, 10*tenths)
}

// sync reads everybody twice.
func (p *product) sync(b *bench, kind string, tenths, people int) {
	p.t.Helper()
	readBefore := time.Now().UnixMilli()
	clock := b.clock(p.t, p.cpu, p.server)
	one := p.launch()
	p.replicas = append(p.replicas, one)
	p.read(people, readBefore)
	k := clock.stop()
	b.add(readBy(kind, "first", tenths), people, syncValues(people, k, one)...)

	clock = b.clock(p.t, p.cpu, p.server)
	readBefore = time.Now().UnixMilli()
	execute(p.t, p.db, `UPDATE directory_cursors SET link = '', full_read = FALSE, managers_at = 0`)
	p.read(people, readBefore)
	k = clock.stop()
	b.add(readBy(kind, "again", tenths), people, syncValues(people, k, one)...)
	one.end()
}

// read waits until everybody is stored, with their managers, later than some moment.
func (p *product) read(people int, since int64) {
	p.t.Helper()
	awaitFor(p.t, syncTimeout, "the directory is read", func() bool {
		return ask(p.t, p.db, `SELECT count(*) FROM directory_cursors WHERE finished_at > $1 AND managers_at > $2 AND problem = ''`, since, since) > 0
	})
	if n := ask(p.t, p.db, `SELECT count(*) FROM people WHERE NOT deleted`); n != people {
		p.t.Fatalf("%d of %d people are stored", n, people)
	}
	if n := ask(p.t, p.db, `SELECT count(*) FROM people WHERE manager_id <> ''`); n < people*9/10 {
		p.t.Fatalf("%d of %d people have a manager", n, people)
	}
}

func syncValues(people int, k took, c *child) []value {
	return []value{
		{"ns/op", float64(k.whole.Nanoseconds()) / float64(people)},
		{personRate, float64(people) / k.whole.Seconds()},
		{"cpu-us/person", float64((k.contender + k.database).Microseconds()) / float64(people)},
		{"whole-s", k.whole.Seconds()},
		{peak, c.peakMB()},
	}
}
