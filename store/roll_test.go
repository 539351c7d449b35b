package store_test

import (
	"reflect"
	"testing"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/audience"
	noun "github.com/fanfare/fanfare/broadcast/person"
	"github.com/fanfare/fanfare/store"
	"github.com/fanfare/fanfare/store/storetest"
)

// oneOfEach stores people in every situation a recipient can be in and returns
// them as an audience.
func oneOfEach(t *testing.T, st *store.Store) []broadcast.Recipient {
	t.Helper()
	people(t, st, 8)
	must(t, st.SavePeople(ctx, []noun.Patch{{EntraID: id(5), Guest: new(true)}}, nil))
	must(t, st.BotAdded(ctx, id(1), address(1)))
	must(t, st.BotAdded(ctx, id(5), address(5)))
	must(t, st.BotGone(ctx, id(3), broadcast.InstallationRemoved))
	must(t, st.BotGone(ctx, id(4), broadcast.InstallationBlocked))
	must(t, st.SetRollout(ctx, broadcast.RolloutIdle, broadcast.RolloutRunning, author, at(0)))
	take := the(st.TakeInstallations(ctx, 100, minute))(t)
	var out []broadcast.InstallOutcome
	for _, i := range take {
		o := broadcast.InstallOutcome{EntraID: i.EntraID, Fence: i.Fence, State: broadcast.InstallationWanted, At: at(1)}
		switch i.EntraID {
		case id(6):
			o.State, o.Reason, o.Detail = broadcast.InstallationRefused, broadcast.ReasonPolicy, "Blocked by policy"
		case id(7):
			o.State = broadcast.InstallationInstalled // no address yet
		case id(8):
			o.State = broadcast.InstallationRefused // without a reason
		}
		out = append(out, o)
	}
	must(t, st.RecordInstallations(ctx, out))
	audience := everybody(1, 9) // 9 is nobody the directory knows
	audience[4].Excluded = broadcast.ReasonGuest
	return audience
}

var (
	startsAs = map[int]broadcast.DeliveryState{
		1: broadcast.DeliveryReady, 2: broadcast.DeliveryPending, 3: broadcast.DeliverySkipped, 4: broadcast.DeliverySkipped,
		5: broadcast.DeliverySkipped, 6: broadcast.DeliverySkipped, 7: broadcast.DeliveryPending, 8: broadcast.DeliverySkipped, 9: broadcast.DeliveryPending,
	}
	startsFor = map[int]broadcast.Reason{
		2: broadcast.ReasonNotInstalled, 7: broadcast.ReasonNotInstalled, 9: broadcast.ReasonNotInstalled,
		3: broadcast.ReasonRemoved, 4: broadcast.ReasonBlocked, 5: broadcast.ReasonGuest, 6: broadcast.ReasonPolicy, 8: broadcast.ReasonInstallFailed,
	}
)

func TestEveryDeliveryStartsWhereTheLedgerSays(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		bid := resolved(t, st, oneOfEach(t, st))
		for n, want := range startsAs {
			d := delivery(t, st, bid, n)
			if d.State != want || d.Reason != startsFor[n] || d.Chunk != 1 {
				t.Errorf("person %d starts %s (%s) in chunk %d, want %s (%s)", n, d.State, d.Reason, d.Chunk, want, startsFor[n])
			}
		}
		if d := delivery(t, st, bid, 6); d.Detail != "Blocked by policy" {
			t.Errorf("the detail of the refusal is lost: %+v", d)
		}
		honest(t, st, bid)
		wanted := the(st.Installations(ctx, broadcast.InstallQuery{State: broadcast.InstallationWanted, Limit: 10}))(t)
		var ids []broadcast.EntraID
		for _, r := range wanted.Rows {
			ids = append(ids, r.EntraID)
		}
		if want := []broadcast.EntraID{id(2), id(9)}; !reflect.DeepEqual(ids, want) {
			t.Errorf("wanted are %v, want %v: whom the broadcast waits for", ids, want)
		}
		counts := map[broadcast.Reason]int{}
		for _, c := range the(st.Reasons(ctx, bid))(t) {
			if waits := c.Reason == broadcast.ReasonNotInstalled; c.State != broadcast.DeliverySkipped && !waits || c.State != broadcast.DeliveryPending && waits {
				t.Errorf("%+v", c)
			}
			counts[c.Reason] = c.Count
		}
		if want := map[broadcast.Reason]int{"removed": 1, "blocked": 1, "guest": 1, "policy": 1, "install_failed": 1, "not_installed": 3}; !reflect.DeepEqual(counts, want) {
			t.Errorf("reasons %v, want %v", counts, want)
		}
	})
}

func TestTheHeadCountIsWhatTheListBecomes(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		everybody := oneOfEach(t, st)
		of := audience.Of(group("g"))
		gathered(t, st, "", group("g"), everybody...)
		want := broadcast.Reach{
			Total: 9, Ready: 1, Waiting: 2, Sample: []string{"Person 1", "Person 2", "Person 7"}, Got: []broadcast.Got{{People: 3}},
			Excluded: map[broadcast.Reason]int{"removed": 1, "blocked": 1, "guest": 1, "policy": 1, "install_failed": 1, "deleted": 1},
		}
		if got := the(st.Reach(ctx, of))(t); !reflect.DeepEqual(got, want) {
			t.Errorf("reach %+v, want %+v", got, want)
		}
		bid := begun(t, st, func(b *broadcast.Broadcast) { b.Audience = of })
		gathered(t, st, string(bid), group("g"), everybody...)
		if n := the(st.CountAudience(ctx, bid))(t); n != 9 {
			t.Errorf("%d people are expected", n)
		}
		listEveryone(t, st, bid)
		if y := honest(t, st, bid); y != (broadcast.Tally{Total: 9, Ready: 1, Pending: 2, Skipped: 6}) {
			t.Errorf("resolved to %+v", y)
		}
		want.Total = 8 // without the stranger
		delete(want.Excluded, "deleted")
		if got := the(st.Reach(ctx, broadcast.Everyone()))(t); !reflect.DeepEqual(got, want) {
			t.Errorf("reach of everyone %+v, want %+v", got, want)
		}
	})
}

func TestResolvingAgainDoublesNobody(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		b := draft(t, st)
		move(t, st, b.ID, broadcast.Resolving)
		page := append(everybody(1, 3), everybody(2, 4)...) // somebody twice in one page
		must(t, st.AddDeliveries(ctx, b.ID, page, 1))
		must(t, st.AddDeliveries(ctx, b.ID, page, 1))
		must(t, st.AddDeliveries(ctx, b.ID, everybody(3, 6), 1))
		must(t, st.AddDeliveries(ctx, b.ID, nil, 1))
		if y := honest(t, st, b.ID); y.Total != 6 {
			t.Fatalf("%d on the list, want 6", y.Total)
		}
		for n, chunk := range map[int]int{1: 1, 4: 1, 5: 2, 6: 2} {
			if d := delivery(t, st, b.ID, n); d.Chunk != chunk {
				t.Errorf("person %d is in chunk %d, want %d", n, d.Chunk, chunk)
			}
		}
	})
}

func TestAFrozenListTakesNobodyIn(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		bid := resolved(t, st, everybody(1, 2))
		for _, state := range []broadcast.State{broadcast.Sending, broadcast.Paused, broadcast.Cancelled} {
			move(t, st, bid, state)
			if err := st.AddDeliveries(ctx, bid, everybody(3, 4), 1); err == nil {
				t.Errorf("%s: somebody was added", state)
			}
			if err := st.DropDeliveries(ctx, bid); !broadcast.IsCode(err, broadcast.Conflict) {
				t.Errorf("%s: dropping gives %v, want a conflict", state, err)
			}
		}
		if y := honest(t, st, bid); y.Total != 2 {
			t.Fatalf("%+v", y)
		}
		if err := st.AddDeliveries(ctx, "none", everybody(1, 1), 1); err == nil {
			t.Fatal("added to a broadcast that is not there")
		}
	})
}

func TestAListIsDroppedOnlyBeforeItIsSentFrom(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		installed(t, st, 2)
		b := draft(t, st)
		move(t, st, b.ID, broadcast.Resolving)
		for n := 1; n <= 50; n += 2 { // more chunks than one transaction drops
			must(t, st.AddDeliveries(ctx, b.ID, everybody(n, n+1), 1))
		}
		other := resolved(t, st, everybody(1, 3))
		must(t, st.DropDeliveries(ctx, b.ID))
		if y := honest(t, st, other); y.Total != 3 {
			t.Fatalf("another's list was touched: %+v", y)
		}
		if y := honest(t, st, b.ID); y != (broadcast.Tally{}) {
			t.Fatalf("left over: %+v", y)
		}
		must(t, st.AddDeliveries(ctx, b.ID, everybody(1, 2), 1))
		move(t, st, b.ID, broadcast.Sending)
		c := the(st.TakeNext(ctx, b.ID, minute, 0))(t)
		must(t, st.RecordOutcomes(ctx, c, []broadcast.Outcome{sent(c.Deliveries[0])}))
		must(t, st.FinishChunk(ctx, c, nil))
		move(t, st, b.ID, broadcast.Failed)
		move(t, st, b.ID, broadcast.Resolving) // resumed
		must(t, st.DropDeliveries(ctx, b.ID))
		if y := honest(t, st, b.ID); y.Sent != 1 || y.Total != 2 {
			t.Fatalf("a list that was sent from is gone: %+v", y)
		}
	})
}
