package bench_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// sinkSettings is what the sink is told before each measurement.
type sinkSettings struct {
	People  int           `json:"people"`  // conversations 1 to People exist
	Latency time.Duration `json:"latency"` // before each answer
	Rate    int           `json:"rate"`    // in any second, no matter where it begins; 0 for no limit
}

// sinkReport is what the sink has seen since then.
type sinkReport struct {
	Sent      int   `json:"sent"`
	Repeats   int   `json:"repeats"`
	Bad       int   `json:"bad"`       // requests the Connector would have refused
	Throttled int   `json:"throttled"` // answered 429
	Edited    int   `json:"edited"`
	Deleted   int   `json:"deleted"`
	Created   int   `json:"created"`
	Bytes     int64 `json:"bytes"`
	First     int64 `json:"first"` // message, in Unix nanoseconds
	Last      int64 `json:"last"`
}

// sink stands where the Bot Connector is: it reads each request as if it meant it,
// and remembers who got how much.
type sink struct {
	sinkSettings
	got    []atomic.Bool // by conversation
	window window

	sent, repeats, bad, throttled, edited, deleted, created, bytes, first, last atomic.Int64
}

// window is a limit per sliding second, as strict as it can be meant: no second,
// wherever it begins, holds more.
type window struct {
	mu    sync.Mutex
	taken []time.Time // the latest, in a ring
	next  int
}

// take returns 0, or after how long to come again.
func (w *window) take(now time.Time) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	if wait := time.Second - now.Sub(w.taken[w.next]); wait > 0 {
		return wait
	}
	w.taken[w.next] = now
	w.next = (w.next + 1) % len(w.taken)
	return 0
}

func newSink(s sinkSettings) *sink {
	k := &sink{sinkSettings: s, got: make([]atomic.Bool, s.People+1)}
	k.window.taken = make([]time.Time, s.Rate)
	return k
}

func (k *sink) report() sinkReport {
	n := func(v *atomic.Int64) int { return int(v.Load()) }
	return sinkReport{
		Sent: n(&k.sent), Repeats: n(&k.repeats), Bad: n(&k.bad), Throttled: n(&k.throttled), Edited: n(&k.edited), Deleted: n(&k.deleted),
		Created: n(&k.created), Bytes: k.bytes.Load(), First: k.first.Load(), Last: k.last.Load(),
	}
}

// answer is what the Connector says to one request, protocol C.4 and C.5.
func (k *sink) answer(method, path string, bearer bool, body []byte) (status int, said string) {
	if k.Latency > 0 {
		time.Sleep(k.Latency)
	}
	now := time.Now()
	if k.Rate > 0 && k.window.take(now) > 0 {
		k.throttled.Add(1)
		return http.StatusTooManyRequests, `{"error":{"code":"TooManyRequests","message":"Too many requests"}}`
	}
	person, activity := place(path)
	known := person > 0 && person < len(k.got)
	switch {
	case !bearer || (method != http.MethodDelete && !isActivity(body)):
	case method == http.MethodPost && strings.HasSuffix(path, "/v3/conversations"):
		k.created.Add(1)
		return http.StatusCreated, `{"id":"a:new"}`
	case method == http.MethodPost && known && !activity:
		k.count(person, len(body), now)
		return http.StatusCreated, `{"id":"17` + fmt.Sprintf("%011d", person) + `"}`
	case method == http.MethodPut && known && activity:
		k.edited.Add(1)
		return http.StatusOK, `{"id":"17` + fmt.Sprintf("%011d", person) + `"}`
	case method == http.MethodDelete && known && activity:
		k.deleted.Add(1)
		return http.StatusOK, ``
	}
	k.bad.Add(1)
	return http.StatusBadRequest, `{"error":{"code":"BadSyntax","message":"This is not for the Connector"}}`
}

func (k *sink) count(person, size int, now time.Time) {
	if k.got[person].Swap(true) {
		k.repeats.Add(1)
	}
	k.bytes.Add(int64(size))
	k.first.CompareAndSwap(0, now.UnixNano())
	k.last.Store(now.UnixNano())
	k.sent.Add(1)
}

// place finds the person's number, which ends the conversation's ID, and whether
// one of its activities is meant.
func place(path string) (person int, activity bool) {
	before, after, found := strings.Cut(path, "/activities")
	at := len(before)
	for at > 0 && before[at-1] >= '0' && before[at-1] <= '9' {
		at--
	}
	person, _ = strconv.Atoi(before[at:])
	return person, found && len(after) > 1
}

// isActivity parses the whole body, as a server must.
func isActivity(body []byte) bool {
	var a struct {
		Type        string `json:"type"`
		Attachments []struct {
			ContentType string         `json:"contentType"`
			Content     jsontext.Value `json:"content"`
		} `json:"attachments"`
	}
	err := jsonv2.Unmarshal(body, &a) // a fifth of what encoding/json takes for it
	return err == nil && a.Type == "message" && len(a.Attachments) == 1 && len(a.Attachments[0].Content) > 2
}

// sinkProcess is the harness's side of the sink.
type sinkProcess struct {
	*child
	address string
}

func startSink(t testing.TB) *sinkProcess {
	t.Helper()
	c := spawn(t, "sink", nil)
	return &sinkProcess{c, c.hear()}
}

// serviceURL is where the product is told to send.
func (s *sinkProcess) serviceURL() string { return "http://" + s.address + "/teams" }

func (s *sinkProcess) reset(t testing.TB, to sinkSettings) {
	t.Helper()
	raw, _ := json.Marshal(to)
	r, err := http.Post("http://"+s.address+"/reset", "application/json", bytes.NewReader(raw))
	if err != nil || r.StatusCode != http.StatusOK {
		t.Fatalf("the sink is not reset: %v", err)
	}
	_ = r.Body.Close()
}

func (s *sinkProcess) seen(t testing.TB) sinkReport {
	t.Helper()
	r, err := http.Get("http://" + s.address + "/report")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	var got sinkReport
	if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
		t.Fatal(err)
	}
	return got
}

// all is the report of a send in which everybody got it, once. Anything else is
// no measurement.
func (s *sinkProcess) all(t testing.TB, people int) sinkReport {
	t.Helper()
	r := s.seen(t)
	if r.Sent != people || r.Repeats != 0 || r.Bad != 0 || r.Throttled != 0 || r.Created != 0 {
		t.Fatalf("of %d people not everybody got it exactly once: %+v", people, r)
	}
	if size := r.Bytes / int64(people); size < 3500 || size > 4700 {
		t.Fatalf("a message was %d bytes, about 4 KB are meant", size)
	}
	return r
}

// rate is messages per second from the first to the last.
func (r sinkReport) rate() float64 {
	return float64(r.Sent-1) / (float64(r.Last-r.First) / 1e9)
}

func TestSinkTellsEveryKindOfRequestApart(t *testing.T) {
	t.Parallel()
	k := newSink(sinkSettings{People: 9})
	const at = "/teams/v3/conversations"
	good := payload()
	for _, c := range []struct {
		method, path string
		bearer       bool
		body         []byte
		status       int
	}{
		{"POST", at + "/a:1x0000007/activities", true, good, 201},
		{"POST", at + "/a:1x0000007/activities", true, good, 201}, // a repeat
		{"POST", at, true, good, 201},
		{"PUT", at + "/a:1x0000007/activities/17", true, good, 200},
		{"DELETE", at + "/a:1x0000007/activities/17", true, nil, 200},
		{"POST", at + "/a:1x0000010/activities", true, good, 400},
		{"POST", at + "/a:1x0000007/activities", false, good, 400},
		{"POST", at + "/a:1x0000007/activities", true, good[:len(good)-1], 400},
		{"GET", at, true, good, 400},
	} {
		if status, said := k.answer(c.method, c.path, c.bearer, c.body); status != c.status {
			t.Errorf("%s %s: %d %s, want %d", c.method, c.path, status, said, c.status)
		}
	}
	want := sinkReport{Sent: 2, Repeats: 1, Bad: 4, Edited: 1, Deleted: 1, Created: 1, Bytes: 2 * int64(len(good))}
	got := k.report()
	if got.First == 0 || got.Last < got.First {
		t.Errorf("first %d, last %d", got.First, got.Last)
	}
	if got.First, got.Last = 0, 0; got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestNoSecondHoldsMoreThanTheLimit(t *testing.T) {
	t.Parallel()
	w := window{taken: make([]time.Time, 3)}
	now := time.Now()
	for i, c := range []struct {
		after, wait int // milliseconds
	}{{0, 0}, {400, 0}, {900, 0}, {999, 1}, {1000, 0}, {1001, 399}, {1400, 0}, {1401, 499}} {
		if wait := w.take(now.Add(time.Duration(c.after) * time.Millisecond)); wait != time.Duration(c.wait)*time.Millisecond {
			t.Errorf("%d: at %d ms it asks to wait for %v, want %d ms", i, c.after, wait, c.wait)
		}
	}
}
