package doors

import (
	"context"
	"sync"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/store/db"
)

const (
	// saveAtOnce is how many activities share a commit. More would make the first of
	// them wait longer than Teams should.
	saveAtOnce = 100
	saveWithin = 10 * time.Second
)

// saver has activities that come at the same time share a commit: a commit costs
// more than a hundred rows. There is no goroutine of its own and no waiting for
// company: whoever comes while one commits, waits for the next, and the first of
// those makes it.
type saver struct {
	mu      sync.Mutex
	busy    bool
	waiting []*saving
}

// saving is one activity that waits.
type saving struct {
	in   broadcast.Inbound
	turn chan bool // true: lead the next commit; false: it is done
	// Set when it is done.
	fresh bool
	err   error
}

// save returns when the activity is stored.
func (s *saver) save(ctx context.Context, d *db.DB, in broadcast.Inbound) (fresh bool, err error) {
	mine := &saving{in: in, turn: make(chan bool, 1)}
	s.mu.Lock()
	s.waiting = append(s.waiting, mine)
	if !s.busy {
		s.busy = true
		mine.turn <- true
	}
	s.mu.Unlock()
	// Not interrupted: who leads must do so, or nobody would. It is soon over.
	if lead := <-mine.turn; lead {
		s.lead(ctx, d)
	}
	return mine.fresh, mine.err
}

// lead commits what waits, at most saveAtOnce, and passes the lead on.
func (s *saver) lead(ctx context.Context, d *db.DB) {
	s.mu.Lock()
	n := min(len(s.waiting), saveAtOnce)
	batch := s.waiting[:n:n]
	s.waiting = s.waiting[n:]
	s.mu.Unlock()

	// The others do not depend on this one's client staying.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveWithin)
	defer cancel()
	if err := saveAll(ctx, d, batch); err != nil {
		for _, one := range batch { // one may be the trouble of all
			one.err = err
			if n > 1 && ctx.Err() == nil {
				one.err = saveAll(ctx, d, []*saving{one})
			}
		}
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range batch[1:] { // the first is whoever leads
		one.turn <- false
	}
	if s.busy = len(s.waiting) > 0; s.busy {
		s.waiting[0].turn <- true
	}
}

// saveAll stores activities in one transaction. Price: a row by key each.
func saveAll(ctx context.Context, d *db.DB, batch []*saving) error {
	return d.Write(ctx, func(t *db.Tx) error {
		for _, one := range batch {
			id := one.in.ActivityID
			if id == "" {
				id = "sha256:" + hashOf(string(one.in.Body))
			}
			n, err := t.Do(`INSERT INTO inbox (tenant_id, conversation_id, activity_id, body, received_at, attempts, leased_until, handled_at)
				VALUES ($1, $2, $3, $4, $5, 0, 0, 0) ON CONFLICT DO NOTHING`,
				t.Tenant(), db.Clean(one.in.ConversationID, 0), db.Clean(id, 0), append([]byte{}, one.in.Body...), db.Millis(one.in.ReceivedAt))
			if err != nil {
				return err
			}
			one.fresh = n == 1
		}
		return nil
	})
}
