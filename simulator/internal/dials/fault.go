package dials

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Fault is one injected failure (protocol K rows 4, 18, 26–28, 31).
type Fault struct {
	// Name labels the fault in the report's count of strikes. A fault of another
	// name is another fault: its window and its counters begin anew.
	Name string `json:"name,omitempty"`
	// Operation as named in the report, such as "send" or "graph.install".
	// A trailing "*" matches any rest; "connector.*" is every operation of the
	// Connector, "*" is everything.
	Operation string `json:"operation"`
	// Person limits the fault to one Entra ID.
	Person string `json:"person,omitempty"`
	// PeoplePerMille limits the fault to that share of people, always the same
	// ones for a seed.
	PeoplePerMille float64 `json:"people_per_mille,omitempty"`
	// Region limits the fault to requests through that region's service URL.
	Region string `json:"region,omitempty"`
	// Status is the HTTP status of the answer; 0 leaves the answer as it is
	// (useful with DelayMS).
	Status int `json:"status"`
	// Code and Message fill the error body; empty ones get a fitting default.
	Code    string `json:"code,omitempty"`
	Message string `json:"message,omitempty"`
	// Shape of the answer, one of Shapes.
	Shape string `json:"shape,omitempty"`
	// PerMille is the probability by request; 0 means always.
	PerMille float64 `json:"per_mille,omitempty"`
	// Skip lets that many matching requests pass before the fault begins.
	Skip int `json:"skip,omitempty"`
	// Next limits the fault to that many requests; 0 means no limit.
	Next int `json:"next,omitempty"`
	// FirstEach limits the fault to the first requests of each person.
	FirstEach int `json:"first_each,omitempty"`
	// FromMS and ForMS are a window in milliseconds after the fault was set; a
	// ForMS of 0 has no end.
	FromMS int64 `json:"from_ms,omitempty"`
	ForMS  int64 `json:"for_ms,omitempty"`
	// RetryAfter is the header's value in seconds; 0 sends none.
	RetryAfter int `json:"retry_after,omitempty"`
	// StoreFirst does the work before it fails: the ambiguous failure (protocol
	// K row 28). Without a Status or a tearing shape the true answer comes after
	// the delay: whoever gave up before has a message stored without knowing.
	StoreFirst bool `json:"store_first,omitempty"`
	// DelayMS waits before the answer, DelayUpToMS up to that long.
	DelayMS     int `json:"delay_ms,omitempty"`
	DelayUpToMS int `json:"delay_up_to_ms,omitempty"`
}

// Shapes are the words of Fault.Shape: a JSON error of the service (the
// default), the Connector's second shape (protocol E.3), an HTML page, no body;
// a connection reset (RST) or closed (FIN) without an answer, one closed in the
// middle of the answer, and one on which nothing ever comes.
var Shapes = []string{"", "error", "subcode", "html", "empty", "reset", "close", "cut", "hang"}

// Tears tells whether the connection ends without a whole answer.
func (f Fault) Tears() bool {
	return f.Shape == "reset" || f.Shape == "close" || f.Shape == "cut" || f.Shape == "hang"
}

// Plain tells whether the true answer is given, perhaps late.
func (f Fault) Plain() bool { return f.Status == 0 && !f.Tears() }

// Label is the fault in the report.
func (f Fault) Label() string {
	if f.Name != "" {
		return f.Name
	}
	parts := []string{f.Operation}
	if f.Status != 0 {
		parts = append(parts, fmt.Sprint(f.Status))
	}
	if f.Shape != "" {
		parts = append(parts, f.Shape)
	}
	if f.StoreFirst {
		parts = append(parts, "stored")
	}
	if f.DelayMS > 0 || f.DelayUpToMS > 0 {
		parts = append(parts, "slow")
	}
	return strings.Join(parts, " ")
}

// Request is what a fault looks at. Number is the person concerned, or 0.
type Request struct {
	Operation, Region string
	Number            int
}

// fault is an injected failure with its memory.
type fault struct {
	Fault
	number int // 0: anybody
	since  time.Time
	seen   atomic.Int64
	struck atomic.Int64

	mu   sync.Mutex
	each map[int]int // FirstEach only: strikes by person
}

func (f *fault) over(now time.Time) bool {
	return f.ForMS > 0 && now.Sub(f.since) >= time.Duration(f.FromMS+f.ForMS)*time.Millisecond
}

func (f *fault) matches(r Request, now time.Time, seed uint64) bool {
	switch {
	case f.number != 0 && f.number != r.Number,
		f.Region != "" && f.Region != r.Region,
		!covers(f.Operation, r.Operation),
		f.FromMS > 0 && now.Sub(f.since) < time.Duration(f.FromMS)*time.Millisecond,
		f.over(now):
		return false
	}
	return f.PeoplePerMille <= 0 || r.Number > 0 && Chance(seed^0x70656f70, uint64(r.Number), f.PeoplePerMille)
}

// covers tells whether a fault's operation means this one. The Connector's
// operations are those without a prefix.
func covers(pattern, operation string) bool {
	if pattern == "connector.*" {
		return !strings.Contains(operation, ".")
	}
	if prefix, ok := strings.CutSuffix(pattern, "*"); ok {
		return strings.HasPrefix(operation, prefix)
	}
	return pattern == operation
}

// strikes counts a matching request and tells whether this one fails.
func (f *fault) strikes(r Request, seed uint64) bool {
	seen := f.seen.Add(1)
	switch {
	case seen <= int64(f.Skip), f.Next > 0 && seen > int64(f.Skip+f.Next):
		return false
	case f.PerMille > 0 && !Chance(seed, uint64(seen), f.PerMille):
		return false
	case f.FirstEach > 0 && !f.firstOf(r.Number):
		return false
	}
	f.struck.Add(1)
	return true
}

func (f *fault) firstOf(number int) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.each == nil {
		f.each = map[int]int{}
	}
	f.each[number]++
	return f.each[number] <= f.FirstEach
}
