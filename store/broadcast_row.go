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
	"github.com/fanfare/fanfare/store/shape"
)

type broadcastRow struct {
	TenantID    string `gorm:"primaryKey"`
	ID          string `gorm:"primaryKey"`
	State       string
	Revision    int64
	TitleSearch string
	Message     string
	Variants    int // of Message, for whoever sends it
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

func rowOfBroadcast(tenant string, b *broadcast.Broadcast) (broadcastRow, error) {
	message, err1 := shape.WriteMessage(b.Message)
	audience, err2 := census.WriteAudience(b.Audience)
	editors, err3 := json.Marshal(b.Editors)
	plan, err4 := shape.WritePlan(b.Plan)
	usual := b.Plan.Usual()
	return broadcastRow{
		TenantID: tenant, ID: string(b.ID), State: string(b.State), Revision: b.Revision,
		TitleSearch: strings.ToLower(db.Clean(b.Message.Title, 0)), Message: message, Variants: len(b.Message.Variants), Audience: audience,
		AuthorID: string(b.Author.ID), AuthorName: b.Author.Name, Editors: string(editors),
		SubmittedByID: string(b.SubmittedBy.ID), SubmittedByName: b.SubmittedBy.Name,
		ApprovedByID: string(b.ApprovedBy.ID), ApprovedByName: b.ApprovedBy.Name, ApprovedHash: b.ApprovedHash, Reason: db.Clean(b.Reason, 0),
		DueAt: db.Millis(b.DueAt), CreatedAt: db.Millis(b.CreatedAt), UpdatedAt: db.Millis(b.UpdatedAt),
		StartedAt: db.Millis(b.StartedAt), FinishedAt: db.Millis(b.FinishedAt),
		Kind: string(cmp.Or(b.Kind, broadcast.KindAnnouncement)), TargetID: string(b.Target), Plan: plan,
		Priority: string(usual.Priority), Late: string(usual.Late), Repeats: string(usual.Repeats), ExpiresAt: db.Millis(usual.ExpiresAt), LateUntil: db.Millis(usual.LateUntil),
		Wave: b.Wave, Expected: b.Expected, ListedAt: db.Millis(b.ListedAt), RetryAt: db.Millis(b.RetryAt), RetryReason: string(b.RetryReason),
		RecalledAt: db.Millis(b.RecalledAt), Halted: b.Halted, LateCount: b.LateCount,
	}, errors.Join(err1, err2, err3, err4)
}

func (j joined) broadcast() (broadcast.Broadcast, error) {
	r := j.Row
	var editors []broadcast.EntraID
	audience, err1 := census.ReadAudience(r.Audience)
	message, err2 := shape.ReadMessage(r.Message)
	plan, err3 := shape.ReadPlan(r.Plan)
	if err := errors.Join(err1, err2, err3, json.Unmarshal([]byte(r.Editors), &editors)); err != nil {
		return broadcast.Broadcast{}, fmt.Errorf("broadcast %s cannot be read: %w", r.ID, err)
	}
	return broadcast.Broadcast{
		ID: broadcast.ID(r.ID), State: broadcast.State(r.State), Revision: r.Revision,
		Message: message, Audience: audience,
		Author: db.ActorRef(r.AuthorID, r.AuthorName), Editors: editors,
		SubmittedBy: db.ActorRef(r.SubmittedByID, r.SubmittedByName), ApprovedBy: db.ActorRef(r.ApprovedByID, r.ApprovedByName),
		ApprovedHash: r.ApprovedHash, Reason: r.Reason,
		DueAt: db.Moment(r.DueAt), CreatedAt: db.Moment(r.CreatedAt), UpdatedAt: db.Moment(r.UpdatedAt),
		StartedAt: db.Moment(r.StartedAt), FinishedAt: db.Moment(r.FinishedAt),
		Kind: broadcast.BroadcastKind(r.Kind), Target: broadcast.ID(r.TargetID), Plan: plan, Wave: r.Wave, Expected: r.Expected, ListedAt: db.Moment(r.ListedAt),
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
