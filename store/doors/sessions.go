package doors

import (
	"context"
	"time"

	"github.com/fanfare/fanfare/store/db"
)

type sessionRow struct {
	TenantID, TokenHash string
	Data                []byte
	ExpiresAt           int64
}

func (sessionRow) TableName() string { return "sessions" }

// Sessions keeps sign-in sessions for scs (its Store, CtxStore and the iterable
// ones). Only a SHA-256 of a token is stored: who reads the database, or a backup
// of it, cannot sign in with what is there.
type Sessions struct{ db *db.DB }

// Sessions are the sign-in sessions.
func (s Doors) Sessions() Sessions { return Sessions{s.db} }

// FindCtx finds a session that has not ended.
func (x Sessions) FindCtx(ctx context.Context, token string) ([]byte, bool, error) {
	var row sessionRow
	n, err := x.db.Read(ctx).Scan(&row, `SELECT * FROM sessions WHERE tenant_id = @tenant AND token_hash = @hash AND expires_at > @now `,
		db.Args{"hash": hashOf(token), "now": db.Millis(x.db.Now())})
	return row.Data, n == 1, err
}

// CommitCtx stores a session until it ends.
func (x Sessions) CommitCtx(ctx context.Context, token string, data []byte, expiry time.Time) error {
	_, err := x.db.Alone(ctx).Exec(`INSERT INTO sessions (tenant_id, token_hash, data, expires_at) VALUES (@tenant , @hash , @data , @expiry )
			ON CONFLICT (tenant_id, token_hash) DO UPDATE SET data = excluded.data, expires_at = excluded.expires_at`,
		db.Args{"hash": hashOf(token), "data": data, "expiry": db.Millis(expiry)})
	return err
}

// DeleteCtx ends a session; ending none is no error.
func (x Sessions) DeleteCtx(ctx context.Context, token string) error {
	_, err := x.db.Alone(ctx).Exec(`DELETE FROM sessions WHERE tenant_id = @tenant AND token_hash = @hash `, db.Args{"hash": hashOf(token)})
	return err
}

// AllCtx reads every session that has not ended, by the hash of its token: the
// tokens themselves are nowhere.
func (x Sessions) AllCtx(ctx context.Context) (map[string][]byte, error) {
	var rows []sessionRow
	_, err := x.db.Read(ctx).Scan(&rows, `SELECT * FROM sessions WHERE tenant_id = @tenant AND expires_at > @now `, db.Args{"now": db.Millis(x.db.Now())})
	all := make(map[string][]byte, len(rows))
	for _, r := range rows {
		all[r.TokenHash] = r.Data
	}
	return all, err
}

// Find is FindCtx for callers without a context.
func (x Sessions) Find(token string) ([]byte, bool, error) {
	return x.FindCtx(context.Background(), token)
}

// Commit is CommitCtx for callers without a context.
func (x Sessions) Commit(token string, data []byte, expiry time.Time) error {
	return x.CommitCtx(context.Background(), token, data, expiry)
}

// Delete is DeleteCtx for callers without a context.
func (x Sessions) Delete(token string) error { return x.DeleteCtx(context.Background(), token) }

// All is AllCtx for callers without a context.
func (x Sessions) All() (map[string][]byte, error) { return x.AllCtx(context.Background()) }
