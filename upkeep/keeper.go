package upkeep

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fanfare/fanfare/broadcast"
)

// Wire is how Graph is asked and told. Errors are *broadcast.Fault.
type Wire interface {
	// Published is the newest version of our app in the catalogue, "" if it tells none.
	Published(ctx context.Context) (string, error)
	// Look reads whether a person has our app, and in which version.
	Look(ctx context.Context, id broadcast.EntraID) (Seen, error)
	// Upgrade brings a person's app to the newest version.
	Upgrade(ctx context.Context, id broadcast.EntraID, installation string) error
}

// Turn is upkeep's share of the allowance of installing.
type Turn interface {
	// Wait returns nil when somebody may be looked at.
	Wait(ctx context.Context) error
	// Pause makes everybody wait after a 429, for d or, if that is 0, for a while.
	Pause(ctx context.Context, d time.Duration) error
}

// Chunk is some people of a pass, in one keeper's hands. It may be stored to only
// under its Fence.
type Chunk struct {
	Pass     int
	Fence    int64
	Upgrades bool
	Version  string
	People   []Person // in the order of their IDs
	Last     bool     // nobody comes after them
	// HearingSince and Repairs are of Rules.
	HearingSince time.Time
	Repairs      bool
}

// Outcome is what became of looking at a person.
type Outcome struct {
	Person Person
	Seen   Seen
	Verdict
	Why broadcast.Reason // for Unknown and NotUpgraded
	At  time.Time
}

// Report is what became of a chunk.
type Report struct {
	Outcomes []Outcome
	// Cursor is the last person before whom everybody was looked at; "" for none.
	Cursor   broadcast.EntraID
	Done     bool      // the pass is over
	RestTill time.Time // when to go on; zero for at once
	Problem  string    // why it rests, for the admin
}

// ErrNotOurs is that somebody else has taken a chunk over.
var ErrNotOurs = broadcast.Errorf(broadcast.Conflict, "another keeper holds these people")

// Passes is what a keeper takes and writes back.
type Passes interface {
	// TakePeople takes the next people of the running pass, under a new fence until the
	// lease runs out; nil if there is nothing to do now.
	TakePeople(ctx context.Context, limit int, lease time.Duration) (*Chunk, error)
	// RecordLooks stores what became of a chunk in one transaction, with what the ledger
	// has to know of each person unless an event has told otherwise since; ErrNotOurs.
	RecordLooks(ctx context.Context, c Chunk, r Report) error
	// NoteCatalogue stores the catalogue's newest version, or why it could not be read.
	NoteCatalogue(ctx context.Context, version, trouble string) error
}

const (
	keeperHands  = 8                // looks at a time
	keeperLease  = 90 * time.Second // some seconds of looking, a slow answer, and a pause that was asked for
	lastWords    = 5 * time.Second  // what the ledger is told after the process was asked to stop
	restFor      = 5 * time.Minute  // after an answer that concerns everybody
	tries        = 3                // at a person whose look fails in passing
	catalogueAge = time.Hour        // how old the catalogue's version may be
)

// Keeper works passes off. One per process is enough; any number of replicas may
// work at once, one after the other.
type Keeper struct {
	Wire   Wire
	Ledger Ledger
	Passes Passes
	Turn   Turn
	Chunk  int           // people taken at a time: some seconds' worth
	Settle time.Duration // see Rules
	Every  time.Duration // how often a pass begins by itself; 0 for never
	Now    func() time.Time
	Log    *slog.Logger

	troubles atomic.Int64 // looks that failed in passing, in a row
}

// manyTroubles in a row are Graph's trouble and nobody's own: an outage must not make
// a whole organisation unknown.
const manyTroubles = 10

// Work begins a pass that is due and goes on with the running one until nothing is
// left, atMost is over or ctx is done. What is in hand then is finished.
func (k *Keeper) Work(ctx context.Context, atMost time.Duration) error {
	if err := k.plan(ctx); err != nil {
		return err
	}
	span, stop := context.WithTimeout(ctx, atMost)
	defer stop()
	for span.Err() == nil {
		chunk, err := k.Passes.TakePeople(ctx, max(1, k.Chunk), keeperLease)
		if err != nil || chunk == nil {
			return err
		}
		if err := k.work(ctx, span, *chunk); err != nil {
			if errors.Is(err, ErrNotOurs) {
				return nil
			}
			return err
		}
	}
	return nil
}

// plan asks the catalogue now and then, and begins a pass that is due.
func (k *Keeper) plan(ctx context.Context) error {
	now, err := k.Ledger.UpkeepStanding(ctx)
	if err != nil {
		return err
	}
	if k.Now().Sub(now.AskedAt) >= catalogueAge {
		version, err := k.Wire.Published(ctx)
		trouble := ""
		if err != nil {
			trouble = broadcast.AsFault(err).Detail
			k.Log.WarnContext(ctx, "the app's version in the catalogue could not be read", "cause", err)
		}
		if err := k.Passes.NoteCatalogue(ctx, version, trouble); err != nil {
			return err
		}
		if now, err = k.Ledger.UpkeepStanding(ctx); err != nil {
			return err
		}
	}
	cause := k.due(now)
	if cause == "" {
		return nil
	}
	err = k.Ledger.BeginPass(ctx, Start{Cause: cause, Upgrades: true, Version: now.Published, By: broadcast.EngineActor.ActorRef})
	if broadcast.IsCode(err, broadcast.Conflict) { // another replica was first
		return nil
	}
	return err
}

// due is why a pass is to begin now, "" if it is not.
func (k *Keeper) due(s Standing) Cause {
	last := s.Since
	if s.Pass != nil {
		last = s.Pass.BegunAt
	}
	switch {
	case k.Every <= 0 || s.Pass.Live() || s.Since.IsZero():
		return ""
	case Older(s.Target, s.Published):
		return Published
	case k.Now().Sub(last) >= k.Every:
		return Due
	}
	return ""
}

// work looks at a chunk's people and stores what became of it, also when the process
// is asked to stop.
func (k *Keeper) work(ctx, span context.Context, c Chunk) error {
	r := &round{Keeper: k, chunk: c}
	hand, end := inHand(ctx)
	defer end()
	outcomes := r.all(hand, span)
	report := r.report(outcomes)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWords)
	defer cancel()
	return errors.Join(k.Passes.RecordLooks(ctx, c, report), r.trouble)
}

// inHand is a context for requests that were begun: it ends lastWords after ctx, so that
// what Graph was asked is heard, and nobody is looked at again for nothing.
func inHand(ctx context.Context) (hand context.Context, end func()) {
	hand, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(lastWords, cancel) })
	return hand, func() { stop(); cancel() }
}

// round is one chunk being looked at.
type round struct {
	*Keeper
	chunk Chunk

	mu      sync.Mutex
	halt    *broadcast.Fault // an answer that concerns everybody
	trouble error            // the allowance could not be asked
}

func (r *round) over() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.halt != nil || r.trouble != nil
}

// all looks at people, several at a time; who was not reached has no finding.
func (r *round) all(ctx, span context.Context) []Outcome {
	out := make([]Outcome, len(r.chunk.People))
	var next atomic.Int64
	var hands sync.WaitGroup
	for range min(keeperHands, len(out)) {
		hands.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(out) || span.Err() != nil || r.over() {
					return
				}
				out[i] = r.look(ctx, span, r.chunk.People[i])
			}
		})
	}
	hands.Wait()
	return out
}

// report keeps what was found out. The cursor stops before the first who was not
// reached; who came after and was reached is not looked at again all the same.
func (r *round) report(all []Outcome) Report {
	var out Report
	whole := true
	for _, o := range all {
		if o.Finding == "" {
			whole = false
			continue
		}
		if whole {
			out.Cursor = o.Person.EntraID
		}
		out.Outcomes = append(out.Outcomes, o)
	}
	out.Done = whole && r.chunk.Last
	if r.halt != nil {
		out.RestTill, out.Problem = r.Now().Add(max(restFor, r.halt.RetryAfter)), r.halt.Reason.Words()+": "+r.halt.Detail
	}
	return out
}

// look asks Graph about one person, judges, and upgrades what is too old. No finding
// means that nothing was learned.
func (r *round) look(ctx, span context.Context, p Person) Outcome {
	out := Outcome{Person: p, At: r.Now()}
	f := r.call(ctx, span, func() (err error) {
		out.Seen, err = r.Wire.Look(ctx, p.EntraID)
		return err
	})
	if f != nil {
		return r.failed(ctx, out, Unknown, f)
	}
	r.troubles.Store(0)
	out.At = r.Now()
	out.Verdict = judge(p, out.Seen, Rules{Now: out.At, Settle: r.Settle, HearingSince: r.chunk.HearingSince, Repairs: r.chunk.Repairs})
	if out.Finding != Fine || !out.Seen.There || !Older(out.Seen.Version, r.chunk.Version) {
		return out
	}
	if out.Finding = Outdated; !r.chunk.Upgrades {
		return out
	}
	// One turn covers the look and the upgrade: they are of different families, each with
	// an allowance at least as wide (protocol F.7).
	f = r.again(ctx, span, func() error { return r.Wire.Upgrade(ctx, p.EntraID, out.Seen.Installation) })
	if f != nil {
		return r.failed(ctx, out, NotUpgraded, f)
	}
	out.Finding, out.Seen.Version = Upgraded, r.chunk.Version
	return out
}

// failed is what a fault makes of a person. One that is not theirs leaves them for
// later, and the whole pass rests.
func (r *round) failed(ctx context.Context, out Outcome, as Finding, f *broadcast.Fault) Outcome {
	if f == stopped || ctx.Err() != nil || r.over() {
		return Outcome{Person: out.Person}
	}
	if f.Scope != broadcast.ScopeRecipient || f.Class == broadcast.Transient && r.troubles.Add(1) >= manyTroubles {
		r.mu.Lock()
		if r.halt == nil {
			r.halt = f
			r.Log.ErrorContext(ctx, "upkeep rests", "fault", f)
		}
		r.mu.Unlock()
		return Outcome{Person: out.Person}
	}
	r.Log.DebugContext(ctx, "somebody's app could not be seen to", "person", out.Person.EntraID, "fault", f)
	out.Verdict = Verdict{Finding: as}
	out.Why = f.Reason
	if out.Why == "" {
		out.Why = broadcast.ReasonUnknownError
	}
	return out
}

// call makes a request when its turn has come.
func (r *round) call(ctx, span context.Context, do func() error) *broadcast.Fault {
	if err := r.Turn.Wait(span); err != nil {
		if span.Err() == nil {
			r.mu.Lock()
			r.trouble = err
			r.mu.Unlock()
		}
		return stopped
	}
	return r.again(ctx, span, do)
}

// stopped is the fault of what was never asked.
var stopped = &broadcast.Fault{Class: broadcast.Transient, Scope: broadcast.ScopeRecipient, Code: "stopped"}

// again makes a request, and some more where it fails in passing, each in its turn: a
// 429 as often as it comes, because it is nobody's failure.
func (r *round) again(ctx, span context.Context, do func() error) *broadcast.Fault {
	for try := 1; ; {
		err := do()
		if err == nil {
			return nil
		}
		f := broadcast.AsFault(err)
		switch {
		case f.Class == broadcast.Throttled:
			if err := r.Turn.Pause(ctx, f.RetryAfter); err != nil {
				r.Log.ErrorContext(ctx, "the pause Graph asked for could not be noted", "error", err)
			}
		case f.Class == broadcast.Transient && f.Scope == broadcast.ScopeRecipient && try < tries:
			try++
		default:
			return f
		}
		if r.Turn.Wait(span) != nil {
			return stopped
		}
	}
}
