package server_test

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/fanfare/fanfare/simulator"
)

// How long, with which seed and with how many people the soak runs; without the
// first, ten seconds of trouble for a few hundred. make soak sets it.
const (
	soakFor    = "FANFARE_SOAK"
	soakSeed   = "FANFARE_SOAK_SEED"
	soakPeople = "FANFARE_SOAK_PEOPLE"
)

// fewest is how many things happen at least.
const fewest = 25

// soak is three replicas on one PostgreSQL, to which everything happens that can.
type soak struct {
	*world
	rng     *rand.Rand
	gate    *gate
	long    bool
	people  int
	servers []*replica // nil while dead
	listen  []string
	all     []*soaked
	did     map[string]int
	// doubt is how many copies processes that died, or a database that was gone for
	// longer than a lease, may have left in doubt.
	doubt int
}

// soaked is a broadcast of the soak, and what was seen of it.
type soaked struct {
	id, title string
	b         bulletin
	paused    time.Time // when a pause was confirmed; zero if it may go on
	recalled  bool
	retries   int
}

// Random faults, kills, pauses, and turned dials, one after the other, the same for
// the same seed. What must hold at any moment is checked on the way, and at the end
// that nobody is lost, and that repeats are few and owned up to.
func TestSoak(t *testing.T) {
	t.Parallel()
	seed, lasts, people, rate := soakSettings(t)
	t.Logf("%s=%d %s=%s, %d people", soakSeed, seed, soakFor, lasts, people)
	s := newSoak(t, seed, people, rate)
	s.long = lasts >= time.Minute
	s.until("the first two are on their way", func() bool { s.begin(); return len(s.all) > 1 })
	end := time.Now().Add(lasts)
	for n := 0; (time.Now().Before(end) || n < fewest) && !t.Failed(); n++ { // a busy machine gets less done
		s.act()
		s.watch()
	}
	s.settle()
	messages, repeats, owned := 0, 0, 0
	for _, x := range s.all {
		r := s.judge(x)
		messages, repeats, owned = messages+int(r.Messages), repeats+int(r.Repeats), owned+x.b.Tally.MaybeRepeated
	}
	if limit := s.doubt + int(sumOf(s.sim.Report().Struck)); owned > limit {
		t.Errorf("%d are owned up to as perhaps repeated; what happened explains %d", owned, limit)
	}
	raw, _ := json.Marshal(s.did)
	t.Logf("soak: %d broadcasts, %d messages, %d repeats, %d owned up to; %s; faults %v", len(s.all), messages, repeats, owned, raw, s.sim.Report().Struck)
}

func soakSettings(t *testing.T) (seed uint64, lasts time.Duration, people, rate int) {
	t.Helper()
	seed, lasts, people, rate = uint64(time.Now().UnixNano()), 10*time.Second, 300, 150
	read := func(name string, parse func(string) error) {
		if v := os.Getenv(name); v != "" {
			if err := parse(v); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
	}
	read(soakFor, func(v string) (err error) {
		people, rate = 20_000, 400
		lasts, err = time.ParseDuration(v)
		return err
	})
	read(soakSeed, func(v string) (err error) { seed, err = strconv.ParseUint(v, 10, 64); return err })
	read(soakPeople, func(v string) (err error) { people, err = strconv.Atoi(v); return err })
	return seed, lasts, people, rate
}

func newSoak(t *testing.T, seed uint64, people, rate int) *soak {
	t.Helper()
	w := newWorld(t, "postgres", func(o *simulator.Options) { o.People, o.Seed = people, int64(seed%1_000_000) })
	w.patience = 15 * time.Minute
	w.env["FANFARE_CONNECTOR_RATE"], w.env["FANFARE_LOG_LEVEL"] = strconv.Itoa(rate), "error"
	w.dial(func(d *simulator.Dials) { d.SilentPerMille = 0 })
	s := &soak{world: w, rng: rand.New(rand.NewPCG(seed, 3)), people: people, did: map[string]int{}}
	s.gate = w.throughGate()
	stop := w.serve()
	w.rolledOut()
	stop()
	w.small()
	s.servers = w.replicas(3)
	for _, r := range s.servers {
		s.listen = append(s.listen, r.base[len("http://"):])
	}
	return s
}

func sumOf(counts map[string]int64) (total int64) {
	for _, n := range counts {
		total += n
	}
	return total
}

// tries calls the API of a replica that lives; false if nobody answered so.
func (s *soak) tries(status int, part, method, path string, body, out any) bool {
	var alive []*replica
	for _, r := range s.servers {
		if r != nil {
			alive = append(alive, r)
		}
	}
	if len(alive) == 0 {
		return false
	}
	got, err := s.callAt(alive[s.rng.IntN(len(alive))].base, part, method, path, body)
	if err != nil || got.status != status {
		if got.status == 500 {
			s.did["answers 500"]++
		}
		return false
	}
	return out == nil || json.Unmarshal(got.body, out) == nil
}

// watch checks what must hold at any moment.
func (s *soak) watch() {
	s.t.Helper()
	for _, x := range s.all {
		var now bulletin
		if !s.tries(200, "auditor", "GET", "/broadcasts/"+x.id, nil, &now) {
			continue
		}
		r := s.sim.Report().ByBroadcast[x.id]
		switch {
		case !now.addsUp():
			s.t.Errorf("%s: the parts do not add up to the total: %+v", x.title, now.Tally)
		case now.Tally.Sent < x.b.Tally.Sent:
			s.t.Errorf("%s: sent went back from %d to %d", x.title, x.b.Tally.Sent, now.Tally.Sent)
		case int64(now.Tally.Sent) > r.Reached:
			s.t.Errorf("%s: it says %d got it, really %d did", x.title, now.Tally.Sent, r.Reached)
		case r.Reached > int64(s.people):
			s.t.Errorf("%s: %d of %d people got it", x.title, r.Reached, s.people)
		}
		if !x.paused.IsZero() && now.State == "paused" && r.LastStored != nil {
			if late := r.LastStored.Sub(x.paused); late > 2*time.Second {
				s.t.Errorf("%s: a message came %v after the pause", x.title, late)
			}
		}
		x.b = now
	}
}

// settle ends all trouble and waits until every broadcast has come to its end.
func (s *soak) settle() {
	s.t.Helper()
	s.calm()
	for i := range s.servers {
		s.revive(i)
	}
	s.until("every broadcast has come to its end", func() bool {
		left := 0
		s.tries(200, "admin", "POST", "/halt/lift", nil, nil)
		for _, x := range s.all {
			var now bulletin
			if !s.tries(200, "auditor", "GET", "/broadcasts/"+x.id, nil, &now) || now.Tally.Pending+now.Tally.Ready > 0 {
				left++
			}
			switch now.State {
			case "paused":
				s.tries(200, "author", "POST", "/broadcasts/"+x.id+"/resume", nil, nil)
				left++
			case "held":
				s.tries(200, "author", "POST", "/broadcasts/"+x.id+"/go", nil, nil)
				left++
			case "resolving", "sending":
				left++
			case "sent":
				// The trouble is over, so trying again helps, if anything does.
				if now.Tally.Failed > 0 && !x.recalled && x.retries < 3 && s.tries(200, "author", "POST", "/broadcasts/"+x.id+"/retry", nil, nil) {
					x.retries++
					left++
				}
			}
			x.b = now
		}
		return left == 0 && s.passesOver()
	})
}

// passesOver tells whether every recall has come to its end too.
func (s *soak) passesOver() bool {
	var page struct{ Broadcasts []bulletin }
	return s.tries(200, "auditor", "GET", "/broadcasts?state=resolving,sending,paused,held&limit=100", nil, &page) && len(page.Broadcasts) == 0
}

// calm ends faults and halts and opens the gate.
func (s *soak) calm() {
	s.gate.turn(false)
	s.sim.EndOutages()
	s.dial(func(d *simulator.Dials) {
		d.Fail, d.ConnectorRate, d.BotDisabledByAdmin, d.LatencyMS, d.TokenLifetimeSeconds = nil, 0, false, 0, 3599
	})
	s.tries(200, "admin", "POST", "/halt/lift", nil, nil)
}

// judge compares at the end what a broadcast says with what people got.
func (s *soak) judge(x *soaked) simulator.Tally {
	s.t.Helper()
	r := s.sim.Report().ByBroadcast[x.id]
	if x.b.Tally.Total == 0 { // it never was sent
		return r
	}
	s.audits(x.b, s.doubt)
	if x.b.State != "sent" && x.b.State != "cancelled" || x.b.State == "sent" && x.b.Tally.Failed > 0 {
		s.t.Errorf("%s ended as %s (%s): %+v %v", x.title, x.b.State, x.b.Reason, x.b.Tally, s.reasonsOf(x.id))
	}
	if x.recalled {
		pass := s.passOf(x.id, "recall")
		if pass.State != "sent" || int64(pass.Tally.Sent) > r.Deleted || r.Holding > r.Repeated+int64(pass.Tally.Total-pass.Tally.Sent) {
			s.t.Errorf("%s was recalled: %s %+v; really %d hold it, of %d it was deleted", x.title, pass.State, pass.Tally, r.Holding, r.Deleted)
		}
	}
	return r
}

// kill ends a process, now, and leaves what it had in hand in doubt.
func (s *soak) kill(i int) {
	kills(s.servers[i].Cmd)
	s.servers[i] = nil
	s.doubt += 3 * inHand // urgent, normal and bulk have seats of their own
}

// revive starts a dead replica where it was.
func (s *soak) revive(i int) {
	if s.servers[i] == nil {
		s.servers[i] = s.start(s.listen[i])
		s.awaits(s.servers[i])
	}
}
