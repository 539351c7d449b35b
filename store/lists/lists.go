package lists

import (
	"context"
	"strings"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/lists"
	"github.com/fanfare/fanfare/store/db"
)

// Lists remembers lists and saved audiences.
type Lists struct{ db *db.DB }

// New makes it on a database.
func New(d *db.DB) Lists { return Lists{d} }

// listRow is a row of lists.
type listRow struct {
	TenantID, ID, Name, ByID, ByName string
	CreatedAt                        int64 `gorm:"autoCreateTime:false"`
	RowsTotal, RowsFound, People     int
	Ready                            bool
}

func (listRow) TableName() string { return "lists" }

func (r listRow) list() lists.List {
	return lists.List{
		ID: broadcast.ID(r.ID), Name: r.Name, By: db.ActorRef(r.ByID, r.ByName), CreatedAt: db.Moment(r.CreatedAt),
		Rows: r.RowsTotal, Found: r.RowsFound, People: r.People,
	}
}

// rowRow is a row of list_rows, and of the list it is written from.
type rowRow struct {
	TenantID  string `json:"-"`
	ListID    string `json:"-"`
	Line      int    `json:"line"`
	Given     string `json:"given"`
	EntraID   string `json:"entra_id"`
	Problem   string `json:"problem"`
	FirstLine int    `json:"first_line"`
}

func (rowRow) TableName() string { return "list_rows" }

// saveEach is how many rows one statement writes: a transaction each, so that on
// SQLite nobody waits for a whole list.
const saveEach = 4_000

// keepUnready is how long a list that was not written to its end is left alone: its
// writer may still be at it.
const keepUnready = time.Hour

// SaveList stores a list with what became of its rows. Until all are there it is not
// ready, which is to say not there. Price: a statement for each 4,000 rows.
func (s Lists) SaveList(ctx context.Context, l lists.List, outcomes []lists.Outcome) error {
	if err := s.dropUnready(ctx); err != nil {
		return err
	}
	t := s.db.Alone(ctx)
	if _, err := t.Exec(`INSERT INTO lists (tenant_id, id, name, by_id, by_name, created_at, rows_total, rows_found, people, ready)
		VALUES (@tenant , @id , @name , @by , @by_name , @at , @rows , @found , @people , FALSE)`,
		db.Args{
			"id": string(l.ID), "name": l.Name, "by": string(l.By.ID), "by_name": l.By.Name, "at": db.Millis(l.CreatedAt),
			"rows": l.Rows, "found": l.Found, "people": l.People,
		}); err != nil {
		return err
	}
	for from := 0; from < len(outcomes); from += saveEach {
		if err := saveRows(t, l.ID, outcomes[from:min(from+saveEach, len(outcomes))]); err != nil {
			return err
		}
	}
	_, err := t.Exec(`UPDATE lists SET ready = TRUE WHERE tenant_id = @tenant AND id = @id `, db.Args{"id": string(l.ID)})
	return err
}

func saveRows(t *db.Tx, list broadcast.ID, page []lists.Outcome) error {
	rows, err := db.List(db.Each(page, func(o lists.Outcome) rowRow {
		return rowRow{Line: o.Line, Given: db.Clean(o.Text, 0), EntraID: string(o.EntraID), Problem: string(o.Problem), FirstLine: o.FirstLine}
	}))
	if err != nil {
		return err
	}
	_, err = t.Exec(`INSERT INTO list_rows (tenant_id, list_id, line, given, entra_id, problem, first_line)
		SELECT @tenant , @list , r.line, r.given, r.entra_id, r.problem, r.first_line
		FROM `+t.Rows("rows", "line bigint, given text, entra_id text, problem text, first_line bigint")+` AS r WHERE TRUE`,
		db.Args{"list": string(list), "rows": rows})
	return err
}

// lookUpRow is whom a key names, by each of the three ways: IDs with spaces between.
type lookUpRow struct{ Key, ByID, ByUPN, ByMail string }

func (r lookUpRow) match() (m lists.Match) {
	for id := range strings.FieldsSeq(r.ByID + " " + r.ByUPN + " " + r.ByMail) {
		m.Several = m.Several || m.EntraID != "" && m.EntraID != broadcast.EntraID(id)
		m.EntraID = broadcast.EntraID(id)
	}
	return m
}

// keyRow is a key as a statement's parameter.
type keyRow struct {
	Key string `json:"key"`
}

// LookUp finds whom keys name, by ID, or by UPN or mail folded as the databases fold
// (ASCII only). Price: three look-ups for each key, in one statement.
func (s Lists) LookUp(ctx context.Context, keys []string) (map[string]lists.Match, error) {
	rows, err := db.List(db.Each(keys, func(key string) keyRow { return keyRow{key} }))
	if err != nil {
		return nil, err
	}
	var found []lookUpRow
	if _, err := s.db.Read(ctx).Scan(&found, s.lookUp(), db.Args{"rows": rows}); err != nil {
		return nil, err
	}
	out := make(map[string]lists.Match, len(found))
	for _, f := range found {
		if m := f.match(); m.EntraID != "" {
			out[f.Key] = m
		}
	}
	return out, nil
}

// lookUp is the statement of LookUp. Scalar subqueries no planner turns into a join that
// reads everybody; MIN and MAX would be: by walking the primary key until one is found.
// The expressions are those of the indexes people_upn and people_mail.
func (s Lists) lookUp() string {
	collate := ""
	if s.db.Postgres() {
		collate = ` COLLATE "C"`
	}
	by := func(where string) string {
		return `COALESCE((SELECT string_agg(p.entra_id, ' ') FROM people p WHERE p.tenant_id = @tenant AND NOT p.deleted AND ` + where + `), '')`
	}
	return `SELECT r.key, ` + by(`p.entra_id = r.key`) + ` AS by_id, ` + by(`lower(p.upn`+collate+`) = r.key`) + ` AS by_upn, ` +
		by(`p.mail <> '' AND lower(p.mail`+collate+`) = r.key`) + ` AS by_mail FROM ` + s.db.Rows("rows", "key text") + ` AS r`
}

// outcomeRow is a row of a report.
type outcomeRow struct {
	Line                    int
	Given, EntraID, Problem string
	FirstLine               int
	Name, UPN, Excluded     string
}

func (r outcomeRow) outcome() lists.Outcome {
	return lists.Outcome{
		Row: lists.Row{Line: r.Line, Text: r.Given}, EntraID: broadcast.EntraID(r.EntraID), Problem: lists.Problem(r.Problem), FirstLine: r.FirstLine,
		Name: r.Name, UPN: r.UPN, Excluded: broadcast.Reason(r.Excluded),
	}
}

// Report reads one page. Price: one range of list_rows, or of those without anybody.
func (s Lists) Report(ctx context.Context, q lists.ReportQuery) (lists.Report, error) {
	t := s.db.Read(ctx)
	var l listRow
	n, err := t.Scan(&l, `SELECT * FROM lists WHERE tenant_id = @tenant AND id = @id AND ready`, db.Args{"id": string(q.List)})
	if err != nil {
		return lists.Report{}, err
	}
	if n == 0 {
		return lists.Report{}, lists.ErrNoList()
	}
	only := ""
	if q.Filter == lists.Missing {
		only = `AND r.entra_id = '' `
	}
	var rows []outcomeRow
	if _, err := t.Scan(&rows, `SELECT r.line, r.given, r.entra_id, r.problem, r.first_line, COALESCE(p.name, '') AS name, COALESCE(p.upn, '') AS upn, COALESCE(p.excluded, '') AS excluded
		FROM list_rows r LEFT JOIN people p ON p.tenant_id = @tenant AND p.entra_id = r.entra_id
		WHERE r.tenant_id = @tenant AND r.list_id = @list AND r.line > @after `+only+`ORDER BY r.line LIMIT @limit `,
		db.Args{"list": string(q.List), "after": q.After, "limit": q.Limit + 1}); err != nil {
		return lists.Report{}, err
	}
	page := lists.Report{List: l.list()}
	if len(rows) > q.Limit {
		rows = rows[:q.Limit]
		page.Next = rows[q.Limit-1].Line
	}
	page.Outcomes = db.Each(rows, outcomeRow.outcome)
	return page, nil
}

// NewestLists reads the newest.
func (s Lists) NewestLists(ctx context.Context, limit int) ([]lists.List, error) {
	var rows []listRow
	_, err := s.db.Read(ctx).Scan(&rows, `SELECT * FROM lists WHERE tenant_id = @tenant AND ready ORDER BY id DESC LIMIT @limit `, db.Args{"limit": limit})
	return db.Each(rows, listRow.list), err
}

// DropList forgets a list: first that it is there, for everybody at once, then its rows.
func (s Lists) DropList(ctx context.Context, id broadcast.ID) error {
	n, err := s.db.Alone(ctx).Exec(`UPDATE lists SET ready = FALSE WHERE tenant_id = @tenant AND id = @id AND ready`, db.Args{"id": string(id)})
	if err != nil {
		return err
	}
	if n == 0 {
		return lists.ErrNoList()
	}
	return s.drop(ctx, string(id))
}

func (s Lists) dropUnready(ctx context.Context) error {
	var left []string
	if _, err := s.db.Read(ctx).Scan(&left, `SELECT id FROM lists WHERE tenant_id = @tenant AND NOT ready AND created_at < @before `,
		db.Args{"before": db.Millis(s.db.Now().Add(-keepUnready))}); err != nil {
		return err
	}
	for _, id := range left {
		if err := s.drop(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// drop takes a list's rows away, some at a time, and then the list.
func (s Lists) drop(ctx context.Context, id string) error {
	t := s.db.Alone(ctx)
	for {
		n, err := t.Exec(`DELETE FROM list_rows WHERE tenant_id = @tenant AND list_id = @list AND line IN
			(SELECT line FROM list_rows WHERE tenant_id = @tenant AND list_id = @list ORDER BY line LIMIT @limit )`, db.Args{"list": id, "limit": saveEach})
		if err != nil {
			return err
		}
		if n == 0 {
			break
		}
	}
	_, err := t.Exec(`DELETE FROM lists WHERE tenant_id = @tenant AND id = @id AND NOT ready`, db.Args{"id": id})
	return err
}
