package store_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/fanfare/fanfare/broadcast"
	noun "github.com/fanfare/fanfare/broadcast/person"
	"github.com/fanfare/fanfare/store"
	"github.com/fanfare/fanfare/store/db"
	"github.com/fanfare/fanfare/store/storetest"
)

// TestTheTallyIsTheTruthWhateverHappens lets anything happen in any order, looks
// after each step, and lets nobody wait for what has come already.
func TestTheTallyIsTheTruthWhateverHappens(t *testing.T) {
	t.Parallel()
	storetest.EachAt(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		round := 0
		rapid.Check(t, func(r *rapid.T) {
			round++
			w := &world{t: t, r: r, st: st, clock: clock, first: round * 100, taken: map[broadcast.ID][]*taking{}, maybe: map[int64]bool{}, sent: map[int64]bool{}}
			w.start()
			for range rapid.IntRange(1, 15).Draw(r, "steps") {
				w.step()
				w.check()
			}
			w.end()
		})
	})
}

// world is ten people and two broadcasts to things that happen.
type world struct {
	t     *testing.T
	r     *rapid.T
	st    *store.Store
	clock *storetest.Clock
	first int
	ids   []broadcast.ID
	taken map[broadcast.ID][]*taking // chunks in hand, of living and dead workers
	maybe map[int64]bool             // deliveries that may have arrived
	sent  map[int64]bool             // deliveries recorded as sent
	wants []broadcast.Installation
}

// taking is one taking of a chunk, as its worker knows it.
type taking struct {
	broadcast.Chunk
	stored   int64 // how far the ledger knows it to be open
	recorded map[int64]bool
	finished bool
}

const crowd = 10

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.r.Fatal(err)
	}
}

func (w *world) person() int {
	return w.first + rapid.IntRange(0, crowd-1).Draw(w.r, "person")
}

func (w *world) start() {
	for i := range 2 {
		b := draft(w.t, w.st)
		next := *b
		if rapid.Bool().Draw(w.r, "avoid") {
			next.Plan.Repeats = broadcast.RepeatsAvoid
		}
		if rapid.Bool().Draw(w.r, "expires") {
			next.Plan.ExpiresAt = w.clock.Now().Add(2 * minute)
		}
		if i == 1 && rapid.Bool().Draw(w.r, "edit") {
			next.Kind, next.Target = broadcast.KindEdit, "none"
		}
		next.State, next.StartedAt = broadcast.Resolving, w.clock.Now()
		_, err := w.st.Change(ctx, broadcast.Change{Before: b, After: &next})
		w.must(err)
		w.ids = append(w.ids, b.ID)
	}
}

func (w *world) broadcast() broadcast.ID { return rapid.SampledFrom(w.ids).Draw(w.r, "broadcast") }

func (w *world) step() {
	rapid.SampledFrom([]func(){w.resolve, w.resolve, w.move, w.botAdded, w.botGone, w.take, w.take, w.record, w.record, w.finish, w.finish, w.install, w.installed, w.cancel, w.expire, w.late, w.retry, w.wait}).Draw(w.r, "step")()
}

func (w *world) resolve() {
	bid := w.broadcast()
	if b, err := w.st.Broadcast(ctx, bid); err != nil || b.State != broadcast.Resolving || !b.ListedAt.IsZero() {
		return // or its list is frozen: it failed after that and is resolved again
	}
	from := w.person()
	page := everybody(from, min(from+3, w.first+crowd-1))
	if rapid.Bool().Draw(w.r, "guest") {
		page[0].Excluded = broadcast.ReasonGuest
	}
	w.must(w.st.AddDeliveries(ctx, bid, page, rapid.IntRange(0, 1).Draw(w.r, "wave")))
}

func (w *world) move() {
	b, err := w.st.Broadcast(ctx, w.broadcast())
	w.must(err)
	to := map[broadcast.State][]broadcast.State{
		broadcast.Resolving: {broadcast.Sending}, broadcast.Sending: {broadcast.Paused, broadcast.Cancelled, broadcast.Failed, broadcast.Sending},
		broadcast.Paused: {broadcast.Sending}, broadcast.Failed: {broadcast.Resolving},
	}[b.State]
	if len(to) > 0 {
		w.change(b, rapid.SampledFrom(to).Draw(w.r, "to"))
	}
}

func (w *world) change(b *broadcast.Broadcast, to broadcast.State) {
	next := *b
	switch next.State = to; {
	case b.State == broadcast.Resolving && to == broadcast.Sending:
		next.ListedAt, next.Wave = w.clock.Now(), rapid.IntRange(0, 1).Draw(w.r, "first wave")
	case b.State == broadcast.Sending && to == broadcast.Sending:
		next.Wave = 1
	}
	_, err := w.st.Change(ctx, broadcast.Change{Before: b, After: &next})
	w.must(err)
}

func (w *world) botAdded() {
	n := w.person()
	w.must(w.st.BotAdded(ctx, id(n), address(n)))
}

func (w *world) botGone() {
	state := rapid.SampledFrom([]broadcast.InstallationState{broadcast.InstallationRemoved, broadcast.InstallationBlocked}).Draw(w.r, "state")
	w.must(w.st.BotGone(ctx, id(w.person()), state))
}

func (w *world) take() {
	bid := w.broadcast()
	window := rapid.IntRange(0, 3).Draw(w.r, "window")
	c, err := w.st.TakeNext(ctx, bid, minute, window)
	w.must(err)
	if c.Number == 0 {
		return
	}
	if window > 0 && window <= len(c.Deliveries) && c.OpenTo != c.Deliveries[window-1].ID || window == 0 && c.OpenTo != c.Deliveries[len(c.Deliveries)-1].ID {
		w.r.Fatalf("the window of %d is open to %d: %+v", window, c.OpenTo, c.Deliveries)
	}
	w.doubted(c)
	w.taken[bid] = append(w.taken[bid], &taking{Chunk: c, stored: c.OpenTo, recorded: map[int64]bool{}})
}

// doubted: what a dead worker had open and never recorded is in doubt, and nothing
// else is.
func (w *world) doubted(c broadcast.Chunk) {
	b, err := w.st.Broadcast(ctx, c.BroadcastID)
	w.must(err)
	var last *taking
	for _, t := range w.taken[c.BroadcastID] {
		if t.Number == c.Number {
			last = t
		}
	}
	for _, d := range c.Deliveries {
		open := last != nil && !last.finished && d.ID <= last.stored && !last.recorded[d.ID] &&
			slices.ContainsFunc(last.Deliveries, func(had broadcast.Delivery) bool { return had.ID == d.ID })
		switch {
		case w.sent[d.ID]:
			w.r.Fatalf("sent, and handed out again: %+v", d)
		case b.Kind == broadcast.KindEdit:
			open = false
		case open && b.Plan.Repeats == broadcast.RepeatsAvoid:
			w.r.Fatalf("may have arrived, and would be repeated: %+v", d)
		}
		if d.MaybeSent != (open || w.maybe[d.ID]) {
			w.r.Fatalf("in doubt is %v, want %v, after %+v: %+v", d.MaybeSent, open || w.maybe[d.ID], last, d)
		}
		w.maybe[d.ID] = d.MaybeSent
	}
}

func (w *world) chunk() (*taking, bool) {
	all := w.taken[w.broadcast()]
	if len(all) == 0 {
		return nil, false
	}
	return rapid.SampledFrom(all).Draw(w.r, "chunk"), true
}

// outcomes are those of some of the deliveries a worker may have begun.
func (w *world) outcomes(c *taking) []broadcast.Outcome {
	c.OpenTo = rapid.Int64Range(c.stored, c.Deliveries[len(c.Deliveries)-1].ID).Draw(w.r, "open to")
	var out []broadcast.Outcome
	for _, d := range c.Deliveries {
		if d.ID > c.stored || c.recorded[d.ID] || rapid.IntRange(0, 3).Draw(w.r, "not yet") == 0 {
			continue
		}
		o := outcome(d, rapid.SampledFrom([]broadcast.DeliveryState{broadcast.DeliverySent, broadcast.DeliverySent, broadcast.DeliveryFailed, broadcast.DeliverySkipped, broadcast.DeliveryReady}).Draw(w.r, "outcome"), "")
		o.At, o.MaybeSent = w.clock.Now(), d.MaybeSent || rapid.Bool().Draw(w.r, "maybe")
		switch rapid.IntRange(0, 5).Draw(w.r, "tells") {
		case 0:
			o.Installation = broadcast.InstallationBlocked
		case 1:
			o.Forget = true
		case 2:
			o.NewAddress = new(address(9))
		case 3:
			o.Code, o.Status = "ServiceError", 502
		}
		out = append(out, o)
	}
	return out
}

func (w *world) record() { w.tell(w.st.RecordOutcomes, false) }

func (w *world) finish() { w.tell(w.st.FinishChunk, true) }

func (w *world) tell(f func(context.Context, broadcast.Chunk, []broadcast.Outcome) error, last bool) {
	c, ok := w.chunk()
	if !ok {
		return
	}
	out := w.outcomes(c)
	err := f(ctx, c.Chunk, out)
	if broadcast.IsCode(err, broadcast.Conflict) {
		return
	}
	w.must(err)
	b, err := w.st.Broadcast(ctx, c.BroadcastID)
	w.must(err)
	for _, o := range out {
		c.recorded[o.DeliveryID] = true
		w.maybe[o.DeliveryID] = b.Kind != broadcast.KindEdit && (w.maybe[o.DeliveryID] || o.MaybeSent)
		w.sent[o.DeliveryID] = w.sent[o.DeliveryID] || o.State == broadcast.DeliverySent
	}
	c.stored, c.finished = max(c.stored, c.OpenTo), c.finished || last
}

func (w *world) expire() {
	_, err := w.st.ExpireLeft(ctx, w.broadcast(), 3)
	w.must(err)
}

func (w *world) late() {
	yes := true
	var patches []noun.Patch
	for _, p := range everybody(w.first, w.first+crowd-1) {
		patches = append(patches, noun.Patch{EntraID: p.EntraID, Enabled: &yes, Licensed: &yes})
	}
	w.must(w.st.SavePeople(ctx, patches, nil))
	_, err := w.st.JoinLate(ctx, w.broadcast(), "", 4)
	w.must(err)
}

func (w *world) retry() {
	b, err := w.st.Broadcast(ctx, w.broadcast())
	w.must(err)
	if b.State != broadcast.Sending && b.State != broadcast.Paused {
		return
	}
	next := *b
	next.RetryAt = w.clock.Now()
	_, err = w.st.Change(ctx, broadcast.Change{Before: b, After: &next})
	w.must(err)
	_, err = w.st.RetryFailed(ctx, b.ID, 3)
	w.must(err)
}

func (w *world) install() {
	got, err := w.st.TakeInstallations(ctx, 20, minute)
	w.must(err)
	w.wants = append(w.wants, got...)
}

func (w *world) installed() {
	var out []broadcast.InstallOutcome
	for _, i := range w.wants {
		o := broadcast.InstallOutcome{EntraID: i.EntraID, Fence: i.Fence, At: w.clock.Now()}
		o.State = rapid.SampledFrom([]broadcast.InstallationState{broadcast.InstallationWanted, broadcast.InstallationInstalled, broadcast.InstallationRefused}).Draw(w.r, "installed")
		if o.State == broadcast.InstallationInstalled && rapid.Bool().Draw(w.r, "addressed") {
			o.Address = new(address(3))
		}
		out = append(out, o)
	}
	w.must(w.st.RecordInstallations(ctx, out))
}

func (w *world) cancel() {
	_, err := w.st.CancelLeft(ctx, w.broadcast(), 3)
	w.must(err)
}

func (w *world) wait() { w.clock.Pass(40 * time.Second) }

func (w *world) check() {
	for _, bid := range w.ids {
		state, tally, err := stateAndTally(w.st, bid)
		w.must(err)
		all := deliveries(w.t, w.st, bid)
		if want := counted(all); tally != want {
			w.r.Fatalf("the tally says %+v and the deliveries %+v", tally, want)
		}
		if state == broadcast.Cancelled {
			continue
		}
		for _, d := range all {
			if d.State == broadcast.DeliveryPending && d.Address.ConversationID != "" {
				w.r.Fatalf("waits for an address that is there: %+v", d)
			}
		}
	}
}

// end: once every lease has run out, what is ready is found by the sweep and sent,
// and what is pending has an installation that somebody will look at.
func (w *world) end() {
	w.clock.Pass(10 * minute)
	for _, bid := range w.ids {
		b, err := w.st.Broadcast(ctx, bid)
		w.must(err)
		if b.State == broadcast.Sending {
			w.change(b, broadcast.Sending)
			w.drain(b)
		}
		for _, d := range deliveries(w.t, w.st, bid) {
			switch {
			case b.State == broadcast.Sending && d.State == broadcast.DeliveryReady:
				w.r.Fatalf("ready, and nobody will ever send it: %+v", d)
			case b.State != broadcast.Cancelled && d.State == broadcast.DeliveryPending:
				w.awaited(d)
			}
		}
		if b, err = w.st.Broadcast(ctx, bid); err == nil && b.State != broadcast.Cancelled && b.State != broadcast.Resolving {
			w.change(b, broadcast.Cancelled) // no ballast for the rounds to come
		}
		for n := 1; n > 0 && err == nil; {
			n, err = w.st.CancelLeft(ctx, bid, 1000)
		}
		w.must(err)
	}
	w.check()
}

// drain does what the sweep finds to do for a broadcast until it finds nothing.
func (w *world) drain(b *broadcast.Broadcast) {
	for range 100 {
		works, err := w.st.Unfinished(ctx, 100_000)
		w.must(err)
		works = slices.DeleteFunc(works, func(k broadcast.Work) bool {
			return k.BroadcastID != b.ID || k.Kind != broadcast.KindSend && k.Kind != broadcast.KindExpire
		})
		if len(works) == 0 {
			return
		}
		if works[0].Kind == broadcast.KindExpire {
			n, err := w.st.ExpireLeft(ctx, b.ID, 1000)
			if w.must(err); n == 0 {
				return // somebody pending is left to the late
			}
			continue
		}
		c, err := w.st.TakeNext(ctx, b.ID, minute, 0)
		w.must(err)
		if c.Number == 0 {
			continue // its people have left
		}
		w.doubted(c)
		w.must(w.st.FinishChunk(ctx, c, db.Each(c.Deliveries, sent)))
	}
	w.r.Fatal("the sweep finds something to do for ever")
}

func (w *world) awaited(d broadcast.Delivery) {
	page, err := w.st.Installations(ctx, broadcast.InstallQuery{After: d.EntraID[:len(d.EntraID)-1], Limit: 20})
	w.must(err)
	for _, row := range page.Rows {
		if row.EntraID == d.EntraID {
			if row.State == broadcast.InstallationWanted || row.NeedsChat {
				return
			}
			w.r.Fatalf("pending for ever: %+v with %+v", d, row)
		}
	}
	w.r.Fatal(fmt.Sprintf("pending, and nobody wants to install: %+v", d))
}
