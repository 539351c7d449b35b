package web

import (
	"context"
	"fmt"

	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/pace"
)

// progress is how far a broadcast is, ready to be put into the page: texts by
// the name of the element, widths of the bar in percent.
type progress struct {
	State   broadcast.State   `json:"state"`
	Percent string            `json:"percent"`
	Texts   map[string]string `json:"texts"`
	Bars    []bar             `json:"bars"`
	Ends    int               `json:"ends"` // how many failed or were skipped: the page reads the reasons anew when it grows
}

// bar is one stretch of the progress bar.
type bar struct {
	Name  string `json:"name"`
	Words string `json:"-"`
	Count string `json:"-"`
	From  string `json:"from"`
	Width string `json:"width"`
}

// shown is the order of the stretches: what is settled first, what waits last.
var shown = []broadcast.DeliveryState{
	broadcast.DeliverySent, broadcast.DeliverySkipped, broadcast.DeliveryFailed, broadcast.DeliveryCancelled,
	broadcast.DeliveryExpired, broadcast.DeliveryReady, broadcast.DeliveryPending,
}

// progressOf words a tally.
func progressOf(s broadcast.State, t broadcast.Tally, pace pace.Estimate) progress {
	p := progress{State: s, Percent: percent(t.Done(), t.Total), Ends: t.Failed + t.Skipped + t.Cancelled, Texts: map[string]string{
		"line":   lineOf(s, t),
		"speed":  speedOf(s, t, pace),
		"repeat": repeatWords(t),
	}}
	before := 0
	for _, state := range shown {
		n := t.Of(state)
		p.Texts[string(state)] = num(n)
		p.Bars = append(p.Bars, bar{string(state), deliveryWords(state), num(n), percent(before, t.Total), percent(n, t.Total)})
		before += n
	}
	return p
}

func lineOf(s broadcast.State, t broadcast.Tally) string {
	switch {
	case s == broadcast.Resolving:
		return "Working out who gets it…"
	case t.Total == 0:
		return "Nobody is on the list."
	case t.Left() == 0:
		return fmt.Sprintf("%s of %s reached.", num(t.Sent), people(t.Total))
	}
	return fmt.Sprintf("%s of %s reached, %s to go.", num(t.Sent), people(t.Total), num(t.Left()))
}

// speedOf says how fast it goes and how long it will still take.
func speedOf(s broadcast.State, t broadcast.Tally, pace pace.Estimate) string {
	switch {
	case s == broadcast.Paused:
		return "Paused."
	case s != broadcast.Sending || t.Left() == 0:
		return ""
	case t.Ready == 0:
		return fmt.Sprintf("Waiting for %s to get the app.", people(t.Pending))
	case !pace.Known:
		return "Measuring the speed…"
	}
	rate := fmt.Sprintf("%.0f a second", pace.Rate)
	if pace.Rate < 10 {
		rate = fmt.Sprintf("%.1f a second", pace.Rate)
	}
	// Those without the app come at the rollout's speed, not at this one's.
	if t.Pending > 0 {
		return fmt.Sprintf("%s; %s left, longer for those who still wait for the app.", rate, between(pace.Low, pace.High))
	}
	return fmt.Sprintf("%s; %s left.", rate, between(pace.Low, pace.High))
}

// repeatWords owns up to what a time-out cannot tell: whether a message arrived.
func repeatWords(t broadcast.Tally) string {
	if t.MaybeRepeated == 0 {
		return ""
	}
	return fmt.Sprintf("%s may have got it twice, because Teams did not confirm the first try.", people(t.MaybeRepeated))
}

// followBroadcast streams progress while the engine works on a broadcast.
func (d *Door) followBroadcast(c *gin.Context, a broadcast.Actor) error {
	id := broadcast.ID(c.Param("id"))
	return d.stream(c, func(ctx context.Context) (news, error) {
		now, err := d.service.Standing(ctx, a, id)
		if err != nil {
			return news{}, err
		}
		over := !now.State.Live() && now.Tally.Left() == 0
		return news{progressOf(now.State, now.Tally, d.pace.See(id, now, d.o.Now())), over}, nil
	})
}
