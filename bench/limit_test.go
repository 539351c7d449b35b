package bench_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/fanfare/fanfare/server"
	"github.com/fanfare/fanfare/store/storetest"
)

// microsoft is the limit the budget stays below: requests in any second.
const microsoft = 50

var limitPart = part{
	name: "Limit",
	about: `How full the pipe is at Microsoft's limit: the sink answers after 100 ms and lets 50 requests through in any second,
wherever it begins; what is more is a 429. One, two and three replicas on PostgreSQL share the default budget (or
FANFARE_BENCH_RATE) for FANFARE_BENCH_MINUTES. of-budget is what was achieved of what was configured, target ≥ 0.97;
429-% target < 0.1.`,
	run: func(t *testing.T, b *bench) {
		minutes := max(1, number(t, "FANFARE_BENCH_MINUTES", 1))
		for replicas := 1; replicas <= 3; replicas++ {
			t.Run(fmt.Sprint(replicas), func(t *testing.T) {
				b.add(fmt.Sprintf("replicas=%d", replicas), minutes*60, b.limited(t, replicas, minutes)...)
			})
		}
	},
}

func (b *bench) limited(t *testing.T, replicas, minutes int) []value {
	env := map[string]string{"FANFARE_CONNECTOR_RATE": ""} // the default
	if own := number(t, "FANFARE_BENCH_RATE", 0); own > 0 {
		env["FANFARE_CONNECTOR_RATE"] = fmt.Sprint(own)
	}
	people := minutes * 60 * microsoft * 9 / 10
	p := newProduct(t, newDatabase(t, storetest.Postgres), people, b, env)
	for range replicas {
		p.start()
	}
	budget := p.budget()
	b.sink.reset(t, sinkSettings{People: people, Latency: 100 * time.Millisecond, Rate: microsoft})
	one := p.approved(false)
	clock := b.clock(t, p.cpu, p.server)
	p.send(&one)
	p.sent(&one, people, patience+time.Duration(2*minutes)*time.Minute)
	k := clock.stop()
	r := b.sink.seen(t)
	if r.Sent != people || r.Repeats != 0 || r.Bad != 0 {
		t.Fatalf("of %d people not everybody got it exactly once: %+v", people, r)
	}
	k.seen(clock, r)
	return []value{
		{"ns/op", 1e9 / k.rate},
		{rate, k.rate},
		{"budget/s", budget},
		{"of-budget", k.rate / budget},
		{"of-limit", k.rate / microsoft},
		{"429-%", 100 * float64(r.Throttled) / float64(r.Sent+r.Throttled)},
		{"own-cpu-%", 100 * k.contender.Seconds() / k.whole.Seconds()},
		{"db-cpu-%", 100 * k.database.Seconds() / k.whole.Seconds()},
		{first, float64(k.first.Microseconds()) / 1000},
	}
}

// budget is the requests a second the product believes it has.
func (p *product) budget() float64 {
	p.t.Helper()
	config, err := server.ReadConfig(func(name string) string {
		if name == "FANFARE_PUBLIC_URL" {
			return p.base
		}
		return p.env[name]
	})
	if err != nil || config.ConnectorRate == 0 {
		p.t.Fatalf("a limit of %v is none: %v", config.ConnectorRate, err)
	}
	return config.ConnectorRate
}
