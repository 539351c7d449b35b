package store_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/places"
	"github.com/fanfare/fanfare/store"
	"github.com/fanfare/fanfare/store/storetest"
)

// welcome is one that is being put into use now: resolving.
func welcome(t *testing.T, st *store.Store, clock *storetest.Clock) broadcast.ID {
	t.Helper()
	now := clock.Now()
	b := &broadcast.Broadcast{
		ID: broadcast.NewID(now), Kind: broadcast.KindWelcome, State: broadcast.Draft, Author: author, CreatedAt: now, UpdatedAt: now,
		Message: broadcast.Message{Title: "Welcome"}, Audience: broadcast.Everyone(), Wave: 1,
	}
	must(t, st.Create(ctx, b, broadcast.Move{BroadcastID: b.ID, Event: broadcast.EventCreate, To: broadcast.Draft, By: author, At: now}))
	change(t, st, b.ID, func(b *broadcast.Broadcast) { b.State, b.StartedAt = broadcast.Resolving, clock.Now() })
	return b.ID
}

// inUse is one that takes people in.
func inUse(t *testing.T, st *store.Store, clock *storetest.Clock) broadcast.ID {
	t.Helper()
	bid := welcome(t, st, clock)
	change(t, st, bid, func(b *broadcast.Broadcast) { b.State, b.ListedAt = broadcast.Sending, clock.Now() })
	clock.Pass(minute)
	return bid
}

// joins has people get the app.
func joins(t *testing.T, st *store.Store, people ...int) {
	t.Helper()
	for _, n := range people {
		must(t, st.BotAdded(ctx, id(n), address(n)))
	}
}

// on is whom a broadcast's list holds.
func on(t *testing.T, st *store.Store, bid broadcast.ID) (out []broadcast.EntraID) {
	t.Helper()
	honest(t, st, bid)
	for _, d := range deliveries(t, st, bid) {
		out = append(out, d.EntraID)
	}
	slices.Sort(out)
	return out
}

func ids(people ...int) (out []broadcast.EntraID) {
	for _, n := range people {
		out = append(out, id(n))
	}
	return out
}

func TestWhoGetsTheAppForTheFirstTimeIsWelcomedOnce(t *testing.T) {
	t.Parallel()
	storetest.EachAt(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		people(t, st, 4)
		joins(t, st, 1, 2)
		must(t, st.BotGone(ctx, id(2), broadcast.InstallationRemoved))
		clock.Pass(minute)
		bid := inUse(t, st, clock)
		joins(t, st, 1, 2) // they had it before, whatever became of it
		if the(st.Welcome(ctx, 10))(t); len(on(t, st, bid)) != 0 {
			t.Fatalf("welcomed though they had the app: %v", on(t, st, bid))
		}
		clock.Pass(minute)
		joins(t, st, 3, 4, 5) // 5 is not in the directory yet
		if n := the(st.Welcome(ctx, 2))(t) + the(st.Welcome(ctx, 2))(t); n != 3 {
			t.Fatalf("%d looked at", n)
		}
		if got := on(t, st, bid); !slices.Equal(got, ids(3, 4, 5)) || tally(t, st, bid).Ready != 3 {
			t.Fatalf("on the list: %v, %+v", got, tally(t, st, bid))
		}
		for c := the(st.TakeNext(ctx, bid, minute, 0))(t); c.Number > 0; c = the(st.TakeNext(ctx, bid, minute, 0))(t) {
			var out []broadcast.Outcome
			for _, d := range c.Deliveries {
				out = append(out, sent(d))
			}
			must(t, st.FinishChunk(ctx, c, out))
		}
		// Who removes it and adds it again, or is told a new address, is not welcomed again.
		must(t, st.BotGone(ctx, id(3), broadcast.InstallationRemoved))
		clock.Pass(minute)
		joins(t, st, 3, 4)
		if n := the(st.Welcome(ctx, 10))(t); n != 0 || tally(t, st, bid) != (broadcast.Tally{Total: 3, Sent: 3}) {
			t.Errorf("%d looked at, %+v", n, tally(t, st, bid))
		}
		if over := the(st.Finishable(ctx))(t); len(over) != 0 {
			t.Errorf("the welcome in use is finished: %v", over)
		}
	})
}

func TestWithoutAWelcomeNobodyIsWelcomedLater(t *testing.T) {
	t.Parallel()
	storetest.EachAt(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		people(t, st, 4)
		joins(t, st, 1)
		if n := the(st.Welcome(ctx, 10))(t); n != 1 {
			t.Fatalf("%d looked at", n)
		}
		clock.Pass(minute)
		joins(t, st, 2) // nobody has looked when the welcome is put into use
		clock.Pass(minute)
		bid := welcome(t, st, clock)
		clock.Pass(minute)
		joins(t, st, 3)
		if n := the(st.Welcome(ctx, 10))(t); n != 0 {
			t.Errorf("%d looked at while the welcome is about to take them in", n)
		}
		change(t, st, bid, func(b *broadcast.Broadcast) { b.State, b.ListedAt = broadcast.Sending, clock.Now() })
		the(st.Welcome(ctx, 10))(t)
		if got := on(t, st, bid); !slices.Equal(got, ids(3)) {
			t.Errorf("on the list: %v", got)
		}
		change(t, st, bid, func(b *broadcast.Broadcast) { b.State, b.FinishedAt = broadcast.Cancelled, clock.Now() })
		joins(t, st, 4)
		if the(st.Welcome(ctx, 10))(t); len(on(t, st, bid)) != 1 {
			t.Errorf("welcomed by what was stopped: %v", on(t, st, bid))
		}
	})
}

// TestANewWelcomeTakesOver: from its start everybody goes to it, whom nobody had looked
// at too; the old one is over when those it has taken in have it.
func TestANewWelcomeTakesOver(t *testing.T) {
	t.Parallel()
	storetest.EachAt(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		people(t, st, 5)
		first := inUse(t, st, clock)
		joins(t, st, 1)
		the(st.Welcome(ctx, 10))(t)
		joins(t, st, 2)
		clock.Pass(minute)
		second := inUse(t, st, clock)
		joins(t, st, 3)
		the(st.Welcome(ctx, 10))(t)
		if a, b := on(t, st, first), on(t, st, second); !slices.Equal(a, ids(1)) || !slices.Equal(b, ids(2, 3)) {
			t.Fatalf("the old one has %v and the new one %v", a, b)
		}
		if over := the(st.Finishable(ctx))(t); len(over) != 0 {
			t.Errorf("finished though somebody waits: %v", over)
		}
		c := the(st.TakeNext(ctx, first, minute, 0))(t)
		must(t, st.FinishChunk(ctx, c, []broadcast.Outcome{sent(c.Deliveries[0])}))
		if over := the(st.Finishable(ctx))(t); !slices.Equal(over, []broadcast.ID{first}) {
			t.Errorf("finished: %v", over)
		}
		// One that is stopped leaves nothing behind that would take people in again.
		change(t, st, second, func(b *broadcast.Broadcast) { b.State, b.FinishedAt = broadcast.Cancelled, clock.Now() })
		joins(t, st, 4)
		the(st.Welcome(ctx, 10))(t)
		if a, b := on(t, st, first), on(t, st, second); len(a) != 1 || len(b) != 2 {
			t.Errorf("the old one has %v and the stopped one %v", a, b)
		}
		third := inUse(t, st, clock)
		joins(t, st, 5)
		the(st.Welcome(ctx, 10))(t)
		if got := on(t, st, third); !slices.Equal(got, ids(5)) {
			t.Errorf("the third has %v", got)
		}
	})
}

// TestNewcomersAreWelcomedOnceHoweverManyLook, while they come.
func TestNewcomersAreWelcomedOnceHoweverManyLook(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		const all = 120
		people(t, st, all)
		clock := storetest.NewClock()
		bid := welcome(t, st, clock)
		change(t, st, bid, func(b *broadcast.Broadcast) { b.State, b.ListedAt, b.StartedAt = broadcast.Sending, clock.Now(), at(0) })
		var coming, looking sync.WaitGroup
		over := make(chan struct{})
		for hand := range 4 {
			coming.Go(func() {
				for n := hand + 1; n <= all; n += 4 {
					if err := st.BotAdded(ctx, id(n), address(n)); err != nil {
						t.Error(err)
					}
				}
			})
			looking.Go(func() {
				for last := false; ; {
					n, err := st.Welcome(ctx, 7)
					if err != nil {
						t.Error(err)
						return
					}
					if last && n == 0 {
						return
					}
					select {
					case <-over:
						last = true
					default:
					}
				}
			})
		}
		coming.Wait()
		close(over)
		looking.Wait()
		if got := on(t, st, bid); len(got) != all || len(slices.Compact(got)) != all {
			t.Errorf("%d on the list, want %d", len(got), all)
		}
	})
}

func TestWelcomesHaveAShelfOfTheirOwn(t *testing.T) {
	t.Parallel()
	storetest.EachAt(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		bid := welcome(t, st, clock)
		other := draft(t, st)
		found := func(shelf broadcast.Shelf) (out []broadcast.ID) {
			for _, b := range the(st.List(ctx, broadcast.ListQuery{Shelf: shelf, Limit: 10}))(t).Broadcasts {
				out = append(out, b.ID)
			}
			return out
		}
		if a, l, w := found(broadcast.ShelfAll), found(broadcast.ShelfList), found(broadcast.ShelfWelcomes); len(a) != 2 || !slices.Equal(l, []broadcast.ID{other.ID}) || !slices.Equal(w, []broadcast.ID{bid}) {
			t.Errorf("all %v, list %v, welcomes %v", a, l, w)
		}
		change(t, st, bid, func(b *broadcast.Broadcast) { b.StartedAt = b.RecalledAt }) // a draft again
		if l := found(broadcast.ShelfList); len(l) != 2 {
			t.Errorf("a welcome in the making is not found: %v", l)
		}
	})
}

// TestATeamIsGreetedOnceEachTimeTheBotIsAdded, however often Teams tells it and whoever
// looks; while the welcome is paused it waits, and without one nothing is said later.
func TestATeamIsGreetedOnceEachTimeTheBotIsAdded(t *testing.T) {
	t.Parallel()
	storetest.EachAt(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		team := places.Place{Kind: places.Team, ID: "19:exampleteam0002@thread.tacv2", Name: "Newsroom"}
		tell := func(kind places.EventKind) {
			t.Helper()
			e := places.Event{Kind: kind, Place: team, By: places.Member{EntraID: id(1), Name: "Ada"}, At: clock.Now()}
			must(t, st.Hear(ctx, e))
			must(t, st.Hear(ctx, e))
			e.At = e.At.Add(time.Millisecond) // the same, in another activity
			must(t, st.Hear(ctx, e))
			clock.Pass(minute)
		}
		greeted := 0
		greet := func(welcome broadcast.ID) (waiting int) {
			t.Helper()
			for _, a := range the(st.Arrivals(ctx, 10))(t) {
				if a.By != "Ada" || a.Team.Name != "Newsroom" {
					t.Errorf("%+v", a)
				}
				for range 2 {
					must(t, st.Greet(ctx, a, func(w *broadcast.Broadcast) *broadcast.Broadcast {
						greeted++
						if w.ID != welcome {
							t.Errorf("in the words of %s", w.ID)
						}
						return &broadcast.Broadcast{ID: broadcast.NewID(clock.Now()), Kind: broadcast.KindPost, Target: w.ID, State: broadcast.Resolving, CreatedAt: clock.Now()}
					}))
				}
			}
			return len(the(st.Arrivals(ctx, 10))(t))
		}
		tell(places.BotAdded)
		if greet(""); greeted != 0 {
			t.Fatal("greeted without a welcome")
		}
		tell(places.BotRemoved)
		first := inUse(t, st, clock)
		if left := greet(first); left+greeted != 0 {
			t.Fatalf("%d greeted, %d left, and nothing was added since", greeted, left)
		}
		change(t, st, first, func(b *broadcast.Broadcast) { b.State = broadcast.Paused })
		tell(places.BotAdded)
		if left := greet(first); left != 1 || greeted != 0 {
			t.Fatalf("%d greeted, %d left, while it is paused", greeted, left)
		}
		change(t, st, first, func(b *broadcast.Broadcast) { b.State = broadcast.Sending })
		if left := greet(first); left != 0 || greeted != 1 {
			t.Fatalf("%d greeted, %d left", greeted, left)
		}
		tell(places.TeamArchived)
		tell(places.TeamUnarchived)
		if greet(first); greeted != 1 {
			t.Error("greeted because it was archived")
		}
		tell(places.BotRemoved)
		tell(places.BotAdded)
		if greet(first); greeted != 2 {
			t.Errorf("%d greeted, want one for each time", greeted)
		}
		posts := the(st.List(ctx, broadcast.ListQuery{Target: first, Limit: 10}))(t).Broadcasts
		if len(posts) != 2 || len(the(st.List(ctx, broadcast.ListQuery{Shelf: broadcast.ShelfList, Limit: 10}))(t).Broadcasts) != 0 {
			t.Errorf("%d posts", len(posts))
		}
	})
}
