package lists

import (
	"context"
	"errors"
	"strings"

	"gorm.io/gorm"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/lists"
	"github.com/fanfare/fanfare/store/census"
	"github.com/fanfare/fanfare/store/db"
)

// savedRow is a row of saved_audiences.
type savedRow struct {
	TenantID, ID, Name, NameKey, Audience, ByID, ByName string
	CreatedAt                                           int64 `gorm:"autoCreateTime:false"`
}

func (savedRow) TableName() string { return "saved_audiences" }

// SaveAudience stores an audience under a name; *Error Conflict if the name is given.
func (s Lists) SaveAudience(ctx context.Context, a lists.Saved) error {
	parts, err := census.WriteAudience(a.Audience)
	if err != nil {
		return err
	}
	_, err = s.db.Alone(ctx).Exec(`INSERT INTO saved_audiences (tenant_id, id, name, name_key, audience, by_id, by_name, created_at)
		VALUES (@tenant , @id , @name , @key , @audience , @by , @by_name , @at )`,
		db.Args{"id": string(a.ID), "name": a.Name, "key": strings.ToLower(a.Name), "audience": parts, "by": string(a.By.ID), "by_name": a.By.Name, "at": db.Millis(a.CreatedAt)})
	return given(err, a.Name)
}

// given tells that a name is somebody else's.
func given(err error, name string) error {
	if errors.Is(err, gorm.ErrDuplicatedKey) {
		return lists.ErrNameGiven(name)
	}
	return err
}

// SavedAudiences reads all, by name. Price: the whole table, which people fill by hand.
func (s Lists) SavedAudiences(ctx context.Context) ([]lists.Saved, error) {
	var rows []savedRow
	if _, err := s.db.Read(ctx).Scan(&rows, `SELECT * FROM saved_audiences WHERE tenant_id = @tenant ORDER BY name_key`, nil); err != nil {
		return nil, err
	}
	out := make([]lists.Saved, len(rows))
	for i, r := range rows {
		parts, err := census.ReadAudience(r.Audience)
		if err != nil {
			return nil, err
		}
		out[i] = lists.Saved{ID: broadcast.ID(r.ID), Name: r.Name, Audience: parts, By: db.ActorRef(r.ByID, r.ByName), CreatedAt: db.Moment(r.CreatedAt)}
	}
	return out, nil
}

// RenameAudience gives one another name.
func (s Lists) RenameAudience(ctx context.Context, id broadcast.ID, name string) error {
	n, err := s.db.Alone(ctx).Exec(`UPDATE saved_audiences SET name = @name , name_key = @key WHERE tenant_id = @tenant AND id = @id `,
		db.Args{"id": string(id), "name": name, "key": strings.ToLower(name)})
	return there(n, given(err, name))
}

// DropAudience forgets one.
func (s Lists) DropAudience(ctx context.Context, id broadcast.ID) error {
	n, err := s.db.Alone(ctx).Exec(`DELETE FROM saved_audiences WHERE tenant_id = @tenant AND id = @id `, db.Args{"id": string(id)})
	return there(n, err)
}

func there(n int64, err error) error {
	if err == nil && n == 0 {
		return lists.ErrNoAudience()
	}
	return err
}
