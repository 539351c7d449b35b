package recipients

import (
	"context"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/store/census"
	"github.com/fanfare/fanfare/store/db"
)

// Reader reads lists.
type Reader struct{ db *db.DB }

// New makes it on a database.
func New(d *db.DB) Reader { return Reader{d} }

// DeliveryRow is a row of deliveries.
type DeliveryRow struct {
	TenantID    string
	ID          int64 `gorm:"primaryKey;autoIncrement"`
	BroadcastID string
	EntraID     string
	Chunk       int
	State       string
	Reason      string
	Code        string
	Detail      string
	Attempts    int
	NotBefore   int64
	ActivityID  string
	MaybeSent   bool
	UpdatedAt   int64 `gorm:"autoUpdateTime:false"`
}

func (DeliveryRow) TableName() string { return "deliveries" }

// view is a delivery with what other tables know of its person.
type view struct {
	Row                                          DeliveryRow `gorm:"embedded"`
	Name, UPN                                    string
	ServiceURL, ConversationID, ChannelAccountID string
	Bot                                          broadcast.InstallationState // where it was asked for
}

func (v view) delivery() broadcast.Delivery {
	r := v.Row
	return broadcast.Delivery{
		ID: r.ID, EntraID: broadcast.EntraID(r.EntraID), Name: v.Name, UPN: v.UPN, Chunk: r.Chunk,
		State: broadcast.DeliveryState(r.State), Reason: broadcast.Reason(r.Reason), Code: r.Code, Detail: r.Detail,
		Attempts: r.Attempts, NotBefore: db.Moment(r.NotBefore), UpdatedAt: db.Moment(r.UpdatedAt),
		ActivityID: r.ActivityID, MaybeSent: r.MaybeSent,
		Address: broadcast.ConversationReference{ServiceURL: v.ServiceURL, ConversationID: v.ConversationID, ChannelAccountID: v.ChannelAccountID},
	}
}

// Recipients reads one page. Price: see InState, or one index range of a reason; see
// census.Narrow for texts, and withChannels.
func (s Reader) Recipients(ctx context.Context, q broadcast.RecipientQuery) (broadcast.RecipientPage, error) {
	var page broadcast.RecipientPage
	t, a := s.db.Read(ctx), db.Args{}
	join, where, err := census.Narrow(t, "d", q.Text, a)
	if err != nil {
		return page, err
	}
	rows, err := read(t, q, join, where, a)
	if err == nil {
		rows, err = withChannels(t, q, rows)
	}
	if err != nil {
		return page, err
	}
	if len(rows) > q.Limit {
		rows = rows[:q.Limit]
		page.Next = rows[q.Limit-1].Row.ID
	}
	page.Deliveries = db.Each(rows, view.delivery)
	return page, nil
}

// read reads the rows of a page, and one more if there is one.
func read(t *db.Tx, q broadcast.RecipientQuery, join, where string, a db.Args) (rows []view, err error) {
	a["id"], a["after"], a["limit"] = string(q.BroadcastID), q.After, q.Limit+1
	from := `deliveries d `
	if q.State != "" && q.Reason == "" && q.Text == "" {
		from = `(` + InState(q.State, "", a) + `) AS page CROSS JOIN deliveries d `
		where += `AND d.id = page.id `
	}
	stmt := `SELECT d.*, COALESCE(p.name, '') AS name, COALESCE(p.upn, '') AS upn, i.service_url, i.conversation_id, i.channel_account_id
		FROM ` + from + join + `
		LEFT JOIN people p ON p.tenant_id = d.tenant_id AND p.entra_id = d.entra_id
		LEFT JOIN installations i ON i.tenant_id = d.tenant_id AND i.entra_id = d.entra_id
		WHERE d.tenant_id = @tenant AND d.broadcast_id = @id AND d.id > @after ` + where
	if q.State != "" {
		stmt += `AND d.state = @state `
		a["state"] = string(q.State)
	}
	if q.Reason != "" {
		stmt += `AND d.reason <> '' AND d.reason = @reason `
		a["reason"] = string(q.Reason)
	}
	_, err = t.Scan(&rows, stmt+`ORDER BY d.id LIMIT @limit `, a)
	return rows, err
}

// Reasons counts a broadcast's deliveries by state and reason, only those with a
// reason. Price: the index of those, which leaves out whoever simply got it.
func (s Reader) Reasons(ctx context.Context, id broadcast.ID) ([]broadcast.ReasonCount, error) {
	var counts []broadcast.ReasonCount
	_, err := s.db.Read(ctx).Scan(&counts, `SELECT state, reason, count(*) AS count FROM deliveries
		WHERE tenant_id = @tenant AND broadcast_id = @id AND reason <> '' GROUP BY state, reason ORDER BY count(*) DESC, state, reason`,
		db.Args{"id": string(id)})
	return counts, err
}
