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
			wait, ok := w.Take(now, limit, false)
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
		if _, ok := w.Take(time.Unix(1, 0), 0, false); !ok {
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
		if _, ok := thread.Take(now, Writing); ok {
			passed++
		}
		now = now.Add(time.Second)
	}
	if passed != 1800 {
		t.Fatalf("%d messages in an hour, want 1800", passed)
	}
}

func TestReadingAConversationHasTheDoubleLimit(t *testing.T) {
	t.Parallel()
	var thread Thread
	passed := 0
	for range 20 {
		if _, ok := thread.Take(time.Unix(1000, 0), Reading); ok {
			passed++
		}
	}
	if passed != 14 {
		t.Fatalf("%d in a second, want 14", passed)
	}
}

func TestWhoKeepsKnockingIsNotLetInWhenRefusalsCount(t *testing.T) {
	t.Parallel()
	for refused, want := range map[bool]int{true: 5, false: 50} {
		w, now, passed := NewWindow(time.Second), time.Unix(1000, 0), 0
		for range 1000 { // ten seconds, a hundred a second, five allowed
			if _, ok := w.Take(now, 5, refused); ok {
				passed++
			}
			now = now.Add(10 * time.Millisecond)
		}
		if passed != want {
			t.Errorf("refusals count %v: %d passed, want %d", refused, passed, want)
		}
	}
}

func TestTurningTheLimitGivesNoSecondHelping(t *testing.T) {
	t.Parallel()
	w, now := NewWindow(time.Second), time.Unix(1000, 0)
	for _, c := range []struct{ limit, want int }{{5, 5}, {8, 3}, {3, 0}} {
		passed := 0
		for range 20 {
			if _, ok := w.Take(now, c.limit, false); ok {
				passed++
			}
		}
		if passed != c.want {
			t.Errorf("limit %d: %d passed, want %d", c.limit, passed, c.want)
		}
		now = now.Add(10 * time.Millisecond)
	}
}

// TestHistoryIsACountBySecond holds for any times within the quarter of an hour
// that is kept.
func TestHistoryIsACountBySecond(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var s Seconds
		want, at := map[int64]int{}, int64(1_800_000_000)
		for _, gap := range rapid.SliceOfN(rapid.IntRange(0, 300), 0, 100).Draw(t, "gaps in s") {
			at += int64(gap)
			s.Add(time.Unix(at, 0))
			want[at]++
		}
		counts, some := s.Last(time.Unix(at+3, 0), Kept)
		total := 0
		for i, n := range counts {
			total += n
			if second := at + 3 - Kept + 1 + int64(i); n != want[second] {
				t.Fatalf("second %d: %d, want %d", second, n, want[second])
			}
		}
		if some != (total > 0) || len(counts) != Kept {
			t.Fatalf("%d seconds, %d events, any %v", len(counts), total, some)
		}
	})
}

func TestUnitsLeaveAfterTenSeconds(t *testing.T) {
	t.Parallel()
	var u Units
	now := time.Unix(1000, 0)
	for range 10 {
		if _, _, ok := u.Take(now, 5, 50, false); !ok {
			t.Fatal("refused below the limit")
		}
		now = now.Add(time.Second / 2)
	}
	used, wait, ok := u.Take(now, 5, 50, false) // the first five were charged 5 s ago
	if ok || used != 55 || wait != 5*time.Second {
		t.Fatalf("used %d, wait %v, admitted %v", used, wait, ok)
	}
	if _, _, ok := u.Take(now.Add(wait), 5, 50, false); !ok {
		t.Fatal("refused after the wait it was told")
	}
}
