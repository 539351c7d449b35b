package fanout_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	noun "github.com/fanfare/fanfare/broadcast/person"
	"github.com/fanfare/fanfare/engine"
	"github.com/fanfare/fanfare/engine/local"
	"github.com/fanfare/fanfare/fanout"
	"github.com/fanfare/fanfare/rollout"
)

// desk is an engine that only notes what it is asked.
type desk struct {
	broadcast.Engine
	mu    sync.Mutex
	works []broadcast.Work
}

func (d *desk) Enqueue(_ context.Context, works ...broadcast.Work) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.works = append(d.works, works...)
	return nil
}

func (d *desk) asked(w broadcast.Work) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Contains(d.works, w)
}

func (r *replica) sweeper(e broadcast.Engine) *fanout.Sweeper {
	return &fanout.Sweeper{
		Service: r.service, Ledger: r.st, Leftovers: r.st, Marks: r.st, Directory: r.gatherer, Engine: e, Now: r.now, Log: slog.New(slog.DiscardHandler),
	}
}

func (r *replica) hands(e broadcast.Engine) *fanout.Hands {
	return &fanout.Hands{
		Resolver: r.resolver(), Sender: r.sender,
		Sweeper: r.sweeper(e),
		Install: func(context.Context) error { return nil },
		Rosters: func(context.Context) error { return nil },
		Upkeep:  func(context.Context) error { return nil },
		Sync:    func(context.Context) error { return nil },
		Refresh: func(context.Context) error { return nil },
	}
}

func TestTheSweepMovesOnWhatIsDueAndFindsWhatHasNobody(t *testing.T) {
	t.Parallel()
	each(t, 2, func(w *world) {
		due, early := w.resolving("Due"), w.resolving("Early")
		for bid, at := range map[broadcast.ID]time.Time{due: w.clock.now().Add(-time.Second), early: w.clock.now().Add(time.Hour)} {
			w.put(bid, broadcast.Scheduled, func(b *broadcast.Broadcast) { b.DueAt = at })
		}
		done := w.sending("Done", []broadcast.Recipient{{EntraID: id(1), Excluded: broadcast.ReasonGuest}})
		open := w.sending("Open", recipients(1, 1), recipients(2, 2))
		gone := w.sending("Cancelled", recipients(1, 2))
		w.put(gone, broadcast.Cancelled, nil)
		d := &desk{}
		w.no(w.hands(d).Do(w.Context(), broadcast.Work{Kind: broadcast.KindSweep}))
		w.in(due, broadcast.Resolving)
		w.in(early, broadcast.Scheduled)
		w.in(done, broadcast.Sent)
		for _, want := range []broadcast.Work{
			{Kind: broadcast.KindResolve, BroadcastID: due},
			{Kind: broadcast.KindCancel, BroadcastID: gone},
			{Kind: broadcast.KindSend, BroadcastID: open, Seat: 1, Priority: broadcast.PriorityNormal},
			{Kind: broadcast.KindSend, BroadcastID: open, Seat: 2, Priority: broadcast.PriorityNormal},
		} {
			if !d.asked(want) {
				w.Errorf("nobody is asked for %+v", want)
			}
		}
	})
}

// A short broadcast that begins while a long one is under way must not wait for its
// end: hours, at Microsoft's limit.
func TestAShortBroadcastDoesNotWaitForALongOne(t *testing.T) {
	t.Parallel()
	each(t, 3, func(w *world) {
		long := make([][]broadcast.Recipient, 100)
		for i := range long {
			long[i] = []broadcast.Recipient{{EntraID: id(1000 + i)}}
			w.no(w.st.BotAdded(w.Context(), id(1000+i), w.at[1]))
		}
		first := w.sending("Long", long...)
		second := w.sending("Short", recipients(1, 3))
		d := &desk{}
		w.no(w.hands(d).Do(w.Context(), broadcast.Work{Kind: broadcast.KindSweep}))
		for _, bid := range []broadcast.ID{first, second} {
			if !d.asked(broadcast.Work{Kind: broadcast.KindSend, BroadcastID: bid, Seat: 1, Priority: broadcast.PriorityNormal}) {
				w.Errorf("nobody is asked for %s: %v", bid, d.works)
			}
		}
	})
}

func TestWorkOfAnUnknownKindIsAnError(t *testing.T) {
	t.Parallel()
	if err := (&fanout.Hands{}).Do(t.Context(), broadcast.Work{Kind: "dance"}); err == nil {
		t.Error("done")
	}
}

func TestEveryKindOfWorkHasHands(t *testing.T) {
	t.Parallel()
	each(t, 1, func(w *world) {
		for _, k := range broadcast.Kinds() {
			err := w.hands(&desk{}).Do(w.Context(), broadcast.Work{Kind: k, BroadcastID: broadcast.NewID(w.clock.now())})
			if err != nil && !broadcast.IsCode(err, broadcast.NotFound) {
				w.Errorf("%s: %v", k, err)
			}
		}
	})
}

func TestNewcomersAreWantedAfterEveryReadingOfTheDirectory(t *testing.T) {
	t.Parallel()
	each(t, 1, func(w *world) {
		h, read := w.hands(&desk{}), errors.New("Graph is down")
		h.Sync = func(context.Context) error { return read }
		if err := h.Do(w.Context(), broadcast.Work{Kind: broadcast.KindSync}); !errors.Is(err, read) {
			w.Errorf("%v", err)
		}
		h.Sync = func(ctx context.Context) error {
			yes, no, name := true, false, "New"
			return w.st.SavePeople(ctx, []noun.Patch{{EntraID: id(9), Name: &name, UPN: &name, Guest: &no, Enabled: &yes, Licensed: &yes}}, nil)
		}
		going := rollout.NewService(rollout.Config{Ledger: w.st, Rings: w.st, Counting: w.st, Samples: w.st, Directory: w.gatherer, Now: w.now, Log: slog.New(slog.DiscardHandler)})
		h.Refresh = going.Refresh
		w.no(going.Start(w.Context(), admin))
		w.no(h.Do(w.Context(), broadcast.Work{Kind: broadcast.KindSync}))
		if r := must(w.st.Rollout(w.Context())); r.Wanted != 1 {
			w.Errorf("%+v", r)
		}
	})
}

// TestTheWholeWay lets a real engine do everything, from the list to the end.
func TestTheWholeWay(t *testing.T) {
	t.Parallel()
	each(t, 60, func(w *world) {
		eng := must(local.New(engine.Options{Periodic: []broadcast.Periodic{{Work: broadcast.Work{Kind: broadcast.KindSweep}, Every: time.Second}}}))
		w.people.members = recipients(1, 60)
		h := w.hands(eng)
		ctx, stop := context.WithCancel(w.Context())
		ended := make(chan error, 1)
		go func() { ended <- eng.Run(ctx, h.Do) }()
		bid := w.resolving("The whole way")
		until(w, "the broadcast is sent", func() bool { return w.read(bid).State == broadcast.Sent })
		stop()
		w.no(<-ended)
		if got := w.tally(bid); got.Sent != 60 || got.MaybeRepeated != 0 {
			w.Errorf("%+v", got)
		}
		w.onceEach(60)
	})
}
