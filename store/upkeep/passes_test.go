package upkeep_test

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/store"
	"github.com/fanfare/fanfare/store/storetest"
	"github.com/fanfare/fanfare/upkeep"
)

func TestAPassLooksAtEverybodyOnceAndEnds(t *testing.T) {
	t.Parallel()
	storetest.EachAt(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		having(t, st, clock, 7)
		storetest.Must(t, st.BotGone(ctx, storetest.ID(3), broadcast.InstallationBlocked)) // nothing of theirs is upkeep's business
		begun(t, st, "1.0.0")
		var seen []broadcast.EntraID
		for range 2 {
			c := taken(t, st, 3)
			for _, p := range c.People {
				seen = append(seen, p.EntraID)
			}
			if next := storetest.The(st.TakePeople(ctx, 3, time.Minute))(t); next != nil {
				t.Fatal("two hold people of one pass")
			}
			storetest.Must(t, st.RecordLooks(ctx, c, found(c, clock.Now(), upkeep.Verdict{Finding: upkeep.Fine})))
		}
		if want := []broadcast.EntraID{storetest.ID(1), storetest.ID(2), storetest.ID(4), storetest.ID(5), storetest.ID(6), storetest.ID(7)}; !slices.Equal(seen, want) {
			t.Fatalf("looked at %v", seen)
		}
		s := storetest.The(st.UpkeepStanding(ctx))(t)
		if p := s.Pass; p.State != upkeep.Done || p.Looked != 6 || p.Total != 6 || p.EndedAt.IsZero() || p.By != cora {
			t.Errorf("%+v", p)
		}
		if len(s.Found) != 1 || s.Found[0] != (upkeep.Count{Finding: upkeep.Fine, People: 6}) {
			t.Errorf("%+v", s.Found)
		}
		if v := storetest.The(st.Versions(ctx))(t); len(v) != 1 || v[0] != (upkeep.VersionCount{Version: "1.0.0", People: 6}) {
			t.Errorf("%+v", v)
		}
	})
}

// TestWhoeverDiesWithPeopleInHandLosesNobody: the lease runs out, another takes them
// over, and what the first one found comes too late.
func TestWhoeverDiesWithPeopleInHandLosesNobody(t *testing.T) {
	t.Parallel()
	storetest.EachAt(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		having(t, st, clock, 4)
		begun(t, st, "1.0.0")
		dead := taken(t, st, 2)
		if slices.Contains(storetest.The(st.Unfinished(ctx, 10))(t), broadcast.Work{Kind: broadcast.KindUpkeep}) {
			t.Error("what is in hand is handed out")
		}
		clock.Pass(time.Minute)
		if !slices.Contains(storetest.The(st.Unfinished(ctx, 10))(t), broadcast.Work{Kind: broadcast.KindUpkeep}) {
			t.Error("what nobody has is not handed out")
		}
		again := taken(t, st, 2)
		if !slices.Equal(again.People, dead.People) {
			t.Fatalf("%v was taken over from %v", again.People, dead.People)
		}
		if err := st.RecordLooks(ctx, dead, found(dead, clock.Now(), upkeep.Verdict{Finding: upkeep.Unknown})); !errors.Is(err, upkeep.ErrNotOurs) {
			t.Fatalf("the dead one stored: %v", err)
		}
		storetest.Must(t, st.RecordLooks(ctx, again, found(again, clock.Now(), upkeep.Verdict{Finding: upkeep.Fine})))
		rest := taken(t, st, 9)
		storetest.Must(t, st.RecordLooks(ctx, rest, found(rest, clock.Now(), upkeep.Verdict{Finding: upkeep.Fine})))
		if s := storetest.The(st.UpkeepStanding(ctx))(t); s.Pass.Looked != 4 || len(s.Found) != 1 || s.Found[0].People != 4 {
			t.Errorf("%+v %+v", s.Pass, s.Found)
		}
	})
}

// TestWhoWasReachedIsNotLookedAtAgain: a stop leaves holes; only they are filled.
func TestWhoWasReachedIsNotLookedAtAgain(t *testing.T) {
	t.Parallel()
	storetest.EachAt(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		having(t, st, clock, 4)
		begun(t, st, "1.0.0")
		c := taken(t, st, 4)
		r := found(c, clock.Now(), upkeep.Verdict{Finding: upkeep.Fine})
		r.Outcomes, r.Cursor, r.Done = slices.Delete(r.Outcomes, 1, 3), storetest.ID(1), false
		storetest.Must(t, st.RecordLooks(ctx, c, r))
		rest := taken(t, st, 4)
		if len(rest.People) != 2 || rest.People[0].EntraID != storetest.ID(2) || rest.People[1].EntraID != storetest.ID(3) || !rest.Last {
			t.Errorf("%+v", rest)
		}
	})
}

func TestOnePassIsLiveAtATime(t *testing.T) {
	t.Parallel()
	storetest.EachAt(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		having(t, st, clock, 1)
		var began, refused int
		var mu sync.Mutex
		var both sync.WaitGroup
		for range 4 {
			both.Go(func() {
				err := st.BeginPass(ctx, upkeep.Start{Cause: upkeep.Asked, By: cora})
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					began++
				case broadcast.IsCode(err, broadcast.Conflict):
					refused++
				default:
					t.Error(err)
				}
			})
		}
		both.Wait()
		if began != 1 || refused != 3 {
			t.Fatalf("%d began, %d were refused", began, refused)
		}
		running := []upkeep.State{upkeep.Running}
		clock.Pass(time.Second)
		storetest.Must(t, st.MovePass(ctx, running, upkeep.Paused, upkeep.Move{What: upkeep.MovePause, By: cora}))
		if c := storetest.The(st.TakePeople(ctx, 1, time.Minute))(t); c != nil {
			t.Error("a paused pass goes on")
		}
		if err := st.MovePass(ctx, running, upkeep.Paused, upkeep.Move{What: upkeep.MovePause, By: cora}); !broadcast.IsCode(err, broadcast.Conflict) {
			t.Errorf("paused twice: %v", err)
		}
		clock.Pass(time.Second)
		storetest.Must(t, st.MovePass(ctx, []upkeep.State{upkeep.Paused}, upkeep.Stopped, upkeep.Move{What: upkeep.MoveStop, By: cora}))
		clock.Pass(time.Second)
		begun(t, st, "2.0.0")
		if p := storetest.The(st.UpkeepStanding(ctx))(t).Pass; p.Number != 2 || p.State != upkeep.Running {
			t.Errorf("%+v", p)
		}
		moves := storetest.The(st.UpkeepMoves(ctx, 10))(t)
		if len(moves) != 4 || moves[0].What != upkeep.MoveUpgrade || moves[1].What != upkeep.MoveStop || moves[3].What != upkeep.MoveCheck || moves[0].By != cora {
			t.Errorf("%+v", moves)
		}
	})
}

// TestWhatAnEventSaidSinceStays: the person removed it between the look and its record.
func TestWhatAnEventSaidSinceStays(t *testing.T) {
	t.Parallel()
	storetest.EachAt(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		having(t, st, clock, 2)
		begun(t, st, "")
		c := taken(t, st, 2)
		storetest.Must(t, st.BotGone(ctx, storetest.ID(1), broadcast.InstallationRemoved))
		storetest.Must(t, st.RecordLooks(ctx, c, found(c, clock.Now(), upkeep.Verdict{Finding: upkeep.PutBack, To: broadcast.InstallationWanted, NotBefore: clock.Now().Add(time.Hour)})))
		if one, two := state(t, st, 1), state(t, st, 2); one.State != broadcast.InstallationRemoved || two.State != broadcast.InstallationWanted || !two.NotBefore.Equal(clock.Now().Add(time.Hour)) {
			t.Errorf("%+v, %+v", one, two)
		}
		if due := storetest.The(st.TakeInstallations(ctx, 10, time.Minute))(t); len(due) != 0 {
			t.Errorf("installed at once: %+v", due)
		}
		// And whose event was on its way is not installed for after all.
		storetest.Must(t, st.BotGone(ctx, storetest.ID(2), broadcast.InstallationRemoved))
		clock.Pass(2 * time.Hour)
		if due := storetest.The(st.TakeInstallations(ctx, 10, time.Minute))(t); len(due) != 0 {
			t.Errorf("installed against their will: %+v", due)
		}
	})
}

// TestWhatIsKnownOfAPersonIsTold: when the app was last there, whether they ever removed
// it, and since when nothing can have been missed.
func TestWhatIsKnownOfAPersonIsTold(t *testing.T) {
	t.Parallel()
	storetest.EachAt(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		first := clock.Now()
		having(t, st, clock, 2)
		storetest.Must(t, st.BotGone(ctx, storetest.ID(2), broadcast.InstallationRemoved))
		clock.Pass(10 * time.Second)
		storetest.Must(t, st.BotAdded(ctx, storetest.ID(2), storetest.Address(2)))
		back := clock.Now()
		storetest.Must(t, st.Listening(ctx))
		begun(t, st, "")
		c := taken(t, st, 2)
		if one, two := c.People[0], c.People[1]; !one.ThereAt.Equal(first) || one.Removed || !two.ThereAt.Equal(back) || !two.Removed {
			t.Errorf("%+v", c.People)
		}
		if !c.HearingSince.Equal(first) || !c.Repairs || !c.Last {
			t.Errorf("hearing since %v, want %v: %+v", c.HearingSince, first, c)
		}
		storetest.Must(t, st.RecordLooks(ctx, c, found(c, clock.Now(), upkeep.Verdict{Finding: upkeep.Fine})))
		looked := clock.Now()

		clock.Pass(10 * time.Minute) // nobody was there to hear
		storetest.Must(t, st.Listening(ctx))
		begun(t, st, "")
		if c := taken(t, st, 2); !c.HearingSince.Equal(clock.Now()) || !c.People[0].ThereAt.Equal(looked) {
			t.Errorf("%+v, want hearing since %v and there at %v", c, clock.Now(), looked)
		}
	})
}

// TestWhatLiesUnreadMayBeARemoval: an inbox that is behind makes nobody sure.
func TestWhatLiesUnreadMayBeARemoval(t *testing.T) {
	t.Parallel()
	storetest.EachAt(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		having(t, st, clock, 1)
		storetest.The(st.SaveActivity(ctx, broadcast.Inbound{ConversationID: "a:1", ActivityID: "1", Body: []byte("{}"), ReceivedAt: clock.Now()}))(t)
		hear(t, st, clock, time.Minute)
		begun(t, st, "")
		if c := taken(t, st, 1); !c.HearingSince.Equal(clock.Now()) {
			t.Errorf("hearing since %v, though something lies unread", c.HearingSince)
		}
	})
}

func TestVanishedAppsArePutBackWhenAnAdminSaysSo(t *testing.T) {
	t.Parallel()
	storetest.EachAt(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		having(t, st, clock, 3)
		storetest.Must(t, st.BotGone(ctx, storetest.ID(3), broadcast.InstallationRemoved))
		begun(t, st, "")
		c := taken(t, st, 2)
		storetest.Must(t, st.RecordLooks(ctx, c, found(c, clock.Now(), upkeep.Verdict{Finding: upkeep.Vanished, To: broadcast.InstallationRemoved, Reason: broadcast.ReasonVanished})))
		if s := storetest.The(st.UpkeepStanding(ctx))(t); s.Vanished != 2 {
			t.Fatalf("%+v", s)
		}
		if n := storetest.The(st.PutBackVanished(ctx, upkeep.Move{What: upkeep.MovePutBack, By: cora}))(t); n != 2 {
			t.Errorf("%d are put back", n)
		}
		if state(t, st, 1).State != broadcast.InstallationWanted || state(t, st, 3).State != broadcast.InstallationRemoved {
			t.Error("the wrong ones are put back")
		}
		if s := storetest.The(st.UpkeepStanding(ctx))(t); s.Vanished != 0 {
			t.Errorf("%+v", s)
		}
	})
}

func TestRepairsCanBeSwitchedOff(t *testing.T) {
	t.Parallel()
	storetest.EachAt(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		if !storetest.The(st.UpkeepStanding(ctx))(t).Repairs {
			t.Error("off from the beginning")
		}
		storetest.Must(t, st.SetRepairs(ctx, false, upkeep.Move{What: upkeep.MoveOff, By: cora}))
		having(t, st, clock, 1)
		storetest.Must(t, st.NoteCatalogue(ctx, "1.2.0", ""))
		storetest.Must(t, st.NoteCatalogue(ctx, "", "no answer"))
		if s := storetest.The(st.UpkeepStanding(ctx))(t); s.Repairs || s.Published != "1.2.0" || s.Target != "1.2.0" || s.Trouble != "no answer" || !s.AskedAt.Equal(clock.Now()) {
			t.Errorf("%+v", s)
		}
		begun(t, st, "")
		if taken(t, st, 1).Repairs {
			t.Error("on again")
		}
	})
}
