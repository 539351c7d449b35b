package store_test

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/store"
	"github.com/fanfare/fanfare/store/storetest"
)

// BenchmarkChunk takes chunks of 200, and finishes them with everybody sent: all
// that a send costs in the ledger, per delivery. plain is the yardstick: a
// program that updates 200 rows of the same table at a time, and nothing more.
//
//	FANFARE_TEST_DURABLE=1 go test ./store -run '^$' -bench 'Chunk' -benchtime 200x
func BenchmarkChunk(b *testing.B) {
	for _, kind := range storetest.Kinds() {
		b.Run("ledger/"+kind, func(b *testing.B) {
			st, bid, _ := benchList(b, kind, b.N)
			perDelivery(b, func() {
				c := the(st.TakeNext(ctx, bid, minute, 64))(b)
				out := make([]broadcast.Outcome, len(c.Deliveries))
				for i, d := range c.Deliveries {
					out[i] = sent(d)
				}
				c.OpenTo = c.Deliveries[len(out)-1].ID
				must(b, st.FinishChunk(ctx, c, out))
			})
		})
		b.Run("plain/"+kind, func(b *testing.B) {
			_, bid, dsn := benchList(b, kind, b.N)
			plain, next := plainUpdate(b, kind, dsn), 0
			perDelivery(b, func() {
				plain(bid, next*benchChunk, benchChunk)
				next++
			})
		})
	}
}

const benchChunk = 200

// benchList is a sending broadcast of so many chunks.
func benchList(b testing.TB, kind string, chunks int) (*store.Store, broadcast.ID, string) {
	b.Helper()
	dsn := storetest.DSN(b, kind)
	st := storetest.Open(b, dsn, nil)
	d := storetest.SQL(b, dsn)
	n := chunks * benchChunk
	series := fmt.Sprintf(`(WITH RECURSIVE g(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM g WHERE n < %d) SELECT n FROM g)`, n)
	uid := `'00000000-0000-4000-8000-' || substr('000000000000' || n, -12)`
	if kind == storetest.Postgres {
		uid = `'00000000-0000-4000-8000-' || lpad(CAST(n AS text), 12, '0')`
	}
	bid := draft(b, st)
	move(b, st, bid.ID, broadcast.Resolving)
	for _, stmt := range []string{
		`INSERT INTO installations (tenant_id, entra_id, state, reason, detail, attempts, not_before, fence, leased_until, service_url, conversation_id, channel_account_id, updated_at)
			SELECT '` + storetest.Tenant + `', ` + uid + `, 'installed', '', '', 0, 0, 0, 0, 'https://smba.trafficmanager.net/emea/', 'a:1dkwo9-' || n || '-kQ2W7bVgkWq3wS0gA1VnQ2h2jX0f8fN3mVqB5lC1yW9sT6uH4pJ7rK', '29:1bSnHZ7Js2STWrgk6ScEErLk1Lp2zQuD5H2qQ8p' || n, 1 FROM ` + series + ` AS s`,
	} {
		if _, err := d.Exec(stmt); err != nil {
			b.Fatal(err)
		}
	}
	for i := 1; i <= n; i += 10_000 {
		must(b, st.AddDeliveries(ctx, bid.ID, everybody(i, min(i+9_999, n)), 1))
	}
	move(b, st, bid.ID, broadcast.Sending)
	return st, bid.ID, dsn
}

// plainUpdate is the statement anybody would write.
func plainUpdate(b *testing.B, kind, dsn string) func(bid broadcast.ID, after, n int) {
	d := storetest.SQL(b, dsn)
	d.SetMaxOpenConns(1)
	from := `UPDATE deliveries SET state = 'sent', activity_id = 'act-' || id, attempts = 1, updated_at = 1
		WHERE tenant_id = '` + storetest.Tenant + `' AND broadcast_id = $1 AND id > $2 AND id <= $3`
	return func(bid broadcast.ID, after, n int) {
		res, err := d.Exec(from, string(bid), after, after+n)
		if err != nil {
			b.Fatal(err)
		}
		if changed, _ := res.RowsAffected(); changed != int64(n) {
			b.Fatalf("%d rows of %d", changed, n)
		}
	}
}

// perDelivery reports what a chunk costs, divided by its people: time, and the
// processor of this process.
func perDelivery(b *testing.B, chunk func()) {
	b.ReportAllocs()
	b.ResetTimer()
	began, used := time.Now(), cpu()
	for range b.N {
		chunk()
	}
	people := float64(b.N * benchChunk)
	b.ReportMetric(float64(time.Since(began).Nanoseconds())/people, "ns/delivery")
	b.ReportMetric(float64((cpu()-used).Nanoseconds())/people, "cpu-ns/delivery")
}

// cpu is what this process has used so far.
func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
