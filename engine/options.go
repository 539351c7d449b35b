package engine

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/fanfare/fanfare/broadcast"
)

// Options is what every engine is made of. The zero value is usable.
type Options struct {
	// Periodic is the work that comes round by itself: once when an engine starts to
	// run, then once per period in the whole installation.
	Periodic []broadcast.Periodic
	// Hands says how many pieces of a kind one replica does at a time; kinds that
	// are not named keep their default.
	Hands map[broadcast.Kind]int
	// Timeout is how long one piece of a kind may take before its context is done;
	// kinds that are not named keep their default.
	Timeout map[broadcast.Kind]time.Duration
	// Log takes failures and panics of work; nil for silence.
	Log *slog.Logger
}

// trait is what an engine must know of a kind.
type trait struct {
	hands   int
	timeout time.Duration
}

// Lane is where work waits: its kind, and for sending the broadcast's priority too.
func Lane(w broadcast.Work) string {
	if w.Kind == broadcast.KindSend {
		return laneOf(w.Kind, w.Priority)
	}
	return string(w.Kind)
}

func laneOf(k broadcast.Kind, p broadcast.Priority) string {
	if p == "" || p == broadcast.PriorityNormal {
		return string(k)
	}
	return string(k) + "_" + string(p)
}

// Lanes is every lane, with the kind of work it holds.
func Lanes() map[string]broadcast.Kind {
	lanes := map[string]broadcast.Kind{}
	for _, k := range broadcast.Kinds() {
		lanes[string(k)] = k
	}
	for _, p := range broadcast.Priorities() {
		lanes[laneOf(broadcast.KindSend, p)] = broadcast.KindSend
	}
	return lanes
}

// Rank is which work of a lane goes first, the lowest: a broadcast's first two
// seats before anybody's third, so that one that starts later is not kept waiting
// by all the seats of another.
func Rank(w broadcast.Work) int {
	switch {
	case w.Seat <= 2:
		return 1
	case w.Seat <= 4:
		return 2
	}
	return 3
}

// traits are the defaults. Broadcasts are sent from four seats at a time, because
// one chunk's slow tail must not leave the Connector idle; more hands would only
// queue for the same budget. Installing is braked by Microsoft to about 25/s per tenant: two pairs of
// hands fill that, one going on while the other changes. The long ones read the directory page by page.
func traits(k broadcast.Kind) trait {
	switch k {
	case broadcast.KindSend:
		// A seat lasts 5 s, a slow answer 30 s more, and results wait 90 s for a ledger
		// that is gone.
		return trait{hands: 4, timeout: 150 * time.Second}
	case broadcast.KindResolve:
		return trait{hands: 2, timeout: 15 * time.Minute}
	case broadcast.KindInstall:
		return trait{hands: 2, timeout: 25 * time.Second}
	case broadcast.KindSync:
		return trait{hands: 1, timeout: 30 * time.Minute}
	case broadcast.KindSweep:
		return trait{hands: 1, timeout: 10 * time.Second}
	case broadcast.KindClean:
		return trait{hands: 1, timeout: 2 * time.Minute}
	default: // cancel, roster, upkeep
		return trait{hands: 1, timeout: 25 * time.Second}
	}
}

// HandsOf is how many pieces of a kind one replica does at a time, at least 1.
func (o Options) HandsOf(k broadcast.Kind) int {
	if n := o.Hands[k]; n > 0 {
		return n
	}
	return traits(k).hands
}

// TimeoutOf is how long one piece of a kind may take.
func (o Options) TimeoutOf(k broadcast.Kind) time.Duration {
	if d := o.Timeout[k]; d > 0 {
		return d
	}
	return traits(k).timeout
}

// Logger is Log, or silence.
func (o Options) Logger() *slog.Logger {
	if o.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return o.Log
}

// Validate names the first setting that cannot work.
func (o Options) Validate() error {
	for _, p := range o.Periodic {
		if !Known(p.Work.Kind) {
			return fmt.Errorf("engine: periodic work of unknown kind %q", p.Work.Kind)
		}
		// River plans periodic work by the second and no finer.
		if p.Every < time.Second {
			return fmt.Errorf("engine: %s comes round every %s; the shortest period is a second", p.Work.Kind, p.Every)
		}
	}
	return nil
}

// Known reports whether k is one of broadcast.Kinds: an engine has lanes for those only.
func Known(k broadcast.Kind) bool {
	for _, known := range broadcast.Kinds() {
		if k == known {
			return true
		}
	}
	return false
}

// Check refuses works of a kind no lane exists for: they would wait forever.
func Check(works []broadcast.Work) error {
	for _, w := range works {
		if !Known(w.Kind) {
			return fmt.Errorf("engine: work of unknown kind %q", w.Kind)
		}
	}
	return nil
}
