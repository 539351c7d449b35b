package admin

import (
	"fmt"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/rollout"
	"github.com/fanfare/fanfare/web/words"
)

// chartColumns is how many columns a chart has, chartLines how many lines the table
// beside it.
const (
	chartColumns = 60
	chartLines   = 12
)

// ChartBar is a stretch of a column, in the units of the drawing: 10 for a column, 100 for
// the whole height.
type ChartBar struct {
	Name            string
	X, Y, W, Height string
}

// ChartLine is how it stood at a time, for those who read and do not look.
type ChartLine struct {
	At      time.Time
	Counts  []string
	Reasons []words.Share
}

// Chart is the states over time.
type Chart struct {
	From, To time.Time
	Width    int
	Bars     []ChartBar
	Heads    []string
	Lines    []ChartLine
	Words    string // what it shows, in a sentence
}

// charted is the order in which states are stacked, from the bottom up.
var charted = []broadcast.InstallationState{
	broadcast.InstallationInstalled, broadcast.InstallationRemoved, broadcast.InstallationBlocked, broadcast.InstallationRefused, broadcast.InstallationWanted, "",
}

func stateName(s broadcast.InstallationState) string {
	if s == "" {
		return "untouched"
	}
	return string(s)
}

func stateWords(s broadcast.InstallationState) string {
	if s == "" {
		return "Not asked for yet"
	}
	return words.Install(s)
}

// shortest is the least a chart shows.
const shortest = time.Minute

// ChartOf draws samples from the first up to now; nil if there are none.
func ChartOf(samples []rollout.Sample, now time.Time) *Chart {
	if len(samples) == 0 {
		return nil
	}
	c := &Chart{From: samples[0].At, To: now, Width: 10 * chartColumns}
	if now.Sub(c.From) < shortest {
		c.From = now.Add(-shortest)
	}
	for _, s := range charted {
		c.Heads = append(c.Heads, stateWords(s))
	}
	columns := make([]rollout.Sample, chartColumns)
	step, i := c.To.Sub(c.From)/chartColumns, -1
	most := 0
	for n := range columns {
		for i+1 < len(samples) && !samples[i+1].At.After(c.From.Add(step*time.Duration(n+1))) {
			i++
		}
		if i >= 0 {
			columns[n] = samples[i]
			most = max(most, samples[i].Eligible())
		}
	}
	for n, s := range columns {
		c.column(n, s, most)
		if !s.At.IsZero() && (n+1)%(chartColumns/chartLines) == 0 {
			c.line(c.From.Add(step*time.Duration(n+1)), s)
		}
	}
	last := samples[len(samples)-1]
	c.Words = fmt.Sprintf("Bars over time, from %s to %s: at the end %s of %s have the app, %s are still to get it, %s were refused.",
		words.UTC(c.From), words.UTC(c.To), words.Num(last.Installed), words.People(last.Eligible()), words.Num(last.Left()), words.Num(last.Refused))
	return c
}

func (c *Chart) column(n int, s rollout.Sample, most int) {
	below := 0
	for _, state := range charted {
		count := s.Of(state)
		if below += count; count == 0 {
			continue
		}
		c.Bars = append(c.Bars, ChartBar{stateName(state), fmt.Sprint(10 * n), words.Percent(most-below, most), "9", words.Percent(count, most)})
	}
}

func (c *Chart) line(at time.Time, s rollout.Sample) {
	l := ChartLine{At: at, Reasons: words.Shares(s.Reasons)}
	for _, state := range charted {
		l.Counts = append(l.Counts, words.Num(s.Of(state)))
	}
	c.Lines = append(c.Lines, l)
}
