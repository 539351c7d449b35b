package meter

import (
	"sync"
	"time"
)

// Units admits at most a number of units in any 10 seconds: Graph's resource
// units (protocol G.4). It counts in tenths of a second.
type Units struct {
	mu    sync.Mutex
	ticks [unitTicks]int64
	cost  [unitTicks]int
}

const (
	unitTick  = 100 * time.Millisecond
	unitTicks = 100
)

// Take charges cost if the limit allows it. Used is what the last 10 seconds
// hold, this request included; with refused, it is charged even if it is not
// admitted.
func (u *Units) Take(now time.Time, cost, limit int, refused bool) (used int, wait time.Duration, ok bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	tick := now.UnixNano() / int64(unitTick)
	used = cost
	for i, at := range u.ticks {
		if at > tick-unitTicks && at <= tick {
			used += u.cost[i]
		}
	}
	if ok = used <= limit; !ok {
		wait = u.wait(tick, used-limit)
	}
	if ok || refused {
		slot := tick % unitTicks
		if u.ticks[slot] != tick {
			u.ticks[slot], u.cost[slot] = tick, 0
		}
		u.cost[slot] += cost
	}
	return used, wait, ok
}

// wait is how long it takes until so many units have left the window.
func (u *Units) wait(tick int64, over int) time.Duration {
	for at := tick - unitTicks + 1; at <= tick; at++ {
		if slot := at % unitTicks; u.ticks[slot] == at {
			over -= u.cost[slot]
		}
		if over <= 0 {
			return time.Duration(at+unitTicks-tick) * unitTick
		}
	}
	return unitTicks * unitTick
}
