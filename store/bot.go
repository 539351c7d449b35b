package store

import (
	"context"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/store/db"
)

// BotAdded stores a person's address, marks the bot installed and makes what is
// pending for them ready, asking the engine for hands, in one transaction. It
// brings removed and blocked people back: the event is their own doing.
func (s *Store) BotAdded(ctx context.Context, id broadcast.EntraID, at broadcast.ConversationReference) error {
	return s.write(ctx, func(t *tx) error {
		if err := t.Turn(turnRoll, false); err != nil {
			return err
		}
		waiting, err := t.lockWaiting([]broadcast.EntraID{id})
		if err != nil {
			return err
		}
		if err := t.learnAddress(id, at); err != nil {
			return err
		}
		return t.makeReady(waiting)
	})
}

// learnAddress marks the bot installed at an address. The fence grows: whatever a
// Graph call in hand is about to say of this person is older than this. A detail
// the address does not bring (an account ID, mostly) is kept.
func (t *tx) learnAddress(id broadcast.EntraID, at broadcast.ConversationReference) error {
	_, err := t.Exec(`INSERT INTO installations (tenant_id, entra_id, state, reason, detail, attempts, not_before, fence, leased_until, service_url, conversation_id, channel_account_id, updated_at)
		VALUES (@tenant , @person , 'installed', '', '', 0, 0, 1, 0, @url , @conversation , @account , @now )
		ON CONFLICT (tenant_id, entra_id) DO UPDATE SET state = 'installed', reason = '', detail = '', attempts = 0, not_before = 0,
			fence = installations.fence + 1, leased_until = 0, conversation_id = excluded.conversation_id,
			service_url = CASE WHEN excluded.service_url = '' THEN installations.service_url ELSE excluded.service_url END,
			channel_account_id = CASE WHEN excluded.channel_account_id = '' THEN installations.channel_account_id ELSE excluded.channel_account_id END,
			updated_at = excluded.updated_at`, addressArgs(t.Tx, id, at))
	return err
}

func addressArgs(t *db.Tx, id broadcast.EntraID, at broadcast.ConversationReference) db.Args {
	return db.Args{
		"person": string(id), "url": at.ServiceURL, "conversation": at.ConversationID,
		"account": at.ChannelAccountID, "now": t.NowMillis(),
	}
}

// BotGone marks the bot removed or blocked and skips what waits for the person,
// except deliveries in a worker's hands, in one transaction.
func (s *Store) BotGone(ctx context.Context, id broadcast.EntraID, state broadcast.InstallationState) error {
	return s.write(ctx, func(t *tx) error {
		if err := t.Turn(turnRoll, false); err != nil {
			return err
		}
		return t.botGone([]broadcast.EntraID{id}, state)
	})
}

// botGone forgets the address too: a chat with a removed bot is closed, and a
// bot that comes back tells its address with the event.
func (t *tx) botGone(ids []broadcast.EntraID, state broadcast.InstallationState) error {
	rows, err := db.People(ids)
	if err != nil || len(ids) == 0 {
		return err
	}
	// Chunks before installations: the one order of locks.
	if err := t.skipWaiting(ids, broadcast.Reason(state)); err != nil {
		return err
	}
	_, err = t.Exec(`INSERT INTO installations (tenant_id, entra_id, state, reason, detail, attempts, not_before, fence, leased_until, service_url, conversation_id, channel_account_id, updated_at)
		SELECT @tenant , r.entra_id, CAST(@state AS text), '', '', 0, 0, 1, 0, '', '', '', CAST(@now AS bigint) FROM `+t.Rows("rows", "entra_id text")+` AS r WHERE TRUE
		ON CONFLICT (tenant_id, entra_id) DO UPDATE SET state = excluded.state, reason = '', detail = '', attempts = 0, not_before = 0,
			fence = installations.fence + 1, leased_until = 0, conversation_id = '', updated_at = excluded.updated_at`,
		db.Args{"rows": rows, "state": string(state), "now": t.NowMillis()})
	return err
}

// Seen refreshes a known person's service URL and conversation (protocol C.8). It
// learns nobody's and brings nobody back: that is BotAdded's. Price: nothing is
// written when nothing is new.
func (s *Store) Seen(ctx context.Context, id broadcast.EntraID, at broadcast.ConversationReference) error {
	t := s.db.Alone(ctx)
	_, err := t.Exec(`UPDATE installations SET service_url = @url , conversation_id = @conversation ,
				channel_account_id = CASE WHEN @account = '' THEN channel_account_id ELSE @account END, updated_at = @now
			WHERE tenant_id = @tenant AND entra_id = @person AND conversation_id <> '' AND @conversation <> '' AND @url <> ''
			AND (service_url <> @url OR conversation_id <> @conversation OR (@account <> '' AND channel_account_id <> @account ))`, addressArgs(t, id, at))
	return err
}
