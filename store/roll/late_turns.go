package roll

import (
	"maps"
	"sync"
	"time"

	"github.com/fanfare/fanfare/broadcast"
)

// lateEvery is how long a broadcast is left alone after its late joiners were
// looked for: that reads its whole audience.
const lateEvery = 15 * time.Second

// LateTurns is when each broadcast's late joiners were last looked for. Each
// replica remembers its own turns: looking once more does no harm.
type LateTurns struct {
	mu sync.Mutex
	at map[broadcast.ID]time.Time
}

// Due tells whether a broadcast's turn has come.
func (l *LateTurns) Due(id broadcast.ID, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	at, ok := l.at[id]
	return !ok || now.Sub(at) >= lateEvery || now.Before(at)
}

// Begun notes which have begun.
func (l *LateTurns) Begun(works []broadcast.Work, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	maps.DeleteFunc(l.at, func(_ broadcast.ID, at time.Time) bool { return now.Sub(at) > lateEvery })
	for _, w := range works {
		if w.Kind == broadcast.KindLate {
			if l.at == nil {
				l.at = map[broadcast.ID]time.Time{}
			}
			l.at[w.BroadcastID] = now
		}
	}
}
