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

type counter struct {
	requests, throttled         atomic.Int64
	bySecond, throttledBySecond Seconds
}

func (m *Meter) counter(operation string) *counter {
	if c, ok := m.operations.Load(operation); ok {
		return c.(*counter)
	}
	c, _ := m.operations.LoadOrStore(operation, new(counter))
	return c.(*counter)
}

// Arrived counts a request in the second in which it came.
func (m *Meter) Arrived(operation string, at time.Time) { m.counter(operation).bySecond.Add(at) }

// Answered counts a request and the status of its answer; a status of 0 means
// the connection was torn down. A refusal counts in the second of the request.
func (m *Meter) Answered(operation string, status int, arrived time.Time) {
	c := m.counter(operation)
	c.requests.Add(1)
	if status == 429 {
		c.throttled.Add(1)
		c.throttledBySecond.Add(arrived)
	}
	if status >= 0 && status < len(m.statuses) {
		m.statuses[status].Add(1)
	}
}

// History returns the requests and the refusals of the last seconds by
// operation, the last second being that of now; operations without any are
// left out.
func (m *Meter) History(now time.Time, seconds int) (requests, throttled map[string][]int) {
	requests, throttled = map[string][]int{}, map[string][]int{}
	m.operations.Range(func(k, v any) bool {
		c := v.(*counter)
		if counts, some := c.bySecond.Last(now, seconds); some {
			requests[k.(string)] = counts
		}
		if counts, some := c.throttledBySecond.Last(now, seconds); some {
			throttled[k.(string)] = counts
		}
		return true
	})
	return requests, throttled
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
