package store

import (
	"context"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/places"
	"github.com/fanfare/fanfare/store/db"
	storedplaces "github.com/fanfare/fanfare/store/places"
	"github.com/fanfare/fanfare/store/roll"
)

// newcomerRow is when the app reached somebody for the first time, and when they were
// looked at; 0 for not yet. The database writes it (migrations, 0020), so that no
// statement that stores an address can forget to.
type newcomerRow struct {
	TenantID, EntraID string
	At, SeenAt        int64
}

func (newcomerRow) TableName() string { return "newcomers" }

// Welcome looks at a page of those whom the app has reached for the first time, and puts
// them on the list of the welcome in use; if none is, they are not welcomed later either.
// Those it was put into use before, and those who remove the app and add it again, are
// none of them. It returns how many it has looked at.
//
// One transaction lists them and notes that they were looked at, and one at a time looks:
// each gets it once, whatever dies and however many replicas there are. Price: a look-up
// in an empty index as long as nobody comes.
func (s *Store) Welcome(ctx context.Context, limit int) (n int, err error) {
	if some, err := roll.Arrived(s.read(ctx).Tx, 1); err != nil || len(some) == 0 {
		return 0, err
	}
	err = s.write(ctx, func(t *tx) error {
		n = 0
		if err := t.Turn(roll.WelcomeTurn, true); err != nil {
			return err
		}
		w, err := roll.LookWelcome(t.Tx)
		if err != nil || w.Waits() {
			return err
		}
		ids, err := roll.Arrived(t.Tx, limit)
		if err != nil || len(ids) == 0 {
			return err
		}
		if w.Takes() {
			l, err := t.list(w.ID, t.ForUpdate)
			if err != nil {
				return err
			}
			if err := l.AddArrived(ids, w.Since); err != nil {
				return err
			}
		}
		n = len(ids)
		return roll.Seen(t.Tx, ids)
	})
	return n, err
}

// Greet notes that a team's arrival was looked at, and stores what post makes of the
// welcome in use for it, with its work, in one transaction. While the welcome is paused,
// or about to be in use, teams wait like people.
func (s *Store) Greet(ctx context.Context, a places.Arrival, post func(w *broadcast.Broadcast) *broadcast.Broadcast) error {
	return s.write(ctx, func(t *tx) error {
		if err := t.Turn(roll.WelcomeTurn, true); err != nil {
			return err
		}
		w, err := roll.LookWelcome(t.Tx)
		if err != nil || w.Waits() || w.State == broadcast.Paused {
			return err
		}
		if ours, err := storedplaces.Greeted(t.Tx, a); err != nil || !ours || !w.Takes() || db.Millis(a.At) < w.Since {
			return err
		}
		welcome, err := t.broadcast(w.ID)
		if err != nil {
			return err
		}
		b := post(welcome)
		if b == nil {
			return nil
		}
		row, err := rowOfBroadcast(t.Tenant(), b)
		if err != nil {
			return err
		}
		t.HandOut(broadcast.Work{Kind: broadcast.KindResolve, BroadcastID: b.ID})
		return t.create(row, broadcast.Move{BroadcastID: b.ID, Event: broadcast.EventCreate, To: b.State, By: broadcast.EngineActor.ActorRef, At: b.CreatedAt, Hash: b.Hash()})
	})
}
