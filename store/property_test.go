package store_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/store"
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
			w := &world{t: t, r: r, st: st, clock: clock, first: round * 100, taken: map[broadcast.ID][]broadcast.Chunk{}}
			w.start()
			for range rapid.IntRange(1, 12).Draw(r, "steps") {
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
	taken map[broadcast.ID][]broadcast.Chunk // chunks in hand, of living and dead workers
	wants []broadcast.Installation
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
	for range 2 {
		b := draft(w.t, w.st)
		move(w.t, w.st, b.ID, broadcast.Resolving)
		w.ids = append(w.ids, b.ID)
	}
}

func (w *world) broadcast() broadcast.ID { return rapid.SampledFrom(w.ids).Draw(w.r, "broadcast") }

func (w *world) step() {
	rapid.SampledFrom([]func(){w.resolve, w.resolve, w.move, w.botAdded, w.botGone, w.take, w.take, w.record, w.record, w.release, w.install, w.installed, w.cancel, w.wait}).Draw(w.r, "step")()
}

func (w *world) resolve() {
	bid := w.broadcast()
	if state, _, err := stateAndTally(w.st, bid); err != nil || state != broadcast.Resolving {
		return
	}
	from := w.person()
	page := everybody(from, min(from+3, w.first+crowd-1))
	if rapid.Bool().Draw(w.r, "guest") {
		page[0].Excluded = broadcast.ReasonGuest
	}
	w.must(w.st.AddDeliveries(ctx, bid, page))
}

func (w *world) move() {
	bid := w.broadcast()
	state, _, err := stateAndTally(w.st, bid)
	w.must(err)
	next := map[broadcast.State][]broadcast.State{
		broadcast.Resolving: {broadcast.Sending}, broadcast.Sending: {broadcast.Paused, broadcast.Cancelled, broadcast.Failed},
		broadcast.Paused: {broadcast.Sending}, broadcast.Failed: {broadcast.Resolving},
	}[state]
	if len(next) > 0 {
		move(w.t, w.st, bid, rapid.SampledFrom(next).Draw(w.r, "to"))
	}
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
	c, err := w.st.TakeChunk(ctx, bid, rapid.IntRange(1, 4).Draw(w.r, "chunk"), minute)
	if !broadcast.IsCode(err, broadcast.Conflict) {
		w.must(err)
		w.taken[bid] = append(w.taken[bid], c)
	}
}

func (w *world) chunk() (broadcast.Chunk, bool) {
	all := w.taken[w.broadcast()]
	if len(all) == 0 {
		return broadcast.Chunk{}, false
	}
	return rapid.SampledFrom(all).Draw(w.r, "chunk"), true
}

func (w *world) record() {
	c, ok := w.chunk()
	if !ok {
		return
	}
	var out []broadcast.Outcome
	for _, d := range c.Deliveries {
		o := outcome(d, rapid.SampledFrom([]broadcast.DeliveryState{broadcast.DeliverySent, broadcast.DeliverySent, broadcast.DeliveryFailed, broadcast.DeliverySkipped, broadcast.DeliveryReady}).Draw(w.r, "outcome"), "")
		o.At, o.MaybeSent = w.clock.Now(), d.MaybeSent || rapid.Bool().Draw(w.r, "maybe")
		switch rapid.IntRange(0, 5).Draw(w.r, "tells") {
		case 0:
			o.Installation = broadcast.InstallationBlocked
		case 1:
			o.Forget = true
		case 2:
			o.NewAddress = ptr(address(9))
		}
		out = append(out, o)
	}
	err := w.st.RecordOutcomes(ctx, c, out)
	if !broadcast.IsCode(err, broadcast.Conflict) {
		w.must(err)
	}
}

func (w *world) release() {
	if c, ok := w.chunk(); ok {
		w.must(w.st.ReleaseChunk(ctx, c))
	}
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
			o.Address = ptr(address(3))
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

// end: once every lease has run out, everything that is ready is found by the
// sweep, and what is pending has an installation that somebody will look at.
func (w *world) end() {
	w.clock.Pass(10 * minute)
	works, err := w.st.Unfinished(ctx, 100_000)
	w.must(err)
	found := map[broadcast.Work]bool{}
	for _, work := range works {
		found[work] = true
	}
	for _, bid := range w.ids {
		state, _, err := stateAndTally(w.st, bid)
		w.must(err)
		for _, d := range deliveries(w.t, w.st, bid) {
			switch {
			case state == broadcast.Sending && d.State == broadcast.DeliveryReady:
				if !found[broadcast.Work{Kind: broadcast.KindSend, BroadcastID: bid, Seat: d.Chunk}] {
					w.r.Fatalf("ready, and nobody will ever send it: %+v", d)
				}
			case state != broadcast.Cancelled && d.State == broadcast.DeliveryPending:
				w.awaited(d)
			}
		}
		if state != broadcast.Cancelled && state != broadcast.Resolving {
			move(w.t, w.st, bid, broadcast.Cancelled) // no ballast for the rounds to come
		}
		for n := 1; n > 0; {
			n, err = w.st.CancelLeft(ctx, bid, 1000)
			w.must(err)
		}
	}
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
