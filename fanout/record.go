package fanout

import (
	"context"
	"errors"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/workerpool"
)

// record stores a batch and opens the chunk further, in one transaction: beyond
// what is stored as open nothing is begun. The chunk's last batch waits for finish,
// which saves a transaction. A ledger that takes nothing ends the run without
// haste; what it did not take waits for finish too.
func (r *chunkRun) record(ctx context.Context, out []broadcast.Outcome) error {
	all := r.chunk.Deliveries
	if r.results += len(out); r.results == len(all) || r.trouble != nil {
		r.unsaved = append(r.unsaved, out...)
		return nil
	}
	c, open := r.chunk, len(all)
	if r.window > 0 {
		open = min(len(all), r.results+r.sender.window())
	}
	c.OpenTo = max(c.OpenTo, all[open-1].ID)
	soon, cancel := context.WithTimeout(ctx, lastGrace)
	defer cancel()
	err := r.sender.Chunks.RecordOutcomes(soon, c, out)
	if err == nil {
		r.saved += len(out)
		r.widen(open)
		return nil
	}
	r.unsaved = append(r.unsaved, out...)
	if r.trouble = err; errors.Is(err, broadcast.ErrFenceLost) {
		return workerpool.ErrStop
	}
	r.wait(ctx)
	return nil
}

func (r *chunkRun) widen(open int) {
	if int64(open) <= r.open.Load() {
		return
	}
	r.open.Store(int64(open))
	select {
	case r.wider <- struct{}{}:
	default: // it has not been looked at since the last time
	}
}

// wait stops the run: nobody at this replica begins anything new until the results
// in hand are written down.
func (r *chunkRun) wait(ctx context.Context) {
	if !r.waiting {
		r.sender.waiting.Add(1)
		r.sender.Log.WarnContext(ctx, "results wait for the ledger", "broadcast", r.chunk.BroadcastID, "chunk", r.chunk.Number, "cause", r.trouble)
	}
	r.waiting = true
	r.stop()
}

// finish stores the last outcomes and gives the chunk back, again and again if the
// ledger is gone for a while. What it never takes is left to the lease: whoever takes
// the chunk when that has run out sees that its holder never gave it back, and
// marks what may arrive twice.
func (r *chunkRun) finish(ctx context.Context) error {
	within, cancel := outlast(ctx, saveWithin, lastGrace)
	defer cancel()
	for wait := saveFirst; !errors.Is(r.trouble, broadcast.ErrFenceLost); wait = min(2*wait, saveLast) {
		r.trouble = r.save(within)
		if r.trouble == nil {
			r.saved = r.results
			break
		}
		if !errors.Is(r.trouble, broadcast.ErrFenceLost) {
			r.wait(ctx)
			if sleep(within, wait) != nil {
				break
			}
		}
	}
	if r.waiting {
		r.sender.waiting.Add(-1)
	}
	if lost := int(r.begun.Load()) - r.saved; lost > 0 {
		r.sender.Log.WarnContext(ctx, "outcomes are not in the ledger; these people may get the message again, and are marked so",
			"broadcast", r.chunk.BroadcastID, "chunk", r.chunk.Number, "fence", r.chunk.Fence, "people", lost, "cause", r.trouble)
	}
	if errors.Is(r.trouble, broadcast.ErrFenceLost) {
		return nil // what we know is worth nothing any more
	}
	return r.trouble
}

// save makes one try. A chunk in which something was begun of which nobody knows
// the end (a panic) is not given back.
func (r *chunkRun) save(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, lastGrace)
	defer cancel()
	if int(r.begun.Load()) == r.results {
		return r.sender.Chunks.FinishChunk(ctx, r.chunk, r.unsaved)
	}
	if len(r.unsaved) == 0 {
		return nil
	}
	return r.sender.Chunks.RecordOutcomes(ctx, r.chunk, r.unsaved)
}

// outlast is a context that lasts for d, but no longer than a grace beyond ctx's end.
func outlast(ctx context.Context, d, grace time.Duration) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithTimeout(context.WithoutCancel(ctx), d)
	off := context.AfterFunc(ctx, func() {
		last := time.AfterFunc(grace, cancel)
		context.AfterFunc(longer, func() { last.Stop() })
	})
	return longer, func() { off(); cancel() }
}
