package fanout

import (
	"sync"
	"time"

	"github.com/fanfare/fanfare/broadcast"
)

const (
	// breakerLimit is how many failures in a row, all with the same code and no
	// success between, are taken for a fault of the broadcast rather than of the people.
	breakerLimit = 50
	// breakerRoom is how many broadcasts are kept in mind; few are live at once.
	breakerRoom = 64
)

// breaker counts, per broadcast, a run of identical failures, and remembers when
// anything last went well. Skipped people (blocked, removed) never count.
type breaker struct {
	mu   sync.Mutex
	runs map[broadcast.ID]failureRun
	sent time.Time
}

type failureRun struct {
	code string
	n    int
}

func (b *breaker) success(id broadcast.ID, at time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.runs, id)
	b.sent = at
}

// sentSince tells whether anybody of any broadcast got something after a time.
func (b *breaker) sentSince(at time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.sent.After(at)
}

// failure counts one more and tells whether that is too many. It then begins
// anew, so that a resumed broadcast gets a fair try.
func (b *breaker) failure(id broadcast.ID, code string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.runs == nil || len(b.runs) >= breakerRoom {
		b.runs = map[broadcast.ID]failureRun{id: b.runs[id]}
	}
	run := b.runs[id]
	if run.code != code {
		run = failureRun{code: code}
	}
	if run.n++; run.n >= breakerLimit {
		delete(b.runs, id)
		return true
	}
	b.runs[id] = run
	return false
}
