package graphinstall_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/graphinstall"
	"github.com/fanfare/fanfare/simulator"
)

// GORM never ends the goroutine of its statement cache.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("gorm.io/gorm/internal/lru.NewLRU[...].func1"))
}

func TestEverybodyWantedGetsTheApp(t *testing.T) {
	t.Parallel()
	s := newStage(t, 150)
	s.work(s.installer())
	if r := s.rollout(); r.Installed != 150 || r.Wanted != 0 || r.Refused != 0 {
		t.Errorf("rollout %+v", r)
	}
	if got := s.sim.Report(); got.Installed != 150 || got.Requests["graph.install"] != 150 || got.Requests["graph.catalog"] != 1 {
		t.Errorf("installed %d with %v", got.Installed, got.Requests)
	}
}

func TestWhoHasTheAppAlreadyIsReadAtOnce(t *testing.T) {
	t.Parallel()
	s := newStage(t, 3)
	s.luck(2, "preinstalled")
	s.work(s.installer())
	at, err := s.st.Address(t.Context(), person(2))
	want := "19:" + simulator.EntraID(2) + "_" + simulator.DefaultBotID + "@unq.gbl.spaces"
	if err != nil || at.ConversationID != want || at.ServiceURL != serviceURL {
		t.Errorf("address %+v, %v; want %s", at, err, want)
	}
	if row := s.row(2); row.State != broadcast.InstallationInstalled {
		t.Errorf("%+v", row)
	}
	if _, err := s.st.Address(t.Context(), person(1)); !broadcast.IsCode(err, broadcast.NotFound) {
		t.Errorf("%v: the chat of the others is not read before the grace for their event", err)
	}
}

func TestTheChatIsReadWhenNoEventComes(t *testing.T) {
	t.Parallel()
	s := newStage(t, 4)
	s.luck(2, "silent")
	i := s.installer()
	s.until(i, "everybody addressed", func() bool { return s.rollout().Addressed == 4 })
	if s.requests("graph.chat") != 4 || s.requests("graph.install") != 4 {
		t.Errorf("requests %v", s.sim.Report().Requests)
	}
}

func TestAnEventThatCameIsNotOverwritten(t *testing.T) {
	t.Parallel()
	s := newStage(t, 1)
	i := s.installer()
	s.work(i)
	s.pass(time.Hour)
	event := broadcast.ConversationReference{ServiceURL: "https://smba.example.test/emea/", ConversationID: "a:1", ChannelAccountID: "29:1"}
	if err := s.st.BotAdded(t.Context(), person(1), event); err != nil {
		t.Fatal(err)
	}
	s.work(i)
	if at, err := s.st.Address(t.Context(), person(1)); err != nil || at != event {
		t.Errorf("%+v, %v; want the event's", at, err)
	}
	if s.requests("graph.chat") != 0 {
		t.Error("the chat was read although the event had come")
	}
}

func TestTheChatIsAskedForAgain(t *testing.T) {
	t.Parallel()
	s := newStage(t, 1)
	s.fail(simulator.Fault{Operation: "graph.chat", Status: 404, Next: 1}, simulator.Fault{Operation: "graph.installed", Status: 502, Next: 1})
	i := s.installer()
	s.until(i, "an address", func() bool { return s.rollout().Addressed == 1 })
	if s.requests("graph.install") != 1 {
		t.Error("the app was installed anew")
	}
}

func TestAChatThatNeverComesEndsThePerson(t *testing.T) {
	t.Parallel()
	s := newStage(t, 1)
	s.options.MaxAttempts = 3
	s.fail(simulator.Fault{Operation: "graph.chat", Status: 404})
	i := s.installer()
	s.until(i, "an end", func() bool { return s.rollout().Refused == 1 })
	if row := s.row(1); row.Reason != broadcast.ReasonInstallFailed || s.requests("graph.chat") != 3 {
		t.Errorf("%+v after %d tries", row, s.requests("graph.chat"))
	}
}

func TestWhoIsRefusedByPolicyIsToldSo(t *testing.T) {
	t.Parallel()
	s := newStage(t, 3)
	s.luck(2, "refused")
	s.work(s.installer())
	row := s.row(2)
	if row.State != broadcast.InstallationRefused || row.Reason != broadcast.ReasonPolicy || !strings.Contains(row.Detail, "policy") {
		t.Errorf("%+v, want refused by policy", row)
	}
	if r := s.rollout(); r.Installed != 2 || r.Reasons[broadcast.ReasonPolicy] != 1 {
		t.Errorf("rollout %+v", r)
	}
}

func TestWhoHasNoTeamsIsToldSo(t *testing.T) {
	t.Parallel()
	s := newStage(t, 8)
	s.luck(5, "unlicensed") // odd: 404
	s.luck(6, "unlicensed") // even: 403
	s.work(s.installer())
	for n, want := range map[int]broadcast.Reason{5: broadcast.ReasonNoTeams, 6: broadcast.ReasonUnlicensed} {
		if row := s.row(n); row.State != broadcast.InstallationRefused || row.Reason != want {
			t.Errorf("person %d: %+v", n, row)
		}
	}
	if n := s.requests("graph.catalog"); n != 2 {
		t.Errorf("%d catalogue look-ups: before blaming a person for a 404 the catalogue is asked", n)
	}
}

func TestAnAppThatIsNotPublishedHaltsEverybody(t *testing.T) {
	t.Parallel()
	s := newStage(t, 40)
	s.options.ManifestID = "5eed0000-aaaa-4bbb-8ccc-00000000dead"
	i := s.installer()
	err := i.Work(t.Context(), time.Minute)
	if f := broadcast.AsFault(err); f.Reason != broadcast.ReasonNoCatalogApp || f.Scope != broadcast.ScopeService || !strings.Contains(f.Detail, s.options.ManifestID) {
		t.Errorf("err = %v, want what is missing", err)
	}
	r := s.rollout()
	if r.Wanted != 40 || r.Refused != 0 || r.Reasons[broadcast.ReasonNoCatalogApp] == 0 {
		t.Errorf("rollout %+v: nobody is refused for it", r)
	}
	if row := s.row(1); row.Attempts != 0 {
		t.Errorf("%+v: it counted as an attempt", row)
	}
	before := s.requests("graph.catalog")
	if err := i.Work(t.Context(), time.Minute); err != nil || s.requests("graph.catalog") != before {
		t.Errorf("%v: it did not rest", err)
	}
}

func TestNobodyIsBlamedWhileTheCatalogueCannotBeRead(t *testing.T) {
	t.Parallel()
	s := newStage(t, 2)
	i := s.installer()
	s.work(i)
	s.hire(3, 6)
	s.fail(simulator.Fault{Operation: "graph.install", Status: 404}, simulator.Fault{Operation: "graph.catalog", Status: 500})
	s.work(i)
	if r := s.rollout(); r.Refused != 0 || r.Wanted != 4 {
		t.Errorf("rollout %+v: people were blamed without asking the catalogue", r)
	}
	s.fail()
	s.pass(time.Minute)
	s.until(i, "everybody installed", func() bool { return s.rollout().Installed == 6 })
}

func TestAnswersThatConcernEverybodyHalt(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		fault  simulator.Fault
		reason broadcast.Reason
	}{
		{simulator.Fault{Operation: "graph.install", Status: 403, Code: "Forbidden", Message: "AAD App Id x is not allowed to manage the Teams App y."}, broadcast.ReasonMismatch},
		{simulator.Fault{Operation: "graph.install", Status: 403, Code: "Forbidden", Message: "Missing role permissions on the request."}, broadcast.ReasonNoConsent},
		{simulator.Fault{Operation: "graph.install", Status: 401, Code: "InvalidAuthenticationToken"}, broadcast.ReasonCredentials},
	} {
		s := newStage(t, 60)
		s.fail(tc.fault)
		err := s.installer().Work(t.Context(), time.Minute)
		if f := broadcast.AsFault(err); err == nil || f.Reason != tc.reason || f.Scope != broadcast.ScopeService {
			t.Errorf("%s: err = %v", tc.reason, err)
		}
		r := s.rollout()
		if r.Wanted != 60 || r.Refused != 0 || r.Reasons[tc.reason] == 0 {
			t.Errorf("%s: rollout %+v", tc.reason, r)
		}
		if n := s.requests("graph.install"); n > 2*s.options.Workers {
			t.Errorf("%s: %d requests after the first answer", tc.reason, n)
		}
	}
}

func TestASecretThatIsRefusedHalts(t *testing.T) {
	t.Parallel()
	s := newStage(t, 20)
	s.sim.SetDials(func(d *simulator.Dials) { d.ClientSecretRotated = true })
	err := s.installer().Work(t.Context(), time.Minute)
	if f := broadcast.AsFault(err); err == nil || f.Reason != broadcast.ReasonCredentials {
		t.Errorf("err = %v", err)
	}
	if r := s.rollout(); r.Wanted != 20 {
		t.Errorf("rollout %+v", r)
	}
}

func TestABadRequestIsTriedOnceMore(t *testing.T) {
	t.Parallel()
	s := newStage(t, 2)
	s.fail(
		simulator.Fault{Operation: "graph.install", Person: simulator.EntraID(1), Status: 400, Next: 1},
		simulator.Fault{Operation: "graph.install", Person: simulator.EntraID(2), Status: 400},
	)
	i := s.installer()
	s.until(i, "an end for both", func() bool { return s.rollout().Wanted == 0 })
	if row := s.row(1); row.State != broadcast.InstallationInstalled {
		t.Errorf("%+v, want installed at the second try", row)
	}
	if row := s.row(2); row.State != broadcast.InstallationRefused || row.Reason != broadcast.ReasonInstallFailed {
		t.Errorf("%+v, want refused after the second", row)
	}
	if n := s.requests("graph.install"); n != 4 {
		t.Errorf("%d requests, want two for each", n)
	}
}

func TestPassingTroubleIsTriedAgainUpToALimit(t *testing.T) {
	t.Parallel()
	s := newStage(t, 3)
	s.options.MaxAttempts = 4
	s.fail(
		simulator.Fault{Operation: "graph.install", Person: simulator.EntraID(1), Status: 502, Shape: "html", Next: 2},
		simulator.Fault{Operation: "graph.install", Person: simulator.EntraID(2), Shape: "reset", Next: 1},
		simulator.Fault{Operation: "graph.install", Person: simulator.EntraID(3), Status: 500},
	)
	i := s.installer()
	s.until(i, "an end for all", func() bool { return s.rollout().Wanted == 0 })
	if r := s.rollout(); r.Installed != 2 || r.Refused != 1 {
		t.Errorf("rollout %+v", r)
	}
	if row := s.row(3); row.Reason != broadcast.ReasonInstallFailed || row.Attempts != 4 {
		t.Errorf("%+v, want four attempts", row)
	}
}

func TestAnInstallThatArrivedThoughItFailedIsFound(t *testing.T) {
	t.Parallel()
	s := newStage(t, 1)
	s.fail(simulator.Fault{Operation: "graph.install", Status: 504, StoreFirst: true, Next: 1})
	i := s.installer()
	s.until(i, "an address", func() bool { return s.rollout().Addressed == 1 })
	if got := s.sim.Report(); got.Installed != 1 {
		t.Errorf("installed %d", got.Installed)
	}
}

func TestAnOutageCostsFewAttempts(t *testing.T) {
	t.Parallel()
	s := newStage(t, 300)
	s.fail(simulator.Fault{Operation: "graph.install", Status: 503})
	err := s.installer().Work(t.Context(), time.Minute)
	if f := broadcast.AsFault(err); err == nil || f.Status != 503 {
		t.Errorf("err = %v, want the outage", err)
	}
	if n := s.requests("graph.install"); n > 20+2*s.options.Workers {
		t.Errorf("%d requests before it rested", n)
	}
	if r := s.rollout(); r.Wanted != 300 {
		t.Errorf("rollout %+v", r)
	}
}

func TestThrottlingPausesEverybodyAndCountsForNobody(t *testing.T) {
	t.Parallel()
	s := newStage(t, 1)
	s.fail(simulator.Fault{Operation: "graph.install", Status: 429, RetryAfter: 7, Next: 1})
	i := s.installer()
	s.work(i)
	if got := s.pauses.all(); len(got) != 1 || got[0] != 7*time.Second {
		t.Errorf("pauses %v, want what Graph asked", got)
	}
	row := s.row(1)
	if row.State != broadcast.InstallationWanted || row.Attempts != 0 || row.Reason != broadcast.ReasonThrottled {
		t.Errorf("%+v, want wanted as before", row)
	}
	if wait := row.NotBefore.Sub(s.now()); wait < 5*time.Second || wait > 7*time.Second {
		t.Errorf("due in %v, want 7s", wait)
	}
}

func TestThrottlingWithoutAWordPausesLongerEachTime(t *testing.T) {
	t.Parallel()
	s := newStage(t, 1)
	s.fail(simulator.Fault{Operation: "graph.install", Status: 429, Next: 7})
	i := s.installer()
	s.until(i, "an install", func() bool { return s.rollout().Installed == 1 })
	want := []int{5, 10, 20, 40, 80, 120, 120}
	got := s.pauses.all()
	for n := range want {
		if len(got) != len(want) || got[n] != time.Duration(want[n])*time.Second {
			t.Fatalf("pauses %v, want %v seconds", got, want)
		}
	}
	if row := s.row(1); row.Attempts != 0 {
		t.Errorf("%+v", row)
	}
}

func TestOnePauseIsCountedOnce(t *testing.T) {
	t.Parallel()
	s := newStage(t, 30)
	s.fail(simulator.Fault{Operation: "graph.install", Status: 429})
	s.work(s.installer())
	for _, p := range s.pauses.all() {
		if p != 5*time.Second {
			t.Fatalf("pauses %v: thirty answers to one burst are one reason to wait", s.pauses.all())
		}
	}
}

func TestAStopLosesNobody(t *testing.T) {
	t.Parallel()
	s := newStage(t, 120)
	s.sim.SetDials(func(d *simulator.Dials) { d.GraphLatencyMS = 20 })
	ctx, stop := context.WithCancel(t.Context())
	s.options.Limiter = limiter(func() {
		if s.requests("graph.install") > 20 {
			stop()
		}
	})
	i := s.installer()
	if err := i.Work(ctx, time.Minute); err != nil {
		t.Fatal(err)
	}
	r, there := s.rollout(), s.sim.Report().Installed
	if r.Installed != there || r.Installed+r.Wanted != 120 || r.Wanted == 0 {
		t.Errorf("rollout %+v, %d in Teams: what was in hand was not written down", r, there)
	}
	s.options.Limiter = nil
	s.until(s.installer(), "everybody installed", func() bool { return s.rollout().Installed == 120 })
	if n := s.requests("graph.install"); n != 120 {
		t.Errorf("%d requests for 120 people", n)
	}
}

// limiter runs a function before each person.
type limiter func()

func (l limiter) Wait(ctx context.Context) error { l(); return ctx.Err() }

func TestWorkEndsInTime(t *testing.T) {
	t.Parallel()
	s := newStage(t, 50)
	s.options.Limiter = blocked{}
	if err := s.installer().Work(t.Context(), 50*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if r := s.rollout(); r.Wanted != 50 || s.requests("graph.install") != 0 {
		t.Errorf("rollout %+v", r)
	}
	s.options.Limiter = nil
	s.work(s.installer())
	if r := s.rollout(); r.Installed != 50 {
		t.Errorf("rollout %+v: those given back were not due at once", r)
	}
}

// blocked is an allowance that is used up.
type blocked struct{}

func (blocked) Wait(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }

func TestReplicasShareTheWork(t *testing.T) {
	t.Parallel()
	s := newStage(t, 200)
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() { s.work(s.installer()) })
	}
	both.Wait()
	if r := s.rollout(); r.Installed != 200 || s.requests("graph.install") != 200 {
		t.Errorf("rollout %+v with %d requests", r, s.requests("graph.install"))
	}
}

func TestOptionsAreChecked(t *testing.T) {
	t.Parallel()
	if _, err := graphinstall.New(graphinstall.Options{}); err == nil {
		t.Error("an installer without a client was made")
	}
}

func TestALedgerThatFailsIsReported(t *testing.T) {
	t.Parallel()
	s := newStage(t, 1)
	s.options.Queue = brokenQueue{}
	if err := s.installer().Work(t.Context(), time.Minute); !errors.Is(err, errBroken) {
		t.Errorf("err = %v", err)
	}
}

var errBroken = errors.New("no database")

type brokenQueue struct{}

func (brokenQueue) TakeInstallations(context.Context, int, time.Duration) ([]broadcast.Installation, error) {
	return nil, errBroken
}

func (brokenQueue) RecordInstallations(context.Context, []broadcast.InstallOutcome) error {
	return errBroken
}
