package store

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/fanfare/fanfare/broadcast"
)

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
// an ID is known by its bytes. Price: one commit.
func (s *Store) SaveActivity(ctx context.Context, in broadcast.Inbound) (fresh bool, err error) {
	id := clean(in.ActivityID, 0)
	if id == "" {
		id = "sha256:" + hashOf(string(in.Body))
	}
	var n int64
	err = s.write(ctx, func(t *tx) (err error) {
		n, err = t.exec(`INSERT INTO inbox (tenant_id, conversation_id, activity_id, body, received_at, attempts, leased_until, handled_at)
			VALUES (@tenant , @conversation , @activity , @body , @at , 0, 0, 0) ON CONFLICT DO NOTHING`,
			args{"conversation": clean(in.ConversationID, 0), "activity": id, "body": in.Body, "at": millis(in.ReceivedAt)})
		return err
	})
	return n == 1, err
}

// TakeActivities takes up to limit activities, oldest first, until the lease runs
// out. Of one conversation none is taken while an older one is in somebody's
// hands: added-then-removed must not end as added. Price: the index of what waits.
func (s *Store) TakeActivities(ctx context.Context, limit int, lease time.Duration) ([]broadcast.Inbound, error) {
	var rows []inboxRow
	err := s.write(ctx, func(t *tx) error {
		if err := s.turn(t, "inbox", true); err != nil {
			return err
		}
		now := s.now()
		rows = nil
		_, err := t.scan(&rows, `UPDATE inbox SET attempts = attempts + 1, leased_until = @until WHERE tenant_id = @tenant AND id IN (
				SELECT x.id FROM inbox x WHERE x.tenant_id = @tenant AND x.handled_at = 0 AND x.leased_until <= @now
				AND NOT EXISTS (SELECT 1 FROM inbox o WHERE o.tenant_id = @tenant AND o.conversation_id = x.conversation_id AND o.handled_at = 0 AND o.id < x.id AND o.leased_until > @now )
				ORDER BY x.id LIMIT @limit )
			RETURNING *`, args{"until": millis(now.Add(lease)), "now": millis(now), "limit": limit})
		return err
	})
	slices.SortFunc(rows, func(a, b inboxRow) int { return cmp.Compare(a.ID, b.ID) })
	return each(rows, func(r inboxRow) broadcast.Inbound {
		return broadcast.Inbound{ID: r.ID, ConversationID: r.ConversationID, ActivityID: r.ActivityID, Body: r.Body, ReceivedAt: moment(r.ReceivedAt), Attempts: int(r.Attempts)}
	}), err
}

// FinishActivities marks activities handled. What they said is forgotten at once,
// that they came after two days (Clean).
func (s *Store) FinishActivities(ctx context.Context, ids []int64) error {
	if len(ids) == 0 {
		return nil
	}
	return s.write(ctx, func(t *tx) error {
		_, err := t.exec(`UPDATE inbox SET handled_at = @now , body = @nothing WHERE tenant_id = @tenant AND id IN (@ids )`, args{"now": t.nowMillis(), "nothing": []byte{}, "ids": ids})
		return err
	})
}

type keyRow struct {
	TenantID, ID, Hash, Name         string
	OwnerID, OwnerName, Roles        string
	CreatedAt, LastUsedAt, RevokedAt int64 `gorm:"autoCreateTime:false"`
}

func (keyRow) TableName() string { return "api_keys" }

func (r keyRow) key() broadcast.Key {
	var roles []broadcast.Role
	for name := range strings.FieldsSeq(r.Roles) {
		roles = append(roles, broadcast.Role(name))
	}
	return broadcast.Key{
		ID: broadcast.ID(r.ID), Name: r.Name, Hash: r.Hash, Owner: actor(r.OwnerID, r.OwnerName), Roles: roles,
		CreatedAt: moment(r.CreatedAt), LastUsedAt: moment(r.LastUsedAt), RevokedAt: moment(r.RevokedAt),
	}
}

// SaveKey stores a new key.
func (s *Store) SaveKey(ctx context.Context, k broadcast.Key) error {
	roles := strings.Join(each(k.Roles, func(r broadcast.Role) string { return string(r) }), " ")
	return s.write(ctx, func(t *tx) error {
		return t.db.Create(&keyRow{
			TenantID: s.tenant, ID: string(k.ID), Hash: k.Hash, Name: k.Name, OwnerID: string(k.Owner.ID), OwnerName: k.Owner.Name, Roles: roles,
			CreatedAt: millis(k.CreatedAt), LastUsedAt: millis(k.LastUsedAt), RevokedAt: millis(k.RevokedAt),
		}).Error
	})
}

// KeyByHash finds a key that is not revoked; *Error NotFound if there is none.
func (s *Store) KeyByHash(ctx context.Context, hash string) (broadcast.Key, error) {
	var row keyRow
	n, err := s.read(ctx).scan(&row, `SELECT * FROM api_keys WHERE tenant_id = @tenant AND hash = @hash AND revoked_at = 0`, args{"hash": clean(hash, 0)})
	if err == nil && n == 0 {
		err = noKey()
	}
	return row.key(), err
}

func noKey() error {
	return broadcast.Errorf(broadcast.NotFound, "There is no such key. It may have been revoked; make a new one.")
}

// Keys lists an owner's keys, the newest first, revoked ones too.
func (s *Store) Keys(ctx context.Context, owner broadcast.EntraID) ([]broadcast.Key, error) {
	var rows []keyRow
	_, err := s.read(ctx).scan(&rows, `SELECT * FROM api_keys WHERE tenant_id = @tenant AND owner_id = @owner ORDER BY id DESC`, args{"owner": string(owner)})
	return each(rows, keyRow.key), err
}

// RevokeKey ends one of the owner's keys; *Error NotFound if it is not theirs. One
// that was revoked keeps its first time.
func (s *Store) RevokeKey(ctx context.Context, owner broadcast.EntraID, id broadcast.ID, at time.Time) error {
	return s.write(ctx, func(t *tx) error {
		n, err := t.exec(`UPDATE api_keys SET revoked_at = CASE WHEN revoked_at = 0 THEN @at ELSE revoked_at END WHERE tenant_id = @tenant AND owner_id = @owner AND id = @id `,
			args{"at": millis(at), "owner": string(owner), "id": string(id)})
		if err == nil && n == 0 {
			err = noKey()
		}
		return err
	})
}

// TouchKey notes when a key was last used.
func (s *Store) TouchKey(ctx context.Context, id broadcast.ID, at time.Time) error {
	return s.write(ctx, func(t *tx) error {
		_, err := t.exec(`UPDATE api_keys SET last_used_at = @at WHERE tenant_id = @tenant AND id = @id AND last_used_at < @at `, args{"at": millis(at), "id": string(id)})
		return err
	})
}

func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
