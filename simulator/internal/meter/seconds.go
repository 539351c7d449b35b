package meter

import (
	"sync/atomic"
	"time"
)

// Kept is how many seconds of history there are: 15 minutes.
const Kept = 900

// Seconds counts by second over the last 15 minutes, in 7 KB whatever happens.
// Counting takes no lock: a slot holds its second above and the count below, so
// that an old slot is noticed and taken over in one swap.
type Seconds struct{ slots [Kept]atomic.Uint64 }

// Add counts an event at now.
func (s *Seconds) Add(now time.Time) {
	second := uint64(uint32(now.Unix()))
	slot := &s.slots[second%Kept]
	for {
		old := slot.Load()
		next := second<<32 | 1
		if old>>32 == second {
			next = old + 1
		}
		if slot.CompareAndSwap(old, next) {
			return
		}
	}
}

// Last returns the counts of that many seconds, the last being that of now.
// Some tells whether one of them is above zero.
func (s *Seconds) Last(now time.Time, count int) (counts []int, some bool) {
	counts = make([]int, min(max(count, 0), Kept))
	first := now.Unix() - int64(len(counts)) + 1
	for i := range counts {
		second := uint64(uint32(first + int64(i)))
		if v := s.slots[second%Kept].Load(); v>>32 == second {
			counts[i] = int(uint32(v))
		}
		some = some || counts[i] > 0
	}
	return counts, some
}

// Reset forgets everything.
func (s *Seconds) Reset() {
	for i := range s.slots {
		s.slots[i].Store(0)
	}
}
