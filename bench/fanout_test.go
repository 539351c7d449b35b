package bench_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fanfare/fanfare/store/storetest"
)

const (
	bare         = "bare"
	loopPostgres = "loop+postgres"
	loopSQLite   = "loop+sqlite"
	riverEach    = "river"
	ourPostgres  = "fanfare+postgres"
	ourSQLite    = "fanfare+sqlite"
	listed       = ",listed" // what it sends is known before the clock starts
)

const (
	rate   = "msg/s"
	cpuAll = "cpu-us/msg"
	peak   = "peak-MB"
	first  = "first-ms"
)

var fanoutPart = part{
	name: "Fanout",
	about: `Everybody gets a 4 KB card, without a limit. The loops are the least a Go program does with net/http and 64
connections; with a database they write outcomes down in batches while they go on. River has a job per person, inserted
before the clock starts. Fanfare is ` + "`fanfare serve`" + ` from the click on Send: it resolves the audience, leases chunks, takes
from its budget, records outcomes and tallies; first-ms is from Send to the first message, whole-s until the broadcast is sent.
"Listed" is Fanfare from the click on Go after a first wave of one, when the list has been written, as the loops' and River's has.
CPU counts the contender, its database and the sink together; every process is this test binary, which weighs more in memory
than a loop's own would. Measured elsewhere on the bare loop's scale: listmonk 0.42 (268 MB), a Bot Framework JS SDK pool 0.03.`,
	ratios: []ratio{
		{loopPostgres, bare, rate, "(elsewhere 0.83)"},
		{loopSQLite, bare, rate, "(elsewhere 0.83)"},
		{riverEach, bare, rate, "(elsewhere 0.26)"},
		{ourPostgres, bare, rate, "≥ 0.67 (listmonk × 1.6), then 1.2"},
		{ourPostgres + listed, loopPostgres, rate, "≥ 0.90"},
		{ourPostgres + listed, loopPostgres, cpuAll, "≤ 1.2"},
		{ourPostgres, loopPostgres, rate, "(writing the list too)"},
		{ourPostgres, loopPostgres, cpuAll, "(writing the list too)"},
		{ourSQLite + listed, loopSQLite, rate, "≥ 0.80"},
		{ourSQLite, loopSQLite, rate, "(writing the list too)"},
		{ourPostgres + listed, riverEach, rate, "≥ 2.8, then 5"},
	},
	run: func(t *testing.T, b *bench) {
		people := number(t, "FANFARE_BENCH_PEOPLE", 100_000)
		b.contend(t, bare, database{}, 5000) // nobody is first at a cold sink
		inTurn := []struct{ name, kind string }{
			{bare, ""},
			{loopPostgres, storetest.Postgres},
			{ourPostgres + listed, storetest.Postgres},
			{ourPostgres, storetest.Postgres},
			{loopSQLite, storetest.SQLite},
			{ourSQLite + listed, storetest.SQLite},
			{ourSQLite, storetest.SQLite},
			{riverEach, storetest.Postgres},
		}
		for round := range rounds(t, 6) {
			for i := range inTurn {
				c := inTurn[(round+i)%len(inTurn)] // nobody always comes after the same
				t.Run(fmt.Sprintf("%d/%s", round+1, c.name), func(t *testing.T) {
					d := newDatabase(t, c.kind)
					if ours, first := strings.CutSuffix(c.name, listed); ours == ourPostgres || ours == ourSQLite {
						p := newProduct(t, d, people, b, nil)
						p.start()
						b.add(c.name, people, p.fanout(b, people, first).values(people)...)
						return
					}
					b.add(c.name, people, b.contend(t, c.name, d, people).values(people)...)
				})
			}
		}
	},
}

// took is what a send to everybody took.
type took struct {
	rate                       float64 // messages/s at the sink, from the first to the last
	first, whole               time.Duration
	contender, database, sinks time.Duration // CPU
	peakMB                     float64
}

func (k took) values(people int) []value {
	us := func(d time.Duration) float64 { return float64(d.Microseconds()) / float64(people) }
	return []value{
		{"ns/op", 1e9 / k.rate},
		{rate, k.rate},
		{cpuAll, us(k.contender + k.database + k.sinks)},
		{"own-us/msg", us(k.contender)},
		{"db-us/msg", us(k.database)},
		{"sink-us/msg", us(k.sinks)},
		{peak, k.peakMB},
		{first, float64(k.first.Microseconds()) / 1000},
		{"whole-s", k.whole.Seconds()},
	}
}

// clock measures from its making on.
type clock struct {
	t                         testing.TB
	began                     time.Time
	own                       func() time.Duration
	server, sink              int
	ownAt, databaseAt, sinkAt time.Duration
}

func (b *bench) clock(t testing.TB, own func() time.Duration, server int) *clock {
	c := &clock{t: t, own: own, server: server, sink: b.sink.pid()}
	c.ownAt, c.databaseAt, c.sinkAt = c.reads()
	c.began = time.Now()
	return c
}

func (c *clock) reads() (own, database, sink time.Duration) {
	if c.server > 0 {
		database = cpu(c.t, c.server)
	}
	return c.own(), database, cpu(c.t, c.sink)
}

// stop returns what has been used since.
func (c *clock) stop() took {
	k := took{whole: time.Since(c.began)}
	own, database, sink := c.reads()
	k.contender, k.database, k.sinks = own-c.ownAt, database-c.databaseAt, sink-c.sinkAt
	return k
}

// seen adds what the sink saw.
func (k *took) seen(c *clock, r sinkReport) {
	k.rate, k.first = r.rate(), time.Unix(0, r.First).Sub(c.began)
}

// contend runs a loop or a peer once.
func (b *bench) contend(t testing.TB, name string, d database, people int) took {
	t.Helper()
	b.sink.reset(t, sinkSettings{People: people})
	c := spawn(t, "contender", map[string]string{
		envContender: name, envSink: b.sink.serviceURL(), envDatabase: d.dsn, envPeople: strconv.Itoa(people),
	})
	c.hear() // ready
	clock := b.clock(t, func() time.Duration { return cpu(t, c.pid()) }, d.server)
	c.tell("go")
	c.hear() // done
	k := clock.stop()
	k.seen(clock, b.sink.all(t, people))
	k.peakMB = c.peakMB()
	c.end()
	return k
}

// fanout sends one broadcast to everybody with the replicas that run: from Send, or,
// with the list written first, from the go after a first wave of one.
func (p *product) fanout(b *bench, people int, listedFirst bool) took {
	p.t.Helper()
	long := patience + time.Duration(people)*2*time.Millisecond
	b.sink.reset(p.t, sinkSettings{People: people})
	one, begin, sent := p.approved(listedFirst), p.send, people
	if listedFirst {
		p.send(&one)
		p.becomes(&one, long, func() bool { return one.State == "held" && one.Listed })
		settle(p.t, p.db, wordsOf(p.kind))
		b.sink.reset(p.t, sinkSettings{People: people})
		begin, sent = p.goOn, people-1
	}
	clock := b.clock(p.t, p.cpu, p.server)
	begin(&one)
	p.sent(&one, people, long)
	k := clock.stop()
	k.seen(clock, b.sink.all(p.t, sent))
	for _, c := range p.replicas {
		k.peakMB = max(k.peakMB, c.peakMB())
	}
	return k
}
