package meter

import "time"

// Thread is the memory of one conversation's limits. The zero value is ready.
// It is not safe for concurrent use: the owner of the conversation locks.
//
// Nearly every conversation of a fan-out sees one request an hour, so the first
// time lies in the struct and only a second one costs a list: a million chats
// stay small.
type Thread struct {
	only int64
	more *[]int64
}

// Scale multiplies the limits of one conversation.
type Scale int

// Sending and creating have the limits as they are, reading has the double
// (protocol E.1).
const (
	Writing Scale = 1
	Reading Scale = 2
)

// threadLimits are the documented ones for sending (protocol E.1).
var threadLimits = []struct {
	count  int
	length time.Duration
}{{7, time.Second}, {8, 2 * time.Second}, {60, 30 * time.Second}, {1800, longestLimit}}

const longestLimit = time.Hour

// Take admits a request to the conversation or tells how long to wait.
func (t *Thread) Take(now time.Time, scale Scale) (wait time.Duration, ok bool) {
	at := now.UnixNano()
	if t.more == nil {
		if t.only == 0 || at-t.only >= int64(longestLimit) {
			t.only = at
			return 0, true
		}
		t.more = &[]int64{t.only}
	}
	times := *t.more
	for _, limit := range threadLimits {
		count := limit.count * int(scale)
		if len(times) < count {
			break
		}
		if gone := at - times[len(times)-count]; gone < int64(limit.length) {
			return limit.length - time.Duration(gone), false
		}
	}
	if longest := threadLimits[len(threadLimits)-1].count * int(scale); len(times) >= 2*longest {
		times = append(times[:0], times[len(times)-longest:]...)
	}
	times = append(times, at)
	*t.more = times
	return 0, true
}
