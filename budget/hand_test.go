package budget

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/fanfare/fanfare/pace"
)

// replica is a hand whose owner wakes up when it is due, or later.
type replica struct {
	hand hand
	late func() time.Duration
}

// run lets replicas use leases of n slots at a rate, one after another, for a
// while, and returns when requests were made.
func run(rate float64, n int, span time.Duration, replicas ...*replica) (used []time.Time) {
	start := time.Unix(1_800_000_000, 0)
	gap := int64(1e6/rate + 1)
	for i, first := 0, int64(0); first < span.Microseconds(); i++ {
		at := start.Add(time.Duration(first) * time.Microsecond)
		replicas[i%len(replicas)].hand.add(pace.Slots{First: first, Gap: gap, N: n}, at)
		first += int64(n) * gap
	}
	for _, r := range replicas {
		now := start
		for {
			due, ok := r.hand.next(now)
			if !ok {
				break
			}
			if due.After(now) {
				now = due.Add(r.late())
				continue // it looks again, now that it is awake
			}
			r.hand.use(now)
			used = append(used, now)
		}
	}
	slices.SortFunc(used, time.Time.Compare)
	return used
}

// most is the largest number of moments in any one second, as strict as can be.
func most(at []time.Time) (most int) {
	for i, first := 0, 0; i < len(at); i++ {
		for at[i].Sub(at[first]) >= time.Second {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}

func TestWhoWakesUpLateNeverBreaksTheLimit(t *testing.T) {
	t.Parallel()
	const span = 10 * time.Minute
	for _, rate := range []float64{45, 47, 48} {
		for _, replicas := range []int{1, 2, 3} {
			random := rand.New(rand.NewPCG(uint64(rate), uint64(replicas)))
			var all []*replica
			for range replicas {
				all = append(all, &replica{hand: hand{least: 20 * time.Millisecond, alone: replicas == 1}, late: func() time.Duration {
					switch n := random.IntN(1000); {
					case n == 0: // a stalled machine
						return time.Duration(random.IntN(1000)) * time.Millisecond
					case n < 20: // a busy one
						return time.Duration(random.IntN(80)) * time.Millisecond
					}
					return time.Duration(random.IntN(2000)) * time.Microsecond
				}})
			}
			used := run(rate, 14, span, all...)
			if got := most(used); got > 50 {
				t.Errorf("%d replicas at %v: %d requests in a second", replicas, rate, got)
			}
			least := 0.9
			if replicas == 1 {
				least = 0.94 // it makes up for most of it
			}
			if part := float64(len(used)) / rate / span.Seconds(); part < least {
				t.Errorf("%d replicas at %v: %.1f %% of the slots were used", replicas, rate, 100*part)
			}
			if replicas > 1 {
				continue
			}
			for i := 1; i < len(used); i++ {
				if gap := used[i].Sub(used[i-1]); gap < 10*time.Millisecond {
					t.Fatalf("at %v: %v between two requests", rate, gap)
				}
			}
		}
	}
}

// A machine that is always late is slower by nothing.
func TestWhoIsAlwaysLateGetsThrough(t *testing.T) {
	t.Parallel()
	for _, late := range []time.Duration{15 * time.Millisecond, 40 * time.Millisecond, 90 * time.Millisecond} {
		r := &replica{hand: hand{least: 20 * time.Millisecond}, late: func() time.Duration { return late }}
		used := run(47, 14, time.Minute, r)
		if least := int(min(45, 0.9/(late+20*time.Millisecond).Seconds()) * 60); len(used) < least {
			t.Errorf("%d requests in a minute, always %v late: want %d", len(used), late, least)
		}
	}
}

func TestASlotGivenBackIsTheNextOnes(t *testing.T) {
	t.Parallel()
	h := hand{least: 20 * time.Millisecond}
	start := time.Unix(1_800_000_000, 0)
	h.add(pace.Slots{First: 0, Gap: 21_000, N: 2}, start)
	s := h.use(start)
	h.unuse(s)
	if due, ok := h.next(start); !ok || !due.Equal(start) {
		t.Fatalf("%v %v: who left made no request", due, ok)
	}
	if again := h.use(start); !again.at.Equal(s.at) {
		t.Errorf("%v, want %v", again.at, s.at)
	}
	if due, ok := h.next(start); !ok || !due.Equal(start.Add(21*time.Millisecond)) {
		t.Errorf("%v %v", due, ok)
	}
	late := start.Add(time.Second)
	h.unuse(s)
	if _, ok := h.next(late); ok || h.unused(late) != 0 {
		t.Error("a slot of a second ago was kept")
	}
}

func TestWhoLeavesWhenTheirTurnComesLeavesItToTheNext(t *testing.T) {
	t.Parallel()
	b := New(nil, Connector, 48)
	now := time.Now()
	b.hand.add(pace.Slots{First: 0, Gap: 21_000, N: 1}, now)
	leaving := b.flows.join(Flow{Key: "a"})
	b.handOut(now)
	b.leave(leaving) // it has not looked yet
	next := b.flows.join(Flow{Key: "b"})
	b.handOut(now)
	select {
	case err := <-next.told:
		if err != nil {
			t.Error(err)
		}
	default:
		t.Error("the slot is lost")
	}
}

func TestOnlyWhatEndsWithTheLastLeaseGoesBack(t *testing.T) {
	t.Parallel()
	start := time.Unix(1_800_000_000, 0)
	h := hand{least: 20 * time.Millisecond}
	add := func(first int64) {
		h.add(pace.Slots{First: first, Gap: 20_000, N: 10}, start.Add(time.Duration(first)*time.Microsecond))
	}
	for _, first := range []int64{0, 200_000, 600_000, 800_000} { // somebody else's come between
		add(first)
	}
	h.use(start)
	back, ok := h.takeUnused(start)
	if !ok || back.first != 600_000 || back.end != 1_000_000 || h.unused(start) != 19 {
		t.Errorf("%+v goes back, %d slots stay", back, h.unused(start))
	}
	h.keep(back)
	if n := h.unused(start); n != 39 {
		t.Errorf("%d slots after it did not", n)
	}
	late := start.Add(910 * time.Millisecond)
	if back, ok = h.takeUnused(late); !ok || back.first < 860_000 || back.first > 920_000 || back.end != 1_000_000 {
		t.Errorf("%+v goes back of what is nearly over", back)
	}
	if _, ok = h.takeUnused(late); ok {
		t.Error("an empty hand gave something back")
	}
}

func TestTheLedgersClockIsFollowed(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	ms := func(n int) time.Duration { return time.Duration(random.IntN(n*1000)) * time.Microsecond }
	now := time.Now()
	var c ledgerClock
	ahead := time.Hour // of the ledger's clock
	ask := func() (off time.Duration) {
		now = now.Add(200 * time.Millisecond)
		sent, read := now, now.Add(ms(6))
		c.learn(sent, read.Add(ms(30)), read.Add(ahead).UnixMicro())
		return c.local(read.Add(ahead).UnixMicro()).Sub(read)
	}
	settled := func(what string) {
		for range 50 {
			ask()
		}
		if off := ask(); off.Abs() > 3*time.Millisecond {
			t.Errorf("%s: off by %v", what, off)
		}
	}
	settled("at first")
	ahead = -2 * time.Hour
	if off := ask(); off.Abs() > 40*time.Millisecond {
		t.Errorf("set back by hours and off by %v", off)
	}
	settled("set back")
	ahead += 20 * time.Millisecond
	settled("nudged")
}
