package store

import (
	"context"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/store/census"
	"github.com/fanfare/fanfare/store/db"
)

type deliveryRow struct {
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

func (deliveryRow) TableName() string { return "deliveries" }

// deliveryView is a delivery with what other tables know of its person.
type deliveryView struct {
	Row                                          deliveryRow `gorm:"embedded"`
	Name, UPN                                    string
	ServiceURL, ConversationID, ChannelAccountID string
	Bot                                          broadcast.InstallationState // where it was asked for
}

func (v deliveryView) delivery() broadcast.Delivery {
	r := v.Row
	return broadcast.Delivery{
		ID: r.ID, EntraID: broadcast.EntraID(r.EntraID), Name: v.Name, UPN: v.UPN, Chunk: r.Chunk,
		State: broadcast.DeliveryState(r.State), Reason: broadcast.Reason(r.Reason), Code: r.Code, Detail: r.Detail,
		Attempts: r.Attempts, NotBefore: db.Moment(r.NotBefore), UpdatedAt: db.Moment(r.UpdatedAt),
		ActivityID: r.ActivityID, MaybeSent: r.MaybeSent,
		Address: broadcast.ConversationReference{ServiceURL: v.ServiceURL, ConversationID: v.ConversationID, ChannelAccountID: v.ChannelAccountID},
	}
}

// tallyCounts are the columns of tallies that count; a law test compares them
// with broadcast.DeliveryStates.
type tallyCounts struct {
	Pending, Ready, Sent, Failed, Skipped, Cancelled, Expired, MaybeRepeated int
}

const countColumns = `y.pending, y.ready, y.sent, y.failed, y.skipped, y.cancelled, y.expired, y.maybe_repeated`

type tallyRow struct {
	TenantID    string
	BroadcastID string
	Counts      tallyCounts `gorm:"embedded"`
}

func (tallyRow) TableName() string { return "tallies" }

func (c tallyCounts) tally() broadcast.Tally {
	t := broadcast.Tally{
		Pending: c.Pending, Ready: c.Ready, Sent: c.Sent, Failed: c.Failed, Skipped: c.Skipped,
		Cancelled: c.Cancelled, Expired: c.Expired, MaybeRepeated: c.MaybeRepeated,
	}
	for _, state := range broadcast.DeliveryStates() {
		t.Total += t.Of(state)
	}
	return t
}

func (c *tallyCounts) add(state broadcast.DeliveryState, n int) {
	t := c.tally()
	t.Add(state, n)
	*c = tallyCounts{t.Pending, t.Ready, t.Sent, t.Failed, t.Skipped, t.Cancelled, t.Expired, t.MaybeRepeated}
}

// Recipients reads one page. Price: see inState, or one index range of a reason;
// see census.Narrow for texts.
func (s *Store) Recipients(ctx context.Context, q broadcast.RecipientQuery) (broadcast.RecipientPage, error) {
	r := s.read(ctx)
	a := db.Args{"id": string(q.BroadcastID), "after": q.After, "limit": q.Limit + 1}
	join, where, err := census.Narrow(r.Tx, "d", q.Text, a)
	if err != nil {
		return broadcast.RecipientPage{}, err
	}
	from := `deliveries d `
	if q.State != "" && q.Reason == "" && q.Text == "" {
		from = `(` + inState(q.State, "", a) + `) AS page CROSS JOIN deliveries d `
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
	var rows []deliveryView
	if _, err := r.Scan(&rows, stmt+`ORDER BY d.id LIMIT @limit `, a); err != nil {
		return broadcast.RecipientPage{}, err
	}
	var page broadcast.RecipientPage
	if len(rows) > q.Limit {
		rows = rows[:q.Limit]
		page.Next = rows[q.Limit-1].Row.ID
	}
	page.Deliveries = db.Each(rows, deliveryView.delivery)
	return page, nil
}

// Reasons counts a broadcast's deliveries by state and reason, only those with a
// reason. Price: the index of those, which leaves out whoever simply got it.
func (s *Store) Reasons(ctx context.Context, id broadcast.ID) ([]broadcast.ReasonCount, error) {
	var counts []broadcast.ReasonCount
	_, err := s.read(ctx).Scan(&counts, `SELECT state, reason, count(*) AS count FROM deliveries
		WHERE tenant_id = @tenant AND broadcast_id = @id AND reason <> '' GROUP BY state, reason ORDER BY count(*) DESC, state, reason`,
		db.Args{"id": string(id)})
	return counts, err
}
