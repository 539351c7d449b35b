package store_test

import (
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	noun "github.com/fanfare/fanfare/broadcast/person"
	"github.com/fanfare/fanfare/store"
	"github.com/fanfare/fanfare/store/storetest"
)

// refused has Graph refuse the bot for people, and returns once that is stored.
func refused(t *testing.T, st *store.Store, clock *storetest.Clock, reason broadcast.Reason) {
	t.Helper()
	var out []broadcast.InstallOutcome
	for _, i := range the(st.TakeInstallations(ctx, 100, minute))(t) {
		out = append(out, broadcast.InstallOutcome{EntraID: i.EntraID, Fence: i.Fence, State: broadcast.InstallationRefused, Reason: reason, At: clock.Now()})
	}
	must(t, st.RecordInstallations(ctx, out))
}

// lateWorld is everyone: 1 has the bot, 2 was refused it, 3 removed and 4 blocked
// it. The broadcast is being sent, its list complete.
func lateWorld(t *testing.T, st *store.Store, clock *storetest.Clock, f func(b *broadcast.Broadcast)) broadcast.ID {
	t.Helper()
	people(t, st, 4)
	must(t, st.BotAdded(ctx, id(1), address(1)))
	must(t, st.BotGone(ctx, id(3), broadcast.InstallationRemoved))
	must(t, st.BotGone(ctx, id(4), broadcast.InstallationBlocked))
	clock.Pass(minute)
	bid := begun(t, st, func(b *broadcast.Broadcast) { b.StartedAt = clock.Now() })
	listEveryone(t, st, bid)
	refused(t, st, clock, broadcast.ReasonPolicy)
	change(t, st, bid, func(b *broadcast.Broadcast) {
		b.State, b.ListedAt = broadcast.Sending, clock.Now()
		if f != nil {
			f(b)
		}
	})
	clock.Pass(minute)
	return bid
}

// come has people 2 to 5 get the bot; 5 is new in the directory.
func come(t *testing.T, st *store.Store) {
	t.Helper()
	must(t, st.SavePeople(ctx, []noun.Patch{patch(5), patch(6)}, nil))
	for n := 2; n <= 5; n++ {
		must(t, st.BotAdded(ctx, id(n), address(n)))
	}
}

func TestWhoGetsTheAppLaterGetsTheMessage(t *testing.T) {
	t.Parallel()
	storetest.EachAt(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		bid := lateWorld(t, st, clock, nil)
		before := the(st.Broadcast(ctx, bid))(t)
		if n := the(st.JoinLate(ctx, bid, "", 2))(t); n != 0 {
			t.Fatalf("%d joined, and nobody came", n)
		}
		come(t, st)
		if n := the(st.JoinLate(ctx, bid, "", 2))(t); n != 3 {
			t.Fatalf("%d joined, want 2, 3 and 5", n)
		}
		for n, want := range map[int]broadcast.DeliveryState{1: "ready", 2: "ready", 3: "ready", 4: "skipped", 5: "ready"} {
			if d := delivery(t, st, bid, n); d.State != want {
				t.Errorf("person %d is %s, want %s", n, d.State, want)
			}
		}
		after := the(st.Broadcast(ctx, bid))(t)
		if after.LateCount != 1 || after.Revision != before.Revision {
			t.Errorf("late %d, revision %d after %d", after.LateCount, after.Revision, before.Revision)
		}
		if n := the(st.JoinLate(ctx, bid, "", 2))(t); n != 0 {
			t.Errorf("%d joined twice", n)
		}
		// A move that was prepared before does not forget who joined.
		next := *before
		next.State = broadcast.Paused
		if moved := the(st.Change(ctx, broadcast.Change{Before: before, After: &next}))(t); moved.LateCount != 1 {
			t.Errorf("late %d after a move", moved.LateCount)
		}
		change(t, st, bid, func(b *broadcast.Broadcast) { b.State = broadcast.Sending })
		seen := map[broadcast.EntraID]bool{}
		for chunk := 1; chunk <= 2; chunk++ {
			for _, d := range the(st.TakeNext(ctx, bid, minute, 0))(t).Deliveries {
				seen[d.EntraID] = true
			}
		}
		if len(seen) != 4 {
			t.Errorf("%d are sent to, want 4", len(seen))
		}
		if y := honest(t, st, bid); y != (broadcast.Tally{Total: 5, Ready: 4, Skipped: 1}) {
			t.Errorf("%+v", y)
		}
	})
}

func TestWhoCameBackLongAfterIsStillSeen(t *testing.T) {
	t.Parallel()
	storetest.EachAt(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		bid := lateWorld(t, st, clock, nil)
		for n := 2; n <= 3; n++ {
			must(t, st.BotAdded(ctx, id(n), address(n)))
			if joined := the(st.JoinLate(ctx, bid, "", 10))(t); joined != 1 {
				t.Fatalf("person %d: %d joined", n, joined)
			}
			clock.Pass(time.Hour)
		}
		// Somebody removes the bot while their message waits, and comes back.
		must(t, st.BotGone(ctx, id(2), broadcast.InstallationRemoved))
		clock.Pass(time.Hour)
		must(t, st.BotAdded(ctx, id(2), address(2)))
		if joined := the(st.JoinLate(ctx, bid, "", 10))(t); joined != 1 {
			t.Fatalf("%d joined, want 1", joined)
		}
		honest(t, st, bid)
	})
}

func TestWhenNobodyJoinsAnyMore(t *testing.T) {
	t.Parallel()
	storetest.EachAt(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		bid := lateWorld(t, st, clock, nil)
		come(t, st)
		until := func(d time.Duration) func(b *broadcast.Broadcast) {
			return func(b *broadcast.Broadcast) {
				b.State, b.Plan.Late, b.Plan.LateUntil = broadcast.Sent, broadcast.LateUntilDate, clock.Now().Add(d)
			}
		}
		was := *the(st.Broadcast(ctx, bid))(t)
		for name, f := range map[string]func(b *broadcast.Broadcast){
			"never":     func(b *broadcast.Broadcast) { b.Plan.Late = broadcast.LateNever },
			"sent":      func(b *broadcast.Broadcast) { b.State = broadcast.Sent },
			"too late":  until(0),
			"cancelled": func(b *broadcast.Broadcast) { b.State = broadcast.Cancelled },
			"recalled":  func(b *broadcast.Broadcast) { b.RecalledAt = clock.Now() },
			"expired":   func(b *broadcast.Broadcast) { b.Plan.ExpiresAt = clock.Now() },
			"listing":   func(b *broadcast.Broadcast) { b.ListedAt = time.Time{} },
			"an edit":   func(b *broadcast.Broadcast) { b.Kind, b.Target = broadcast.KindEdit, "x" },
		} {
			change(t, st, bid, f)
			if n := the(st.JoinLate(ctx, bid, "", 10))(t); n != 0 {
				t.Errorf("%s: %d joined", name, n)
			}
			change(t, st, bid, func(b *broadcast.Broadcast) {
				revision := b.Revision
				*b = was
				b.Revision = revision
			})
		}
		change(t, st, bid, until(minute))
		if n := the(st.JoinLate(ctx, bid, "", 10))(t); n != 3 {
			t.Errorf("%d joined after the end, want 3", n)
		}
		honest(t, st, bid)
	})
}

func TestMembersWhoGetTheAppLaterAreTakenIn(t *testing.T) {
	t.Parallel()
	storetest.EachAt(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		bid := lateWorld(t, st, clock, func(b *broadcast.Broadcast) {
			b.Audience = broadcast.InGroups(broadcast.Group{ID: "g", Name: "G"})
		})
		come(t, st)
		if n := the(st.JoinLate(ctx, bid, "", 10))(t); n != 2 {
			t.Fatalf("%d joined, want the two of the list: everyone is not meant", n)
		}
		gathered(t, st, "again", group("g"), everybody(1, 9)...)
		if n := the(st.JoinLate(ctx, bid, "again", 4))(t); n != 1 {
			t.Fatalf("%d joined, want person 5", n)
		}
		if n := the(st.JoinLate(ctx, bid, "again", 4))(t); n != 0 {
			t.Fatalf("%d joined twice", n)
		}
		if b := the(st.Broadcast(ctx, bid))(t); b.LateCount != 1 {
			t.Fatalf("late %d", b.LateCount)
		}
		honest(t, st, bid)
	})
}
