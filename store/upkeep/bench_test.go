package upkeep_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fanfare/fanfare/store"
	"github.com/fanfare/fanfare/store/storetest"
	"github.com/fanfare/fanfare/upkeep"
)

// seeded is a store with many people who have the app, each seen by a pass before.
func seeded(b *testing.B, kind string, people int) *store.Store {
	b.Helper()
	dsn := storetest.DSN(b, kind)
	st := storetest.Open(b, dsn, nil)
	numbers := fmt.Sprintf(`WITH RECURSIVE g (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM g WHERE n < %d)`, people)
	if kind == storetest.Postgres {
		numbers = fmt.Sprintf(`WITH g (n) AS (SELECT generate_series(1, %d))`, people)
	}
	d := storetest.SQL(b, dsn)
	const person = `'0000' || CAST(100000000 + (CAST(n AS bigint) * 7919) % 100000000 AS text)`
	for _, stmt := range []string{
		`INSERT INTO people (tenant_id, entra_id, name, upn, mail, guest, enabled, licensed, deleted, department, office, country, job_title, language, search, round, updated_at)
			` + numbers + ` SELECT '$t', ` + person + `, 'P', 'p', 'p', FALSE, TRUE, TRUE, FALSE, '', '', '', '', '', ' p', 1, 1 FROM g`,
		`INSERT INTO installations (tenant_id, entra_id, state, reason, detail, attempts, not_before, fence, leased_until, service_url, conversation_id, channel_account_id, updated_at)
			` + numbers + ` SELECT '$t', ` + person + `, 'installed', '', '', 0, 0, 1, 0, 'u', 'c', '', 1 FROM g`,
		`INSERT INTO tended (tenant_id, entra_id, of_pass, version, there_at) ` + numbers + ` SELECT '$t', ` + person + `, 0, '1.0.0', 1 FROM g`,
		map[string]string{storetest.Postgres: `ANALYZE`, storetest.SQLite: `SELECT 1`}[kind],
	} {
		if kind == storetest.SQLite { // a WITH goes before the INSERT
			if head, with, ok := strings.Cut(stmt, "WITH RECURSIVE"); ok {
				body, rest, _ := strings.Cut(with, " SELECT '$t'")
				stmt = "WITH RECURSIVE" + body + " " + head + " SELECT '$t'" + rest
			}
		}
		if _, err := d.Exec(strings.ReplaceAll(stmt, "$t", storetest.Tenant)); err != nil {
			b.Fatal(err, stmt)
		}
	}
	return st
}

// BenchmarkPass is what a chunk of 100 people costs the ledger, among 200,000.
func BenchmarkPass(b *testing.B) {
	for _, kind := range storetest.Kinds() {
		st := seeded(b, kind, 200_000)
		storetest.Must(b, st.BeginPass(ctx, upkeep.Start{Cause: upkeep.Asked, Version: "1.0.0", By: cora}))
		b.Run(kind, func(b *testing.B) {
			var take, record time.Duration
			for b.Loop() {
				begun := time.Now()
				c := taken(b, st, 100)
				took := time.Now()
				storetest.Must(b, st.RecordLooks(ctx, c, found(c, time.Now(), upkeep.Verdict{Finding: upkeep.Fine})))
				take, record = take+took.Sub(begun), record+time.Since(took)
			}
			b.ReportMetric(float64(take.Microseconds())/float64(b.N), "take-us")
			b.ReportMetric(float64(record.Microseconds())/float64(b.N), "record-us")
			b.ReportMetric(100*float64(b.N)/b.Elapsed().Seconds(), "people/s")
		})
		b.Run(kind+"/standing", func(b *testing.B) {
			for b.Loop() {
				storetest.The(st.UpkeepStanding(ctx))(b)
			}
		})
		b.Run(kind+"/versions", func(b *testing.B) {
			for b.Loop() {
				storetest.The(st.Versions(ctx))(b)
			}
		})
	}
}
