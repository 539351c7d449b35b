package census

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/person"
	"github.com/fanfare/fanfare/store/db"
)

// personRow is a row of people, and of the list it is written from.
type personRow struct {
	TenantID   string `json:"-"`
	EntraID    string `json:"entra_id"`
	Name       string `json:"name"`
	UPN        string `json:"upn"`
	Mail       string `json:"mail"`
	Guest      bool   `json:"guest"`
	Enabled    bool   `json:"enabled"`
	Licensed   bool   `json:"licensed"`
	Deleted    bool   `json:"deleted"`
	Excluded   string `json:"-" gorm:"->"` // the database's to say
	Department string `json:"department"`
	Office     string `json:"office"`
	Country    string `json:"country"`
	JobTitle   string `json:"job_title"`
	Language   string `json:"language"`
	Search     string `json:"search"`
	Round      int64  `json:"round"`
	Since      int64  `json:"since"`
	UpdatedAt  int64  `json:"updated_at" gorm:"autoUpdateTime:false"`

	UserType      string `json:"user_type"`
	City          string `json:"city"`
	UsageLocation string `json:"usage_location"`
	// Who knows these is somebody else, so a page of the directory does not write them.
	TimeZone  string `json:"-"`
	ManagerID string `json:"-"`
}

func (personRow) TableName() string { return "people" }

const personColumns = "entra_id text, name text, upn text, mail text, guest boolean, enabled boolean, licensed boolean, deleted boolean, department text, office text, country text, job_title text, language text, search text, round bigint, since bigint, updated_at bigint, user_type text, city text, usage_location text"

// personWordRow is a row of people_words.
type personWordRow struct {
	TenantID string `json:"-"`
	Word     string `json:"word"`
	EntraID  string `json:"entra_id"`
}

func (personWordRow) TableName() string { return "people_words" }

type cursorRow struct {
	TenantID   string
	Link       string
	Round      int64
	FullRead   bool
	FinishedAt int64

	ManagersLink           string
	ManagersAt             int64
	Problem                string
	FailingSince, FailedAt int64
}

func (cursorRow) TableName() string { return "directory_cursors" }

// turnDirectory is the name under which people are written: read, patched and
// written back, so one page at a time.
const turnDirectory = "directory"

// SavePeople stores a page of the directory together with the cursor that has
// passed it; a nil cursor leaves the stored one. Fields that are absent stay as
// they are. Somebody who appears without being deleted is back. Price: four
// statements per page.
func (s Census) SavePeople(ctx context.Context, patches []person.Patch, c *person.Cursor) error {
	return s.db.Write(ctx, func(t *db.Tx) error {
		if err := t.Turn(turnDirectory, true); err != nil {
			return err
		}
		now, err := cursor(t)
		if err != nil {
			return err
		}
		if c != nil {
			now = *c
			if err := saveCursor(t, now); err != nil {
				return err
			}
		}
		if len(patches) == 0 {
			return nil
		}
		return savePatches(t, patches, now.Round)
	})
}

func savePatches(t *db.Tx, patches []person.Patch, round int64) error {
	rows, err := db.People(db.Each(patches, func(p person.Patch) broadcast.EntraID { return p.EntraID }))
	if err != nil {
		return err
	}
	var stored []personRow
	if _, err := t.Scan(&stored, `SELECT p.* FROM people p JOIN `+t.Rows("rows", "entra_id text")+` AS r ON p.entra_id = r.entra_id WHERE p.tenant_id = @tenant `, db.Args{"rows": rows}); err != nil {
		return err
	}
	was, is := map[string]personRow{}, map[string]personRow{}
	for _, p := range stored {
		was[p.EntraID], is[p.EntraID] = p, p
	}
	for _, patch := range patches {
		id := string(patch.EntraID)
		old, known := is[id]
		if patch.Deleted != nil && *patch.Deleted && !known {
			continue // gone before we knew them
		}
		back := !known || old.Deleted
		now := patched(old, patch, round, t.NowMillis())
		switch {
		case !now.Deleted && back:
			now.Since = now.UpdatedAt
		case now.Deleted && old.Deleted:
			now.UpdatedAt = old.UpdatedAt // when they went, which "everyone" at a moment goes by
		}
		is[id] = now
	}
	return upsertPeople(t, was, is)
}

// patched is a person after a patch; two patches of one page apply in order.
func patched(p personRow, patch person.Patch, round, now int64) personRow {
	p.EntraID, p.Round, p.UpdatedAt, p.Deleted = string(patch.EntraID), round, now, false
	for field, value := range map[*string]*string{
		&p.Name: patch.Name, &p.UPN: patch.UPN, &p.Mail: patch.Mail, &p.Department: patch.Department, &p.Office: patch.Office,
		&p.Country: patch.Country, &p.JobTitle: patch.JobTitle, &p.Language: patch.PreferLang, &p.City: patch.City, &p.UsageLocation: patch.UsageLocation,
	} {
		if value != nil {
			*field = db.Clean(*value, 0)
		}
	}
	for field, value := range map[*bool]*bool{&p.Guest: patch.Guest, &p.Enabled: patch.Enabled, &p.Licensed: patch.Licensed, &p.Deleted: patch.Deleted} {
		if value != nil {
			*field = *value
		}
	}
	if patch.Type != nil {
		p.UserType = string(*patch.Type)
	}
	if patch.UPN != nil && patch.Guest == nil { // the name alone: what is left is the type
		p.Guest = p.UserType == string(person.GuestType)
	}
	p.Guest = p.Guest || person.Elsewhere(p.UPN) // the type alone
	p.Search = searchOf(wordsOf(p.Name, p.UPN))
	return p
}

func upsertPeople(t *db.Tx, was, is map[string]personRow) error {
	var rows []personRow
	var added, dropped []personWordRow
	for id, p := range is {
		rows = append(rows, p)
		if p.Search == was[id].Search {
			continue
		}
		before, after := wordsOf(was[id].Search), wordsOf(p.Search)
		added = append(added, wordRows(id, after, before)...)
		dropped = append(dropped, wordRows(id, before, after)...)
	}
	raw, err := db.List(rows)
	if err != nil {
		return err
	}
	if _, err := t.Exec(`INSERT INTO people (tenant_id, entra_id, name, upn, mail, guest, enabled, licensed, deleted, department, office, country, job_title, language, search, round, since, updated_at, user_type, city, usage_location)
		SELECT @tenant , r.entra_id, r.name, r.upn, r.mail, r.guest, r.enabled, r.licensed, r.deleted, r.department, r.office, r.country, r.job_title, r.language, r.search, r.round, r.since, r.updated_at, r.user_type, r.city, r.usage_location
		FROM `+t.Rows("rows", personColumns)+` AS r WHERE TRUE
		ON CONFLICT (tenant_id, entra_id) DO UPDATE SET name = excluded.name, upn = excluded.upn, mail = excluded.mail, guest = excluded.guest,
			enabled = excluded.enabled, licensed = excluded.licensed, deleted = excluded.deleted, department = excluded.department, office = excluded.office,
			country = excluded.country, job_title = excluded.job_title, language = excluded.language, search = excluded.search, round = excluded.round, since = excluded.since, updated_at = excluded.updated_at,
			user_type = excluded.user_type, city = excluded.city, usage_location = excluded.usage_location`,
		db.Args{"rows": raw}); err != nil {
		return err
	}
	words := t.Rows("rows", "word text, entra_id text")
	return errors.Join(
		wordsExec(t, dropped, `DELETE FROM people_words WHERE tenant_id = @tenant AND (word, entra_id) IN (SELECT r.word, r.entra_id FROM `+words+` AS r)`),
		wordsExec(t, added, `INSERT INTO people_words (tenant_id, word, entra_id) SELECT @tenant , r.word, r.entra_id FROM `+words+` AS r WHERE TRUE ON CONFLICT DO NOTHING`))
}

// wordRows are the words in one list and not in the other.
func wordRows(id string, in, notIn []string) []personWordRow {
	var rows []personWordRow
	for _, w := range in {
		if !slices.Contains(notIn, w) {
			rows = append(rows, personWordRow{Word: w, EntraID: id})
		}
	}
	return rows
}

func wordsExec(t *db.Tx, rows []personWordRow, stmt string) error {
	raw, err := db.List(rows)
	if err != nil || len(rows) == 0 {
		return err
	}
	_, err = t.Exec(stmt, db.Args{"rows": raw})
	return err
}

// Cursor is where reading the directory stands; the zero one for never begun.
func (s Census) Cursor(ctx context.Context) (person.Cursor, error) { return cursor(s.db.Read(ctx)) }

// DirectoryAt is when the directory was last read to its end; zero for never.
func (s Census) DirectoryAt(ctx context.Context) (time.Time, error) {
	return DirectoryAt(s.db.Read(ctx))
}

// DirectoryAt is when the directory was last read to its end; zero for never.
func DirectoryAt(t *db.Tx) (time.Time, error) {
	c, err := cursor(t)
	return c.FinishedAt, err
}

func cursorRowOf(t *db.Tx) (row cursorRow, err error) {
	_, err = t.Scan(&row, `SELECT * FROM directory_cursors WHERE tenant_id = @tenant `, nil)
	return row, err
}

func cursor(t *db.Tx) (person.Cursor, error) {
	row, err := cursorRowOf(t)
	return person.Cursor{Link: row.Link, Round: row.Round, Full: row.FullRead, FinishedAt: db.Moment(row.FinishedAt)}, err
}

func saveCursor(t *db.Tx, c person.Cursor) error {
	_, err := t.Exec(`INSERT INTO directory_cursors (tenant_id, link, round, full_read, finished_at) VALUES (@tenant , @link , @round , @full , @finished )
		ON CONFLICT (tenant_id) DO UPDATE SET link = excluded.link, round = excluded.round, full_read = excluded.full_read, finished_at = excluded.finished_at`,
		db.Args{"link": c.Link, "round": c.Round, "full": c.Full, "finished": db.Millis(c.FinishedAt)})
	return err
}

// errNobodyRead stops a full read that ended without a single person from
// deleting everybody.
var errNobodyRead = broadcast.Errorf(broadcast.Conflict, "Microsoft Graph's directory had nobody in it at all, so everybody known is kept. Check that Fanfare is set up for the right tenant and that its app may read users (User.Read.All).")

// EndRound ends a full read: people not seen in c.Round are deleted, and c is
// stored. A round that saw nobody is refused. Price: one pass over people.
func (s Census) EndRound(ctx context.Context, c person.Cursor) error {
	err := s.db.Write(ctx, func(t *db.Tx) error {
		if err := t.Turn(turnDirectory, true); err != nil {
			return err
		}
		var seen, unseen int
		if _, err := t.Scan(&seen, `SELECT count(*) FROM (SELECT 1 FROM people WHERE tenant_id = @tenant AND round = @round LIMIT 1) AS one`, db.Args{"round": c.Round}); err != nil {
			return err
		}
		if _, err := t.Scan(&unseen, `SELECT count(*) FROM (SELECT 1 FROM people WHERE tenant_id = @tenant AND round < @round AND NOT deleted LIMIT 1) AS one`, db.Args{"round": c.Round}); err != nil {
			return err
		}
		if seen == 0 && unseen > 0 {
			return errNobodyRead
		}
		if unseen > 0 {
			if _, err := t.Exec(`UPDATE people SET deleted = TRUE, updated_at = @now WHERE tenant_id = @tenant AND round < @round AND NOT deleted`, db.Args{"round": c.Round, "now": t.NowMillis()}); err != nil {
				return err
			}
		}
		return saveCursor(t, c)
	})
	if err == nil {
		s.db.Analyze(ctx, "people", "people_words")
	}
	return err
}

// PeoplePage reads everybody the directory has, in the order of their IDs.
func (s Census) PeoplePage(ctx context.Context, after broadcast.EntraID, limit int) ([]broadcast.Recipient, error) {
	var page []broadcast.Recipient
	_, err := s.db.Read(ctx).Scan(&page, `SELECT entra_id, excluded FROM people WHERE tenant_id = @tenant AND entra_id > @after AND NOT deleted ORDER BY entra_id LIMIT @limit `,
		db.Args{"after": string(after), "limit": limit})
	return page, err
}

// KnownPeople reads those of the given people the directory has ever had, deleted
// ones with that reason. Price: one look-up each, in one statement; CROSS JOIN
// keeps SQLite from walking all people in the order asked for.
func (s Census) KnownPeople(ctx context.Context, ids []broadcast.EntraID) ([]broadcast.Recipient, error) {
	rows, err := db.People(ids)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	var known []broadcast.Recipient
	_, err = s.db.Read(ctx).Scan(&known, `SELECT p.entra_id, p.excluded FROM `+s.db.Rows("rows", "entra_id text")+` AS r CROSS JOIN people p
		WHERE p.tenant_id = @tenant AND p.entra_id = r.entra_id ORDER BY p.entra_id`, db.Args{"rows": rows})
	return known, err
}
