package directory_test

import (
	"strings"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	noun "github.com/fanfare/fanfare/broadcast/person"
	"github.com/fanfare/fanfare/simulator"
)

// below is how many people are below somebody, as the ledger knows it.
func (s *stage) below(number int) int {
	s.t.Helper()
	n, err := s.st.CountBelow(s.t.Context(), person(number))
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

// again lets the next sync read who reports to whom, as if six hours had passed.
func (s *stage) again() {
	s.t.Helper()
	at, err := s.st.ManagerCursor(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	at.FinishedAt = at.FinishedAt.Add(-7 * time.Hour)
	if err := s.st.SaveManagers(s.t.Context(), nil, at); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stage) managerPages() int64 { return s.sim.Report().Requests["graph.users"] }

func TestSyncReadsWhoReportsToWhom(t *testing.T) {
	t.Parallel()
	s := newStage(t, 2500)
	s.sync()
	if n := s.below(1); n < 2400 {
		t.Errorf("%d people below the first, want nearly everybody", n)
	}
	if got := s.below(100); got != 8+64+512 && got < 8 {
		t.Errorf("%d people below number 100", got)
	}
	if n := s.managerPages(); n != 3 {
		t.Errorf("%d requests for 2,500 people's managers, want 3", n)
	}
	s.sync()
	if n := s.managerPages(); n != 3 {
		t.Errorf("%d requests: what is known for a moment is not read again", n)
	}
	s.edit(2, map[string]any{"manager": ""})
	s.edit(3, map[string]any{"manager": simulator.EntraID(2)})
	two, three := s.below(2), s.below(3)
	s.again()
	s.sync()
	if got := s.below(2); got != two+three+1 {
		t.Errorf("%d people below number 2, want %d more than %d", got, three+1, two)
	}
}

func TestReadingManagersGoesOnWhereItBrokeOff(t *testing.T) {
	t.Parallel()
	s := newStage(t, 3500)
	s.fail(simulator.Fault{Operation: "graph.users", Status: 403, Code: "Authorization_RequestDenied", Skip: 2, Next: 1})
	s.sync()
	at, err := s.st.ManagerCursor(t.Context())
	if err != nil || at.Link == "" || !at.FinishedAt.IsZero() {
		t.Fatalf("cursor %+v, %v; want to stand in the middle", at, err)
	}
	how, err := s.st.DirectorySync(t.Context())
	if err != nil || !strings.Contains(how.Problem, "not who reports to whom") || !strings.Contains(how.Problem, "User.Read.All") || how.FinishedAt.IsZero() {
		t.Errorf("%+v, %v; want a sentence, and a finished directory", how, err)
	}
	s.sync()
	if n := s.managerPages(); n != 5 {
		t.Errorf("%d requests, want 4 and the one that failed", n)
	}
	if how, err = s.st.DirectorySync(t.Context()); err != nil || how.Problem != "" || how.ManagersAt.IsZero() {
		t.Errorf("%+v, %v; want the problem forgotten", how, err)
	}
	if n := s.below(1); n < 3300 {
		t.Errorf("%d people below the first", n)
	}
}

func TestThrottledManagersAreWaitedFor(t *testing.T) {
	t.Parallel()
	for _, f := range []simulator.Fault{
		{Operation: "graph.users", Status: 429, Next: 2},
		{Operation: "graph.users", Status: 502, Shape: "empty", Skip: 1, Next: 2},
		{Operation: "graph.users", Status: 503, Shape: "html", Next: 1},
	} {
		s := newStage(t, 1500)
		s.fail(f)
		s.sync()
		if n := s.below(1); n < 1400 {
			t.Errorf("%+v: %d people below the first", f, n)
		}
	}
}

// A page token Graph has forgotten begins the read anew, once.
func TestAForgottenPageOfManagersBeginsAnew(t *testing.T) {
	t.Parallel()
	s := newStage(t, 2500)
	s.sync()
	if err := s.st.SaveManagers(t.Context(), nil, noun.ManagerCursor{Link: s.url + "/v1.0/users?$select=id&$expand=manager($select=id)&$skiptoken=nonsense"}); err != nil {
		t.Fatal(err)
	}
	s.sync()
	at, err := s.st.ManagerCursor(t.Context())
	if err != nil || at.Link != "" || at.FinishedAt.IsZero() {
		t.Errorf("cursor %+v, %v", at, err)
	}
}

func TestAManagerWhoCannotBeReadStays(t *testing.T) {
	t.Parallel()
	people := `{"value":[{"id":"A","displayName":"Ada","userType":"Member","accountEnabled":true},{"id":"b","displayName":"Ben"},{"id":"c","displayName":"Cleo"},{"id":"d","displayName":"Dora"}],"@odata.deltaLink":"BASE/users/delta?$deltatoken=1"}`
	changes := `{"value":[],"@odata.deltaLink":"BASE/users/delta?$deltatoken=2"}`
	d, st := scripted(t,
		people, changes, `{"value":[{"id":"a","manager":{"@odata.type":"#microsoft.graph.user","id":"B"}},{"id":"b"},{"id":"c","manager":{"id":"a"}},{"id":"d","manager":{"id":"a"}}]}`,
		// Later Ada's manager is not told, Cleo has none, and Dora is on no page at all.
		changes, `{"value":[{"id":"a","manager":{"@odata.type":"#microsoft.graph.user"}},{"id":"c","manager":null}]}`)
	if err := d.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	below := func() int {
		n, err := st.CountBelow(t.Context(), broadcast.EntraID("b"))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := below(); n != 3 {
		t.Fatalf("%d people below Ben, want Ada, Cleo and Dora", n)
	}
	if err := st.SaveManagers(t.Context(), nil, noun.ManagerCursor{}); err != nil {
		t.Fatal(err)
	}
	if err := d.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := below(); n != 2 {
		t.Errorf("%d people below Ben, want Ada and Dora", n)
	}
}

// Mistake 6 of the predecessor: people who could not be stored were passed by.
func TestTheCursorNeverMovesPastSomebodyWhoWasNotStored(t *testing.T) {
	t.Parallel()
	s := newStage(t, 600)
	frail := &frailLedger{Store: s.st, room: 2}
	d := s.with(frail)
	if err := d.Sync(t.Context()); err == nil {
		t.Fatal("no error")
	}
	at, err := s.st.Cursor(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	n := len(stored(t, s.st))
	if at.Link == "" || n == 0 || n >= 600 {
		t.Fatalf("cursor %+v with %d people stored", at, n)
	}
	how, err := s.st.DirectorySync(t.Context())
	if err != nil || !strings.Contains(how.Problem, "Fanfare or its database") || how.FailingSince.IsZero() {
		t.Errorf("%+v, %v; want it said", how, err)
	}
	since := how.FailingSince
	if err := d.Sync(t.Context()); err == nil {
		t.Fatal("no error")
	}
	if how, err = s.st.DirectorySync(t.Context()); err != nil || !how.FailingSince.Equal(since) || how.FailedAt.Before(since) {
		t.Errorf("%+v, %v; want it to have failed since %v", how, err, since)
	}
	frail.room = 1000
	if err := d.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := len(stored(t, s.st)); n != 600 {
		t.Errorf("%d people, want all 600", n)
	}
	if how, err = s.st.DirectorySync(t.Context()); err != nil || how.Problem != "" || !how.FailingSince.IsZero() {
		t.Errorf("%+v, %v; want the problem forgotten", how, err)
	}
}

func TestWhyASyncFailedIsSaidInASentence(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		fault simulator.Fault
		want  string
	}{
		{simulator.Fault{Operation: "graph.delta", Status: 401, Code: "InvalidAuthenticationToken"}, "credential"},
		{simulator.Fault{Operation: "graph.delta", Status: 403, Code: "Authorization_RequestDenied"}, "User.Read.All"},
		{simulator.Fault{Operation: "graph.delta", Status: 429, RetryAfter: 3600}, "slow down"},
		{simulator.Fault{Operation: "graph.delta", Status: 503}, "service health"},
		{simulator.Fault{Operation: "graph.delta", Status: 400, Code: "Nonsense"}, "status 400, Nonsense"},
		{simulator.Fault{Operation: "graph.delta", Status: 410, Code: "syncStateNotFound"}, "forgot again and again"},
		{simulator.Fault{Operation: "entra.token", Status: 401, Code: "invalid_client"}, "credential"},
	} {
		s := newStage(t, 20)
		s.fail(tc.fault)
		if err := s.Sync(t.Context()); err == nil {
			t.Errorf("%+v: no error", tc.fault)
		}
		if how, err := s.st.DirectorySync(t.Context()); err != nil || !strings.Contains(how.Problem, tc.want) {
			t.Errorf("%+v: %q, %v; want it to say %q", tc.fault, how.Problem, err, tc.want)
		}
	}
}
