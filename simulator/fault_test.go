package simulator_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/fanfare/fanfare/simulator"
)

// watch is a machine's clock that a test moves.
type watch struct{ at atomic.Int64 }

func (w *watch) now() time.Time { return time.Unix(0, w.at.Load()) }

func (w *watch) move(by time.Duration) { w.at.Add(int64(by)) }

// timed is a stage on which only the test moves the time, also that of windows.
func timed(t *testing.T, change ...func(*simulator.Options)) (*stage, *watch) {
	t.Helper()
	w := &watch{}
	w.at.Store(time.Now().UnixNano())
	return newStage(t, append(change, func(o *simulator.Options) { o.Now = w.now })...), w
}

func (s *stage) fail(faults ...simulator.Fault) {
	s.t.Helper()
	raw, err := json.Marshal(map[string]any{"fail": faults})
	if err != nil {
		s.t.Fatal(err)
	}
	if r := s.control("POST", "/dials", raw); r.status != 200 {
		s.t.Fatalf("dials: %d %s", r.status, r.body)
	}
}

// named is a card of that broadcast.
func named(text, broadcast string) map[string]any {
	m := card(text)
	m["channelData"] = map[string]any{"broadcastId": broadcast}
	return m
}

// attempt is a send of which the error matters.
func (s *stage) attempt(ctx context.Context, chat, broadcast string) error {
	s.t.Helper()
	resp, err := s.begun(ctx, chat, broadcast)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	_, err = io.ReadAll(resp.Body)
	return err
}

// begun is a send whose answer has begun.
func (s *stage) begun(ctx context.Context, chat, broadcast string) (*http.Response, error) {
	s.t.Helper()
	raw, err := json.Marshal(named("x", broadcast))
	if err != nil {
		s.t.Fatal(err)
	}
	target := s.server.URL() + "/emea/" + simulator.DefaultTenantID + "/v3/conversations/" + url.PathEscape(chat) + "/activities"
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, strings.NewReader(string(raw)))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.token(botScope))
	req.Header.Set("Content-Type", "application/json")
	return s.client.Do(req)
}

// until waits for something that happens beside the test.
func (s *stage) until(what string, happened func() bool) {
	s.t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !happened() {
		select {
		case <-tick.C:
		case <-deadline:
			s.t.Fatalf("%s: it does not happen", what)
		}
	}
}

// K row 27.
func TestConnectionsAreTornInAllWays(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.sim.SetDials(func(d *simulator.Dials) { d.ThreadLimits = false })
	chat := s.chat(1)
	for shape, is := range map[string]func(error) bool{
		"reset": func(err error) bool { return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) },
		"close": func(err error) bool { return errors.Is(err, io.EOF) },
		"cut":   func(err error) bool { return errors.Is(err, io.ErrUnexpectedEOF) },
	} {
		for _, stored := range []bool{false, true} {
			s.fail(simulator.Fault{Operation: "send", Shape: shape, StoreFirst: stored, Next: 1})
			if err := s.attempt(t.Context(), chat, shape); err == nil || !is(err) {
				t.Errorf("%s: %v", shape, err)
			}
			if got := s.sim.CopiesOf(shape, simulator.EntraID(1)).Got; (got == 1) != stored {
				t.Errorf("%s, stored %v: %d copies", shape, stored, got)
			}
		}
	}
	s.until("six torn connections", func() bool { return s.sim.Report().Statuses["0"] == 6 }) // counted after the tear
}

// Whoever was refused must not read of a success, however little of the answer comes.
func TestACutAnswerBeginsWithTheTrueStatus(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.sim.SetDials(func(d *simulator.Dials) { d.ThreadLimits = false })
	chat := s.chat(1)
	for want, f := range map[int]simulator.Fault{
		http.StatusCreated:    {StoreFirst: true},
		http.StatusForbidden:  {StoreFirst: true, Name: "disabled"},
		http.StatusBadGateway: {},
	} {
		f.Operation, f.Shape = "send", "cut"
		s.sim.SetDials(func(d *simulator.Dials) { d.BotDisabledByAdmin = f.Name == "disabled" })
		s.fail(f)
		resp, err := s.begun(t.Context(), chat, "cut")
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%+v: status %d, want %d", f, resp.StatusCode, want)
		}
	}
}

// K rows 27 and 28: nothing ever comes, or the true answer comes too late.
func TestWhoGivesUpDoesNotKnow(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	chat := s.chat(1)
	for name, c := range map[string]struct {
		fault  simulator.Fault
		stored int32
	}{
		"hang":          {simulator.Fault{Shape: "hang"}, 0},
		"stored, hangs": {simulator.Fault{Shape: "hang", StoreFirst: true}, 1},
		"stored, late":  {simulator.Fault{StoreFirst: true, DelayMS: 60_000}, 1},
		"slow 503":      {simulator.Fault{Status: 503, DelayMS: 60_000, DelayUpToMS: 120_000}, 0},
	} {
		c.fault.Name, c.fault.Operation = name, "send"
		s.fail(c.fault)
		ctx, cancel := context.WithCancel(t.Context())
		hung := make(chan error, 1)
		go func() { hung <- s.attempt(ctx, chat, name) }()
		copies := func() simulator.PersonCopies { return s.sim.CopiesOf(name, simulator.EntraID(1)) }
		s.until(name, func() bool { return s.sim.Report().Struck[name] == 1 && copies().Got == c.stored })
		cancel()
		if err, got := <-hung, copies(); !errors.Is(err, context.Canceled) || got.Got != c.stored || got.Unheard != c.stored {
			t.Errorf("%s: %v, %+v", name, err, got)
		}
	}
	s.fail(simulator.Fault{Operation: "send", StoreFirst: true, DelayMS: 5})
	if r := s.send(chat, card("patience")); r.status != 201 || r.json(t)["id"] == "" {
		t.Errorf("whoever waits hears the true answer: %d %s", r.status, r.body)
	}
}

func TestClosingEndsWhatHangs(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	chat := s.chat(1)
	s.fail(simulator.Fault{Operation: "send", Shape: "hang"})
	done := make(chan error, 1)
	go func() { done <- s.attempt(t.Context(), chat, "b") }()
	s.until("the fault strikes", func() bool { return s.sim.Report().Struck["send hang"] == 1 })
	if err := s.sim.Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-done:
		if err == nil {
			t.Error("a hanging request was answered")
		}
	case <-time.After(patience):
		t.Fatal("it still hangs")
	}
}

func TestAFaultHasItsWindow(t *testing.T) {
	t.Parallel()
	s, clock := timed(t)
	s.sim.SetDials(func(d *simulator.Dials) { d.ThreadLimits = false })
	chat := s.chat(1)
	s.fail(simulator.Fault{Operation: "send", Status: 503, FromMS: 10_000, ForMS: 5_000})
	for _, c := range []struct {
		after time.Duration
		want  int
	}{{0, 201}, {9 * time.Second, 201}, {time.Second, 503}, {4 * time.Second, 503}, {time.Second, 201}, {10 * time.Minute, 201}} {
		clock.move(c.after)
		s.sim.SetDials(func(d *simulator.Dials) { d.LatencyMS ^= 1 }) // another dial does not begin it anew
		if s.send(chat, card("x")).status != c.want {
			t.Errorf("%v later: not %d", c.after, c.want)
		}
	}
	if got := s.sim.Report().Struck["send 503"]; got != 2 {
		t.Errorf("struck %d times", got)
	}
}

func TestAnOutageIsOfAllOperationsAndEnds(t *testing.T) {
	t.Parallel()
	s, clock := timed(t)
	chat := s.chat(1)
	outage := func(body string) map[string]any {
		t.Helper()
		r := s.control("POST", "/outage", []byte(body))
		if r.status != 200 {
			t.Fatalf("%d %s", r.status, r.body)
		}
		return r.json(t)
	}
	if f := outage(`{"for_ms":30000}`); f["operation"] != "connector.*" || f["status"] != 503.0 || f["name"] != "outage-1" {
		t.Errorf("the fault: %v", f)
	}
	asks := map[string]func() reply{
		"send":   func() reply { return s.send(chat, card("x")) },
		"create": func() reply { return s.create(1) },
		"member": func() reply {
			return s.connector("GET", "/conversations/"+url.PathEscape(chat)+"/members/"+simulator.EntraID(1), nil)
		},
	}
	for name, ask := range asks {
		if r := ask(); r.status != 503 || r.code() != "" {
			t.Errorf("%s: %d %s", name, r.status, r.body)
		}
	}
	if r := s.graph("GET", "/organization", nil); r.status != 200 {
		t.Errorf("Graph has no outage: %d", r.status)
	}
	clock.move(30 * time.Second)
	for name, ask := range asks {
		if r := ask(); r.status/100 != 2 {
			t.Errorf("%s after the outage: %d", name, r.status)
		}
	}
	outage(`{"operation":"graph.*","shape":"reset","for_ms":1000}`)
	if r := s.graph("GET", "/organization", nil); r.status != -1 || len(s.sim.Dials().Fail) != 1 {
		t.Errorf("Graph's outage: %d; what is over is taken off the dials: %v", r.status, s.sim.Dials().Fail)
	}
	if r := s.control("POST", "/outage", []byte(`{"end":true}`)); r.status != 204 || len(s.sim.Dials().Fail) != 0 {
		t.Errorf("the end: %d", r.status)
	}
	if r := s.control("POST", "/outage", []byte(`{"shape":"hang"}`)); r.status != 400 {
		t.Errorf("an outage without an end: %d", r.status)
	}
}

func TestAFaultStrikesWhomItNames(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.sim.SetDials(func(d *simulator.Dials) { d.ThreadLimits = false })
	var chats []string
	for n := 1; n <= 20; n++ {
		chats = append(chats, s.chat(n))
	}
	strike := func() (struck int) {
		for _, chat := range chats {
			if s.send(chat, card("x")).status != 201 {
				struck++
			}
		}
		return struck
	}
	s.fail(simulator.Fault{Operation: "send", Status: 500, FirstEach: 2})
	if a, b, c := strike(), strike(), strike(); a != 20 || b != 20 || c != 0 {
		t.Errorf("the first two of each: %d, %d, %d", a, b, c)
	}
	s.fail(simulator.Fault{Operation: "send", Status: 500, PeoplePerMille: 300})
	if a, b := strike(), strike(); a == 0 || a == 20 || a != b {
		t.Errorf("always the same people: %d, then %d", a, b)
	}
	s.fail(simulator.Fault{Name: "stale", Operation: "send", Region: "emea", Status: 404})
	amer := "/amer/" + simulator.DefaultTenantID + "/v3/conversations/" + url.PathEscape(chats[0]) + "/activities"
	if r := s.request("POST", amer, s.token(botScope), card("x")); strike() != 20 || r.status != 201 {
		t.Errorf("another region: %d", r.status)
	}
	if struck := s.sim.Report().Struck; struck["stale"] != 20 || struck["send 500"] == 0 {
		t.Errorf("struck: %v", struck)
	}
	s.sim.ResetReport()
	if struck := s.sim.Report().Struck; struck["stale"] != 0 || struck["send 500"] != 0 {
		t.Errorf("after a reset: %v", struck)
	}
}

// K row 27: what each status says by itself (protocol E.3).
func TestEveryStatusHasItsOwnWords(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.sim.SetDials(func(d *simulator.Dials) { d.ThreadLimits = false })
	chat := s.chat(1)
	for status, code := range map[int]string{
		400: "BadArgument", 401: "Unauthorized", 403: "BotNotInConversationRoster", 404: "ConversationNotFound", 412: "PreconditionFailed",
		413: "MessageSizeTooBig", 429: "Throttled", 500: "ServiceError", 502: "ServiceError", 503: "", 504: "",
	} {
		s.fail(simulator.Fault{Operation: "send", Status: status})
		if r := s.send(chat, card("x")); r.status != status || r.code() != code || r.header.Get("Retry-After") != "" {
			t.Errorf("%d: %d %s", status, r.status, r.body)
		}
		for shape, body := range map[string]string{"html": "<html>", "empty": ""} {
			s.fail(simulator.Fault{Operation: "send", Status: status, Shape: shape, RetryAfter: 9})
			r := s.send(chat, card("x"))
			if r.status != status || !strings.HasPrefix(r.body, body) || body == "" && r.body != "" || r.header.Get("Retry-After") != "9" {
				t.Errorf("%s %d: %d %q", shape, status, r.status, r.body)
			}
		}
	}
	s.fail(simulator.Fault{Operation: "graph.*", Status: 503, Code: "UnknownError", Message: "words"})
	if r := s.graph("GET", "/organization", nil); r.status != 503 || r.code() != "UnknownError" || !strings.Contains(r.body, "words") {
		t.Errorf("own words: %d %s", r.status, r.body)
	}
}

func TestFaultsThatCannotBeAreRefused(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	for body, says := range map[string]string{
		`{"fail":[{"status":500}]}`:                                                      "name the operation",
		`{"fail":[{"operation":"sned","status":500}]}`:                                   "no operation",
		`{"fail":[{"operation":"graph.instal","status":500}]}`:                           "no operation",
		`{"fail":[{"operation":"send","status":99}]}`:                                    "no HTTP status",
		`{"fail":[{"operation":"send","status":500,"shape":"jelly"}]}`:                   "no shape",
		`{"fail":[{"operation":"send","shape":"html"}]}`:                                 "needs a status",
		`{"fail":[{"operation":"send","status":500,"person":"nobody"}]}`:                 "no Entra ID",
		`{"fail":[{"operation":"send","status":500,"per_mille":1001}]}`:                  "per mille",
		`{"fail":[{"operation":"send","status":500,"for_ms":-1}]}`:                       "negative",
		`{"access_token":"old"}`:                                                         "access_token",
		`{"bot_token":"old"}`:                                                            "bot_token",
		`{"sign_in":"old"}`:                                                              "sign_in",
		`{"delta_expired_status":500}`:                                                   "delta_expired_status",
		`{"person":{"` + simulator.EntraID(1) + `":"chat_delayed"}}`:                     "misfortune",
		`{"fail":[{"operation":"send","status":500}],"person":{"nobody":"guest"}}`:       "no Entra ID",
		`{"fail":[{"operation":"connector.*","status":500,"operations":"connector.*"}]}`: "not dials",
	} {
		if r := s.control("POST", "/dials", []byte(body)); r.status != 400 || !strings.Contains(r.body, says) {
			t.Errorf("%s: %d %s", body, r.status, r.body)
		}
	}
	if len(s.sim.Dials().Fail) != 0 {
		t.Error("a mistake was turned")
	}
}
