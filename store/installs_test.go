package store_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	noun "github.com/fanfare/fanfare/broadcast/person"
	"github.com/fanfare/fanfare/store"
	"github.com/fanfare/fanfare/store/storetest"
)

// rollout starts one over people 1 to n.
func rollout(t *testing.T, st *store.Store, n int) {
	t.Helper()
	people(t, st, n)
	must(t, st.SetRollout(ctx, broadcast.RolloutIdle, broadcast.RolloutRunning, author, at(0)))
}

func TestAnInstallationIsTriedAgainWhenItIsDue(t *testing.T) {
	t.Parallel()
	storetest.EachAt(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		rollout(t, st, 1)
		one := the(st.TakeInstallations(ctx, 10, minute))(t)[0]
		if one.State != broadcast.InstallationWanted || one.Fence != 1 || one.NeedsChat {
			t.Fatalf("%+v", one)
		}
		if again := the(st.TakeInstallations(ctx, 10, minute))(t); len(again) != 0 {
			t.Fatalf("taken twice: %+v", again)
		}
		clock.Pass(2 * minute) // its worker died
		two := the(st.TakeInstallations(ctx, 10, minute))(t)[0]
		late := broadcast.InstallOutcome{EntraID: id(1), Fence: one.Fence, State: broadcast.InstallationRefused, At: clock.Now()}
		must(t, st.RecordInstallations(ctx, []broadcast.InstallOutcome{late}))
		later := broadcast.InstallOutcome{EntraID: id(1), Fence: two.Fence, State: broadcast.InstallationWanted, Reason: broadcast.ReasonTrouble, Detail: "503", Attempts: 1, NotBefore: clock.Now().Add(minute), At: clock.Now()}
		must(t, st.RecordInstallations(ctx, []broadcast.InstallOutcome{later}))
		if r := the(st.Rollout(ctx))(t); r.Wanted != 1 || r.Refused != 0 || r.Reasons[broadcast.ReasonTrouble] != 1 {
			t.Fatalf("the late outcome was believed: %+v", r)
		}
		if early := the(st.TakeInstallations(ctx, 10, minute))(t); len(early) != 0 {
			t.Fatalf("taken before it is due: %+v", early)
		}
		clock.Pass(minute)
		three := the(st.TakeInstallations(ctx, 10, minute))(t)
		if len(three) != 1 || three[0].Attempts != 1 || three[0].Detail != "503" {
			t.Fatalf("%+v", three)
		}
	})
}

// TestAnEventIsNeverSetBack: whatever a Graph call in hand says afterwards.
func TestAnEventIsNeverSetBack(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		rollout(t, st, 3)
		bid := resolved(t, st, everybody(1, 3))
		take := the(st.TakeInstallations(ctx, 10, minute))(t)
		must(t, st.BotAdded(ctx, id(1), address(1)))
		must(t, st.BotGone(ctx, id(2), broadcast.InstallationRemoved))
		must(t, st.BotGone(ctx, id(3), broadcast.InstallationBlocked))
		var out []broadcast.InstallOutcome
		for _, i := range take {
			for _, state := range []broadcast.InstallationState{broadcast.InstallationWanted, broadcast.InstallationRefused, broadcast.InstallationInstalled} {
				out = append(out, broadcast.InstallOutcome{EntraID: i.EntraID, Fence: i.Fence, State: state, Address: new(address(77)), At: time.Now()})
			}
		}
		for _, o := range out {
			must(t, st.RecordInstallations(ctx, []broadcast.InstallOutcome{o}))
		}
		if r := the(st.Rollout(ctx))(t); r.Installed != 1 || r.Removed != 1 || r.Blocked != 1 {
			t.Fatalf("%+v", r)
		}
		if got := the(st.Address(ctx, id(1)))(t); got != address(1) {
			t.Fatalf("%+v", got)
		}
		if y := honest(t, st, bid); y != (broadcast.Tally{Total: 3, Ready: 1, Skipped: 2}) {
			t.Fatalf("%+v", y)
		}
	})
}

func TestInstallOutcomesReachTheDeliveriesThatWait(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		bid := resolved(t, st, everybody(1, 2), everybody(3, 4))
		var handed []broadcast.Work
		st.HandOutAfterCommit(collect(&handed))
		take := the(st.TakeInstallations(ctx, 10, minute))(t)
		if len(take) != 4 {
			t.Fatalf("took %+v", take)
		}
		outcomes := map[broadcast.EntraID]broadcast.InstallOutcome{
			id(1): {State: broadcast.InstallationRefused, Reason: broadcast.ReasonPolicy, Detail: "no"},
			id(2): {State: broadcast.InstallationInstalled}, // without an address: the event will come
			id(3): {State: broadcast.InstallationInstalled, Address: new(address(3))},
			id(4): {State: broadcast.InstallationWanted, Reason: broadcast.ReasonTrouble, NotBefore: time.Now().Add(minute)},
		}
		var out []broadcast.InstallOutcome
		for _, i := range take {
			o := outcomes[i.EntraID]
			o.EntraID, o.Fence, o.At = i.EntraID, i.Fence, time.Now()
			out = append(out, o)
		}
		must(t, st.RecordInstallations(ctx, out))
		if d := delivery(t, st, bid, 1); d.State != broadcast.DeliverySkipped || d.Reason != broadcast.ReasonPolicy {
			t.Errorf("%+v", d)
		}
		if d := delivery(t, st, bid, 3); d.State != broadcast.DeliveryReady || d.Address != address(3) {
			t.Errorf("%+v", d)
		}
		if y := honest(t, st, bid); y != (broadcast.Tally{Total: 4, Pending: 2, Ready: 1, Skipped: 1}) {
			t.Errorf("%+v", y)
		}
		if want := []broadcast.Work{{Kind: broadcast.KindSend, BroadcastID: bid, Seat: 1, Priority: broadcast.PriorityNormal}}; !reflect.DeepEqual(handed, want) {
			t.Errorf("handed out %v, want %v", handed, want)
		}
		// Nobody has told the address of 2: their chat is to be read.
		chat := the(st.TakeInstallations(ctx, 10, minute))(t)
		if len(chat) != 1 || chat[0].EntraID != id(2) || !chat[0].NeedsChat || chat[0].State != broadcast.InstallationInstalled {
			t.Errorf("%+v", chat)
		}
	})
}

func TestTheRolloutsCountsAddUp(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		oneOfEach(t, st)
		must(t, st.BotAdded(ctx, "stranger", address(50))) // nobody the directory knows
		people(t, st, 9)                                   // and a newcomer
		r := the(st.Rollout(ctx))(t)
		want := broadcast.Rollout{
			State: broadcast.RolloutRunning, By: author, ChangedAt: at(0), People: 9, Eligible: 9,
			Installed: 3, Addressed: 2, Wanted: 1, Refused: 2, Removed: 1, Blocked: 1, Untouched: 1,
			Reasons: map[broadcast.Reason]int{broadcast.ReasonPolicy: 1}, Excluded: map[broadcast.Reason]int{},
		}
		if !reflect.DeepEqual(r, want) {
			t.Fatalf("%+v\nwant %+v", r, want)
		}
		must(t, st.SavePeople(ctx, []noun.Patch{{EntraID: id(5), Enabled: new(false)}}, nil))
		must(t, st.WantEveryone(ctx))
		r = the(st.Rollout(ctx))(t)
		if r.Untouched != 0 || r.Wanted != 2 || r.Eligible != 8 || r.Excluded[broadcast.ReasonDisabled] != 1 {
			t.Fatalf("%+v", r)
		}
		// Starting again wants the refused again.
		must(t, st.SetRollout(ctx, broadcast.RolloutRunning, broadcast.RolloutPaused, author, at(1)))
		must(t, st.SetRollout(ctx, broadcast.RolloutPaused, broadcast.RolloutRunning, author, at(2)))
		if r = the(st.Rollout(ctx))(t); r.Refused != 0 || r.Wanted != 4 {
			t.Fatalf("%+v", r)
		}
	})
}

func TestInstallationPages(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		oneOfEach(t, st)
		list := func(q broadcast.InstallQuery) (got []broadcast.EntraID) {
			for q.Limit = 2; ; {
				page := the(st.Installations(ctx, q))(t)
				for _, r := range page.Rows {
					got = append(got, r.EntraID)
				}
				if q.After = page.Next; q.After == "" {
					return got
				}
			}
		}
		for _, c := range []struct {
			q    broadcast.InstallQuery
			want []broadcast.EntraID
		}{
			{broadcast.InstallQuery{}, []broadcast.EntraID{id(1), id(2), id(3), id(4), id(5), id(6), id(7), id(8)}},
			{broadcast.InstallQuery{State: broadcast.InstallationInstalled}, []broadcast.EntraID{id(1), id(5), id(7)}},
			{broadcast.InstallQuery{Reason: broadcast.ReasonPolicy}, []broadcast.EntraID{id(6)}},
			{broadcast.InstallQuery{State: broadcast.InstallationRefused, Text: "8"}, []broadcast.EntraID{id(8)}},
			{broadcast.InstallQuery{Text: "nobody"}, nil},
		} {
			if got := list(c.q); !reflect.DeepEqual(got, c.want) {
				t.Errorf("%+v: %v, want %v", c.q, got, c.want)
			}
		}
		row := the(st.Installations(ctx, broadcast.InstallQuery{State: broadcast.InstallationRefused, Limit: 1}))(t).Rows[0]
		if row.Name != "Person 6" || row.UPN == "" || row.Reason != broadcast.ReasonPolicy || row.Detail != "Blocked by policy" || !row.UpdatedAt.Equal(at(1)) {
			t.Errorf("%+v", row)
		}
	})
}
