package store_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	noun "github.com/fanfare/fanfare/broadcast/person"
	"github.com/fanfare/fanfare/store"
	"github.com/fanfare/fanfare/store/storetest"
)

// begun is a broadcast to everyone whose list is still to be written.
func begun(t testing.TB, st *store.Store, change func(b *broadcast.Broadcast)) broadcast.ID {
	t.Helper()
	b := draft(t, st)
	next := *b
	next.State, next.StartedAt, next.Wave = broadcast.Resolving, time.Now(), 1
	if change != nil {
		change(&next)
	}
	return the(st.Change(ctx, broadcast.Change{Before: the(st.Broadcast(ctx, b.ID))(t), After: &next}))(t).ID
}

// change stores what a broadcast has become, by whatever event.
func change(t testing.TB, st *store.Store, bid broadcast.ID, f func(b *broadcast.Broadcast)) {
	t.Helper()
	b := the(st.Broadcast(ctx, bid))(t)
	next := *b
	f(&next)
	the(st.Change(ctx, broadcast.Change{Before: b, After: &next}))(t)
}

// listEveryone lists everyone to the end and returns how many pages that took.
func listEveryone(t testing.TB, st *store.Store, bid broadcast.ID) (pages int) {
	t.Helper()
	for after := broadcast.EntraID(""); ; pages++ {
		if after = the(st.ListAudience(ctx, bid, after))(t); after == "" {
			return pages
		}
	}
}

// chunksAreWhole fails the test unless every delivery is in the chunk it says, and
// each chunk is due if somebody in it is ready.
func chunksAreWhole(t *testing.T, dsn string, bid broadcast.ID) (sizes []int) {
	t.Helper()
	rows, err := storetest.SQL(t, dsn).Query(`SELECT c.number, count(d.id), SUM(CASE WHEN d.chunk = c.number THEN 0 ELSE 1 END), SUM(CASE WHEN d.state = 'ready' THEN 1 ELSE 0 END), COALESCE(c.next_at, -1)
		FROM chunks c LEFT JOIN deliveries d ON d.tenant_id = c.tenant_id AND d.broadcast_id = c.broadcast_id AND d.id BETWEEN c.first_id AND c.last_id
		WHERE c.broadcast_id = $1 GROUP BY c.number, c.next_at ORDER BY c.number`, string(bid))
	must(t, err)
	defer rows.Close()
	for rows.Next() {
		var number, size, strangers, ready int
		var next int64
		must(t, rows.Scan(&number, &size, &strangers, &ready, &next))
		if number != len(sizes)+1 || strangers > 0 || ready > 0 != (next >= 0) {
			t.Errorf("chunk %d (after %d others): %d people, %d of other chunks, %d ready, next at %d", number, len(sizes), size, strangers, ready, next)
		}
		sizes = append(sizes, size)
	}
	must(t, rows.Err())
	return sizes
}

// eachDSN is storetest.Each for tests that look at the database from outside.
func eachDSN(t *testing.T, f func(t *testing.T, st *store.Store, dsn string)) {
	t.Helper()
	for _, kind := range storetest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			dsn := storetest.DSN(t, kind)
			f(t, storetest.Open(t, dsn, nil), dsn)
		})
	}
}

func TestEveryoneIsListedWhereTheLedgerSays(t *testing.T) {
	t.Parallel()
	eachDSN(t, func(t *testing.T, st *store.Store, dsn string) {
		oneOfEach(t, st)
		for _, late := range []broadcast.Late{broadcast.LateUntilFinished, broadcast.LateNever} {
			bid := begun(t, st, func(b *broadcast.Broadcast) { b.Plan.Late = late })
			if n := the(st.CountAudience(ctx, bid))(t); n != 8 {
				t.Fatalf("everyone is %d people, want 8", n)
			}
			listEveryone(t, st, bid)
			for n := 1; n <= 8; n++ {
				state, reason := startsAs[n], startsFor[n]
				if state == broadcast.DeliveryPending && late == broadcast.LateNever {
					state = broadcast.DeliverySkipped
				}
				if d := delivery(t, st, bid, n); d.State != state || d.Reason != reason {
					t.Errorf("late %s: person %d starts %s (%s), want %s (%s)", late, n, d.State, d.Reason, state, reason)
				}
			}
			if d := delivery(t, st, bid, 6); d.Detail != "Blocked by policy" {
				t.Errorf("the detail of the refusal is lost: %+v", d)
			}
			if y := honest(t, st, bid); y.Total != 8 {
				t.Fatalf("%+v", y)
			}
			chunksAreWhole(t, dsn, bid)
		}
	})
}

func TestNobodyIsWantedForABroadcastThatWaitsForNobody(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		people(t, st, 3)
		wanted := func() int {
			return len(the(st.Installations(ctx, broadcast.InstallQuery{State: broadcast.InstallationWanted, Limit: 10}))(t).Rows)
		}
		listEveryone(t, st, begun(t, st, func(b *broadcast.Broadcast) { b.Plan.Late = broadcast.LateNever }))
		never := begun(t, st, func(b *broadcast.Broadcast) { b.Plan.Late = broadcast.LateNever })
		must(t, st.AddDeliveries(ctx, never, everybody(1, 2), 1))
		if y := honest(t, st, never); wanted() != 0 || y.Skipped != 2 {
			t.Fatalf("%d wanted, %+v", wanted(), y)
		}
		listEveryone(t, st, begun(t, st, nil))
		if wanted() != 3 {
			t.Fatalf("%d wanted, want 3", wanted())
		}
	})
}

func TestEveryoneIsWhoWasThereWhenSendWasPressed(t *testing.T) {
	t.Parallel()
	storetest.EachAt(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		gone := func(n int) noun.Patch {
			return noun.Patch{EntraID: id(n), Deleted: new(true)}
		}
		people(t, st, 6)
		must(t, st.SavePeople(ctx, []noun.Patch{gone(1), gone(2)}, nil))
		clock.Pass(minute)
		bid := begun(t, st, func(b *broadcast.Broadcast) { b.StartedAt = clock.Now() })
		clock.Pass(minute)
		must(t, st.SavePeople(ctx, []noun.Patch{
			gone(1),           // told once more that they went long ago
			patch(2),          // came back
			gone(3),           // went
			patch(4),          // told once more that they are there
			patch(7),          // came
			patch(8), gone(8), // came and went
		}, nil))
		if n := the(st.CountAudience(ctx, bid))(t); n != 4 {
			t.Errorf("everyone is %d people, want 4", n)
		}
		listEveryone(t, st, bid)
		var listed []broadcast.EntraID
		for _, d := range deliveries(t, st, bid) {
			listed = append(listed, d.EntraID)
		}
		if want := []broadcast.EntraID{id(3), id(4), id(5), id(6)}; !slices.Equal(listed, want) {
			t.Errorf("listed are %v, want %v", listed, want)
		}
		if d := delivery(t, st, bid, 3); d.State != broadcast.DeliverySkipped || d.Reason != broadcast.ReasonDeleted {
			t.Errorf("who went since is %s (%s)", d.State, d.Reason)
		}
		honest(t, st, bid)
	})
}

// TestEveryoneIsListedOnceHoweverOftenItIsBegun has more people than a page, a
// first wave, and a resolver that dies after the first page.
func TestEveryoneIsListedOnceHoweverOftenItIsBegun(t *testing.T) {
	t.Parallel()
	eachDSN(t, func(t *testing.T, st *store.Store, dsn string) {
		const n, reachable = 10_450, 30
		organisation(t, dsn, n, reachable)
		odd := begun(t, st, nil)
		must(t, st.AddDeliveries(ctx, odd, everybody(n-5, n), 1)) // whom the second page does not expect
		listEveryone(t, st, odd)
		if y := grouped(t, dsn, odd); y.Total != n {
			t.Errorf("%+v", y)
		}
		bid := begun(t, st, func(b *broadcast.Broadcast) { b.Wave = 0 })
		for range 2 {
			must(t, st.ListCanary(ctx, bid, broadcast.Canary{People: 20}))
		}
		if y := honest(t, st, bid); y != (broadcast.Tally{Total: 20, Ready: 20}) {
			t.Fatalf("the first wave is %+v", y)
		}
		if y := the(st.Canary(ctx, bid))(t); y.Ready != 20 {
			t.Fatalf("the first wave is counted as %+v", y)
		}
		the(st.ListAudience(ctx, bid, ""))(t)
		change(t, st, bid, func(b *broadcast.Broadcast) { b.State = broadcast.Sending })
		want := 6 // of 2,000
		if dsn[0] == 'p' {
			want = 2 // of 10,000
		}
		if pages := listEveryone(t, st, bid); pages != want {
			t.Errorf("%d pages, want %d", pages, want)
		}
		if y, truth := tally(t, st, bid), grouped(t, dsn, bid); y != truth || y != (broadcast.Tally{Total: n, Ready: reachable, Pending: n - reachable}) {
			t.Errorf("the tally says %+v and the deliveries %+v", y, truth)
		}
		sizes := chunksAreWhole(t, dsn, bid)
		if sizes[0] != 20 || slices.Max(sizes) > 200 || len(sizes) > n/200+3 {
			t.Errorf("chunks of %v", sizes)
		}
	})
}

// grouped is the truth about a long list.
func grouped(t testing.TB, dsn string, bid broadcast.ID) (y broadcast.Tally) {
	t.Helper()
	rows, err := storetest.SQL(t, dsn).Query(`SELECT state, count(*), SUM(CASE WHEN maybe_sent AND state = 'sent' THEN 1 ELSE 0 END) FROM deliveries WHERE broadcast_id = $1 GROUP BY state`, string(bid))
	must(t, err)
	defer rows.Close()
	for rows.Next() {
		var state broadcast.DeliveryState
		var n, repeated int
		must(t, rows.Scan(&state, &n, &repeated))
		y.Add(state, n)
		y.MaybeRepeated += repeated
	}
	must(t, rows.Err())
	return y
}

// organisation writes people 1 to n straight into the database, the first of them with
// the bot.
func organisation(t testing.TB, dsn string, n, reachable int) {
	t.Helper()
	numbers := fmt.Sprintf(`(WITH RECURSIVE k(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM k WHERE n < %d) SELECT n, '00000000-0000-4000-8000-' || substr('000000000000' || n, -12) AS id FROM k) AS k`, n)
	if dsn[0] == 'p' {
		numbers = fmt.Sprintf(`(SELECT n, '00000000-0000-4000-8000-' || lpad(n::text, 12, '0') AS id FROM generate_series(1, %d) AS n) AS k`, n)
	}
	d := storetest.SQL(t, dsn)
	_, err := d.Exec(`INSERT INTO people (tenant_id, entra_id, name, upn, mail, guest, enabled, licensed, deleted, department, office, country, job_title, language, search, round, updated_at)
		SELECT $1, k.id, 'Person ' || k.n, 'p' || k.n, '', FALSE, TRUE, TRUE, FALSE, '', '', '', '', '', '', 1, 1 FROM `+numbers, storetest.Tenant)
	must(t, err)
	_, err = d.Exec(`INSERT INTO installations (tenant_id, entra_id, state, reason, detail, attempts, not_before, fence, leased_until, service_url, conversation_id, channel_account_id, updated_at)
		SELECT $1, k.id, 'installed', '', '', 0, 0, 1, 0, 'https://smba.example/emea/', 'a:' || k.n, '29:' || k.n, 1 FROM `+numbers+` WHERE k.n <= $2`, storetest.Tenant, reachable)
	must(t, err)
}

// TestNobodyOfEveryoneWaitsForAnAddressThatCameMeanwhile: as with pages of people,
// though a page of everyone does not keep events waiting while it is written.
func TestNobodyOfEveryoneWaitsForAnAddressThatCameMeanwhile(t *testing.T) {
	t.Parallel()
	replicas(t, func(t *testing.T, both []*store.Store) {
		const n, rounds = 60, 8
		people(t, both[0], n)
		var ids []broadcast.ID
		for range rounds {
			ids = append(ids, begun(t, both[0], nil))
		}
		var wg sync.WaitGroup
		wg.Go(func() {
			for _, bid := range ids {
				for after := broadcast.EntraID(""); ; {
					var err error
					if after, err = both[0].ListAudience(ctx, bid, after); err != nil {
						t.Error(err)
					}
					if after == "" {
						break
					}
				}
			}
		})
		for part := range 3 {
			wg.Go(func() {
				for i := 1 + part; i <= n; i += 3 {
					var err error
					if i%5 == 0 {
						err = both[1].BotGone(ctx, id(i), broadcast.InstallationBlocked)
					} else {
						err = both[1].BotAdded(ctx, id(i), address(i))
					}
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		for _, bid := range ids {
			if y := honest(t, both[0], bid); y != (broadcast.Tally{Total: n, Ready: n * 4 / 5, Skipped: n / 5}) {
				t.Errorf("%+v", y)
			}
		}
	})
}

func TestAListGrowsUntilItIsComplete(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		people(t, st, 2)
		for _, state := range broadcast.States() {
			open := slices.Contains([]broadcast.State{broadcast.Resolving, broadcast.Sending, broadcast.Paused, broadcast.Held}, state)
			bid := begun(t, st, func(b *broadcast.Broadcast) { b.State = state })
			if _, err := st.ListAudience(ctx, bid, ""); (err == nil) != open {
				t.Errorf("%s: %v", state, err)
			}
			bid = begun(t, st, func(b *broadcast.Broadcast) { b.State, b.ListedAt = state, time.Now() })
			if _, err := st.ListAudience(ctx, bid, ""); err == nil {
				t.Errorf("%s: a complete list took somebody in", state)
			}
			if y := honest(t, st, bid); y.Total != 0 {
				t.Errorf("%s: %+v", state, y)
			}
		}
	})
}
