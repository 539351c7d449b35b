package server_test

import (
	"fmt"
	"time"

	"github.com/fanfare/fanfare/simulator"
)

// misfortune is one thing that may happen in a soak, more or less often.
type misfortune struct {
	name   string
	weight int
	do     func(s *soak) bool // false if it could not happen now
}

var misfortunes = []misfortune{
	{"sent one more", 10, (*soak).begin},
	{"paused", 6, func(s *soak) bool { return s.pause() }},
	{"resumed", 8, func(s *soak) bool { return s.move("paused", "resume", nil) }},
	{"let go", 4, func(s *soak) bool { return s.move("held", "go", nil) }},
	{"cancelled", 1, func(s *soak) bool { return s.move("sending", "cancel", map[string]any{"note": "not after all"}) }},
	{"retried", 3, func(s *soak) bool { return s.move("sent", "retry", nil) }},
	{"recalled", 1, (*soak).recall},
	{"killed", 3, (*soak).murder},
	{"stopped", 2, (*soak).stop},
	{"revived", 8, (*soak).resurrect},
	{"database gone", 3, (*soak).cut},
	{"Teams gone", 3, (*soak).storm},
	{"faults", 6, (*soak).spoil},
	{"calm", 3, func(s *soak) bool { s.fails(); return true }},
	{"dials", 4, (*soak).twist},
	{"halted", 1, (*soak).halt},
	{"people did something", 6, (*soak).live},
	{"hired", 1, func(s *soak) bool { s.post("/_simulator/hire", map[string]int{"count": 1}); s.people++; return true }},
}

// act lets one thing happen and a moment pass.
func (s *soak) act() {
	s.t.Helper()
	all := 0
	for _, m := range misfortunes {
		all += m.weight
	}
	n := s.rng.IntN(all)
	for _, m := range misfortunes {
		if n -= m.weight; n < 0 {
			if m.do(s) {
				s.did[m.name]++
			}
			break
		}
	}
	<-time.After(time.Duration(50+s.rng.IntN(400)) * time.Millisecond) // the moment
}

// begin writes a broadcast with a random plan and sends it.
func (s *soak) begin() bool {
	live := 0
	for _, x := range s.all {
		if x.b.State != "sent" && x.b.State != "cancelled" {
			live++
		}
	}
	if live >= 5 {
		return false
	}
	p := map[string]any{"priority": pick(s, "urgent", "normal", "normal", "bulk"), "late": pick(s, "until_finished", "never"), "repeats": pick(s, "risk", "risk", "avoid")}
	switch s.rng.IntN(4) {
	case 0:
		p["canary"] = map[string]any{"people": 10 + s.rng.IntN(30)}
	case 1:
		p["canary"] = map[string]any{"group": groupNewsroom, "auto": true, "max_failed_percent": 50}
	}
	draft := map[string]any{"title": fmt.Sprintf("Soak %d", len(s.all)+1), "body": "Again.", "audience": map[string]any{"everyone": true}, "plan": p}
	if s.rng.IntN(3) == 0 {
		draft["audience"] = map[string]any{"groups": []string{groupSales, groupEngineering}}
	}
	var b bulletin
	if !s.tries(201, "author", "POST", "/broadcasts", draft, &b) {
		return false
	}
	s.all = append(s.all, &soaked{id: b.ID, title: b.Title, b: b})
	return s.tries(200, "author", "POST", "/broadcasts/"+b.ID+"/submit", nil, &b) &&
		s.tries(200, "approver", "POST", "/broadcasts/"+b.ID+"/approve", map[string]any{"revision": b.Revision}, &b) &&
		s.tries(200, "author", "POST", "/broadcasts/"+b.ID+"/send", nil, nil)
}

func pick[T any](s *soak, from ...T) T { return from[s.rng.IntN(len(from))] }

// in is a random broadcast in a state.
func (s *soak) in(state string) *soaked {
	var found []*soaked
	for _, x := range s.all {
		if x.b.State == state && !x.recalled {
			found = append(found, x)
		}
	}
	if len(found) == 0 {
		return nil
	}
	return pick(s, found...)
}

func (s *soak) move(state, event string, body any) bool {
	x := s.in(state)
	if x == nil {
		return false
	}
	x.paused = time.Time{} // whatever becomes of the click
	return s.tries(200, "author", "POST", "/broadcasts/"+x.id+"/"+event, body, nil)
}

func (s *soak) pause() bool {
	x := s.in("sending")
	if x == nil || !s.tries(200, "author", "POST", "/broadcasts/"+x.id+"/pause", nil, nil) {
		return false
	}
	x.paused = time.Now()
	return true
}

func (s *soak) recall() bool {
	x := s.in("sent")
	if x == nil || !s.tries(200, "author", "POST", "/broadcasts/"+x.id+"/recall", map[string]any{"note": "enough"}, nil) {
		return false
	}
	x.recalled = true
	return true
}

// alive is a random replica that runs, if another one does too.
func (s *soak) alive() (i int, ok bool) {
	var all []int
	for i, r := range s.servers {
		if r != nil {
			all = append(all, i)
		}
	}
	return pick(s, all...), len(all) > 1
}

func (s *soak) murder() bool {
	i, ok := s.alive()
	if ok {
		s.kill(i)
	}
	return ok
}

func (s *soak) stop() bool {
	i, ok := s.alive()
	if ok {
		ends(s.t, s.servers[i].Cmd)
		s.servers[i] = nil
	}
	return ok
}

func (s *soak) resurrect() bool {
	for i, r := range s.servers {
		if r == nil {
			s.revive(i)
			return true
		}
	}
	return false
}

// cut takes the database away for a while, in a long soak once for a minute: after
// longer than a lease whoever is first may take a chunk over.
func (s *soak) cut() bool {
	d := time.Duration(200+s.rng.IntN(2500)) * time.Millisecond
	if s.long && s.did["database gone"] == 1 {
		d = time.Minute
		s.doubt += 3 * 3 * inHand
	}
	s.gate.turn(true)
	<-time.After(d)
	s.gate.turn(false)
	s.until("all are ready again", func() bool {
		for _, r := range s.servers {
			if r != nil && ready(r.base) != 200 {
				return false
			}
		}
		return true
	})
	return true
}

func (s *soak) storm() bool {
	_, err := s.sim.Outage(simulator.Fault{Shape: pick(s, "error", "reset", "html", "close")}, time.Duration(500+s.rng.IntN(4000))*time.Millisecond)
	return err == nil
}

// spoil sets one to three faults that strike now and then.
func (s *soak) spoil() bool {
	var faults []simulator.Fault
	for range 1 + s.rng.IntN(3) {
		f := pick(s, answers()...)
		f.DelayMS = min(f.DelayMS, 500)
		f.Operation, f.PerMille = pick(s, "send", "send", "connector.*"), float64(5+s.rng.IntN(60))
		f.Name += " now and then"
		faults = append(faults, f)
	}
	s.fails(faults...)
	return true
}

// twist turns a dial: Microsoft's limit, how slow it is, how long its tokens live.
func (s *soak) twist() bool {
	s.dial(func(d *simulator.Dials) {
		d.ConnectorRate = pick(s, 0, 0, 50, 100)
		d.LatencyMS = pick(s, 0, 0, 50, 200)
		d.TokenLifetimeSeconds = pick(s, 3599, 5)
	})
	return true
}

// halt has an admin disable the bot for a while.
func (s *soak) halt() bool {
	s.dial(func(d *simulator.Dials) { d.BotDisabledByAdmin = true })
	<-time.After(time.Second)
	s.dial(func(d *simulator.Dials) { d.BotDisabledByAdmin = false })
	return s.tries(200, "admin", "POST", "/halt/lift", nil, nil)
}

// live has somebody talk, leave, block, come back or clear their chat.
func (s *soak) live() bool {
	n := 21 + s.rng.IntN(s.people-21)
	about := s.asks("/_simulator/people/" + simulator.EntraID(n))
	installed := about["installed"] == true
	switch verb := pick(s, "say", "remove", "block", "unblock", "delete-chat"); {
	case verb == "say" && installed:
		s.world.act(n, verb, map[string]any{"text": "why do I get this"})
	case verb == "say" || about["kind"] == "guest":
		return false
	default:
		s.world.act(n, verb, nil)
	}
	return true
}
