package roll

import (
	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/audience"
	"github.com/fanfare/fanfare/store/census"
	"github.com/fanfare/fanfare/store/db"
)

// AddPeople lists people somebody else has found, while the broadcast is resolving.
func (l *List) AddPeople(people []broadcast.Recipient, wave int) error {
	if err := l.unlisted(broadcast.Resolving); err != nil {
		return err
	}
	rows, err := census.Recipients(people)
	if err != nil {
		return err
	}
	_, err = l.add(source{
		rows: `SELECT r.entra_id, r.entra_id AS place, '' AS activity_id, ` + start("r.excluded", l.Late) + `
			FROM ` + l.Rows("rows", "entra_id text, excluded text") + ` AS r LEFT JOIN installations i ON i.tenant_id = @tenant AND i.entra_id = r.entra_id`,
		args: db.Args{"rows": rows}, wave: wave, limit: len(people),
	})
	return err
}

// everyone are the people of the directory when Send was pressed: who came since,
// or came back, is not among them; who was deleted since is.
const everyone = `r.since <= @started AND (NOT r.deleted OR r.updated_at > @started )`

// Count counts the people of an audience, and its channels. Price, for everyone: an
// index of who is there, 0.1 s for a million, and a look at everybody who ever went; else
// a pass over the sets.
func Count(t *db.Tx, id broadcast.ID, f Facts) (int, error) {
	m, err := f.meant(t, string(id))
	if err != nil {
		return 0, err
	}
	stmt := `SELECT count(*) FROM ` + m.People(everyone, false) + ` AS r`
	if m.Is() {
		stmt = `SELECT (SELECT count(*) FROM people WHERE tenant_id = @tenant AND deleted = FALSE AND since <= @started )
			+ (SELECT count(*) FROM people WHERE tenant_id = @tenant AND deleted = TRUE AND since <= @started AND updated_at > @started )`
	}
	var n int
	_, err = t.Scan(&n, `SELECT (`+stmt+`) + (SELECT count(*) FROM `+m.Channels()+` AS channels)`, m.Args(db.Args{"started": f.StartedAt}))
	return n, err
}

// reachable are the columns of a source of people of whom it is known.
const reachable = `'ready' AS state, '' AS reason, '' AS detail, '' AS activity_id`

// AddCanary lists the first people who can be reached, as the first wave, unless
// there is one. Price: a walk over people and installations until they are found;
// a second for a million of whom nobody can be reached.
func (l *List) AddCanary(people int) error {
	return l.addFirst(people, func(m census.Meaning) source {
		return source{
			rows: `SELECT r.entra_id, r.entra_id AS place, ` + reachable + ` FROM ` + m.People(everyone, false) + ` AS r
				WHERE r.excluded = '' AND ` + startNow("r.entra_id", l.Late) + ` = 'ready' ORDER BY r.entra_id LIMIT @limit `,
			args: db.Args{}, limit: people,
		}
	})
}

// AddRing lists those of the audience who are in a ring too, as the first wave,
// unless there is one. The ring's set is the broadcast's.
func (l *List) AddRing(ring audience.Part, most int) error {
	r, err := census.Meant(l.Tx, string(l.ID), audience.Of(ring))
	if err != nil {
		return err
	}
	var size int
	in := r.People("", false)
	if _, err := l.Scan(&size, `SELECT count(*) FROM `+in+` AS ring`, r.Args(db.Args{})); err != nil {
		return err
	}
	if size > most {
		return broadcast.Errorf(broadcast.Invalid, "The group “%s” of the first wave has more than %d people. Choose a smaller one.", ring.Name, most)
	}
	return l.addFirst(size, func(m census.Meaning) source {
		return source{
			rows: `SELECT r.entra_id, r.entra_id AS place, '' AS activity_id, ` + start("r.excluded", l.Late) + ` FROM ` + m.People(everyone, false) + ` AS r
				LEFT JOIN installations i ON i.tenant_id = @tenant AND i.entra_id = r.entra_id
				WHERE r.entra_id IN (SELECT m.entra_id FROM audience_members m WHERE m.tenant_id = @tenant AND m.set_id = @ring )`,
			args: db.Args{"ring": r.Args(db.Args{})["in0"]}, limit: size,
		}
	})
}

// addFirst lists the first wave, of the audience.
func (l *List) addFirst(limit int, of func(census.Meaning) source) error {
	if err := l.unlisted(growing()...); err != nil {
		return err
	}
	var there int
	if _, err := l.Scan(&there, `SELECT count(*) FROM chunks WHERE tenant_id = @tenant AND broadcast_id = @id AND wave = 0`, db.Args{"id": string(l.ID)}); err != nil || limit == 0 {
		return err
	}
	m, err := l.meant(l.Tx, string(l.ID))
	if err != nil || there > 0 {
		return err
	}
	s := of(m)
	s.args["started"] = l.StartedAt
	m.Args(s.args)
	_, err = l.add(s)
	return err
}

// Add lists the people of the audience after one, up to another (Page). Unless it is
// careful, it fails when somebody is on the list already whom it does not expect
// there. Price: one insert.
func (l *List) Add(after, end broadcast.EntraID, careful bool) error {
	if err := l.unlisted(growing()...); err != nil {
		return err
	}
	m, err := l.meant(l.Tx, string(l.ID))
	if err != nil {
		return err
	}
	fresh, err := l.endsBefore(after)
	if err != nil {
		return err
	}
	_, err = l.add(source{
		rows: `SELECT r.entra_id, r.entra_id AS place, '' AS activity_id, ` + start("r.excluded", l.Late) + `
			FROM ` + m.People(everyone, true) + ` AS r LEFT JOIN ` + l.installationsInRange() + ` AS i ON i.entra_id = r.entra_id`,
		args: m.Args(db.Args{"started": l.StartedAt, "after": string(after), "end": string(end)}), wave: 1, limit: page(l.Tx), ranges: true, fresh: fresh && !careful,
	})
	return err
}

// AddChannels lists the channels of the audience, which need no address: a channel is its
// own. What became of it since it was gathered, Teams says when it is written to. Price:
// one insert.
func (l *List) AddChannels() error {
	if err := l.unlisted(growing()...); err != nil {
		return err
	}
	m, err := l.meant(l.Tx, string(l.ID))
	if err != nil {
		return err
	}
	_, err = l.add(source{
		rows: `SELECT c.entra_id, c.entra_id AS place, ` + reachable + ` FROM ` + m.Channels() + ` AS c`,
		args: m.Args(db.Args{}), wave: 1, limit: audience.MaxParts,
	})
	return err
}

// installationsInRange are those after one person up to another. PostgreSQL reads of
// whom can be reached, nearly all, only that they are there: an index says so.
func (l *List) installationsInRange() string {
	const columns, in = `(SELECT entra_id, state, reason, detail, conversation_id`, ` FROM installations WHERE tenant_id = @tenant AND entra_id > @after AND entra_id <= @end `
	if !l.Postgres() {
		return columns + in + `)`
	}
	const there = `(state = 'installed' AND conversation_id <> '') `
	return columns + in + `AND NOT ` + there + `UNION ALL SELECT entra_id, 'installed', '', '', '-'` + in + `AND ` + there + `)`
}

// endsBefore tells whether nobody after a person is on the list: it has no first
// wave, whose people are from anywhere, and who was listed last comes before.
func (l *List) endsBefore(after broadcast.EntraID) (bool, error) {
	var last struct {
		Waves   int
		EntraID string
	}
	n, err := l.Scan(&last, `SELECT (SELECT MIN(w.wave) FROM chunks w WHERE w.tenant_id = @tenant AND w.broadcast_id = @id ) AS waves, d.entra_id
		FROM deliveries d WHERE d.tenant_id = @tenant AND d.broadcast_id = @id
			AND d.id = (SELECT c.last_id FROM chunks c WHERE c.tenant_id = @tenant AND c.broadcast_id = @id ORDER BY c.number DESC LIMIT 1)`, db.Args{"id": string(l.ID)})
	return n == 0 || last.Waves > 0 && last.EntraID <= string(after), err
}

// Page is where the next page of the audience's people ends, "" if nobody is left.
func Page(t *db.Tx, id broadcast.ID, after broadcast.EntraID) (broadcast.EntraID, error) {
	f, err := Read(t, id, "")
	if err != nil {
		return "", err
	}
	m, err := f.meant(t, string(id))
	if err != nil {
		return "", err
	}
	return m.PageEnd(t, after, page(t))
}

// Want makes those people of the audience wanted who need the bot, in a transaction
// of its own, so that events do not wait for it (recheck). It locks nothing: that
// somebody is wanted though the broadcast has moved on does no harm. Price: one join
// of two ranges.
func (l *List) Want(after, end broadcast.EntraID) error {
	if l.Late == broadcast.LateNever || l.unlisted(growing()...) != nil {
		return nil
	}
	m, err := l.meant(l.Tx, string(l.ID))
	if err != nil {
		return err
	}
	if err := l.byRanges(); err != nil {
		return err
	}
	_, err = l.Exec(wanted+`FROM `+m.People(everyone, true)+` AS r WHERE r.excluded = ''
		AND NOT EXISTS (SELECT 1 FROM installations i WHERE i.tenant_id = @tenant AND i.entra_id > @after AND i.entra_id <= @end AND i.entra_id = r.entra_id)
		ORDER BY r.entra_id ON CONFLICT DO NOTHING`,
		m.Args(db.Args{"started": l.StartedAt, "after": string(after), "end": string(end), "now": l.NowMillis()}))
	return err
}

// AddPass lists those of the next page of another broadcast's people who have its
// message or may have it, and returns where it ends, 0 for nobody left. Who has it
// under no known ID cannot be reached, and is listed for honesty's sake.
func (l *List) AddPass(target broadcast.ID, after int64) (int64, error) {
	if err := l.unlisted(growing()...); err != nil {
		return 0, err
	}
	if err := l.passable(target); err != nil {
		return 0, err
	}
	a := db.Args{"target": string(target), "after": after, "page": page(l.Tx), "none": string(broadcast.ReasonNoActivityID)}
	var end int64
	if _, err := l.Scan(&end, `SELECT COALESCE(MAX(id), 0) FROM (SELECT id FROM deliveries WHERE tenant_id = @tenant AND broadcast_id = @target AND id > @after ORDER BY id LIMIT @page ) AS page`, a); err != nil || end == 0 {
		return 0, err
	}
	a["end"] = end
	const known = `CASE WHEN d.state = 'sent' AND d.activity_id <> '' THEN `
	_, err := l.add(source{
		rows: `SELECT d.entra_id, d.id AS place, '' AS detail, ` +
			known + `d.activity_id ELSE '' END AS activity_id, ` + known + `'ready' ELSE 'skipped' END AS state, ` + known + `'' ELSE @none END AS reason
			FROM deliveries d WHERE d.tenant_id = @tenant AND d.broadcast_id = @target AND d.id > @after AND d.id <= @end AND (d.state = 'sent' OR d.maybe_sent)`,
		args: a, wave: 1, limit: page(l.Tx),
	})
	return end, err
}

// passable refuses, for now, while it is not known what becomes of some: chunks
// are in a worker's hands, or people are still to be marked as cancelled.
func (l *List) passable(target broadcast.ID) error {
	a := db.Args{"target": string(target), "now": l.NowMillis()}
	var inHand, left int
	if _, err := l.Scan(&inHand, `SELECT count(*) FROM (SELECT 1 FROM chunks WHERE tenant_id = @tenant AND broadcast_id = @target AND leased_until > @now LIMIT 1) AS one`, a); err != nil {
		return err
	}
	if _, err := l.Scan(&left, `SELECT y.pending + y.ready FROM tallies y JOIN broadcasts b ON b.tenant_id = y.tenant_id AND b.id = y.broadcast_id
		WHERE y.tenant_id = @tenant AND y.broadcast_id = @target AND b.state = 'cancelled'`, a); err != nil {
		return err
	}
	if inHand+left > 0 {
		return broadcast.ErrNotYet
	}
	return nil
}
