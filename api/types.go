package api

import (
	"bytes"
	"encoding/json"
	"math"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/api/shape"
	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/message"
)

// draftJSON is what an integrator says a broadcast should be.
type draftJSON struct {
	Title    string         `json:"title"`
	Body     string         `json:"body"`
	Image    *shape.Image   `json:"image"`
	Buttons  []shape.Button `json:"buttons"`
	Variants shape.Variants `json:"variants"`
	Audience audienceJSON   `json:"audience"`
	Plan     *planJSON      `json:"plan"`
}

// groupJSON is written as an object, and read as one or as the mere ID.
type groupJSON struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

func (g *groupJSON) UnmarshalJSON(raw []byte) error {
	if len(raw) > 0 && raw[0] == '"' {
		return json.Unmarshal(raw, &g.ID)
	}
	type plain groupJSON // without this method
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields() // an own method does not inherit it
	return dec.Decode((*plain)(g))
}

// proposal is what the JSON means, or what in it cannot be understood.
func (j draftJSON) proposal() (broadcast.Proposal, error) {
	p, bad := j.Plan.plan()
	if len(bad) > 0 {
		return broadcast.Proposal{}, bad
	}
	return broadcast.Proposal{
		Message:  shape.Message(j.Title, j.Body, j.Image, j.Buttons, j.Variants),
		Audience: j.Audience.audience(), Plan: p,
	}, nil
}

// readMessage reads a message without an audience.
func readMessage(c *gin.Context) (broadcast.Message, error) {
	var in struct {
		Title    string         `json:"title"`
		Body     string         `json:"body"`
		Image    *shape.Image   `json:"image"`
		Buttons  []shape.Button `json:"buttons"`
		Variants shape.Variants `json:"variants"`
		Team     *shape.Post    `json:"team"`
	}
	err := readJSON(c, &in)
	m := shape.Message(in.Title, in.Body, in.Image, in.Buttons, in.Variants)
	if in.Team != nil {
		m.Post = message.Post(*in.Team)
	}
	return m, err
}

// broadcastJSON is a broadcast as integrators see it. Times are RFC 3339 in UTC,
// null until they come to pass.
type broadcastJSON struct {
	ID          broadcast.ID            `json:"id"`
	Kind        broadcast.BroadcastKind `json:"kind"`
	Target      *broadcast.ID           `json:"target"` // of an edit or a recall: the announcement it changes
	State       broadcast.State         `json:"state"`
	Revision    int64                   `json:"revision"`
	Title       string                  `json:"title"`
	Body        string                  `json:"body"`
	Image       *shape.Image            `json:"image"`
	Buttons     []shape.Button          `json:"buttons"`
	Variants    shape.Variants          `json:"variants"`
	Team        *shape.Post             `json:"team,omitempty"` // of a welcome message
	Audience    audienceJSON            `json:"audience"`
	Plan        planJSON                `json:"plan"`
	Author      *personJSON             `json:"author"`
	SubmittedBy *personJSON             `json:"submitted_by"`
	ApprovedBy  *personJSON             `json:"approved_by"`
	Reason      string                  `json:"reason"`
	DueAt       *time.Time              `json:"due_at"`
	CreatedAt   *time.Time              `json:"created_at"`
	UpdatedAt   *time.Time              `json:"updated_at"`
	StartedAt   *time.Time              `json:"started_at"`
	FinishedAt  *time.Time              `json:"finished_at"`
	RecalledAt  *time.Time              `json:"recalled_at"`
	Wave        int                     `json:"wave"`     // 0 while only the first wave may have it
	Expected    int                     `json:"expected"` // head-count, known before the list of recipients is written to its end
	Channels    int                     `json:"channels"` // how many of them are channels, of an announcement
	Listed      bool                    `json:"listed"`   // the list is whole
	LateCount   int                     `json:"late_count"`
	Retrying    bool                    `json:"retrying"` // those who failed are being made ready again
	Tally       tallyJSON               `json:"tally"`
	Progress    *progressJSON           `json:"progress"` // null until it was measured
	Can         []broadcast.Event       `json:"can"`      // what this key may do to it now
}

type personJSON struct {
	ID   broadcast.EntraID `json:"id"`
	Name string            `json:"name"`
}

// tallyJSON: pending, ready, sent, failed, skipped, cancelled and expired add up
// to total; maybe_repeated counts some of those sent once more.
type tallyJSON struct {
	Total         int `json:"total"`
	Pending       int `json:"pending"`
	Ready         int `json:"ready"`
	Sent          int `json:"sent"`
	Failed        int `json:"failed"`
	Skipped       int `json:"skipped"`
	Cancelled     int `json:"cancelled"`
	Expired       int `json:"expired"`
	MaybeRepeated int `json:"maybe_repeated"`
}

func asJSON(b *broadcast.Broadcast, a broadcast.Actor) broadcastJSON {
	return broadcastJSON{
		ID: b.ID, Kind: b.Kind, Target: nextOf(b.Target), State: b.State, Revision: b.Revision,
		Title: b.Message.Title, Body: b.Message.Body, Buttons: shape.ButtonsOf(b.Message.Buttons),
		Image: shape.ImageOf(b.Message.ImageURL, b.Message.ImageAlt), Variants: shape.VariantsOf(b.Message), Team: shape.PostOf(b.Message),
		Audience: audienceOf(b.Audience),
		Author:   person(b.Author), SubmittedBy: person(b.SubmittedBy), ApprovedBy: person(b.ApprovedBy), Reason: b.Reason,
		DueAt: moment(b.DueAt), CreatedAt: moment(b.CreatedAt), UpdatedAt: moment(b.UpdatedAt),
		StartedAt: moment(b.StartedAt), FinishedAt: moment(b.FinishedAt),
		Plan: planOf(b.Plan), RecalledAt: moment(b.RecalledAt), Wave: b.Wave, Expected: max(b.Expected, b.Tally.Total), Listed: !b.ListedAt.IsZero(), Channels: len(b.Audience.Channels()),
		LateCount: b.LateCount, Retrying: !b.RetryAt.IsZero(), Tally: tallyJSON(b.Tally), Can: events(b, a),
	}
}

// progressJSON is how fast it goes and when it may be done, if it goes on like this:
// with about 95 % confidence between low and high.
type progressJSON struct {
	Rate    float64 `json:"rate"` // people per second
	EtaLow  int     `json:"eta_low_seconds"`
	EtaHigh int     `json:"eta_high_seconds"`
}

// progress measures by looking: it takes some looks over some seconds to know.
func (d *Door) progress(b *broadcast.Broadcast) *progressJSON {
	now := broadcast.Standing{State: b.State, Tally: b.Tally, Wave: b.Wave, Expected: b.Expected, Listed: !b.ListedAt.IsZero()}
	if !now.Listed {
		now.Tally.Add(broadcast.DeliveryReady, max(0, b.Expected-b.Tally.Total))
	}
	e := d.pace.See(b.ID, now, d.o.Now())
	if !e.Known {
		return nil
	}
	return &progressJSON{math.Round(e.Rate*10) / 10, int(e.Low.Seconds()), int(e.High.Seconds())}
}

// events is what an actor may do to a broadcast now, in the order of the moves table.
func events(b *broadcast.Broadcast, a broadcast.Actor) []broadcast.Event {
	out := []broadcast.Event{}
	for _, r := range broadcast.Moves() {
		if r.From == b.State && b.Can(a, r.Event) {
			out = append(out, r.Event)
		}
	}
	return out
}

func person(r broadcast.ActorRef) *personJSON {
	if r == (broadcast.ActorRef{}) {
		return nil
	}
	return &personJSON{r.ID, r.Name}
}

// moment is a time as JSON has it; null for never.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC().Truncate(time.Millisecond)
	return &t
}

// nextOf is the cursor of the following page; null at the end.
func nextOf[T comparable](v T) *T {
	var none T
	if v == none {
		return nil
	}
	return &v
}
