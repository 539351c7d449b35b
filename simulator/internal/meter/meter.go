package meter

import (
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// Meter counts requests by operation and status.
type Meter struct {
	operations sync.Map // string → *counter
	statuses   [600]atomic.Int64

	// Connector, Graph and Install are the peaks of any one second.
	Connector, Graph, Install Peak
	// EventsSent and EventsFailed count deliveries to the bot.
	EventsSent, EventsFailed atomic.Int64
}

type counter struct{ requests, throttled atomic.Int64 }

func (m *Meter) counter(operation string) *counter {
	if c, ok := m.operations.Load(operation); ok {
		return c.(*counter)
	}
	c, _ := m.operations.LoadOrStore(operation, new(counter))
	return c.(*counter)
}

// Request counts a request and the status of its answer; a status of 0 means
// the connection was torn down.
func (m *Meter) Request(operation string, status int) {
	c := m.counter(operation)
	c.requests.Add(1)
	if status == 429 {
		c.throttled.Add(1)
	}
	if status >= 0 && status < len(m.statuses) {
		m.statuses[status].Add(1)
	}
}

// Counts returns the counters by operation and by status.
func (m *Meter) Counts() (requests, throttled, statuses map[string]int64) {
	requests, throttled, statuses = map[string]int64{}, map[string]int64{}, map[string]int64{}
	m.operations.Range(func(k, v any) bool {
		c := v.(*counter)
		requests[k.(string)] = c.requests.Load()
		if n := c.throttled.Load(); n > 0 {
			throttled[k.(string)] = n
		}
		return true
	})
	for status := range m.statuses {
		if n := m.statuses[status].Load(); n > 0 {
			statuses[strconv.Itoa(status)] = n
		}
	}
	return requests, throttled, statuses
}

// Reset sets all counters to zero.
func (m *Meter) Reset() {
	m.operations.Clear()
	for i := range m.statuses {
		m.statuses[i].Store(0)
	}
	for _, p := range []*Peak{&m.Connector, &m.Graph, &m.Install} {
		p.Reset()
	}
	m.EventsSent.Store(0)
	m.EventsFailed.Store(0)
}

// Thread is the memory of one conversation's limits. The zero value is ready.
// It is not safe for concurrent use: the owner of the conversation locks.
type Thread struct{ times []int64 }

// threadLimits are the documented ones for sending (protocol E.1).
var threadLimits = []struct {
	count  int
	length time.Duration
}{{7, time.Second}, {8, 2 * time.Second}, {60, 30 * time.Second}, {1800, time.Hour}}

// Take admits a message to the conversation or tells how long to wait.
func (t *Thread) Take(now time.Time) (wait time.Duration, ok bool) {
	at := now.UnixNano()
	for _, limit := range threadLimits {
		if len(t.times) < limit.count {
			break
		}
		if gone := at - t.times[len(t.times)-limit.count]; gone < int64(limit.length) {
			return limit.length - time.Duration(gone), false
		}
	}
	if longest := threadLimits[len(threadLimits)-1].count; len(t.times) >= 2*longest {
		t.times = append(t.times[:0], t.times[len(t.times)-longest:]...)
	}
	t.times = append(t.times, at)
	return 0, true
}
