package who

import (
	"context"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/store/db"
)

// LastSent is the newest broadcast that was sent to a person. Price: one look-up
// by unique key for each broadcast, newest first, until one is found.
func (s Who) LastSent(ctx context.Context, id broadcast.EntraID) (broadcast.ID, error) {
	var last string // of a type of our own, GORM does not count the row
	n, err := s.db.Read(ctx).Scan(&last, `SELECT b.id FROM broadcasts b
		JOIN deliveries d ON d.tenant_id = b.tenant_id AND d.broadcast_id = b.id AND d.entra_id = @person
		WHERE b.tenant_id = @tenant AND b.started_at > 0 AND d.state = 'sent' ORDER BY b.id DESC LIMIT 1`, db.Args{"person": string(id)})
	if err == nil && n == 0 {
		err = broadcast.Errorf(broadcast.NotFound, "Nothing has been sent to this person yet.")
	}
	return broadcast.ID(last), err
}

// Address reads where a person can be written to; *Error NotFound if unknown.
func (s Who) Address(ctx context.Context, id broadcast.EntraID) (broadcast.ConversationReference, error) {
	var at broadcast.ConversationReference
	n, err := s.db.Read(ctx).Scan(&at, `SELECT service_url, conversation_id, channel_account_id FROM installations WHERE tenant_id = @tenant AND entra_id = @person AND conversation_id <> ''`, db.Args{"person": string(id)})
	if err == nil && n == 0 {
		err = broadcast.Errorf(broadcast.NotFound, "We do not know yet where to write to this person. Install the app for them, or ask them to write to it.")
	}
	return at, err
}
