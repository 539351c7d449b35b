package census

import (
	"context"

	"github.com/fanfare/fanfare/store/db"
)

// Tables are the row types, for the law that they equal the migrated columns.
func Tables() []any {
	return []any{
		personRow{},
		personWordRow{},
		cursorRow{},
		installationRow{},
		audienceSetRow{},
		audienceMemberRow{},
	}
}

// CountOf is how many people p meet a condition.
func CountOf(s Census, where func(t *db.Tx, a db.Args) (string, error)) (int, error) {
	t, a, n := s.db.Read(context.Background()), db.Args{}, 0
	condition, err := where(t, a)
	if err != nil {
		return 0, err
	}
	_, err = t.Scan(&n, `SELECT count(*) FROM people p WHERE p.tenant_id = @tenant AND NOT p.deleted AND `+condition, a)
	return n, err
}
