package store_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/audience"
	"github.com/fanfare/fanfare/store"
	"github.com/fanfare/fanfare/store/storetest"
)

// ctx is every test's context: a test that hangs is stopped by go test.
var (
	ctx     = context.Background()
	must    = storetest.Must
	id      = storetest.ID
	address = storetest.Address
	patch   = storetest.Patch
	people  = storetest.People
)

func the[T any](v T, err error) func(testing.TB) T { return storetest.The(v, err) }

func everybody(from, to int) []broadcast.Recipient {
	var out []broadcast.Recipient
	for i := from; i <= to; i++ {
		out = append(out, broadcast.Recipient{EntraID: id(i)})
	}
	return out
}

func group(id string) audience.Part {
	return audience.Part{Kind: audience.Group, ID: id, Name: "Group " + id}
}

// gathered keeps people as the owner's set of a part.
func gathered(t testing.TB, st *store.Store, owner string, p audience.Part, people ...broadcast.Recipient) {
	t.Helper()
	set := the(st.NewSet(ctx, owner, p))(t)
	ids := make([]broadcast.EntraID, len(people))
	for i, r := range people {
		ids[i] = r.EntraID
	}
	must(t, st.AddToSet(ctx, set, ids))
	must(t, st.KeepSet(ctx, set))
}

var author = broadcast.ActorRef{ID: "author", Name: "Ada Author"}

// draft stores a new broadcast to everyone.
func draft(t testing.TB, st *store.Store) *broadcast.Broadcast {
	t.Helper()
	now := time.Now()
	b := &broadcast.Broadcast{
		ID: broadcast.NewID(now), State: broadcast.Draft, Author: author, CreatedAt: now, UpdatedAt: now,
		Message: broadcast.Message{Title: "Hello", Body: "World"}, Audience: broadcast.Everyone(),
	}
	must(t, st.Create(ctx, b, broadcast.Move{BroadcastID: b.ID, Event: broadcast.EventCreate, To: broadcast.Draft, By: author, At: now, Hash: b.Hash()}))
	return b
}

// move puts a broadcast into a state, by whatever event.
func move(t testing.TB, st *store.Store, bid broadcast.ID, to broadcast.State) *broadcast.Broadcast {
	t.Helper()
	b := the(st.Broadcast(ctx, bid))(t)
	next := *b
	next.State, next.UpdatedAt = to, time.Now()
	if to == broadcast.Resolving {
		next.StartedAt = time.Now()
	}
	if to == broadcast.Sending && next.ListedAt.IsZero() {
		next.ListedAt, next.Wave = time.Now(), 1
	}
	return the(st.Change(ctx, broadcast.Change{Before: b, After: &next, Move: broadcast.Move{BroadcastID: bid, Event: "test", From: b.State, To: to, By: author, At: time.Now()}}))(t)
}

// resolved is a broadcast whose list is the given pages, one chunk each, in state
// sending.
func resolved(t testing.TB, st *store.Store, pages ...[]broadcast.Recipient) broadcast.ID {
	t.Helper()
	b := draft(t, st)
	move(t, st, b.ID, broadcast.Resolving)
	for _, p := range pages {
		must(t, st.AddDeliveries(ctx, b.ID, p, 1))
	}
	move(t, st, b.ID, broadcast.Sending)
	return b.ID
}

// installed gives people 1 to n the bot.
func installed(t testing.TB, st *store.Store, n int) {
	t.Helper()
	for i := 1; i <= n; i++ {
		must(t, st.BotAdded(ctx, id(i), address(i)))
	}
}

func sent(d broadcast.Delivery) broadcast.Outcome {
	return broadcast.Outcome{DeliveryID: d.ID, EntraID: d.EntraID, State: broadcast.DeliverySent, ActivityID: fmt.Sprintf("act-%d", d.ID), Attempts: d.Attempts + 1, MaybeSent: d.MaybeSent, At: time.Now()}
}

func tally(t testing.TB, st *store.Store, bid broadcast.ID) broadcast.Tally {
	t.Helper()
	_, y, err := stateAndTally(st, bid)
	must(t, err)
	return y
}

func counted(all []broadcast.Delivery) broadcast.Tally {
	var y broadcast.Tally
	for _, d := range all {
		y.Add(d.State, 1)
		if d.State == broadcast.DeliverySent && d.MaybeSent {
			y.MaybeRepeated++
		}
	}
	return y
}

func deliveries(t testing.TB, st *store.Store, bid broadcast.ID) []broadcast.Delivery {
	t.Helper()
	return listed(t, st, broadcast.RecipientQuery{BroadcastID: bid, Limit: 200})
}

// listed reads a query's pages to the end.
func listed(t testing.TB, st *store.Store, q broadcast.RecipientQuery) (all []broadcast.Delivery) {
	t.Helper()
	for {
		page := the(st.Recipients(ctx, q))(t)
		all = append(all, page.Deliveries...)
		if q.After = page.Next; q.After == 0 {
			return all
		}
	}
}

// delivery is one person's.
func delivery(t testing.TB, st *store.Store, bid broadcast.ID, n int) broadcast.Delivery {
	t.Helper()
	for _, d := range deliveries(t, st, bid) {
		if d.EntraID == id(n) {
			return d
		}
	}
	t.Fatalf("person %d is not on the list", n)
	return broadcast.Delivery{}
}

// honest fails the test when a tally is not the truth, or a state's pages are not
// everybody in it.
func honest(t testing.TB, st *store.Store, bid broadcast.ID) broadcast.Tally {
	t.Helper()
	all := deliveries(t, st, bid)
	got, want := tally(t, st, bid), counted(all)
	if got != want {
		t.Fatalf("the tally says %+v and the deliveries %+v", got, want)
	}
	for _, state := range broadcast.DeliveryStates() {
		in := slices.DeleteFunc(slices.Clone(all), func(d broadcast.Delivery) bool { return d.State != state })
		if page := listed(t, st, broadcast.RecipientQuery{BroadcastID: bid, State: state, Limit: max(1, len(in)/3)}); !slices.Equal(page, in) {
			t.Fatalf("of those who are %s the page shows %d, and there are %d", state, len(page), len(in))
		}
	}
	return got
}

// collect gathers what is handed out after commits.
func collect(into *[]broadcast.Work) func(context.Context, []broadcast.Work) {
	return func(_ context.Context, works []broadcast.Work) { *into = append(*into, works...) }
}

const minute = time.Minute

// at is n seconds after some moment.
func at(n int) time.Time { return time.Date(2026, 11, 21, 9, 0, n, 0, time.UTC) }

func stateAndTally(st *store.Store, bid broadcast.ID) (broadcast.State, broadcast.Tally, error) {
	now, err := st.Standing(ctx, bid)
	return now.State, now.Tally, err
}

// unfinished is what the sweep finds, late joiners apart: every current broadcast
// looks for them now and then.
func unfinished(t testing.TB, st *store.Store, limit int) []broadcast.Work {
	t.Helper()
	return slices.DeleteFunc(the(st.Unfinished(ctx, limit))(t), func(w broadcast.Work) bool { return w.Kind == broadcast.KindLate })
}
