package scopes

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/scope"
	"github.com/fanfare/fanfare/store/census"
	"github.com/fanfare/fanfare/store/db"
)

// scopeRow is a row of scopes; Person is scope.Default for the default.
type scopeRow struct {
	TenantID, Person, Name, Audience, ByID, ByName string
	At                                             int64
}

func (scopeRow) TableName() string { return "scopes" }

// changeRow is a row of scope_changes: audiences as they were stored, ” for none.
type changeRow struct {
	TenantID, ID, Person, Name, FromAudience, ToAudience, ByID, ByName string
	At                                                                 int64
}

func (changeRow) TableName() string { return "scope_changes" }

// voucherRow is a row of scope_vouchers.
type voucherRow struct {
	TenantID, BroadcastID, Hash, ByID, ByName string
	At                                        int64
}

func (voucherRow) TableName() string { return "scope_vouchers" }

// Scopes implements scope.Ledger and scope.Vouchers.
type Scopes struct{ db *db.DB }

var (
	_ scope.Ledger   = Scopes{}
	_ scope.Vouchers = Scopes{}
)

// New makes it on a database.
func New(d *db.DB) Scopes { return Scopes{d} }

// read is an audience as it was stored. One without parts would bound nobody by
// mistake, so it is unreadable.
func read(raw string) (broadcast.Audience, error) {
	a, err := census.ReadAudience(raw)
	if err == nil && len(a.Mistakes()) > 0 {
		err = errors.New(a.Mistakes()[0])
	}
	if err != nil {
		return a, errors.Join(scope.ErrUnreadable, err)
	}
	return a, nil
}

func (r scopeRow) scope() (scope.Scope, error) {
	a, err := read(r.Audience)
	return scope.Scope{Person: db.ActorRef(r.Person, r.Name), Audience: a, By: db.ActorRef(r.ByID, r.ByName), At: db.Moment(r.At)}, err
}

// Scope implements scope.Ledger. Price: two look-ups.
func (s Scopes) Scope(ctx context.Context, person broadcast.EntraID) (*scope.Scope, error) {
	var row scopeRow
	n, err := s.db.Read(ctx).Scan(&row, `SELECT * FROM scopes WHERE tenant_id = @tenant AND person IN (@person , @default ) ORDER BY person = @default LIMIT 1`,
		db.Args{"person": string(person), "default": string(scope.Default)})
	if err != nil || n == 0 {
		return nil, err
	}
	found, err := row.scope()
	return &found, err
}

// AllScopes implements scope.Ledger. One that makes no sense is shown without parts.
// Price: a pass over broadcasts, of which there are thousands.
func (s Scopes) AllScopes(ctx context.Context) ([]scope.Scope, []broadcast.ActorRef, error) {
	t, a := s.db.Read(ctx), db.Args{"default": string(scope.Default)}
	var rows []scopeRow
	if _, err := t.Scan(&rows, `SELECT * FROM scopes WHERE tenant_id = @tenant ORDER BY person <> @default , name, person`, a); err != nil {
		return nil, nil, err
	}
	all := db.Each(rows, func(r scopeRow) scope.Scope {
		one, err := r.scope()
		if err != nil {
			one.Audience = broadcast.Audience{}
		}
		return one
	})
	var others []struct{ ID, Name string }
	_, err := t.Scan(&others, `SELECT b.author_id AS id, MAX(b.author_name) AS name FROM broadcasts b
		WHERE b.tenant_id = @tenant AND NOT EXISTS (SELECT 1 FROM scopes s WHERE s.tenant_id = b.tenant_id AND s.person = b.author_id) GROUP BY 1 ORDER BY 2, 1`, nil)
	return all, db.Each(others, func(o struct{ ID, Name string }) broadcast.ActorRef { return db.ActorRef(o.ID, o.Name) }), err
}

// ChangeScope implements scope.Ledger. What was before is read in the same
// transaction, so the lines of the audit follow from each other.
func (s Scopes) ChangeScope(ctx context.Context, c scope.Change) error {
	to := ""
	if len(c.To.Parts()) > 0 {
		var err error
		if to, err = census.WriteAudience(c.To); err != nil {
			return err
		}
	}
	return s.db.Write(ctx, func(t *db.Tx) error {
		if err := t.Turn("scopes", true); err != nil {
			return err
		}
		var was scopeRow
		a := db.Args{
			"person": string(c.Person.ID), "name": c.Person.Name, "to": to, "by": string(c.By.ID), "by_name": c.By.Name, "at": db.Millis(c.At),
			"id": string(broadcast.NewID(c.At)),
		}
		n, err := t.Scan(&was, `SELECT * FROM scopes WHERE tenant_id = @tenant AND person = @person `, a)
		if err != nil {
			return err
		}
		stmt := `INSERT INTO scopes (tenant_id, person, name, audience, by_id, by_name, at) VALUES (@tenant , @person , @name , @to , @by , @by_name , @at )
			ON CONFLICT (tenant_id, person) DO UPDATE SET name = excluded.name, audience = excluded.audience, by_id = excluded.by_id, by_name = excluded.by_name, at = excluded.at`
		if to == "" {
			stmt = `DELETE FROM scopes WHERE tenant_id = @tenant AND person = @person `
			if n == 0 {
				return broadcast.Errorf(broadcast.NotFound, "There is no such scope. Somebody may just have deleted it; reload the page.")
			}
		}
		if to == was.Audience {
			return nil
		}
		if _, err := t.Exec(stmt, a); err != nil {
			return err
		}
		a["from"], a["name"] = was.Audience, cmp.Or(c.Person.Name, was.Name)
		_, err = t.Exec(`INSERT INTO scope_changes (tenant_id, id, person, name, from_audience, to_audience, by_id, by_name, at)
			VALUES (@tenant , @id , @person , @name , @from , @to , @by , @by_name , @at )`, a)
		return err
	})
}

// ScopeChanges implements scope.Ledger. Price: the end of an index.
func (s Scopes) ScopeChanges(ctx context.Context, limit int) ([]scope.Change, error) {
	var rows []changeRow
	_, err := s.db.Read(ctx).Scan(&rows, `SELECT * FROM scope_changes WHERE tenant_id = @tenant ORDER BY id DESC LIMIT @limit `, db.Args{"limit": limit})
	return db.Each(rows, changeRow.change), err
}

// change is the line as people read it: what cannot be read any more has no parts.
func (r changeRow) change() scope.Change {
	was := func(raw string) broadcast.Audience {
		a, err := read(raw)
		if err != nil {
			return broadcast.Audience{}
		}
		return a
	}
	return scope.Change{Person: db.ActorRef(r.Person, r.Name), From: was(r.FromAudience), To: was(r.ToAudience), By: db.ActorRef(r.ByID, r.ByName), At: db.Moment(r.At)}
}

// Vouch implements scope.Vouchers.
func (s Scopes) Vouch(ctx context.Context, id broadcast.ID, hash string, by broadcast.ActorRef, at time.Time) error {
	_, err := s.db.Alone(ctx).Exec(`INSERT INTO scope_vouchers (tenant_id, broadcast_id, hash, by_id, by_name, at) VALUES (@tenant , @id , @hash , @by , @name , @at ) ON CONFLICT DO NOTHING`,
		db.Args{"id": string(id), "hash": hash, "by": string(by.ID), "name": by.Name, "at": db.Millis(at)})
	return err
}

// Vouched implements scope.Vouchers.
func (s Scopes) Vouched(ctx context.Context, id broadcast.ID, hash string) (bool, error) {
	var n int
	_, err := s.db.Read(ctx).Scan(&n, `SELECT count(*) FROM scope_vouchers WHERE tenant_id = @tenant AND broadcast_id = @id AND hash = @hash `, db.Args{"id": string(id), "hash": hash})
	return n > 0, err
}
