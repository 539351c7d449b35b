package store_test

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	noun "github.com/fanfare/fanfare/broadcast/person"
	"github.com/fanfare/fanfare/store"
	"github.com/fanfare/fanfare/store/storetest"
)

// BenchmarkOrganisation takes a whole organisation through the ledger, once, and
// reports each stage's people per second and each reading's milliseconds:
//
//	FANFARE_BENCH_PEOPLE=1000000 go test ./store -run '^$' -bench Organisation -benchtime 1x -timeout 1h
func BenchmarkOrganisation(b *testing.B) {
	people, err := strconv.Atoi(os.Getenv("FANFARE_BENCH_PEOPLE"))
	if err != nil {
		people = 10_000
	}
	for _, kind := range storetest.Kinds() {
		b.Run(kind, func(b *testing.B) {
			for b.Loop() {
				st := storetest.Open(b, storetest.DSN(b, kind), nil)
				bid := benchWriting(b, st, people)
				benchReading(b, st, bid, people)
			}
		})
	}
}

// stage times f and reports it as people per second.
func stage(b *testing.B, name string, people int, f func()) {
	b.Helper()
	start := time.Now()
	f()
	b.ReportMetric(float64(people)/time.Since(start).Seconds(), name+"/s")
}

func benchWriting(b *testing.B, st *store.Store, n int) broadcast.ID {
	stage(b, "directory", n, func() {
		people(b, st, n)
		must(b, st.EndRound(ctx, noun.Cursor{}))
	})
	stage(b, "wanted", n, func() {
		must(b, st.SetRollout(ctx, broadcast.RolloutIdle, broadcast.RolloutRunning, author, at(0)))
	})
	stage(b, "installed", n, func() {
		for {
			take := the(st.TakeInstallations(ctx, 100, minute))(b)
			if len(take) == 0 {
				return
			}
			out := make([]broadcast.InstallOutcome, len(take))
			for i, one := range take {
				out[i] = broadcast.InstallOutcome{EntraID: one.EntraID, Fence: one.Fence, State: broadcast.InstallationInstalled, Address: new(address(i)), At: time.Now()}
			}
			must(b, st.RecordInstallations(ctx, out))
		}
	})
	d := draft(b, st)
	move(b, st, d.ID, broadcast.Resolving)
	const chunk = 200 // as fanout.ChunkSize
	stage(b, "resolved", n, func() {
		for i := 1; i <= n; i += chunk {
			must(b, st.AddDeliveries(ctx, d.ID, everybody(i, min(i+chunk-1, n)), 1))
		}
	})
	move(b, st, d.ID, broadcast.Sending)
	stage(b, "recorded", n, func() {
		for range (n + chunk - 1) / chunk {
			c := the(st.TakeNext(ctx, d.ID, minute, 0))(b)
			out := make([]broadcast.Outcome, len(c.Deliveries))
			for j, one := range c.Deliveries {
				if out[j] = sent(one); one.ID%1000 == 0 {
					out[j].State, out[j].Reason = broadcast.DeliveryFailed, broadcast.ReasonGone
				}
			}
			must(b, st.FinishChunk(ctx, c, out))
		}
	})
	return d.ID
}

func benchReading(b *testing.B, st *store.Store, bid broadcast.ID, n int) {
	read := func(name string, f func() error) {
		b.Helper()
		must(b, f()) // warm
		start := time.Now()
		must(b, f())
		b.ReportMetric(float64(time.Since(start).Microseconds())/1000, name+"-ms")
	}
	page := func(q broadcast.RecipientQuery) func() error {
		q.BroadcastID, q.Limit = bid, 100
		return func() error { _, err := st.Recipients(ctx, q); return err }
	}
	read("page", page(broadcast.RecipientQuery{}))
	read("page-deep", page(broadcast.RecipientQuery{After: int64(n) - 500}))
	read("page-sent", page(broadcast.RecipientQuery{State: broadcast.DeliverySent, After: int64(n) / 2}))
	read("page-failed", page(broadcast.RecipientQuery{State: broadcast.DeliveryFailed}))
	read("page-expired", page(broadcast.RecipientQuery{State: broadcast.DeliveryExpired}))
	read("page-reason", page(broadcast.RecipientQuery{Reason: broadcast.ReasonGone}))
	read("page-no-reason", page(broadcast.RecipientQuery{State: broadcast.DeliverySent, Reason: broadcast.ReasonGone}))
	read("page-one-name", page(broadcast.RecipientQuery{Text: fmt.Sprint(n - 1)}))
	read("page-all-names", page(broadcast.RecipientQuery{Text: "person"}))
	read("page-some-names", page(broadcast.RecipientQuery{Text: "12"}))
	read("page-failed-names", page(broadcast.RecipientQuery{Text: "person", State: broadcast.DeliveryFailed}))
	read("page-nobody", page(broadcast.RecipientQuery{Text: "zebra"}))
	read("reasons", func() error { _, err := st.Reasons(ctx, bid); return err })
	read("tally", func() error { _, _, err := stateAndTally(st, bid); return err })
	read("reach", func() error { _, err := st.Reach(ctx, broadcast.Everyone()); return err })
	read("rollout", func() error { _, err := st.Rollout(ctx); return err })
	read("installs", func() error {
		_, err := st.Installations(ctx, broadcast.InstallQuery{State: broadcast.InstallationInstalled, Limit: 100})
		return err
	})
	read("unfinished", func() error { _, err := st.Unfinished(ctx, 64); return err })
}
