package tenant

import (
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fanfare/fanfare/simulator/internal/meter"
)

// broadcasts interns the keys of broadcasts, so that a message costs a pointer.
type broadcasts struct {
	mu    sync.RWMutex
	byKey map[string]*broadcast
	paced []*broadcast // those with a history by second, oldest first
}

// broadcast counts what became of one broadcast. Its counters follow from the
// people's copies, one step at a time.
type broadcast struct {
	key string
	// Of an earlier epoch nothing is counted any more.
	epoch int64

	messages, reached, repeats, repeated    atomic.Int64
	holding, holdingTwice, edited, unedited atomic.Int64
	deleted, unheard, shown                 atomic.Int64
	updates, deletes, threads               atomic.Int64
	firstStored, lastStored, lastChanged    atomic.Int64 // UnixNano, 0 is never
	pace                                    atomic.Pointer[meter.Seconds]
}

// maxPaced bounds the histories: of more broadcasts the latest have one.
const maxPaced = 256

// get finds or begins a broadcast.
func (t *Tenant) broadcast(key string) *broadcast {
	b := &t.broadcasts
	b.mu.RLock()
	found := b.byKey[key]
	b.mu.RUnlock()
	if found != nil {
		return found
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if found = b.byKey[key]; found == nil {
		found = &broadcast{key: strings.Clone(key), epoch: t.epoch.Load()}
		b.byKey[found.key] = found
		found.pace.Store(&meter.Seconds{})
		if b.paced = append(b.paced, found); len(b.paced) > maxPaced {
			b.paced[0].pace.Store(nil)
			b.paced = b.paced[1:]
		}
	}
	return found
}

// known finds a broadcast; nil if it was never seen since the last reset.
func (t *Tenant) known(key string) *broadcast {
	t.broadcasts.mu.RLock()
	defer t.broadcasts.mu.RUnlock()
	return t.broadcasts.byKey[key]
}

func (b *broadcast) stored(wall time.Time) {
	b.messages.Add(1)
	b.firstStored.CompareAndSwap(0, wall.UnixNano())
	b.lastStored.Store(wall.UnixNano())
	if pace := b.pace.Load(); pace != nil {
		pace.Add(wall)
	}
}

// Tally is how far one broadcast came.
type Tally struct {
	// Messages is how many copies were stored, Reached how many people ever got
	// one, Repeats the copies beyond each person's first, Repeated the people
	// who got such a copy.
	Messages int64 `json:"messages"`
	Reached  int64 `json:"reached"`
	Repeats  int64 `json:"repeats"`
	Repeated int64 `json:"repeated"`
	// Holding is how many people hold a copy now, HoldingTwice two or more.
	// Edited people hold an edited copy, Unedited ones an unedited one; with two
	// copies somebody may be both. Of Deleted people the bot deleted a copy.
	Holding      int64 `json:"holding"`
	HoldingTwice int64 `json:"holding_twice"`
	Edited       int64 `json:"edited"`
	Unedited     int64 `json:"unedited"`
	Deleted      int64 `json:"deleted"`
	// Unheard is how many copies were stored while the bot got no answer, a late
	// one or another one: the ambiguous failures, each of which excuses one
	// repeat (protocol K row 28).
	Unheard int64 `json:"unheard"`
	// Shown is how many copies, of this or another broadcast, now show the words
	// of this one: after an edit those of the edit.
	Shown int64 `json:"shown"`
	// Updates and Deletes are the successful PUT and DELETE of its copies.
	Updates int64 `json:"updates"`
	Deletes int64 `json:"deletes"`
	// Threads is how many threads it began in channels; they count nowhere else here.
	Threads int64 `json:"threads"`
	// The first and the last time a copy was stored, and the last time one was
	// updated or deleted, by the machine's clock; null is never.
	FirstStored *time.Time `json:"first_stored"`
	LastStored  *time.Time `json:"last_stored"`
	LastChanged *time.Time `json:"last_changed"`
}

func (b *broadcast) tally() Tally {
	return Tally{
		Messages: b.messages.Load(), Reached: b.reached.Load(), Repeats: b.repeats.Load(), Repeated: b.repeated.Load(),
		Holding: b.holding.Load(), HoldingTwice: b.holdingTwice.Load(), Edited: b.edited.Load(), Unedited: b.unedited.Load(),
		Deleted: b.deleted.Load(), Unheard: b.unheard.Load(), Shown: b.shown.Load(),
		Updates: b.updates.Load(), Deletes: b.deletes.Load(), Threads: b.threads.Load(),
		FirstStored: moment(&b.firstStored), LastStored: moment(&b.lastStored), LastChanged: moment(&b.lastChanged),
	}
}

func moment(nanos *atomic.Int64) *time.Time {
	n := nanos.Load()
	if n == 0 {
		return nil
	}
	at := time.Unix(0, n).UTC()
	return &at
}

// Totals are the tenant's counters since the last reset.
type Totals struct {
	Messages, Reached, Repeats, Updates, Deletes int64
	ByBroadcast                                  map[string]Tally
}

// Totals returns the counters.
func (t *Tenant) Totals() Totals {
	totals := Totals{
		Messages: t.messages.Load(), Reached: t.reached.Load(), Repeats: t.repeats.Load(),
		Updates: t.updates.Load(), Deletes: t.deletes.Load(), ByBroadcast: map[string]Tally{},
	}
	t.broadcasts.mu.RLock()
	defer t.broadcasts.mu.RUnlock()
	for key, b := range t.broadcasts.byKey {
		totals.ByBroadcast[key] = b.tally()
	}
	return totals
}

// Pace returns how many messages were stored in each of the last seconds, of
// all and of each broadcast that stored any.
func (t *Tenant) Pace(wall time.Time, seconds int) (all []int, byBroadcast map[string][]int) {
	all, _ = t.pace.Last(wall, seconds)
	byBroadcast = map[string][]int{}
	t.broadcasts.mu.RLock()
	defer t.broadcasts.mu.RUnlock()
	for _, b := range t.broadcasts.paced {
		if pace := b.pace.Load(); pace != nil {
			if counts, some := pace.Last(wall, seconds); some {
				byBroadcast[b.key] = counts
			}
		}
	}
	return all, byBroadcast
}

// ResetTotals sets the counters to zero; chats and installations stay.
func (t *Tenant) ResetTotals() {
	t.broadcasts.mu.Lock()
	defer t.broadcasts.mu.Unlock()
	t.epoch.Add(1)
	t.broadcasts.byKey, t.broadcasts.paced = map[string]*broadcast{}, nil
	t.pace.Reset()
	for _, n := range []*atomic.Int64{&t.messages, &t.reached, &t.repeats, &t.updates, &t.deletes} {
		n.Store(0)
	}
}
