package store_test

import (
	"fmt"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/audience"
	"github.com/fanfare/fanfare/store"
	"github.com/fanfare/fanfare/store/storetest"
)

func TestABroadcastIsReadAsItWasStored(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		text := rapid.StringMatching(`[a-zA-Zäß "'\\\n<>&%_{}\x{1F600}]{0,30}`)
		stored := func() *rapid.Generator[time.Time] {
			return rapid.Custom(func(r *rapid.T) time.Time {
				ms := rapid.Int64Range(0, 4e12).Draw(r, "ms")
				if ms == 0 {
					return time.Time{}
				}
				return time.UnixMilli(ms).UTC()
			})
		}()
		who := rapid.Custom(func(r *rapid.T) broadcast.ActorRef {
			return broadcast.ActorRef{ID: broadcast.EntraID(text.Draw(r, "id")), Name: text.Draw(r, "name")}
		})
		parts := rapid.SampledFrom([][]audience.Part{
			nil,
			{{Kind: audience.Everyone}},
			{group("a"), group("b")},
			{{Kind: audience.Attribute, Field: audience.Department, Values: []string{"R&D", ""}}, {Kind: audience.Person, ID: "p", Name: "\"Ä"}},
		})
		rapid.Check(t, func(r *rapid.T) {
			b := &broadcast.Broadcast{
				ID: broadcast.NewID(time.Now()), Kind: broadcast.KindAnnouncement, State: broadcast.Draft,
				Message: broadcast.Message{
					Title: text.Draw(r, "title"), Body: text.Draw(r, "body"), ImageURL: text.Draw(r, "url"), ImageAlt: text.Draw(r, "alt"),
					Buttons: rapid.SampledFrom([][]broadcast.Button{nil, {}, {{Title: "Öffnen", URL: "https://a"}, {}}}).Draw(r, "buttons"),
				},
				Audience: broadcast.Audience{Include: parts.Draw(r, "include"), Exclude: parts.Draw(r, "exclude")},
				Author:   who.Draw(r, "author"), SubmittedBy: who.Draw(r, "submitted"), ApprovedBy: who.Draw(r, "approved"),
				Editors:      rapid.SampledFrom([][]broadcast.EntraID{nil, {}, {"a", "b"}}).Draw(r, "editors"),
				ApprovedHash: text.Draw(r, "hash"), Reason: text.Draw(r, "reason"),
				DueAt: stored.Draw(r, "due"), CreatedAt: stored.Draw(r, "created"), UpdatedAt: stored.Draw(r, "updated"), StartedAt: stored.Draw(r, "started"), FinishedAt: stored.Draw(r, "finished"),
			}
			hash := b.Hash()
			if err := st.Create(ctx, b, broadcast.Move{BroadcastID: b.ID, Event: broadcast.EventCreate, To: broadcast.Draft}); err != nil {
				r.Fatal(err)
			}
			got, err := st.Broadcast(ctx, b.ID)
			if err != nil {
				r.Fatal(err)
			}
			if !reflect.DeepEqual(got, b) {
				r.Fatalf("stored %+v\nread %+v", b, got)
			}
			if got.Hash() != hash {
				r.Fatal("the hash an approver would see has changed by storing")
			}
		})
	})
}

func TestAMoveIsStoredWithItsAuditLine(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		b := draft(t, st)
		next := *b
		next.State, next.Message.Title, next.Reason = broadcast.InReview, "Better", "because"
		next.DueAt = time.UnixMilli(1_800_000_000_000).UTC()
		at := time.UnixMilli(1_700_000_000_000).UTC()
		m := broadcast.Move{BroadcastID: b.ID, Event: broadcast.EventSubmit, From: broadcast.Draft, To: broadcast.InReview, By: author, At: at, Note: "please", Hash: next.Hash()}
		got := the(st.Change(ctx, broadcast.Change{Before: b, After: &next, Move: m}))(t)
		if got.Revision != 2 || got.State != broadcast.InReview || got.Message.Title != "Better" || !got.DueAt.Equal(next.DueAt) {
			t.Fatalf("changed to %+v", got)
		}
		// What is taken back is really gone: zero values are stored too.
		back := *got
		back.State, back.DueAt, back.Reason = broadcast.Draft, time.Time{}, ""
		m2 := broadcast.Move{BroadcastID: b.ID, Event: broadcast.EventWithdraw, From: broadcast.InReview, To: broadcast.Draft, By: author, At: at}
		got = the(st.Change(ctx, broadcast.Change{Before: got, After: &back, Move: m2}))(t)
		if !got.DueAt.IsZero() || got.Reason != "" || got.Revision != 3 {
			t.Fatalf("changed back to %+v", got)
		}
		moves := the(st.History(ctx, b.ID))(t)
		if len(moves) != 3 || moves[0].Event != broadcast.EventCreate || !reflect.DeepEqual(moves[1], m) || !reflect.DeepEqual(moves[2], m2) {
			t.Fatalf("history: %+v", moves)
		}
	})
}

func TestTwoMovesFromTheSameStateCannotBothWin(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		b := draft(t, st)
		var won, lost atomic.Int32
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				next := *b
				next.State, next.Reason = broadcast.InReview, fmt.Sprint(i)
				_, err := st.Change(ctx, broadcast.Change{Before: b, After: &next, Move: broadcast.Move{BroadcastID: b.ID, Event: broadcast.EventSubmit}})
				switch {
				case err == nil:
					won.Add(1)
				case broadcast.IsCode(err, broadcast.Conflict):
					lost.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if won.Load() != 1 || lost.Load() != 7 {
			t.Fatalf("%d won and %d lost", won.Load(), lost.Load())
		}
		if n := len(the(st.History(ctx, b.ID))(t)); n != 2 {
			t.Fatalf("%d lines in the audit trail, want 2", n)
		}
	})
}

func TestAStaleChangeStoresNothing(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		var handed []broadcast.Work
		b := draft(t, st)
		st.HandOutAfterCommit(collect(&handed))
		for name, before := range map[string]broadcast.Broadcast{
			"revision": {ID: b.ID, State: b.State, Revision: 7},
			"state":    {ID: b.ID, State: broadcast.Approved, Revision: b.Revision},
		} {
			next := *b
			next.Message.Title = "lost"
			_, err := st.Change(ctx, broadcast.Change{Before: &before, After: &next, Works: []broadcast.Work{{Kind: broadcast.KindSweep}}})
			if !broadcast.IsCode(err, broadcast.Conflict) {
				t.Fatalf("%s: %v, want a conflict", name, err)
			}
		}
		missing := *b
		missing.ID = broadcast.NewID(time.Now())
		if _, err := st.Change(ctx, broadcast.Change{Before: &missing, After: &missing}); !broadcast.IsCode(err, broadcast.NotFound) {
			t.Fatalf("%v, want not found", err)
		}
		if got := the(st.Broadcast(ctx, b.ID))(t); got.Message.Title != "Hello" || len(handed) > 0 || len(the(st.History(ctx, b.ID))(t)) != 1 {
			t.Fatalf("a stale change left something: %+v %v", got, handed)
		}
	})
}

func TestABroadcastNobodyHasIsNotFound(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		for _, odd := range []broadcast.ID{"", "none", "a\x00b", "\xff\xfe", "' OR 1=1 --"} {
			if _, err := st.Broadcast(ctx, odd); !broadcast.IsCode(err, broadcast.NotFound) {
				t.Errorf("%q: %v, want not found", odd, err)
			}
			if _, _, err := stateAndTally(st, odd); !broadcast.IsCode(err, broadcast.NotFound) {
				t.Errorf("%q: %v, want not found", odd, err)
			}
		}
	})
}

func TestOneIDIsCreatedOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		b := draft(t, st)
		if err := st.Create(ctx, b, broadcast.Move{BroadcastID: b.ID}); !broadcast.IsCode(err, broadcast.Conflict) {
			t.Fatalf("%v, want a conflict", err)
		}
	})
}

func TestListPagesNewestFirst(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		titles := []string{"One 100% sure", "Two", "Three ÄRGER", "Four_five", "Five"}
		for i, title := range titles {
			now := time.UnixMilli(int64(1_700_000_000_000 + i))
			b := &broadcast.Broadcast{ID: broadcast.NewID(now), State: broadcast.Draft, Message: broadcast.Message{Title: title}, CreatedAt: now}
			must(t, st.Create(ctx, b, broadcast.Move{BroadcastID: b.ID, Event: broadcast.EventCreate}))
			if i == 1 {
				move(t, st, b.ID, broadcast.Sent)
			}
		}
		list := func(q broadcast.ListQuery) []string {
			var got []string
			for q.Limit = 2; ; {
				page := the(st.List(ctx, q))(t)
				for _, b := range page.Broadcasts {
					got = append(got, b.Message.Title)
				}
				if q.After = page.Next; q.After == "" {
					return got
				}
			}
		}
		for _, c := range []struct {
			q    broadcast.ListQuery
			want []string
		}{
			{broadcast.ListQuery{}, []string{"Five", "Four_five", "Three ÄRGER", "Two", "One 100% sure"}},
			{broadcast.ListQuery{States: []broadcast.State{broadcast.Sent, broadcast.Failed}}, []string{"Two"}},
			{broadcast.ListQuery{States: []broadcast.State{broadcast.Draft}, Text: "FI"}, []string{"Five", "Four_five"}},
			{broadcast.ListQuery{Text: " ärger"}, []string{"Three ÄRGER"}},
			{broadcast.ListQuery{Text: "%"}, []string{"One 100% sure"}},
			{broadcast.ListQuery{Text: "_"}, []string{"Four_five"}},
			{broadcast.ListQuery{Text: `\`}, nil},
		} {
			if got := list(c.q); !reflect.DeepEqual(got, c.want) {
				t.Errorf("%+v: %q, want %q", c.q, got, c.want)
			}
		}
	})
}
