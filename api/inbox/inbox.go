package inbox

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/places"
)

// Store remembers the activities Teams posted until they are handled, and
// for a while longer, so that a repeated one is known.
type Store interface {
	// SaveActivity stores an activity; fresh is false if it is there already. One
	// without an ID is known by its bytes.
	SaveActivity(ctx context.Context, in broadcast.Inbound) (fresh bool, err error)
	// TakeActivities hands out unfinished ones, oldest first, to nobody else until
	// the lease is over. What follows in a conversation waits for what is in hand.
	TakeActivities(ctx context.Context, limit int, lease time.Duration) ([]broadcast.Inbound, error)
	// FinishActivities marks them handled.
	FinishActivities(ctx context.Context, ids []int64) error
}

const (
	lanes       = 8                // conversations handled at the same time
	laneLength  = 16               // taken and waiting, per lane
	takeAtOnce  = lanes * 8        // so that one crowded lane seldom holds up the others
	inboxLease  = time.Minute      // when another try may take what was not finished
	handleLimit = 15 * time.Second // for one activity
	maxTries    = 5
	pollEvery   = time.Second // for what another replica left behind
)

// Inbox handles stored activities: each conversation in its order, by being
// bound to one lane, and several conversations at the same time. The store keeps
// the order between replicas.
type Inbox struct {
	store  Store
	handle func(context.Context, broadcast.Inbound) error
	now    func() time.Time
	log    *slog.Logger
	nudge  chan struct{}
	seed   maphash.Seed
}

// Options is what an Inbox is made of. All of it is required.
type Options struct {
	Store   Store
	Service *broadcast.Service
	Places  *places.Service
	Zones   Zones
	Now     func() time.Time
	Log     *slog.Logger
}

// New makes an Inbox. Nothing is handled until it runs.
func New(o Options) *Inbox {
	h := handler{o.Service, o.Places, o.Zones}
	return &Inbox{store: o.Store, handle: h.handle, now: o.Now, log: o.Log, nudge: make(chan struct{}, 1), seed: maphash.MakeSeed()}
}

// Poke says that something new is there. It never waits.
func (in *Inbox) Poke() {
	select {
	case in.nudge <- struct{}{}:
	default:
	}
}

type taken struct {
	broadcast.Inbound
	at time.Time
}

// Run handles what Teams posted until ctx is done, then finishes what is in hand and
// returns nil. What was taken but not begun stays for the next run.
func (in *Inbox) Run(ctx context.Context) error {
	var workers, finisher sync.WaitGroup
	done := make(chan int64, lanes)
	finisher.Go(func() { in.finishAll(ctx, done) })
	queues := make([]chan taken, lanes)
	for i := range queues {
		queues[i] = make(chan taken, laneLength)
		workers.Go(func() { in.work(ctx, queues[i], done) })
	}
	in.deal(ctx, queues)
	for _, q := range queues {
		close(q)
	}
	workers.Wait()
	close(done)
	finisher.Wait()
	return nil
}

// deal takes activities and deals them out to the lanes until ctx is done.
func (in *Inbox) deal(ctx context.Context, queues []chan taken) {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		got, err := in.store.TakeActivities(ctx, takeAtOnce, inboxLease)
		if err != nil && ctx.Err() == nil {
			in.log.ErrorContext(ctx, "inbox could not be read", "error", err)
		}
		at := in.now()
		for _, a := range got {
			select {
			case queues[in.lane(a.ConversationID)] <- taken{a, at}:
			case <-ctx.Done():
				return
			}
		}
		if len(got) == takeAtOnce {
			continue
		}
		select {
		case <-in.nudge:
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}

func (in *Inbox) lane(conversation string) uint64 {
	return maphash.String(in.seed, conversation) % lanes
}

// work handles one lane. After ctx is done, and for activities whose lease may
// be over because the lane was slow, it lets them lie: they come again.
func (in *Inbox) work(ctx context.Context, queue <-chan taken, done chan<- int64) {
	for a := range queue {
		if ctx.Err() != nil || in.now().Sub(a.at) > inboxLease-2*handleLimit {
			continue
		}
		if in.settled(ctx, a.Inbound) {
			done <- a.ID
		}
	}
}

// settled handles one activity and tells whether it is over with, well or badly.
func (in *Inbox) settled(ctx context.Context, a broadcast.Inbound) bool {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), handleLimit)
	defer cancel()
	err := in.guarded(ctx, a)
	switch {
	case err == nil:
		return true
	case errors.Is(err, errHopeless) || a.Attempts >= maxTries:
		in.log.ErrorContext(ctx, "activity given up", "inbox", a.ID, "activity", a.ActivityID, "attempts", a.Attempts, "error", err)
		return true
	}
	in.log.WarnContext(ctx, "activity will be tried again", "inbox", a.ID, "activity", a.ActivityID, "attempts", a.Attempts, "error", err)
	return false
}

// guarded keeps a defect that one odd activity finds from ending the process.
func (in *Inbox) guarded(ctx context.Context, a broadcast.Inbound) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("handling panicked: %v\n%s", v, debug.Stack())
		}
	}()
	return in.handle(ctx, a)
}

// finishAll marks activities handled, together those that came up while the last
// mark was being written: in an install wave that saves most of the writes.
func (in *Inbox) finishAll(ctx context.Context, done <-chan int64) {
	ctx = context.WithoutCancel(ctx)
	for id := range done {
		ids := []int64{id}
		for more := true; more && len(ids) < takeAtOnce; {
			select {
			case next, open := <-done:
				if more = open; open {
					ids = append(ids, next)
				}
			default:
				more = false
			}
		}
		in.finish(ctx, ids)
		in.Poke() // what follows in these conversations may be taken now
	}
}

func (in *Inbox) finish(ctx context.Context, ids []int64) {
	ctx, cancel := context.WithTimeout(ctx, handleLimit)
	defer cancel()
	if err := in.store.FinishActivities(ctx, ids); err != nil {
		// They will be handled once more when the lease is over, without harm.
		in.log.ErrorContext(ctx, "handled activities could not be marked", "count", len(ids), "error", err)
	}
}
