package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"gorm.io/gorm"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/store/db"
)

type broadcastRow struct {
	TenantID    string `gorm:"primaryKey"`
	ID          string `gorm:"primaryKey"`
	State       string
	Revision    int64
	TitleSearch string
	Message     string
	Audience    string

	AuthorID, AuthorName           string
	Editors                        string
	SubmittedByID, SubmittedByName string
	ApprovedByID, ApprovedByName   string
	ApprovedHash                   string
	Reason                         string

	DueAt, CreatedAt, UpdatedAt, StartedAt, FinishedAt int64 `gorm:"autoCreateTime:false;autoUpdateTime:false"`
}

func (broadcastRow) TableName() string { return "broadcasts" }

// The stored shapes of message and audience. Theirs are names of their own: a
// field renamed in package broadcast must not lose what is stored. An empty list
// and none stay apart, because the approved hash tells them apart.
type (
	messageJSON struct {
		Title    string       `json:"title"`
		Body     string       `json:"body"`
		ImageURL string       `json:"image_url"`
		ImageAlt string       `json:"image_alt"`
		Buttons  []buttonJSON `json:"buttons"`
	}
	buttonJSON struct {
		Title string `json:"title"`
		URL   string `json:"url"`
	}
	audienceJSON struct {
		Everyone bool        `json:"everyone"`
		Groups   []groupJSON `json:"groups"`
	}
	groupJSON struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	}
)

func rowOfBroadcast(tenant string, b *broadcast.Broadcast) (broadcastRow, error) {
	m := b.Message
	message, err1 := json.Marshal(messageJSON{m.Title, m.Body, m.ImageURL, m.ImageAlt, db.Each(m.Buttons, func(b broadcast.Button) buttonJSON { return buttonJSON(b) })})
	audience, err2 := json.Marshal(audienceJSON{b.Audience.Everyone, db.Each(b.Audience.Groups, func(g broadcast.Group) groupJSON { return groupJSON(g) })})
	editors, err3 := json.Marshal(b.Editors)
	return broadcastRow{
		TenantID: tenant, ID: string(b.ID), State: string(b.State), Revision: b.Revision,
		TitleSearch: strings.ToLower(db.Clean(m.Title, 0)), Message: string(message), Audience: string(audience),
		AuthorID: string(b.Author.ID), AuthorName: b.Author.Name, Editors: string(editors),
		SubmittedByID: string(b.SubmittedBy.ID), SubmittedByName: b.SubmittedBy.Name,
		ApprovedByID: string(b.ApprovedBy.ID), ApprovedByName: b.ApprovedBy.Name, ApprovedHash: b.ApprovedHash, Reason: db.Clean(b.Reason, 0),
		DueAt: db.Millis(b.DueAt), CreatedAt: db.Millis(b.CreatedAt), UpdatedAt: db.Millis(b.UpdatedAt),
		StartedAt: db.Millis(b.StartedAt), FinishedAt: db.Millis(b.FinishedAt),
	}, errors.Join(err1, err2, err3)
}

func (j joined) broadcast() (broadcast.Broadcast, error) {
	r := j.Row
	var message messageJSON
	var audience audienceJSON
	var editors []broadcast.EntraID
	err := errors.Join(json.Unmarshal([]byte(r.Message), &message), json.Unmarshal([]byte(r.Audience), &audience), json.Unmarshal([]byte(r.Editors), &editors))
	if err != nil {
		return broadcast.Broadcast{}, fmt.Errorf("broadcast %s cannot be read: %w", r.ID, err)
	}
	return broadcast.Broadcast{
		ID: broadcast.ID(r.ID), State: broadcast.State(r.State), Revision: r.Revision,
		Message: broadcast.Message{
			Title: message.Title, Body: message.Body, ImageURL: message.ImageURL, ImageAlt: message.ImageAlt,
			Buttons: db.Each(message.Buttons, func(b buttonJSON) broadcast.Button { return broadcast.Button(b) }),
		},
		Audience: broadcast.Audience{Everyone: audience.Everyone, Groups: db.Each(audience.Groups, func(g groupJSON) broadcast.Group { return broadcast.Group(g) })},
		Author:   db.ActorRef(r.AuthorID, r.AuthorName), Editors: editors,
		SubmittedBy: db.ActorRef(r.SubmittedByID, r.SubmittedByName), ApprovedBy: db.ActorRef(r.ApprovedByID, r.ApprovedByName),
		ApprovedHash: r.ApprovedHash, Reason: r.Reason,
		DueAt: db.Moment(r.DueAt), CreatedAt: db.Moment(r.CreatedAt), UpdatedAt: db.Moment(r.UpdatedAt),
		StartedAt: db.Moment(r.StartedAt), FinishedAt: db.Moment(r.FinishedAt),
		Tally: j.Counts.tally(),
	}, nil
}

// Create stores a new broadcast (revision 1) and its first Move.
func (s *Store) Create(ctx context.Context, b *broadcast.Broadcast, m broadcast.Move) error {
	first := *b
	first.Revision = 1
	row, err := rowOfBroadcast(s.db.Tenant(), &first)
	if err != nil {
		return err
	}
	err = s.write(ctx, func(t *tx) error {
		return errors.Join(
			t.ORM.Create(&row).Error,
			t.ORM.Create(&tallyRow{TenantID: s.db.Tenant(), BroadcastID: row.ID}).Error,
			t.move(m, first.ID, 1))
	})
	if errors.Is(err, gorm.ErrDuplicatedKey) {
		return broadcast.Errorf(broadcast.Conflict, "This broadcast is already stored. Reload the page to see it.")
	}
	if err == nil {
		b.Revision = 1
	}
	return err
}

// Broadcast reads one with its tally; *Error NotFound if there is none.
func (s *Store) Broadcast(ctx context.Context, id broadcast.ID) (*broadcast.Broadcast, error) {
	return s.read(ctx).broadcast(id)
}

// joined is a broadcast's row beside its tally's.
type joined struct {
	Row    broadcastRow `gorm:"embedded"`
	Counts tallyCounts  `gorm:"embedded"`
}

const selectBroadcasts = `SELECT b.*, ` + countColumns + ` FROM broadcasts b
	JOIN tallies y ON y.tenant_id = b.tenant_id AND y.broadcast_id = b.id WHERE b.tenant_id = @tenant `

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
	var stored *broadcast.Broadcast
	err = s.write(ctx, func(t *tx) error {
		res := t.ORM.Model(&broadcastRow{}).Select("*").Omit("tenant_id", "id", "created_at").
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
		if err := t.move(c.Move, next.ID, next.Revision); err != nil {
			return err
		}
		t.HandOut(c.Works...)
		var err error
		stored, err = t.broadcast(next.ID)
		return err
	})
	if err != nil {
		return nil, err
	}
	if c.Before.State == broadcast.Resolving && stored.State == broadcast.Sending {
		s.db.Analyze(ctx, "deliveries", "chunks", "installations")
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

// Tally reads only state and tally: two look-ups by key.
func (s *Store) Tally(ctx context.Context, id broadcast.ID) (broadcast.State, broadcast.Tally, error) {
	var row struct {
		State  string
		Counts tallyCounts `gorm:"embedded"`
	}
	n, err := s.read(ctx).Scan(&row, `SELECT b.state, `+countColumns+` FROM broadcasts b JOIN tallies y ON y.tenant_id = b.tenant_id AND y.broadcast_id = b.id
		WHERE b.tenant_id = @tenant AND b.id = @id `, db.Args{"id": string(id)})
	if err == nil && n == 0 {
		err = broadcast.Errorf(broadcast.NotFound, "There is no such broadcast.")
	}
	return broadcast.State(row.State), row.Counts.tally(), err
}

// Due finds scheduled broadcasts whose time has come.
func (s *Store) Due(ctx context.Context) ([]broadcast.ID, error) {
	return s.ids(ctx, `SELECT id FROM broadcasts WHERE tenant_id = @tenant AND state = 'scheduled' AND due_at <= @now ORDER BY due_at, id`)
}

// Finishable finds sending broadcasts with nothing left.
func (s *Store) Finishable(ctx context.Context) ([]broadcast.ID, error) {
	return s.ids(ctx, `SELECT b.id FROM broadcasts b JOIN tallies y ON y.tenant_id = b.tenant_id AND y.broadcast_id = b.id
		WHERE b.tenant_id = @tenant AND b.state = 'sending' AND y.pending + y.ready = 0 ORDER BY b.id`)
}

func (s *Store) ids(ctx context.Context, stmt string) ([]broadcast.ID, error) {
	var ids []broadcast.ID
	_, err := s.read(ctx).Scan(&ids, stmt, db.Args{"now": db.Millis(s.db.Now())})
	return ids, err
}
