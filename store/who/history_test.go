package who_test

import (
	"slices"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/person"
	"github.com/fanfare/fanfare/broadcast/who"
	"github.com/fanfare/fanfare/store"
	"github.com/fanfare/fanfare/store/storetest"
)

// TestTheHistoryTellsWhatBecameOfTheBot: one life, line by line; what only takes a
// lease or says the same again writes nothing.
func TestTheHistoryTellsWhatBecameOfTheBot(t *testing.T) {
	t.Parallel()
	storetest.EachAt(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		hire(t, st, 1, "Ada")
		try := func(o broadcast.InstallOutcome) {
			clock.Pass(time.Minute)
			got := the(st.TakeInstallations(ctx, 1, time.Second))(t)
			if len(got) != 1 {
				t.Fatalf("%d to install", len(got))
			}
			o.EntraID, o.Fence, o.At = id(1), got[0].Fence, clock.Now()
			must(t, st.RecordInstallations(ctx, []broadcast.InstallOutcome{o}))
		}
		must(t, st.SetRollout(ctx, broadcast.RolloutIdle, broadcast.RolloutRunning, admin.ActorRef, clock.Now()))
		try(broadcast.InstallOutcome{State: broadcast.InstallationWanted, Reason: broadcast.ReasonTrouble, Detail: "503", Attempts: 1})
		try(broadcast.InstallOutcome{State: broadcast.InstallationWanted, Reason: broadcast.ReasonTrouble, Detail: "502", Attempts: 2})
		try(broadcast.InstallOutcome{State: broadcast.InstallationRefused, Reason: broadcast.ReasonPolicy, Detail: "App is blocked", Attempts: 3})
		clock.Pass(time.Minute)
		must(t, st.SetRollout(ctx, broadcast.RolloutRunning, broadcast.RolloutRunning, admin.ActorRef, clock.Now()))
		try(broadcast.InstallOutcome{State: broadcast.InstallationInstalled, Attempts: 4})
		clock.Pass(time.Minute)
		must(t, st.BotAdded(ctx, id(1), address(1)))
		clock.Pass(time.Minute)
		must(t, st.BotAdded(ctx, id(1), address(1))) // Teams says it twice
		must(t, st.Seen(ctx, id(1), address(1)))
		clock.Pass(time.Minute)
		must(t, st.BotGone(ctx, id(1), broadcast.InstallationRemoved))
		clock.Pass(time.Minute)
		must(t, st.BotAdded(ctx, id(1), address(2)))
		clock.Pass(time.Minute)
		must(t, st.BotGone(ctx, id(1), broadcast.InstallationBlocked))
		want := []string{
			"wanted/", "wanted/service_trouble", "refused/policy", "wanted/policy", "installed/", "addressed/",
			"removed/", "installed/", "addressed/", "blocked/",
		}
		if got := events(t, st, 1); !slices.Equal(got, want) {
			t.Errorf("got  %v\nwant %v", got, want)
		}
		moves := story(t, st, 1).Moves
		if m := moves[7]; m.Detail != "App is blocked" || m.Words() != "Installing was refused" {
			t.Errorf("%+v", m)
		}
		for i := 1; i < len(moves); i++ {
			if moves[i].At.After(moves[i-1].At) {
				t.Errorf("line %d is newer than the one before", i)
			}
		}
	})
}

// TestWhoeverAListWantsHasAHistory: writing a list makes people wanted in one
// statement, and that has a line for each as well.
func TestWhoeverAListWantsHasAHistory(t *testing.T) {
	t.Parallel()
	storetest.EachAt(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		for n := 1; n <= 300; n++ {
			hire(t, st, n, "Somebody")
		}
		must(t, st.BotAdded(ctx, id(1), address(1)))
		sending(t, st, clock, "News", 1, 2, 300)
		for n, want := range map[int][]string{1: {"installed/", "addressed/"}, 2: {"wanted/"}, 3: nil, 300: {"wanted/"}} {
			if got := events(t, st, n); !slices.Equal(got, want) {
				t.Errorf("%d: %v, want %v", n, got, want)
			}
		}
		must(t, st.SetRollout(ctx, broadcast.RolloutIdle, broadcast.RolloutRunning, admin.ActorRef, clock.Now()))
		if got := events(t, st, 3); !slices.Equal(got, []string{"wanted/"}) {
			t.Errorf("after the rollout began: %v", got)
		}
	})
}

// A chat Teams does not know any more is forgotten, and learnt anew.
func TestAForgottenAddressIsInTheHistory(t *testing.T) {
	t.Parallel()
	storetest.EachAt(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		hire(t, st, 1, "Ada")
		must(t, st.BotAdded(ctx, id(1), address(1)))
		bid := sending(t, st, clock, "News", 1)
		c := the(st.TakeNext(ctx, bid, time.Minute, 0))(t)
		clock.Pass(time.Second)
		must(t, st.FinishChunk(ctx, c, []broadcast.Outcome{{
			DeliveryID: c.Deliveries[0].ID, EntraID: id(1), State: broadcast.DeliveryFailed, Reason: broadcast.ReasonGone,
			Status: 404, Code: "ConversationNotFound", Attempts: 2, Forget: true, At: clock.Now(),
		}}))
		if got := events(t, st, 1); !slices.Equal(got, []string{"installed/", "addressed/", "forgotten/"}) {
			t.Errorf("%v", got)
		}
	})
}

func TestTheHistoryOfAYearAgoIsForgotten(t *testing.T) {
	t.Parallel()
	storetest.EachAt(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		must(t, st.BotAdded(ctx, id(1), address(1)))
		clock.Pass(200 * 24 * time.Hour)
		must(t, st.BotGone(ctx, id(1), broadcast.InstallationRemoved))
		must(t, st.Clean(ctx))
		if got := events(t, st, 1); len(got) != 3 {
			t.Errorf("after 200 days: %v", got)
		}
		clock.Pass(170 * 24 * time.Hour)
		must(t, st.Clean(ctx))
		if got := events(t, st, 1); !slices.Equal(got, []string{"removed/"}) {
			t.Errorf("after 370 days: %v", got)
		}
	})
}

func TestEveryBroadcastTheyWereOnIsListed(t *testing.T) {
	t.Parallel()
	storetest.EachAt(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		hire(t, st, 1, "Ada")
		hire(t, st, 2, "Ben")
		must(t, st.BotAdded(ctx, id(1), address(1)))
		first := sending(t, st, clock, "First", 1, 2)
		sending(t, st, clock, "Not for Ada", 2)
		must(t, st.SavePeople(ctx, []person.Patch{{EntraID: id(1), Licensed: new(false)}}, nil))
		sending(t, st, clock, "Third", 1)
		clock.Pass(time.Hour)
		hire(t, st, 3, "Cleo")

		page := the(st.Receipts(ctx, who.ReceiptQuery{Person: id(1), Limit: 10}))(t)
		if len(page.Receipts) != 2 || page.Next != "" {
			t.Fatalf("%+v", page)
		}
		third, one := page.Receipts[0], page.Receipts[1]
		if third.Title != "Third" || third.State != broadcast.DeliverySkipped || third.Reason != broadcast.ReasonUnlicensed || third.Delivery == 0 {
			t.Errorf("%+v", third)
		}
		if one.Title != "First" || one.ID != first || one.State != broadcast.DeliveryReady || one.Of != broadcast.Sending || one.StartedAt.IsZero() {
			t.Errorf("%+v", one)
		}
		all := the(st.Receipts(ctx, who.ReceiptQuery{Person: id(1), All: true, Limit: 10}))(t)
		if len(all.Receipts) != 3 || all.Receipts[1].Delivery != 0 || all.Receipts[1].Late || all.Receipts[1].Title != "Not for Ada" {
			t.Errorf("%+v", all)
		}
		cleo := the(st.Receipts(ctx, who.ReceiptQuery{Person: id(3), All: true, Limit: 10}))(t)
		if len(cleo.Receipts) != 3 || !cleo.Receipts[0].Late {
			t.Errorf("%+v", cleo)
		}
		two := the(st.Receipts(ctx, who.ReceiptQuery{Person: id(1), Limit: 1}))(t)
		rest := the(st.Receipts(ctx, who.ReceiptQuery{Person: id(1), Limit: 1, After: two.Next}))(t)
		if len(two.Receipts) != 1 || two.Receipts[0].Title != "Third" || len(rest.Receipts) != 1 || rest.Receipts[0].Title != "First" || rest.Next != "" {
			t.Errorf("pages %+v and %+v", two, rest)
		}
	})
}

// TestSomebodyDeletedAndRestoredKeepsTheirStory: person, installation and
// conversation are three things.
func TestSomebodyDeletedAndRestoredKeepsTheirStory(t *testing.T) {
	t.Parallel()
	storetest.EachAt(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		hire(t, st, 1, "Ada")
		must(t, st.BotAdded(ctx, id(1), address(1)))
		sending(t, st, clock, "News", 1)
		clock.Pass(time.Hour)
		must(t, st.SavePeople(ctx, []person.Patch{{EntraID: id(1), Deleted: new(true)}}, nil))
		gone := story(t, st, 1)
		if gone.Name != "Ada" || gone.Outlook.Reason != broadcast.ReasonDeleted || !gone.GoneAt.Equal(clock.Now()) || len(gone.Receipts) != 1 || len(gone.Moves) != 2 {
			t.Errorf("%+v", gone)
		}
		clock.Pass(time.Hour)
		hire(t, st, 1, "Ada")
		back := story(t, st, 1)
		if back.Outlook.Sentence != "Would get it." || !back.Since.Equal(clock.Now()) || !back.GoneAt.IsZero() || len(back.Receipts) != 1 || len(back.Moves) != 2 {
			t.Errorf("%+v", back)
		}
	})
}
