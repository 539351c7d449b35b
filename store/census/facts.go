package census

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/audience"
	"github.com/fanfare/fanfare/broadcast/person"
	"github.com/fanfare/fanfare/store/db"
)

// ManagerCursor is where reading who reports to whom stands.
func (s Census) ManagerCursor(ctx context.Context) (person.ManagerCursor, error) {
	row, err := cursorRowOf(s.db.Read(ctx))
	return person.ManagerCursor{Link: row.ManagersLink, FinishedAt: db.Moment(row.ManagersAt)}, err
}

// SaveManagers stores a page of who reports to whom with the cursor that has passed
// it. Price: a look-up each, and a write for each whose manager is another one.
func (s Census) SaveManagers(ctx context.Context, page []person.Report, at person.ManagerCursor) error {
	type row struct {
		EntraID   broadcast.EntraID `json:"entra_id"`
		ManagerID broadcast.EntraID `json:"manager_id"`
	}
	rows := db.Each(page, func(r person.Report) row { return row{r.EntraID, r.Manager} })
	slices.SortFunc(rows, func(a, b row) int { return strings.Compare(string(a.EntraID), string(b.EntraID)) })
	raw, err := db.List(rows)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(t *db.Tx) error {
		if err := t.Turn(turnDirectory, true); err != nil {
			return err
		}
		if _, err := t.Exec(`UPDATE people SET manager_id = r.manager_id FROM `+t.Rows("rows", "entra_id text, manager_id text")+` AS r
			WHERE people.tenant_id = @tenant AND people.entra_id = r.entra_id AND people.manager_id <> r.manager_id`, db.Args{"rows": raw}); err != nil {
			return err
		}
		_, err := t.Exec(`INSERT INTO directory_cursors (tenant_id, link, round, full_read, finished_at, managers_link, managers_at) VALUES (@tenant , '', 0, FALSE, 0, @link , @at )
			ON CONFLICT (tenant_id) DO UPDATE SET managers_link = excluded.managers_link, managers_at = excluded.managers_at`,
			db.Args{"link": at.Link, "at": db.Millis(at.FinishedAt)})
		return err
	})
}

// SyncEnded stores why a sync failed, or that it did not. Price: one statement.
func (s Census) SyncEnded(ctx context.Context, problem string) error {
	t := s.db.Alone(ctx)
	_, err := t.Exec(`INSERT INTO directory_cursors (tenant_id, link, round, full_read, finished_at, problem, failing_since, failed_at)
			SELECT @tenant , '', 0, FALSE, 0, CAST(@problem AS text), CASE WHEN @problem = '' THEN 0 ELSE CAST(@now AS bigint) END, CASE WHEN @problem = '' THEN 0 ELSE CAST(@now AS bigint) END WHERE TRUE
		ON CONFLICT (tenant_id) DO UPDATE SET problem = excluded.problem, failed_at = excluded.failed_at,
			failing_since = CASE WHEN excluded.problem <> '' AND directory_cursors.problem <> '' THEN directory_cursors.failing_since ELSE excluded.failing_since END
			WHERE excluded.problem <> '' OR directory_cursors.problem <> ''`, db.Args{"problem": problem, "now": t.NowMillis()})
	return err
}

// DirectorySync is how reading the directory goes. Price: one look-up.
func (s Census) DirectorySync(ctx context.Context) (person.Sync, error) {
	row, err := cursorRowOf(s.db.Read(ctx))
	return person.Sync{
		FinishedAt: db.Moment(row.FinishedAt), ManagersAt: db.Moment(row.ManagersAt),
		Problem: row.Problem, FailingSince: db.Moment(row.FailingSince), FailedAt: db.Moment(row.FailedAt),
	}, err
}

// maxTimeZone is longer than any name of the IANA database.
const maxTimeZone = 64

// SetTimeZone stores the time zone a person's Teams told (protocol D: localTimezone,
// an IANA name). An empty one says nothing. Price: nothing is written when nothing
// is new.
func (s Census) SetTimeZone(ctx context.Context, id broadcast.EntraID, zone string) error {
	if zone = strings.TrimSpace(zone); zone == "" || len(zone) > maxTimeZone {
		return nil
	}
	_, err := s.db.Alone(ctx).Exec(`UPDATE people SET time_zone = @zone WHERE tenant_id = @tenant AND entra_id = @person AND time_zone <> @zone `,
		db.Args{"person": string(id), "zone": zone})
	return err
}

// Everybody is true of all people alias, and has SQLite pass over them in the order of
// the key: left to itself it takes an index and looks each of them up, for ten times
// the price.
func Everybody(alias string) string { return ` AND ` + alias + `.entra_id > '' ` }

// Below is the condition that people alias are below the manager @name names, whoever
// is between them. A circle ends where it began; the manager is not among them. What
// is followed is only who reports to whom among those whom somebody reports to, an
// eighth of all or so: everybody else is looked up in that set. Price: two passes
// over the index people_manager and one over people (COALESCE keeps SQLite from looking
// each of them up by that index); of 100,000 people a third of a second on SQLite, half
// a second on PostgreSQL.
func Below(alias, name string) string {
	const some = `FROM people m WHERE m.tenant_id = @tenant AND m.manager_id <> '' `
	return alias + `.manager_id <> '' AND ` + alias + `.entra_id <> @` + name + ` AND COALESCE(` + alias + `.manager_id, '') IN (
		WITH RECURSIVE heads (entra_id, manager_id) AS MATERIALIZED (SELECT m.entra_id, m.manager_id ` + some + `AND m.entra_id IN (SELECT m.manager_id ` + some + `)),
			below (entra_id) AS (SELECT m.manager_id ` + some + `AND m.manager_id = @` + name + ` UNION SELECT h.entra_id FROM below b JOIN heads h ON h.manager_id = b.entra_id)
		SELECT entra_id FROM below)`
}

// CountBelow is how many people of the directory are below a manager. Price: see
// Below.
func (s Census) CountBelow(ctx context.Context, manager broadcast.EntraID) (int, error) {
	var n int
	_, err := s.db.Read(ctx).Scan(&n, `SELECT count(*) FROM people p WHERE p.tenant_id = @tenant AND NOT p.deleted AND `+Below("p", "manager"), db.Args{"manager": string(manager)})
	return n, err
}

// Values are the values people of the directory have in a field, with how many have
// each, the commonest first; at most limit. Price: one pass over people.
func (s Census) Values(ctx context.Context, field audience.Field, limit int) ([]audience.Value, error) {
	all, err := values(s.db.Read(ctx), field)
	if err != nil {
		return nil, err
	}
	at := map[string]int{}
	var out []audience.Value
	for _, v := range all { // the commonest spelling comes first, and names all
		key := FoldValue(v.Value)
		if key == "" {
			continue
		}
		if i, known := at[key]; known {
			out[i].Count += v.Count
			continue
		}
		at[key] = len(out)
		out = append(out, audience.Value{Value: strings.TrimSpace(v.Value), Count: v.Count})
	}
	slices.SortStableFunc(out, func(a, b audience.Value) int { return b.Count - a.Count })
	return out[:min(len(out), max(limit, 0))], nil
}

func values(t *db.Tx, field audience.Field) ([]audience.Value, error) {
	if !slices.Contains(audience.Fields(), field) { // the name becomes part of a statement
		return nil, broadcast.Errorf(broadcast.Invalid, "People cannot be chosen by %q.", string(field))
	}
	var all []audience.Value
	_, err := t.Scan(&all, fmt.Sprintf(`SELECT %[1]s AS value, count(*) AS count FROM people WHERE tenant_id = @tenant`+Everybody("people")+` AND NOT deleted GROUP BY %[1]s ORDER BY count(*) DESC, %[1]s`, string(field)), nil)
	return all, err
}

// FoldValue is what two spellings of a value have in common.
func FoldValue(v string) string { return strings.ToLower(strings.TrimSpace(v)) }

// HasValue is the condition that people alias have one of some values in a field,
// whatever the case; its list goes into a under name. Only Go knows the case of
// every letter (a database's lower() may know ASCII's alone), so the spellings
// there are now are found first. Price: one pass over people, once; the condition
// itself is a comparison with some texts.
func HasValue(t *db.Tx, alias string, field audience.Field, of []string, a db.Args, name string) (where string, err error) {
	type spelling struct {
		Value string `json:"value"`
	}
	all, err := values(t, field)
	if err != nil {
		return "", err
	}
	var found []spelling
	for _, v := range all {
		if slices.ContainsFunc(of, func(one string) bool { return FoldValue(one) != "" && FoldValue(one) == FoldValue(v.Value) }) {
			found = append(found, spelling{v.Value})
		}
	}
	if a[name], err = db.List(found); err != nil {
		return "", err
	}
	return alias + `.` + string(field) + ` IN (SELECT r.value FROM ` + t.Rows(name, "value text") + ` AS r)`, nil
}
