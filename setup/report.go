package setup

import (
	"fmt"
	"slices"
	"time"
)

// State is how a check came out.
type State string

// The states a check may end in.
const (
	OK      State = "ok"
	Warning State = "warning" // works, but not as it should, or not for long
	Failed  State = "failed"
	Unknown State = "unknown" // cannot be known from here
)

// States are all of them, the worst last.
func States() []State { return []State{OK, Unknown, Warning, Failed} }

// Finding is what a check found: a sentence on what is, and one on what to do.
type Finding struct {
	State  State
	Cause  string
	Remedy string // "" where there is nothing to do
}

// Check is one thing that has to be right.
type Check struct {
	Name  string // stable, for programs
	Part  string // what it belongs to, for people: the heading it stands under
	Title string
}

// Result is a check and what it found.
type Result struct {
	Check
	Finding
	Took time.Duration
}

// Done tells whether the check has ended.
func (r Result) Done() bool { return r.State != "" }

// Report is every check, in the order of the table, at some moment.
type Report struct {
	At      time.Time
	Results []Result
}

// Count is how many checks came out like that.
func (r Report) Count(s State) int {
	n := 0
	for _, one := range r.Results {
		if one.State == s {
			n++
		}
	}
	return n
}

// Left is how many checks have not ended yet.
func (r Report) Left() int { return r.Count("") }

// Sound tells whether nothing failed.
func (r Report) Sound() bool { return r.Count(Failed) == 0 }

// Summary counts in a sentence.
func (r Report) Summary() string {
	warnings := " warnings"
	if r.Count(Warning) == 1 {
		warnings = " warning"
	}
	return fmt.Sprintf("%d ok, %d%s, %d failed, %d cannot be known from here.", r.Count(OK), r.Count(Warning), warnings, r.Count(Failed), r.Count(Unknown))
}

// Parts are the headings, in order.
func (r Report) Parts() []string {
	var out []string
	for _, one := range r.Results {
		if !slices.Contains(out, one.Part) {
			out = append(out, one.Part)
		}
	}
	return out
}

// Answer is a report as programs read it.
type Answer struct {
	At      time.Time      `json:"at"`
	Sound   bool           `json:"sound"` // nothing failed
	Results []AnswerResult `json:"results"`
}

// AnswerResult is one check of an Answer. Name and State are stable.
type AnswerResult struct {
	Name   string `json:"name"`
	Part   string `json:"part"`
	Title  string `json:"title"`
	State  State  `json:"state"`
	Cause  string `json:"cause"`
	Remedy string `json:"remedy,omitempty"`
	Took   int64  `json:"took_ms"`
}

// JSON is the report for programs: the doctor's and the API's alike.
func (r Report) JSON() Answer {
	out := Answer{At: r.At.UTC(), Sound: r.Sound()}
	for _, one := range r.Results {
		out.Results = append(out.Results, AnswerResult{one.Name, one.Part, one.Title, one.State, one.Cause, one.Remedy, one.Took.Milliseconds()})
	}
	return out
}

func ok(cause string) Finding              { return Finding{State: OK, Cause: cause} }
func warn(cause, remedy string) Finding    { return Finding{Warning, cause, remedy} }
func fail(cause, remedy string) Finding    { return Finding{Failed, cause, remedy} }
func unknown(cause, remedy string) Finding { return Finding{Unknown, cause, remedy} }
