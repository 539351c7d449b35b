package fanout

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fanfare/fanfare/broadcast"
)

const (
	// outageAfter is how many passing failures in a row, without a success between,
	// are taken for an outage of Teams rather than for people's, if they are those of
	// outagePeople different people at least: the last few of a list may be the ones
	// whose chats are broken.
	outageAfter  = 20
	outagePeople = 10
	// outageFirst to outageLast is how long nobody sends anything then.
	outageFirst = 5 * time.Second
	outageLast  = time.Minute
	// outageMost is how long an outage is waited out; then a person has to look.
	outageMost = 6 * time.Hour
)

// outage notices that Teams as a whole is down. While it is, tries cost nobody
// anything; after each pause a few more tell whether it is over.
type outage struct {
	row atomic.Int64 // failures since the last success

	mu     sync.Mutex
	people map[broadcast.EntraID]bool // some of those they were
	pause  time.Duration
	since  time.Time
	until  time.Time
}

// success ends an outage. Price: an atomic read, because it is told of each send.
func (o *outage) success() {
	if o.row.Load() == 0 {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.end()
}

func (o *outage) end() {
	o.row.Store(0)
	o.people, o.pause, o.since, o.until = nil, 0, time.Time{}, time.Time{}
}

// failure counts one more and tells for how long everybody should wait; 0 as long
// as it is nobody's but the person's. Failures of requests that left before the
// pause do not prolong it. It also tells when that has gone on for too long, and
// then begins anew, so that what is resumed gets a fair try.
func (o *outage) failure(who broadcast.EntraID, now time.Time) (down time.Duration, tooLong bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.people == nil {
		o.people = make(map[broadcast.EntraID]bool, outagePeople)
	}
	if len(o.people) < outagePeople {
		o.people[who] = true
	}
	if o.row.Add(1) < outageAfter || len(o.people) < outagePeople {
		return 0, false
	}
	if o.since.IsZero() {
		o.since = now
	}
	if !now.Before(o.until) {
		o.pause = min(max(2*o.pause, outageFirst), outageLast)
		o.until = now.Add(o.pause)
	}
	down = max(o.until.Sub(now), time.Millisecond)
	if now.Sub(o.since) > outageMost {
		o.end()
		tooLong = true
	}
	return down, tooLong
}

// backOff grows from about a second to five minutes, jittered by half, so that a
// thousand retries do not come back in the same second.
func backOff(attempts int) time.Duration {
	base := time.Second
	for range attempts - 1 {
		base = base * 13 / 5
	}
	base = min(base, 4*time.Minute)
	return min(base/2+rand.N(base), 5*time.Minute)
}
