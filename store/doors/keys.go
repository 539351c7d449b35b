package doors

import (
	"context"
	"strings"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/store/db"
)

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
		ID: broadcast.ID(r.ID), Name: r.Name, Hash: r.Hash, Owner: db.ActorRef(r.OwnerID, r.OwnerName), Roles: roles,
		CreatedAt: db.Moment(r.CreatedAt), LastUsedAt: db.Moment(r.LastUsedAt), RevokedAt: db.Moment(r.RevokedAt),
	}
}

// SaveKey stores a new key.
func (s Doors) SaveKey(ctx context.Context, k broadcast.Key) error {
	roles := strings.Join(db.Each(k.Roles, func(r broadcast.Role) string { return string(r) }), " ")
	return s.db.Alone(ctx).ORM.Create(&keyRow{
		TenantID: s.db.Tenant(), ID: string(k.ID), Hash: k.Hash, Name: k.Name, OwnerID: string(k.Owner.ID), OwnerName: k.Owner.Name, Roles: roles,
		CreatedAt: db.Millis(k.CreatedAt), LastUsedAt: db.Millis(k.LastUsedAt), RevokedAt: db.Millis(k.RevokedAt),
	}).Error
}

// KeyByHash finds a key that is not revoked; *Error NotFound if there is none, or
// if the directory says that its owner's account is disabled or deleted: who may
// no longer sign in may not go on through a program.
func (s Doors) KeyByHash(ctx context.Context, hash string) (broadcast.Key, error) {
	var row keyRow
	n, err := s.db.Read(ctx).Scan(&row, `SELECT * FROM api_keys WHERE tenant_id = @tenant AND hash = @hash AND revoked_at = 0
		AND NOT EXISTS (SELECT 1 FROM people p WHERE p.tenant_id = api_keys.tenant_id AND p.entra_id = api_keys.owner_id AND (p.deleted OR NOT p.enabled))`, db.Args{"hash": hash})
	if err == nil && n == 0 {
		err = noKey()
	}
	return row.key(), err
}

func noKey() error {
	return broadcast.Errorf(broadcast.NotFound, "There is no such key. It may have been revoked; make a new one.")
}

// Keys lists an owner's keys, or everybody's for "", the newest first, revoked
// ones too.
func (s Doors) Keys(ctx context.Context, owner broadcast.EntraID) ([]broadcast.Key, error) {
	var rows []keyRow
	_, err := s.db.Read(ctx).Scan(&rows, `SELECT * FROM api_keys WHERE tenant_id = @tenant AND (@owner = '' OR owner_id = @owner ) ORDER BY id DESC`, db.Args{"owner": string(owner)})
	return db.Each(rows, keyRow.key), err
}

// RevokeKey ends one of the owner's keys, or anybody's for ""; *Error NotFound if
// it is not theirs. One that was revoked keeps its first time.
func (s Doors) RevokeKey(ctx context.Context, owner broadcast.EntraID, id broadcast.ID, at time.Time) error {
	n, err := s.db.Alone(ctx).Exec(`UPDATE api_keys SET revoked_at = CASE WHEN revoked_at = 0 THEN @at ELSE revoked_at END WHERE tenant_id = @tenant AND (@owner = '' OR owner_id = @owner ) AND id = @id `,
		db.Args{"at": db.Millis(at), "owner": string(owner), "id": string(id)})
	if err == nil && n == 0 {
		err = noKey()
	}
	return err
}

// TouchKey notes when a key was last used.
func (s Doors) TouchKey(ctx context.Context, id broadcast.ID, at time.Time) error {
	_, err := s.db.Alone(ctx).Exec(`UPDATE api_keys SET last_used_at = @at WHERE tenant_id = @tenant AND id = @id AND last_used_at < @at `, db.Args{"at": db.Millis(at), "id": string(id)})
	return err
}
