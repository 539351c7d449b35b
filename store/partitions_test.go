package store_test

import (
	"database/sql"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/pressly/goose/v3"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/migrations"
	"github.com/fanfare/fanfare/store/storetest"
)

// partitions are the names of the tables that hold a broadcast's deliveries.
func partitions(t *testing.T, d *sql.DB, bid broadcast.ID) (names []string) {
	t.Helper()
	rows := the(d.Query(`SELECT DISTINCT tableoid::regclass::text FROM deliveries WHERE broadcast_id = $1`, string(bid)))(t)
	defer rows.Close()
	for rows.Next() {
		var name string
		must(t, rows.Scan(&name))
		names = append(names, name)
	}
	must(t, rows.Err())
	return names
}

// TestDeliveriesLieInTheMonthOfTheirBroadcast: Clean makes partitions ahead; what
// has none is kept all the same.
func TestDeliveriesLieInTheMonthOfTheirBroadcast(t *testing.T) {
	t.Parallel()
	dsn, clock := storetest.DSN(t, storetest.Postgres), storetest.NewClock()
	st, d := storetest.Open(t, dsn, clock.Now), storetest.SQL(t, dsn)
	list := func() []string {
		t.Helper()
		now := clock.Now()
		b := &broadcast.Broadcast{ID: broadcast.NewID(now), State: broadcast.Resolving, Author: author, CreatedAt: now, UpdatedAt: now, StartedAt: now, Audience: broadcast.Everyone()}
		must(t, st.Create(ctx, b, broadcast.Move{BroadcastID: b.ID, Event: broadcast.EventCreate, To: broadcast.Resolving, By: author, At: now}))
		must(t, st.AddDeliveries(ctx, b.ID, everybody(1, 2), 1))
		must(t, st.AddDeliveries(ctx, b.ID, everybody(1, 3), 1))
		if y := honest(t, st, b.ID); y.Total != 3 {
			t.Fatalf("%+v", y)
		}
		return partitions(t, d, b.ID)
	}
	clock.Pass(365 * 24 * time.Hour) // 2027-11-21
	if got := list(); !slices.Equal(got, []string{"deliveries_default"}) {
		t.Fatalf("without a partition they lie in %v", got)
	}
	for range 2 {
		must(t, st.Clean(ctx)) // this month's stay where they are
	}
	if got := list(); !slices.Equal(got, []string{"deliveries_default"}) {
		t.Fatalf("they lie in %v", got)
	}
	clock.Pass(31 * 24 * time.Hour)
	if got := list(); !slices.Equal(got, []string{"deliveries_2027_12"}) {
		t.Fatalf("in December they lie in %v", got)
	}
	clock.Pass(31 * 24 * time.Hour)
	if got := list(); !slices.Equal(got, []string{"deliveries_2028_01"}) {
		t.Fatalf("in January they lie in %v", got)
	}
}

// TestOldDatabasesGrowUp migrates from the versions before with people on a list,
// and goes on with it.
func TestOldDatabasesGrowUp(t *testing.T) {
	t.Parallel()
	for _, kind := range storetest.Kinds() {
		for _, version := range []int64{4, 6} {
			t.Run(fmt.Sprintf("%s from %d", kind, version), func(t *testing.T) {
				t.Parallel()
				dsn := storetest.DSN(t, kind)
				d := storetest.SQL(t, dsn)
				dialect, files := goose.DialectSQLite3, migrations.SQLite()
				if kind == storetest.Postgres {
					the(d.Exec(`DROP SCHEMA public CASCADE; CREATE SCHEMA public`))(t)
					dialect, files = goose.DialectPostgres, migrations.Postgres()
				}
				p := the(goose.NewProvider(dialect, d, files, goose.WithDisableGlobalRegistry(true)))(t)
				the(p.UpTo(ctx, version))(t)
				bid := oldRows(t, d)
				st := storetest.Open(t, dsn, nil) // migrates
				if d := delivery(t, st, bid, 2); d.State != broadcast.DeliveryFailed || d.Reason != broadcast.ReasonRejected {
					t.Fatalf("%+v", d)
				}
				b := the(st.Broadcast(ctx, bid))(t)
				if b.State != broadcast.Paused || version < 6 && b.ListedAt.IsZero() || honest(t, st, bid).Total != 3 {
					t.Fatalf("%+v", b)
				}
				installed(t, st, 4)
				change(t, st, bid, func(b *broadcast.Broadcast) { b.State = broadcast.Sending })
				c := the(st.TakeNext(ctx, bid, time.Minute, 0))(t)
				if len(c.Deliveries) != 1 {
					t.Fatalf("%+v", c)
				}
				must(t, st.FinishChunk(ctx, c, []broadcast.Outcome{sent(c.Deliveries[0])}))
				next := resolved(t, st, everybody(1, 4))
				first, last := delivery(t, st, next, 1), delivery(t, st, bid, 3)
				if first.ID <= last.ID {
					t.Fatalf("delivery %d after %d", first.ID, last.ID)
				}
				honest(t, st, bid)
				honest(t, st, next)
			})
		}
	}
}

// oldRows are a paused broadcast of three: sent, failed and ready.
func oldRows(t *testing.T, d *sql.DB) broadcast.ID {
	t.Helper()
	bid := broadcast.NewID(time.Now())
	the(d.Exec(`INSERT INTO broadcasts (tenant_id, id, state, revision, title_search, message, audience, author_id, author_name, editors, submitted_by_id, submitted_by_name, approved_by_id, approved_by_name, approved_hash, reason, due_at, created_at, updated_at, started_at, finished_at)
		VALUES ($1, $2, 'paused', 5, 'x', '{}', '{"everyone":true}', 'a', 'A', '[]', '', '', '', '', '', '', 0, 1, 2, 3, 0)`, storetest.Tenant, string(bid)))(t)
	the(d.Exec(`INSERT INTO tallies (tenant_id, broadcast_id, pending, ready, sent, failed, skipped, cancelled, expired, maybe_repeated) VALUES ($1, $2, 0, 1, 1, 1, 0, 0, 0, 0)`, storetest.Tenant, string(bid)))(t)
	the(d.Exec(`INSERT INTO chunks (tenant_id, broadcast_id, number, first_id, last_id, fence, leased_until, next_at) VALUES ($1, $2, 1, 1, 3, 4, 0, 0)`, storetest.Tenant, string(bid)))(t)
	for i, state := range []string{"sent", "failed", "ready"} {
		reason := ""
		if state == "failed" {
			reason = string(broadcast.ReasonRejected)
		}
		the(d.Exec(`INSERT INTO deliveries (tenant_id, broadcast_id, entra_id, chunk, state, reason, code, detail, attempts, not_before, activity_id, maybe_sent, updated_at)
			VALUES ($1, $2, $3, 1, $4, $5, '', '', 1, 0, 'act', FALSE, 1)`, storetest.Tenant, string(bid), string(id(i+1)), state, reason))(t)
	}
	return bid
}
