package budget

import (
	"context"
	"time"

	"github.com/fanfare/fanfare/pace"
)

const (
	// leaseSpan is how much of the rate one lease covers: a statement for 14 requests
	// at 47 a second. A slow rate leases as many as leastSpan, but no more than a
	// second's worth. More would let the urgent wait longer behind what is leased.
	leaseSpan = 300 * time.Millisecond
	leastSpan = 12
	// leaseAhead is how long before the slots run out more are asked for, and sooner if
	// the ledger is slow (mostLead at most, each way): later would leave a gap.
	leaseAhead = 250 * time.Millisecond
	mostLead   = time.Second
	// askWithin bounds a question to the ledger; retryFirst to retryLast is the wait
	// before the next after one that failed.
	askWithin  = 5 * time.Second
	retryFirst = 100 * time.Millisecond
	retryLast  = time.Second
	// crowd is how many of the most pressing wait for other replicas to stand back:
	// more than answer a person now and then.
	crowd = 3
	// refusedFirst to refusedLast is the wait after being refused for the sake of
	// somebody more pressing, unless it is our turn before.
	refusedFirst = 250 * time.Millisecond
	refusedLast  = 2 * time.Second
	// An unused share returns when nobody has waited for returnAfter and it is worth
	// the statement.
	returnAfter = 300 * time.Millisecond
	returnLeast = 4
	// Without a limit the ledger is asked every pollEvery for pauses, and its word is
	// good for pollGood.
	pollEvery = time.Second
	pollGood  = 2500 * time.Millisecond
	// stopWithin is how long an unused share may take to return at the end.
	stopWithin = time.Second
)

// leaser decides when to lease how much.
type leaser struct {
	rate  float64
	span  int       // slots of a lease, if the ledger is quick
	busy  bool      // a question is under way
	again time.Time // nothing is asked before
	// retry grows with failures in a row, refused with refusals, to those of a weight.
	retry, refused time.Duration
	weight         int
	end            int64 // of our last lease
	// lead is how long an answer of the ledger is on its way, by the slower ones lately.
	lead time.Duration
	idle time.Time // since when nobody waits
	kept bool      // and what is in hand cannot be returned
	seen int64     // how many had passed when the ledger was asked last
}

func newLeaser(rate float64) leaser {
	return leaser{rate: rate, span: max(1, int(rate*leaseSpan.Seconds()+0.5), min(leastSpan, int(rate)))}
}

// want is how many slots to ask for: what those who wait need now, or what the
// last lease's use lets expect, if that is more.
func (l *leaser) want(waiting int, h *hand) int {
	expect := h.yield + 1
	switch {
	case h.alone: // there is no harm in leasing more than will be used
		expect = 4 * max(1, h.yield)
	case h.full:
		expect = 2 * h.yield
	}
	return min(max(1, waiting, expect), l.span+int(l.rate*2*l.lead.Seconds()))
}

// errand is a question to the ledger. What it returns is done with the lock held.
type errand func(ctx context.Context) (learn func())

// Run leases slots and hands them out until ctx is done; then it gives back what
// was not used and returns nil. Who waits when it is not running, waits.
func (b *Budget) Run(ctx context.Context) error {
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	answers := make(chan func(), 1)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		ask, wake := b.step(time.Now())
		if ask != nil {
			go func() { answers <- ask(work) }() // one at a time; awaited below or by stop
		}
		if wake.IsZero() {
			timer.Stop()
		} else {
			timer.Reset(time.Until(wake))
		}
		select {
		case <-ctx.Done():
		case <-b.wake:
		case <-timer.C:
		case learn := <-answers:
			b.answered(learn)
		}
	}
	b.stop(work, cancel, answers)
	return nil
}

func (b *Budget) answered(learn func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.leaser.busy = false
	learn()
}

// stop waits a moment for the answer under way, and returns what is in hand.
func (b *Budget) stop(work context.Context, cancel func(), answers <-chan func()) {
	last := time.AfterFunc(stopWithin, cancel)
	defer last.Stop()
	b.mu.Lock()
	b.freeUntil.Store(0)
	busy := b.leaser.busy
	b.mu.Unlock()
	if busy {
		b.answered(<-answers)
	}
	b.mu.Lock()
	share, ok := b.hand.takeUnused(time.Now())
	b.mu.Unlock()
	if ok {
		_, _ = b.leases.ReturnBudget(work, b.family, share.first, share.end) // otherwise they lapse
	}
}

// step does what can be done now: it hands out slots that are due, and tells what
// to ask of the ledger and when to look again (zero: not before something happens).
func (b *Budget) step(now time.Time) (ask errand, wake time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.rate == 0 {
		ask, wake = b.stepFree(now)
	} else {
		due := b.handOut(now)
		ask, wake = b.next(now)
		wake = earlier(due, wake)
	}
	b.leaser.busy = b.leaser.busy || ask != nil
	return ask, wake
}

// handOut lets through whoever has a slot, and tells when the next one may be used.
func (b *Budget) handOut(now time.Time) (due time.Time) {
	for b.flows.waiting > 0 {
		b.leaser.idle, b.leaser.kept = time.Time{}, false
		due, ok := b.hand.next(now)
		if !ok {
			return time.Time{}
		}
		if due.After(now) {
			return due
		}
		w := b.flows.next()
		w.slot = b.hand.use(now)
		b.passed.Add(1)
		w.told <- nil
	}
	return time.Time{}
}

// next is what to ask, or when to think of it again.
func (b *Budget) next(now time.Time) (errand, time.Time) {
	l := &b.leaser
	switch {
	case l.busy:
		return nil, time.Time{}
	case b.flows.waiting > 0:
		from := b.paused
		priority, n := b.flows.pressing()
		if l.refused == 0 || priority.Weight() <= l.weight {
			from = later(from, l.again)
		}
		if end, ok := b.hand.end(); ok {
			from = later(from, end.Add(-leaseAhead-2*l.lead))
		}
		if from.After(now) {
			return nil, from
		}
		return b.lease(pace.SlotAsk{
			Family: b.family, Rate: b.rate, Want: l.want(b.flows.waiting, &b.hand), Lead: l.lead,
			Priority: priority, Crowd: n >= crowd,
		}), time.Time{}
	case b.stale:
		if l.again.After(now) {
			return nil, l.again
		}
		return b.read(), time.Time{}
	}
	return b.giveBack(now)
}

// giveBack returns what nobody has waited for a while.
func (b *Budget) giveBack(now time.Time) (errand, time.Time) {
	l := &b.leaser
	if l.kept || b.hand.unused(now) < returnLeast {
		return nil, time.Time{}
	}
	if l.idle.IsZero() {
		l.idle = now
	}
	if at := l.idle.Add(returnAfter); at.After(now) {
		return nil, at
	}
	share, _ := b.hand.takeUnused(now)
	return func(ctx context.Context) func() {
		ctx, cancel := context.WithTimeout(ctx, askWithin)
		defer cancel()
		done, err := b.leases.ReturnBudget(ctx, b.family, share.first, share.end)
		return func() {
			switch {
			case err != nil: // they may be somebody else's by now
			case done:
				l.end = share.first
			default:
				b.hand.keep(share)
				b.hand.drop(b.paused)
				l.kept = true
			}
		}
	}, time.Time{}
}

func (b *Budget) lease(ask pace.SlotAsk) errand {
	return func(ctx context.Context) func() {
		ctx, cancel := context.WithTimeout(ctx, askWithin)
		defer cancel()
		sent := time.Now()
		s, err := b.leases.LeaseBudget(ctx, ask)
		got := time.Now()
		return func() {
			if err != nil {
				b.failed(err, got)
				return
			}
			b.clock.learn(sent, got, s.Now)
			b.learn(s.Strain, got)
			b.hand.alone = s.First <= s.Now+ask.Lead.Microseconds() || s.First == b.leaser.end
			b.leaser.lead = min(max(got.Sub(b.clock.local(s.Now)), b.leaser.lead*3/4), mostLead)
			b.leaser.weight = ask.Priority.Weight()
			b.leased(s, got)
		}
	}
}

// leased takes a lease in hand, or notes when to ask again.
func (b *Budget) leased(s pace.Slots, now time.Time) {
	l := &b.leaser
	l.retry = 0
	if s.N == 0 {
		l.refused = min(max(refusedFirst, 2*l.refused), refusedLast)
		l.again = now.Add(min(s.Wait, l.refused))
		return
	}
	l.refused, l.again = 0, time.Time{}
	l.end = s.First + int64(s.N)*s.Gap
	b.hand.add(s, b.clock.local(s.First))
	b.hand.drop(b.paused) // it may have begun while the ledger was asked
}

// failed lets those who wait know that nothing may be made, unless there is still
// something in hand.
func (b *Budget) failed(err error, now time.Time) {
	l := &b.leaser
	l.retry = min(max(retryFirst, 2*l.retry), retryLast)
	l.again, l.refused = now.Add(l.retry), 0
	b.freeUntil.Store(0)
	if b.hand.unused(now) == 0 {
		b.flows.tell(err)
	}
}

func (b *Budget) read() errand {
	seen := b.passed.Load()
	return func(ctx context.Context) func() {
		ctx, cancel := context.WithTimeout(ctx, askWithin)
		defer cancel()
		s, err := b.leases.ReadBudget(ctx, b.family)
		got := time.Now()
		return func() {
			if err != nil {
				b.failed(err, got)
				return
			}
			b.learn(s, got)
			b.leaser.retry, b.leaser.seen = 0, seen
			if b.rate > 0 {
				return
			}
			b.leaser.again = got.Add(pollEvery)
			if !b.paused.After(got) {
				b.freeUntil.Store(int64(got.Add(pollGood).Sub(b.zero)))
			}
		}
	}
}

// stepFree is step without a limit: the ledger is asked for pauses, as long as
// somebody makes requests, and in between everybody may pass.
func (b *Budget) stepFree(now time.Time) (errand, time.Time) {
	free := time.Duration(b.freeUntil.Load()) > now.Sub(b.zero)
	if free && b.flows.waiting > 0 {
		b.passed.Add(int64(b.flows.waiting))
		b.flows.tell(nil)
	}
	l := &b.leaser
	wanted := b.stale || b.flows.waiting > 0 || b.passed.Load() != l.seen
	if l.busy || !wanted && !free {
		return nil, time.Time{}
	}
	from := l.again
	if b.flows.waiting > 0 && l.retry == 0 {
		from = b.paused // it was only the poll that had time
	}
	switch {
	case from.After(now):
		return nil, from
	case !wanted:
		return nil, time.Time{}
	}
	return b.read(), time.Time{}
}

// earlier is the earlier of two times that are set.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
