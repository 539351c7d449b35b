package census

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/audience"
	"github.com/fanfare/fanfare/store/db"
)

// audienceSetRow is a row of audience_sets.
type audienceSetRow struct {
	TenantID, ID, Owner, Part string
	BegunAt, ReadAt           int64
	Current                   bool
}

func (audienceSetRow) TableName() string { return "audience_sets" }

// audienceMemberRow is a row of audience_members.
type audienceMemberRow struct{ TenantID, SetID, EntraID string }

func (audienceMemberRow) TableName() string { return "audience_members" }

// NewSet begins a set of a part for an owner.
func (s Census) NewSet(ctx context.Context, owner string, p audience.Part) (string, error) {
	now := s.db.Now()
	id := string(broadcast.NewID(now))
	_, err := s.db.Alone(ctx).Exec(`INSERT INTO audience_sets (tenant_id, id, owner, part, begun_at, read_at, current) VALUES (@tenant , @id , @owner , @part , @now , 0, FALSE)`,
		db.Args{"id": id, "owner": owner, "part": p.Key(), "now": db.Millis(now)})
	return id, err
}

// AddToSet puts people into a set. Price: one insert.
func (s Census) AddToSet(ctx context.Context, set string, people []broadcast.EntraID) error {
	rows, err := db.People(people)
	if err != nil || len(people) == 0 {
		return err
	}
	_, err = s.db.Alone(ctx).Exec(`INSERT INTO audience_members (tenant_id, set_id, entra_id) SELECT @tenant , @set , r.entra_id FROM `+s.db.Rows("rows", "entra_id text")+` AS r WHERE TRUE ON CONFLICT DO NOTHING`,
		db.Args{"rows": rows, "set": set})
	return err
}

// fill puts people into an empty set, each once. In the order of the key, and with no
// look whether they are there already, it takes a quarter of the time.
func (s Census) fill(ctx context.Context, set, people string, a db.Args) error {
	a["set"] = set
	_, err := s.db.Alone(ctx).Exec(`INSERT INTO audience_members (tenant_id, set_id, entra_id) SELECT @tenant , @set , m.entra_id FROM (`+people+`) AS m ORDER BY m.entra_id`, a)
	return err
}

// FillSet puts those into a set who are in a part by what the ledger knows.
func (s Census) FillSet(ctx context.Context, set string, p audience.Part) error {
	switch p.Kind {
	case audience.Person:
		return s.AddToSet(ctx, set, []broadcast.EntraID{broadcast.EntraID(strings.ToLower(p.ID))})
	case audience.Attribute:
		a := db.Args{}
		where, err := HasValue(s.db.Read(ctx), "r", p.Field, p.Values, a, "values")
		if err != nil {
			return err
		}
		return s.fill(ctx, set, `SELECT r.entra_id FROM people r WHERE r.tenant_id = @tenant`+Everybody("r")+`AND NOT r.deleted AND `+where, a)
	case audience.Reports: // and the manager: a head of department is of it
		return s.fill(ctx, set, `SELECT r.entra_id FROM people r WHERE r.tenant_id = @tenant`+Everybody("r")+`AND NOT r.deleted AND (r.entra_id = @manager OR `+Below("r", "manager")+`)`,
			db.Args{"manager": strings.ToLower(p.ID)})
	case audience.List:
		return s.fillFromList(ctx, set, p)
	}
	return fmt.Errorf("store: a set of %q cannot be filled", p.Kind)
}

// largeSet is how many people of one set the database has to know of at once.
const largeSet = 10_000

// KeepSet makes a set, read to its end, the one its owner goes by. Price: a row; a tenth
// of a second more for a large one, so that PostgreSQL expects its people and joins
// them all at once, which is five times faster than one by one.
func (s Census) KeepSet(ctx context.Context, set string) error {
	var people int
	if _, err := s.db.Read(ctx).Scan(&people, `SELECT count(*) FROM (SELECT 1 FROM audience_members WHERE tenant_id = @tenant AND set_id = @set LIMIT @large ) AS m`, db.Args{"set": set, "large": largeSet}); err != nil {
		return err
	}
	if people == largeSet {
		s.db.Analyze(ctx, "audience_members")
	}
	return s.db.Write(ctx, func(t *db.Tx) error {
		var row audienceSetRow
		a := db.Args{"id": set, "now": t.NowMillis()}
		if n, err := t.Scan(&row, `SELECT * FROM audience_sets WHERE tenant_id = @tenant AND id = @id `, a); err != nil || n == 0 {
			return cmp.Or(err, fmt.Errorf("store: set %s is gone", set))
		}
		a["owner"], a["part"] = row.Owner, row.Part
		// Two who read the same part at the same time: the later one counts.
		if err := t.Turn("sets", true); err != nil {
			return err
		}
		if _, err := t.Exec(`UPDATE audience_sets SET current = FALSE WHERE tenant_id = @tenant AND owner = @owner AND part = @part AND current`, a); err != nil {
			return err
		}
		_, err := t.Exec(`UPDATE audience_sets SET current = TRUE, read_at = @now WHERE tenant_id = @tenant AND id = @id `, a)
		return err
	})
}

// SetAt is when reading the owner's set of a part began; zero for never.
func (s Census) SetAt(ctx context.Context, owner string, p audience.Part) (time.Time, error) {
	var at int64
	_, err := s.db.Read(ctx).Scan(&at, `SELECT begun_at FROM audience_sets WHERE tenant_id = @tenant AND owner = @owner AND part = @part AND current`, db.Args{"owner": owner, "part": p.Key()})
	return db.Moment(at), err
}

// How long sets are kept: those nobody goes by, for whoever may be reading them; a
// head-count's; and a broadcast's, which needs them until its list is written.
const (
	keepLoose = time.Hour
	keepOwned = 7 * 24 * time.Hour
)

// DropSets forgets sets that are old, at most so many people of them per transaction,
// and tells whether there may be more. Price: one range of an index.
func (s Census) DropSets(ctx context.Context, limit int) (more bool, err error) {
	err = s.db.Write(ctx, func(t *db.Tx) error {
		more = false
		var old []string
		now := t.NowMillis()
		if _, err := t.Scan(&old, `SELECT id FROM audience_sets WHERE tenant_id = @tenant AND (begun_at < @owned OR begun_at < @loose AND (NOT current OR owner = '')) ORDER BY id LIMIT 1`,
			db.Args{"loose": now - keepLoose.Milliseconds(), "owned": now - keepOwned.Milliseconds()}); err != nil || len(old) == 0 {
			return err
		}
		a := db.Args{"set": old[0], "limit": limit}
		n, err := t.Exec(`DELETE FROM audience_members WHERE tenant_id = @tenant AND set_id = @set AND entra_id IN
			(SELECT entra_id FROM audience_members WHERE tenant_id = @tenant AND set_id = @set ORDER BY entra_id LIMIT @limit )`, a)
		if err != nil {
			return err
		}
		if more = true; n > 0 {
			return nil
		}
		_, err = t.Exec(`DELETE FROM audience_sets WHERE tenant_id = @tenant AND id = @set `, a)
		return err
	})
	return more, err
}

// NameOfPerson is a person's name; *Error NotFound for somebody the directory has not.
func (s Census) NameOfPerson(ctx context.Context, id broadcast.EntraID) (string, error) {
	var name string
	n, err := s.db.Read(ctx).Scan(&name, `SELECT CASE WHEN name = '' THEN upn ELSE name END FROM people WHERE tenant_id = @tenant AND entra_id = @id AND NOT deleted`, db.Args{"id": strings.ToLower(string(id))})
	if err == nil && n == 0 {
		err = broadcast.Errorf(broadcast.NotFound, "This person is not in the directory.")
	}
	return name, err
}
