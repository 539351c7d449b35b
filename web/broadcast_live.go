package web

import (
	"context"
	"fmt"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/web/frame"
	"github.com/fanfare/fanfare/web/sse"
	"github.com/fanfare/fanfare/web/words"
)

// progress is how far a broadcast is, ready to be put into the page: texts by
// the name of the element, widths of the bar in percent.
type progress struct {
	State   broadcast.State   `json:"state"`
	Stamp   string            `json:"stamp"` // the page's buttons and notes are read anew when it changes
	Percent string            `json:"percent"`
	Texts   map[string]string `json:"texts"`
	Bars    []frame.Bar       `json:"bars"`
	Ends    int               `json:"ends"` // how many failed or were skipped: the page reads the reasons anew when it grows
}

// shown is the order of the stretches: what is settled first, what waits last.
var shown = []broadcast.DeliveryState{
	broadcast.DeliverySent, broadcast.DeliverySkipped, broadcast.DeliveryFailed, broadcast.DeliveryCancelled,
	broadcast.DeliveryExpired, broadcast.DeliveryReady, broadcast.DeliveryPending,
}

// progressOf words how a broadcast stands.
func progressOf(n words.Now) progress {
	t, whole := n.Tally, n.Whole()
	p := progress{
		State: n.State, Stamp: fmt.Sprint(n.State, n.Listed, n.Retrying, n.Wave), Percent: words.Percent(t.Done(), whole),
		Ends: t.Failed + t.Skipped + t.Cancelled + t.Expired,
		Texts: map[string]string{
			"line": n.Line(), "speed": n.Speed(), "listing": n.Listing(), "late": n.Late(), "repeat": n.Repeat(),
		},
	}
	before := 0
	for _, state := range shown {
		count := t.Of(state)
		p.Texts[string(state)] = words.Num(count)
		p.Bars = append(p.Bars, frame.Bar{
			Name: string(state), Words: words.Delivery(n.Kind, state), Count: words.Num(count), From: words.Percent(before, whole), Width: words.Percent(count, whole),
		})
		before += count
	}
	return p
}

// standingOf is how a broadcast stands that was read as a whole.
func standingOf(b *broadcast.Broadcast) broadcast.Standing {
	return broadcast.Standing{
		State: b.State, Tally: b.Tally, Wave: b.Wave, Expected: b.Expected, Listed: !b.ListedAt.IsZero(),
		Retrying: !b.RetryAt.IsZero(), LateCount: b.LateCount,
	}
}

// brakeAge is how old the news may be that Teams slows us down.
const brakeAge = time.Second

// followBroadcast streams progress while the engine works on a broadcast.
func (d *Door) followBroadcast(c *gin.Context, a broadcast.Actor) error {
	b, err := d.service.Get(c.Request.Context(), a, broadcast.ID(c.Param("id")))
	if err != nil {
		return err
	}
	return d.Stream(c, func(ctx context.Context) (sse.News, error) {
		now, err := d.service.Standing(ctx, a, b.ID)
		if err != nil {
			return sse.News{}, err
		}
		n := words.Now{Standing: now, Kind: b.Kind, To: b.Audience, At: d.o.Now()}
		if now.State == broadcast.Sending {
			if n.Brake, err = d.brake.Look(ctx, a, brakeAge); err != nil {
				return sse.News{}, err
			}
		}
		whole := now
		whole.Tally.Add(broadcast.DeliveryReady, n.Whole()-now.Tally.Total) // those whose line is yet to be written
		n.Pace = d.pace.See(b.ID, whole, n.At)
		return sse.News{Data: progressOf(n), Last: !now.State.Live() && now.Tally.Left() == 0}, nil
	})
}
