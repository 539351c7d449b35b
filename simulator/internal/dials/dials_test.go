package dials

import (
	"testing"
	"time"
)

func number(id string) (int, bool) {
	if id == "one" {
		return 1, true
	}
	return 0, false
}

func TestFaultsThatStayGoOnWhereTheyAre(t *testing.T) {
	t.Parallel()
	at := time.Unix(1000, 0)
	s := NewStore(Default(), 1, number, func() time.Time { return at })
	once, ever := Fault{Operation: "send", Status: 500, Next: 1}, Fault{Operation: "create", Status: 502}
	strikes := func(op string) bool { return s.Now().Fault(Request{Operation: op, Number: 1}, at) != nil }
	set := func(list ...Fault) { s.Set(func(d *Dials) { d.Fail = list }) }
	set(once)
	if !strikes("send") || strikes("send") {
		t.Fatal("once is once")
	}
	set(ever, once)
	if strikes("send") || !strikes("create") {
		t.Error("another fault beside it began it anew")
	}
	set(ever, once, once)
	if !strikes("send") || strikes("send") {
		t.Error("the same fault twice is two faults")
	}
	set(ever)
	set(ever, once)
	if !strikes("send") {
		t.Error("taken off and set again, it begins anew")
	}
	if got := s.Struck(); got["send 500"] != 3 || got["create 502"] != 1 {
		t.Errorf("struck: %v", got)
	}
}

func TestAStrangerNeverFails(t *testing.T) {
	t.Parallel()
	s := NewStore(Default(), 1, number, time.Now)
	s.Set(func(d *Dials) { d.Fail = []Fault{{Operation: "*", Person: "stranger", Status: 500}} })
	for n := range 3 {
		if s.Now().Fault(Request{Operation: "send", Number: n}, time.Now()) != nil {
			t.Errorf("person %d fails", n)
		}
	}
}

func TestPatternsOfOperations(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern, operation string
		want               bool
	}{
		{"send", "send", true},
		{"send", "sender", false},
		{"graph.*", "graph.delta", true},
		{"graph.*", "send", false},
		{"connector.*", "send", true},
		{"connector.*", "graph.delta", false},
		{"connector.*", "entra.token", false},
		{"*", "entra.token", true},
	} {
		if covers(c.pattern, c.operation) != c.want {
			t.Errorf("%s and %s", c.pattern, c.operation)
		}
	}
}
