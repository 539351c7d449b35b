package words

import (
	"fmt"
	"time"

	"github.com/fanfare/fanfare/pace"
	"github.com/fanfare/fanfare/rollout"
)

// Ring is a ring's state in a word.
func Ring(s rollout.RingState) string {
	return named(map[rollout.RingState]string{rollout.Waiting: "Waiting", rollout.Open: "Open", rollout.Held: "Held", rollout.Done: "Done"}, s)
}

// Speed is how fast people come to an end, and how long the rest of them takes.
func Speed(e pace.Estimate) string {
	if !e.Known {
		return ""
	}
	rate := fmt.Sprintf("%.0f a second", e.Rate)
	if e.Rate < 1 {
		rate = fmt.Sprintf("%.0f a minute", 60*e.Rate)
	} else if e.Rate < 10 {
		rate = fmt.Sprintf("%.1f a second", e.Rate)
	}
	return rate + "; " + Between(e.Low, e.High) + " left."
}

// Watched is how long a ring is watched: "1 day".
func Watched(d time.Duration) string {
	many := func(n int, word string) string {
		if n == 1 {
			return "1 " + word
		}
		return fmt.Sprintf("%d %ss", n, word)
	}
	switch day := 24 * time.Hour; {
	case d == 0:
		return "not at all"
	case d%day == 0:
		return many(int(d/day), "day")
	case d%time.Hour == 0:
		return many(int(d/time.Hour), "hour")
	}
	return many(int(d/time.Minute), "minute")
}

// Follows is what comes after a ring, in a sentence; last is whether it is the last one.
func Follows(r rollout.Ring) string {
	allowed := fmt.Sprintf("Everything is paused when more than %d %% of those who were tried failed.", r.MaxFailedPercent)
	if r.MaxFailedPercent == 100 {
		allowed = "It goes on however many fail."
	}
	if r.IsLast() {
		return allowed
	}
	after := "An admin opens the next ring."
	switch {
	case r.ByItself && r.Settle > 0:
		after = "The next ring opens by itself once everybody here was tried and it was watched for " + Watched(r.Settle) + "."
	case r.ByItself:
		after = "The next ring opens by itself once everybody here was tried."
	}
	return allowed + " " + after
}
