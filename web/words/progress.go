package words

import (
	"fmt"
	"math"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/pace"
)

// Now is what the lines of a broadcast's progress are worded from.
type Now struct {
	broadcast.Standing
	Kind  broadcast.BroadcastKind
	To    broadcast.Audience // whose people and channels it counts
	Pace  pace.Estimate
	Brake broadcast.Brake
	At    time.Time // when all this was read
}

// Whole is how many people and channels it is about: all of the head-count from the start, even
// while their list is still being written.
func (n Now) Whole() int {
	if !n.Listed && n.State.Live() {
		return max(n.Expected, n.Tally.Total)
	}
	return n.Tally.Total
}

// Left is how many of them still wait for an end.
func (n Now) Left() int { return n.Whole() - n.Tally.Done() }

// Line says how far it is.
func (n Now) Line() string {
	whole := n.Whole()
	reached := fmt.Sprintf("%s of %s reached", Num(n.Tally.Sent), Count(n.To, whole))
	switch n.Kind {
	case broadcast.KindEdit:
		reached = fmt.Sprintf("Corrected for %s of %s", Num(n.Tally.Sent), Count(n.To, whole))
	case broadcast.KindRecall:
		reached = fmt.Sprintf("Taken back from %s of %s", Num(n.Tally.Sent), Count(n.To, whole))
	case broadcast.KindWelcome:
		reached = fmt.Sprintf("%s welcomed", People(n.Tally.Sent))
	}
	switch {
	case n.State == broadcast.Resolving && n.Kind.Changes():
		return "Looking up who received it…"
	case n.State == broadcast.Resolving:
		return "Working out who gets it…"
	case whole == 0 && n.Kind == broadcast.KindWelcome:
		return "Nobody has come yet."
	case whole == 0:
		return "Nobody is on the list."
	case n.Left() == 0:
		return reached + "."
	}
	return fmt.Sprintf("%s, %s to go.", reached, Num(n.Left()))
}

// Speed says how fast it goes and how long it will still take, or what it waits for.
func (n Now) Speed() string {
	switch {
	case n.State == broadcast.Paused:
		return "Paused."
	case n.State == broadcast.Held:
		return "Held after the first wave."
	case n.State == broadcast.Sending && n.Retrying:
		return "Getting those who failed ready again…"
	case n.State != broadcast.Sending || n.Left() == 0:
		return ""
	}
	if wait := n.Brake.PausedUntil.Sub(n.At); wait > 0 && n.Brake.Outage {
		return fmt.Sprintf("Teams does not answer. Trying again in %s; nobody is lost.", seconds(wait))
	} else if wait > 0 {
		return fmt.Sprintf("Teams is holding us up: nothing is sent for another %s.", seconds(wait))
	}
	switch {
	case n.Wave == 0:
		return "Only the first wave gets it for now."
	case n.Listed && n.Tally.Ready == 0:
		return fmt.Sprintf("Waiting for %s to get the app.", People(n.Tally.Pending))
	case !n.Pace.Known:
		return "Measuring the speed…"
	}
	rate := fmt.Sprintf("%.0f a second", n.Pace.Rate)
	if n.Pace.Rate < 10 {
		rate = fmt.Sprintf("%.1f a second", n.Pace.Rate)
	}
	if n.Brake.Slowed >= 0.05 {
		rate += fmt.Sprintf(", %.0f %% slower because Teams asked for it", 100*n.Brake.Slowed)
	}
	left := Between(n.Pace.Low, n.Pace.High) + " left"
	if n.Tally.Pending > 0 { // they come at the rollout's speed, not at this one's
		left += ", longer for those who still wait for the app"
	}
	return rate + "; " + left + "."
}

func seconds(d time.Duration) string {
	if d >= 90*time.Second {
		return fmt.Sprintf("%.0f minutes", math.Ceil(d.Minutes()))
	}
	if s := int(math.Ceil(d.Seconds())); s > 1 {
		return fmt.Sprintf("%d seconds", s)
	}
	return "second"
}

// Listing says that sending goes on while the list is being written.
func (n Now) Listing() string {
	if n.Listed || n.Expected <= n.Tally.Total || n.State == broadcast.Resolving || !n.State.Live() {
		return ""
	}
	return fmt.Sprintf("%s of %s are on the list; sending has begun.", Num(n.Tally.Total), Count(n.To, n.Expected))
}

// Late says how many came after the list was fixed.
func (n Now) Late() string {
	if n.LateCount == 0 {
		return ""
	}
	were := "were"
	if n.LateCount == 1 {
		were = "was"
	}
	return fmt.Sprintf("%s got the app after the list was fixed and %s added to it.", People(n.LateCount), were)
}

// Repeat owns up to what a time-out cannot tell: whether a message arrived.
func (n Now) Repeat() string {
	if n.Tally.MaybeRepeated == 0 {
		return ""
	}
	return fmt.Sprintf("%s may have got it twice, because Teams did not confirm the first try.", Count(n.To, n.Tally.MaybeRepeated))
}

// unitOf picks the unit for a duration: what is said to the minute, to ten minutes, to
// the hour, to the day.
func unitOf(d time.Duration) (unit time.Duration, word string, step float64) {
	switch {
	case d < 90*time.Minute:
		return time.Minute, "minute", 1
	case d < 10*time.Hour:
		return time.Hour, "hour", 0.5
	case d < 48*time.Hour:
		return time.Hour, "hour", 1
	}
	return 24 * time.Hour, "day", 0.5
}

// Between is a stretch of time nobody knows exactly: "5 to 7 minutes".
func Between(low, high time.Duration) string {
	if high < time.Minute {
		return "less than a minute"
	}
	unit, word, step := unitOf(high)
	in := func(d time.Duration) float64 { return math.Round(float64(d)/float64(unit)/step) * step }
	from, to := in(low), max(in(high), step)
	many := func(n float64) string {
		if n == 1 {
			return word
		}
		return word + "s"
	}
	switch {
	case from >= to:
		return fmt.Sprintf("about %g %s", to, many(to))
	case from < step:
		return fmt.Sprintf("at most %g %s", to, many(to))
	}
	return fmt.Sprintf("%g to %g %s", from, to, many(to))
}
