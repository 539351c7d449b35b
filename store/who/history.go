package who

import (
	"context"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/who"
	"github.com/fanfare/fanfare/store/db"
)

// moveRow is a line of the history, which triggers write (0011_facts.sql).
type moveRow struct {
	TenantID, EntraID     string
	At                    int64
	Event, Reason, Detail string
}

func (moveRow) TableName() string { return "installation_moves" }

// PersonMoves reads the newest lines of somebody's history. Price: one index range.
func (s Who) PersonMoves(ctx context.Context, id broadcast.EntraID, limit int) ([]who.Move, error) {
	var rows []moveRow
	// Within a millisecond in the order in which one statement does things: first the
	// state, then its address.
	_, err := s.db.Read(ctx).Scan(&rows, `SELECT * FROM installation_moves WHERE tenant_id = @tenant AND entra_id = @person
		ORDER BY at DESC, CASE WHEN event = 'addressed' THEN 0 ELSE 1 END LIMIT @limit `, db.Args{"person": string(id), "limit": limit})
	return db.Each(rows, func(r moveRow) who.Move {
		return who.Move{At: db.Moment(r.At), Event: who.Event(r.Event), Reason: broadcast.Reason(r.Reason), Detail: r.Detail}
	}), err
}

// KeepMoves is how long the history is kept, in milliseconds: a year.
const KeepMoves = 366 * 24 * 60 * 60 * 1000

// OldMoves drops a page of the history from before a moment.
const OldMoves = `DELETE FROM installation_moves WHERE tenant_id = @tenant AND (entra_id, at, event) IN
	(SELECT entra_id, at, event FROM installation_moves WHERE tenant_id = @tenant AND at < @year ORDER BY at LIMIT @page )`

// How many broadcasts one statement looks at, and one page.
const (
	lookAtOnce = 200
	lookAtMost = 1_000
)

type receiptRow struct {
	ID        broadcast.ID
	Kind      broadcast.BroadcastKind
	Title     string
	SentState broadcast.State // the broadcast's
	StartedAt int64
	Delivery  int64
	Late      bool
	State     broadcast.DeliveryState
	Reason    broadcast.Reason
	Code      string
	Detail    string
	Attempts  int
	MaybeSent bool
	UpdatedAt int64
}

func (r receiptRow) receipt() who.Receipt {
	return who.Receipt{
		ID: r.ID, Kind: r.Kind, Title: r.Title, Of: r.SentState, StartedAt: db.Moment(r.StartedAt), Delivery: r.Delivery, Late: r.Late && r.Delivery == 0,
		State: r.State, Reason: r.Reason, Code: r.Code, Detail: r.Detail, Attempts: r.Attempts, MaybeSent: r.MaybeSent, UpdatedAt: db.Moment(r.UpdatedAt),
	}
}

// Receipts reads one page of the broadcasts that were sent and what became of them
// at a person. Price: one look-up by unique key for each broadcast it looks at, 1,000
// at most: somebody who is on few lists gets a short page that goes on.
func (s Who) Receipts(ctx context.Context, q who.ReceiptQuery) (who.ReceiptPage, error) {
	var page who.ReceiptPage
	title := `b.message ->> 'title'`
	if s.db.Postgres() {
		title = `CAST(b.message AS json) ->> 'title'`
	}
	t, after := s.db.Read(ctx), q.After
	for looked := 0; looked < lookAtMost; looked += lookAtOnce {
		var rows []receiptRow
		if _, err := t.Scan(&rows, `SELECT b.id, b.kind, `+title+` AS title, b.state AS sent_state, b.started_at,
				b.started_at < (SELECT p.since FROM people p WHERE p.tenant_id = @tenant AND p.entra_id = @person ) AS late,
				COALESCE(d.id, 0) AS delivery, COALESCE(d.state, '') AS state, COALESCE(d.reason, '') AS reason, COALESCE(d.code, '') AS code, COALESCE(d.detail, '') AS detail,
				COALESCE(d.attempts, 0) AS attempts, COALESCE(d.maybe_sent, FALSE) AS maybe_sent, COALESCE(d.updated_at, 0) AS updated_at
			FROM (SELECT id, kind, message, state, started_at FROM broadcasts WHERE tenant_id = @tenant AND started_at > 0 AND (@after = '' OR id < @after ) ORDER BY id DESC LIMIT @look ) AS b
			LEFT JOIN deliveries d ON d.tenant_id = @tenant AND d.broadcast_id = b.id AND d.entra_id = @person
			ORDER BY b.id DESC`, db.Args{"person": string(q.Person), "after": string(after), "look": lookAtOnce}); err != nil {
			return page, err
		}
		for _, r := range rows {
			if r.Delivery > 0 || q.All {
				if len(page.Receipts) == q.Limit {
					page.Next = after
					return page, nil
				}
				page.Receipts = append(page.Receipts, r.receipt())
			}
			after = r.ID
		}
		if len(rows) < lookAtOnce {
			return page, nil
		}
	}
	page.Next = after
	return page, nil
}
