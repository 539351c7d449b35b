package fanout

import (
	"context"
	"fmt"

	"github.com/fanfare/fanfare/broadcast"
)

// everyone lists the directory page by page. Its head-count is fixed at the
// beginning, so that sending starts with the first page while the others follow.
func (r *Resolver) everyone(ctx context.Context, b *broadcast.Broadcast) error {
	expected := b.Expected
	if b.State == broadcast.Resolving {
		var err error
		if expected, err = r.Everyone.CountEveryone(ctx, b.ID); err != nil {
			return err
		}
		if expected == 0 {
			return errEmpty
		}
		if err := r.firstOfEveryone(ctx, b); err != nil {
			return err
		}
	}
	after := broadcast.EntraID("")
	for more := true; more; more = after != "" {
		var err error
		if after, err = r.Everyone.ListEveryone(ctx, b.ID, after); err != nil {
			return err
		}
		if b, err = r.open(ctx, b, expected); err != nil {
			return err
		}
	}
	return r.listed(ctx, b.ID)
}

// firstOfEveryone lists the first wave, if there is to be one.
func (r *Resolver) firstOfEveryone(ctx context.Context, b *broadcast.Broadcast) error {
	switch c := b.Plan.Canary; {
	case !c.On() || b.Wave > 0:
		return nil
	case c.People > 0:
		return r.Everyone.CanaryOfEveryone(ctx, b.ID, c.People)
	}
	ring, err := r.ring(ctx, b)
	if err != nil {
		return err
	}
	l := &lister{roll: r.Roll, id: b.ID}
	for _, person := range ring {
		if err := l.add(ctx, person, 0); err != nil {
			return err
		}
	}
	return l.flush(ctx)
}

// open lets a broadcast be sent, once somebody is on its list, and returns it as it
// stands now.
func (r *Resolver) open(ctx context.Context, b *broadcast.Broadcast, expected int) (*broadcast.Broadcast, error) {
	for b.State == broadcast.Resolving {
		if _, err := r.Service.OpenList(ctx, b, expected); err != nil {
			return nil, err
		}
		var err error
		if b, err = r.Ledger.Broadcast(ctx, b.ID); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// listed notes that the list is complete, whatever people do to the broadcast
// meanwhile.
func (r *Resolver) listed(ctx context.Context, id broadcast.ID) error {
	for {
		b, err := r.Ledger.Broadcast(ctx, id)
		if err != nil || !unlisted(b) {
			return err
		}
		if b.Tally.Total != b.Expected { // a ring can hold people the directory's copy has not yet
			r.Log.WarnContext(ctx, "the list is not as long as expected", "broadcast", id, "expected", b.Expected, "listed", b.Tally.Total)
		}
		err = r.Service.Note(ctx, b, func(next *broadcast.Broadcast) { next.ListedAt, next.Expected = r.Now(), b.Tally.Total })
		if !broadcast.IsCode(err, broadcast.Conflict) {
			return err
		}
	}
}

// maxRing is how many people a ring may have: it is held in memory.
const maxRing = 10_000

// ring reads who is in the group the first wave is for.
func (r *Resolver) ring(ctx context.Context, b *broadcast.Broadcast) (map[broadcast.EntraID]broadcast.Recipient, error) {
	group := b.Plan.Canary.Group
	ring := map[broadcast.EntraID]broadcast.Recipient{}
	for person, err := range r.Directory.Members(ctx, broadcast.Audience{Groups: []broadcast.Group{group}}) {
		if err != nil {
			return nil, err
		}
		if ring[person.EntraID] = person; len(ring) > maxRing {
			return nil, broadcast.Errorf(broadcast.Invalid, "The group “%s” of the first wave has more than %d people. Choose a smaller one.", group.Name, maxRing)
		}
	}
	return ring, nil
}

// groups reads an audience of groups to its end before anybody is sent anything: it
// might not be readable in full. The people of the first wave come from its ring,
// or are the first who can be reached.
func (r *Resolver) groups(ctx context.Context, b *broadcast.Broadcast) error {
	var ring map[broadcast.EntraID]broadcast.Recipient
	var err error
	c := b.Plan.Canary
	if b.Wave > 0 {
		c = broadcast.Canary{}
	}
	if c.Group.ID != "" {
		if ring, err = r.ring(ctx, b); err != nil {
			return err
		}
	}
	l := &lister{roll: r.Roll, id: b.ID, wanted: c.People}
	for person, err := range r.Directory.Members(ctx, b.Audience) {
		if err != nil {
			return err
		}
		wave := 1
		if _, first := ring[person.EntraID]; first {
			wave = 0
		}
		if err := l.add(ctx, person, wave); err != nil {
			return err
		}
	}
	if err := l.flush(ctx); err != nil {
		return err
	}
	return r.complete(ctx, b.ID)
}

// lister writes people down in whole chunks, each wave in its own.
type lister struct {
	roll   Roll
	id     broadcast.ID
	wanted int // how many who can be reached the first wave still wants, of anybody
	unseen []broadcast.Recipient
	waves  [2][]broadcast.Recipient
}

// add takes one more person, for a wave unless the first one wants people.
func (l *lister) add(ctx context.Context, person broadcast.Recipient, wave int) error {
	if l.wanted == 0 {
		return l.put(ctx, wave, person)
	}
	if l.unseen = append(l.unseen, person); len(l.unseen) < ChunkSize {
		return nil
	}
	return l.look(ctx)
}

// look chooses for the first wave from those at whom nobody has looked yet.
func (l *lister) look(ctx context.Context) error {
	page := l.unseen
	l.unseen = nil
	return l.sift(ctx, page)
}

// sift halves people until it knows of each whether they can be reached. Price: one
// question where all or none can, as it is mostly.
func (l *lister) sift(ctx context.Context, page []broadcast.Recipient) error {
	if len(page) == 0 || l.wanted == 0 {
		return l.put(ctx, 1, page...)
	}
	reach, err := l.roll.ReachOf(ctx, page)
	switch {
	case err != nil:
		return err
	case reach.Ready == 0:
		return l.put(ctx, 1, page...)
	case reach.Ready == len(page):
		n := min(l.wanted, len(page))
		l.wanted -= n
		if err := l.put(ctx, 0, page[:n]...); err != nil {
			return err
		}
		return l.put(ctx, 1, page[n:]...)
	}
	half := len(page) / 2
	if err := l.sift(ctx, page[:half]); err != nil {
		return err
	}
	return l.sift(ctx, page[half:])
}

func (l *lister) put(ctx context.Context, wave int, people ...broadcast.Recipient) error {
	for _, person := range people {
		if l.waves[wave] = append(l.waves[wave], person); len(l.waves[wave]) == ChunkSize {
			if err := l.store(ctx, wave); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *lister) store(ctx context.Context, wave int) error {
	if len(l.waves[wave]) == 0 {
		return nil
	}
	err := l.roll.AddDeliveries(ctx, l.id, l.waves[wave], wave)
	l.waves[wave] = l.waves[wave][:0]
	return err
}

// flush stores what is left.
func (l *lister) flush(ctx context.Context) error {
	if err := l.look(ctx); err != nil {
		return err
	}
	for wave := range l.waves {
		if err := l.store(ctx, wave); err != nil {
			return fmt.Errorf("list of %s: %w", l.id, err)
		}
	}
	return nil
}
