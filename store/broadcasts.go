package store

import (
	"context"
	"errors"
	"strings"

	"gorm.io/gorm"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/store/db"
	"github.com/fanfare/fanfare/store/roll"
)

// Create stores a new broadcast (revision 1) and its first Move.
func (s *Store) Create(ctx context.Context, b *broadcast.Broadcast, m broadcast.Move) error {
	first := *b
	first.Revision = 1
	row, err := rowOfBroadcast(s.db.Tenant(), &first)
	if err != nil {
		return err
	}
	err = s.write(ctx, func(t *tx) error { return t.create(row, m) })
	if errors.Is(err, gorm.ErrDuplicatedKey) {
		return broadcast.Errorf(broadcast.Conflict, "This broadcast is already stored. Reload the page to see it.")
	}
	if err == nil {
		b.Revision = 1
	}
	return err
}

func (t *tx) create(row broadcastRow, m broadcast.Move) error {
	return errors.Join(
		t.ORM.Create(&row).Error,
		t.ORM.Create(&tallyRow{TenantID: t.Tenant(), BroadcastID: row.ID}).Error,
		t.move(m, broadcast.ID(row.ID), 1))
}

// Broadcast reads one with its tally; *Error NotFound if there is none.
func (s *Store) Broadcast(ctx context.Context, id broadcast.ID) (*broadcast.Broadcast, error) {
	return s.read(ctx).broadcast(id)
}

func (t *tx) broadcast(id broadcast.ID) (*broadcast.Broadcast, error) {
	var row joined
	n, err := t.Scan(&row, selectBroadcasts+`AND b.id = @id `, db.Args{"id": string(id)})
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return nil, broadcast.Errorf(broadcast.NotFound, "There is no such broadcast. It may have been written in another installation; look for it in the list.")
	}
	b, err := row.broadcast()
	return &b, err
}

// Change stores a move by compare-and-set on state and revision, with its audit
// line and the work that follows from it.
func (s *Store) Change(ctx context.Context, c broadcast.Change) (*broadcast.Broadcast, error) {
	next := *c.After
	next.ID, next.Revision = c.Before.ID, c.Before.Revision+1
	row, err := rowOfBroadcast(s.db.Tenant(), &next)
	if err != nil {
		return nil, err
	}
	var child broadcastRow
	if c.Child != nil {
		if child, err = rowOfBroadcast(s.db.Tenant(), c.Child); err != nil {
			return nil, err
		}
	}
	var stored *broadcast.Broadcast
	err = s.write(ctx, func(t *tx) error {
		// late_count grows without a revision (JoinLate), so it is nobody else's to write.
		if c.After.Welcomes() { // nobody is looked at meanwhile (Welcome)
			if err := t.Turn(roll.WelcomeTurn, true); err != nil {
				return err
			}
		}
		res := t.ORM.Model(&broadcastRow{}).Select("*").Omit("tenant_id", "id", "created_at", "late_count").
			Where("tenant_id = ? AND id = ? AND state = ? AND revision = ?", s.db.Tenant(), row.ID, string(c.Before.State), c.Before.Revision).
			UpdateColumns(&row)
		if res.Error != nil {
			return res.Error
		}
		if res.RowsAffected == 0 {
			if _, err := t.broadcast(next.ID); err != nil {
				return err
			}
			return broadcast.Errorf(broadcast.Conflict, "Somebody else changed this broadcast in the meantime. Reload the page, look at it, and try again.")
		}
		if c.Move.Event != "" { // what the engine only learned has no line of its own
			if err := t.move(c.Move, next.ID, next.Revision); err != nil {
				return err
			}
		}
		if c.Child != nil {
			if err := t.create(child, c.ChildMove); err != nil {
				return err
			}
		}
		t.HandOut(c.Works...)
		var err error
		stored, err = t.broadcast(next.ID)
		return err
	})
	if err != nil {
		return nil, err
	}
	if c.Before.ListedAt.IsZero() && !stored.ListedAt.IsZero() {
		roll.Analyze(ctx, s.db, next.ID)
	}
	return stored, nil
}

// List reads a page, newest first.
func (s *Store) List(ctx context.Context, q broadcast.ListQuery) (broadcast.ListPage, error) {
	stmt, a := selectBroadcasts, db.Args{"limit": q.Limit + 1}
	if q.States != nil {
		stmt += `AND b.state IN (@states ) `
		a["states"] = db.Each(q.States, func(s broadcast.State) string { return string(s) })
	}
	if q.Target != "" {
		stmt += `AND b.target_id <> '' AND b.target_id = @target `
		a["target"] = string(q.Target)
	}
	switch q.Shelf {
	case broadcast.ShelfList:
		stmt += `AND b.kind <> 'post' AND (b.kind <> 'welcome' OR b.started_at = 0) `
	case broadcast.ShelfWelcomes:
		stmt += `AND b.kind = 'welcome' `
	}
	if text := strings.ToLower(strings.TrimSpace(q.Text)); text != "" {
		stmt += `AND b.title_search LIKE @text ESCAPE '\' `
		a["text"] = "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(db.Clean(text, 0)) + "%"
	}
	if q.After != "" {
		stmt += `AND b.id < @after `
		a["after"] = string(q.After)
	}
	// Price: the primary key backwards. A text reads titles until the page is full;
	// broadcasts are counted in thousands.
	var rows []joined
	if _, err := s.read(ctx).Scan(&rows, stmt+`ORDER BY b.id DESC LIMIT @limit `, a); err != nil {
		return broadcast.ListPage{}, err
	}
	var page broadcast.ListPage
	if len(rows) > q.Limit {
		rows = rows[:q.Limit]
		page.Next = broadcast.ID(rows[q.Limit-1].Row.ID)
	}
	for _, r := range rows {
		b, err := r.broadcast()
		if err != nil {
			return broadcast.ListPage{}, err
		}
		page.Broadcasts = append(page.Broadcasts, b)
	}
	return page, nil
}

type moveRow struct {
	TenantID, BroadcastID     string
	Revision                  int64
	Event, FromState, ToState string
	ByID, ByName              string
	At                        int64
	Note, Hash                string
}

func (moveRow) TableName() string { return "moves" }

func (t *tx) move(m broadcast.Move, id broadcast.ID, revision int64) error {
	return t.ORM.Create(&moveRow{
		TenantID: t.Tenant(), BroadcastID: string(id), Revision: revision, Event: string(m.Event),
		FromState: string(m.From), ToState: string(m.To), ByID: string(m.By.ID), ByName: m.By.Name,
		At: db.Millis(m.At), Note: db.Clean(m.Note, 0), Hash: m.Hash,
	}).Error
}

// History reads the audit trail of one broadcast, oldest first.
func (s *Store) History(ctx context.Context, id broadcast.ID) ([]broadcast.Move, error) {
	var rows []moveRow
	if _, err := s.read(ctx).Scan(&rows, `SELECT * FROM moves WHERE tenant_id = @tenant AND broadcast_id = @id ORDER BY revision`, db.Args{"id": string(id)}); err != nil {
		return nil, err
	}
	return db.Each(rows, func(r moveRow) broadcast.Move {
		return broadcast.Move{
			BroadcastID: broadcast.ID(r.BroadcastID), Event: broadcast.Event(r.Event), From: broadcast.State(r.FromState), To: broadcast.State(r.ToState),
			By: db.ActorRef(r.ByID, r.ByName), At: db.Moment(r.At), Note: r.Note, Hash: r.Hash,
		}
	}), nil
}
