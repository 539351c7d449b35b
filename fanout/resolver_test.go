package fanout_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/audience"
	"github.com/fanfare/fanfare/broadcast/lists"
	"github.com/fanfare/fanfare/fanout"
)

func (r *replica) resolver() *fanout.Resolver {
	return &fanout.Resolver{Service: r.service, Ledger: r.st, Directory: r.gatherer, Roll: r.st, Now: r.now, Log: slog.New(slog.DiscardHandler)}
}

func TestEverybodyOfAnAudienceIsOnTheListOnceInChunks(t *testing.T) {
	t.Parallel()
	each(t, 3, func(w *world) {
		bid := w.resolving("List")
		w.people.members = append(recipients(1, 450), broadcast.Recipient{EntraID: id(451), Excluded: broadcast.ReasonGuest})
		w.no(w.resolver().Resolve(w.Context(), bid))
		w.in(bid, broadcast.Sending)
		if got := w.tally(bid); got != (broadcast.Tally{Total: 451, Ready: 3, Pending: 447, Skipped: 1}) {
			t.Errorf("%+v", got)
		}
		inChunk := map[int]int{}
		for _, d := range w.deliveries(bid) {
			inChunk[d.Chunk]++
		}
		if inChunk[1] != fanout.ChunkSize || inChunk[2] != fanout.ChunkSize || inChunk[3] != 51 {
			t.Errorf("%v", inChunk)
		}
		w.no(w.resolver().Resolve(w.Context(), bid)) // done work that comes again does nothing
	})
}

func TestAnAudienceThatCannotBeReadInFullFailsTheBroadcast(t *testing.T) {
	t.Parallel()
	each(t, 1, func(w *world) {
		bid := w.resolving("Half a list")
		w.people.members = recipients(1, 300)
		w.people.step = func(i int) error {
			if i == 250 {
				return broadcast.Errorf(broadcast.NotFound, "The group Sales is gone. Choose another audience.")
			}
			return nil
		}
		w.no(w.resolver().Resolve(w.Context(), bid))
		b := w.in(bid, broadcast.Failed)
		if !strings.Contains(b.Reason, "Sales is gone") || w.tally(bid).Total != 0 {
			w.Errorf("failed because %q, with %+v left on the list", b.Reason, b.Tally)
		}
	})
}

func TestAnUploadedListThatWasDeletedAfterApprovalFailsTheBroadcast(t *testing.T) {
	t.Parallel()
	each(t, 3, func(w *world) {
		l := lists.List{ID: broadcast.NewID(w.now()), Name: "Jubilees", Rows: 2, Found: 2, People: 2}
		w.no(w.st.SaveList(w.Context(), l, []lists.Outcome{{Row: lists.Row{Line: 1}, EntraID: id(1)}, {Row: lists.Row{Line: 2}, EntraID: id(2)}}))
		named := func(b *broadcast.Broadcast) { b.Audience = audience.Of(l.Part()) }
		kept, lost := w.resolving("Before", named), w.resolving("After", named)
		w.no(w.resolver().Resolve(w.Context(), kept))
		if got := w.tally(kept); got.Total != 2 {
			w.Errorf("%+v", got)
		}
		w.no(w.st.DropList(w.Context(), l.ID))
		w.no(w.resolver().Resolve(w.Context(), lost))
		b := w.in(lost, broadcast.Failed)
		if !strings.Contains(b.Reason, "The list “Jubilees (2 people)” was deleted") || w.tally(lost).Total != 0 {
			w.Errorf("failed because %q, with %+v on the list", b.Reason, b.Tally)
		}
		if got := w.tally(kept); got.Total != 2 {
			w.Errorf("who is on a frozen list stays on it: %+v", got)
		}
	})
}

func TestNobodyJoinsAListThatWasFrozen(t *testing.T) {
	t.Parallel()
	each(t, 3, func(w *world) {
		bid := w.resolving("Frozen")
		w.people.members = recipients(1, 3)
		w.no(w.resolver().Resolve(w.Context(), bid))
		w.no(w.service.Advance(w.Context(), bid, broadcast.EventFail, "Teams refused it."))
		w.people.members = recipients(1, 9)
		must(w.service.Do(w.Context(), admin, broadcast.EventResume, broadcast.Ask{ID: bid}))
		w.no(w.resolver().Resolve(w.Context(), bid))
		if b := w.in(bid, broadcast.Sending); b.Tally.Total != 3 {
			w.Errorf("newcomers joined the frozen list: %+v", b.Tally)
		}
	})
}

func TestPassingTroubleLeavesTheRestForLater(t *testing.T) {
	t.Parallel()
	each(t, 1, func(w *world) {
		bid, trouble := w.resolving("Interrupted"), errors.New("Graph does not answer")
		w.people.members = recipients(1, 300)
		w.people.step = func(i int) error {
			if i == 250 {
				return trouble
			}
			return nil
		}
		if err := w.resolver().Resolve(w.Context(), bid); !errors.Is(err, trouble) {
			w.Errorf("the engine is told %v", err)
		}
		w.in(bid, broadcast.Resolving)
		w.people.step = nil
		w.no(w.resolver().Resolve(w.Context(), bid))
		w.in(bid, broadcast.Sending)
		if got := w.tally(bid); got.Total != 300 {
			w.Errorf("%+v", got)
		}
	})
}

func TestAStopWhileResolvingIsNoEnd(t *testing.T) {
	t.Parallel()
	each(t, 1, func(w *world) {
		bid := w.resolving("Stopped")
		ctx, stop := context.WithCancel(w.Context())
		w.people.members = recipients(1, 300)
		w.people.step = func(i int) error { // a directory that goes on although it should not
			if i == 250 {
				stop()
			}
			return nil
		}
		if err := w.resolver().Resolve(ctx, bid); !errors.Is(err, context.Canceled) {
			w.Errorf("the engine is told %v", err)
		}
		w.in(bid, broadcast.Resolving)
		w.no(w.resolver().Resolve(w.Context(), bid))
		if got := w.tally(bid); got.Total != 300 {
			w.Errorf("%+v", got)
		}
	})
}

func TestNobodyIsAddedToABroadcastThatWasCancelled(t *testing.T) {
	t.Parallel()
	each(t, 1, func(w *world) {
		bid := w.resolving("Cancelled")
		w.people.members = recipients(1, 600)
		w.people.step = func(i int) error {
			if i == 250 {
				must(w.service.Do(w.Context(), admin, broadcast.EventCancel, broadcast.Ask{ID: bid}))
			}
			return nil
		}
		w.no(w.resolver().Resolve(w.Context(), bid)) // no trouble of anybody's
		w.in(bid, broadcast.Cancelled)
		if got := w.tally(bid); got.Total != 0 {
			w.Errorf("%+v", got)
		}
	})
}

func TestAnotherAudienceThanTheApprovedOneIsNotResolved(t *testing.T) {
	t.Parallel()
	each(t, 1, func(w *world) {
		bid := w.resolving("Widened")
		w.put(bid, broadcast.Resolving, func(b *broadcast.Broadcast) {
			b.Audience = broadcast.InGroups(broadcast.Group{ID: "5eed0000-aaaa-4bbb-8ccc-0123456789ab"})
		})
		w.people.members = recipients(1, 3)
		w.no(w.resolver().Resolve(w.Context(), bid))
		if b := w.in(bid, broadcast.Failed); b.Reason == "" || b.Tally.Total != 0 {
			w.Errorf("%q, %+v", b.Reason, b.Tally)
		}
	})
}

func TestAnEmptyAudienceFailsTheBroadcast(t *testing.T) {
	t.Parallel()
	each(t, 1, func(w *world) {
		bid := w.resolving("Nobody")
		w.no(w.resolver().Resolve(w.Context(), bid))
		if b := w.in(bid, broadcast.Failed); b.Reason == "" {
			w.Error("nobody is told why")
		}
	})
}

func TestTwoWhoResolveTheSameDoubleNobody(t *testing.T) {
	t.Parallel()
	each(t, 1, func(w *world) {
		bid := w.resolving("Doubled work")
		var hands sync.WaitGroup
		for _, r := range []*replica{w.replica, w.newReplica(w.clock)} {
			r.people.members = recipients(1, 500)
			hands.Go(func() {
				if err := r.resolver().Resolve(w.Context(), bid); err != nil {
					w.Error(err)
				}
			})
		}
		hands.Wait()
		w.in(bid, broadcast.Sending)
		if got := w.tally(bid); got.Total != 500 {
			w.Errorf("%+v", got)
		}
	})
}
