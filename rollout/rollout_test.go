package rollout_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/audience"
	"github.com/fanfare/fanfare/rollout"
	"github.com/fanfare/fanfare/store/storetest"
)

// TestWithoutRingsEverybodyIsWantedAtOnce: as it was before there were rings.
func TestWithoutRingsEverybodyIsWantedAtOnce(t *testing.T) {
	each(t, func(w *world) {
		w.no(w.Start(w.Context(), cora))
		r, err := w.Rollout(w.Context(), ada)
		w.no(err)
		if r.Wanted != 59 || r.Excluded[broadcast.ReasonGuest] != 1 || len(r.Rings) != 1 || r.Rings[0].State != rollout.Open || r.Rings[0].Counts.Wanted != 59 {
			w.Errorf("%+v", r)
		}
		w.install(2, 3, 4, 5, 6, 7, 8, 9, 10) // however many fail
		w.tick()
		w.tick()
		if r, err = w.Rollout(w.Context(), ada); err != nil || r.State != broadcast.RolloutRunning || r.Rings[0].State != rollout.Done || r.Refused != 9 {
			w.Errorf("%+v, %v", r, err)
		}
		w.no(w.Start(w.Context(), cora)) // "press Start to try again"
		if n := len(w.wanted()); n != 9 {
			w.Errorf("%d are tried again", n)
		}
	})
}

// TestRingsOpenInTheirOrder: by hand, one after the other, each person in the first
// ring that has them.
func TestRingsOpenInTheirOrder(t *testing.T) {
	each(t, func(w *world) {
		w.set(rollout.Ring{Name: "Pilot", Audience: group(pilots), MaxFailedPercent: 5}, rollout.Ring{Name: "Sales", Audience: group(sales), MaxFailedPercent: 5}, rollout.Ring{Name: "Marketing", Audience: marketing, MaxFailedPercent: 5})
		f, err := w.Forecast(w.Context(), cora)
		w.no(err)
		var eligible []int
		for _, r := range f.Rings {
			eligible = append(eligible, r.Counts.Eligible())
		}
		if !slices.Equal(eligible, []int{3, 9, 17, 30}) { // 3 is a pilot, 41 and 42 are in Sales, 60 is a guest
			w.Errorf("the rings have %v", eligible)
		}
		if err := w.advance("Sales"); !broadcast.IsCode(err, broadcast.Conflict) || !strings.Contains(err.Error(), "“Pilot” comes first") {
			w.Errorf("%v", err)
		}
		w.no(w.Start(w.Context(), cora))
		if got := w.wanted(); !slices.Equal(got, []broadcast.EntraID{id(1), id(2), id(3)}) {
			w.Errorf("wanted are %v", got)
		}
		w.no(w.advance("Sales"))
		if n := len(w.wanted()); n != 12 {
			w.Errorf("%d are wanted", n)
		}
		if err := w.advance("Sales"); !broadcast.IsCode(err, broadcast.Conflict) || !strings.Contains(err.Error(), "was opened meanwhile") {
			w.Errorf("%v", err)
		}
		w.install()
		w.no(w.advance("Marketing"))
		w.no(w.advance("Everyone"))
		w.install()
		r, err := w.Rollout(w.Context(), cora)
		w.no(err)
		eligible = nil
		for _, one := range r.Rings {
			eligible = append(eligible, one.Counts.Installed)
		}
		if !slices.Equal(eligible, []int{3, 9, 17, 30}) || r.Installed != 59 {
			w.Errorf("the rings have %v of %d", eligible, r.Installed)
		}
		page, err := w.Installations(w.Context(), cora, broadcast.InstallQuery{Ring: r.Rings[0].ID})
		if err != nil || len(page.Rows) != 3 {
			w.Errorf("%+v, %v", page, err)
		}
		page, err = w.Installations(w.Context(), cora, broadcast.InstallQuery{Ring: rollout.Last, Department: "Marketing"})
		if err != nil || len(page.Rows) != 0 {
			w.Errorf("%+v, %v", page, err)
		}
		by, err := w.By(w.Context(), ada, "department")
		if err != nil || len(by) != 2 || by[0].Installed+by[1].Installed != 59 {
			w.Errorf("%+v, %v", by, err)
		}
		if _, err := w.By(w.Context(), ada, "salary; DROP TABLE people"); !broadcast.IsCode(err, broadcast.Invalid) {
			w.Errorf("%v", err)
		}
	})
}

// TestTheNextRingOpensByItself: after nobody is left, too few failed, and it was watched.
func TestTheNextRingOpensByItself(t *testing.T) {
	each(t, func(w *world) {
		w.set(rollout.Ring{Name: "Sales", Audience: group(sales), MaxFailedPercent: 20, ByItself: true, Settle: time.Hour}, rollout.Ring{Name: "Marketing", Audience: marketing, MaxFailedPercent: 5})
		w.no(w.Start(w.Context(), cora))
		w.tick()
		w.install(4)
		w.tick()
		w.tick()
		if r := w.ring("Sales"); r.State != rollout.Open || r.QuietSince.IsZero() {
			w.Fatalf("%+v", r)
		}
		w.clock.Pass(50 * time.Minute)
		w.graph.Of[sales] = append(w.graph.Of[sales], 20) // somebody joins while it is watched
		w.no(w.Refresh(w.Context()))
		w.tick()
		w.install()
		if r := w.ring("Sales"); r.State != rollout.Open {
			w.Fatalf("%+v", r)
		}
		// The process ends and another one goes on.
		w.st = storetest.Open(w, w.dsn, w.clock.Now)
		w.Service = w.replica(w.st)
		w.clock.Pass(10 * time.Minute)
		w.tick()
		w.tick()
		if a, b := w.ring("Sales"), w.ring("Marketing"); a.State != rollout.Done || b.State != rollout.Open || b.Counts.Wanted != 17 {
			w.Fatalf("%+v %+v", a, b)
		}
		w.install()
		w.tick()
		w.tick()
		w.tick()
		if a, b := w.ring("Marketing"), w.ring("Everyone"); a.State != rollout.Done || b.State != rollout.Waiting {
			w.Errorf("the last one is opened by hand: %+v %+v", a, b)
		}
		moves, err := w.Moves(w.Context(), ada)
		w.no(err)
		var told []string
		for _, m := range moves {
			told = append(told, m.By.Name+" "+m.Words())
		}
		slices.Reverse(told)
		want := []string{
			"Cora Admin changed the rings: waiting are Sales, Marketing, Everyone", "Cora Admin opened the ring “Sales”", "Fanfare finished the ring “Sales”: 10 of 11 have the app.",
			"Fanfare opened the ring “Marketing”: “Sales” was done.", "Fanfare finished the ring “Marketing”: 17 of 17 have the app.",
		}
		if !slices.Equal(told, want) {
			w.Errorf("%q", told)
		}
	})
}

// TestTooManyFailuresPauseEverything, with a sentence why; and an admin lets it go on.
func TestTooManyFailuresPauseEverything(t *testing.T) {
	each(t, func(w *world) {
		some := audience.Audience{Include: broadcast.Everyone().Include, Exclude: marketing.Include}
		w.set(rollout.Ring{Name: "Most", Audience: some, MaxFailedPercent: 10, ByItself: true}, rollout.Ring{ID: rollout.Last, Name: "Everyone", MaxFailedPercent: 10})
		w.no(w.Start(w.Context(), cora))
		failing := []int{2, 3, 4, 5, 6}
		w.install(failing...)
		w.tick()
		r, err := w.Rollout(w.Context(), ada)
		w.no(err)
		const why = "In the ring “Most” 5 of 40 installations failed: 12 %, and 10 % are allowed. Most often: App blocked by policy. Allow the app"
		if r.State != broadcast.RolloutPaused || !strings.HasPrefix(r.Why, why) || r.By.Name != "Fanfare" || r.Rings[0].State != rollout.Held {
			w.Fatalf("%+v", r)
		}
		if err := w.advance("Everyone"); !broadcast.IsCode(err, broadcast.Conflict) {
			w.Errorf("%v: a held ring has to be looked at first", err)
		}
		w.tick() // nothing more happens by itself
		w.no(w.Start(w.Context(), cora))
		if r := w.ring("Most"); r.State != rollout.Open || r.Excused != 5 || r.Counts.Wanted != 5 {
			w.Fatalf("%+v", r)
		}
		w.install(failing...)
		w.tick()
		w.tick()
		w.tick()
		if a, b := w.ring("Most"), w.ring("Everyone"); a.State != rollout.Done || b.State != rollout.Open {
			w.Errorf("whoever let it go on with five failures is not asked again: %+v %+v", a, b)
		}
		w.install(41, 42, 43)
		w.tick()
		if r, err := w.Rollout(w.Context(), ada); err != nil || r.State != broadcast.RolloutRunning {
			w.Errorf("3 of 19 are too few to judge by: %+v, %v", r, err)
		}
	})
}

// TestThoseWhoRemoveItAreNoFailure: their will is shown and not held against the ring.
func TestThoseWhoRemoveItAreNoFailure(t *testing.T) {
	each(t, func(w *world) {
		w.set(rollout.Ring{Name: "Sales", Audience: group(sales), ByItself: true})
		w.no(w.Start(w.Context(), cora))
		w.install()
		for n := 4; n < 8; n++ {
			w.no(w.st.BotGone(w.Context(), id(n), broadcast.InstallationRemoved))
		}
		w.tick()
		w.tick()
		w.tick()
		if r := w.ring("Sales"); r.State != rollout.Done || r.Counts.Removed != 4 {
			w.Errorf("%+v", r)
		}
		if r := w.ring("Everyone"); r.State != rollout.Open {
			w.Errorf("%+v", r)
		}
	})
}

// TestARingThatCannotBeReadStaysShut: it fails closed, and says which part.
func TestARingThatCannotBeReadStaysShut(t *testing.T) {
	each(t, func(w *world) {
		both := audience.Of(audience.Part{Kind: audience.Group, ID: pilots}, audience.Part{Kind: audience.Group, ID: secret})
		w.set(rollout.Ring{Name: "Both", Audience: both}, rollout.Ring{Name: "Sales", Audience: group(sales)})
		err := w.Start(w.Context(), cora)
		if !broadcast.IsCode(err, broadcast.Conflict) || err.Error() != "The ring “Both” stays shut, because not all of its people can be read. The group “secret” hides its members." {
			w.Fatalf("%v", err)
		}
		if r, err := w.Rollout(w.Context(), ada); err != nil || r.State != broadcast.RolloutIdle || r.Wanted != 0 {
			w.Errorf("%+v, %v", r, err)
		}
		f, err := w.Forecast(w.Context(), cora)
		w.no(err)
		if f.Rings[0].Counted || f.Rings[1].Counted || f.Rings[2].Counted || f.Rings[0].Problem == "" {
			w.Errorf("%+v", f.Rings)
		}
		w.graph.Fails[secret] = errors.New("Graph is down")
		if err := w.Start(w.Context(), cora); err == nil || broadcast.AsError(err) != nil {
			w.Errorf("%v: passing trouble is for the log", err)
		}
		delete(w.graph.Fails, secret)
		w.no(w.Start(w.Context(), cora))
		// Later it cannot be read any more: newcomers wait, nobody else.
		w.graph.Of[pilots] = append(w.graph.Of[pilots], 20)
		w.graph.Fails[secret] = broadcast.Errorf(broadcast.Invalid, "The group “secret” hides its members.")
		w.clock.Pass(time.Minute)
		w.no(w.Refresh(w.Context()))
		if r := w.ring("Both"); r.Problem == "" || r.Counts.Wanted != 3 {
			w.Errorf("%+v", r)
		}
		delete(w.graph.Fails, secret)
		w.clock.Pass(time.Minute)
		w.no(w.Refresh(w.Context()))
		if r := w.ring("Both"); r.Problem != "" || r.Counts.Wanted != 4 {
			w.Errorf("%+v", r)
		}
	})
}

// TestNewJoinersAreWantedAfterOneSync: in a group, by what the directory says, and by
// being there; and whoever leaves a group stays in their ring.
func TestNewJoinersAreWantedAfterOneSync(t *testing.T) {
	each(t, func(w *world) {
		w.set(rollout.Ring{Name: "Sales", Audience: group(sales)}, rollout.Ring{Name: "Marketing", Audience: marketing})
		w.no(w.Start(w.Context(), cora))
		w.no(w.advance("Marketing"))
		w.install()
		w.graph.Of[sales] = []int{11, 41, 3}
		w.hire(61, 61)
		w.clock.Pass(time.Minute)
		w.no(w.Refresh(w.Context()))
		if got := w.wanted(); !slices.Equal(got, []broadcast.EntraID{id(11), id(61)}) {
			w.Errorf("wanted are %v", got)
		}
		if a, b := w.ring("Sales"), w.ring("Marketing"); a.Counts.Eligible() != 11 || b.Counts.Eligible() != 18 {
			w.Errorf("%d and %d", a.Counts.Eligible(), b.Counts.Eligible())
		}
		w.no(w.Pause(w.Context(), cora))
		w.hire(62, 62)
		w.clock.Pass(time.Minute)
		w.no(w.Refresh(w.Context()))
		if n := len(w.wanted()); n != 2 {
			w.Errorf("%d are wanted while it is paused", n)
		}
		w.no(w.Start(w.Context(), cora))
		w.clock.Pass(time.Minute)
		w.no(w.Refresh(w.Context()))
		if n := len(w.wanted()); n != 3 {
			w.Errorf("%d are wanted", n)
		}
	})
}

// TestOfTwoAdminsOneWins, whatever both press.
func TestOfTwoAdminsOneWins(t *testing.T) {
	each(t, func(w *world) {
		w.set(rollout.Ring{Name: "Sales", Audience: group(sales)})
		other := w.replica(storetest.Open(w, w.dsn, w.clock.Now))
		p, err := w.Plan(w.Context(), cora)
		w.no(err)
		both := func(f func(s *rollout.Service) error) {
			w.Helper()
			errs := make(chan error, 2)
			for _, s := range []*rollout.Service{w.Service, other} {
				go func() { errs <- f(s) }()
			}
			won := 0
			for range 2 {
				if err := <-errs; err == nil {
					won++
				} else if !broadcast.IsCode(err, broadcast.Conflict) {
					w.Error(err)
				}
			}
			if won != 1 {
				w.Errorf("%d won", won)
			}
		}
		both(func(s *rollout.Service) error { return s.Advance(w.Context(), cora, p.Rings[0].ID) })
		p, err = w.Plan(w.Context(), cora)
		w.no(err)
		both(func(s *rollout.Service) error {
			_, err := s.SetRings(w.Context(), cora, p.Revision, []rollout.Ring{{Name: "Marketing", Audience: marketing}})
			return err
		})
		if _, err := w.SetRings(w.Context(), cora, 0, nil); !broadcast.IsCode(err, broadcast.Conflict) {
			w.Errorf("%v", err)
		}
		// Both have read the plan before either moved: the ledger has the last word.
		p, err = w.Plan(w.Context(), cora)
		w.no(err)
		again := rollout.RingMove{Ring: p.Rings[1], From: p.State, Rule: rollout.Moves()[0], By: cora.ActorRef, At: w.clock.Now()}
		w.no(w.st.MoveRing(w.Context(), again))
		if err := w.st.MoveRing(w.Context(), again); !broadcast.IsCode(err, broadcast.Conflict) {
			w.Errorf("%v: it was opened twice", err)
		}
	})
}

// TestWhatRingsCannotBe is told field by field, and to those who may not at all.
func TestWhatRingsCannotBe(t *testing.T) {
	each(t, func(w *world) {
		bad := []rollout.Ring{
			{Name: " ", Audience: group(sales)},
			{Name: strings.Repeat("x", 61), Audience: group(sales)},
			{Name: "Everyone", Audience: group(sales)},
			{Name: "A", Audience: broadcast.Everyone()},
			{Name: "a ", Audience: group(sales)},
			{Name: "B"},
			{Name: "C", Audience: group(sales), MaxFailedPercent: 101},
			{Name: "D", Audience: group(sales), MaxFailedPercent: -1},
			{Name: "E", Audience: group(sales), Settle: -time.Second},
			{Name: "F", Audience: group(sales), Settle: 31 * 24 * time.Hour},
			{Name: "G", Audience: audience.Of(audience.Part{Kind: audience.Channel, ID: "19:ops@thread.tacv2"})},
		}
		_, err := w.SetRings(w.Context(), cora, 0, bad)
		var wrong broadcast.Problems
		if !errors.As(err, &wrong) {
			w.Fatal(err)
		}
		var fields []string
		for _, e := range wrong {
			fields = append(fields, e.Field)
		}
		slices.Sort(fields)
		want := []string{
			"rings.0.name", "rings.1.name", "rings.10.audience", "rings.2.name", "rings.3.audience", "rings.4.name", "rings.5.audience", "rings.6.max_failed_percent",
			"rings.7.max_failed_percent", "rings.8.settle_minutes", "rings.9.settle_minutes",
		}
		if !slices.Equal(fields, want) {
			w.Errorf("%v", fields)
		}
		for name, ring := range map[string]rollout.Ring{"gone": {Name: "X", Audience: group("d0000000-0000-4000-8000-000000000000")}, "nobody's": {ID: "x", Name: "X", Audience: group(sales)}} {
			if _, err := w.SetRings(w.Context(), cora, 0, []rollout.Ring{ring}); broadcast.AsError(err) == nil {
				w.Errorf("%s: %v", name, err)
			}
		}
		if _, err := w.SetRings(w.Context(), cora, 0, slices.Repeat([]rollout.Ring{{Name: "X", Audience: group(sales)}}, rollout.MaxRings+2)); broadcast.AsError(err) == nil {
			w.Error("any number of rings")
		}
		for what, err := range map[string]error{
			"set": second(w.SetRings(w.Context(), ada, 0, nil)), "start": w.Start(w.Context(), ada), "pause": w.Pause(w.Context(), ada), "advance": w.Advance(w.Context(), ada, rollout.Last),
			"see": second(w.Rollout(w.Context(), broadcast.Actor{})),
		} {
			if !broadcast.IsCode(err, broadcast.Forbidden) {
				w.Errorf("%s: %v", what, err)
			}
		}
		if err := w.Advance(w.Context(), cora, "nonsense"); !broadcast.IsCode(err, broadcast.NotFound) {
			w.Errorf("%v", err)
		}
		w.set(rollout.Ring{Name: "Sales", Audience: group(sales)})
		w.no(w.Start(w.Context(), cora))
		sales := w.ring("Sales")
		if _, err := w.SetRings(w.Context(), cora, 0, []rollout.Ring{sales}); !broadcast.IsCode(err, broadcast.Conflict) || !strings.Contains(err.Error(), "it stays as it is") {
			w.Errorf("%v", err)
		}
		w.no(w.advance("Everyone"))
		if _, err := w.SetRings(w.Context(), cora, 0, []rollout.Ring{{Name: "Late", Audience: marketing}}); !broadcast.IsCode(err, broadcast.Conflict) {
			w.Errorf("%v", err)
		}
	})
}

func second[T any](_ T, err error) error { return err }

// TestARingThatACrashLeftHalfFilledIsFilled by whoever sweeps next, and nobody is missed.
func TestARingThatACrashLeftHalfFilledIsFilled(t *testing.T) {
	each(t, func(w *world) {
		w.hire(61, 4_500)
		w.no(w.st.SetRings(w.Context(), 0, []rollout.Ring{{ID: "x", Name: "All but Sales", Audience: audience.Audience{Include: broadcast.Everyone().Include, Exclude: group(sales).Include}, State: rollout.Waiting, MaxFailedPercent: 100}}, cora.ActorRef, w.clock.Now()))
		p, err := w.Plan(w.Context(), cora)
		w.no(err)
		ring := p.Rings[0]
		gatherer := w.gatherer(w.st)
		w.no(gatherer.Gather(w.Context(), rollout.Owner(ring.ID), ring.Audience, 0))
		w.no(w.st.MoveRing(w.Context(), rollout.RingMove{Ring: ring, From: p.State, Rule: rollout.Moves()[0], By: cora.ActorRef, At: w.clock.Now()}))
		if more, err := w.st.FillRings(w.Context(), 0); err != nil || !more {
			w.Fatalf("%v, %v: one page does not fill it", more, err)
		}
		if r := w.ring("All but Sales"); r.Filled || r.Counts.Wanted == 0 || r.Counts.Wanted > 2_000 {
			w.Fatalf("%+v", r)
		}
		others := []*rollout.Service{w.replica(storetest.Open(w, w.dsn, w.clock.Now)), w.Service}
		errs := make(chan error, len(others))
		for _, s := range others {
			go func() { errs <- s.Tick(w.Context(), time.Minute) }()
		}
		for range others {
			w.no(<-errs)
		}
		if r := w.ring("All but Sales"); !r.Filled || r.Counts.Wanted != 4_499-10 {
			w.Errorf("%+v", r)
		}
	})
}
