package graphinstall_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/graphinstall"
	"github.com/fanfare/fanfare/join"
	"github.com/fanfare/fanfare/simulator"
)

const newsroom = "60000000-0000-4000-8000-00000000000c"

// joined wants the app in the Newsroom's team and works until nothing is due.
func (s *stage) joined(rounds int) join.Team {
	s.t.Helper()
	ctx := s.t.Context()
	if err := s.st.WantTeam(ctx, broadcast.Group{ID: newsroom, Name: "Newsroom"}, broadcast.ActorRef{ID: person(3), Name: "Cora Admin"}); err != nil {
		s.t.Fatal(err)
	}
	w := s.crew()
	for range rounds {
		if err := w.Work(ctx, time.Minute); err != nil {
			s.t.Fatal(err)
		}
		s.pass(20 * time.Minute)
	}
	teams, err := s.st.JoinedTeams(ctx)
	if err != nil || len(teams) != 1 {
		s.t.Fatalf("%+v, %v", teams, err)
	}
	return teams[0]
}

func (s *stage) crew() *join.Worker {
	return &join.Worker{
		Wire:  graphinstall.Teams{Graph: s.options.Graph, Catalog: graphinstall.NewCatalog(s.options.Graph, simulator.DefaultManifestID, s.now)},
		Queue: s.st, Turn: open{&s.pauses}, Now: s.now, Log: slog.New(slog.DiscardHandler),
	}
}

// TestTheAppComesIntoATeam: with 201, and with 409 where it is already (protocol F.6).
func TestTheAppComesIntoATeam(t *testing.T) {
	t.Parallel()
	s := newStage(t, 1)
	for range 2 {
		if got := s.joined(1); got.State != join.Installed || got.Reason != "" {
			t.Fatalf("%+v", got)
		}
	}
	if n := s.requests("graph.installteam"); n != 2 {
		t.Errorf("%d requests", n)
	}
}

func TestATeamThatIsRefusedIsToldWhy(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault  simulator.Fault
		state  join.State
		reason broadcast.Reason
		rounds int
	}{
		"gone":        {simulator.Fault{Status: 404}, join.Refused, broadcast.ReasonNoTeams, 1},
		"policy":      {simulator.Fault{Status: 403, Code: "Forbidden", Message: "App is blocked by app permission policy."}, join.Refused, broadcast.ReasonPolicy, 1},
		"odd":         {simulator.Fault{Status: 400}, join.Refused, broadcast.ReasonInstallFailed, 1},
		"permission":  {simulator.Fault{Status: 403, Code: "Forbidden", Message: "Missing role permissions on the request."}, join.Wanted, broadcast.ReasonNoConsent, 3},
		"consent":     {simulator.Fault{Status: 412, Code: "PreconditionFailed", Message: "Failed to execute TeamsGraphService backend request IsUserAuthorizedToGrantGroupResourceSpecificPermissionsRequest."}, join.Wanted, broadcast.ReasonNoConsent, 1},
		"later":       {simulator.Fault{Status: 503, Next: 2}, join.Installed, "", 4},
		"never":       {simulator.Fault{Status: 503}, join.Refused, broadcast.ReasonInstallFailed, 10},
		"throttled":   {simulator.Fault{Status: 429, RetryAfter: 7, Next: 1}, join.Installed, "", 2},
		"credentials": {simulator.Fault{Status: 401, Next: 1}, join.Installed, "", 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, 1)
			c.fault.Operation = "graph.installteam"
			s.fail(c.fault)
			got := s.joined(c.rounds)
			if got.State != c.state || got.Reason != c.reason {
				t.Errorf("%+v, want %s %s", got, c.state, c.reason)
			}
			if c.reason != "" && (got.Words() == "" || got.Remedy() == "") {
				t.Errorf("nothing is said: %q, %q", got.Words(), got.Remedy())
			}
			if name == "throttled" && len(s.pauses.all()) != 1 {
				t.Errorf("pauses %v", s.pauses.all())
			}
		})
	}
}

// TestAnAppThatIsNotPublishedIsNoTeamsFault: a 404 is asked about first.
func TestAnAppThatIsNotPublishedIsNoTeamsFault(t *testing.T) {
	t.Parallel()
	s := newStage(t, 1)
	s.fail(simulator.Fault{Operation: "graph.installteam", Status: 404}, simulator.Fault{Operation: "graph.catalog", Status: 503, Skip: 1})
	if got := s.joined(1); got.State != join.Wanted {
		t.Errorf("%+v", got)
	}
}

func TestAStoppedWorkerGivesItsTeamBack(t *testing.T) {
	t.Parallel()
	s := newStage(t, 1)
	if err := s.st.WantTeam(t.Context(), broadcast.Group{ID: newsroom, Name: "Newsroom"}, broadcast.ActorRef{}); err != nil {
		t.Fatal(err)
	}
	w := s.crew()
	ctx, stop := context.WithCancel(t.Context())
	w.Turn = never{open{&s.pauses}, stop}
	if err := w.Work(ctx, time.Minute); err != nil {
		t.Error(err)
	}
	w.Turn = open{&s.pauses}
	if err := w.Work(t.Context(), time.Minute); err != nil {
		t.Fatal(err)
	}
	if teams, err := s.st.JoinedTeams(t.Context()); err != nil || teams[0].State != join.Installed {
		t.Errorf("%+v, %v", teams, err)
	}
}

// never gives no turn: the process is asked to stop first.
type never struct {
	open
	stop func()
}

func (n never) Wait(ctx context.Context) error {
	n.stop()
	return ctx.Err()
}
