package store

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/store/census"
	"github.com/fanfare/fanfare/store/db"
)

type broadcastRow struct {
	TenantID    string `gorm:"primaryKey"`
	ID          string `gorm:"primaryKey"`
	State       string
	Revision    int64
	TitleSearch string
	Message     string
	Audience    string

	AuthorID, AuthorName           string
	Editors                        string
	SubmittedByID, SubmittedByName string
	ApprovedByID, ApprovedByName   string
	ApprovedHash                   string
	Reason                         string

	DueAt, CreatedAt, UpdatedAt, StartedAt, FinishedAt int64 `gorm:"autoCreateTime:false;autoUpdateTime:false"`

	Kind, TargetID          string
	Plan                    string
	Priority, Late, Repeats string // of Plan, where statements look at them
	ExpiresAt, LateUntil    int64
	Wave, Expected          int
	ListedAt, RetryAt       int64
	RetryReason             string
	RecalledAt              int64
	Halted                  bool
	LateCount               int
}

func (broadcastRow) TableName() string { return "broadcasts" }

// The stored shapes of message and plan (of the audience: package census). Theirs are names of their own: a
// field renamed in package broadcast must not lose what is stored. An empty list
// and none stay apart, because the approved hash tells them apart.
type (
	messageJSON struct {
		Title    string       `json:"title"`
		Body     string       `json:"body"`
		ImageURL string       `json:"image_url"`
		ImageAlt string       `json:"image_alt"`
		Buttons  []buttonJSON `json:"buttons"`
	}
	buttonJSON struct {
		Title string `json:"title"`
		URL   string `json:"url"`
	}
	groupJSON struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	}
	// planJSON leaves out what is as usual; times are Unix milliseconds.
	planJSON struct {
		Priority         string    `json:"priority,omitempty"`
		ExpiresAt        int64     `json:"expires_at,omitempty"`
		CanaryPeople     int       `json:"canary_people,omitempty"`
		CanaryGroup      groupJSON `json:"canary_group,omitzero"`
		CanaryAuto       bool      `json:"canary_auto,omitempty"`
		MaxFailedPercent int       `json:"max_failed_percent,omitempty"`
		Late             string    `json:"late,omitempty"`
		LateUntil        int64     `json:"late_until,omitempty"`
		Repeats          string    `json:"repeats,omitempty"`
	}
)

func planOf(p broadcast.Plan) planJSON {
	return planJSON{
		Priority: string(p.Priority), ExpiresAt: db.Millis(p.ExpiresAt), CanaryPeople: p.Canary.People, CanaryGroup: groupJSON(p.Canary.Group),
		CanaryAuto: p.Canary.Auto, MaxFailedPercent: p.Canary.MaxFailedPercent, Late: string(p.Late), LateUntil: db.Millis(p.LateUntil), Repeats: string(p.Repeats),
	}
}

func (p planJSON) plan() broadcast.Plan {
	return broadcast.Plan{
		Priority: broadcast.Priority(p.Priority), ExpiresAt: db.Moment(p.ExpiresAt),
		Canary: broadcast.Canary{People: p.CanaryPeople, Group: broadcast.Group(p.CanaryGroup), Auto: p.CanaryAuto, MaxFailedPercent: p.MaxFailedPercent},
		Late:   broadcast.Late(p.Late), LateUntil: db.Moment(p.LateUntil), Repeats: broadcast.Repeats(p.Repeats),
	}
}

func rowOfBroadcast(tenant string, b *broadcast.Broadcast) (broadcastRow, error) {
	m := b.Message
	message, err1 := json.Marshal(messageJSON{m.Title, m.Body, m.ImageURL, m.ImageAlt, db.Each(m.Buttons, func(b broadcast.Button) buttonJSON { return buttonJSON(b) })})
	audience, err2 := census.WriteAudience(b.Audience)
	editors, err3 := json.Marshal(b.Editors)
	plan, err4 := json.Marshal(planOf(b.Plan))
	usual := b.Plan.Usual()
	return broadcastRow{
		TenantID: tenant, ID: string(b.ID), State: string(b.State), Revision: b.Revision,
		TitleSearch: strings.ToLower(db.Clean(m.Title, 0)), Message: string(message), Audience: audience,
		AuthorID: string(b.Author.ID), AuthorName: b.Author.Name, Editors: string(editors),
		SubmittedByID: string(b.SubmittedBy.ID), SubmittedByName: b.SubmittedBy.Name,
		ApprovedByID: string(b.ApprovedBy.ID), ApprovedByName: b.ApprovedBy.Name, ApprovedHash: b.ApprovedHash, Reason: db.Clean(b.Reason, 0),
		DueAt: db.Millis(b.DueAt), CreatedAt: db.Millis(b.CreatedAt), UpdatedAt: db.Millis(b.UpdatedAt),
		StartedAt: db.Millis(b.StartedAt), FinishedAt: db.Millis(b.FinishedAt),
		Kind: string(cmp.Or(b.Kind, broadcast.KindAnnouncement)), TargetID: string(b.Target), Plan: string(plan),
		Priority: string(usual.Priority), Late: string(usual.Late), Repeats: string(usual.Repeats), ExpiresAt: db.Millis(usual.ExpiresAt), LateUntil: db.Millis(usual.LateUntil),
		Wave: b.Wave, Expected: b.Expected, ListedAt: db.Millis(b.ListedAt), RetryAt: db.Millis(b.RetryAt), RetryReason: string(b.RetryReason),
		RecalledAt: db.Millis(b.RecalledAt), Halted: b.Halted, LateCount: b.LateCount,
	}, errors.Join(err1, err2, err3, err4)
}

func (j joined) broadcast() (broadcast.Broadcast, error) {
	r := j.Row
	var message messageJSON
	var editors []broadcast.EntraID
	var plan planJSON
	audience, err := census.ReadAudience(r.Audience)
	err = errors.Join(err, json.Unmarshal([]byte(r.Plan), &plan), json.Unmarshal([]byte(r.Message), &message), json.Unmarshal([]byte(r.Editors), &editors))
	if err != nil {
		return broadcast.Broadcast{}, fmt.Errorf("broadcast %s cannot be read: %w", r.ID, err)
	}
	return broadcast.Broadcast{
		ID: broadcast.ID(r.ID), State: broadcast.State(r.State), Revision: r.Revision,
		Message: broadcast.Message{
			Title: message.Title, Body: message.Body, ImageURL: message.ImageURL, ImageAlt: message.ImageAlt,
			Buttons: db.Each(message.Buttons, func(b buttonJSON) broadcast.Button { return broadcast.Button(b) }),
		},
		Audience: audience,
		Author:   db.ActorRef(r.AuthorID, r.AuthorName), Editors: editors,
		SubmittedBy: db.ActorRef(r.SubmittedByID, r.SubmittedByName), ApprovedBy: db.ActorRef(r.ApprovedByID, r.ApprovedByName),
		ApprovedHash: r.ApprovedHash, Reason: r.Reason,
		DueAt: db.Moment(r.DueAt), CreatedAt: db.Moment(r.CreatedAt), UpdatedAt: db.Moment(r.UpdatedAt),
		StartedAt: db.Moment(r.StartedAt), FinishedAt: db.Moment(r.FinishedAt),
		Kind: broadcast.BroadcastKind(r.Kind), Target: broadcast.ID(r.TargetID), Plan: plan.plan(), Wave: r.Wave, Expected: r.Expected, ListedAt: db.Moment(r.ListedAt),
		RetryAt: db.Moment(r.RetryAt), RetryReason: broadcast.Reason(r.RetryReason), RecalledAt: db.Moment(r.RecalledAt), Halted: r.Halted, LateCount: r.LateCount,
		Tally: j.Counts.tally(),
	}, nil
}

// joined is a broadcast's row beside its tally's.
type joined struct {
	Row    broadcastRow `gorm:"embedded"`
	Counts tallyCounts  `gorm:"embedded"`
}

const selectBroadcasts = `SELECT b.*, ` + countColumns + ` FROM broadcasts b
	JOIN tallies y ON y.tenant_id = b.tenant_id AND y.broadcast_id = b.id WHERE b.tenant_id = @tenant `
