package store

import (
	"context"

	"github.com/fanfare/fanfare/broadcast"
	looks "github.com/fanfare/fanfare/store/upkeep"
	"github.com/fanfare/fanfare/upkeep"
)

// RecordLooks implements upkeep.Passes. What waits for a person from whom the app
// vanished is skipped; where it is to be put back it waits for an address again. What
// a worker may have in hand is left to the worker.
func (s *Store) RecordLooks(ctx context.Context, c upkeep.Chunk, r upkeep.Report) error {
	return s.write(ctx, func(t *tx) error {
		if err := t.Turn(turnRoll, false); err != nil {
			return err
		}
		to := func(state broadcast.InstallationState) (ids []broadcast.EntraID) {
			for _, o := range r.Outcomes {
				if o.To == state {
					ids = append(ids, o.Person.EntraID)
				}
			}
			return ids
		}
		gone, back := to(broadcast.InstallationRemoved), to(broadcast.InstallationWanted)
		// Chunks before installations: the one order of locks.
		waiting, err := t.live(append(gone, back...))
		if err != nil {
			return err
		}
		free, err := t.freeChunks(waiting)
		if err != nil {
			return err
		}
		moved, err := looks.Record(t.Tx, c, r)
		if err != nil {
			return err
		}
		waiting = of(waiting, moved)
		if _, err := t.moveRows(of(waiting, gone), broadcast.DeliveryPending, broadcast.DeliverySkipped, broadcast.ReasonVanished); err != nil {
			return err
		}
		waiting = in(free, waiting)
		if _, err := t.moveRows(of(waiting, gone), broadcast.DeliveryReady, broadcast.DeliverySkipped, broadcast.ReasonVanished); err != nil {
			return err
		}
		_, err = t.moveRows(of(waiting, back), broadcast.DeliveryReady, broadcast.DeliveryPending, broadcast.ReasonNotInstalled)
		return err
	})
}
