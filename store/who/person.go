package who

import (
	"context"
	"errors"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/person"
	"github.com/fanfare/fanfare/broadcast/who"
	"github.com/fanfare/fanfare/store/census"
	"github.com/fanfare/fanfare/store/db"
)

// Who reads people one by one.
type Who struct{ db *db.DB }

// New makes it on a database.
func New(d *db.DB) Who { return Who{d} }

// view is a person with what other tables know of them.
type view struct {
	EntraID                                                    broadcast.EntraID
	Name, UPN, Mail                                            string
	UserType                                                   person.Type
	Guest, Enabled, Licensed, Deleted                          bool
	Department, Office, City, Country, UsageLocation, JobTitle string
	Language, TimeZone                                         string
	Since, UpdatedAt                                           int64
	ManagerID                                                  broadcast.EntraID
	ManagerName                                                string
	BotState                                                   broadcast.InstallationState
	BotReason                                                  broadcast.Reason
	BotDetail                                                  string
	BotAttempts                                                int
	BotNotBefore, BotUpdatedAt                                 int64
	Addressed                                                  bool
}

// columns are a view's, over people p and installations i.
const columns = `p.entra_id, p.name, p.upn, p.mail, p.user_type, p.guest, p.enabled, p.licensed, p.deleted, p.department, p.office, p.city, p.country, p.usage_location,
	p.job_title, p.language, p.time_zone, p.since, p.updated_at, p.manager_id,
	COALESCE(i.state, '') AS bot_state, COALESCE(i.reason, '') AS bot_reason, COALESCE(i.detail, '') AS bot_detail, COALESCE(i.attempts, 0) AS bot_attempts,
	COALESCE(i.not_before, 0) AS bot_not_before, COALESCE(i.updated_at, 0) AS bot_updated_at, COALESCE(i.conversation_id, '') <> '' AS addressed`

const joined = ` LEFT JOIN installations i ON i.tenant_id = p.tenant_id AND i.entra_id = p.entra_id `

func (v view) person() who.Person {
	p := who.Person{
		Person: person.Person{
			EntraID: v.EntraID, Name: v.Name, UPN: v.UPN, Mail: v.Mail, Type: v.UserType, Guest: v.Guest, Enabled: v.Enabled, Licensed: v.Licensed, Deleted: v.Deleted,
			Department: v.Department, Office: v.Office, City: v.City, Country: v.Country, UsageLocation: v.UsageLocation, JobTitle: v.JobTitle,
			Language: v.Language, TimeZone: v.TimeZone, Manager: v.ManagerID,
		},
		Manager: broadcast.ActorRef{ID: v.ManagerID, Name: v.ManagerName}, Since: db.Moment(v.Since),
		Bot: who.Bot{
			State: v.BotState, Reason: v.BotReason, Detail: v.BotDetail, Attempts: v.BotAttempts,
			NotBefore: db.Moment(v.BotNotBefore), Addressed: v.Addressed, UpdatedAt: db.Moment(v.BotUpdatedAt),
		},
	}
	if v.Deleted {
		p.GoneAt = db.Moment(v.UpdatedAt)
	}
	return p
}

// Person reads one person, whoever was ever in the directory. Price: six look-ups.
func (s Who) Person(ctx context.Context, id broadcast.EntraID) (who.Person, error) {
	t := s.db.Read(ctx)
	var v view
	n, err := t.Scan(&v, `SELECT `+columns+`, COALESCE(m.name, '') AS manager_name FROM people p`+joined+`
		LEFT JOIN people m ON m.tenant_id = p.tenant_id AND m.entra_id = p.manager_id
		WHERE p.tenant_id = @tenant AND p.entra_id = @person `, db.Args{"person": string(id)})
	if err != nil {
		return who.Person{}, err
	}
	if n == 0 {
		return who.Person{}, who.ErrNobody()
	}
	p, rollout, reason := v.person(), string(broadcast.RolloutIdle), ""
	err = rings(t, &p)
	if err != nil {
		return who.Person{}, err
	}
	_, err = t.Scan(&rollout, `SELECT state FROM rollouts WHERE tenant_id = @tenant `, nil)
	_, halt := t.Scan(&reason, `SELECT reason FROM halts WHERE tenant_id = @tenant AND lifted_at = 0`, nil)
	p.Rollout, p.Halt = broadcast.RolloutState(rollout), broadcast.Reason(reason)
	return p, errors.Join(err, halt)
}

// rings says which ring is somebody's, and which opens next. Nobody is written down for
// the last: it is everybody else's (package store/rings).
func rings(t *db.Tx, p *who.Person) error {
	var all []struct {
		Name  string
		State string
		Mine  bool
	}
	if _, err := t.Scan(&all, `SELECT r.name, r.state, g.entra_id IS NOT NULL AS mine FROM rings r
		LEFT JOIN ring_people g ON g.tenant_id = r.tenant_id AND g.ring_id = r.id AND g.entra_id = @person
		WHERE r.tenant_id = @tenant ORDER BY r.position`, db.Args{"person": string(p.EntraID)}); err != nil {
		return err
	}
	for i, r := range all {
		waits, last := r.State == "waiting", i == len(all)-1
		if r.Mine || last && !waits && p.Ring == "" {
			p.Ring = r.Name
		}
		if waits && p.NextRing == "" {
			p.NextRing = r.Name
		}
	}
	if len(all) < 2 { // everybody at once
		p.Ring, p.NextRing = "", ""
	}
	return nil
}

// FindPeople reads one page. Price: with text that of census.Narrow; else one range
// of people. Rollout, halt and managers' names are left out: a list does not show them.
func (s Who) FindPeople(ctx context.Context, q who.Query) (who.Page, error) {
	t := s.db.Read(ctx)
	a := db.Args{"after": string(q.After), "limit": q.Limit + 1}
	join, where, err := census.Narrow(t, "p", q.Text, a)
	if err != nil || join == "" && where == "" && q.Text != "" {
		return who.Page{}, err // a text without a letter or digit finds nobody
	}
	var rows []view
	if _, err := t.Scan(&rows, `SELECT `+columns+` FROM people p `+join+joined+`WHERE p.tenant_id = @tenant AND p.entra_id > @after `+where+`ORDER BY p.entra_id LIMIT @limit `, a); err != nil {
		return who.Page{}, err
	}
	var page who.Page
	if len(rows) > q.Limit {
		rows = rows[:q.Limit]
		page.Next = rows[q.Limit-1].EntraID
	}
	page.People = db.Each(rows, view.person)
	return page, nil
}
