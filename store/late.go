package store

import (
	"context"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/store/db"
	"github.com/fanfare/fanfare/store/roll"
)

// lateCursorRow is up to when a broadcast's late joiners have been looked at.
type lateCursorRow struct {
	TenantID, BroadcastID string
	SeenTo                int64
}

func (lateCursorRow) TableName() string { return "late_cursors" }

// lateOverlap is how far back each look begins before the end of the last: clocks
// of replicas differ, and what was written first is not always seen first.
const lateOverlap = 60_000 // milliseconds

// appReasons are why people were skipped who are taken in when they get the app.
// Blocked is not among them: that is their own will.
var appReasons = []string{
	string(broadcast.ReasonPolicy), string(broadcast.ReasonNoCatalogApp), string(broadcast.ReasonMismatch), string(broadcast.ReasonNoTeams),
	string(broadcast.ReasonInstallFailed), string(broadcast.ReasonNotInstalled), string(broadcast.ReasonRemoved),
}

// JoinLate takes people in who got the app after the list was made: those who were
// skipped for want of it become ready, and those of the audience who are not on the
// list are appended (LateCount counts them): of everyone, or of the sets gathered anew
// in the name of again. It returns how many it took in, limit at most per transaction. Nobody is
// taken in before the list is complete, nor into a broadcast that is over, unless it
// says until when.
//
// A sent broadcast stays sent: whoever finds it with somebody ready moves it, also
// if the process that took them in died in between.
//
// Price: nothing for those who had the app before. It reads the installations that
// became reachable since the last look, and the people who came into the directory
// since the list was frozen.
func (s *Store) JoinLate(ctx context.Context, id broadcast.ID, again string, limit int) (int, error) {
	joined, err := s.joinNewcomers(ctx, id, limit)
	for n := limit; n == limit && err == nil; joined += n {
		n, err = s.append(ctx, id, func(l *roll.List) (int, error) { return l.AddLate(again, limit) })
	}
	return joined, err
}

// joinNewcomers makes those ready who are on the list and were skipped for want of
// the app, a page of newcomers after the other.
func (s *Store) joinNewcomers(ctx context.Context, id broadcast.ID, limit int) (joined int, err error) {
	walk, begun, page, n := roll.Newcomers{}, false, false, 0
	for more := true; more; joined += n {
		err := s.write(ctx, func(t *tx) error {
			more, n = false, 0
			l, err := t.lateList(id)
			if err != nil || l == nil {
				return err
			}
			if !begun {
				if walk, err = t.lastLook(l); err != nil {
					return err
				}
			}
			if page, err = walk.Page(t.Tx, limit); err != nil || !page {
				return err
			}
			more = walk.Full
			if n, err = t.joinSkipped(id, walk); err != nil {
				return err
			}
			return t.looked(id, walk)
		})
		if err != nil {
			return joined, err
		}
		begun = true
		walk.Next()
	}
	return joined, nil
}

// lastLook is where a look begins.
func (t *tx) lastLook(l *roll.List) (roll.Newcomers, error) {
	var row lateCursorRow
	_, err := t.Scan(&row, `SELECT * FROM late_cursors WHERE tenant_id = @tenant AND broadcast_id = @id `, db.Args{"id": string(l.ID)})
	return roll.Newcomers{After: max(row.SeenTo, l.StartedAt) - lateOverlap}, err
}

func (t *tx) looked(id broadcast.ID, n roll.Newcomers) error {
	_, err := t.Exec(`INSERT INTO late_cursors (tenant_id, broadcast_id, seen_to) VALUES (@tenant , @id , @seen )
		ON CONFLICT (tenant_id, broadcast_id) DO UPDATE SET seen_to = excluded.seen_to WHERE late_cursors.seen_to < excluded.seen_to`,
		db.Args{"id": string(id), "seen": min(n.End, t.NowMillis())})
	return err
}

// lateList is the list of a broadcast that takes people in late now, else nil.
func (t *tx) lateList(id broadcast.ID) (*roll.List, error) {
	l, err := t.list(id, t.ForUpdate)
	if err != nil {
		return nil, err
	}
	now := t.NowMillis()
	after := l.State == broadcast.Sent && l.Late == broadcast.LateUntilDate && l.LateUntil > now
	if l.Kind != broadcast.KindAnnouncement || l.Late == broadcast.LateNever || l.RecalledAt > 0 || !l.State.Live() && !after ||
		l.ExpiresAt > 0 && l.ExpiresAt <= now || l.ListedAt == 0 {
		return nil, nil
	}
	return l, nil
}

// append adds people to a list that is complete, and counts them.
func (s *Store) append(ctx context.Context, id broadcast.ID, add func(l *roll.List) (int, error)) (n int, err error) {
	err = s.write(ctx, func(t *tx) error {
		n = 0
		l, err := t.lateList(id)
		if err != nil || l == nil {
			return err
		}
		if n, err = add(l); err != nil || n == 0 {
			return err
		}
		_, err = t.Exec(`UPDATE broadcasts SET late_count = late_count + @n WHERE tenant_id = @tenant AND id = @id `, db.Args{"n": n, "id": string(id)})
		return err
	})
	return n, err
}

// joinSkipped makes those newcomers ready who are on the list and were skipped for
// want of the app.
func (t *tx) joinSkipped(id broadcast.ID, n roll.Newcomers) (int, error) {
	var rows []waitingRow
	a := n.Args()
	a["id"], a["reasons"] = string(id), appReasons
	if _, err := t.Scan(&rows, `SELECT d.id, d.entra_id, d.broadcast_id, d.chunk, d.state FROM `+roll.NewcomersPage+` AS i
		JOIN deliveries d ON d.tenant_id = @tenant AND d.broadcast_id = @id AND d.entra_id = i.entra_id
		WHERE d.state = 'skipped' AND d.reason IN (@reasons) ORDER BY d.id`, a); err != nil {
		return 0, err
	}
	return t.reopen(rows, broadcast.DeliverySkipped)
}
