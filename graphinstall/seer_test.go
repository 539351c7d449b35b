package graphinstall_test

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/graph"
	"github.com/fanfare/fanfare/graphinstall"
	"github.com/fanfare/fanfare/simulator"
	"github.com/fanfare/fanfare/upkeep"
)

// open is an allowance without a limit that remembers its pauses.
type open struct{ *pauses }

func (open) Wait(ctx context.Context) error                     { return ctx.Err() }
func (o open) Pause(ctx context.Context, d time.Duration) error { return o.note(ctx, d) }

func (s *stage) seer() graphinstall.Seer {
	return graphinstall.Seer{Graph: s.options.Graph, ManifestID: simulator.DefaultManifestID, Consent: []string{"ChatMessageReadReceipt.Read.Chat"}}
}

func (s *stage) keeper() *upkeep.Keeper {
	return &upkeep.Keeper{
		Wire: s.seer(), Ledger: s.st, Passes: s.st, Turn: open{&s.pauses}, Chunk: 7, Settle: time.Hour, Every: 7 * 24 * time.Hour, Now: s.now, Log: slog.New(slog.DiscardHandler),
	}
}

// rolledOut is a stage on which everybody has the app and an address, for two hours, in
// which Fanfare was there to hear.
func rolledOut(t *testing.T, people int) *stage {
	t.Helper()
	s := newStage(t, people)
	s.hear(0)
	i := s.installer()
	s.work(i)
	s.hear(time.Minute)
	s.work(i)
	s.hear(2 * time.Hour)
	if r := s.rollout(); r.Addressed != people {
		t.Fatalf("%+v", r)
	}
	return s
}

// hear lets time pass in which Fanfare is there to hear.
func (s *stage) hear(d time.Duration) {
	s.t.Helper()
	for passed := time.Duration(0); passed <= d; passed += 20 * time.Second {
		if err := s.st.Listening(s.t.Context()); err != nil {
			s.t.Fatal(err)
		}
		s.pass(20 * time.Second)
	}
}

// look begins a pass and works it off.
func (s *stage) look(upgrade bool) map[upkeep.Finding]int {
	s.t.Helper()
	if err := s.keeper().Work(s.t.Context(), time.Minute); err != nil { // reads the catalogue
		s.t.Fatal(err)
	}
	admin := broadcast.Actor{ActorRef: broadcast.ActorRef{ID: person(3), Name: "Cora Admin"}, Roles: []broadcast.Role{broadcast.RoleAdmin}}
	if err := upkeep.New(upkeep.Config{Ledger: s.st, Records: s.st}).Begin(s.t.Context(), admin, upgrade); err != nil {
		s.t.Fatal(err)
	}
	return s.looked(s.keeper())
}

// looked works the live pass off.
func (s *stage) looked(k *upkeep.Keeper) map[upkeep.Finding]int {
	s.t.Helper()
	for range 20 {
		if err := k.Work(s.t.Context(), time.Minute); err != nil {
			s.t.Fatal(err)
		}
		if now := s.upkeep(); now.Pass.State == upkeep.Done {
			out, sum := map[upkeep.Finding]int{}, 0
			for _, c := range now.Found {
				out[c.Finding] += c.People
				sum += c.People
			}
			if sum != now.Pass.Looked {
				s.t.Errorf("the findings %v do not add up to %d people", out, now.Pass.Looked)
			}
			return out
		}
		s.hear(10 * time.Minute)
	}
	s.t.Fatalf("the pass does not end: %+v", s.upkeep().Pass)
	return nil
}

func (s *stage) upkeep() upkeep.Standing {
	s.t.Helper()
	now, err := s.st.UpkeepStanding(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return now
}

func (s *stage) expect(got map[upkeep.Finding]int, want map[upkeep.Finding]int) {
	s.t.Helper()
	for _, f := range upkeep.Findings() {
		if got[f] != want[f] {
			s.t.Errorf("%s: %d people, want %d (%v)", f, got[f], want[f], got)
		}
	}
}

func (s *stage) publish(version string) {
	s.sim.SetDials(func(d *simulator.Dials) { d.PublishedVersion = version })
}

func TestOlderAppsAreUpgraded(t *testing.T) {
	t.Parallel()
	s := rolledOut(t, 20)
	s.publish("1.1.0")
	s.expect(s.look(false), map[upkeep.Finding]int{upkeep.Outdated: 20})
	if n := s.requests("graph.upgrade"); n != 0 {
		t.Errorf("%d upgrades by a pass that only looks", n)
	}
	s.hear(2 * time.Hour)
	s.expect(s.look(true), map[upkeep.Finding]int{upkeep.Upgraded: 20})
	s.hear(2 * time.Hour)
	s.expect(s.look(true), map[upkeep.Finding]int{upkeep.Fine: 20})
	versions, err := s.st.Versions(t.Context())
	if err != nil || len(versions) != 1 || versions[0] != (upkeep.VersionCount{Version: "1.1.0", People: 20}) {
		t.Errorf("%+v, %v", versions, err)
	}
}

// TestANewVersionIsUpgradedToByItself: what the catalogue says is asked every hour, and
// the first version ever seen is no news.
func TestANewVersionIsUpgradedToByItself(t *testing.T) {
	t.Parallel()
	s := rolledOut(t, 5)
	k := s.keeper()
	if err := k.Work(t.Context(), time.Minute); err != nil {
		t.Fatal(err)
	}
	if now := s.upkeep(); now.Pass != nil || now.Published != "1.0.0" {
		t.Fatalf("%+v", now)
	}
	s.publish("1.0.1")
	s.hear(time.Hour)
	s.expect(s.looked(k), map[upkeep.Finding]int{upkeep.Upgraded: 5})
	if p := s.upkeep().Pass; p.Cause != upkeep.Published || p.Version != "1.0.1" || p.By != broadcast.EngineActor.ActorRef {
		t.Errorf("%+v", p)
	}
	s.hear(2 * time.Hour)
	if err := k.Work(t.Context(), time.Minute); err != nil {
		t.Fatal(err)
	}
	if p := s.upkeep().Pass; p.Number != 1 {
		t.Errorf("another pass for the same version: %+v", p)
	}
	s.pass(7 * 24 * time.Hour)
	s.expect(s.looked(k), map[upkeep.Finding]int{upkeep.Fine: 5})
	if p := s.upkeep().Pass; p.Number != 2 || p.Cause != upkeep.Due {
		t.Errorf("%+v", p)
	}
}

// TestDriftIsMendedAndNobodysWillBroken is the story of a tenant in which much happened
// without a word: who lost the app to a policy gets it back, who removed it does not.
func TestDriftIsMendedAndNobodysWillBroken(t *testing.T) {
	t.Parallel()
	s := rolledOut(t, 12)
	ctx := t.Context()
	// 1: a policy took it. 2: removed it, and Teams told so. 3: removed it once, added it
	// again, and now it is gone without a word. 4: removed it, and added it again without a word.
	s.vanish(1, 2, 3)
	for _, n := range []int{2, 3, 4} {
		if err := s.st.BotGone(ctx, person(n), broadcast.InstallationRemoved); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.st.BotAdded(ctx, person(3), broadcast.ConversationReference{ServiceURL: serviceURL, ConversationID: "a:3"}); err != nil {
		t.Fatal(err)
	}
	s.hear(2 * time.Hour)
	s.expect(s.look(true), map[upkeep.Finding]int{upkeep.Fine: 9, upkeep.PutBack: 1, upkeep.Vanished: 1, upkeep.Found: 1})
	before := s.requests("graph.install")
	i := s.installer()
	s.work(i)
	if n := s.requests("graph.install") - before; n != 0 {
		t.Errorf("%d installed before an event on its way could come", n)
	}
	s.hear(2 * time.Hour)
	s.until(i, "an address for all who have it", func() bool { r := s.rollout(); return r.Installed == 10 && r.Addressed == 10 })
	if n := s.requests("graph.install") - before; n != 1 {
		t.Errorf("%d installed, want the one a policy took it from", n)
	}
	for n, want := range map[int]broadcast.InstallationState{1: broadcast.InstallationInstalled, 2: broadcast.InstallationRemoved, 3: broadcast.InstallationRemoved, 4: broadcast.InstallationInstalled} {
		if got := s.row(n).State; got != want {
			t.Errorf("person %d: %s, want %s", n, got, want)
		}
	}
}

// vanish takes the app from people without a word.
func (s *stage) vanish(numbers ...int) {
	s.t.Helper()
	for _, n := range numbers {
		if err := s.control("people/"+simulator.EntraID(n)+"/vanish", "{}"); err != nil {
			s.t.Fatal(err)
		}
	}
}

// TestAnAppThatVanishedWhileNobodyHeardIsLeftAlone: the event may have been the person's.
func TestAnAppThatVanishedWhileNobodyHeardIsLeftAlone(t *testing.T) {
	t.Parallel()
	s := rolledOut(t, 3)
	s.vanish(2)
	s.pass(time.Hour) // down
	s.hear(2 * time.Hour)
	s.expect(s.look(true), map[upkeep.Finding]int{upkeep.Fine: 2, upkeep.Vanished: 1})
	if row := s.row(2); row.State != broadcast.InstallationRemoved || row.Reason != broadcast.ReasonVanished {
		t.Errorf("%+v", row)
	}
	if now := s.upkeep(); now.Vanished != 1 {
		t.Errorf("%+v", now)
	}
}

// TestUpgradesThatAreRefusedAreToldApart: rows of graph/fault.go as upkeep meets them.
func TestUpgradesThatAreRefusedAreToldApart(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault simulator.Fault
		want  broadcast.Reason
		rests bool // for that reason, and all of it
	}{
		"policy":        {simulator.Fault{Status: 403, Code: "Forbidden", Message: "App is blocked by app permission policy."}, broadcast.ReasonPolicy, false},
		"not there":     {simulator.Fault{Status: 404}, broadcast.ReasonUnknownError, false},
		"consent":       {simulator.Fault{Status: 400, Code: "BadRequest", Message: "The required permissions have not been consented to."}, broadcast.ReasonUnknownError, false},
		"keeps failing": {simulator.Fault{Status: 502}, broadcast.ReasonTrouble, false},
		"passes":        {simulator.Fault{Status: 502, FirstEach: 2}, "", false},
		"throttled":     {simulator.Fault{Status: 429, RetryAfter: 3, FirstEach: 1}, "", false},
		"permission":    {simulator.Fault{Status: 403, Code: "Forbidden", Message: "Missing role permissions on the request."}, broadcast.ReasonNoConsent, true},
		"credentials":   {simulator.Fault{Status: 401, Code: "InvalidAuthenticationToken", Next: 1}, broadcast.ReasonCredentials, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := rolledOut(t, 3)
			s.publish("2.0.0")
			c.fault.Operation = "graph.upgrade"
			s.fail(c.fault)
			if c.rests {
				s.restsAndGoesOn(c.want)
				return
			}
			got := s.look(true)
			if c.want == "" {
				s.expect(got, map[upkeep.Finding]int{upkeep.Upgraded: 3})
				return
			}
			s.expect(got, map[upkeep.Finding]int{upkeep.NotUpgraded: 3})
			if found := s.upkeep().Found; len(found) != 1 || found[0].Reason != c.want {
				t.Errorf("%+v, want %s", found, c.want)
			}
		})
	}
}

// restsAndGoesOn sees a pass rest for a trouble that is everybody's, and go on when it is over.
func (s *stage) restsAndGoesOn(why broadcast.Reason) {
	s.t.Helper()
	k := s.keeper()
	if err := k.Work(s.t.Context(), time.Minute); err != nil {
		s.t.Fatal(err)
	}
	if err := s.st.BeginPass(s.t.Context(), upkeep.Start{Cause: upkeep.Asked, Upgrades: true, Version: "2.0.0"}); err != nil {
		s.t.Fatal(err)
	}
	if err := k.Work(s.t.Context(), time.Minute); err != nil {
		s.t.Fatal(err)
	}
	p := s.upkeep().Pass
	if p.State != upkeep.Running || !strings.HasPrefix(p.Problem, why.Words()) || p.RestTill.IsZero() || p.Looked > 2 {
		s.t.Fatalf("it does not rest: %+v", p)
	}
	s.fail()
	got := s.looked(k)
	s.expect(got, map[upkeep.Finding]int{upkeep.Upgraded: 3})
	if p := s.upkeep().Pass; p.Problem != "" {
		s.t.Errorf("%+v", p)
	}
}

// TestAnOutageMakesNobodyUnknownButAFew: it is Graph's trouble, and the pass rests.
func TestAnOutageMakesNobodyUnknownButAFew(t *testing.T) {
	t.Parallel()
	s := rolledOut(t, 60)
	s.fail(simulator.Fault{Operation: "graph.installed", Status: 503})
	k := s.keeper()
	k.Chunk = 60
	if err := s.st.BeginPass(t.Context(), upkeep.Start{Cause: upkeep.Asked}); err != nil {
		t.Fatal(err)
	}
	if err := k.Work(t.Context(), time.Minute); err != nil {
		t.Fatal(err)
	}
	p := s.upkeep().Pass
	if p.State != upkeep.Running || p.RestTill.IsZero() || p.Looked >= 10 {
		t.Fatalf("%+v", p)
	}
	s.fail()
	if got := s.looked(k); got[upkeep.Fine] < 50 || got[upkeep.Fine]+got[upkeep.Unknown] != 60 {
		t.Errorf("%v", got)
	}
}

// TestTwoKeepersShareAPass: each person is seen by one of them.
func TestTwoKeepersShareAPass(t *testing.T) {
	t.Parallel()
	s := rolledOut(t, 60)
	before := s.requests("graph.installed")
	if err := s.st.BeginPass(t.Context(), upkeep.Start{Cause: upkeep.Asked}); err != nil {
		t.Fatal(err)
	}
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() {
			for k := s.keeper(); s.upkeep().Pass.Live() && t.Context().Err() == nil; {
				if err := k.Work(t.Context(), time.Minute); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	both.Wait()
	if p := s.upkeep().Pass; p.Looked != 60 || s.requests("graph.installed")-before != 60 {
		t.Errorf("%+v with %d looks", p, s.requests("graph.installed")-before)
	}
}

// TestAStoppedKeeperWritesDownWhatItFound: the next one goes on behind it.
func TestAStoppedKeeperWritesDownWhatItFound(t *testing.T) {
	t.Parallel()
	s := rolledOut(t, 40)
	before := s.requests("graph.installed")
	if err := s.st.BeginPass(t.Context(), upkeep.Start{Cause: upkeep.Asked}); err != nil {
		t.Fatal(err)
	}
	k := s.keeper()
	k.Chunk = 40
	ctx, stop := context.WithCancel(t.Context())
	k.Turn = after{open{&s.pauses}, new(atomic.Int64), 10, stop}
	_ = k.Work(ctx, time.Minute)
	p := s.upkeep().Pass
	if !p.Live() || p.Looked == 0 || p.Looked > 20 {
		t.Fatalf("%+v", p)
	}
	s.looked(s.keeper())
	if p, n := s.upkeep().Pass, s.requests("graph.installed")-before; p.Looked != 40 || n > 60 {
		t.Errorf("%+v with %d looks", p, n)
	}
}

// after calls stop with the n-th turn.
type after struct {
	open
	turns *atomic.Int64
	n     int64
	stop  func()
}

func (a after) Wait(ctx context.Context) error {
	if a.turns.Add(1) == a.n {
		a.stop()
	}
	return a.open.Wait(ctx)
}

// TestALookGoesOverTheWireAsProtocolF4 checks odd answers of Graph.
func TestALookGoesOverTheWireAsProtocolF4(t *testing.T) {
	t.Parallel()
	s := newStage(t, 2)
	ctx := t.Context()
	seer := s.seer()
	if seen, err := seer.Look(ctx, person(1)); err != nil || seen.There {
		t.Errorf("%+v, %v", seen, err)
	}
	s.work(s.installer())
	seen, err := seer.Look(ctx, person(1))
	if err != nil || !seen.There || seen.Version != "1.0.0" || seen.Installation == "" {
		t.Errorf("%+v, %v", seen, err)
	}
	if err := seer.Upgrade(ctx, person(1), seen.Installation); err != nil {
		t.Error(err)
	}
	if err := seer.Upgrade(ctx, person(2), seen.Installation); graph.Status(err) != 404 {
		t.Errorf("somebody else's installation: %v", err)
	}
	if _, err := seer.Look(ctx, "00000000-0000-4000-8000-00000000dead"); graph.Status(err) != 404 {
		t.Errorf("somebody unknown: %v", err)
	}
	if v, err := seer.Published(ctx); err != nil || v != "1.0.0" {
		t.Errorf("%q, %v", v, err)
	}
	seer.ManifestID = "another"
	if v, err := seer.Published(ctx); err != nil || v != "" {
		t.Errorf("%q, %v", v, err)
	}
}
