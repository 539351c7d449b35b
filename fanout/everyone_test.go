package fanout_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	noun "github.com/fanfare/fanfare/broadcast/person"
	"github.com/fanfare/fanfare/fanout"
	"github.com/fanfare/fanfare/store/storetest"
)

// paged lets a test step in between the pages of a list.
type paged struct {
	fanout.Roll
	page   int
	before func(page int)
}

// known puts people into the directory.
func (w *world) known(people ...broadcast.EntraID) {
	w.Helper()
	yes, no := true, false
	var patches []noun.Patch
	for _, p := range people {
		name := "Person " + string(p)
		patches = append(patches, noun.Patch{EntraID: p, Name: &name, UPN: &name, Guest: &no, Enabled: &yes, Licensed: &yes, Deleted: &no})
	}
	w.no(w.st.SavePeople(w.Context(), patches, nil))
}

func (p *paged) ListAudience(ctx context.Context, id broadcast.ID, after broadcast.EntraID) (broadcast.EntraID, error) {
	if p.page++; p.before != nil {
		p.before(p.page)
	}
	if err := ctx.Err(); err != nil {
		return "", err
	}
	return p.Roll.ListAudience(ctx, id, after)
}

// crowded is a broadcast to everyone: 1 to n have the bot, 10,000 more have not.
func (w *world) crowded(n int, change ...func(*broadcast.Broadcast)) broadcast.ID {
	w.Helper()
	for i := range n {
		w.known(id(i + 1))
	}
	columns := slices.DeleteFunc(storetest.Columns(w, w.dsn)["people"], func(c string) bool { return c == "excluded" }) // generated
	values := slices.Clone(columns)
	values[slices.Index(values, "entra_id")] = `'ffffffff-0000-4000-8000-' || CAST(100000000000 + n.i AS text)`
	must(storetest.SQL(w, w.dsn).ExecContext(w.Context(), `INSERT INTO people (`+strings.Join(columns, ", ")+`) SELECT `+strings.Join(values, ", ")+` FROM people,
		(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) SELECT i FROM n) AS n WHERE entra_id = '`+string(id(1))+`'`))
	must(storetest.SQL(w, w.dsn).ExecContext(w.Context(), "ANALYZE")) // as the database does by itself, later
	w.clock.forward(time.Second)
	return w.resolving("Everyone", append(change, func(b *broadcast.Broadcast) { b.Audience = broadcast.Everyone() })...)
}

func TestSendingBeginsBeforeTheListIsComplete(t *testing.T) {
	t.Parallel()
	each(t, 20, func(w *world) {
		bid := w.crowded(20)
		w.clock.forward(time.Second)
		r, pages := w.resolver(), &paged{Roll: w.st}
		r.Roll = pages
		pages.before = func(page int) {
			if page != 2 {
				return
			}
			b := w.in(bid, broadcast.Sending)
			if b.Expected != 10_020 || !b.ListedAt.IsZero() {
				w.Errorf("%d people are expected, the list is from %v", b.Expected, b.ListedAt)
			}
			w.no(w.send(w.Context(), bid))
			w.onceEach(20)
			w.sweep()
			w.in(bid, broadcast.Sending)                    // not finished: some are not on the list yet
			w.known("ffffffff-ffff-4000-8000-000000000000") // who comes now is not meant
			for _, ev := range []broadcast.Event{broadcast.EventPause, broadcast.EventResume} {
				must(w.service.Do(w.Context(), admin, ev, broadcast.Ask{ID: bid}))
			}
		}
		w.no(r.Resolve(w.Context(), bid))
		b := w.in(bid, broadcast.Sending)
		if b.ListedAt.IsZero() || b.Expected != 10_020 || b.Tally.Total != 10_020 || b.Tally.Sent != 20 {
			w.Errorf("%d expected, listed at %v: %+v", b.Expected, b.ListedAt, b.Tally)
		}
		w.no(w.send(w.Context(), bid))
		w.tally(bid)
		w.onceEach(20)
	})
}

func TestAListThatWasInterruptedIsWrittenToItsEnd(t *testing.T) {
	t.Parallel()
	each(t, 3, func(w *world) {
		bid := w.crowded(3)
		for page := 1; page <= 3; page++ { // killed before each page in turn
			r, pages := w.resolver(), &paged{Roll: w.st}
			ctx, kill := context.WithCancel(w.Context())
			pages.before = func(n int) {
				if n == page {
					kill()
				}
			}
			r.Roll = pages
			if err := r.Resolve(ctx, bid); !errors.Is(err, context.Canceled) {
				w.Errorf("the engine is told %v", err)
			}
			if d := w.sweep(); !d.asked(broadcast.Work{Kind: broadcast.KindResolve, BroadcastID: bid}) {
				w.Error("nobody is asked to go on")
			}
		}
		w.no(w.resolver().Resolve(w.Context(), bid))
		if b := w.in(bid, broadcast.Sending); b.ListedAt.IsZero() || b.Tally.Total != 10_003 || b.Expected != 10_003 {
			w.Errorf("%d expected, %+v", b.Expected, b.Tally)
		}
		w.tally(bid)
	})
}

func TestACancelledListIsNotWrittenToItsEnd(t *testing.T) {
	t.Parallel()
	each(t, 3, func(w *world) {
		bid := w.crowded(3)
		r, pages := w.resolver(), &paged{Roll: w.st}
		pages.before = func(page int) {
			if page == 2 {
				must(w.service.Do(w.Context(), admin, broadcast.EventCancel, broadcast.Ask{ID: bid}))
			}
		}
		r.Roll = pages
		w.no(r.Resolve(w.Context(), bid)) // no trouble of anybody's
		first := w.in(bid, broadcast.Cancelled).Tally.Total
		if pages := map[string]int{storetest.Postgres: 10_000, storetest.SQLite: 2_000}; first != pages[w.kind] {
			w.Errorf("%d people are listed after the first page", first)
		}
		w.no(w.sweeper(nil).Cancel(w.Context(), bid))
		if got := w.tally(bid); got.Cancelled != first {
			w.Errorf("%+v", got)
		}
	})
}

func TestAFirstWaveOfEveryoneComesBeforeTheirList(t *testing.T) {
	t.Parallel()
	each(t, 9, func(w *world) {
		bid := w.crowded(9, func(b *broadcast.Broadcast) { b.Plan.Canary.People, b.Wave = 5, 0 })
		r, pages := w.resolver(), &paged{Roll: w.st}
		pages.before = func(page int) {
			if page == 2 {
				w.no(w.send(w.Context(), bid))
				w.onceEach(5)
				w.sweep()
				w.in(bid, broadcast.Held)
			}
		}
		r.Roll = pages
		w.no(r.Resolve(w.Context(), bid))
		if b := w.in(bid, broadcast.Held); b.Reason != "First wave: 5 of 5 sent." || b.Tally.Total != 10_009 || b.ListedAt.IsZero() {
			w.Errorf("held because %q: %+v", b.Reason, b.Tally)
		}
		must(w.service.Do(w.Context(), admin, broadcast.EventGo, broadcast.Ask{ID: bid}))
		w.no(w.send(w.Context(), bid))
		w.tally(bid)
		w.onceEach(9)
	})
}

func TestNobodyInTheDirectoryIsAnEmptyAudience(t *testing.T) {
	t.Parallel()
	each(t, 1, func(w *world) {
		bid := w.resolving("Nobody", func(b *broadcast.Broadcast) { b.Audience = broadcast.Everyone() })
		w.no(w.resolver().Resolve(w.Context(), bid))
		if b := w.in(bid, broadcast.Failed); b.Reason == "" {
			w.Error("nobody is told why")
		}
	})
}
