package places

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/places"
	"github.com/fanfare/fanfare/store/db"
)

const (
	// soon is how long after people joined or left the roster is read: they seldom
	// come alone.
	soon = 10 * time.Second
	// apart is how far apart two readings of a roster are that events ask for.
	apart = 5 * time.Minute
	daily = 24 * time.Hour
)

// Hear stores what an event tells. Price: one look by keys for what tells nothing new,
// which is what nearly all activities in a channel do; else some statements by key in
// one transaction.
func (s Places) Hear(ctx context.Context, e places.Event) error {
	if e.Kind == places.Heard {
		if news, err := s.news(ctx, e); err != nil || !news {
			return err
		}
	}
	return s.db.Write(ctx, func(t *db.Tx) error {
		if e.Place.ID != "" {
			if err := hear(t, e); err != nil {
				return err
			}
		}
		return learn(t, e.People, e.Place.ServiceURL, e.At)
	})
}

// news tells whether anything in an event is not known yet: the place with its service
// URL, the channel, or who spoke.
func (s Places) news(ctx context.Context, e places.Event) (bool, error) {
	want, known := 0, 0
	stmt := `SELECT 0`
	for _, look := range []struct {
		asked bool
		stmt  string
	}{
		{e.Place.ID != "", ` + (SELECT count(*) FROM places WHERE tenant_id = @tenant AND place_id = @place AND service_url = @url AND state IN ('here', 'archived'))`},
		{e.Channel.ID != "", ` + (SELECT count(*) FROM channels WHERE tenant_id = @tenant AND team_id = @place AND channel_id = @channel AND state = 'here')`},
		{e.By.EntraID != "" && e.By.ChannelAccountID != "", ` + (SELECT count(*) FROM accounts WHERE tenant_id = @tenant AND entra_id = @who AND channel_account_id = @account AND service_url = @url)`},
	} {
		if look.asked {
			want++
			stmt += look.stmt
		}
	}
	_, err := s.db.Read(ctx).Scan(&known, stmt, db.Args{
		"place": e.Place.ID, "url": e.Place.ServiceURL, "channel": e.Channel.ID, "who": string(e.By.EntraID), "account": e.By.ChannelAccountID,
	})
	return known < want, err
}

// hear writes the place and its channel, one event of a place at a time, because what
// they become depends on what they are.
func hear(t *db.Tx, e places.Event) error {
	before, err := lockPlace(t, e.Place.ID)
	if err != nil {
		return err
	}
	now := before.After(e)
	if now != before {
		if err := savePlace(t, now); err != nil {
			return err
		}
	}
	if e.Kind == places.BotAdded && now.Readable() && !before.Readable() {
		if err := arrive(t, now.ID, e.At); err != nil {
			return err
		}
	}
	ask := now.Asks(before, e)
	if now.Kind == places.Team {
		fresh, err := hearChannel(t, now, before.ID == "", e)
		if err != nil {
			return err
		}
		ask = ask || fresh && now.Readable()
	}
	switch {
	case ask && (e.Kind == places.Joined || e.Kind == places.Left):
		return askRoster(t, now.ID, soon, apart)
	case ask:
		return askRoster(t, now.ID, 0, apart)
	case now.Kind == places.Team && !now.Readable() && (now.State != before.State || e.Kind == places.TeamHardDeleted):
		return hush(t, now.ID, e.Kind == places.TeamHardDeleted)
	}
	return nil
}

// lockPlace reads a place, which nobody else then writes until the transaction's end;
// the zero Place if nobody knows it.
func lockPlace(t *db.Tx, id string) (places.Place, error) {
	if err := t.Turn("place "+id, true); err != nil {
		return places.Place{}, err
	}
	var row placeRow
	_, err := t.Scan(&row, `SELECT * FROM places WHERE tenant_id = @tenant AND place_id = @place `, db.Args{"place": id})
	return row.place(), err
}

func savePlace(t *db.Tx, p places.Place) error {
	_, err := t.Exec(`INSERT INTO places (tenant_id, place_id, kind, name, search, entra_group_id, service_url, added_by_id, added_by_name, state, named_at, state_at, url_at)
		VALUES (@tenant , @place , @kind , @name , @search , @group , @url , @by , @by_name , @state , @named_at , @state_at , @url_at )
		ON CONFLICT (tenant_id, place_id) DO UPDATE SET name = excluded.name, search = excluded.search, entra_group_id = excluded.entra_group_id,
			service_url = excluded.service_url, added_by_id = excluded.added_by_id, added_by_name = excluded.added_by_name, state = excluded.state,
			named_at = excluded.named_at, state_at = excluded.state_at, url_at = excluded.url_at`,
		db.Args{
			"place": p.ID, "kind": string(p.Kind), "name": p.Name, "search": searchOf(p.Words()), "group": p.EntraGroupID, "url": p.ServiceURL,
			"by": string(p.AddedBy.ID), "by_name": p.AddedBy.Name, "state": string(p.State),
			"named_at": db.Millis(p.NamedAt), "state_at": db.Millis(p.StateAt), "url_at": db.Millis(p.URLAt),
		})
	return err
}

// hearChannel writes the channel an event names, and General with a new team. fresh
// tells of one whose name is still to be learned.
func hearChannel(t *db.Tx, team places.Place, created bool, e places.Event) (fresh bool, err error) {
	var rows []channelRow
	if created && e.Channel.ID != team.ID {
		rows = append(rows, rowOf(places.Channel{ID: team.ID, TeamID: team.ID, State: places.Here, At: e.At}))
	}
	if e.Channel.ID != "" {
		var row channelRow
		if _, err := t.Scan(&row, `SELECT * FROM channels WHERE tenant_id = @tenant AND team_id = @team AND channel_id = @channel `,
			db.Args{"team": team.ID, "channel": e.Channel.ID}); err != nil {
			return false, err
		}
		before := row.channel()
		if now := before.After(e); now != before {
			rows = append(rows, rowOf(now))
			fresh = before.ID == "" && now.Name == "" && !now.General()
		}
	}
	return fresh, saveChannels(t, rows)
}

func saveChannels(t *db.Tx, rows []channelRow) error {
	raw, err := db.List(rows)
	if err != nil || len(rows) == 0 {
		return err
	}
	_, err = t.Exec(`INSERT INTO channels (tenant_id, team_id, channel_id, name, search, state, listed, at)
		SELECT @tenant , r.team_id, r.channel_id, r.name, r.search, r.state, r.listed, r.at FROM `+t.Rows("rows", channelColumns)+` AS r WHERE TRUE
		ON CONFLICT (tenant_id, team_id, channel_id) DO UPDATE SET name = excluded.name, search = excluded.search, state = excluded.state,
			listed = excluded.listed, at = excluded.at`, db.Args{"rows": raw})
	return err
}

// learn keeps how Teams calls people, all served at one address, and lends it to those
// installations that have no address an event told: they are opened with it (protocol
// C.1), or written to at it rather than at the fallback. It changes nobody's state.
// Price: two statements by key for the whole list; nothing is written of what is known.
func learn(t *db.Tx, people []places.Member, serviceURL string, at time.Time) error {
	var rows []accountRow
	for _, m := range people {
		if m.EntraID != "" && m.ChannelAccountID != "" {
			rows = append(rows, accountRow{EntraID: db.Clean(string(m.EntraID), 0), ChannelAccountID: db.Clean(m.ChannelAccountID, 0)})
		}
	}
	// In one order, so that two pages never wait for each other crosswise; each once.
	byID := func(a, b accountRow) int { return cmp.Compare(a.EntraID, b.EntraID) }
	slices.SortStableFunc(rows, byID)
	rows = slices.CompactFunc(rows, func(a, b accountRow) bool { return byID(a, b) == 0 })
	raw, err := db.List(rows)
	if err != nil || len(rows) == 0 || serviceURL == "" {
		return err
	}
	a := db.Args{"rows": raw, "url": serviceURL, "at": db.Millis(at)}
	list := t.Rows("rows", "entra_id text, account text") + ` AS r`
	if _, err := t.Exec(`INSERT INTO accounts (tenant_id, entra_id, channel_account_id, service_url, seen_at)
		SELECT @tenant , r.entra_id, r.account, CAST(@url AS text), CAST(@at AS bigint) FROM `+list+` WHERE TRUE
		ON CONFLICT (tenant_id, entra_id) DO UPDATE SET channel_account_id = excluded.channel_account_id, service_url = excluded.service_url, seen_at = excluded.seen_at
		WHERE excluded.seen_at >= accounts.seen_at AND (accounts.channel_account_id <> excluded.channel_account_id OR accounts.service_url <> excluded.service_url)`, a); err != nil {
		return err
	}
	_, err = t.Exec(`UPDATE installations SET channel_account_id = r.account, service_url = @url FROM `+list+`
		WHERE installations.tenant_id = @tenant AND installations.entra_id = r.entra_id
		AND (installations.channel_account_id = '' OR installations.conversation_id = '')
		AND (installations.channel_account_id <> r.account OR installations.service_url <> @url )`, a)
	return err
}

// Account reads how Teams calls a person and where they are served: as their own chat
// told it if it ever did, which who removes the app does not take back; else as it was
// seen elsewhere.
func (s Places) Account(ctx context.Context, id broadcast.EntraID) (broadcast.ConversationReference, error) {
	var row accountRow
	n, err := s.db.Read(ctx).Scan(&row, `SELECT * FROM (SELECT 0 AS turn, channel_account_id, service_url FROM installations WHERE tenant_id = @tenant AND entra_id = @person AND channel_account_id <> ''
		UNION ALL SELECT 1, channel_account_id, service_url FROM accounts WHERE tenant_id = @tenant AND entra_id = @person ) AS known ORDER BY turn LIMIT 1`, db.Args{"person": string(id)})
	if err == nil && n == 0 {
		err = broadcast.Errorf(broadcast.NotFound, "Nothing has told yet how Teams calls this person. Add the bot to a team they are in, or ask them to write to it.")
	}
	return broadcast.ConversationReference{ServiceURL: row.ServiceURL, ChannelAccountID: row.ChannelAccountID}, err
}
