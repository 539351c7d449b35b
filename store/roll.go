package store

import (
	"context"
	"errors"

	"gorm.io/gorm"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/store/db"
	"github.com/fanfare/fanfare/store/roll"
)

// turnRoll is the turn that writers of lists and of addresses take (roll.Turn).
const turnRoll = roll.Turn

// list opens a broadcast's list in a transaction of its own.
func (s *Store) list(ctx context.Context, id broadcast.ID, f func(l *roll.List) error) error {
	return s.write(ctx, func(t *tx) error {
		l, err := t.list(id, t.ForShare)
		if err != nil {
			return err
		}
		return f(l)
	})
}

func (t *tx) list(id broadcast.ID, lock string) (*roll.List, error) {
	l, err := roll.Open(t.Tx, id, lock)
	if err != nil {
		return nil, err
	}
	l.Count = func(from, to broadcast.DeliveryState, n int) { t.count(id, from, to, n) }
	return l, nil
}

// AddDeliveries stores recipients as the next chunks of a wave, those not yet on
// the list only, while the broadcast is resolving.
func (s *Store) AddDeliveries(ctx context.Context, id broadcast.ID, page []broadcast.Recipient, wave int) error {
	if len(page) == 0 {
		return nil
	}
	return s.list(ctx, id, func(l *roll.List) error { return l.AddPeople(page, wave) })
}

// CountAudience is how many people and channels the audience is, as of when Send was pressed.
func (s *Store) CountAudience(ctx context.Context, id broadcast.ID) (int, error) {
	t := s.read(ctx)
	f, err := roll.Read(t.Tx, id, "")
	if err != nil {
		return 0, err
	}
	return roll.Count(t.Tx, id, f)
}

// maxRing is how many people a ring may have: they are listed in one transaction.
const maxRing = 10_000

// ListCanary lists the first wave of a broadcast: the first people who can be
// reached, or those of the audience who are in its ring. It does nothing if there is
// one; *Error if the ring is too large.
func (s *Store) ListCanary(ctx context.Context, id broadcast.ID, c broadcast.Canary) error {
	return s.list(ctx, id, func(l *roll.List) error {
		if c.People > 0 {
			return l.AddCanary(c.People)
		}
		return l.AddRing(c.Ring(), maxRing)
	})
}

// ListAudience lists the page of the audience after a person, as of when Send
// was pressed, and returns where it ends; "" when nobody is left. Meanwhile others
// may send what is listed. Its channels are listed last. Begun anew it adds only who is missing.
func (s *Store) ListAudience(ctx context.Context, id broadcast.ID, after broadcast.EntraID) (broadcast.EntraID, error) {
	end, err := roll.Page(s.read(ctx).Tx, id, after)
	if err == nil && end == "" { // nobody is left: its channels
		err = s.list(ctx, id, (*roll.List).AddChannels)
	}
	if err != nil || end == "" {
		return "", err
	}
	waits, err := s.addPage(ctx, id, after, end, false)
	if errors.Is(err, gorm.ErrDuplicatedKey) {
		waits, err = s.addPage(ctx, id, after, end, true)
	}
	if err != nil || !waits {
		return end, err
	}
	err = s.db.Write(ctx, func(t *db.Tx) error {
		f, err := roll.Read(t, id, "")
		if err != nil {
			return err
		}
		return (&roll.List{Tx: t, ID: id, Facts: f}).Want(after, end)
	})
	return end, err
}

// addPage lists one page and tells whether somebody on it may have to be wanted.
// That nobody was added may mean that they were before, and then this process died.
func (s *Store) addPage(ctx context.Context, id broadcast.ID, after, end broadcast.EntraID, careful bool) (waits bool, err error) {
	err = s.list(ctx, id, func(l *roll.List) error {
		err := l.Add(after, end, careful)
		waits = l.Waits
		return err
	})
	return waits, err
}

// ListPass lists those whom a correction or a recall of target is for, out of a
// page of target's deliveries after one, and returns where it ends; 0 when
// nobody is left. ErrNotYet while the target has chunks in hand, or people left to
// mark as cancelled. Begun anew it adds only who is missing.
func (s *Store) ListPass(ctx context.Context, id, target broadcast.ID, after int64) (next int64, err error) {
	err = s.list(ctx, id, func(l *roll.List) (err error) {
		next, err = l.AddPass(target, after)
		return err
	})
	return next, err
}

// DropDeliveries forgets the list of a resolving broadcast that was never sent
// from; one from which a chunk was ever taken is kept.
func (s *Store) DropDeliveries(ctx context.Context, id broadcast.ID) error {
	for more := true; more; {
		if err := s.list(ctx, id, func(l *roll.List) (err error) {
			more, err = l.Drop()
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}
