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
	"github.com/fanfare/fanfare/pace"
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

// sending brings a broadcast to the point where its messages go out.
func (w *world) sending() broadcast.ID {
	w.t.Helper()
	ctx := context.Background()
	page := w.author().post("/broadcasts", with(good(), "do", "submit")).says(http.StatusOK).path
	ben := w.approver()
	ben.post(page+"/approve", nil).says(http.StatusOK)
	ben.post(page+"/send", nil).says(http.StatusOK)
	id := broadcast.ID(strings.TrimPrefix(page, "/broadcasts/"))
	people, err := w.st.PeoplePage(ctx, "", 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := w.st.AddDeliveries(ctx, id, people); err != nil {
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
	chunk, err := w.st.TakeChunk(ctx, id, 1, time.Minute)
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
	if err := w.st.RecordOutcomes(ctx, chunk, outcomes); err != nil {
		w.t.Fatal(err)
	}
	if err := w.st.ReleaseChunk(ctx, chunk); err != nil {
		w.t.Fatal(err)
	}
}

var (
	sentOutcome   = broadcast.Outcome{State: broadcast.DeliverySent, ActivityID: "a1"}
	failedOutcome = broadcast.Outcome{State: broadcast.DeliveryFailed, Reason: broadcast.ReasonRejected, Code: "BadArgument", Detail: "Unknown <thing>"}
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
	w.clock.advance(2 * time.Second)
	if event, p := l.next(); event != "progress" || p.Texts["sent"] != "10" || p.Texts["speed"] != "5.0 a second; less than a minute left." {
		t.Errorf("second event %q: %+v", event, p)
	}
	w.deliver(id, 8, failedOutcome)
	if err := w.service.Advance(t.Context(), id, broadcast.EventFinish, ""); err != nil {
		t.Fatal(err)
	}
	var event string
	var p progress
	for event = "progress"; event == "progress"; event, p = l.next() {
	}
	if event != "last" || p.State != broadcast.Sent || p.Percent != "100.0" || p.Texts["failed"] != "8" || p.Texts["line"] != "10 of 20 people reached." {
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

func TestSpeedIsSaidInWords(t *testing.T) {
	t.Parallel()
	at := func(perSecond int, low, high time.Duration) pace.Estimate {
		return pace.Estimate{Known: true, Rate: float64(perSecond), Low: low, High: high}
	}
	unknown := pace.Estimate{}
	for want, got := range map[string]string{
		"":                                     speedOf(broadcast.Sent, broadcast.Tally{Total: 3, Sent: 3}, unknown),
		"Paused.":                              speedOf(broadcast.Paused, broadcast.Tally{Total: 3, Ready: 3}, at(5, 0, 0)),
		"Waiting for 1 person to get the app.": speedOf(broadcast.Sending, broadcast.Tally{Total: 3, Sent: 2, Pending: 1}, at(5, 0, 0)),
		"Measuring the speed…":                 speedOf(broadcast.Sending, broadcast.Tally{Total: 3, Ready: 3}, unknown),
		"45 a second; about 6 hours to about 7 hours left.":                               speedOf(broadcast.Sending, broadcast.Tally{Total: 1_000_000, Ready: 1_000_000}, at(45, 6*time.Hour, 7*time.Hour)),
		"5.0 a second; less than a minute left.":                                          speedOf(broadcast.Sending, broadcast.Tally{Total: 100, Ready: 100}, at(5, 20*time.Second, 22*time.Second)),
		"50 a second; about 2 minutes left, longer for those who still wait for the app.": speedOf(broadcast.Sending, broadcast.Tally{Total: 6000, Ready: 5000, Pending: 1000}, at(50, 118*time.Second, 122*time.Second)),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	for d, want := range map[time.Duration]string{
		20 * time.Second: "less than a minute", 80 * time.Second: "about a minute", 4 * time.Minute: "about 4 minutes", 90 * time.Minute: "about 1 h 30 min",
		2 * time.Hour: "about 2 hours", 20*time.Hour + 40*time.Minute: "about 21 hours", 72 * time.Hour: "about 3 days",
	} {
		if got := about(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}
