package doors

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/store/db"
)

// Doors is the memory of the doors.
type Doors struct {
	db    *db.DB
	saver *saver
}

// New makes it on a database.
func New(d *db.DB) Doors { return Doors{d, &saver{}} }

type inboxRow struct {
	TenantID                   string
	ID                         int64 `gorm:"primaryKey;autoIncrement"`
	ConversationID, ActivityID string
	Body                       []byte
	ReceivedAt, Attempts       int64
	LeasedUntil, HandledAt     int64
}

func (inboxRow) TableName() string { return "inbox" }

// SaveActivity keeps an activity until it is handled; fresh is false for one that
// is there already, waiting or handled (Teams redelivers, protocol D). One without
// an ID is known by its bytes. Price: a share of a commit (saver).
func (s Doors) SaveActivity(ctx context.Context, in broadcast.Inbound) (fresh bool, err error) {
	return s.saver.save(ctx, s.db, in)
}

// TakeActivities takes up to limit activities, oldest first, until the lease runs
// out. Of one conversation none is taken while an older one is in somebody's
// hands: added-then-removed must not end as added. Price: the index of what waits.
func (s Doors) TakeActivities(ctx context.Context, limit int, lease time.Duration) ([]broadcast.Inbound, error) {
	var rows []inboxRow
	err := s.db.Write(ctx, func(t *db.Tx) error {
		if err := t.Turn("inbox", true); err != nil {
			return err
		}
		now := s.db.Now()
		rows = nil
		_, err := t.Scan(&rows, `WITH due AS MATERIALIZED (
				SELECT x.id FROM inbox x WHERE x.tenant_id = @tenant AND x.handled_at = 0 AND x.leased_until <= @now
				AND NOT EXISTS (SELECT 1 FROM inbox o WHERE o.tenant_id = @tenant AND o.conversation_id = x.conversation_id AND o.handled_at = 0 AND o.id < x.id AND o.leased_until > @now )
				ORDER BY x.id LIMIT @limit )
			UPDATE inbox SET attempts = attempts + 1, leased_until = @until WHERE tenant_id = @tenant AND id IN (SELECT id FROM due) RETURNING *`, db.Args{"until": db.Millis(now.Add(lease)), "now": db.Millis(now), "limit": limit})
		return err
	})
	slices.SortFunc(rows, func(a, b inboxRow) int { return cmp.Compare(a.ID, b.ID) })
	return db.Each(rows, func(r inboxRow) broadcast.Inbound {
		return broadcast.Inbound{ID: r.ID, ConversationID: r.ConversationID, ActivityID: r.ActivityID, Body: r.Body, ReceivedAt: db.Moment(r.ReceivedAt), Attempts: int(r.Attempts)}
	}), err
}

// FinishActivities marks activities handled. What they said is forgotten at once,
// that they came after two days (Clean).
func (s Doors) FinishActivities(ctx context.Context, ids []int64) error {
	if len(ids) == 0 {
		return nil
	}
	_, err := s.db.Alone(ctx).Exec(`UPDATE inbox SET handled_at = @now , body = @nothing WHERE tenant_id = @tenant AND id IN (@ids )`,
		db.Args{"now": db.Millis(s.db.Now()), "nothing": []byte{}, "ids": ids})
	return err
}

// LastHeard is when Teams last sent an activity that was kept and handled, zero if it
// sent none in the last two days (Clean). Price: one row, by inbox_handled; in the order
// of IDs SQLite would sort all of a tenant's.
func (s Doors) LastHeard(ctx context.Context) (time.Time, error) {
	var at int64
	n, err := s.db.Read(ctx).Scan(&at, `SELECT received_at FROM inbox WHERE tenant_id = @tenant AND handled_at > 0 ORDER BY handled_at DESC LIMIT 1`, nil)
	if err != nil || n == 0 {
		return time.Time{}, err
	}
	return db.Moment(at), nil
}

func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
