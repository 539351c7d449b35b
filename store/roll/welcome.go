package roll

import (
	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/store/db"
)

// WelcomeTurn is the name under which it is looked at which welcome is in use, and that
// is changed.
const WelcomeTurn = "welcome"

// LastWelcome is the welcome that was put into use last, as a look-up.
const LastWelcome = `(SELECT w.id FROM broadcasts w WHERE w.tenant_id = @tenant AND w.kind = 'welcome' AND w.started_at > 0 ORDER BY w.started_at DESC, w.id DESC LIMIT 1)`

// Welcome is the welcome that counts now.
type Welcome struct {
	ID    broadcast.ID // "" if none was ever in use
	State broadcast.State
	// Since is when whoever is welcomed must have come at the earliest: when it was put
	// into use, or 0 if it took the place of one that was in use until then.
	Since int64
}

// LookWelcome reads which that is.
func LookWelcome(t *db.Tx) (Welcome, error) {
	var w Welcome
	_, err := t.Scan(&w, `SELECT b.id, b.state, CASE WHEN EXISTS (SELECT 1 FROM broadcasts o WHERE o.tenant_id = @tenant AND o.kind = 'welcome' AND o.id <> b.id
			AND o.started_at > 0 AND o.started_at <= b.started_at AND (o.finished_at = 0 OR o.finished_at >= b.started_at)) THEN 0 ELSE b.started_at END AS since
		FROM broadcasts b WHERE b.tenant_id = @tenant AND b.id = `+LastWelcome, nil)
	return w, err
}

// Waits tells whether newcomers wait for it: it is about to take them in.
func (w Welcome) Waits() bool { return w.State == broadcast.Resolving || w.State == broadcast.Failed }

// Takes tells whether it takes newcomers in.
func (w Welcome) Takes() bool { return w.State.Live() && !w.Waits() }

// Arrived are those whom the app has reached for the first time and whom nobody has
// looked at yet, limit at most. Price: an index of just these.
func Arrived(t *db.Tx, limit int) (ids []broadcast.EntraID, err error) {
	_, err = t.Scan(&ids, `SELECT n.entra_id FROM newcomers n WHERE n.tenant_id = @tenant AND n.seen_at = 0 ORDER BY n.at, n.entra_id LIMIT @limit `, db.Args{"limit": limit})
	return ids, err
}

// AddArrived puts those of them on the list who came at since or later.
func (l *List) AddArrived(ids []broadcast.EntraID, since int64) error {
	rows, err := db.People(ids)
	if err != nil {
		return err
	}
	_, err = l.add(source{
		rows: `SELECT r.entra_id, r.entra_id AS place, '' AS activity_id, ` + start("COALESCE(p.excluded, '')", l.Late) + `
			FROM ` + l.Rows("rows", "entra_id text") + ` AS r JOIN newcomers n ON n.tenant_id = @tenant AND n.entra_id = r.entra_id AND n.seen_at = 0 AND n.at >= @since
			LEFT JOIN people p ON p.tenant_id = @tenant AND p.entra_id = r.entra_id
			LEFT JOIN installations i ON i.tenant_id = @tenant AND i.entra_id = r.entra_id`,
		args: db.Args{"rows": rows, "since": since}, wave: 1, limit: len(ids),
	})
	return err
}

// Seen notes that they were looked at: nobody is welcomed twice, nor later.
func Seen(t *db.Tx, ids []broadcast.EntraID) error {
	rows, err := db.People(ids)
	if err != nil {
		return err
	}
	_, err = t.Exec(`UPDATE newcomers SET seen_at = @now FROM `+t.Rows("rows", "entra_id text")+` AS r
		WHERE newcomers.tenant_id = @tenant AND newcomers.entra_id = r.entra_id AND newcomers.seen_at = 0`, db.Args{"rows": rows, "now": t.NowMillis()})
	return err
}
