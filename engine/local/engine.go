package local

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/engine"
)

// Engine does work in this process. It is a broadcast.Engine.
type Engine struct {
	o     engine.Options
	mu    sync.Mutex
	lanes map[string]*lane
	wake  chan struct{} // holds at most one: "look again"
}

var _ broadcast.Engine = (*Engine)(nil)

// New makes an engine. An error names a setting that cannot work.
func New(o engine.Options) (*Engine, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	e := &Engine{o: o, lanes: map[string]*lane{}, wake: make(chan struct{}, 1)}
	for name, k := range engine.Lanes() {
		e.lanes[name] = newLane(o.HandsOf(k))
	}
	return e, nil
}

// Enqueue lets works wait, before, during or after Run. It never blocks. It errs
// only for a kind nobody knows, and then keeps nothing.
func (e *Engine) Enqueue(ctx context.Context, works ...broadcast.Work) error {
	if err := engine.Check(works); err != nil {
		return err
	}
	dropped := 0
	e.mu.Lock()
	for _, w := range works {
		if !e.lanes[engine.Lane(w)].add(w) {
			dropped++
		}
	}
	e.mu.Unlock()
	if dropped > 0 {
		e.o.Logger().WarnContext(ctx, "a lane is full; a later sweep finds the rest", slog.Int("dropped", dropped))
	}
	e.look()
	return nil
}

// Run does work until ctx is done, then waits for what is in hand: each Do sees ctx
// and winds down by itself. No goroutine outlives it. One Run at a time.
func (e *Engine) Run(ctx context.Context, do broadcast.Do) error {
	do = e.o.Guard(do)
	var hands sync.WaitGroup
	defer hands.Wait()
	for _, p := range e.o.Periodic {
		hands.Go(func() { e.comeRound(ctx, p) })
	}
	for ctx.Err() == nil {
		for _, w := range e.takeAll() {
			hands.Go(func() {
				err := do(ctx, w) // logged by Guard; the sweep finds what is left
				e.finish(w, errors.Is(err, broadcast.ErrMore))
			})
		}
		select {
		case <-ctx.Done():
		case <-e.wake:
		}
	}
	return nil
}

// comeRound enqueues p at once and then every period. A tick that finds equal work
// waiting adds nothing: slow work never piles up.
func (e *Engine) comeRound(ctx context.Context, p broadcast.Periodic) {
	ticker := time.NewTicker(p.Every)
	defer ticker.Stop()
	for {
		_ = e.Enqueue(ctx, p.Work) // errs for unknown kinds only, and New refused those
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// takeAll takes whatever there are free hands for.
func (e *Engine) takeAll() []broadcast.Work {
	e.mu.Lock()
	defer e.mu.Unlock()
	var works []broadcast.Work
	for _, l := range e.lanes {
		for w, ok := l.take(); ok; w, ok = l.take() {
			works = append(works, w)
		}
	}
	return works
}

// finish takes work out of its hand, and lets it wait again if there is more of it.
func (e *Engine) finish(w broadcast.Work, more bool) {
	e.mu.Lock()
	l := e.lanes[engine.Lane(w)]
	l.done(w)
	if more {
		l.add(w) // if the lane is full, a later sweep finds it
	}
	e.mu.Unlock()
	e.look()
}

func (e *Engine) look() {
	select {
	case e.wake <- struct{}{}:
	default: // somebody already asked
	}
}
