package places

import (
	"github.com/fanfare/fanfare/places"
	"github.com/fanfare/fanfare/store/db"
)

// Places is the memory of places.
type Places struct{ db *db.DB }

// New makes it on a database.
func New(d *db.DB) Places { return Places{d} }

type placeRow struct {
	TenantID, PlaceID, Kind    string
	Name, Search, EntraGroupID string
	ServiceURL                 string
	AddedByID, AddedByName     string
	State                      string
	NamedAt, StateAt, URLAt    int64
}

func (placeRow) TableName() string { return "places" }

func (r placeRow) place() places.Place {
	return places.Place{
		Kind: places.Kind(r.Kind), ID: r.PlaceID, Name: r.Name, EntraGroupID: r.EntraGroupID, ServiceURL: r.ServiceURL,
		AddedBy: db.ActorRef(r.AddedByID, r.AddedByName), State: places.State(r.State),
		NamedAt: db.Moment(r.NamedAt), StateAt: db.Moment(r.StateAt), URLAt: db.Moment(r.URLAt),
	}
}

// channelRow is a row of channels, and of the list it is written from.
type channelRow struct {
	TenantID  string `json:"-"`
	TeamID    string `json:"team_id"`
	ChannelID string `json:"channel_id"`
	Name      string `json:"name"`
	Search    string `json:"search"`
	State     string `json:"state"`
	Listed    bool   `json:"listed"`
	At        int64  `json:"at"`
}

func (channelRow) TableName() string { return "channels" }

const channelColumns = "team_id text, channel_id text, name text, search text, state text, listed boolean, at bigint"

func (r channelRow) channel() places.Channel {
	return places.Channel{ID: r.ChannelID, TeamID: r.TeamID, Name: r.Name, State: places.State(r.State), Listed: r.Listed, At: db.Moment(r.At)}
}

func rowOf(c places.Channel) channelRow {
	name := c.Words()
	return channelRow{
		TeamID: db.Clean(c.TeamID, 0), ChannelID: db.Clean(c.ID, 0), Name: db.Clean(c.Name, 0), Search: searchOf(name),
		State: string(c.State), Listed: c.Listed, At: db.Millis(c.At),
	}
}

// accountRow is a row of accounts, and of the list it is written from.
type accountRow struct {
	TenantID         string `json:"-"`
	EntraID          string `json:"entra_id"`
	ChannelAccountID string `json:"account"`
	ServiceURL       string `json:"-"`
	SeenAt           int64  `json:"-"`
}

func (accountRow) TableName() string { return "accounts" }

type rosterRow struct {
	TenantID, TeamID string
	Round            int64
	EntraID          string
}

func (rosterRow) TableName() string { return "rosters" }

type readRow struct {
	TenantID, TeamID        string
	DueAt, AskedAt, BegunAt int64
	Round                   int64
	Cursor                  string
	Whole, ReadAt           int64
	Members, Attempts       int
	Problem                 string
	Fence, LeasedUntil      int64
}

func (readRow) TableName() string { return "roster_reads" }

func (r readRow) roster() places.Roster {
	return places.Roster{Round: r.Whole, ReadAt: db.Moment(r.ReadAt), Members: r.Members, Problem: r.Problem}
}

// searchOf is the column search: every word after a space.
func searchOf(name string) string {
	search := ""
	for _, w := range db.WordsOf(name) {
		search += " " + w
	}
	return search
}
