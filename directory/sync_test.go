package directory_test

import (
	"context"
	"testing"

	"github.com/fanfare/fanfare/broadcast"
	noun "github.com/fanfare/fanfare/broadcast/person"
	"github.com/fanfare/fanfare/simulator"
)

func TestSyncReadsEverybody(t *testing.T) {
	t.Parallel()
	s := newStage(t, 1000)
	s.sim.SetDials(func(d *simulator.Dials) {
		d.Person = map[string]string{
			simulator.EntraID(1): "guest", simulator.EntraID(2): "disabled", simulator.EntraID(3): "unlicensed",
		}
	})
	s.sync()
	got := stored(t, s.st)
	if len(got) != 1000 {
		t.Errorf("%d people stored, want 1000", len(got))
	}
	for number, want := range map[int]broadcast.Reason{
		1: broadcast.ReasonGuest, 2: broadcast.ReasonDisabled, 3: broadcast.ReasonUnlicensed, 4: "",
	} {
		if reason, ok := got[person(number)]; !ok || reason != want {
			t.Errorf("person %d: %q %v, want %q", number, reason, ok, want)
		}
	}
	at, err := s.st.Cursor(t.Context())
	if err != nil || at.FinishedAt.IsZero() || at.Link == "" || at.Full {
		t.Errorf("cursor %+v, %v; want a finished round", at, err)
	}
	rollout, err := s.st.Rollout(t.Context())
	if err != nil || rollout.People() != 1000 || rollout.DirectoryAt.IsZero() {
		t.Errorf("rollout %+v, %v", rollout, err)
	}
}

func TestLaterRoundsPatchOnlyWhatChanged(t *testing.T) {
	t.Parallel()
	s := newStage(t, 50)
	s.sim.SetDials(func(d *simulator.Dials) {
		d.Person = map[string]string{simulator.EntraID(1): "guest", simulator.EntraID(2): "unlicensed"}
	})
	s.sync()
	before := s.pages()
	s.edit(1, map[string]any{"department": "Moved"})
	s.edit(2, map[string]any{"department": "Moved"})
	s.edit(3, map[string]any{"accountEnabled": false})
	s.edit(4, map[string]any{"deleted": "changed"})
	s.edit(5, map[string]any{"deleted": "deleted"})
	s.post("hire", map[string]any{"count": 3})
	s.sync()
	if n := s.pages() - before; n != 1 {
		t.Errorf("%d pages for a handful of changes", n)
	}
	got := stored(t, s.st)
	for number, want := range map[int]broadcast.Reason{
		1: broadcast.ReasonGuest, 2: broadcast.ReasonUnlicensed, 3: broadcast.ReasonDisabled, 6: "", 51: "", 53: "",
	} {
		if reason, ok := got[person(number)]; !ok || reason != want {
			t.Errorf("person %d: %q %v, want %q", number, reason, ok, want)
		}
	}
	for _, gone := range []int{4, 5} {
		if _, there := got[person(gone)]; there {
			t.Errorf("person %d was removed and is still there", gone)
		}
	}
	s.edit(4, map[string]any{"deleted": ""})
	s.sync()
	if _, there := stored(t, s.st)[person(4)]; !there {
		t.Error("somebody who was restored did not come back")
	}
}

func TestABrokenOffSyncGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	whole := newStage(t, 1000)
	whole.sync()
	s := newStage(t, 1000)
	s.fail(simulator.Fault{Operation: "graph.delta", Status: 400, Skip: 4, Next: 1})
	if err := s.Sync(t.Context()); err == nil {
		t.Fatal("no error")
	}
	at, err := s.st.Cursor(t.Context())
	if err != nil || at.Link == "" || !at.Full || !at.FinishedAt.IsZero() {
		t.Fatalf("cursor %+v, %v; want to stand in the middle of a full round", at, err)
	}
	s.sync()
	if s.pages() != whole.pages()+1 {
		t.Errorf("%d pages with a break, %d without: the break cost more than its own request", s.pages(), whole.pages())
	}
	if n := len(stored(t, s.st)); n != 1000 {
		t.Errorf("%d people, want 1000", n)
	}
}

func TestAForgottenLinkReadsEverythingAnew(t *testing.T) {
	t.Parallel()
	for _, f := range []simulator.Fault{
		{Operation: "graph.delta", Status: 410, Code: "syncStateNotFound", Next: 1},
		{Operation: "graph.delta", Status: 400, Code: "SyncStateInvalid", Next: 1},
	} {
		s := newStage(t, 400)
		s.sync()
		gone := broadcast.EntraID("99999999-0000-4000-8000-000000000001")
		name, yes := "Somebody Graph never mentions again", true
		if err := s.st.SavePeople(t.Context(), []noun.Patch{{EntraID: gone, Name: &name, Enabled: &yes}}, nil); err != nil {
			t.Fatal(err)
		}
		s.fail(f)
		s.sync()
		got := stored(t, s.st)
		if _, there := got[gone]; there || len(got) != 400 {
			t.Errorf("%s: %d people, want exactly the 400 the full read mentioned", f.Code, len(got))
		}
		at, err := s.st.Cursor(t.Context())
		if err != nil || at.Round < 2 || at.Full {
			t.Errorf("cursor %+v, %v", at, err)
		}
	}
}

func TestALinkThatIsAlwaysForgottenIsReported(t *testing.T) {
	t.Parallel()
	s := newStage(t, 50)
	s.sim.SetDials(func(d *simulator.Dials) { d.DeltaExpired = true })
	if err := s.Sync(t.Context()); err == nil {
		t.Error("no error")
	}
	if s.pages() > 6 {
		t.Errorf("%d pages: it goes round in circles", s.pages())
	}
}

func TestPassingTroubleIsWaitedOut(t *testing.T) {
	t.Parallel()
	for _, f := range []simulator.Fault{
		{Operation: "graph.delta", Status: 429, Next: 2},
		{Operation: "graph.delta", Status: 503, Shape: "html", Next: 2},
		{Operation: "graph.delta", Status: 502, Shape: "empty", Skip: 1, Next: 3},
	} {
		s := newStage(t, 300)
		s.fail(f)
		s.sync()
		if n := len(stored(t, s.st)); n != 300 {
			t.Errorf("%+v: %d people, want 300", f, n)
		}
	}
}

func TestPatienceEnds(t *testing.T) {
	t.Parallel()
	s := newStage(t, 50)
	s.fail(simulator.Fault{Operation: "graph.delta", Status: 503})
	if err := s.Sync(t.Context()); broadcast.AsFault(err).Status != 503 {
		t.Errorf("err = %v, want Graph's", err)
	}
	if s.pages() != 5 {
		t.Errorf("%d tries, want 5", s.pages())
	}
	s.fail(simulator.Fault{Operation: "graph.delta", Status: 429, RetryAfter: 3600})
	if err := s.Sync(t.Context()); broadcast.AsFault(err).Class != broadcast.Throttled {
		t.Errorf("err = %v: an hour is not waited for", err)
	}
}

func TestSyncEndsWithItsContext(t *testing.T) {
	t.Parallel()
	s := newStage(t, 50)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Sync(ctx); err == nil {
		t.Error("no error")
	}
}

func TestAPageThatLeadsNowhereIsAnError(t *testing.T) {
	t.Parallel()
	for name, answers := range map[string][]string{
		"no link":        {`{"value":[]}`},
		"the same again": {`{"value":[],"@odata.nextLink":"BASE/users/delta?$skiptoken=a"}`},
		"another host":   {`{"value":[],"@odata.nextLink":"https://graph.example.test/v1.0/users/delta?$skiptoken=a"}`},
		"no page":        {`[]`},
		"bad types":      {`{"value":[{"id":"a","accountEnabled":"yes"}],"@odata.deltaLink":"BASE/d"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, st := scripted(t, answers...)
			if err := d.Sync(t.Context()); err == nil {
				t.Error("no error")
			}
			if at, err := st.Cursor(t.Context()); err != nil || !at.FinishedAt.IsZero() {
				t.Errorf("cursor %+v, %v: the round counts as finished", at, err)
			}
		})
	}
}

func TestAPageWithRepeatsIsStored(t *testing.T) {
	t.Parallel()
	d, st := scripted(t,
		`{"value":[{"id":"0b1ec700-0001-4000-8000-00000000a11c","displayName":"Ada","accountEnabled":true},
		           {"id":"0b1ec700-0001-4000-8000-00000000a11c","displayName":"Ada","accountEnabled":false}],"@odata.nextLink":"BASE/users/delta?$skiptoken=a"}`,
		`{"value":[{"id":"0b1ec700-0001-4000-8000-00000000a11c","userType":"Guest"}],"@odata.nextLink":"BASE/users/delta?$skiptoken=b"}`,
		`{"value":[],"@odata.deltaLink":"BASE/users/delta?$deltatoken=c"}`)
	if err := d.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := stored(t, st); len(got) != 1 || got["0b1ec700-0001-4000-8000-00000000a11c"] != broadcast.ReasonDisabled {
		t.Errorf("stored %v, want one disabled person", got)
	}
}

// Protocol G.1: later rounds say only what changed; absent is not null.
func TestNullClearsAndAbsenceKeeps(t *testing.T) {
	t.Parallel()
	nobody := `{"value":[]}`
	d, st := scripted(t,
		`{"value":[{"id":"A","displayName":"Ada","userType":"Member","accountEnabled":true,"department":"Sales","city":"Berlin","usageLocation":"DE","jobTitle":"Director","preferredLanguage":"de-DE"},{"id":"B","displayName":"Ben","city":"Lisbon"}],"@odata.deltaLink":"BASE/users/delta?$deltatoken=1"}`,
		`{"value":[],"@odata.deltaLink":"BASE/users/delta?$deltatoken=2"}`, nobody,
		`{"value":[{"id":"A","department":null,"city":null},{"id":"B","jobTitle":"Pilot"},{"id":"A","city":"Porto"}],"@odata.deltaLink":"BASE/users/delta?$deltatoken=3"}`)
	for range 2 {
		if err := d.Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	ada, err := st.Person(t.Context(), "a")
	if err != nil || ada.Department != "" || ada.City != "Porto" || ada.UsageLocation != "DE" || ada.JobTitle != "Director" || ada.Language != "de-DE" || ada.Type != noun.Member || ada.Name != "Ada" {
		t.Errorf("%+v, %v", ada, err)
	}
	ben, err := st.Person(t.Context(), "b")
	if err != nil || ben.City != "Lisbon" || ben.JobTitle != "Pilot" || ben.Name != "Ben" {
		t.Errorf("%+v, %v", ben, err)
	}
}
