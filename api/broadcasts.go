package api

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/broadcast"
)

// createBroadcast is POST /broadcasts. Machines send whole messages, so
// everything is checked at once, not only when the draft is submitted.
func (d *Door) createBroadcast(c *gin.Context, a broadcast.Actor) error {
	var in draftJSON
	if err := readJSON(c, &in); err != nil {
		return err
	}
	p, err := d.check(a, in)
	if err != nil {
		return err
	}
	b, err := d.service.Create(c.Request.Context(), a, p)
	if err != nil {
		return err
	}
	c.Header("Location", v1+"/broadcasts/"+string(b.ID))
	c.JSON(http.StatusCreated, asJSON(b, a))
	return nil
}

// check reads a proposal and tells what is wrong with it. It leaves those who may not
// write at all to the use-case's refusal: their message is not the matter.
func (d *Door) check(a broadcast.Actor, in draftJSON) (broadcast.Proposal, error) {
	p, err := in.proposal()
	if !a.MayWrite() {
		return p, nil
	}
	if err != nil {
		return p, err
	}
	return p, d.service.Check(p)
}

type editJSON struct {
	Revision int64 `json:"revision"`
	draftJSON
}

// editBroadcast is PUT /broadcasts/{id}: replaces message and audience, if the
// revision is still the newest.
func (d *Door) editBroadcast(c *gin.Context, a broadcast.Actor) error {
	id, err := broadcastID(c)
	if err != nil {
		return err
	}
	var in editJSON
	if err := readJSON(c, &in); err != nil {
		return err
	}
	if in.Revision <= 0 {
		return &broadcast.Error{Code: broadcast.Invalid, Field: "revision", Message: "Say which revision you changed: the number you read with the broadcast."}
	}
	kept, err := d.service.Get(c.Request.Context(), a, id)
	if err != nil {
		return err
	}
	if kept.Kind == broadcast.KindEdit {
		in.Audience = audienceOf(kept.Audience) // its announcement's, whatever they say
	}
	p, err := d.check(a, in.draftJSON)
	if err != nil {
		return err
	}
	b, err := d.service.Edit(c.Request.Context(), a, id, in.Revision, p)
	if err != nil {
		return err
	}
	c.JSON(http.StatusOK, asJSON(b, a))
	return nil
}

func (d *Door) getBroadcast(c *gin.Context, a broadcast.Actor) error {
	id, err := broadcastID(c)
	if err != nil {
		return err
	}
	b, err := d.service.Get(c.Request.Context(), a, id)
	if err != nil {
		return err
	}
	out := asJSON(b, a)
	out.Progress = d.progress(b)
	c.JSON(http.StatusOK, out)
	return nil
}

// listBroadcasts is GET /broadcasts?state=&q=&after=&limit=, newest first; state
// may be given several times.
func (d *Door) listBroadcasts(c *gin.Context, a broadcast.Actor) error {
	q := &query{c: c}
	ask := broadcast.ListQuery{Text: q.text("q"), After: broadcast.ID(c.Query("after")), Limit: q.limit()}
	if ask.After != "" && !isUUID(string(ask.After)) {
		q.bad("after", "Give the ID of the last broadcast of the page before.")
	}
	for _, s := range q.list("state") {
		if !slices.Contains(broadcast.States(), broadcast.State(s)) {
			q.bad("state", "There is no state %q.", s)
		}
		ask.States = append(ask.States, broadcast.State(s))
	}
	if q.err != nil {
		return q.err
	}
	page, err := d.service.List(c.Request.Context(), a, ask)
	if err != nil {
		return err
	}
	rows := make([]broadcastJSON, len(page.Broadcasts))
	for i := range page.Broadcasts {
		rows[i] = asJSON(&page.Broadcasts[i], a)
	}
	c.JSON(http.StatusOK, gin.H{"broadcasts": rows, "next": nextOf(page.Next)})
	return nil
}

type askJSON struct {
	Revision int64  `json:"revision"`
	Note     string `json:"note"`
	At       string `json:"at"`
	Reason   string `json:"reason"` // for retry: only those who failed for it
}

// move is POST /broadcasts/{id}/{event}, with or without a body.
func (d *Door) move(ev broadcast.Event) handler {
	return func(c *gin.Context, a broadcast.Actor) error {
		id, err := broadcastID(c)
		if err != nil {
			return err
		}
		var in askJSON
		if err := readOptionalJSON(c, &in); err != nil {
			return err
		}
		ask := broadcast.Ask{ID: id, Revision: in.Revision, Note: in.Note}
		if ask.DueAt, err = in.due(ev); err != nil {
			return err
		}
		if ask.Reason, err = in.reason(ev); err != nil {
			return err
		}
		b, err := d.service.Do(c.Request.Context(), a, ev, ask)
		if err != nil {
			return err
		}
		c.JSON(http.StatusOK, asJSON(b, a))
		return nil
	}
}

// due reads the time of a schedule. On any other move it would be a
// misunderstanding with consequences, so it is refused.
func (in askJSON) due(ev broadcast.Event) (time.Time, error) {
	bad := func(sentence string) error {
		return &broadcast.Error{Code: broadcast.Invalid, Field: "at", Message: sentence}
	}
	switch {
	case ev != broadcast.EventSchedule && in.At != "":
		return time.Time{}, bad("Only schedule takes a time; this would happen at once.")
	case ev != broadcast.EventSchedule:
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339, in.At)
	if err != nil {
		return time.Time{}, bad("Give the time with its offset, like 2026-01-31T09:00:00+01:00.")
	}
	return at, nil
}

// reason reads whom a retry is for; any other move takes everybody.
func (in askJSON) reason(ev broadcast.Event) (broadcast.Reason, error) {
	bad := func(format string, args ...any) error {
		return &broadcast.Error{Code: broadcast.Invalid, Field: "reason", Message: fmt.Sprintf(format, args...)}
	}
	switch r := broadcast.Reason(in.Reason); {
	case r == "":
		return "", nil
	case ev != broadcast.EventRetry:
		return "", bad("Only retry takes a reason people failed for. Say why in “note”.")
	case !slices.Contains(broadcast.Reasons(), r):
		return "", bad("There is no reason %q. GET …/reasons lists those people failed for.", r)
	default:
		return r, nil
	}
}

type moveJSON struct {
	Event broadcast.Event `json:"event"`
	From  broadcast.State `json:"from"`
	To    broadcast.State `json:"to"`
	By    *personJSON     `json:"by"`
	At    *time.Time      `json:"at"`
	Note  string          `json:"note"`
	Hash  string          `json:"hash"` // of message and audience at that moment
}

// listHistory is GET /broadcasts/{id}/history, oldest first.
func (d *Door) listHistory(c *gin.Context, a broadcast.Actor) error {
	b, err := d.find(c, a)
	if err != nil {
		return err
	}
	moves, err := d.service.History(c.Request.Context(), a, b.ID)
	if err != nil {
		return err
	}
	rows := make([]moveJSON, len(moves))
	for i, m := range moves {
		rows[i] = moveJSON{m.Event, m.From, m.To, person(m.By), moment(m.At), m.Note, m.Hash}
	}
	c.JSON(http.StatusOK, gin.H{"history": rows})
	return nil
}

// showCard is GET /broadcasts/{id}/card?language=: the very Adaptive Card people get
// whose language that is.
func (d *Door) showCard(c *gin.Context, a broadcast.Actor) error {
	b, err := d.find(c, a)
	if err != nil {
		return err
	}
	p, err := d.service.Preview(a, *b, b.Message.Pick(c.Query("language")))
	if err != nil {
		return err
	}
	c.Data(http.StatusOK, "application/json; charset=utf-8", p.Card)
	return nil
}

// find reads the broadcast in the path.
func (d *Door) find(c *gin.Context, a broadcast.Actor) (*broadcast.Broadcast, error) {
	id, err := broadcastID(c)
	if err != nil {
		return nil, err
	}
	return d.service.Get(c.Request.Context(), a, id)
}
