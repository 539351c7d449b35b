package meter

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestNoSecondEverHoldsMoreThanTheLimit is the whole promise of a strict window.
func TestNoSecondEverHoldsMoreThanTheLimit(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(1, 20).Draw(t, "limit")
		gaps := rapid.SliceOfN(rapid.IntRange(0, 300), 1, 200).Draw(t, "gaps in ms")
		w, now := NewWindow(time.Second), time.Unix(1000, 0)
		var admitted []time.Time
		for _, gap := range gaps {
			now = now.Add(time.Duration(gap) * time.Millisecond)
			wait, ok := w.Take(now, limit)
			inside := 0
			for _, at := range admitted {
				if now.Sub(at) < time.Second {
					inside++
				}
			}
			switch {
			case ok != (inside < limit):
				t.Fatalf("%d of %d in the last second, admitted: %v", inside, limit, ok)
			case !ok && (wait <= 0 || wait > time.Second):
				t.Fatalf("told to wait %v", wait)
			case ok:
				admitted = append(admitted, now)
			}
		}
	})
}

func TestNoLimitAdmitsEverything(t *testing.T) {
	t.Parallel()
	w := NewWindow(time.Second)
	for range 10_000 {
		if _, ok := w.Take(time.Unix(1, 0), 0); !ok {
			t.Fatal("refused")
		}
	}
}

func TestPeakIsTheFullestSecondWhereverItBegins(t *testing.T) {
	t.Parallel()
	var p Peak
	start := time.Unix(1000, 0)
	for i := range 20 { // ten a second, but twenty around the turn of the second
		offset := time.Duration(i) * 20 * time.Millisecond
		p.Add(start.Add(800*time.Millisecond + offset))
	}
	if got := p.Most(); got != 20 {
		t.Fatalf("peak %d, want 20", got)
	}
	p.Reset()
	for i := range 10_000 {
		p.Add(start.Add(time.Duration(i) * 100 * time.Millisecond))
	}
	if got := p.Most(); got != 10 || cap(p.times) > 20_000 {
		t.Fatalf("peak %d with %d times kept", got, cap(p.times))
	}
}

func TestAnHourOfOneConversation(t *testing.T) {
	t.Parallel()
	var thread Thread
	now, passed := time.Unix(1000, 0), 0
	for range 3599 {
		if _, ok := thread.Take(now); ok {
			passed++
		}
		now = now.Add(time.Second)
	}
	if passed != 1800 {
		t.Fatalf("%d messages in an hour, want 1800", passed)
	}
}
