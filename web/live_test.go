package web

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
)

// listener reads a stream of events as a browser does.
type listener struct {
	t      *testing.T
	res    *http.Response
	lines  *bufio.Scanner
	cancel context.CancelFunc
}

func (v *visitor) listen(path string) *listener {
	v.w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, v.w.url+path, nil)
	if err != nil {
		v.w.t.Fatal(err)
	}
	req.Header.Set("Accept", "text/event-stream")
	res, err := v.Do(req)
	if err != nil {
		v.w.t.Fatal(err)
	}
	v.w.t.Cleanup(func() { cancel(); _ = res.Body.Close() })
	return &listener{v.w.t, res, bufio.NewScanner(res.Body), cancel}
}

// next is the next event; "" at the end of the stream.
func (l *listener) next() (event string, p progress) {
	l.t.Helper()
	for l.lines.Scan() {
		line := l.lines.Text()
		if name, ok := strings.CutPrefix(line, "event: "); ok {
			event = name
		}
		if data, ok := strings.CutPrefix(line, "data: "); ok {
			if err := json.Unmarshal([]byte(data), &p); err != nil {
				l.t.Fatal(err)
			}
			return event, p
		}
	}
	return "", p
}

// sending brings a broadcast to the point where its messages go out; pairs are
// added to its form. With a first wave, that is the first five people.
func (w *world) sending(pairs ...string) broadcast.ID {
	w.t.Helper()
	ctx := context.Background()
	page := w.author().post("/broadcasts", with(with(good(), "do", "submit"), pairs...)).says(http.StatusOK).path
	ben := w.approver()
	ben.post(page+"/approve", nil).says(http.StatusOK)
	ben.post(page+"/send", nil).says(http.StatusOK)
	id := broadcast.ID(strings.TrimPrefix(page, "/broadcasts/"))
	people, err := w.st.PeoplePage(ctx, "", 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	if b, err := w.st.Broadcast(ctx, id); err != nil {
		w.t.Fatal(err)
	} else if b.Wave == 0 {
		if err := w.st.AddDeliveries(ctx, id, people[:5], 0); err != nil {
			w.t.Fatal(err)
		}
		people = people[5:]
	}
	if err := w.st.AddDeliveries(ctx, id, people, 1); err != nil {
		w.t.Fatal(err)
	}
	if err := w.service.Advance(ctx, id, broadcast.EventResolved, ""); err != nil {
		w.t.Fatal(err)
	}
	return id
}

// deliver gives the first n ready people of a broadcast an outcome.
func (w *world) deliver(id broadcast.ID, n int, outcome broadcast.Outcome) {
	w.t.Helper()
	ctx := context.Background()
	chunk, err := w.st.TakeNext(ctx, id, time.Minute, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	if len(chunk.Deliveries) < n {
		w.t.Fatalf("only %d people are ready, want %d", len(chunk.Deliveries), n)
	}
	var outcomes []broadcast.Outcome
	for _, d := range chunk.Deliveries[:n] {
		o := outcome
		o.DeliveryID, o.EntraID, o.Attempts, o.At = d.ID, d.EntraID, 1, w.clock.Now()
		outcomes = append(outcomes, o)
	}
	if err := w.st.FinishChunk(ctx, chunk, outcomes); err != nil {
		w.t.Fatal(err)
	}
}

var (
	sentOutcome   = broadcast.Outcome{State: broadcast.DeliverySent, ActivityID: "a1"}
	failedOutcome = broadcast.Outcome{State: broadcast.DeliveryFailed, Reason: broadcast.ReasonRejected, Status: 400, Code: "BadArgument", Detail: "Unknown <thing>"}
	doubtful      = broadcast.Outcome{State: broadcast.DeliveryFailed, Reason: broadcast.ReasonUnconfirmed, Status: 504, Code: "GatewayTimeout", MaybeSent: true}
)

func TestProgressIsStreamedUntilTheEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(20, 18)
	id := w.sending()
	l := w.approver().listen("/broadcasts/" + string(id) + "/events")
	if ct := l.res.Header.Get("Content-Type"); ct != "text/event-stream" {
		t.Fatalf("content type %q", ct)
	}
	if event, p := l.next(); event != "progress" || p.Texts["line"] != "0 of 20 people reached, 18 to go." || p.Texts["speed"] != "Measuring the speed…" {
		t.Errorf("first event %q: %+v", event, p)
	}
	w.deliver(id, 10, sentOutcome)
	if event, p := l.next(); event != "progress" || p.Texts["sent"] != "10" || p.Texts["speed"] != "Measuring the speed…" {
		t.Errorf("second event %q: %+v", event, p)
	}
	var p progress
	for range 3 { // as many steps as it takes to know the speed
		w.clock.advance(4 * time.Second)
		w.deliver(id, 1, sentOutcome)
		_, p = l.next()
	}
	if !strings.HasSuffix(p.Texts["speed"], " a second; less than a minute left.") {
		t.Errorf("the speed is not told: %+v", p)
	}
	w.deliver(id, 5, failedOutcome)
	if err := w.service.Advance(t.Context(), id, broadcast.EventFinish, ""); err != nil {
		t.Fatal(err)
	}
	var event string
	for event = "progress"; event == "progress"; event, p = l.next() {
	}
	if event != "last" || p.State != broadcast.Sent || p.Percent != "100.0" || p.Texts["failed"] != "5" || p.Texts["line"] != "13 of 20 people reached." {
		t.Errorf("last event %q: %+v", event, p)
	}
	if event, _ := l.next(); event != "" {
		t.Errorf("after the last event came %q", event)
	}
}

func TestStreamsEndAtOnceWhenTheServerStops(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(10, 5)
	ada := w.author()
	rollout := ada.listen("/rollout/events")
	broadcast := ada.listen("/broadcasts/" + string(w.sending()) + "/events")
	for _, l := range []*listener{rollout, broadcast} {
		if event, _ := l.next(); event != "progress" {
			t.Fatalf("event %q", event)
		}
	}
	close(w.stopping)
	for _, l := range []*listener{rollout, broadcast} {
		if event, _ := l.next(); event != "" {
			t.Errorf("after the stop came %q", event)
		}
		if l.lines.Err() != nil {
			t.Errorf("the stream was cut instead of ended: %v", l.lines.Err())
		}
	}
}

func TestAStreamOfNothingIsAnOrdinaryMistake(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.author()
	ada.send(get, "/broadcasts/0190a1b2-c3d4-7000-8000-000000000001/events", nil, "text/event-stream").says(http.StatusNotFound, `"error":`)
	w.nobody().send(get, "/rollout/events", nil, "text/event-stream").says(http.StatusUnauthorized, `"error":`)
}
