package simulator_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fanfare/fanfare/simulator"
)

func (s *stage) ask(path string, into any) {
	s.t.Helper()
	r := s.control("GET", path, nil)
	if err := json.Unmarshal([]byte(r.body), into); err != nil || r.status != 200 {
		s.t.Fatalf("%s: %d %v %s", path, r.status, err, r.body)
	}
}

// K rows 28 and 30, as a soak asks for them.
func TestCopiesAreCountedByPerson(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	message := named("news", "b")
	for n := 1; n <= 5; n++ {
		chat := url.PathEscape(s.chat(n))
		path := "/conversations/" + chat + "/activities"
		if n == 4 { // an ambiguous failure, tried again
			s.fail(simulator.Fault{Operation: "send", Status: 504, StoreFirst: true, Next: 1})
			s.connector("POST", path, message)
		}
		id := s.connector("POST", path, message).json(t)["id"].(string)
		switch n {
		case 2:
			s.connector("PUT", path+"/"+id, named("corrected", "edit"))
		case 3:
			s.connector("DELETE", path+"/"+id, nil)
		case 5:
			s.connector("POST", path, message) // a repeat without excuse
		}
	}
	var c simulator.Copies
	s.ask("/copies?broadcast=b", &c)
	if fmt.Sprint(c.Got) != "map[0:995 1:3 2:2]" || fmt.Sprint(c.Held) != "map[0:996 1:2 2:2]" || c.Unexcused != 1 ||
		!slices.Equal(c.Repeated, []string{simulator.EntraID(4), simulator.EntraID(5)}) {
		t.Errorf("%+v", c)
	}
	if s.ask("/copies?broadcast=b&limit=1", &c); len(c.Repeated) != 1 {
		t.Errorf("a bounded list: %v", c.Repeated)
	}
	var r simulator.Report
	s.ask("/report", &r)
	b, edit := r.ByBroadcast["b"], r.ByBroadcast["edit"]
	if b.Reached != 5 || b.Messages != 7 || b.Repeats != 2 || b.Repeated != 2 || b.Holding != 4 || b.HoldingTwice != 2 || b.Edited != 1 ||
		b.Unedited != 3 || b.Deleted != 1 || b.Unheard != 1 || b.Shown != 5 || edit.Shown != 1 || edit.Reached != 0 || b.LastStored == nil {
		t.Errorf("%+v, of the edit %+v", b, edit)
	}
	var four simulator.PersonCopies
	if s.ask("/copies?broadcast=b&person="+simulator.EntraID(4), &four); four.Got != 2 || four.Unheard != 1 {
		t.Errorf("one person: %+v", four)
	}
	var listed []simulator.PersonCopies
	for path := "/copies/people?broadcast=b&limit=2"; ; {
		var page struct {
			People []simulator.PersonCopies
			Next   *int
		}
		s.ask(path, &page)
		if listed = append(listed, page.People...); page.Next == nil {
			break
		}
		path = fmt.Sprintf("/copies/people?broadcast=b&limit=2&after=%d", *page.Next)
	}
	if !slices.Equal(listed, slices.Collect(s.sim.EachCopies("b"))) || len(listed) != 5 || listed[1].Edited != 1 || listed[2].Deleted != 1 {
		t.Errorf("%+v", listed)
	}
	for path, want := range map[string]int{"/copies": 400, "/copies?broadcast=b&person=me": 404} {
		if r := s.control("GET", path, nil); r.status != want {
			t.Errorf("%s: %d", path, r.status)
		}
	}
}

// K row 30: what the person sees of a correction and of a recall.
func TestAPersonSeesCorrectionsAndRecalls(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	chat := s.chat(1)
	path := "/conversations/" + url.PathEscape(chat) + "/activities/"
	id := s.send(chat, named("wrong", "b")).json(t)["id"].(string)
	s.connector("PUT", path+id, named("right", "b"))
	if m := s.messages(1)[0]; m["edited"] != true || m["deleted"] != false || m["summary"] != "right" || m["broadcast_id"] != "b" || m["id"] != id {
		t.Errorf("corrected: %v", m)
	}
	if r := s.connector("DELETE", path+id, nil); r.status != 200 || r.body != "" {
		t.Errorf("delete: %d %q", r.status, r.body)
	}
	if m := s.messages(1)[0]; m["deleted"] != true || m["summary"] != "" || len(m["cards"].([]any)) != 0 {
		t.Errorf("recalled: %v", m)
	}
	for _, method := range []string{"PUT", "DELETE"} {
		if r := s.connector(method, path+id, card("x")); r.status != 404 || r.code() != "ActivityNotFoundInConversation" {
			t.Errorf("%s of a recalled one: %d %s", method, r.status, r.body)
		}
	}
	s.act(1, "block", nil)
	if r := s.connector("DELETE", path+id, nil); r.status != 403 {
		t.Errorf("of somebody who blocks: %d", r.status)
	}
}

// TestOurCardsNameTheirBroadcast: without channelData, the ID in an action's
// data is the key, so that a story asks by the product's own ID.
func TestOurCardsNameTheirBroadcast(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	body := `{"type":"message","attachments":[{"contentType":"application/vnd.microsoft.card.adaptive","content":{"type":"AdaptiveCard",` +
		`"version":"1.5","body":[{"type":"ActionSet","actions":[{"type":"Action.Execute","data": { "broadcastId" : "0190-b" }}]}]}}]}`
	s.send(s.chat(1), json.RawMessage(body))
	if got := s.sim.Report().ByBroadcast["0190-b"].Reached; got != 1 {
		t.Errorf("%+v", s.sim.Report().ByBroadcast)
	}
}

func TestRatesTellEachSecond(t *testing.T) {
	t.Parallel()
	s, clock := timed(t, func(o *simulator.Options) { o.ConnectorRate = 4 })
	clock.at.Store(time.Unix(clock.now().Unix(), 0).UnixNano()) // the beginning of a second
	s.sim.SetDials(func(d *simulator.Dials) { d.ThreadLimits = false })
	s.install(1)
	chat := s.create(1).json(t)["id"].(string)
	s.sim.ResetReport()
	for i := range 3 {
		clock.move(2 * time.Second)
		for range 2 * (i + 1) {
			s.send(chat, named("x", fmt.Sprint("b", i/2)))
		}
	}
	s.sim.SetDials(func(d *simulator.Dials) { d.ClockOffsetMS = 3_600_000 }) // moves Microsoft's time, not the machine's
	var r simulator.Rates
	s.ask("/rates?seconds=6", &r)
	for name, c := range map[string]struct {
		got  []int
		want string
	}{
		"send": {r.Requests["send"], "[0 2 0 4 0 6]"}, "429": {r.Throttled["send"], "[0 0 0 0 0 2]"}, "stored": {r.Stored, "[0 2 0 4 0 4]"},
		"b0": {r.StoredByBroadcast["b0"], "[0 2 0 4 0 0]"}, "b1": {r.StoredByBroadcast["b1"], "[0 0 0 0 0 4]"},
	} {
		if fmt.Sprint(c.got) != c.want {
			t.Errorf("%s: %v, want %s", name, c.got, c.want)
		}
	}
	if !r.Now.Equal(clock.now()) || !r.From.Equal(clock.now().Add(-5*time.Second)) || len(r.Requests) != 1 {
		t.Errorf("%+v", r)
	}
	if b0 := s.sim.Report().ByBroadcast["b0"]; !b0.LastStored.Equal(clock.now().Add(-2*time.Second)) || !b0.FirstStored.Equal(clock.now().Add(-4*time.Second)) {
		t.Errorf("b0: %v to %v", b0.FirstStored, b0.LastStored)
	}
	if whole := s.control("GET", "/rates", nil); strings.Count(whole.body, ",") < 900 {
		t.Errorf("a quarter of an hour: %.100s", whole.body)
	}
	clock.move(20 * time.Minute)
	if r := s.sim.Rates(900); len(r.Requests)+len(r.StoredByBroadcast) != 0 {
		t.Errorf("twenty minutes later: %+v", r)
	}
}
