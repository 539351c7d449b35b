package upkeep

import (
	"sync/atomic"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/store/db"
	"github.com/fanfare/fanfare/upkeep"
)

// Upkeep implements upkeep.Ledger, upkeep.Records and, but for RecordLooks,
// upkeep.Passes.
type Upkeep struct {
	db    *db.DB
	heard *atomic.Int64 // when this process last noted that it is there to hear
}

var (
	_ upkeep.Ledger  = Upkeep{}
	_ upkeep.Records = Upkeep{}
)

// New makes it on a database.
func New(d *db.DB) Upkeep { return Upkeep{d, new(atomic.Int64)} }

type upkeepRow struct {
	TenantID              string
	Repairs               bool
	Since                 int64
	Published             string
	AskedAt               int64
	Trouble, Target       string
	HearingSince, HeardTo int64
}

func (upkeepRow) TableName() string { return "upkeep" }

type passRow struct {
	TenantID                     string
	Number                       int
	State, Cause                 string
	Upgrades                     bool
	Version, ByID, ByName        string
	BegunAt, EndedAt             int64
	Total, Looked                int
	Cursor                       string
	Fence, LeasedUntil, RestTill int64
	Problem                      string
}

func (passRow) TableName() string { return "upkeep_passes" }

func (r passRow) pass() upkeep.Pass {
	return upkeep.Pass{
		Number: r.Number, State: upkeep.State(r.State), Cause: upkeep.Cause(r.Cause), Upgrades: r.Upgrades, Version: r.Version,
		By: db.ActorRef(r.ByID, r.ByName), BegunAt: db.Moment(r.BegunAt), EndedAt: db.Moment(r.EndedAt), Total: r.Total, Looked: r.Looked,
		Problem: r.Problem, RestTill: db.Moment(r.RestTill),
	}
}

type findingRow struct {
	TenantID        string
	Number          int
	Finding, Reason string
	People          int
}

func (findingRow) TableName() string { return "upkeep_findings" }

func (r findingRow) count() upkeep.Count {
	return upkeep.Count{Finding: upkeep.Finding(r.Finding), Reason: broadcast.Reason(r.Reason), People: r.People}
}

type tendedRow struct {
	TenantID, EntraID string
	OfPass            int
	Version           string
	ThereAt           int64
}

func (tendedRow) TableName() string { return "tended" }

type moveRow struct {
	TenantID, ID, What, ByID, ByName string
	At                               int64
}

func (moveRow) TableName() string { return "upkeep_moves" }
